//! For the package `fuzz` alone.

use std::path::PathBuf;

use bytes::Bytes;

use super::segments::Segments;
use crate::Result;

/// The files of one journal, without the store around it.
pub struct Journal(Segments);

impl Journal {
    /// Opens the journal in a folder, as each start of the store does.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn open(folder: PathBuf) -> Result<Journal> {
        Segments::open(folder, u64::MAX).map(Journal)
    }

    /// Writes a record and answers its position.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn note(&mut self, record: &[u8]) -> Result<u64> {
        self.0.note(record)
    }

    /// All records with their positions, read `max_bytes` at a time.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn read(&self, max_bytes: usize) -> Result<Vec<(u64, Bytes)>> {
        let (mut found, mut from) = (Vec::new(), 0);
        loop {
            let stretch = self.0.snapshot().read(from, max_bytes)?;
            if stretch.records.is_empty() {
                return Ok(found);
            }
            found.extend(stretch.records);
            from = stretch.next;
        }
    }
}
