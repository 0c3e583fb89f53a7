use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Scope, TERMINATOR};

/// A key derived for one secret, day, region and service, ready to sign: its two blocks of HMAC are hashed already.
/// Deriving takes four HMACs: worth caching.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Derives the key of `secret` for a scope.
    pub fn derive(secret: &str, scope: &Scope<'_>) -> SigningKey {
        let mut first = Vec::with_capacity(4 + secret.len());
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret.as_bytes());
        let date = signed(keyed(&first), &[scope.date.as_bytes()]);
        let region = signed(keyed(&date), &[scope.region.as_bytes()]);
        let service = signed(keyed(&region), &[scope.service.as_bytes()]);
        SigningKey(keyed(&signed(keyed(&service), &[TERMINATOR.as_bytes()])))
    }

    /// The signature of these pieces, one after the other.
    pub(super) fn sign(&self, pieces: &[&[u8]]) -> Signature {
        Signature(signed(self.0.clone(), pieces))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn signed(mut mac: Hmac<Sha256>, pieces: &[&[u8]]) -> [u8; 32] {
    for piece in pieces {
        mac.update(piece);
    }
    mac.finalize().into_bytes().into()
}

/// A computed signature. There is no way to compare it but in constant time.
#[derive(Clone, Copy)]
pub(super) struct Signature([u8; 32]);

impl Signature {
    pub(super) fn hex(&self) -> Hex {
        Hex::of(&self.0)
    }

    /// Whether `provided`, lower-case hexadecimal digits, is this signature.
    pub(super) fn is(&self, provided: &[u8]) -> bool {
        // Only the comparison must take the same time always; reading what a stranger sent may not.
        let Some(provided) = unhex(provided) else { return false };
        let (ours, theirs) = (words(&self.0), words(&provided));
        let differences = ours.iter().zip(&theirs).fold(0, |all, (our, their)| all | (our ^ their));
        differences.ct_eq(&0).into()
    }
}

fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let (words, _) = bytes.as_chunks::<8>();
    [0, 1, 2, 3].map(|at| u64::from_ne_bytes(words[at]))
}

/// The SHA-256 of a body, which the caller computes in steps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BodyHash(pub [u8; 32]);

impl BodyHash {
    /// That of no bytes.
    pub const EMPTY: BodyHash = BodyHash([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// Hashes a body in one go. For large ones feed `sha2::Sha256` in steps and yield between them.
    pub fn of(body: &[u8]) -> BodyHash {
        if body.is_empty() { BodyHash::EMPTY } else { BodyHash(Sha256::digest(body).into()) }
    }

    /// Sixty-four lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        Hex::of(&self.0).as_str().to_owned()
    }

    pub(super) fn digits(&self) -> Hex {
        Hex::of(&self.0)
    }
}

impl fmt::Debug for BodyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits().as_str())
    }
}

/// Thirty-two bytes as lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hex([u8; 64]);

impl Hex {
    pub(super) fn of(bytes: &[u8; 32]) -> Hex {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut out = [0; 64];
        for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        Hex(out)
    }

    pub(super) fn of_hash(bytes: &[u8]) -> Hex {
        Hex::of(&Sha256::digest(bytes).into())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits")
    }
}

/// Reads sixty-four lower-case hexadecimal digits.
pub(super) fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let mut out = [0; 32];
    if pairs.len() != out.len() {
        return None;
    }
    let mut bad = 0;
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        let (high, low) = (VALUES[usize::from(*high)], VALUES[usize::from(*low)]);
        bad |= high | low;
        *byte = high << 4 | low & 15;
    }
    (bad < 16).then_some(out)
}

/// The value of each hexadecimal digit; 255 for other bytes and for capitals, which AWS does not take either.
const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut at = 0;
    while at < 10 {
        values[b'0' as usize + at] = at as u8;
        at += 1;
    }
    while at < 16 {
        values[b'a' as usize + at - 10] = at as u8;
        at += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_hexadecimal_is_read_again_and_nothing_else_is() {
        let bytes: [u8; 32] = std::array::from_fn(|at| (at * 37 + 5) as u8);
        let hex = Hex::of(&bytes);
        assert_eq!(unhex(hex.as_bytes()), Some(bytes));
        for bad in [
            &hex.as_bytes()[1..],
            &hex.as_bytes()[2..],
            hex.as_str().to_ascii_uppercase().as_bytes(),
            b"",
            &[b'g'; 64],
            &[0; 64],
            &[0xff; 64],
        ] {
            assert_eq!(unhex(bad), None);
        }
    }

    #[test]
    fn the_hash_of_nothing_is_known() {
        assert_eq!(BodyHash::EMPTY.0, <[u8; 32]>::from(Sha256::digest(b"")));
    }

    #[test]
    fn a_signature_is_itself_only() {
        let ours = Signature([7; 32]);
        assert!(ours.is(ours.hex().as_bytes()));
        for at in 0..64 {
            let mut other = ours.hex().0;
            other[at] ^= 1;
            assert!(!ours.is(&other));
        }
    }
}
