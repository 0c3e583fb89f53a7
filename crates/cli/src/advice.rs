//! AWS's errors with what we know beyond them: one table by service and code. AWS's words stay as they are.

use aws::Fault;

use crate::failure::{Answer, Exit, Failure};

/// A row: service (`*` for all), code, part of the message (empty for any), why (empty: none), do (empty: none).
struct Row(&'static str, &'static str, &'static str, &'static str, &'static str);

const TABLE: &[Row] = &[
    Row("*", "InvalidClientTokenId", "", "this server does not know the key", "eval \"$(lambent env)\""),
    Row(
        "*",
        "UnrecognizedClientException",
        "",
        "this server does not know the key",
        "eval \"$(lambent env)\"",
    ),
    Row("*", "InvalidAccessKeyId", "", "this server does not know the key", "eval \"$(lambent env)\""),
    Row("*", "SignatureDoesNotMatch", "", "the secret key is not the server's", "eval \"$(lambent env)\""),
    Row(
        "*",
        "InvalidSignatureException",
        "",
        "the secret key is not the server's",
        "eval \"$(lambent env)\"",
    ),
    Row("*", "NotImplemented", "", "", "lambent help coverage"),
    Row("lambda", "ResourceNotFoundException", "Function not found", "", "lambent ls"),
    Row("lambda", "RequestEntityTooLargeException", "", "AWS takes zips of 50 MB at most", ""),
    Row("logs", "ResourceNotFoundException", "log group", "it has not run yet", ""),
];

/// Makes a failure of AWS's error.
pub fn failure(service: &str, fault: Fault, request_id: Option<String>) -> Failure {
    let row = TABLE.iter().find(|row| {
        (row.0 == "*" || row.0 == service) && row.1 == fault.code && fault.message.contains(row.2)
    });
    let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let what = if fault.message.is_empty() { fault.code.to_string() } else { fault.message.clone() };
    Failure {
        exit: exit(&fault),
        what,
        why: row.and_then(|row| word(row.3)),
        fix: row.and_then(|row| word(row.4)),
        answer: Some(Box::new(Answer { code: fault.code.into_owned(), request_id })),
    }
}

fn exit(fault: &Fault) -> Exit {
    let code = fault.code.as_ref();
    let denied = [
        "AccessDenied",
        "AccessDeniedException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "ExpiredTokenException",
    ];
    if fault.status == 403 || denied.contains(&code) {
        Exit::Denied
    } else if fault.status == 429 || code.contains("Throttl") || code.contains("TooManyRequests") {
        Exit::Throttled
    } else if fault.status == 404 || code.contains("NotFound") || code == "NoSuchEntity" {
        Exit::NotFound
    } else {
        Exit::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awss_words_stay_and_exit_codes_follow_the_error() {
        for (code, status, expected) in [
            ("ResourceNotFoundException", 404, Exit::NotFound),
            ("NoSuchEntity", 404, Exit::NotFound),
            ("AccessDeniedException", 403, Exit::Denied),
            ("UnrecognizedClientException", 400, Exit::Denied),
            ("TooManyRequestsException", 429, Exit::Throttled),
            ("InvalidParameterValueException", 400, Exit::Failed),
            ("NotImplemented", 501, Exit::Failed),
        ] {
            let failure = failure("lambda", Fault::new(code, status, "Words: of AWS."), None);
            assert_eq!((failure.exit, failure.what.as_str()), (expected, "Words: of AWS."), "{code}");
        }
    }

    #[test]
    fn every_do_of_the_table_can_be_typed() {
        use clap::Parser;
        for Row(_, code, _, _, fix) in TABLE {
            let Some(command) = fix.strip_prefix("lambent ") else {
                assert!(fix.is_empty() || *fix == "eval \"$(lambent env)\"", "{code}: {fix}");
                continue;
            };
            let words = ["lambent"].into_iter().chain(command.split(' '));
            assert!(crate::args::Line::try_parse_from(words).is_ok(), "{code}: {fix}");
        }
    }
}
