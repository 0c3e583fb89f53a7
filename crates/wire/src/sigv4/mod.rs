//! AWS Signature Version 4: signing, and verifying what others signed, in the header form and the presigned query form.
//!
//! It is pure: no clock, no key store. A verifier goes step by step, in the order in which AWS checks:
//! [`Claim::of`] reads what the request says about itself, [`Claim::check`] looks at scope and time, the caller finds
//! the secret and derives a [`SigningKey`] (which may be cached), and [`Claim::verify`] compares in constant time.
//! Each step refuses with a [`Refusal`], which knows AWS's words in each family of protocols.
//! [`Signer`] is the other side.
//!
//! | where a signature sits | read and verified by |
//! |---|---|
//! | `Authorization` header, presigned query | [`Claim`] |
//! | the chunks and the trailer of a body framed as `aws-chunked` | [`chunked::Decoder`], seeded by a verified [`Claim`] |
//! | the messages of an event stream | [`events::Verifier`], likewise |
//! | a field of a form that a browser posts to S3 | [`post::Claim`] |
//!
//! Signature Version 2 and SigV4A are refused in the words that AWS has for an unsupported algorithm.

mod canonical;
mod chain;
mod check;
pub mod checksum;
pub mod chunked;
mod claim;
pub mod events;
mod key;
mod line;
mod payload;
pub mod post;
mod refusal;
mod refusal_s3;
mod sign;
mod stamp;
mod verify;

#[cfg(test)]
mod tests;

use http::HeaderMap;
use http::header::{AsHeaderName, HeaderName};

pub use canonical::Style;
pub use check::skew_seconds;
pub use claim::{Claim, Form, Scope};
pub use key::{BodyHash, SigningKey};
pub use payload::{Payload, framing};
pub use refusal::{BadExpires, Family, Mismatch, Refusal, ScopeFault, Token};
pub use sign::{Credentials, Signer, Unsignable};
pub use stamp::Stamp;

/// The only algorithm.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The last element of every scope.
pub const TERMINATOR: &str = "aws4_request";
/// The payload hash of a request whose body is not signed (S3 only).
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// The longest life of a presigned URL in seconds: a week.
pub const LONGEST_EXPIRES: u64 = 604_800;

// Names that were checked when this was built are found without being read again.
static X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
static X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
static X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
static X_AMZ_DECODED_CONTENT_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");

/// The parts of a request that a signature covers, as they came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The method in capitals.
    pub method: &'a str,
    /// The path, still percent-encoded.
    pub path: &'a str,
    /// What follows the question mark, still percent-encoded; empty without one.
    pub query: &'a str,
    /// All headers; repeated ones in the order in which they came.
    pub headers: &'a HeaderMap,
}

impl<'a> Parts<'a> {
    /// A header's value as text; `None` when it is absent or not UTF-8.
    fn header(&self, name: impl AsHeaderName) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }
}
