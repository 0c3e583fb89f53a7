//! Session tokens: the session itself, authenticated, so that temporary credentials need no row and outlive a restart.
//!
//! A token is base64 of: AWS's usual first twelve bytes, a format byte, sixteen random bytes, the claims as JSON, and an
//! HMAC-SHA256 of all that. The access key id and the secret are further HMACs of it under the same key, so whoever
//! has the key can check all three and nobody else can make them. The claims are readable by the holder, and hold nothing
//! that he does not know.

use aws::AccountId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::ids;
use crate::limits::TOKEN_BYTES;

/// What real tokens begin with: `IQoJb3JpZ2luX2Vj` in base64.
const MAGIC: &[u8] = b"!\n\torigin_ec";
const FORMAT: u8 = 1;
const NONCE: usize = 16;
const TAG: usize = 32;

/// The key under which sessions are signed.
#[derive(Clone)]
pub(crate) struct SigningKey([u8; 32]);

/// What a token says about its session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The role's account.
    #[serde(rename = "a")]
    pub(crate) account: AccountId,
    /// The role's name, in its own letter case.
    #[serde(rename = "r")]
    pub(crate) role: String,
    /// The role's path.
    #[serde(rename = "p")]
    pub(crate) path: String,
    /// The role's unique id: a role made again under the same name is another one.
    #[serde(rename = "i")]
    pub(crate) role_id: String,
    /// The session's name.
    #[serde(rename = "s")]
    pub(crate) session: String,
    /// The function whose environment has the session.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_function: Option<String>,
    /// When it was made, in seconds since the epoch.
    #[serde(rename = "t")]
    pub(crate) issued: u64,
    /// When it ends, in seconds since the epoch.
    #[serde(rename = "e")]
    pub(crate) expires: u64,
}

/// A session's credentials.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) token: String,
}

/// What an authentic token holds.
pub(crate) struct Opened {
    pub(crate) claims: Claims,
    pub(crate) secret_key: String,
}

impl SigningKey {
    pub(crate) fn new(bytes: [u8; 32]) -> SigningKey {
        SigningKey(bytes)
    }

    fn mac(&self, purpose: &[u8], signed: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        // Purposes have one length, so that no two inputs run together.
        mac.update(purpose);
        mac.update(signed);
        mac.finalize().into_bytes().into()
    }

    /// Makes the credentials of a session. `nonce` is random: equal claims give different credentials.
    pub(crate) fn seal(&self, claims: &Claims, nonce: [u8; NONCE]) -> Credentials {
        let mut signed = Vec::with_capacity(512);
        signed.extend_from_slice(MAGIC);
        signed.push(FORMAT);
        signed.extend_from_slice(&nonce);
        serde_json::to_writer(&mut signed, claims).expect("claims are plain JSON");
        let credentials = self.derive(claims.account, &signed);
        signed.extend_from_slice(&self.mac(b"auth", &signed));
        Credentials { token: STANDARD.encode(&signed), ..credentials }
    }

    /// Checks that the token is ours and belongs to the access key. It does not look at the clock.
    pub(crate) fn open(&self, access_key: &str, token: &str) -> Option<Opened> {
        if token.len() > TOKEN_BYTES {
            return None;
        }
        let bytes = STANDARD.decode(token).ok()?;
        let (signed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        if !bool::from(self.mac(b"auth", signed).ct_eq(tag)) {
            return None;
        }
        let json = signed.strip_prefix(MAGIC)?.strip_prefix(&[FORMAT])?.get(NONCE..)?;
        let claims: Claims = serde_json::from_slice(json).ok()?;
        let credentials = self.derive(claims.account, signed);
        if !bool::from(credentials.access_key.as_bytes().ct_eq(access_key.as_bytes())) {
            return None;
        }
        Some(Opened { claims, secret_key: credentials.secret_key })
    }

    fn derive(&self, account: AccountId, signed: &[u8]) -> Credentials {
        let id = self.mac(b"name", signed);
        let random = [id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]];
        // Thirty bytes are forty characters, the length of every secret key.
        let secret_key = STANDARD.encode(&self.mac(b"pass", signed)[..30]);
        let access_key = ids::make(ids::Kind::TemporaryKey, account, random);
        Credentials { access_key, secret_key, token: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claims() -> Claims {
        Claims {
            account: AccountId::parse("123456789012").unwrap(),
            role: "r".to_owned(),
            path: "/p/".to_owned(),
            role_id: "AROARZPUZDIKAAAAAAAAA".to_owned(),
            session: "fn".to_owned(),
            source_function: Some("arn:aws:lambda:us-east-1:123456789012:function:fn".to_owned()),
            issued: 1,
            expires: 3_601,
        }
    }

    #[test]
    fn credentials_look_like_awss_and_open_again() {
        let key = SigningKey::new([7; 32]);
        let made = key.seal(&claims(), [1; 16]);
        assert!(made.token.starts_with("IQoJb3JpZ2luX2Vj"));
        assert_eq!((made.access_key.len(), made.secret_key.len()), (20, 40));
        assert!(made.access_key.starts_with("ASIARZPUZDIK"));
        let opened = key.open(&made.access_key, &made.token).unwrap();
        assert_eq!((opened.claims, opened.secret_key), (claims(), made.secret_key.clone()));
        let other = key.seal(&claims(), [2; 16]);
        assert!(other.access_key != made.access_key && other.secret_key != made.secret_key);
    }

    #[test]
    fn another_key_another_token_and_another_access_key_do_not_open() {
        let key = SigningKey::new([7; 32]);
        let (made, other) = (key.seal(&claims(), [1; 16]), key.seal(&claims(), [2; 16]));
        assert!(SigningKey::new([8; 32]).open(&made.access_key, &made.token).is_none());
        assert!(key.open(&made.access_key, &other.token).is_none());
        assert!(key.open("", &made.token).is_none());
        assert!(key.open(&made.access_key, &"A".repeat(TOKEN_BYTES + 4)).is_none());
    }

    #[test]
    fn no_bit_of_a_token_can_be_changed() {
        let key = SigningKey::new([7; 32]);
        let made = key.seal(&claims(), [1; 16]);
        let bytes = STANDARD.decode(&made.token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open(&made.access_key, &STANDARD.encode(&bytes)).is_none(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(key.open(&made.access_key, &STANDARD.encode(&bytes[..length])).is_none(), "{length}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_token_makes_us_panic(token in ".{0,100}", bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let key = SigningKey::new([7; 32]);
            prop_assert!(key.open("ASIA", &token).is_none());
            prop_assert!(key.open("ASIA", &STANDARD.encode(&bytes)).is_none());
        }
    }
}
