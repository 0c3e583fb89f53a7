//! Unique ids and access key ids, which carry the account as AWS's do.

use aws::AccountId;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The kinds of id that we make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A role's unique id: `AROA` and 17 characters.
    Role,
    /// A temporary access key id: `ASIA` and 16 characters.
    TemporaryKey,
}

/// An id of `account` made of eight random bytes.
///
/// After the prefix come eight characters of base32 that hold a leading 1 and the upper 39 bits of the account number, then
/// one whose half of the alphabet is the lowest bit, then the random rest.
pub(crate) fn make(kind: Kind, account: AccountId, random: [u8; 8]) -> String {
    let (prefix, length) = match kind {
        Kind::Role => ("AROA", 21),
        Kind::TemporaryKey => ("ASIA", 20),
    };
    let number: u64 = account.as_str().parse().expect("an account is twelve digits");
    let upper = (number >> 1) | (1 << 39);
    let mut id = String::with_capacity(length);
    id.push_str(prefix);
    for place in (0..8).rev() {
        id.push(letter(upper >> (5 * place)));
    }
    let [parity, rest @ ..] = random;
    id.push(letter(u64::from(parity % 16) + 16 * (number & 1)));
    let rest = u64::from_be_bytes([0, rest[0], rest[1], rest[2], rest[3], rest[4], rest[5], rest[6]]);
    for place in 0..length - id.len() {
        id.push(letter(rest >> (5 * place)));
    }
    id
}

/// The account that an id carries; `None` for ids that carry none, as those of AWS's first years.
pub(crate) fn account(id: &str) -> Option<AccountId> {
    let value = |letter: u8| ALPHABET.iter().position(|known| *known == letter);
    let mut letters = id.as_bytes().get(4..13)?.iter().map(|letter| value(*letter));
    let mut upper: u64 = 0;
    for _ in 0..8 {
        upper = upper << 5 | letters.next()?? as u64;
    }
    let number = (upper & !(1 << 39)) << 1 | u64::from(letters.next()?? >= 16);
    if upper >> 39 == 0 {
        return None;
    }
    AccountId::parse(&format!("{number:012}")).ok()
}

fn letter(bits: u64) -> char {
    char::from(ALPHABET[(bits & 31) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_awss_form_and_carries_the_account() {
        let even = AccountId::parse("123456789012").unwrap();
        let id = make(Kind::Role, even, [7; 8]);
        assert_eq!((id.len(), &id[..12]), (21, "AROARZPUZDIK"));
        assert!(('A'..='P').contains(&id.chars().nth(12).unwrap()), "{id}");
        let key = make(Kind::TemporaryKey, AccountId::parse("123456789013").unwrap(), [255; 8]);
        assert_eq!((key.len(), &key[..12]), (20, "ASIARZPUZDIK"));
        assert!(
            ('Q'..='Z').contains(&key.chars().nth(12).unwrap()) || key.as_bytes()[12].is_ascii_digit(),
            "{key}"
        );
        let zero = make(Kind::Role, AccountId::parse("000000000000").unwrap(), [0; 8]);
        assert_eq!(zero, "AROAQAAAAAAAAAAAAAAAA");
    }

    #[test]
    fn the_account_of_an_id_is_read_back() {
        for number in ["000000000000", "123456789012", "123456789013", "999999999999"] {
            let expected = AccountId::parse(number).unwrap();
            for kind in [Kind::Role, Kind::TemporaryKey] {
                assert_eq!(account(&make(kind, expected, [255; 8])), Some(expected));
            }
        }
        for bad in ["", "AKIA", "AKIAIOSFODNN7EXAMPLE", "ASIA7777777777777777", "ASIARZPUZDI0A2345678"] {
            assert_eq!(account(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_random_byte_counts() {
        let account = AccountId::parse("123456789012").unwrap();
        for index in 1..8 {
            let mut random = [0; 8];
            random[index] = 31;
            for kind in [Kind::Role, Kind::TemporaryKey] {
                let (a, b) = (make(kind, account, [0; 8]), make(kind, account, random));
                // 35 of the 56 bits are used for keys and 40 for roles, from the lower end.
                assert!(a != b || index < 4, "byte {index}");
            }
        }
    }
}
