//! How much is measured, and for how long at most.

use std::time::Duration;

/// What a connection reads at once; its buffer doubles when an answer is larger.
pub(crate) const READ_BYTES: usize = 16 * 1024;
/// A server that is not ready by then counts as failed.
pub(crate) const START: Duration = Duration::from_secs(60);
/// A server that has not ended by then is killed.
pub(crate) const STOP: Duration = Duration::from_secs(40);
/// Between two looks at a file or a port that is awaited: the error of a start-up time.
pub(crate) const LOOK: Duration = Duration::from_micros(200);
/// A call that is not answered by then fails the run.
pub(crate) const ANSWER: Duration = Duration::from_secs(60);
/// Before each closed loop, not counted.
pub(crate) const WARM_UP: Duration = Duration::from_millis(1500);
/// Each closed loop.
pub(crate) const CLOSED: Duration = Duration::from_secs(6);
/// Calls of each paced loop.
pub(crate) const PACED_CALLS: usize = 2000;
/// Calls of the loop whose environment is frozen between any two calls.
pub(crate) const THAWED_CALLS: usize = 60;
/// Between two of those: environments are frozen 50 ms after they fall idle.
pub(crate) const THAWED_EVERY: Duration = Duration::from_millis(150);
/// Cold starts of the native function.
pub(crate) const COLD_NATIVE: usize = 100;
/// Cold starts of the Python function.
pub(crate) const COLD_PYTHON: usize = 40;
/// Between two cold starts: they are measured alone, not as a burst.
pub(crate) const COLD_REST: Duration = Duration::from_millis(250);
/// Functions created and updated for their latency.
pub(crate) const DEPLOYS: usize = 20;
/// Starts of a server.
pub(crate) const STARTS: usize = 7;
/// An instance is left alone that long before its memory is read.
pub(crate) const IDLE: Duration = Duration::from_secs(3);
/// Calls at once, each of a second.
pub(crate) const CROWD: usize = 50;
/// Calls with the largest payload.
pub(crate) const PAYLOADS: usize = 30;
/// The payload of those calls, as a JSON string: just below the limit of 6 MiB.
pub(crate) const PAYLOAD_BYTES: usize = 6_000_000;
/// Calls of the shorter of two runs under valgrind.
pub(crate) const COUNTED_FEW: usize = 500;
/// Calls of the longer of two runs under valgrind.
pub(crate) const COUNTED_MANY: usize = 2500;
/// Calls of a run whose CPU time counts.
pub(crate) const TIMED: usize = 20_000;
/// A connection for single calls that rested for longer is opened again.
pub(crate) const REST: Duration = Duration::from_secs(5);
