//! Whose access keys are valid: root's, the one that signs code locations, and those of role sessions.

use std::sync::Arc;

use api::{Boxed, Call};
use aws::{AccountId, Caller, Fault, Millis};
use gateway::{Known, NotKnown};
use iam::{KeyError, Sessions};
use tasks::Clock;
use wire::sigv4::{BodyHash, Credentials, Signer};

use crate::RootKey;

/// All access keys of an instance.
pub(crate) struct AccessKeys {
    root: Known,
    root_key: String,
    locations: Known,
    locations_key: String,
    sessions: Sessions,
}

impl AccessKeys {
    pub(crate) fn new(root_key: &RootKey, account: AccountId, sessions: Sessions) -> AccessKeys {
        let known = |secret: &str, caller| Known {
            secret_key: secret.into(),
            caller: Arc::new(caller),
            expires: None,
        };
        let signing = location_credentials(root_key);
        AccessKeys {
            root: known(root_key.secret_key(), Caller::root(account, Some(root_key.access_key().to_owned()))),
            root_key: root_key.access_key().to_owned(),
            locations: known(&signing.secret_key, Caller::service(account, "lambda.amazonaws.com")),
            locations_key: signing.access_key,
            sessions,
        }
    }

    async fn look_up(&self, access_key: &str, token: Option<&str>) -> Result<Known, NotKnown> {
        let own = [(&self.root_key, &self.root), (&self.locations_key, &self.locations)];
        if let Some((_, known)) = own.into_iter().find(|(key, _)| *key == access_key) {
            // A token with a long-term key is as wrong as none with a temporary one.
            return if token.is_none() { Ok(known.clone()) } else { Err(NotKnown::Unknown) };
        }
        match self.sessions.find(access_key, token).await {
            Ok(found) => Ok(Known { secret_key: found.secret.into(), caller: found.caller, expires: None }),
            Err(KeyError::Unknown) => Err(NotKnown::Unknown),
            Err(KeyError::Expired) => Err(NotKnown::Expired),
            Err(KeyError::Failed(fault)) => Err(NotKnown::Failed(fault)),
        }
    }
}

impl gateway::Keys for AccessKeys {
    fn find<'a>(
        &'a self,
        access_key: &'a str,
        session_token: Option<&'a str>,
    ) -> Boxed<'a, Result<Known, NotKnown>> {
        Box::pin(self.look_up(access_key, session_token))
    }
}

/// The key that signs code locations. It is derived from root's, so that a location outlives a restart.
fn location_credentials(root_key: &RootKey) -> Credentials {
    let derived =
        |purpose: &str| BodyHash::of(format!("lambent {purpose} {}", root_key.secret_key()).as_bytes()).hex();
    let id = derived("code location id").to_ascii_uppercase();
    Credentials {
        access_key: format!("AKIA{}", &id[..16]),
        secret_key: derived("code location secret"),
        session_token: None,
    }
}

/// Signs code locations.
pub(crate) struct Presigner {
    credentials: Credentials,
    clock: Clock,
}

impl Presigner {
    pub(crate) fn new(root_key: &RootKey, clock: Clock) -> Presigner {
        Presigner { credentials: location_credentials(root_key), clock }
    }
}

impl lambda::Locations for Presigner {
    fn presign(&self, call: &Call, path: &str, seconds: u32) -> Result<String, Fault> {
        let (credentials, at) = (&self.credentials, Millis(self.clock.wall_ms()));
        let signer = Signer { credentials, service: "s3", region: call.region.as_str(), at };
        let host = call.endpoint.split_once("://").map_or(&*call.endpoint, |(_, host)| host);
        let target = signer.presign(host, path, &[], seconds.into());
        let target = target.map_err(|error| api::lambda::fault::service(error.to_string()))?;
        Ok(format!("{}{target}", call.endpoint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::Principal;
    use gateway::Keys as _;
    use iam::Iam;
    use store::Store;
    use tasks::Random;

    #[tokio::test]
    async fn root_and_code_locations_have_keys_and_nobody_else() {
        let clock = Clock::virtual_at(1_700_000_000_000);
        let (store, random) = (Store::simulated(1, clock.clone()), Random::seeded(1));
        let iam = Iam::open(store, clock, random.clone()).await.unwrap();
        let (root, other) = (RootKey::make(&random), RootKey::make(&random));
        let account = AccountId::parse("000000000000").unwrap();
        let keys = AccessKeys::new(&root, account, iam.sessions());
        let found = keys.find(root.access_key(), None).await.unwrap();
        assert_eq!((&*found.secret_key, &found.caller.principal), (root.secret_key(), &Principal::Root));
        let signing = location_credentials(&root);
        let found = keys.find(&signing.access_key, None).await.unwrap();
        assert_eq!(found.caller.principal, Principal::Service("lambda.amazonaws.com"));
        for (key, token) in [
            (root.access_key(), Some("token")),
            (other.access_key(), None),
            ("ASIAUNKNOWN", Some("token")),
            ("", None),
        ] {
            assert_eq!(keys.find(key, token).await.err(), Some(NotKnown::Unknown), "{key}");
        }
    }

    #[test]
    fn the_key_of_code_locations_follows_from_roots_and_does_not_tell_it() {
        let root = RootKey::make(&Random::seeded(7));
        let (one, two) = (location_credentials(&root), location_credentials(&root.clone()));
        assert_eq!(one, two);
        assert_ne!(one, location_credentials(&RootKey::make(&Random::seeded(8))));
        assert!(!one.secret_key.contains(root.secret_key()) && one.access_key != root.access_key());
    }
}
