//! Pure decisions: what a name, path, tag or page marker may be, and how AWS words a refusal.

use std::collections::HashSet;

use aws::{Fault, Millis};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::faults;
use crate::limits::{INLINE_BYTES, INLINE_CHARS, PAGE, TAGS};

/// Checks the name of a role or policy; `member` is the parameter's name as AWS's text shows it, e.g. `roleName`.
pub(crate) fn name(member: &str, text: &str) -> Result<(), Fault> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    if text.is_empty() || !text.bytes().all(fits) {
        return Err(faults::validation(format!(
            "The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the \
             following: +=,.@_-"
        )));
    }
    Ok(())
}

/// Checks a path: `/`, or printable characters between two slashes.
pub(crate) fn path(text: &str) -> Result<(), Fault> {
    let framed = text == "/" || (text.len() > 2 && text.starts_with('/') && text.ends_with('/'));
    if !framed || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(faults::validation(
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
             characters and/or / characters.",
        ));
    }
    Ok(())
}

/// Checks the tags of a new entity.
pub(crate) fn tags(tags: &[(String, String)]) -> Result<(), Fault> {
    if tags.len() > TAGS {
        return Err(faults::limit(format!("Cannot exceed quota for TagsPerRole: {TAGS}")));
    }
    let mut seen = HashSet::new();
    for (key, _) in tags {
        let key = key.to_lowercase();
        if key.starts_with("aws:") {
            return Err(faults::invalid_input(
                "System tags cannot be added/updated/deleted by a non-admin principal.",
            ));
        }
        if !seen.insert(key) {
            return Err(faults::invalid_input(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    Ok(())
}

/// Checks that a role's inline policies stay within the quota.
pub(crate) fn inline_size<'a>(role: &str, texts: impl Iterator<Item = &'a str> + Clone) -> Result<(), Fault> {
    let counted: usize = texts.clone().map(policy::counted_size).sum();
    let bytes: usize = texts.map(str::len).sum();
    if counted > INLINE_CHARS || bytes > INLINE_BYTES {
        return Err(faults::limit(format!(
            "Maximum policy size of {INLINE_CHARS} bytes exceeded for role {role}"
        )));
    }
    Ok(())
}

/// A document as IAM's XML carries it: percent-encoded, all but RFC 3986's unreserved characters.
pub(crate) fn percent_encoded(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// A moment as IAM shows it: whole seconds since the epoch.
pub(crate) fn seconds(at: Millis) -> f64 {
    at.seconds() as f64
}

/// One page of names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) names: Vec<String>,
    /// Present when there is more.
    pub(crate) marker: Option<String>,
}

/// Cuts a page out of `names`, which are sorted. A marker is only good for the list `of` which it was given.
pub(crate) fn page<'a>(
    names: impl Iterator<Item = &'a String>,
    of: &str,
    marker: Option<&str>,
    max_items: Option<i64>,
) -> Result<Page, Fault> {
    let after = marker.map(|marker| open_marker(marker, of)).transpose()?;
    let size = max_items.and_then(|max| usize::try_from(max).ok()).unwrap_or(PAGE).clamp(1, 1_000);
    let mut rest = names.filter(|name| after.as_ref().is_none_or(|after| *name > after));
    let names: Vec<String> = rest.by_ref().take(size).cloned().collect();
    let marker = match (rest.next(), names.last()) {
        (Some(_), Some(last)) => Some(STANDARD.encode(format!("{of}\n{last}"))),
        _ => None,
    };
    Ok(Page { names, marker })
}

fn open_marker(marker: &str, of: &str) -> Result<String, Fault> {
    let bytes = STANDARD.decode(marker).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let last = text.as_deref().and_then(|text| text.strip_prefix(of)?.strip_prefix('\n'));
    last.map(str::to_owned).ok_or_else(|| faults::validation("Invalid Marker."))
}

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No identity-based policy allows it.
    NoIdentityPolicy,
    /// An identity-based policy denies it.
    IdentityDeny,
    /// Another account's resource, and no policy of that resource allows it.
    NoResourcePolicy,
    /// AWS gives no reason, so that nobody learns which roles exist.
    Unsaid,
}

/// One refused action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Denial<'a> {
    /// The service that was called: it decides code and status.
    pub(crate) service: &'a str,
    /// The caller's ARN.
    pub(crate) caller: &'a str,
    /// The action, which may be of another service, as `iam:PassRole` is.
    pub(crate) action: &'a str,
    /// The resource.
    pub(crate) resource: &'a str,
    /// Why.
    pub(crate) why: Reason,
}

