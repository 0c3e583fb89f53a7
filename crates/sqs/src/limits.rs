//! SQS's quotas.

/// How long a deleted queue's name cannot be used again, in milliseconds.
pub(crate) const REUSE_MS: u64 = 60_000;

/// Characters of a queue's name.
pub(crate) const NAME_CHARS: usize = 80;

/// Tags of a queue.
pub(crate) const TAGS: usize = 50;

/// Characters of a tag's key.
pub(crate) const TAG_KEY_CHARS: usize = 128;

/// Characters of a tag's value.
pub(crate) const TAG_VALUE_CHARS: usize = 256;

/// Bytes of a queue's policy.
pub(crate) const POLICY_BYTES: usize = 8_192;

/// Queues on a page.
pub(crate) const PAGE: usize = 1_000;

/// Queues that a redrive allow policy names.
pub(crate) const SOURCES: usize = 10;

/// Names of deleted queues that one delete forgets when their time is over.
pub(crate) const FORGOTTEN: usize = 16;
