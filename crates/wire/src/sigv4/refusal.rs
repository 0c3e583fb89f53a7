use std::fmt;

use aws::{Fault, Member, Millis};

use super::{ALGORITHM, Form, Stamp};

/// The families of protocols, each with its own codes and statuses for the same refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// awsQuery: STS, IAM, SNS, CloudFormation.
    Query,
    /// awsJson 1.0 and 1.1: Logs, DynamoDB, Kinesis.
    Json,
    /// restJson1: Lambda, API Gateway.
    RestJson,
    /// S3, in its own words.
    S3,
}

/// Why a request is not authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It bears no signature.
    Missing,
    /// It bears one in the header and one in the query.
    TwoMechanisms,
    /// A word of the header has no `=`.
    NotPair {
        /// The word.
        word: String,
        /// The whole header.
        header: String,
    },
    /// Parameters of the header are missing.
    HeaderIncomplete {
        /// Which, in AWS's order.
        missing: Vec<&'static str>,
        /// Whether there is a date header.
        dated: bool,
        /// The whole header.
        header: String,
    },
    /// Another algorithm in the header, SigV4A among them.
    Algorithm(String),
    /// The query bears parameters of Signature Version 2. Where a request may come unsigned they can be the caller's own.
    VersionTwo {
        /// Whether all of them are there.
        complete: bool,
    },
    /// Parameters of a presigned query are missing.
    QueryIncomplete(Vec<&'static str>),
    /// Another algorithm in the query.
    QueryAlgorithm(String),
    /// The credential has not five elements.
    Credential {
        /// As it was sent.
        text: String,
        /// Where.
        form: Form,
    },
    /// The time of the signature cannot be read.
    Date {
        /// As it was sent.
        text: String,
        /// Where.
        form: Form,
    },
    /// `X-Amz-Expires` is out of range.
    Expires(BadExpires),
    /// `host` is not signed.
    HostUnsigned,
    /// A signed header is not there.
    SignedHeaderAbsent(String),
    /// S3: these `x-amz-*` headers are not signed.
    HeadersNotSigned(String),
    /// The credential scope does not fit the request.
    Scope {
        /// How not.
        faults: Vec<ScopeFault>,
        /// Where the credential is.
        form: Form,
    },
    /// The signature is too old, or the presigned URL has expired.
    Expired {
        /// When it was signed.
        stamp: Stamp,
        /// Our time.
        now: Millis,
        /// How long it lived, in seconds.
        life_s: u64,
        /// Which form.
        form: Form,
    },
    /// The signature's time is in the future.
    NotYet {
        /// When it was signed.
        stamp: Stamp,
        /// Our time.
        now: Millis,
        /// How far it may be off, in seconds.
        skew_s: u64,
        /// Which form.
        form: Form,
    },
    /// No such access key, or it is inactive, or the session token does not belong to it.
    UnknownKey {
        /// The key id.
        access_key: String,
        /// The token that came along.
        token: Option<Token>,
    },
    /// The session is over.
    SessionExpired {
        /// The token.
        token: Option<Token>,
    },
    /// The signature is another one.
    Mismatch(Box<Mismatch>),
    /// S3: `x-amz-content-sha256` is not there.
    PayloadMissing,
    /// S3: `x-amz-content-sha256` is none of the accepted forms.
    PayloadInvalid,
    /// S3: the body is another one.
    PayloadMismatch {
        /// The hash in the header.
        stated: String,
        /// The hash of the body.
        computed: String,
    },
}

/// A session token; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// What is wrong with `X-Amz-Expires`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadExpires {
    /// It is no number.
    NotANumber,
    /// It is below zero.
    Negative,
    /// It is above a week.
    TooLong,
}

/// What is wrong with a credential scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeFault {
    /// The region is not a region's name.
    Region(String),
    /// The service is another one.
    Service {
        /// The one in the scope.
        found: String,
        /// The one that was called.
        expected: String,
    },
    /// The last element is not `aws4_request`.
    Terminator(String),
    /// The date is not that of the signature's time.
    Date {
        /// The one in the scope.
        scope: String,
        /// The signature's time.
        stamp: String,
    },
}

/// What was computed when a signature did not match; S3 shows it. `Debug` does not: a session token is part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The key id.
    pub access_key: String,
    /// The canonical request, when the signature is that of a whole request.
    pub canonical: Option<String>,
    /// The string to sign.
    pub string_to_sign: String,
    /// The signature that was sent.
    pub provided: String,
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mismatch").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// The kinds of error that the codes tell apart outside S3.
#[derive(Clone, Copy)]
enum Kind {
    Missing,
    Incomplete,
    Signature,
    Token,
    Expired,
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
const TOKEN: &str = "The security token included in the request is";
const ONE_MECHANISM: &str = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified";

impl Refusal {
    /// AWS's error in a family of protocols.
    pub fn fault(&self, family: Family) -> Fault {
        if family == Family::S3 {
            return super::refusal_s3::fault(self);
        }
        let (kind, text) = self.kind_and_text(family);
        let (code, status) = match (family, kind) {
            (Family::Query, Kind::Missing) => ("MissingAuthenticationToken", 403),
            (Family::Query, Kind::Incomplete) => ("IncompleteSignature", 403),
            (Family::Query, Kind::Signature) => ("SignatureDoesNotMatch", 403),
            (Family::Query, Kind::Token) => ("InvalidClientTokenId", 403),
            (Family::Query, Kind::Expired) => ("ExpiredToken", 403),
            (_, Kind::Missing) => ("MissingAuthenticationTokenException", 400),
            (_, Kind::Incomplete) => ("IncompleteSignatureException", 400),
            (_, Kind::Signature) => ("InvalidSignatureException", 400),
            (_, Kind::Token) => ("UnrecognizedClientException", 400),
            (_, Kind::Expired) => ("ExpiredTokenException", 400),
        };
        Fault::new(code, if family == Family::Json { status } else { 403 }, text)
    }

