//! Every bound of the front door. Those that users turn are in `Settings`.

use std::time::Duration;

/// Headers of one request.
pub const HEADERS: usize = 100;
/// Bytes that hyper buffers of one connection; the request line and headers must fit in it.
pub const BUFFER_BYTES: usize = 64 * 1024;
/// Bytes of all header names and values of one request.
pub const HEADER_BYTES: usize = 32 * 1024;
/// Bytes of path and query.
pub const URI_BYTES: usize = 16 * 1024;

/// The body of CreateFunction, UpdateFunctionCode and PublishLayerVersion.
pub const CODE_BODY_BYTES: u64 = 70_167_211;
/// The body of Invoke.
pub const INVOKE_BODY_BYTES: u64 = 6_291_456;
/// The body of every other operation.
pub const BODY_BYTES: u64 = 2 * 1024 * 1024;
/// How much of a body that is too large is read and thrown away, so that the client is ready to read the answer.
pub const DISCARDED_BODY_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes that are hashed before other tasks get their turn.
pub const HASH_STEP_BYTES: usize = 64 * 1024;

/// Connections of all clients together.
pub const CONNECTIONS: usize = 10_000;
/// Connections from within one environment.
pub const CONNECTIONS_PER_ENVIRONMENT: usize = 64;

/// How long a connection may be idle between requests.
pub const IDLE: Duration = Duration::from_secs(75);
/// How long a begun head may take.
pub const HEAD: Duration = Duration::from_secs(10);
/// How long a body may take, before what its bytes earn.
pub const BODY: Duration = Duration::from_secs(20);
/// Body bytes that earn one more second.
pub const BODY_BYTES_PER_SECOND: u64 = 16 * 1024;
/// The most time that the bytes of a body can earn.
pub const BODY_EARNED: Duration = Duration::from_secs(900);
/// How long a client may take no bytes of an answer.
pub const WRITE: Duration = Duration::from_secs(30);
/// Head and body from within an environment, which may be frozen meanwhile.
pub const INSIDE: Duration = Duration::from_secs(60);
/// The pause after a failed accept.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Derived signing keys that are kept.
pub const SIGNING_KEYS: usize = 4096;
/// The longest `X-Amzn-Trace-Id` that is passed on.
pub const TRACE_BYTES: usize = 512;
/// Series of requests in the metrics: one for each operation and status that occurred.
pub const SERIES: usize = 4096;
/// Bytes of a path that are logged.
pub const LOGGED_PATH_BYTES: usize = 512;
