//! The checksums that a client may send along with an object, in a header or in a trailer.
//!
//! [`stated`] reads the header, a [`Sum`] is fed the body in pieces, and [`Value::matches`] compares. Refusals are in S3's words.

mod crc64;

use aws::Fault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Crc;
use http::HeaderMap;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crc64::Crc64;

/// What is before the algorithm in a header's name.
const PREFIX: &str = "x-amz-checksum-";

/// How a checksum is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// The one of zip and Ethernet.
    Crc32,
    /// Castagnoli's.
    Crc32c,
    /// The one of NVM Express; S3's default.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 5] =
        [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

    /// The algorithm of a header `x-amz-checksum-…`, whose name is in lower case.
    pub fn of_header(name: &str) -> Option<Algorithm> {
        let name = name.strip_prefix(PREFIX)?;
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Its name in lower case, `crc32`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "crc32",
            Algorithm::Crc32c => "crc32c",
            Algorithm::Crc64Nvme => "crc64nvme",
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
        }
    }

    /// How long a value is, in bytes.
    pub fn length(self) -> usize {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32c => 4,
            Algorithm::Crc64Nvme => 8,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
        }
    }
}

/// A checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// How it was computed.
    pub algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl Value {
    /// Reads the base64 of a header or trailer; refuses another length.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Value, Wrong> {
        match STANDARD.decode(text) {
            Ok(bytes) if bytes.len() == algorithm.length() => Ok(Value { algorithm, bytes }),
            _ => Err(Wrong::Value(algorithm)),
        }
    }

    /// Its base64.
    pub fn text(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    /// Whether a body has this checksum, by the sum of its bytes.
    pub fn matches(&self, sum: Sum) -> Result<(), Wrong> {
        if *self == sum.finish() { Ok(()) } else { Err(Wrong::Body(self.algorithm)) }
    }
}

/// Why a checksum is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// The value is no base64 of the right length.
    Value(Algorithm),
    /// The body has another one.
    Body(Algorithm),
    /// There are several.
    Several,
}

impl Wrong {
    /// S3's error.
    pub fn fault(&self) -> Fault {
        match self {
            Wrong::Value(algorithm) => {
                let text = format!("Value for {PREFIX}{} header is invalid.", algorithm.name());
                Fault::new("InvalidRequest", 400, text)
            }
            Wrong::Body(algorithm) => {
                let name = algorithm.name().to_ascii_uppercase();
                let text = format!("The {name} you specified did not match the calculated checksum.");
                Fault::new("BadDigest", 400, text)
            }
            Wrong::Several => Fault::new(
                "InvalidRequest",
                400,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ),
        }
    }
}

/// The checksum that the headers of a request state. Refuses several of them, and values that cannot be one.
pub fn stated(headers: &HeaderMap) -> Result<Option<Value>, Wrong> {
    let mut found = None;
    for (name, value) in headers {
        let Some(algorithm) = Algorithm::of_header(name.as_str()) else { continue };
        if found.is_some() {
            return Err(Wrong::Several);
        }
        let text = value.to_str().map_err(|_| Wrong::Value(algorithm))?;
        found = Some(Value::parse(algorithm, text.trim())?);
    }
    Ok(found)
}

/// A checksum in the making.
pub struct Sum(State);

enum State {
    Crc32(Crc),
    Crc32c(u32),
    Crc64(Crc64),
    Sha1(Box<Sha1>),
    Sha256(Box<Sha256>),
}

impl Sum {
    /// That of no bytes yet.
    pub fn new(algorithm: Algorithm) -> Sum {
        Sum(match algorithm {
            Algorithm::Crc32 => State::Crc32(Crc::new()),
            Algorithm::Crc32c => State::Crc32c(0),
            Algorithm::Crc64Nvme => State::Crc64(Crc64::default()),
            Algorithm::Sha1 => State::Sha1(Box::default()),
            Algorithm::Sha256 => State::Sha256(Box::default()),
        })
    }

