use std::sync::Arc;

use aws::{AccountId, Arn, Caller, Fault, Millis, Principal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use store::{Broken, Store};
use tasks::{Clock, Random};

use crate::tables::{KEYS, ROLES, SIGNING, SessionKey, home, keys_home, role_arn, role_key};
use crate::tokens::{Claims, Credentials, SigningKey};

/// Makes and verifies the credentials of role sessions. Cloning shares it.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    clock: Clock,
    key: SigningKey,
}

/// Valid credentials.
#[derive(Clone)]
pub struct Known {
    /// The secret access key, 40 characters.
    pub secret: String,
    /// Whose they are.
    pub caller: Arc<Caller>,
    /// When the session ends.
    pub expires: Millis,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known({})", self.caller.arn)
    }
}

/// Why credentials are not valid. The front door words it as the protocol demands.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyError {
    /// "The security token included in the request is invalid": no such key, a token that is not ours, not of this key,
    /// or of a role that no longer exists.
    Unknown,
    /// "The security token included in the request is expired".
    Expired,
    /// The store could not be asked.
    Failed(Fault),
}

impl Sessions {
    /// Reads the signing key, or makes it.
    pub(crate) async fn open(store: Store, clock: Clock, random: &Random) -> Result<Sessions, Broken> {
        let fresh = STANDARD.encode(random.bytes::<32>());
        let stored = store
            .write(keys_home(), move |txn| -> Result<SessionKey, Broken> {
                if let Some(stored) = txn.get(KEYS, &SIGNING.to_owned())? {
                    return Ok(stored);
                }
                let made = SessionKey { key: fresh.clone() };
                txn.put(KEYS, &SIGNING.to_owned(), &made)?;
                Ok(made)
            })
            .await?;
        let bytes = STANDARD.decode(&stored.key).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| Broken::Corrupt("the session key is not 32 bytes".to_owned()))?;
        Ok(Sessions { store, clock, key: SigningKey::new(bytes) })
    }

    /// Finds the secret and the caller of a temporary access key with its token.
    ///
    /// The role is looked up each time, in memory as a rule: a deleted role's sessions are unknown.
    pub async fn find(&self, access_key: &str, token: Option<&str>) -> Result<Known, KeyError> {
        let opened = token.and_then(|token| self.key.open(access_key, token)).ok_or(KeyError::Unknown)?;
        let claims = opened.claims;
        if self.clock.wall_ms() / 1000 >= claims.expires {
            return Err(KeyError::Expired);
        }
        let key = role_key(claims.account, &claims.role);
        let role = self.store.get(ROLES, home(claims.account), &key).await;
        let role = role.map_err(|broken| KeyError::Failed(broken.into()))?;
        if role.is_none_or(|role| role.id != claims.role_id) {
            return Err(KeyError::Unknown);
        }
        let expires = Millis(claims.expires.saturating_mul(1000));
        let caller = caller(claims, access_key).ok_or(KeyError::Unknown)?;
        Ok(Known { secret: opened.secret_key, caller: Arc::new(caller), expires })
    }

    /// Makes the credentials of a session.
    pub(crate) fn seal(&self, claims: &Claims, random: &Random) -> Credentials {
        self.key.seal(claims, random.bytes())
    }

    /// Seconds since the epoch.
    pub(crate) fn now_seconds(&self) -> u64 {
        self.clock.wall_ms() / 1000
    }
}

fn caller(claims: Claims, access_key: &str) -> Option<Caller> {
    let source_function = match claims.source_function {
        Some(text) => Some(Arn::parse(&text).ok()?),
        None => None,
    };
    Some(Caller {
        account: claims.account,
        arn: session_arn(&claims.account, &claims.role, &claims.session),
        user_id: format!("{}:{}", claims.role_id, claims.session),
        principal: Principal::Role {
            role: role_arn(claims.account, &claims.path, &claims.role),
            session: claims.session,
            source_function,
        },
        access_key: Some(access_key.to_owned()),
    })
}

/// A session's ARN, which drops the role's path.
pub(crate) fn session_arn(account: &AccountId, role: &str, session: &str) -> Arn {
    Arn::new("sts", "", account.as_str(), &format!("assumed-role/{role}/{session}"))
}
