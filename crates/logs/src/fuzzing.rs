//! For the package `fuzz` alone.

use crate::pattern::Pattern;
use crate::record::Record;

/// Whether a message fits a filter pattern; `None` when the pattern is refused.
pub fn matches(pattern: &str, message: &str) -> Option<bool> {
    Pattern::read(pattern).ok().map(|pattern| pattern.matches(message))
}

/// Reads a record of the journal and gives the bytes of its lines; `None` when it is of another format.
pub fn record(bytes: &[u8]) -> Option<usize> {
    let record = Record::read(bytes)?;
    let lines = record.lines().map(|(_, line)| line.len()).sum();
    assert_eq!(record.span().is_some(), record.lines().next().is_some());
    Some(lines)
}
