//! A stored function and its life cycle. Pure: no clock, no store.

use std::collections::BTreeMap;

use aws::{Arn, Millis};
use sandbox::TreeDigest;
use serde::{Deserialize, Serialize};

/// What a function is set to; everything here is versioned together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) runtime: String,
    pub(crate) handler: String,
    pub(crate) role: Arn,
    pub(crate) description: String,
    pub(crate) timeout_s: u32,
    pub(crate) memory_mb: u32,
    pub(crate) tmp_mb: u32,
    /// `None`: never supplied, which the answers show as an absent member.
    pub(crate) environment: Option<BTreeMap<String, String>>,
    pub(crate) tracing: String,
    pub(crate) architecture: String,
    pub(crate) snap_start: String,
    pub(crate) logging: Logging,
}

/// `LoggingConfig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Logging {
    pub(crate) format: String,
    pub(crate) application_level: Option<String>,
    pub(crate) system_level: Option<String>,
    pub(crate) group: String,
}

/// The code package: a durable blob and the name of its unpacked tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Package {
    /// SHA-256 of the zip, 64 hexadecimal digits: the blob's content and the tree's name.
    pub(crate) sha256: String,
    pub(crate) size: u64,
    pub(crate) blob: store::BlobId,
}

impl Package {
    /// The tree's name.
    pub(crate) fn tree(&self) -> Option<TreeDigest> {
        TreeDigest::parse(&self.sha256)
    }
}

#[cfg(test)]
impl Package {
    /// A package without a blob behind it.
    pub(crate) fn for_tests() -> Package {
        let sha256 = "ab".repeat(32);
        let blob = format!("{sha256}-276").parse().expect("a hash and a size name a blob");
        Package { sha256, size: 276, blob }
    }
}

/// `State` with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// Being created: not yet invocable.
    Pending,
    /// Invocable.
    Active,
    /// Cannot run; the reason says why.
    Failed(Reason),
}

/// `LastUpdateStatus` with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LastUpdate {
    /// Being applied: the version before it serves.
    InProgress,
    /// Applied.
    Successful,
    /// Could not be applied; the version before it serves.
    Failed(Reason),
}

/// A code of AWS's list and a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reason {
    pub(crate) code: String,
    pub(crate) text: String,
}

/// What invocations run: settings and code of one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Serving {
    pub(crate) revision: String,
    pub(crate) settings: Settings,
    pub(crate) package: Package,
}

/// One function as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) revision: String,
    pub(crate) modified: Millis,
    pub(crate) settings: Settings,
    pub(crate) package: Package,
    pub(crate) state: State,
    /// Absent until the function was Active once.
    pub(crate) last_update: Option<LastUpdate>,
    /// What invocations run; absent until the function is Active.
    pub(crate) serving: Option<Serving>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Function {
    /// Whether a creation or update is being applied: a further update must wait.
    pub(crate) fn is_changing(&self) -> bool {
        self.state == State::Pending || self.last_update == Some(LastUpdate::InProgress)
    }

    /// Begins an update: the answer shows `InProgress`, the version before it goes on serving.
    pub(crate) fn begin_update(&mut self, revision: String, now: Millis) {
        self.revision = revision;
        self.modified = now;
        self.last_update = Some(LastUpdate::InProgress);
    }

    /// Ends a creation or update with what the machine found: ready, or why not.
    pub(crate) fn settle(&mut self, revision: String, found: Result<(), Reason>) {
        self.revision.clone_from(&revision);
        match (found, self.serving.is_some()) {
            (Ok(()), _) => {
                self.state = State::Active;
                self.last_update = Some(LastUpdate::Successful);
                let (settings, package) = (self.settings.clone(), self.package.clone());
                self.serving = Some(Serving { revision, settings, package });
            }
            (Err(reason), true) => self.last_update = Some(LastUpdate::Failed(reason)),
            (Err(reason), false) => {
                self.state = State::Failed(reason.clone());
                self.last_update = Some(LastUpdate::Failed(reason));
            }
        }
    }

    /// Every code tree that this function may still run.
    pub(crate) fn trees(&self) -> impl Iterator<Item = TreeDigest> + '_ {
        let serving = self.serving.as_ref().and_then(|serving| serving.package.tree());
        self.package.tree().into_iter().chain(serving)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn reason() -> Reason {
        Reason { code: "InvalidRuntime".into(), text: "no pack".into() }
    }

    fn function() -> Function {
        crate::settings::tests::function("f")
    }

    #[test]
    fn a_function_goes_from_pending_to_active_and_serves_what_was_applied() {
        let mut f = function();
        assert!(f.is_changing() && f.serving.is_none());
        f.settle("r2".into(), Ok(()));
        assert!(!f.is_changing());
        assert_eq!(f.state, State::Active);
        assert_eq!(f.serving.as_ref().map(|s| s.revision.as_str()), Some("r2"));

        f.settings.memory_mb = 512;
        f.begin_update("r3".into(), Millis(5));
        assert!(f.is_changing());
        assert_eq!(f.serving.as_ref().map(|s| s.settings.memory_mb), Some(128), "the old version serves");
        f.settle("r4".into(), Ok(()));
        assert_eq!(f.serving.as_ref().map(|s| s.settings.memory_mb), Some(512));
    }

    #[test]
    fn a_failed_creation_is_failed_and_a_failed_update_keeps_serving() {
        let mut f = function();
        f.settle("r2".into(), Err(reason()));
        assert_eq!(f.state, State::Failed(reason()));
        assert!(f.serving.is_none());

        f.begin_update("r3".into(), Millis(6));
        f.settle("r4".into(), Ok(()));
        assert_eq!((f.state.clone(), f.last_update.clone()), (State::Active, Some(LastUpdate::Successful)));

        f.begin_update("r5".into(), Millis(7));
        f.settle("r6".into(), Err(reason()));
        assert_eq!(f.state, State::Active);
        assert_eq!(f.last_update, Some(LastUpdate::Failed(reason())));
        assert_eq!(f.serving.as_ref().map(|s| s.revision.as_str()), Some("r4"));
    }
}
