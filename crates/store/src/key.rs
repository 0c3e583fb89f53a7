use aws::Millis;

use crate::{Broken, Result};

/// A typed key. Encoded keys sort as the keys do: strings by bytes, numbers by size, tuples member by member.
///
/// At most 2,000 bytes when encoded.
pub trait Key: Send + Sync + 'static {
    /// Appends the key's bytes to `out`. No encoding is a prefix of another key's.
    fn encode(&self, out: &mut Vec<u8>);

    /// Takes a key from the front of `bytes`.
    fn take(bytes: &mut &[u8]) -> Result<Self>
    where
        Self: Sized;

    /// Reads a key that is all of `bytes`.
    fn decode(mut bytes: &[u8]) -> Result<Self>
    where
        Self: Sized,
    {
        let key = Self::take(&mut bytes)?;
        if bytes.is_empty() { Ok(key) } else { Err(malformed()) }
    }
}

fn malformed() -> Broken {
    Broken::Corrupt("a key that its table's type cannot read".to_owned())
}

fn front<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(count).ok_or_else(malformed)?;
    *bytes = rest;
    Ok(front)
}

// Zero ends a string, so a zero inside is written 00 FF: it sorts after the end (00 00) and before every other byte.
fn put_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend([0, 0]);
}

fn take_escaped(bytes: &mut &[u8]) -> Result<Vec<u8>> {
    let mut taken = Vec::new();
    loop {
        match front(bytes, 1)? {
            [0] => match front(bytes, 1)? {
                [0] => return Ok(taken),
                [0xff] => taken.push(0),
                _ => return Err(malformed()),
            },
            plain => taken.extend(plain),
        }
    }
}

impl Key for String {
    fn encode(&self, out: &mut Vec<u8>) {
        put_escaped(self.as_bytes(), out);
    }

    fn take(bytes: &mut &[u8]) -> Result<String> {
        String::from_utf8(take_escaped(bytes)?).map_err(|_| malformed())
    }
}

impl Key for Vec<u8> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_escaped(self, out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Vec<u8>> {
        take_escaped(bytes)
    }
}

impl<const N: usize> Key for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }

    fn take(bytes: &mut &[u8]) -> Result<[u8; N]> {
        front(bytes, N)?.try_into().map_err(|_| malformed())
    }
}

impl Key for u64 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.to_be_bytes());
    }

    fn take(bytes: &mut &[u8]) -> Result<u64> {
        Ok(u64::from_be_bytes(<[u8; 8]>::take(bytes)?))
    }
}

impl Key for Millis {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Millis> {
        Ok(Millis(u64::take(bytes)?))
    }
}

/// The key of a table with one row a home.
impl Key for () {
    fn encode(&self, _out: &mut Vec<u8>) {}

    fn take(_bytes: &mut &[u8]) -> Result<()> {
        Ok(())
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<(A, B)> {
        Ok((A::take(bytes)?, B::take(bytes)?))
    }
}

impl<A: Key, B: Key, C: Key> Key for (A, B, C) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
        self.2.encode(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<(A, B, C)> {
        Ok((A::take(bytes)?, B::take(bytes)?, C::take(bytes)?))
    }
}

impl<A: Key, B: Key, C: Key, D: Key> Key for (A, B, C, D) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
        self.2.encode(out);
        self.3.encode(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<(A, B, C, D)> {
        Ok((A::take(bytes)?, B::take(bytes)?, C::take(bytes)?, D::take(bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;

    fn check<K: Key + Ord + Debug + Clone>(a: &K, b: &K) {
        let [mut x, mut y] = [Vec::new(), Vec::new()];
        a.encode(&mut x);
        b.encode(&mut y);
        assert_eq!(a.cmp(b), x.cmp(&y), "{a:?} and {b:?} sort otherwise when encoded");
        assert_eq!(K::decode(&x), Ok(a.clone()));
        assert!(a == b || !y.starts_with(&x), "{a:?} is a prefix of {b:?}");
    }

    // Few letters, zero and 0xff among them, so that common prefixes and the escape occur.
    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec(
            prop::sample::select(vec!['\0', '\u{1}', 'a', 'b', 'ÿ', '\u{10ffff}']),
            0..6,
        )
        .prop_map(|letters| letters.into_iter().collect())
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop::sample::select(vec![0u8, 1, 2, 0xfe, 0xff]), 0..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn encoded_keys_sort_as_the_keys_do(
            a in (text(), any::<u64>(), bytes(), any::<[u8; 3]>()),
            b in (text(), any::<u64>(), bytes(), any::<[u8; 3]>()),
        ) {
            check(&a.0, &b.0);
            check(&a.1, &b.1);
            check(&a.2, &b.2);
            check(&a.3, &b.3);
            check(&(a.0.clone(), b.0.clone()), &(b.0.clone(), a.0.clone()));
            check(&(a.0.clone(), a.0.clone()), &(a.0.clone(), b.0.clone()));
            check(&(a.2.clone(), Millis(a.1), ()), &(a.2.clone(), Millis(b.1), ()));
            check(&a, &b);
        }

        #[test]
        fn no_bytes_make_a_key_panic(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
            let _ = <(String, u64, Vec<u8>, [u8; 2])>::decode(&bytes);
            let _ = <(Vec<u8>, String)>::decode(&bytes);
        }
    }
}