    /// How it is computed.
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            State::Crc32(_) => Algorithm::Crc32,
            State::Crc32c(_) => Algorithm::Crc32c,
            State::Crc64(_) => Algorithm::Crc64Nvme,
            State::Sha1(_) => Algorithm::Sha1,
            State::Sha256(_) => Algorithm::Sha256,
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc32(state) => state.update(bytes),
            State::Crc32c(state) => *state = crc32c::crc32c_append(*state, bytes),
            State::Crc64(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
        }
    }

    /// The checksum of all bytes.
    pub fn finish(self) -> Value {
        let algorithm = self.algorithm();
        let bytes = match self.0 {
            State::Crc32(state) => state.sum().to_be_bytes().to_vec(),
            State::Crc32c(state) => state.to_be_bytes().to_vec(),
            State::Crc64(state) => state.finish().to_be_bytes().to_vec(),
            State::Sha1(state) => state.finalize().to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
        };
        Value { algorithm, bytes }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(algorithm: Algorithm, bytes: &[u8]) -> Value {
        let mut sum = Sum::new(algorithm);
        // In odd pieces: the order of calls must not show.
        for piece in bytes.chunks(7) {
            sum.update(piece);
        }
        sum.finish()
    }

    #[test]
    fn checksums_are_those_that_s3_was_seen_to_answer() {
        for (algorithm, bytes, want) in [
            (Algorithm::Crc32, "", "AAAAAA=="),
            (Algorithm::Crc64Nvme, "", "AAAAAAAAAAA="),
            (Algorithm::Crc32c, "test-checksum", "Fz3epA=="),
            (Algorithm::Sha1, "test-checksum", "jbXkHAsXUrubtL3dqDQ4w+7WXc0="),
            (Algorithm::Sha256, "test-checksum", "1YQo81vx2VFUl0q5ccWISq8AkSBQQ0WO80S82TmfdIQ="),
            (Algorithm::Crc64Nvme, "test-checksum", "1f2xscCCZCU="),
            (Algorithm::Crc32, "123456789", "y/Q5Jg=="),
        ] {
            assert_eq!(of(algorithm, bytes.as_bytes()).text(), want, "{algorithm:?} of {bytes:?}");
        }
    }

    #[test]
    fn a_value_is_read_as_it_was_written_and_nothing_else_is_one() {
        for algorithm in Algorithm::ALL {
            let value = of(algorithm, b"body");
            assert_eq!(Value::parse(algorithm, &value.text()), Ok(value.clone()));
            let longer = STANDARD.encode([0; 33]);
            for bad in ["", "A", "====", "not base64!", &value.text()[1..], &longer] {
                assert_eq!(Value::parse(algorithm, bad), Err(Wrong::Value(algorithm)), "{bad}");
            }
            assert_eq!(
                Algorithm::of_header(&format!("x-amz-checksum-{}", algorithm.name())),
                Some(algorithm)
            );
        }
        assert_eq!(Algorithm::of_header("x-amz-checksum-algorithm"), None);
    }

    #[test]
    fn a_body_with_another_checksum_is_refused() {
        let mut headers = HeaderMap::new();
        assert_eq!(stated(&headers), Ok(None));
        headers.insert("x-amz-checksum-crc32", HeaderValue::from_static("y/Q5Jg=="));
        let value = stated(&headers).unwrap().unwrap();
        let sum = |bytes: &[u8]| {
            let mut sum = Sum::new(value.algorithm);
            sum.update(bytes);
            sum
        };
        assert_eq!(value.matches(sum(b"123456789")), Ok(()));
        let wrong = value.matches(sum(b"12345678")).unwrap_err();
        let fault = wrong.fault();
        assert_eq!((&*fault.code, fault.status), ("BadDigest", 400));
        assert_eq!(fault.message, "The CRC32 you specified did not match the calculated checksum.");
        headers.insert("x-amz-checksum-sha1", HeaderValue::from_static("?"));
        assert_eq!(stated(&headers), Err(Wrong::Several));
        headers.remove("x-amz-checksum-crc32");
        let fault = stated(&headers).unwrap_err().fault();
        assert_eq!(fault.message, "Value for x-amz-checksum-sha1 header is invalid.");
    }
}
