use super::canonical::{Canonical, Style};
use super::key::Hex;
use super::payload::Payload;
use super::refusal::{Mismatch, Refusal};
use super::{ALGORITHM, BodyHash, Claim, Form, Parts, SigningKey, X_AMZ_CONTENT_SHA256};

/// Services whose clients append the session token to a presigned URL after signing it.
const TOKEN_AFTER: [&str; 2] = ["iotdevicegateway", "iotdata"];

impl Claim<'_> {
    /// True when verifying needs the hash of the body.
    pub fn needs_body_hash(&self, parts: &Parts<'_>) -> bool {
        self.payload(parts).is_ok_and(|payload| payload.needs_body_hash())
    }

    /// Verifies the signature in constant time. `body` is the hash of the whole body; it may be that of the empty one
    /// when [`Claim::needs_body_hash`] says no. Of a body in frames this verifies the head alone: see [`Claim::payload`].
    pub fn verify(&self, parts: &Parts<'_>, body: BodyHash, key: &SigningKey) -> Result<(), Refusal> {
        let computed = body.digits();
        let payload = self.payload(parts)?;
        self.verify_line(parts, payload.line().map_or(computed.as_bytes(), str::as_bytes), key)?;
        payload.holds(body)
    }

    /// Verifies a head whose body is still to come, and tells what the body has to go through. `None`: nothing is verified yet,
    /// because the signature covers the body itself; take all of it, and [`Claim::verify`].
    ///
    /// | payload | the body |
    /// |---|---|
    /// | [`Payload::Stated`] | is hashed as it comes, and [`Payload::holds`] compares at its end |
    /// | [`Payload::Unsigned`] | is taken as it is |
    /// | [`Payload::Chunked`] | goes through a [`chunked::Decoder`](super::chunked::Decoder) |
    /// | [`Payload::Events`] | goes through an [`events::Verifier`](super::events::Verifier) |
    pub fn verify_head<'p>(
        &self,
        parts: &Parts<'p>,
        key: &SigningKey,
    ) -> Result<Option<Payload<'p>>, Refusal> {
        let payload = self.payload(parts)?;
        let Some(line) = payload.line() else { return Ok(None) };
        self.verify_line(parts, line.as_bytes(), key)?;
        Ok(Some(payload))
    }

    /// Verifies the signature with this last line of the canonical request.
    fn verify_line(&self, parts: &Parts<'_>, line: &[u8], key: &SigningKey) -> Result<(), Refusal> {
        self.all_amz_headers_signed(parts)?;
        let canonical = Canonical {
            parts: *parts,
            style: self.style(),
            signed: &self.signed,
            payload: line,
            left_out: self.left_out(),
        }
        .bytes()?;
        let hash = Hex::of_hash(&canonical);
        let string_to_sign = [
            ALGORITHM.as_bytes(),
            b"\n",
            self.stamp.text().as_bytes(),
            b"\n",
            self.credential().scope_text().as_bytes(),
            b"\n",
            hash.as_bytes(),
        ];
        if key.sign(&string_to_sign).is(self.signature.as_bytes()) {
            return Ok(());
        }
        Err(Refusal::Mismatch(Box::new(Mismatch {
            access_key: self.access_key().to_owned(),
            canonical: Some(String::from_utf8_lossy(&canonical).into_owned()),
            string_to_sign: String::from_utf8_lossy(&string_to_sign.concat()).into_owned(),
            provided: self.signature.clone().into_owned(),
        })))
    }

    /// The parameters of the query that take no part in the signature.
    fn left_out(&self) -> &'static [&'static str] {
        match self.form {
            Form::Header => &[],
            Form::Query { .. } if TOKEN_AFTER.contains(&self.scope().service) => {
                &["X-Amz-Signature", "X-Amz-Security-Token"]
            }
            Form::Query { .. } => &["X-Amz-Signature"],
        }
    }

    /// S3 refuses `x-amz-*` headers that take no part in the signature; other services ignore them.
    fn all_amz_headers_signed(&self, parts: &Parts<'_>) -> Result<(), Refusal> {
        if self.style() == Style::Plain {
            return Ok(());
        }
        let presigned = matches!(self.form, Form::Query { .. });
        let mut unsigned: Vec<&str> = parts
            .headers
            .keys()
            .filter(|name| !(presigned && *name == X_AMZ_CONTENT_SHA256))
            .map(http::HeaderName::as_str)
            .filter(|name| name.starts_with("x-amz-") && !self.signs(name))
            .collect();
        if unsigned.is_empty() {
            return Ok(());
        }
        unsigned.sort_unstable();
        Err(Refusal::HeadersNotSigned(unsigned.join(", ")))
    }
}
