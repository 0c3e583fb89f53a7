use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::Boxed;
use aws::{Caller, Fault, Millis};
use wire::sigv4::{Scope, SigningKey};

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

type Id = (String, Scope);

/// Derived signing keys, bounded. An entry is used only for the secret from which it was derived.
#[derive(Default)]
pub(crate) struct SigningKeys(Mutex<HashMap<Id, (Arc<str>, SigningKey)>>);

impl SigningKeys {
    /// The signing key of an access key in a scope.
    pub(crate) fn derive(&self, access_key: &str, scope: &Scope, secret: &Arc<str>) -> SigningKey {
        let id = (access_key.to_owned(), scope.clone());
        if let Some((from, key)) = self.lock().get(&id)
            && from == secret
        {
            return key.clone();
        }
        let key = SigningKey::derive(secret, scope);
        let mut keys = self.lock();
        // Entries of past days are never asked for again, so starting over costs little and needs no order of use.
        if keys.len() >= SIGNING_KEYS {
            keys.clear();
        }
        keys.insert(id, (secret.clone(), key.clone()));
        key
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Id, (Arc<str>, SigningKey)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(day: usize) -> Scope {
        Scope { date: format!("{day:08}"), region: "r".into(), service: "lambda".into() }
    }

    #[test]
    fn the_cache_is_bounded_and_a_changed_secret_is_derived_anew() {
        let keys = SigningKeys::default();
        for day in 0..3 * SIGNING_KEYS {
            keys.derive("A", &scope(day), &"secret".into());
            assert!(keys.lock().len() <= SIGNING_KEYS);
        }
        let at = |secret: &str| {
            keys.derive("B", &scope(0), &secret.into());
            keys.lock().get(&("B".to_owned(), scope(0))).map(|(from, _)| from.to_string())
        };
        assert_eq!(at("one").as_deref(), Some("one"));
        assert_eq!(at("two").as_deref(), Some("two"));
    }
}
