use subtle::ConstantTimeEq;

use super::canonical::{Canonical, Style};
use super::key::{hex, sha256};
use super::refusal::{Mismatch, Refusal};
use super::{ALGORITHM, BodyHash, Claim, Form, Parts, SigningKey, UNSIGNED_PAYLOAD};

/// What the last line of the canonical request is.
enum Payload<'a> {
    /// The hash of the body, whatever the request says.
    Body,
    /// S3's header: a hash that must be the body's.
    Stated(&'a str),
    /// S3: the body takes no part.
    Unsigned,
}

impl Claim {
    /// True when verifying needs the hash of the body.
    pub fn needs_body_hash(&self, parts: &Parts<'_>) -> bool {
        !matches!(self.payload(parts), Ok(Payload::Unsigned) | Err(_))
    }

    /// Verifies the signature in constant time. `body` is the hash of the whole body; it may be that of the empty one
    /// when [`Claim::needs_body_hash`] says no.
    pub fn verify(&self, parts: &Parts<'_>, body: BodyHash, key: &SigningKey) -> Result<(), Refusal> {
        let computed = body.hex();
        let payload = self.payload(parts)?;
        let line = match payload {
            Payload::Body => &computed,
            Payload::Stated(hash) => hash,
            Payload::Unsigned => UNSIGNED_PAYLOAD,
        };
        self.all_amz_headers_signed(parts)?;
        let canonical =
            Canonical { parts: *parts, style: self.style(), signed: &self.signed, payload: line }.bytes()?;
        let string_to_sign =
            format!("{ALGORITHM}\n{}\n{}\n{}", self.stamp.text, self.scope.text(), hex(&sha256(&canonical)));
        let expected = hex(&key.sign(string_to_sign.as_bytes()));
        if !bool::from(expected.as_bytes().ct_eq(self.signature.as_bytes())) {
            return Err(Refusal::Mismatch(Box::new(Mismatch {
                access_key: self.access_key.clone(),
                canonical: String::from_utf8_lossy(&canonical).into_owned(),
                string_to_sign,
                provided: self.signature.clone(),
            })));
        }
        match payload {
            Payload::Stated(stated) if *stated != computed => {
                Err(Refusal::PayloadMismatch { stated: stated.to_owned(), computed })
            }
            _ => Ok(()),
        }
    }

    fn payload<'a>(&self, parts: &Parts<'a>) -> Result<Payload<'a>, Refusal> {
        if self.style() == Style::Plain {
            return Ok(Payload::Body);
        }
        match (self.form, parts.header("x-amz-content-sha256")) {
            (Form::Query { .. }, None) | (_, Some(UNSIGNED_PAYLOAD)) => Ok(Payload::Unsigned),
            (_, Some(hash))
                if hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) =>
            {
                Ok(Payload::Stated(hash))
            }
            (Form::Header, None) => Err(Refusal::PayloadMissing),
            (_, Some(_)) => Err(Refusal::PayloadInvalid),
        }
    }

    /// S3 refuses `x-amz-*` headers that take no part in the signature; other services ignore them.
    fn all_amz_headers_signed(&self, parts: &Parts<'_>) -> Result<(), Refusal> {
        if self.style() == Style::Plain {
            return Ok(());
        }
        let mut unsigned: Vec<&str> = parts
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| name.starts_with("x-amz-") && !self.signed.iter().any(|signed| signed == name))
            .collect();
        if unsigned.is_empty() {
            return Ok(());
        }
        unsigned.sort_unstable();
        Err(Refusal::HeadersNotSigned(unsigned.join(", ")))
    }
}
