//! IAM's quotas and our own bounds.

/// Roles an account may have.
pub(crate) const ROLES_PER_ACCOUNT: u64 = 1_000;

/// Characters of a trust policy, white space not counted.
pub(crate) const TRUST_CHARS: usize = 2_048;

/// Characters of all inline policies of a role together, white space not counted.
pub(crate) const INLINE_CHARS: usize = 10_240;

/// Bytes of all inline policies of a role together, white space included: what a row can hold.
pub(crate) const INLINE_BYTES: usize = 512 * 1024;

/// Tags of a role.
pub(crate) const TAGS: usize = 50;

/// A role's `MaxSessionDuration` unless given, and the longest session of a chained role, in seconds.
pub(crate) const HOUR_SECONDS: i64 = 3_600;

/// The longest session of all, in seconds.
pub(crate) const LONGEST_SESSION_SECONDS: i64 = 43_200;

/// Names on one page unless `MaxItems` says otherwise.
pub(crate) const PAGE: usize = 100;

/// The longest session token that is looked at, in bytes.
pub(crate) const TOKEN_BYTES: usize = 4_096;
