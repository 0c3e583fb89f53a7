//! What AWS demands of identity policies beyond the grammar, in the order in which it complains.

use std::collections::HashSet;

use crate::json::Tree;
use crate::{Document, Listed, Malformed, parse};

impl Document {
    /// Reads an inline identity policy. The error is the text of `MalformedPolicyDocument`.
    pub fn identity(text: &str) -> Result<Document, Malformed> {
        let parsed = parse::document(&Tree::read(text).ok_or_else(Malformed::syntax)?)?;
        let document = parsed.document;
        if document.statements.iter().any(|s| s.principals.is_some()) {
            return Err(Malformed("Policy document should not specify a principal.".to_owned()));
        }
        let resources =
            || document.statements.iter().flat_map(|s| s.resources.iter().flat_map(Listed::items));
        if parsed.legacy || resources().any(|r| is_truncated(r.as_str())) {
            return Err(Malformed::legacy());
        }
        sids(&document)?;
        if document.statements.iter().any(|s| s.actions.items().is_empty()) {
            return Err(Malformed("Policy statement must contain actions.".to_owned()));
        }
        for pattern in resources() {
            resource(pattern.as_str())?;
        }
        for pattern in document.statements.iter().flat_map(|s| s.actions.items()) {
            action(pattern.as_str())?;
        }
        if document.statements.iter().any(|s| s.resources.as_ref().is_none_or(|r| r.items().is_empty())) {
            return Err(Malformed("Policy statement must contain resources.".to_owned()));
        }
        Ok(document)
    }
}

/// Sids are alphanumeric, and no two are the same but for the empty one.
pub(crate) fn sids(document: &Document) -> Result<(), Malformed> {
    let mut seen = HashSet::new();
    for sid in document.statements.iter().filter_map(|s| s.sid.as_deref()) {
        if !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Malformed(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
                 expression [0-9A-Za-z]*"
                    .to_owned(),
            ));
        }
        if !sid.is_empty() && !seen.insert(sid) {
            return Err(Malformed("Statement IDs (SID) in a single policy must be unique.".to_owned()));
        }
    }
    Ok(())
}

/// An ARN with fewer than six parts that holds `::`, or has no service.
fn is_truncated(resource: &str) -> bool {
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    parts.first() == Some(&"arn")
        && parts.len() > 2
        && (parts[2].is_empty() || (parts.len() < 6 && resource.contains("::")))
}

