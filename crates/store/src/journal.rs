//! The buffered class: records that may be lost in the last 100 ms before a power cut, but not when a process dies.
//!
//! A note is one write(2) into the current segment; a thread syncs within 100 ms. Positions only grow: each start of
//! the store begins a new segment far behind everything the last one could have answered, so a position that was
//! written down elsewhere never names another record, even if its own was lost.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tasks::Tasks;

use crate::disk::Disk;
use crate::limits::NOTE_BYTES;
use crate::{Broken, Options, Result};

pub mod fuzzing;
mod memory;
mod segments;
mod syncer;

pub(crate) use memory::MemoryJournals;
use segments::Segments;
use syncer::Syncer;

/// A journal. Cloning shares it.
#[derive(Clone)]
pub struct Journal(Arc<Kind>);

enum Kind {
    Segments { segments: Arc<Mutex<Segments>>, syncer: Arc<Syncer>, tasks: Tasks },
    Memory(memory::MemoryJournal),
}

/// A stretch of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Records with their positions, in order.
    pub records: Vec<(u64, Bytes)>,
    /// Where to read on.
    pub next: u64,
}

impl Journal {
    /// Writes a record of at most 1 MiB and answers its position. It survives the process at once, the machine within
    /// 100 ms.
    pub fn note(&self, record: &[u8]) -> Result<u64> {
        if record.len() > NOTE_BYTES {
            return Err(Broken::TooLarge);
        }
        match &*self.0 {
            Kind::Segments { segments, syncer, .. } => {
                let position = lock(segments).note(record)?;
                syncer.dirty(segments);
                Ok(position)
            }
            Kind::Memory(journal) => Ok(journal.note(record)),
        }
    }

    /// Reads records from position `from` on (0: the oldest kept) until `max_bytes` are full; at least one record if
    /// there is any. What was dropped or lost is passed over.
    pub async fn read(&self, from: u64, max_bytes: usize) -> Result<Stretch> {
        match &*self.0 {
            Kind::Segments { segments, tasks, .. } => {
                let segments = segments.clone();
                let read = move || {
                    // Only the list of segments is taken under the lock; writers do not wait for reads.
                    let snapshot = lock(&segments).snapshot();
                    snapshot.read(from, max_bytes)
                };
                let read = tasks.spawn_blocking(read).join().await;
                read.unwrap_or_else(|| {
                    Err(Broken::Unavailable("the read of a journal was stopped".to_owned()))
                })
            }
            Kind::Memory(journal) => Ok(journal.read(from, max_bytes)),
        }
    }

    /// Lets go of what is before `position`, in whole segments: some of it may stay.
    pub async fn drop_before(&self, position: u64) -> Result<()> {
        match &*self.0 {
            Kind::Segments { segments, tasks, .. } => {
                let segments = segments.clone();
                let drop = move || {
                    // The files are removed outside of the lock; writers do not wait for that.
                    let dropped = lock(&segments).take_before(position);
                    dropped.remove();
                };
                let dropped = tasks.spawn_blocking(drop).join().await;
                dropped
                    .ok_or_else(|| Broken::Unavailable("dropping a part of a journal was stopped".to_owned()))
            }
            Kind::Memory(journal) => {
                journal.drop_before(position);
                Ok(())
            }
        }
    }

    /// The position behind the newest record.
    pub fn end(&self) -> u64 {
        match &*self.0 {
            Kind::Segments { segments, .. } => lock(segments).end(),
            Kind::Memory(journal) => journal.end(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The journals of a store.
pub(crate) struct Journals {
    opened: Mutex<HashMap<&'static str, Journal>>,
    place: Place,
}

enum Place {
    Folder { path: PathBuf, disk: Disk, tasks: Tasks, syncer: Arc<Syncer> },
    Memory(MemoryJournals),
}

impl Journals {
    pub(crate) fn folder(disk: &Disk, options: &Options) -> Result<Arc<Journals>> {
        let path = disk.folder("journal")?;
        let syncer = Syncer::start(&options.tasks, disk.clone())?;
        let place = Place::Folder { path, disk: disk.clone(), tasks: options.tasks.clone(), syncer };
        Ok(Arc::new(Journals { opened: Mutex::default(), place }))
    }

    pub(crate) fn memory(journals: MemoryJournals) -> Arc<Journals> {
        Arc::new(Journals { opened: Mutex::default(), place: Place::Memory(journals) })
    }

    pub(crate) fn open(&self, name: &'static str, keep_bytes: u64) -> Result<Journal> {
        let mut opened = lock(&self.opened);
        if let Some(journal) = opened.get(name) {
            return Ok(journal.clone());
        }
        let kind = match &self.place {
            Place::Folder { path, disk, tasks, syncer } => {
                disk.folder(&format!("journal/{name}"))?;
                let segments = Arc::new(Mutex::new(Segments::open(path.join(name), keep_bytes)?));
                Kind::Segments { segments, syncer: syncer.clone(), tasks: tasks.clone() }
            }
            Place::Memory(journals) => Kind::Memory(journals.open(name, keep_bytes)),
        };
        let journal = Journal(Arc::new(kind));
        opened.insert(name, journal.clone());
        Ok(journal)
    }

    /// Syncs everything and stops syncing.
    pub(crate) fn close(&self) {
        if let Place::Folder { syncer, .. } = &self.place {
            syncer.close();
        }
    }
}

impl Drop for Journals {
    fn drop(&mut self) {
        self.close();
    }
}