    fn kind_and_text(&self, family: Family) -> (Kind, String) {
        match self {
            Refusal::Missing if family == Family::RestJson => {
                (Kind::Missing, "Missing Authentication Token".to_owned())
            }
            Refusal::Missing => (Kind::Missing, "Request is missing Authentication Token".to_owned()),
            Refusal::UnknownKey { .. } => (Kind::Token, format!("{TOKEN} invalid.")),
            Refusal::SessionExpired { .. } => (Kind::Expired, format!("{TOKEN} expired")),
            Refusal::Mismatch(_) | Refusal::PayloadMismatch { .. } => (Kind::Signature, MISMATCH.to_owned()),
            Refusal::Scope { faults, .. } => {
                let sentences: Vec<String> = faults.iter().map(ScopeFault::sentence).collect();
                (Kind::Signature, sentences.join(" "))
            }
            Refusal::Expired { stamp, now, life_s, .. } => (
                Kind::Signature,
                format!(
                    "Signature expired: {} is now earlier than {} ({} - {} min.)",
                    stamp.text(),
                    Millis(now.0.saturating_sub(life_s * 1000)).basic(),
                    now.basic(),
                    life_s / 60
                ),
            ),
            Refusal::NotYet { stamp, now, skew_s, .. } => (
                Kind::Signature,
                format!(
                    "Signature not yet current: {} is still later than {} ({} + {} min.)",
                    stamp.text(),
                    now.plus(skew_s * 1000).basic(),
                    now.basic(),
                    skew_s / 60
                ),
            ),
            malformed => (Kind::Incomplete, malformed.malformed_text()),
        }
    }

    fn malformed_text(&self) -> String {
        match self {
            Refusal::NotPair { word, header } => format!(
                "'{word}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'."
            ),
            Refusal::HeaderIncomplete { missing, dated, header } => {
                let mut text = String::new();
                for name in missing {
                    text.push_str(&format!("Authorization header requires '{name}' parameter. "));
                }
                if !dated {
                    text.push_str("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
                }
                format!("{text}Authorization={header}")
            }
            Refusal::Algorithm(name) | Refusal::QueryAlgorithm(name) => {
                format!("Unsupported AWS 'algorithm': '{name}'.")
            }
            Refusal::VersionTwo { .. } => {
                format!("AWS Signature Version 2 is not supported. Please use {ALGORITHM}.")
            }
            Refusal::QueryIncomplete(names) => {
                let sentences =
                    names.iter().map(|name| format!("AWS query-string parameters must include '{name}'. "));
                format!("{}Re-examine the query-string parameters.", sentences.collect::<String>())
            }
            Refusal::Credential { text, .. } => format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{text}'."
            ),
            Refusal::Date { text, .. } => format!(
                "Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
            ),
            Refusal::Expires(why) => why.text().to_owned(),
            Refusal::HostUnsigned => {
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned()
            }
            Refusal::SignedHeaderAbsent(name) => {
                format!("'{name}' is named as a SignedHeader, but it does not exist in the HTTP request.")
            }
            Refusal::TwoMechanisms => ONE_MECHANISM.to_owned(),
            Refusal::HeadersNotSigned(names) => format!("Headers are not signed: {names}"),
            Refusal::PayloadMissing | Refusal::PayloadInvalid => {
                format!("The payload of an {ALGORITHM} signature must be stated")
            }
            Refusal::Missing
            | Refusal::UnknownKey { .. }
            | Refusal::SessionExpired { .. }
            | Refusal::Mismatch(_)
            | Refusal::PayloadMismatch { .. }
            | Refusal::Scope { .. }
            | Refusal::Expired { .. }
            | Refusal::NotYet { .. } => unreachable!("these have texts of their own"),
        }
    }
}

impl BadExpires {
    pub(super) fn text(self) -> &'static str {
        match self {
            BadExpires::NotANumber => "X-Amz-Expires should be a number",
            BadExpires::Negative => "X-Amz-Expires must be non-negative",
            BadExpires::TooLong => {
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
            }
        }
    }
}

impl ScopeFault {
    fn sentence(&self) -> String {
        match self {
            ScopeFault::Region(region) => {
                format!("Credential should be scoped to a valid Region, not {region}.")
            }
            ScopeFault::Service { expected, .. } => {
                format!("Credential should be scoped to correct service: '{expected}'.")
            }
            ScopeFault::Terminator(_) => {
                "Credential should be scoped with a valid terminator: 'aws4_request'.".to_owned()
            }
            ScopeFault::Date { scope, stamp } => format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{}', from '{stamp}'.",
                stamp.get(..8).unwrap_or_default()
            ),
        }
    }
}

pub(super) fn text(text: impl Into<String>) -> Member {
    Member::Text(text.into())
}
