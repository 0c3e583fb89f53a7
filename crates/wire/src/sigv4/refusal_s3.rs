use std::fmt::Write as _;

use aws::{Fault, Millis};

use super::refusal::{Mismatch, Refusal, ScopeFault, text};
use super::{ALGORITHM, Form, Stamp};

const EXPECTING: &str = "expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
const QUERY_REQUIRES: &str = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";
const UNSUPPORTED: &str =
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
const HASH_FORMS: &str = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.";

const VERSION_TWO_REQUIRES: &str =
    "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";

/// S3's error for a refusal; further elements are members of the fault.
pub(super) fn fault(refusal: &Refusal) -> Fault {
    match refusal {
        Refusal::Missing => Fault::new("AccessDenied", 403, "Access Denied"),
        Refusal::TwoMechanisms => Fault::new("InvalidArgument", 400, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
            .with("ArgumentName", text("Authorization")),
        Refusal::NotPair { header, .. } | Refusal::HeaderIncomplete { header, .. } if !is_version_four(header) => unsupported(),
        Refusal::NotPair { .. } | Refusal::Algorithm(_) | Refusal::VersionTwo { complete: true } => unsupported(),
        Refusal::VersionTwo { complete: false } => Fault::new("AccessDenied", 403, VERSION_TWO_REQUIRES),
        Refusal::HeaderIncomplete { missing, .. } if missing.is_empty() => {
            Fault::new("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header")
        }
        Refusal::HeaderIncomplete { .. } => header_malformed("the authorization header requires three components: Credential, SignedHeaders, and Signature."),
        Refusal::QueryIncomplete(_) => query_malformed(QUERY_REQUIRES.to_owned()),
        Refusal::QueryAlgorithm(_) => query_malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"".to_owned()),
        Refusal::Credential { form, .. } => credential(*form, &format!("the Credential is mal-formed; {EXPECTING}")),
        Refusal::Date { form: Form::Header, .. } => {
            Fault::new("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header")
        }
        Refusal::Date { form: Form::Query { .. }, .. } => {
            query_malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"".to_owned())
        }
        Refusal::Expires(why) => query_malformed(why.text().to_owned()),
        Refusal::HostUnsigned => headers_not_signed("host"),
        Refusal::HeadersNotSigned(names) => headers_not_signed(names),
        Refusal::Scope { faults, form } => faults.first().map_or_else(|| credential(*form, EXPECTING), |first| scope(first, *form)),
        Refusal::Expired { stamp, now, life_s, form } => expired(stamp, *now, *life_s, *form),
        Refusal::NotYet { stamp, now, skew_s, form } => not_yet(stamp, *now, *skew_s, *form),
        Refusal::UnknownKey { token: Some(token), .. } => {
            Fault::new("InvalidToken", 400, "The provided token is malformed or otherwise invalid.").with("Token-0", text(&token.0))
        }
        Refusal::UnknownKey { access_key, token: None } => {
            Fault::new("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.")
                .with("AWSAccessKeyId", text(access_key))
        }
        Refusal::SessionExpired { token } => Fault::new("ExpiredToken", 400, "The provided token has expired.")
            .with("Token-0", text(token.as_ref().map(|token| token.0.as_str()).unwrap_or_default())),
        Refusal::SignedHeaderAbsent(_) => Fault::new("SignatureDoesNotMatch", 403, MISMATCH),
        Refusal::Mismatch(mismatch) => mismatched(mismatch),
        Refusal::PayloadMissing => {
            Fault::new("InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256")
        }
        Refusal::PayloadInvalid => Fault::new("InvalidArgument", 400, HASH_FORMS),
        Refusal::PayloadMismatch { stated, computed } => Fault::new(
            "XAmzContentSHA256Mismatch",
            400,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
        .with("ClientComputedContentSHA256", text(stated))
        .with("S3ComputedContentSHA256", text(computed)),
    }
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";

pub(super) fn mismatched(mismatch: &Mismatch) -> Fault {
    let Mismatch { access_key, canonical, string_to_sign, provided } = mismatch;
    let fault = Fault::new("SignatureDoesNotMatch", 403, MISMATCH)
        .with("AWSAccessKeyId", text(access_key))
        .with("StringToSign", text(string_to_sign))
        .with("SignatureProvided", text(provided))
        .with("StringToSignBytes", text(spaced(string_to_sign)));
    match canonical {
        None => fault,
        Some(canonical) => fault
            .with("CanonicalRequest", text(canonical))
            .with("CanonicalRequestBytes", text(spaced(canonical))),
    }
}

/// The bytes in hexadecimal, a space between them.
fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        let gap = if out.is_empty() { "" } else { " " };
        let _ = write!(out, "{gap}{byte:02x}");
    }
    out
}

