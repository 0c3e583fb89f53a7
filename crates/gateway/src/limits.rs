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
/// Bytes that are read of a new connection before it is known what it speaks.
pub const FIRST_READ_BYTES: usize = 4 * 1024;
/// Bytes of the line before a chunk.
pub const CHUNK_LINE_BYTES: usize = 4 * 1024;

/// Requests of one HTTP/2 connection at a time.
pub const HTTP2_STREAMS: u32 = 128;
/// Requests that a client may take back before they were looked at, until its connection is closed.
pub const HTTP2_ACCEPT_RESETS: usize = 20;
/// Streams that we reset for a client's errors, until its connection is closed.
pub const HTTP2_ERROR_RESETS: usize = 64;
/// Bytes that a client may send ahead in one request.
pub const HTTP2_STREAM_WINDOW: u32 = 1024 * 1024;
/// Bytes that a client may send ahead in all requests of a connection.
pub const HTTP2_CONNECTION_WINDOW: u32 = 2 * 1024 * 1024;
/// Bytes of one frame that we take, and of the pieces in which answers go out.
pub const HTTP2_FRAME_BYTES: u32 = 64 * 1024;
/// Bytes of one answer that wait for a client's window.
pub const HTTP2_SEND_BYTES: usize = 256 * 1024;
/// Bytes of one request's headers as HTTP/2 counts them: 32 more for each.
pub const HTTP2_HEADER_LIST_BYTES: u32 = 36 * 1024;
/// After so much silence a client is asked whether it is there.
pub const HTTP2_PING: Duration = Duration::from_secs(20);
/// How long it may take to say so.
pub const HTTP2_PING_ANSWER: Duration = Duration::from_secs(20);

/// The body of CreateFunction, UpdateFunctionCode and PublishLayerVersion.
pub const CODE_BODY_BYTES: u64 = 70_167_211;
/// The body of Invoke.
pub const INVOKE_BODY_BYTES: u64 = 6_291_456;
/// The body of every other operation.
pub const BODY_BYTES: u64 = 2 * 1024 * 1024;
/// Body bytes of a request that is refused unseen which are read and thrown away.
pub const REFUSED_BODY_BYTES: u64 = 1024 * 1024;
/// How much of a body that is too large is read and thrown away, so that the client is ready to read the answer.
pub const DISCARDED_BODY_BYTES: u64 = 256 * 1024 * 1024;
/// A body that its operation reads while it comes: the largest object that S3 takes at once.
pub const STREAMED_BODY_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// How much of a body that nobody reads is taken and thrown away after its answer has gone out: a part of an upload.
pub const LEFT_BODY_BYTES: u64 = 16 * 1024 * 1024;
/// How long that may take.
pub const LEFT_BODY: Duration = Duration::from_secs(5);
/// How long the answer waits for the rest of a small one, so that the connection can go on.
pub const LEFT_BODY_FIRST: Duration = Duration::from_millis(500);
/// Bytes that are hashed before other tasks get their turn.
pub const HASH_STEP_BYTES: usize = 64 * 1024;

/// Requests of all clients that are under way, from the whole head until the answer was taken. Beyond, they get 503.
pub const REQUESTS: usize = 4096;
/// Requests of one connection that are under way; with HTTP/2 a client could otherwise take them back and send more.
pub const REQUESTS_PER_CONNECTION: usize = 256;
/// Connections of all clients together.
pub const CONNECTIONS: usize = 10_000;
/// Connections beyond those, or beyond those of an address, that are told so; more are closed unread.
pub const CONNECTIONS_REFUSED: usize = 256;
/// Connections from within one environment.
pub const CONNECTIONS_PER_ENVIRONMENT: usize = 64;

/// How long a connection may be idle between requests.
pub const IDLE: Duration = Duration::from_secs(75);
/// How long a connection for which there is no room may be idle.
pub const IDLE_REFUSED: Duration = Duration::from_secs(2);
/// How long a begun head may take.
pub const HEAD: Duration = Duration::from_secs(10);
/// How long a body may take, before what its bytes earn.
pub const BODY: Duration = Duration::from_secs(20);
/// Body bytes that earn one more second.
pub const BODY_BYTES_PER_SECOND: u64 = 16 * 1024;
/// The most time that the bytes of a body can earn.
pub const BODY_EARNED: Duration = Duration::from_secs(900);
/// How long a client may keep an answer waiting in all, before what the bytes that it takes earn.
pub const WRITE: Duration = Duration::from_secs(30);
/// Head and body from within an environment, which may be frozen meanwhile.
pub const INSIDE: Duration = Duration::from_secs(60);
/// The pause after a failed accept.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Derived signing keys that are kept.
pub const SIGNING_KEYS: usize = 4096;
/// Bytes of the header names that a page says it will send.
pub const PREFLIGHT_HEADERS_BYTES: usize = 4096;
/// The longest `X-Amzn-Trace-Id` that is passed on.
pub const TRACE_BYTES: usize = 512;
/// Series of requests in the metrics: one for each operation and status that occurred.
pub const SERIES: usize = 4096;
/// Bytes of a path that are logged.
pub const LOGGED_PATH_BYTES: usize = 512;
