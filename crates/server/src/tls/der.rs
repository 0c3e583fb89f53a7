//! As much of DER as a certificate needs (ITU-T X.690).

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTF8: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const BOOLEAN: u8 = 0x01;

/// A value with its tag and length.
pub(super) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        out.push(0x80 | bytes.len() as u8);
        out.extend_from_slice(bytes);
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn sequence<const N: usize>(parts: [Vec<u8>; N]) -> Vec<u8> {
    tagged(SEQUENCE, &parts.concat())
}

/// A non-negative integer of big-endian bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let mut content = bytes[bytes.iter().take_while(|byte| **byte == 0).count()..].to_vec();
    // The first bit is a sign.
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    tagged(INTEGER, &content)
}

/// An object identifier, as its encoded bytes.
pub(super) fn object(encoded: &[u8]) -> Vec<u8> {
    tagged(OBJECT, encoded)
}

/// Whole bytes as a bit string.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    flags(0, bytes)
}

/// A bit string whose last bits are no part of it.
pub(super) fn flags(unused: u8, bytes: &[u8]) -> Vec<u8> {
    tagged(BIT_STRING, &[&[unused], bytes].concat())
}

pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    tagged(OCTET_STRING, bytes)
}

pub(super) fn text(text: &str) -> Vec<u8> {
    tagged(UTF8, text.as_bytes())
}

/// `YYMMDDhhmmssZ`, good for the years 1950 to 2049.
pub(super) fn time(text: &str) -> Vec<u8> {
    tagged(UTC_TIME, text.as_bytes())
}

pub(super) fn truth() -> Vec<u8> {
    tagged(BOOLEAN, &[0xff])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_integers_are_as_short_as_can_be() {
        assert_eq!(tagged(4, &[7; 3]), [4, 3, 7, 7, 7]);
        assert_eq!(tagged(4, &[0; 0x7f])[..2], [4, 0x7f]);
        assert_eq!(tagged(4, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(tagged(4, &[0; 0x1234])[..4], [4, 0x82, 0x12, 0x34]);
        for (bytes, encoded) in [
            (&[][..], &[2, 1, 0][..]),
            (&[0, 0], &[2, 1, 0]),
            (&[0, 1], &[2, 1, 1]),
            (&[0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
        ] {
            assert_eq!(integer(bytes), encoded, "{bytes:?}");
        }
    }
}
