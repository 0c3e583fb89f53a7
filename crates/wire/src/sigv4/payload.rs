use std::borrow::Cow;

use http::header::CONTENT_ENCODING;

use super::canonical::{Style, hoisted};
use super::chunked::Mode;
use super::refusal::Refusal;
use super::{
    BodyHash, Claim, Form, Parts, UNSIGNED_PAYLOAD, X_AMZ_CONTENT_SHA256, X_AMZ_DECODED_CONTENT_LENGTH,
};

/// The payload of a stream of event messages, each signed.
pub(super) const EVENTS: &str = "STREAMING-AWS4-HMAC-SHA256-EVENTS";

/// What a request says is signed of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload<'a> {
    /// All of it, whatever the request says.
    Body,
    /// S3: what has this hash.
    Stated(Cow<'a, str>),
    /// S3: nothing.
    Unsigned,
    /// S3: the body is framed as `aws-chunked`, see [`chunked`](super::chunked).
    Chunked(Mode),
    /// Each message of an event stream bears a signature, see [`events`](super::events).
    Events,
}

impl Payload<'_> {
    /// Whether the hash of the body decides.
    pub fn needs_body_hash(&self) -> bool {
        matches!(self, Payload::Body | Payload::Stated(_))
    }

    /// Whether a body with this hash is the one that was signed, as far as its hash decides.
    pub fn holds(&self, body: BodyHash) -> Result<(), Refusal> {
        let computed = body.digits();
        match self {
            Payload::Stated(stated) if stated.as_bytes() != computed.as_bytes() => {
                Err(Refusal::PayloadMismatch {
                    stated: stated.clone().into_owned(),
                    computed: computed.as_str().to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    /// The last line of the canonical request, when it is not the body's hash.
    pub(super) fn line(&self) -> Option<&str> {
        match self {
            Payload::Body => None,
            Payload::Stated(hash) => Some(hash),
            Payload::Unsigned => Some(UNSIGNED_PAYLOAD),
            Payload::Chunked(mode) => Some(mode.name()),
            Payload::Events => Some(EVENTS),
        }
    }
}

impl Claim<'_> {
    /// What the request says is signed of its body. Refuses what `x-amz-content-sha256` may not be.
    ///
    /// Only with [`Payload::Body`] and [`Payload::Stated`] has [`Claim::verify`] looked at the body. With
    /// [`Payload::Chunked`] and [`Payload::Events`] it must go through the decoder of that form.
    pub fn payload<'p>(&self, parts: &Parts<'p>) -> Result<Payload<'p>, Refusal> {
        if self.style() == Style::Plain {
            let events = parts.header(&X_AMZ_CONTENT_SHA256).is_some_and(|stated| stated == EVENTS);
            return Ok(if events { Payload::Events } else { Payload::Body });
        }
        let stated = self.stated(parts)?.filter(|stated| stated != UNSIGNED_PAYLOAD);
        match stated {
            None if is_framed(parts) => Ok(Payload::Chunked(Mode::Bare)),
            None => Ok(Payload::Unsigned),
            Some(hash) if is_hash(&hash) => Ok(Payload::Stated(hash)),
            Some(name) => Mode::named(&name).map(Payload::Chunked).ok_or(Refusal::PayloadInvalid),
        }
    }

    /// The value of `x-amz-content-sha256` that counts. A presigned request may do without, and one that is not signed
    /// does not count there.
    fn stated<'p>(&self, parts: &Parts<'p>) -> Result<Option<Cow<'p, str>>, Refusal> {
        let header = parts.headers.get(&X_AMZ_CONTENT_SHA256);
        let text = match header.map(|value| std::str::from_utf8(value.as_bytes())) {
            None => None,
            Some(Ok(text)) => Some(Cow::Borrowed(text)),
            Some(Err(_)) => return Err(Refusal::PayloadInvalid),
        };
        match self.form {
            Form::Header => text.map(Some).ok_or(Refusal::PayloadMissing),
            Form::Query { .. } if !self.signs(X_AMZ_CONTENT_SHA256.as_str()) => Ok(None),
            Form::Query { .. } => Ok(text.or_else(|| hoisted(parts.query, X_AMZ_CONTENT_SHA256.as_str()))),
        }
    }
}

/// How the body of a request is framed whose signature nobody looks at: as its headers say.
pub fn framing(parts: &Parts<'_>) -> Option<Mode> {
    match parts.header(&X_AMZ_CONTENT_SHA256).filter(|stated| *stated != UNSIGNED_PAYLOAD) {
        Some(name) => Mode::named(name),
        None => is_framed(parts).then_some(Mode::Bare),
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Some clients frame a body whose hash they call unsigned; the length of what is in the frames tells.
fn is_framed(parts: &Parts<'_>) -> bool {
    if parts.headers.get(&X_AMZ_DECODED_CONTENT_LENGTH).is_none() {
        return false;
    }
    let encoded = |value: &http::HeaderValue| {
        value.to_str().is_ok_and(|text| text.split(',').any(|one| one.trim() == "aws-chunked"))
    };
    parts.headers.contains_key("x-amz-trailer") || parts.headers.get_all(CONTENT_ENCODING).iter().any(encoded)
}
