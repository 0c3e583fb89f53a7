//! Every table that SQS owns. All are durable.

use std::collections::BTreeMap;

use aws::Millis;
use serde::{Deserialize, Serialize};
use store::{Home, Table};

/// Queues by account, region and name.
pub(crate) const QUEUES: Table<QueueKey, Queue> = Table::new("sqs.queues");

/// Queues that were deleted a moment ago: their names cannot be used again yet.
pub(crate) const DELETED: Table<QueueKey, Deleted> = Table::new("sqs.deleted");

/// Account, region and name.
pub(crate) type QueueKey = (String, String, String);

/// The home of the queues of an account in a region.
pub(crate) fn home(key: &QueueKey) -> Home {
    Home::of(&["sqs", &key.0, &key.1])
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queue {
    /// When it was made.
    pub(crate) created: Millis,
    /// When its attributes were changed.
    pub(crate) modified: Millis,
    /// Standard or FIFO.
    pub(crate) kind: Kind,
    /// The attributes that were set, as they are answered; the others have their defaults.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Its tags.
    pub(crate) tags: BTreeMap<String, String>,
}

/// The two types of queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// At least once, in any order.
    Standard,
    /// Exactly once, in order.
    Fifo,
}

/// When a queue was deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deleted {
    pub(crate) at: Millis,
}
