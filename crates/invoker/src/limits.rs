//! Every bound of this crate in one place. What users may turn is in [`crate::Settings`].

use std::time::Duration;

/// Concurrent executions of an account, AWS's default.
pub(crate) const ACCOUNT_CONCURRENCY: usize = 1_000;
/// Calls that may wait in front of one function's pool.
pub(crate) const WAITING_PER_FUNCTION: usize = 1_000;
/// Bytes of function responses that may be in memory at once, over all environments.
pub(crate) const BODY_BUDGET_BYTES: usize = 256 * 1024 * 1024;
/// How long an idle environment is kept; AWS's are seen to live 5 to 15 minutes.
pub(crate) const IDLE_AGE: Duration = Duration::from_secs(600);
/// How long an environment is idle before it is frozen.
pub(crate) const FREEZE_AFTER: Duration = Duration::from_millis(50);

/// Initialisation of an on-demand environment.
pub(crate) const INIT_LIMIT: Duration = Duration::from_secs(10);
/// Making a box, before it counts as a failure of ours.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(30);
/// Taking a box down, before its `/tmp` is given up.
pub(crate) const CLOSE_LIMIT: Duration = Duration::from_secs(10);
/// Assuming the execution role.
pub(crate) const MINT_LIMIT: Duration = Duration::from_secs(10);
/// Credentials that end sooner than this are minted again when a box is made.
pub(crate) const CREDENTIAL_MARGIN: Duration = Duration::from_secs(15 * 60);
/// How long a new call waits for an environment that has answered but not yet asked for the next event.
pub(crate) const DRAIN_GRACE: Duration = Duration::from_millis(10);
/// How long START waits for the line after it.
pub(crate) const START_LINGER: Duration = Duration::from_millis(50);
/// How long a new call waits for an environment that is being reset.
pub(crate) const RESET_GRACE: Duration = Duration::from_secs(2);
/// How often a start is tried again after room was made for it.
pub(crate) const START_ATTEMPTS: u32 = 3;
/// How long a start waits for the room that was made for it.
pub(crate) const START_REST: Duration = Duration::from_millis(100);
/// How many idle environments are looked at to find one of the caller's own shard.
pub(crate) const SHARD_SEARCH: usize = 16;

/// A response of a function: 6 MiB and 100 bytes, as AWS enforces it.
pub(crate) const RESPONSE_BYTES: usize = 6_291_556;
/// An error document of a function.
pub(crate) const ERROR_BYTES: usize = 64 * 1024;
/// How much of a body that is too large is read and thrown away before the connection is closed.
pub(crate) const DISCARD_BYTES: usize = 8 * 1024 * 1024;
/// Connections to one environment's Runtime API: four and one for its one concurrent call.
pub(crate) const CONNECTIONS: usize = 5;
/// How long nothing is accepted after accepting failed.
pub(crate) const ACCEPT_REST: Duration = Duration::from_millis(100);
/// Header fields of a request to the Runtime API.
pub(crate) const HEADERS: usize = 32;
/// Request line and header fields together.
pub(crate) const HEAD_BYTES: usize = 16 * 1024;
/// Path and query.
pub(crate) const URI_BYTES: usize = 2 * 1024;
/// The buffer of a connection; bodies arrive in pieces of at most this size.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;
/// An answer of at most this size may wait for what follows it.
pub(crate) const HELD_BYTES: usize = 512;
/// A begun request head.
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(5);
/// A body without progress.
pub(crate) const PROGRESS_LIMIT: Duration = Duration::from_secs(10);

/// A log line; a longer one is split.
pub(crate) const LINE_BYTES: usize = 256 * 1024;
/// The log tail of an answer.
pub(crate) const TAIL_BYTES: usize = 4 * 1024;
/// What is read from an output at once.
pub(crate) const READ_BYTES: usize = 16 * 1024;
/// Reads from one output before others have their turn.
pub(crate) const READS_PER_TURN: usize = 4;
/// Reads from one output before END is written, so that an endless writer cannot hold it up.
pub(crate) const READS_BEFORE_END: usize = 64;
