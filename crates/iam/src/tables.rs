//! Every table that IAM and STS own. All are durable.

use std::collections::BTreeMap;

use aws::{AccountId, Arn, Millis};
use policy::Document;
use serde::{Deserialize, Serialize};
use store::{Home, Table};

/// Roles by account and lower-case name: names are unique whatever their letter case.
pub(crate) const ROLES: Table<RoleKey, Role> = Table::new("iam.roles");

/// How many roles an account has, by account.
pub(crate) const COUNTS: Table<String, Counts> = Table::new("iam.counts");

/// The key under which sessions are signed, one row in [`keys_home`].
pub(crate) const KEYS: Table<String, SessionKey> = Table::new("sts.keys");

/// The row of [`KEYS`] that signs.
pub(crate) const SIGNING: &str = "session";

/// Account and lower-case name.
pub(crate) type RoleKey = (String, String);

/// The home of all that an account has in IAM.
pub(crate) fn home(account: AccountId) -> Home {
    Home::of(&["iam", account.as_str()])
}

/// The home of the keys.
pub(crate) fn keys_home() -> Home {
    Home::of(&["sts"])
}

/// The key of a role.
pub(crate) fn role_key(account: AccountId, name: &str) -> RoleKey {
    (account.to_string(), name.to_ascii_lowercase())
}

/// A role with its trust policy and its inline policies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    /// The name in the letter case of its creation.
    pub(crate) name: String,
    /// `/`, or `/a/b/`.
    pub(crate) path: String,
    /// `AROA…`.
    pub(crate) id: String,
    /// When it was made.
    pub(crate) created: Millis,
    /// `Description`.
    pub(crate) description: Option<String>,
    /// `MaxSessionDuration`.
    pub(crate) max_session_seconds: i64,
    /// Tags in the order in which they were given.
    pub(crate) tags: Vec<(String, String)>,
    /// The trust policy.
    pub(crate) trust: Policy<Trusting>,
    /// The unique ids of the roles that the trust policy names, by ARN.
    pub(crate) pins: BTreeMap<String, String>,
    /// Inline policies by name.
    pub(crate) policies: BTreeMap<String, Policy<Identity>>,
}

impl Role {
    /// The role's ARN, with its path.
    pub(crate) fn arn(&self, account: AccountId) -> Arn {
        role_arn(account, &self.path, &self.name)
    }

    /// The inline policies, or `None` when one of them cannot be read: then nothing can be decided.
    pub(crate) fn documents(&self) -> Option<Vec<&Document>> {
        self.policies.values().map(|policy| policy.document.as_ref()).collect()
    }
}

/// A role's ARN. `path` begins and ends with a slash.
pub(crate) fn role_arn(account: AccountId, path: &str, name: &str) -> Arn {
    Arn::new("iam", "", account.as_str(), &format!("role{path}{name}"))
}

/// How many of each kind an account has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) roles: u64,
}

/// A key of 32 random bytes, in base64.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SessionKey {
    pub(crate) key: String,
}

/// A policy's text, read once when the row is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) struct Policy<K: Kind> {
    pub(crate) text: String,
    /// `None` when the text, accepted by an older release, is no longer understood. Such a policy denies.
    pub(crate) document: Option<Document>,
    kind: std::marker::PhantomData<K>,
}

/// Tells how a policy is read.
pub(crate) trait Kind: Clone {
    fn read(text: &str) -> Option<Document>;
}

/// An inline policy.
#[derive(Debug, Clone)]
pub(crate) enum Identity {}

/// A trust policy.
#[derive(Debug, Clone)]
pub(crate) enum Trusting {}

impl Kind for Identity {
    fn read(text: &str) -> Option<Document> {
        Document::identity(text).ok()
    }
}

impl Kind for Trusting {
    fn read(text: &str) -> Option<Document> {
        Document::trust(text).ok()
    }
}

impl<K: Kind> From<String> for Policy<K> {
    fn from(text: String) -> Policy<K> {
        Policy { document: K::read(&text), text, kind: std::marker::PhantomData }
    }
}

impl<K: Kind> From<Policy<K>> for String {
    fn from(policy: Policy<K>) -> String {
        policy.text
    }
}
