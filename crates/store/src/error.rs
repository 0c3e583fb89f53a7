use aws::Fault;

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Others wrote the same rows at the same time, again and again. Try later.
    #[error("too many writers of the same rows")]
    Conflict,
    /// This node no longer owns the home.
    #[error("this node does not own the home any more")]
    Fenced,
    /// The disk is full, or below its floor of free space and the transaction deletes nothing.
    #[error("the disk is below its floor of free space")]
    Full,
    /// A key, row, record or blob is above its limit.
    #[error("larger than the store's limit")]
    TooLarge,
    /// Stored bytes are not what was written; the text says where.
    #[error("corrupt data: {0}")]
    Corrupt(String),
    /// The store cannot be reached or has stopped; whether a write took effect is unknown.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

/// What the store answers.
pub type Result<T, E = Broken> = std::result::Result<T, E>;

impl Broken {
    /// A failed file operation: a full disk is `Full`, all else `Unavailable` with `what` was tried.
    pub(crate) fn file(what: impl std::fmt::Display, error: &std::io::Error) -> Broken {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Broken::Full,
            _ => Broken::Unavailable(format!("{what}: {error}")),
        }
    }
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Fault {
        match &broken {
            Broken::Conflict | Broken::Fenced | Broken::Full | Broken::Unavailable(_) => {
                Fault::new("ServiceUnavailable", 503, broken.to_string())
            }
            Broken::TooLarge => Fault::new("RequestEntityTooLarge", 413, broken.to_string()),
            // What is broken is for the operator's log, not for the client.
            Broken::Corrupt(_) => {
                tracing::error!(error = %broken, "store");
                Fault::new("InternalFailure", 500, "An internal error occurred.")
            }
        }
    }
}