impl Denial<'_> {
    /// AWS's AccessDenied.
    pub(crate) fn fault(&self) -> Fault {
        let (code, status) = match self.service {
            "sns" => ("AuthorizationError", 403),
            "iam" | "sts" | "sqs" | "cloudformation" | "cloudwatch" | "s3" => ("AccessDenied", 403),
            "lambda" | "apigateway" | "scheduler" | "pipes" => ("AccessDeniedException", 403),
            _ => ("AccessDeniedException", 400),
        };
        let Denial { caller, resource, .. } = self;
        // SQS says its actions in lower case.
        let action =
            if self.service == "sqs" { self.action.to_ascii_lowercase() } else { self.action.to_owned() };
        let context = match self.why {
            Reason::NoIdentityPolicy => {
                format!(" because no identity-based policy allows the {action} action")
            }
            Reason::IdentityDeny => " with an explicit deny in an identity-based policy".to_owned(),
            Reason::NoResourcePolicy => {
                format!(" because no resource-based policy allows the {action} action")
            }
            Reason::Unsaid => String::new(),
        };
        let message =
            format!("User: {caller} is not authorized to perform: {action} on resource: {resource}{context}");
        Fault::new(code, status, message)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_paths_are_what_aws_takes() {
        for good in ["r", "My-role_1+=,.@"] {
            assert!(name("roleName", good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a/b", "ä", "a:b"] {
            let fault = name("roleName", bad).unwrap_err();
            assert_eq!(
                fault.to_string(),
                "ValidationError: The specified value for roleName is invalid. It must contain only alphanumeric \
                 characters and/or the following: +=,.@_-"
            );
        }
        for good in ["/", "/a/", "/a/b-c/"] {
            assert!(path(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "/a", "a/", "//", "/a b/", "/ä/"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_are_few_distinct_and_not_awss() {
        let tag = |key: &str| (key.to_owned(), "v".to_owned());
        assert!(tags(&[tag("a"), tag("b")]).is_ok());
        assert_eq!(
            tags(&[tag("Team"), tag("team")]).unwrap_err().to_string(),
            "InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive."
        );
        assert_eq!(tags(&[tag("aws:x")]).unwrap_err().code, "InvalidInput");
        let many: Vec<_> = (0..51).map(|n| tag(&format!("k{n}"))).collect();
        assert_eq!(
            tags(&many).unwrap_err().to_string(),
            "LimitExceeded: Cannot exceed quota for TagsPerRole: 50"
        );
    }

    #[test]
    fn white_space_does_not_count_against_the_quota_but_is_bounded() {
        let blanks = " ".repeat(100_000);
        assert!(inline_size("r", [blanks.as_str(), "x"].into_iter()).is_ok());
        assert!(inline_size("r", ["x".repeat(10_240).as_str()].into_iter()).is_ok());
        let parts = ["x".repeat(10_240), "y".to_owned()];
        assert_eq!(
            inline_size("r", parts.iter().map(String::as_str)).unwrap_err().to_string(),
            "LimitExceeded: Maximum policy size of 10240 bytes exceeded for role r"
        );
        assert!(inline_size("r", [" ".repeat(INLINE_BYTES + 1).as_str()].into_iter()).is_err());
    }

    #[test]
    fn documents_are_percent_encoded_once() {
        assert_eq!(percent_encoded(r#"{"A":"a b%3A~"}"#), "%7B%22A%22%3A%22a%20b%253A~%22%7D");
    }

    #[test]
    fn pages_follow_each_other_and_a_foreign_marker_is_refused() {
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let first = page(names.iter(), "r", None, Some(2)).unwrap();
        assert_eq!(first.names, ["a", "b"]);
        let marker = first.marker.unwrap();
        let second = page(names.iter(), "r", Some(&marker), Some(2)).unwrap();
        assert_eq!((second.names, second.marker), (vec!["c".to_owned()], None));
        for (of, marker) in [("other", marker.as_str()), ("r", "!"), ("r", "AAAA")] {
            assert_eq!(
                page(names.iter(), of, Some(marker), None).unwrap_err().to_string(),
                "ValidationError: Invalid Marker."
            );
        }
        assert_eq!(page(names.iter(), "r", None, Some(3)).unwrap().marker, None);
    }

    #[test]
    fn a_refusal_has_the_words_of_aws_and_the_code_of_the_service() {
        let denial = Denial {
            service: "lambda",
            caller: "arn:aws:sts::123456789012:assumed-role/r/s",
            action: "iam:PassRole",
            resource: "arn:aws:iam::123456789012:role/x",
            why: Reason::NoIdentityPolicy,
        };
        let fault = denial.fault();
        assert_eq!((fault.code.as_ref(), fault.status), ("AccessDeniedException", 403));
        assert_eq!(
            fault.message,
            "User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform: iam:PassRole on \
             resource: arn:aws:iam::123456789012:role/x because no identity-based policy allows the iam:PassRole \
             action"
        );
        let explicit = Denial { service: "iam", why: Reason::IdentityDeny, ..denial }.fault();
        assert_eq!((explicit.code.as_ref(), explicit.status), ("AccessDenied", 403));
        assert!(explicit.message.ends_with("role/x with an explicit deny in an identity-based policy"));
        let logs = Denial { service: "logs", why: Reason::Unsaid, ..denial }.fault();
        assert_eq!((logs.code.as_ref(), logs.status), ("AccessDeniedException", 400));
        assert!(logs.message.ends_with("on resource: arn:aws:iam::123456789012:role/x"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_name_is_listed_once_whatever_the_page_size(
            names in proptest::collection::btree_set("[a-c]{1,3}", 0..20),
            size in 1i64..6,
        ) {
            let names: Vec<String> = names.into_iter().collect();
            let (mut seen, mut marker) = (Vec::new(), None);
            loop {
                let page = page(names.iter(), "r", marker.as_deref(), Some(size)).unwrap();
                seen.extend(page.names);
                marker = page.marker;
                if marker.is_none() {
                    break;
                }
            }
            prop_assert_eq!(seen, names);
        }
    }
}
