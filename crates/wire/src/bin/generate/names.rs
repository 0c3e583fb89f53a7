//! Names of the models as names of Rust.

/// `KMSKeyArn` → `kms_key_arn`, `EC2ErrorCode` → `ec2_error_code`, `CodeSha256` → `code_sha256`.
pub fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| chars[before]);
        let next_is_lower = chars.get(index + 1).is_some_and(char::is_ascii_lowercase);
        let starts_word = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || (next_is_lower && before.is_ascii_alphanumeric())
                    || (before.is_ascii_digit() && next_is_lower)
            });
        if starts_word && !out.ends_with('_') {
            out.push('_');
        }
        out.push(if matches!(c, '-' | '.') { '_' } else { c.to_ascii_lowercase() });
    }
    out
}

/// The name of a field: keywords are escaped.
pub fn field(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "as", "async", "await", "box", "const", "dyn", "enum", "extern", "final", "fn", "gen", "impl", "in",
        "loop", "macro", "match", "mod", "move", "override", "priv", "pub", "ref", "return", "static",
        "struct", "trait", "try", "type", "typeof", "union", "unsafe", "use", "virtual", "where", "while",
        "yield",
    ];
    let name = snake(name);
    if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name }
}

/// The name of a type: the model's with a capital.
pub fn type_name(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + chars.as_str(),
        None => String::new(),
    }
}

/// `ResourceNotFoundException` → `resource_not_found`.
pub fn fault(name: &str) -> String {
    field(name.strip_suffix("Exception").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_abbreviations_together() {
        for (name, expected) in [
            ("FunctionName", "function_name"),
            ("KMSKeyArn", "kms_key_arn"),
            ("EC2ErrorCode", "ec2_error_code"),
            ("CodeSha256", "code_sha256"),
            ("S3Bucket", "s3_bucket"),
            ("S3ObjectVersion", "s3_object_version"),
            ("Ipv6AllowedForDualStack", "ipv6_allowed_for_dual_stack"),
            ("ENILimitReached", "eni_limit_reached"),
            ("logStreamNames", "log_stream_names"),
            ("message", "message"),
        ] {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(field("Type"), "r#type");
        assert_eq!(fault("KMSAccessDeniedException"), "kms_access_denied");
    }
}
