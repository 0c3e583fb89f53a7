//! The bounds of the composition root. Those that users turn are in `config`.

use std::time::Duration;

/// Bytes of log lines that wait to be written.
pub(crate) const LOG_BYTES: usize = 1 << 20;
/// How long a log line may wait for others.
pub(crate) const LOG_DELAY: Duration = Duration::from_millis(20);
/// What is left of a request body's memory: this part of the machine's, within bounds.
pub(crate) const BODY_SHARE: u64 = 8;
/// The least that bodies may take.
pub(crate) const BODY_BYTES_LEAST: u64 = 256 << 20;
/// The most that bodies may take.
pub(crate) const BODY_BYTES_MOST: u64 = 4 << 30;
/// How long environments get to end after the last call; the warden waits 5 s beyond the drain.
pub(crate) const WIND_DOWN: Duration = Duration::from_secs(3);
/// Bytes of a file with certificates or a key.
pub(crate) const PEM_BYTES: u64 = 256 * 1024;
/// Bytes of a scraper's token file.
pub(crate) const TOKEN_BYTES: u64 = 4096;
