use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::ROW_BYTES;
use crate::{Broken, Result};

/// A typed row: every serde type is one. JSON on disk; unknown fields are ignored, so give new fields a default.
///
/// At most 1 MiB when encoded.
pub trait Row: Send + Sync + Sized + 'static {
    /// The row's bytes.
    fn encode(&self) -> Vec<u8>;

    /// Reads what `encode` wrote, in this release or an older one.
    fn decode(bytes: &[u8]) -> Result<Self>;
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Row for T {
    fn encode(&self) -> Vec<u8> {
        // A type that serde_json refuses (a map with keys that are no strings) is a mistake in the code, seen by
        // the first test that writes it.
        serde_json::to_vec(self).expect("rows are types that JSON can hold")
    }

    fn decode(bytes: &[u8]) -> Result<T> {
        serde_json::from_slice(bytes).map_err(|error| Broken::Corrupt(format!("a row: {error}")))
    }
}

/// `body` behind its checksum, which covers the key too: a row in the wrong place is corrupt.
pub(crate) fn seal(key: &[u8], body: &[u8]) -> Result<Vec<u8>> {
    seal_within(ROW_BYTES, key, body)
}

/// `seal` for bodies of up to `limit` bytes.
pub(crate) fn seal_within(limit: usize, key: &[u8], body: &[u8]) -> Result<Vec<u8>> {
    if body.len() > limit {
        return Err(Broken::TooLarge);
    }
    let mut sealed = Vec::with_capacity(4 + body.len());
    sealed.extend(checksum(key, body).to_le_bytes());
    sealed.extend(body);
    Ok(sealed)
}

/// The body of what `seal` made, once its checksum is right.
pub(crate) fn unseal<'a>(key: &[u8], sealed: &'a [u8]) -> Result<&'a [u8]> {
    match sealed.split_first_chunk::<4>() {
        Some((sum, body)) if u32::from_le_bytes(*sum) == checksum(key, body) => Ok(body),
        _ => Err(Broken::Corrupt(format!("the row at {} does not match its checksum", Hex(key)))),
    }
}

fn checksum(key: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), body)
}

/// Bytes shown as hexadecimal digits.
pub(crate) struct Hex<'a>(pub &'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_flipped_bit_is_found_and_so_is_a_row_in_the_wrong_place() {
        let sealed = seal(b"key", b"{\"a\":1}").unwrap();
        assert_eq!(unseal(b"key", &sealed), Ok(&b"{\"a\":1}"[..]));
        assert!(unseal(b"kez", &sealed).is_err());
        for bit in 0..sealed.len() * 8 {
            let mut broken = sealed.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(b"key", &broken).is_err(), "bit {bit}");
        }
        assert!(unseal(b"key", b"abc").is_err());
    }

    #[test]
    fn a_row_of_a_newer_release_is_read_by_an_older_one() {
        #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
        struct Old {
            name: String,
        }
        assert_eq!(Old::decode(br#"{"name":"a","added":[1]}"#), Ok(Old { name: "a".into() }));
        assert!(matches!(Old::decode(b"{}"), Err(Broken::Corrupt(_))));
    }

    #[test]
    fn a_row_above_one_mebibyte_is_refused() {
        assert_eq!(seal(b"k", &vec![0; ROW_BYTES + 1]), Err(Broken::TooLarge));
        assert!(seal(b"k", &vec![0; ROW_BYTES]).is_ok());
    }
}
