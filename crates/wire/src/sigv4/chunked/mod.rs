//! Bodies framed as `aws-chunked`: what S3's clients send when they sign a body piece by piece, or checksum it at its end.
//!
//! ```text
//! {size in hex}[;chunk-signature={64 hex}]\r\n{data}\r\n … 0[;chunk-signature=…]\r\n[x-amz-checksum-crc32:{base64}\r\n][x-amz-trailer-signature:{hex}\r\n]\r\n
//! ```
//!
//! How it is driven: when [`Claim::payload`](super::Claim::payload) says [`Chunked`](super::Payload::Chunked) and
//! [`Claim::verify`](super::Claim::verify) has accepted the head, make a [`Decoder`]. Give it what came over the wire, in any
//! pieces, and take out what may be used:
//!
//! ```text
//! let mut decoder = Decoder::of(&claim, &parts, &key, mode)?;
//! while let Some(mut bytes) = body.next().await {
//!     while let Some(piece) = decoder.decode(&mut bytes)? {
//!         consume(piece).await;
//!     }
//! }
//! let ended = decoder.end()?;   // Without this nothing may be stored.
//! ```
//!
//! Nothing is copied but small pieces. Unsigned data is handed on as it comes. A signed chunk is held until its signature is
//! verified, because AWS lets nobody use a chunk before that; [`Decoder::held`] tells how many bytes that is now, and a chunk is
//! at most [`SIGNED_CHUNK_BYTES`](crate::limits::SIGNED_CHUNK_BYTES).

mod decoder;
mod trailer;

#[cfg(test)]
mod tests;

use aws::{Fault, Member};

use super::checksum;
use super::refusal::Mismatch;
use super::refusal_s3::mismatched;
use crate::limits::SIGNED_CHUNK_BYTES;

pub use decoder::{Decoder, Ended};

/// What is signed of a framed body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each chunk.
    Signed,
    /// Each chunk and the trailer.
    SignedTrailer,
    /// Nothing; a checksum comes in the trailer.
    UnsignedTrailer,
    /// Nothing: the payload is called unsigned, and framed all the same.
    Bare,
}

impl Mode {
    /// The mode that `x-amz-content-sha256` names.
    pub(super) fn named(name: &str) -> Option<Mode> {
        [Mode::Signed, Mode::SignedTrailer, Mode::UnsignedTrailer]
            .into_iter()
            .find(|mode| mode.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Mode::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Mode::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Mode::UnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            Mode::Bare => super::UNSIGNED_PAYLOAD,
        }
    }

    /// Whether chunks bear signatures.
    pub fn is_signed(self) -> bool {
        matches!(self, Mode::Signed | Mode::SignedTrailer)
    }

    /// Whether a trailer may come.
    fn has_trailer(self) -> bool {
        !matches!(self, Mode::Signed)
    }
}

/// Why a framed body is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// `x-amz-decoded-content-length` is not there, or no number.
    LengthMissing,
    /// The data is not as long as that header says.
    Length {
        /// What the header says.
        stated: u64,
        /// How much came, or was announced.
        provided: u64,
    },
    /// The frames are malformed, or end before their end.
    Frames,
    /// A chunk that is not the last is smaller than 8 KiB.
    ChunkTooSmall {
        /// The number of the chunk that came after it.
        chunk: u64,
        /// Its size.
        bytes: u64,
    },
    /// A signed chunk is larger than what is held.
    ChunkTooLarge {
        /// Its number.
        chunk: u64,
        /// Its size.
        bytes: u64,
    },
    /// The signature of a chunk or of the trailer is another one.
    Signature(Box<Mismatch>),
    /// `x-amz-trailer` names what cannot be a trailer here.
    TrailerUnknown,
    /// The trailer is malformed, or not what `x-amz-trailer` announced.
    Trailer,
    /// The checksum in the trailer is refused.
    Checksum(checksum::Wrong),
}

impl Broken {
    /// S3's error.
    pub fn fault(&self) -> Fault {
        let number = |number: u64| Member::Text(number.to_string());
        match self {
            Broken::LengthMissing => {
                Fault::new("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
            }
            Broken::Length { stated, provided } => Fault::new(
                "IncompleteBody",
                400,
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            )
            .with("NumberBytesExpected", number(*stated))
            .with("NumberBytesProvided", number(*provided)),
            Broken::Frames => Fault::new("IncompleteBody", 400, "The request body terminated unexpectedly"),
            Broken::ChunkTooSmall { chunk, bytes } => Fault::new(
                "InvalidChunkSizeError",
                400,
                "Only the last chunk is allowed to have a size less than 8192 bytes",
            )
            .with("Chunk", number(*chunk))
            .with("BadChunkSize", number(*bytes)),
            Broken::ChunkTooLarge { chunk, bytes } => Fault::new(
                "InvalidChunkSizeError",
                400,
                format!(
                    "A signed chunk is not allowed to have a size of more than {SIGNED_CHUNK_BYTES} bytes"
                ),
            )
            .with("Chunk", number(*chunk))
            .with("BadChunkSize", number(*bytes)),
            Broken::Signature(mismatch) => mismatched(mismatch),
            Broken::TrailerUnknown => Fault::new(
                "InvalidRequest",
                400,
                "The value specified in the x-amz-trailer header is not supported",
            ),
            Broken::Trailer => Fault::new(
                "MalformedTrailerError",
                400,
                "The request contained trailing data that was not well-formed or did not conform to our published schema.",
            ),
            Broken::Checksum(wrong) => wrong.fault(),
        }
    }
}