const PARTITIONS: &[&str] =
    &["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

const IAM_PATHS: &[&str] = &[
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

fn resource(text: &str) -> Result<(), Malformed> {
    if text == "*" {
        return Ok(());
    }
    if !text.contains(':') {
        return Err(Malformed(format!("Resource {text} must be in ARN format or \"*\".")));
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let part = |index: usize| parts.get(index).copied().unwrap_or("*");
    let (partition, service, region, path) = (part(1), part(2), part(3), part(5));
    if parts[0] != "arn" {
        return Err(Malformed(format!("Resource {text} must be in ARN format or \"*\".")));
    }
    if !partition.contains(['*', '?']) && !PARTITIONS.contains(&partition) {
        let account = part(4);
        return Err(Malformed(format!(
            "Partition \"{partition}\" is not valid for resource \
             \"arn:{partition}:{service}:{region}:{account}:{path}\"."
        )));
    }
    if parts.len() < 3 || service.contains(['*', '?']) {
        return Err(Malformed(
            "Resource vendor must be fully qualified and cannot contain regexes.".to_owned(),
        ));
    }
    let has_region = parts.len() > 3 && !region.is_empty() && region != "*";
    if service == "iam" && has_region {
        return Err(Malformed(format!("IAM resource {text} cannot contain region information.")));
    }
    if service == "s3" && has_region && !path.starts_with("accesspoint/") {
        return Err(Malformed(format!("Resource {text} can not contain region information.")));
    }
    let known =
        path.starts_with('*') || path == "root" || IAM_PATHS.iter().any(|known| path.starts_with(known));
    if service == "iam" && !known {
        let list = IAM_PATHS.join(", ");
        return Err(Malformed(format!("IAM resource path must either be \"*\" or start with {list}.")));
    }
    Ok(())
}

fn action(text: &str) -> Result<(), Malformed> {
    if text == "*" || text == "*:*" {
        return Ok(());
    }
    let Some((vendor, name)) = text.split_once(':') else {
        return Err(Malformed(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".to_owned(),
        ));
    };
    if name.contains(':') {
        return Err(Malformed("Actions/Condition can contain only one colon.".to_owned()));
    }
    let plain =
        !vendor.is_empty() && vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    if !plain {
        return Err(Malformed(format!("Vendor {vendor} is not valid")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> String {
        match Document::identity(text) {
            Ok(_) => panic!("accepted: {text}"),
            Err(Malformed(message)) => message,
        }
    }

    fn with(statement: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)
    }

    const FIT: &str = r#""Effect":"Allow","Action":"s3:Get*","Resource":"*""#;

    #[test]
    fn what_aws_accepts_is_accepted() {
        let good = [
            r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#,
            r#"[{"Effect":"Deny","NotAction":["s3:Get*","xyz:Any thing"],"NotResource":["arn:aws:s3:::b",null]}]"#,
            r#"{"Sid":"","Effect":"Allow","Action":"*:*","Resource":"arn:aws:fdsasf"}"#,
            r#"[{"Sid":"","Effect":"Allow","Action":"a:b","Resource":"*"},{"Sid":"","Effect":"Allow","Action":"a:b","Resource":"*"}]"#,
            r#"{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{}}"#,
            r#"{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Nonsense":{}}}"#,
            r#"{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}"#,
            r#"{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"ForAnyValue:StringLikeIfExists":{"k":[]}}}"#,
            r#"{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-01-02T03:04:05Z"}}}"#,
            r#"{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:iam::123456789012:role/x"}"#,
            r#"{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:r:1:accesspoint/x"}"#,
        ];
        for statement in good {
            assert!(Document::identity(&with(statement)).is_ok(), "{statement}");
        }
        assert!(Document::identity(&format!(r#"{{"Statement":{{{FIT}}}}}"#)).is_ok(), "no version");
        assert!(
            Document::identity(&format!(r#"{{"Version":"2008-10-17","Id":"x","Statement":[{{{FIT}}}]}}"#))
                .is_ok()
        );
    }

    #[test]
    fn what_breaks_the_grammar_is_a_syntax_error() {
        let bad = [
            String::new(),
            "{".to_owned(),
            "[]".to_owned(),
            "null".to_owned(),
            r#"{"Version":"2012-10-17"}"#.to_owned(),
            with("[]"),
            with("null"),
            with(r#""x""#),
            format!(r#"{{"Version":"2013-10-17","Statement":{{{FIT}}}}}"#),
            format!(r#"{{"Version":1,"Statement":{{{FIT}}}}}"#),
            format!(r#"{{"version":"2012-10-17","Statement":{{{FIT}}}}}"#),
            format!(r#"{{"Id":1,"Statement":{{{FIT}}}}}"#),
            with(&format!(r#"{{{FIT},"Extra":1}}"#)),
            with(&format!(r#"{{{FIT},"NotAction":"a:b"}}"#)),
            with(&format!(r#"{{{FIT},"NotResource":"*"}}"#)),
            with(&format!(r#"{{{FIT},"Sid":7}}"#)),
            with(&format!(r#"{{{FIT},"Effect":"Allow"}}"#)),
            with(&format!(r#"{{{FIT},"Condition":[]}}"#)),
            with(&format!(r#"{{{FIT},"Condition":{{"StringEquals":"x"}}}}"#)),
            with(&format!(r#"{{{FIT},"Condition":{{"Nonsense":{{"k":"v"}}}}}}"#)),
            with(&format!(r#"{{{FIT},"Condition":{{"StringEquals":{{"k":null}}}}}}"#)),
            with(&format!(r#"{{{FIT},"Condition":{{"StringEquals":{{"k":{{}}}}}}}}"#)),
            with(r#"{"Action":"a:b","Resource":"*"}"#),
            with(r#"{"Effect":"Permit","Action":"a:b","Resource":"*"}"#),
            with(r#"{"Effect":"Allow","Action":7,"Resource":"*"}"#),
            with(r#"{"Effect":"Allow","Action":["a:b",null],"Resource":"*"}"#),
            with(r#"{"Effect":"Allow","Action":"a:b","Resource":null}"#),
            with(&format!(r#"{{{FIT},"Principal":"x"}}"#)),
        ];
        for text in bad {
            assert_eq!(refused(&text), "Syntax errors in policy.", "{text}");
        }
    }

    const RULES: &[(&str, &str)] = &[
        (r#"{"Effect":"allow","Action":"a:b","Resource":"*"}"#, "The policy failed legacy parsing"),
        (
            r#"{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3::x"}"#,
            "The policy failed legacy parsing",
        ),
        (
            r#"{"Effect":"Allow","Action":"a:b","Resource":"arn:aws::::x"}"#,
            "The policy failed legacy parsing",
        ),
        (
            r#"{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"DateEquals":{"k":"soon"}}}"#,
            "The policy failed legacy parsing",
        ),
        (
            r#"[{"Sid":"A","Effect":"Allow","Action":"a:b","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"a:b","Resource":"*"}]"#,
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (
            r#"{"Sid":"a b","Effect":"Allow","Action":"a:b","Resource":"*"}"#,
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),
        (r#"{"Effect":"Allow","Resource":"*"}"#, "Policy statement must contain actions."),
        (r#"{"Effect":"Allow","NotAction":[],"Resource":"*"}"#, "Policy statement must contain actions."),
        (
            r#"{"Effect":"Allow","Action":"a:b","Resource":"bucket"}"#,
            r#"Resource bucket must be in ARN format or "*"."#,
        ),
        (
            r#"{"Effect":"Allow","Action":"a:b","Resource":"arn:azure:s3:::b"}"#,
            r#"Partition "azure" is not valid for resource "arn:azure:s3:::b"."#,
        ),
        (
            r#"{"Effect":"Allow","Action":"a:b","Resource":"arn:azure"}"#,
            r#"Partition "azure" is not valid for resource "arn:azure:*:*:*:*"."#,
        ),
        (
            r#"{"Effect":"Allow","Action":"a:b","Resource":"arn:aws"}"#,
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (
            r#"{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:iam:us-east-1:1:role/x"}"#,
            "IAM resource arn:aws:iam:us-east-1:1:role/x cannot contain region information.",
        ),
        (
            r#"{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:us-east-1::b"}"#,
            "Resource arn:aws:s3:us-east-1::b can not contain region information.",
        ),
        (
            r#"{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:iam::1:thing/x"}"#,
            r#"IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/."#,
        ),
        (
            r#"{"Effect":"Allow","Action":"GetObject","Resource":"*"}"#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:Get:Object","Resource":"*"}"#,
            "Actions/Condition can contain only one colon.",
        ),
        (r#"{"Effect":"Allow","Action":"s*:Get","Resource":"*"}"#, "Vendor s* is not valid"),
        (r#"{"Effect":"Allow","Action":"a:b"}"#, "Policy statement must contain resources."),
        (r#"{"Effect":"Allow","Action":"a:b","Resource":[]}"#, "Policy statement must contain resources."),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"a:b","Resource":"*"}"#,
            "Policy document should not specify a principal.",
        ),
    ];

    #[test]
    fn each_rule_has_its_own_text() {
        for (statement, message) in RULES {
            assert_eq!(refused(&with(statement)), *message, "{statement}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_the_parsers_panic(text in ".{0,200}") {
            let _ = (Document::identity(&text), Document::trust(&text));
        }

        #[test]
        fn no_mutilated_policy_makes_the_parsers_panic(
            cut in 0usize..200,
            insert in "[\\[\\]{}\",:a*?$0-9]{0,4}",
        ) {
            let whole = with(r#"[{"Sid":"A","Effect":"Allow","Action":["s3:*"],"Resource":"arn:aws:s3:::b/${aws:username}","Condition":{"DateLessThan":{"k":["2026",1]}}}]"#);
            let at = cut.min(whole.len());
            let text = format!("{}{insert}{}", &whole[..at], &whole[at..]);
            let _ = (Document::identity(&text), Document::trust(&text), Document::identity(&whole[..at]));
        }
    }
}
