//! Bounds of the command line. What users set is a flag; these are not.

use std::time::Duration;

/// Files in a package. AWS unpacks 250 MB; a tree with more files than this is a mistake.
pub const FILES: usize = 100_000;
/// Bytes of a source file that is searched for handlers, and of an executable's head.
pub const SOURCE: u64 = 1_000_000;
/// How long a request may take, its answer included: a function's 15 minutes and a margin.
pub const REQUEST: Duration = Duration::from_secs(16 * 60);
/// How long connecting may take.
pub const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer. Code comes by its own URL, logs in pages of 1 MB, payloads are at most 20 MB.
pub const ANSWER: usize = 64 << 20;
/// How long a function may take to become active.
pub const ACTIVE: Duration = Duration::from_secs(60);
/// Between two looks at something that changes soon.
pub const LOOK: Duration = Duration::from_millis(10);
/// Between two looks at something that takes a second.
pub const GLANCE: Duration = Duration::from_millis(50);
/// How long completing a name may take.
pub const COMPLETION: Duration = Duration::from_millis(100);
/// Between two looks for new log lines.
pub const FOLLOW: Duration = Duration::from_millis(100);
/// How long a background server may take until it is ready.
pub const READY: Duration = Duration::from_secs(60);
/// How long `down` waits after the server's own drain time, which it cannot know, has surely passed.
pub const DOWN: Duration = Duration::from_secs(90);
/// Pages of a list that are followed.
pub const PAGES: usize = 10_000;
/// Shards: each has a listening socket and an event loop.
pub const SHARDS: usize = 64;
/// Bytes of the certificate that vouches for a server.
pub const AUTHORITY: u64 = 64 * 1024;
