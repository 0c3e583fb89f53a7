//! Every table that SNS owns. All are durable.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::{Home, Table};

/// Topics by account, region and name.
pub(crate) const TOPICS: Table<TopicKey, Topic> = Table::new("sns.topics");

/// How many topics an account has in a region, by both.
pub(crate) const COUNTS: Table<(String, String), Counts> = Table::new("sns.counts");

/// Account, region and name.
pub(crate) type TopicKey = (String, String, String);

/// The home of the topics of an account in a region.
pub(crate) fn home(key: &TopicKey) -> Home {
    Home::of(&["sns", &key.0, &key.1])
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Topic {
    /// Standard or FIFO.
    pub(crate) kind: Kind,
    /// The attributes that were set, as they are answered.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Tags in the order in which they were given.
    pub(crate) tags: Vec<(String, String)>,
}

/// The two types of topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// At least once, in any order.
    Standard,
    /// In order, within groups.
    Fifo,
}

/// How many topics there are of each type.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) standard: u64,
    pub(crate) fifo: u64,
}

impl Counts {
    /// The number of topics of a type.
    pub(crate) fn of(&mut self, kind: Kind) -> &mut u64 {
        match kind {
            Kind::Standard => &mut self.standard,
            Kind::Fifo => &mut self.fifo,
        }
    }
}
