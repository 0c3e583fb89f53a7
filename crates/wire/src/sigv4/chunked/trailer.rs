use http::HeaderMap;

use super::super::checksum::{Algorithm, Sum, Value, Wrong};
use super::super::key::Hex;
use super::Broken;
use crate::limits::{TRAILER_BYTES, TRAILERS};

const SIGNATURE: &str = "x-amz-trailer-signature";

/// The trailer of a framed body: what was announced, and what came.
#[derive(Default)]
pub(super) struct Trailer {
    /// The sum of the announced checksum.
    sum: Option<Sum>,
    /// Names in lower case with their values.
    came: Vec<(String, String)>,
    signature: Option<String>,
    bytes: usize,
    blank: bool,
}

impl Trailer {
    /// What `x-amz-trailer` announces: at most one checksum.
    pub(super) fn announced(headers: &HeaderMap) -> Result<Trailer, Broken> {
        let mut trailer = Trailer::default();
        for value in headers.get_all("x-amz-trailer") {
            let text = value.to_str().map_err(|_| Broken::TrailerUnknown)?;
            for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                let algorithm =
                    Algorithm::of_header(&name.to_ascii_lowercase()).ok_or(Broken::TrailerUnknown)?;
                if trailer.sum.is_some() {
                    return Err(Broken::Checksum(Wrong::Several));
                }
                trailer.sum = Some(Sum::new(algorithm));
            }
        }
        Ok(trailer)
    }

    /// Takes the next bytes of the body.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(sum) = &mut self.sum {
            sum.update(bytes);
        }
    }

    /// Takes a line.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<(), Broken> {
        self.bytes += line.len();
        let text = std::str::from_utf8(line).map_err(|_| Broken::Trailer)?;
        let (name, value) = text.split_once(':').ok_or(Broken::Trailer)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        if name == SIGNATURE && self.signature.is_none() {
            self.signature = Some(value);
            return Ok(());
        }
        // Nothing follows the signature, which would not cover it.
        let full = self.came.len() == TRAILERS || self.bytes > TRAILER_BYTES;
        if full || name.is_empty() || self.signature.is_some() {
            return Err(Broken::Trailer);
        }
        self.came.push((name, value));
        Ok(())
    }

    /// Whether the signature has come.
    pub(super) fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Whether nothing has come.
    pub(super) fn is_empty(&self) -> bool {
        self.came.is_empty()
    }

    /// Takes an empty line that is not the last; there is one at most.
    pub(super) fn blank(&mut self) -> Result<(), Broken> {
        if std::mem::replace(&mut self.blank, true) { Err(Broken::Trailer) } else { Ok(()) }
    }

    /// The signature as it was sent, and the hash that it covers. Without any trailer the body just ends.
    pub(super) fn signature(&mut self) -> Result<(String, Hex), Broken> {
        let signature = self.signature.take().ok_or(Broken::Frames)?;
        let mut sorted: Vec<&(String, String)> = self.came.iter().collect();
        sorted.sort();
        let lines: String = sorted.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        Ok((signature, Hex::of_hash(lines.as_bytes())))
    }

    /// Compares with what was announced.
    pub(super) fn end(self) -> Result<Option<Value>, Broken> {
        let Trailer { sum, came, signature, .. } = self;
        // A signature where none belongs covers nothing.
        if signature.is_some() {
            return Err(Broken::Trailer);
        }
        let Some(sum) = sum else {
            return if came.is_empty() { Ok(None) } else { Err(Broken::Trailer) };
        };
        let [(name, text)] = &came[..] else { return Err(Broken::Trailer) };
        if Algorithm::of_header(name) != Some(sum.algorithm()) {
            return Err(Broken::Trailer);
        }
        let value = Value::parse(sum.algorithm(), text).map_err(Broken::Checksum)?;
        value.matches(sum).map_err(Broken::Checksum)?;
        Ok(Some(value))
    }
}
