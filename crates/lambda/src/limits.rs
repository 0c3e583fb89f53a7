//! Lambda's quotas (reference: "Lambda quotas" of the AWS developer guide) and our own bounds.

/// Largest zip, after base64 decoding, in bytes.
pub(crate) const ZIP_BYTES: usize = 52_428_800;
/// Largest unpacked code, in bytes.
pub(crate) const UNZIPPED_BYTES: u64 = 262_144_000;
/// Most entries of a zip. AWS names no number; this keeps a hostile archive from filling the inode table.
pub(crate) const ZIP_ENTRIES: usize = 65_536;
/// Longest path of a zip entry in bytes.
pub(crate) const PATH_BYTES: usize = 1_024;
/// Deepest path of a zip entry.
pub(crate) const PATH_DEPTH: usize = 64;
/// Longest symbolic link target in bytes.
pub(crate) const LINK_BYTES: u64 = 1_024;
/// Symbolic links that the kernel follows on one path.
pub(crate) const LINK_HOPS: usize = 40;
/// Names that are walked to see where the links of one zip lead.
pub(crate) const LINK_STEPS: usize = 1_000_000;
/// Environment variables, measured as compact JSON, in bytes.
pub(crate) const ENVIRONMENT_BYTES: usize = 4_096;
/// Most tags of a resource.
pub(crate) const TAGS: usize = 50;
/// Longest function name that CreateFunction takes.
pub(crate) const NAME_CHARS: usize = 64;
/// Most functions on a page of ListFunctions.
pub(crate) const PAGE: usize = 50;
/// Largest synchronous request payload in bytes.
pub(crate) const SYNC_PAYLOAD_BYTES: usize = 6_291_456;
/// Longest `X-Amz-Client-Context` in characters of base64.
pub(crate) const CLIENT_CONTEXT_CHARS: usize = 3_583;
/// How long a code location can be used, in seconds.
pub(crate) const LOCATION_SECONDS: u32 = 600;
/// How long the credentials of an execution role live, in seconds.
pub(crate) const CREDENTIAL_SECONDS: i64 = 12 * 3_600;
/// Resolved function versions kept in memory.
pub(crate) const VERSIONS: usize = 10_000;
/// Payloads above this many bytes are checked on another thread than the shard's.
pub(crate) const CHECK_INLINE_BYTES: usize = 256 * 1024;
/// How long a code tree must have been without a name before it is removed, in seconds: longer than any invocation.
pub(crate) const SWEEP_SECONDS: u64 = 20 * 60;
/// How long unpacked code waits for others, to reach the disk with one flush, in seconds.
pub(crate) const KEEP_SECONDS: u64 = 1;
/// How long a change that could not be applied rests at first, in milliseconds.
pub(crate) const SETTLE_REST_MS: u64 = 200;
/// How long it rests at most, in seconds.
pub(crate) const SETTLE_REST_SECONDS: u64 = 30;
