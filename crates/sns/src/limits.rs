//! SNS's quotas.

/// Characters of a topic's name.
pub(crate) const NAME_CHARS: usize = 256;

/// Standard topics of an account in a region.
pub(crate) const STANDARD_TOPICS: u64 = 100_000;

/// FIFO topics of an account in a region.
pub(crate) const FIFO_TOPICS: u64 = 1_000;

/// Topics on a page.
pub(crate) const PAGE: usize = 100;

/// Tags of a topic.
pub(crate) const TAGS: usize = 50;

/// Bytes of an attribute's value: what the longest policy and delivery policy need.
pub(crate) const VALUE_BYTES: usize = 30_720;
