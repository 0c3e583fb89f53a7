//! Ways to break durability, so that the tests of durability can be seen to fail. Never in the product: the feature is
//! enabled by hand for the `cut` binary.

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weakness {
    /// Nothing: the product.
    None,
    /// The database is never synced.
    SynchronousOff,
    /// The database is synced at checkpoints only.
    SynchronousNormal,
    /// Folders are not synced.
    NoFolderSync,
}

impl Weakness {
    /// SQLite's word for how it syncs.
    pub(crate) fn synchronous(self) -> &'static str {
        match self {
            Weakness::None | Weakness::NoFolderSync => "FULL",
            Weakness::SynchronousOff => "OFF",
            Weakness::SynchronousNormal => "NORMAL",
        }
    }
}