pub(super) fn unsupported() -> Fault {
    Fault::new("InvalidRequest", 400, UNSUPPORTED)
}

fn is_version_four(header: &str) -> bool {
    header
        .trim_ascii_start()
        .strip_prefix(ALGORITHM)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn query_malformed(message: String) -> Fault {
    Fault::new("AuthorizationQueryParametersError", 400, message)
}

fn header_malformed(rest: &str) -> Fault {
    Fault::new("AuthorizationHeaderMalformed", 400, format!("The authorization header is malformed; {rest}"))
}

fn credential(form: Form, rest: &str) -> Fault {
    match form {
        Form::Header => header_malformed(rest),
        Form::Query { .. } => {
            query_malformed(format!("Error parsing the X-Amz-Credential parameter; {rest}"))
        }
    }
}

fn scope(fault: &ScopeFault, form: Form) -> Fault {
    match fault {
        ScopeFault::Region(region) => {
            credential(form, &format!("the region '{region}' is wrong; {EXPECTING}"))
        }
        ScopeFault::Service { found, expected } => credential(
            form,
            &format!("incorrect service \"{found}\". This endpoint belongs to \"{expected}\"."),
        ),
        ScopeFault::Terminator(found) => {
            credential(form, &format!("incorrect terminal \"{found}\". This endpoint uses \"aws4_request\"."))
        }
        ScopeFault::Date { scope, stamp } => match form {
            Form::Header => header_malformed("Invalid credential date. Date is not the same as X-Amz-Date."),
            Form::Query { .. } => query_malformed(format!(
                "Invalid credential date \"{scope}\". This date is not the same as X-Amz-Date: \"{}\".",
                stamp.get(..8).unwrap_or_default()
            )),
        },
    }
}

fn headers_not_signed(names: &str) -> Fault {
    Fault::new("AccessDenied", 403, "There were headers present in the request which were not signed")
        .with("HeadersNotSigned", text(names))
}

fn expired(stamp: &Stamp, now: Millis, life_s: u64, form: Form) -> Fault {
    match form {
        Form::Header => skewed(stamp, now, life_s),
        Form::Query { expires_s } => Fault::new("AccessDenied", 403, "Request has expired")
            .with("X-Amz-Expires", text(expires_s.to_string()))
            .with("Expires", text(seconds(stamp.seconds + expires_s)))
            .with("ServerTime", text(seconds(now.seconds()))),
    }
}

fn not_yet(stamp: &Stamp, now: Millis, skew_s: u64, form: Form) -> Fault {
    match form {
        Form::Header => skewed(stamp, now, skew_s),
        Form::Query { expires_s } => Fault::new("AccessDenied", 403, "Request is not yet valid")
            .with("X-Amz-Date", text(stamp.text()))
            .with("Expires", text(seconds(stamp.seconds + expires_s)))
            .with("ServerTime", text(seconds(now.seconds()))),
    }
}

fn skewed(stamp: &Stamp, now: Millis, skew_s: u64) -> Fault {
    Fault::new(
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    )
    .with("RequestTime", text(stamp.text()))
    .with("ServerTime", text(seconds(now.seconds())))
    .with("MaxAllowedSkewMilliseconds", text((skew_s * 1000).to_string()))
}

/// `2023-01-04T20:41:18Z`.
fn seconds(seconds: u64) -> String {
    let text = Millis(seconds.saturating_mul(1000)).rfc3339();
    format!("{}Z", text.get(..19).unwrap_or_default())
}
