//! Every constant of the process tree that limits something.

use std::time::Duration;

/// The largest message between two of our processes.
pub(crate) const MESSAGE_BYTES: usize = 64 * 1024;
/// Descriptors beside one message: listeners of 64 shards, or those of a box.
pub(crate) const FDS_PER_MESSAGE: usize = 72;
/// Listening sockets, one a shard.
pub(crate) const SHARDS: usize = 64;
/// Messages that wait for a peer which reads slowly; beyond, the peer counts as stuck.
pub(crate) const UNSENT_MESSAGES: usize = 8_192;
/// Text of an error that crosses a process border.
pub(crate) const REASON_BYTES: usize = 2_048;
/// Packs in one announcement.
pub(crate) const PACKS: usize = 64;
/// Runtime identifiers of one pack.
pub(crate) const RUNTIMES_PER_PACK: usize = 16;
/// A runtime identifier or a version.
pub(crate) const NAME_BYTES: usize = 128;

/// The first id of the range that belongs to us on every machine.
pub(crate) const IDS_FROM: u32 = 1_879_048_192;
/// Who owns the server's data on disk, whichever block an instance has: never root, so that a file which a broken server
/// marks set-uid is worth nothing.
pub(crate) const DATA_OWNER: u32 = IDS_FROM;
/// How many ids the range has.
pub(crate) const IDS: u32 = 524_288;
/// How many of them an instance takes.
pub(crate) const IDS_PER_INSTANCE: u32 = 4_096;

/// Processes that do the slow steps.
pub(crate) const MAKERS: usize = 2;
/// Blank slots kept ahead.
pub(crate) const BLANKS: usize = 2;
/// Starts that wait for a maker.
pub(crate) const WAITING_STARTS: usize = 4_096;
/// How often a slot's clearing is tried before the slot is given up.
pub(crate) const CLEAR_ATTEMPTS: u8 = 5;
/// A maker that takes longer for one step is killed.
pub(crate) const STEP: Duration = Duration::from_secs(30);
/// Longest time in which the first packs are made.
pub(crate) const PACKING: Duration = Duration::from_secs(300);

/// Starts that one server has in flight.
pub(crate) const STARTS_IN_FLIGHT: usize = 256;
/// Longest wait of the server for the answer to a start.
pub(crate) const START: Duration = Duration::from_secs(60);
/// Longest wait of the server for the answer to a close.
pub(crate) const CLOSE: Duration = Duration::from_secs(60);

/// First and longest wait before a server that died is started again.
pub(crate) const BACK_OFF: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(5);
/// A server that has served this long is healthy: the next back-off starts from the shortest.
pub(crate) const HEALTHY: Duration = Duration::from_secs(10);
/// A new instance waits this long for the processes of a dead one.
pub(crate) const OLD_INSTANCE: Duration = Duration::from_secs(5);
/// A child that hung up and has not ended after this is killed.
pub(crate) const HANGING: Duration = Duration::from_secs(2);
/// A killed box that is not dead after this is left to the maker that clears it.
pub(crate) const DYING: Duration = Duration::from_millis(500);
/// What a server may take for its end beyond the drain it was given.
pub(crate) const STOP_SLACK: Duration = Duration::from_secs(5);
/// Longest clearing of slots after the server's last end.
pub(crate) const CLEAR_AT_END: Duration = Duration::from_secs(10);
