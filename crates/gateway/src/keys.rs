use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Boxed;
use aws::{Caller, Fault, Millis};
use wire::sigv4::{Claim, Refusal, Scope, SigningKey};

use crate::limits::SIGNING_KEYS;

/// Finds the secret and the owner of an access key. `server` joins the root key and those of `iam`.
pub trait Keys: Send + Sync + 'static {
    /// Looks an access key up. A temporary key needs its own session token, a long-term key must come without one.
    fn find<'a>(
        &'a self,
        access_key: &'a str,
        session_token: Option<&'a str>,
    ) -> Boxed<'a, Result<Known, NotKnown>>;
}

/// A key that exists.
#[derive(Clone)]
pub struct Known {
    /// Its secret.
    pub secret_key: Arc<str>,
    /// Who calls with it.
    pub caller: Arc<Caller>,
    /// When the session ends, for temporary keys.
    pub expires: Option<Millis>,
}

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub enum NotKnown {
    /// There is none, it is inactive, or the session token is not its own.
    Unknown,
    /// Its session is over.
    Expired,
    /// It could not be looked up.
    Failed(Fault),
}

/// Derived signing keys, bounded. An entry is used only for the very key, scope and secret from which it was derived: whether
/// the key still exists is asked each time before, and a key that got another secret is derived anew.
#[derive(Default)]
pub(crate) struct SigningKeys {
    names: RandomState,
    entries: Mutex<HashMap<u64, Entry>>,
}

struct Entry {
    access_key: Box<str>,
    date: [u8; 8],
    region: Box<str>,
    service: Box<str>,
    secret: Arc<str>,
    key: Arc<SigningKey>,
}

impl Entry {
    fn is_of(&self, access_key: &str, scope: &Scope<'_>, secret: &Arc<str>) -> bool {
        *self.access_key == *access_key
            && self.date == *scope.date.as_bytes()
            && *self.region == *scope.region
            && *self.service == *scope.service
            && (Arc::ptr_eq(&self.secret, secret) || self.secret == *secret)
    }
}

impl SigningKeys {
    /// Verifies something of a claim with the key of this secret, which it derives or remembers. A key is remembered only when it
    /// verified something, so that a stranger cannot push out those of others.
    pub(crate) fn verify<T>(
        &self,
        claim: &Claim<'_>,
        secret: &Arc<str>,
        verify: impl FnOnce(&SigningKey) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let (access_key, scope) = (claim.access_key(), claim.scope());
        // Two names with one hash take turns in its place. Nothing is allocated to look one up.
        let place = self.names.hash_one((access_key, scope));
        let remembered = self
            .lock()
            .get(&place)
            .filter(|entry| entry.is_of(access_key, &scope, secret))
            .map(|entry| entry.key.clone());
        if let Some(key) = remembered {
            return verify(&key);
        }
        let key = SigningKey::derive(secret, &scope);
        let verified = verify(&key)?;
        let Ok(date) = scope.date.as_bytes().try_into() else { return Ok(verified) };
        let entry = Entry {
            access_key: access_key.into(),
            date,
            region: scope.region.into(),
            service: scope.service.into(),
            secret: secret.clone(),
            key: Arc::new(key),
        };
        let mut entries = self.lock();
        // Entries of past days are never asked for again, so starting over costs little and needs no order of use.
        if entries.len() >= SIGNING_KEYS {
            entries.clear();
        }
        entries.insert(place, entry);
        Ok(verified)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use wire::sigv4::{BodyHash, Credentials, Parts, Signer};

    use super::*;

    const DAY_MS: u64 = 86_400_000;

    fn signed(access_key: &str, secret: &str, day: usize) -> Request<Bytes> {
        let credentials = Credentials {
            access_key: access_key.to_owned(),
            secret_key: secret.to_owned(),
            session_token: None,
        };
        let at = Millis(1_704_070_800_000 + day as u64 * DAY_MS);
        let mut request = Request::get("http://h/").body(Bytes::new()).unwrap();
        Signer { credentials: &credentials, service: "lambda", region: "r", at }.sign(&mut request).unwrap();
        request
    }

    fn verdict(keys: &SigningKeys, request: &Request<Bytes>, secret: &str) -> Result<(), Refusal> {
        let parts = Parts { method: "GET", path: "/", query: "", headers: request.headers() };
        let claim = Claim::of(&parts)?;
        keys.verify(&claim, &secret.into(), |key| claim.verify(&parts, BodyHash::EMPTY, key))
    }

    #[test]
    fn the_cache_is_bounded_and_a_stranger_leaves_nothing_in_it() {
        let keys = SigningKeys::default();
        for day in 0..SIGNING_KEYS + 9 {
            assert_eq!(verdict(&keys, &signed("A", "secret", day), "secret"), Ok(()));
            assert!((1..=SIGNING_KEYS).contains(&keys.lock().len()));
        }
        let before = keys.lock().len();
        for day in 0..9 {
            assert!(verdict(&keys, &signed("S", "guessed", day), "secret").is_err());
        }
        assert_eq!(keys.lock().len(), before);
    }

    #[test]
    fn a_changed_secret_is_never_verified_by_the_old_key() {
        let keys = SigningKeys::default();
        let (old, new) = (signed("A", "one", 0), signed("A", "two", 0));
        for _ in 0..2 {
            assert_eq!(verdict(&keys, &old, "one"), Ok(()));
            assert!(matches!(verdict(&keys, &old, "two"), Err(Refusal::Mismatch(_))));
            assert_eq!(verdict(&keys, &new, "two"), Ok(()));
            assert!(matches!(verdict(&keys, &new, "one"), Err(Refusal::Mismatch(_))));
        }
        assert_eq!(keys.lock().len(), 1);
    }

    #[test]
    fn keys_of_one_place_do_not_verify_for_each_other() {
        let keys = SigningKeys::default();
        let (a, b) = (signed("A", "one", 0), signed("B", "two", 0));
        assert_eq!(verdict(&keys, &a, "one"), Ok(()));
        let entry = keys.lock().drain().next().unwrap().1;
        let parts = Parts { method: "GET", path: "/", query: "", headers: b.headers() };
        let claim = Claim::of(&parts).unwrap();
        let place = keys.names.hash_one((claim.access_key(), claim.scope()));
        keys.lock().insert(place, entry);
        assert_eq!(verdict(&keys, &b, "two"), Ok(()));
        assert!(verdict(&keys, &b, "one").is_err());
    }
}
