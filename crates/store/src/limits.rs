//! Every bound of this crate in one place.

use std::time::Duration;

/// Homes in a store.
pub const HOMES: u16 = 256;
/// Bytes of an encoded key, without its home and table.
pub const KEY_BYTES: usize = 2_000;
/// Bytes of an encoded row.
pub const ROW_BYTES: usize = 1 << 20;
/// Bytes of a body that is kept as a row; larger ones become files.
pub const SMALL_BLOB_BYTES: u64 = 32 << 10;
/// Bytes read or written at once when a blob goes through.
pub const CHUNK_BYTES: usize = 256 << 10;
/// How long a staged blob that nothing adopted is kept.
pub const STAGED_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How often the sweep of blobs runs when nothing is discarded.
pub const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// How long the sweep waits after a discard, so that many discards make one sweep.
pub const SWEEP_PAUSE: Duration = Duration::from_secs(10);
/// Bytes of decoded rows that the cache holds by default (an estimate: see `cache`).
pub const CACHE_BYTES: usize = 64 << 20;
/// Changes that a follower may be behind before it is told to reload.
pub const FEED_DEPTH: usize = 1_024;
/// Writes that may wait for the writer thread.
pub const WRITE_QUEUE: usize = 1_024;
/// Writes that share one commit.
pub const GROUP: usize = 256;
/// Reader threads, each with a connection of its own.
pub const READERS: usize = 2;
/// Reads that may wait for a reader thread.
pub const READ_QUEUE: usize = 1_024;
/// How long a read transaction may last: an open one keeps the write-ahead log from being reused.
pub const READ_TIME: Duration = Duration::from_secs(5);
/// Bytes of a database page.
pub const PAGE_BYTES: u32 = 8_192;
/// Pages in the write-ahead log at which the writer copies them into the database.
pub const CHECKPOINT_PAGES: u32 = 1_500;
/// Free pages in the database at which an idle writer gives some back to the file system.
pub const VACUUM_ABOVE_PAGES: u32 = 4_096;
/// Pages given back at once.
pub const VACUUM_PAGES: u32 = 512;
/// How often the newest commit number is noted in its own file.
pub const NOTE_EVERY: Duration = Duration::from_secs(1);
/// The largest reserve file.
pub const RESERVE_BYTES: u64 = 256 << 20;
/// Free space below which new work is refused, by default.
pub const DISK_FLOOR_BYTES: u64 = 1 << 30;
/// Expired tokens that each new token clears away.
pub const TOKENS_CLEARED: usize = 2;
/// Bytes of a queue's item when encoded: a message of 1 MiB in JSON, if each of its bytes needs an escape.
pub const ITEM_BYTES: usize = 7 << 20;
/// Bytes of the name of a source.
pub const SOURCE_BYTES: usize = 256;
/// Bytes of the name of a group.
pub const GROUP_BYTES: usize = 256;
/// Bytes of a receipt as text.
pub const RECEIPT_BYTES: usize = 1_024;
/// Items of one call, of each kind: appended, leased, settled.
pub const BATCH: usize = 1_000;
/// Bytes of the bodies of one call: appended, leased.
pub const BATCH_BYTES: usize = 64 << 20;
/// Rows of a queue read at once.
pub const QUEUE_PAGE: usize = 64;
/// Ready groups among which a lease of this process chooses.
pub const GROUPS_SEEN: usize = 64;
/// Items that this process holds in memory, a home.
pub const HOLDS: usize = 16_384;
/// Leases that may wait for an item, a home; further ones are answered at once.
pub const WAITING: usize = 16_384;
/// Items that one transaction of a purge deletes.
pub const PURGE_PAGE: usize = 500;
/// How often a node says that it lives.
pub const BEAT_EVERY: Duration = Duration::from_secs(1);
/// How long a node is silent before another one takes its homes.
pub const SILENT_AFTER: Duration = Duration::from_secs(3);
/// Bytes of a journal record.
pub const NOTE_BYTES: usize = 1 << 20;
/// The longest time between a note and its sync.
pub const SYNC_WITHIN: Duration = Duration::from_millis(100);
/// Segments that a journal keeps: each is this part of the journal's size.
pub const SEGMENTS: u64 = 8;
/// The smallest segment of a journal.
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;
/// Segments of a journal at most: each start of the store begins one.
pub const SEGMENTS_MAX: usize = 256;
