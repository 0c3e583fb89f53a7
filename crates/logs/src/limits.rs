//! CloudWatch Logs' limits and our own bounds.

use std::time::Duration;

/// Bytes of journal that are kept unless the configuration says otherwise.
pub const KEEP_BYTES: u64 = 1 << 30;

/// How long output is kept unless the configuration says otherwise.
pub const KEEP_AGE: Duration = Duration::from_secs(30 * 86_400);

/// Bytes of one line; the rest of a longer one is cut off. AWS's largest event.
pub(crate) const LINE_BYTES: usize = 1_000_000;

/// Bytes of lines in one record of the journal, unless a single line is longer.
pub(crate) const RECORD_BYTES: usize = 256 * 1024;

/// Lines in one record: their number is the low half of an event's id.
pub(crate) const RECORD_LINES: usize = 10_000;

/// Bytes of journal that one entry of the index stands for.
pub(crate) const CHUNK_BYTES: u64 = 64 * 1024;

/// Entries of the index, 24 bytes each and about 200 more for a stream's first: older output is forgotten beyond that.
pub(crate) const ENTRIES: usize = 500_000;

/// How often the journal lets go of what is too old.
pub(crate) const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);

/// Bytes read at once when the index is rebuilt.
pub(crate) const REBUILD_BYTES: usize = 1 << 20;

/// Events on a page of FilterLogEvents, at most and by default.
pub(crate) const PAGE_EVENTS: usize = 10_000;

/// Bytes of events on a page, counted as AWS does: the message and 26 more.
pub(crate) const PAGE_BYTES: usize = 1 << 20;

/// Bytes of journal that one call reads before it answers a page that may be empty.
pub(crate) const SCAN_BYTES: u64 = 16 << 20;

/// Bytes of events that wait to be put in order; beyond that they are answered as they come.
pub(crate) const PENDING_BYTES: usize = 32 << 20;

/// Groups or streams on a page of the Describe operations, at most and by default.
pub(crate) const PAGE_NAMES: usize = 50;

/// Characters of a filter pattern.
pub(crate) const PATTERN_CHARS: usize = 1_024;

/// Parentheses inside each other in a filter pattern.
pub(crate) const PATTERN_DEPTH: usize = 32;
