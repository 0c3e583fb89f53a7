use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws::Millis;
use store::{Broken, Journal, Store};
use tasks::{Clock, OnError, Tasks};
use tokio::sync::watch;

use crate::Keep;
use crate::index::{Bounds, GroupName, Index, Written};
use crate::limits::{ENTRIES, EXPIRE_EVERY, LINE_BYTES, REBUILD_BYTES, RECORD_BYTES, RECORD_LINES};
use crate::record::{Record, Stream, Writer};

/// Where the output of functions goes: the journal, class *buffered*. Cloning shares it.
#[derive(Clone)]
pub struct Sink(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) journal: Journal,
    pub(crate) clock: Clock,
    index: Mutex<Live>,
    ready: watch::Sender<bool>,
    failing: AtomicBool,
}

/// The index, and whether it has caught up with the journal.
struct Live {
    index: Index,
    caught_up: bool,
}

impl Sink {
    /// Opens the journal and begins to read it in a task of its own; until that is done reads wait, writes do not.
    pub(crate) fn open(store: &Store, clock: Clock, tasks: &Tasks, keep: Keep) -> Result<Sink, Broken> {
        let age_ms = u64::try_from(keep.age.as_millis()).unwrap_or(u64::MAX);
        let bounds = Bounds { bytes: keep.bytes, age_ms, entries: ENTRIES };
        let inner = Arc::new(Inner {
            journal: store.journal("logs", keep.bytes)?,
            clock,
            index: Mutex::new(Live { index: Index::new(bounds), caught_up: false }),
            ready: watch::Sender::new(false),
            failing: AtomicBool::new(false),
        });
        let reading = inner.clone();
        tasks.spawn("logs.index", OnError::Log, async move {
            let read = reading.catch_up().await;
            // With a broken journal, what could be read is what there is.
            reading.lock().caught_up = true;
            reading.ready.send_replace(true);
            read.map_err(anyhow::Error::from)
        });
        let (expiring, shutdown) = (inner.clone(), tasks.shutdown().clone());
        tasks.spawn("logs.expire", OnError::Log, async move {
            tokio::select! {
                () = shutdown.begun() => Ok(()),
                ended = expiring.expire() => ended.map_err(anyhow::Error::from),
            }
        });
        Ok(Sink(inner))
    }

    /// Takes lines of one stream, in order, with the time of each. They are in the kernel when it returns: one write(2) for
    /// each 256 KiB.
    ///
    /// A line above 1,000,000 bytes is cut off. When the journal cannot be written, the lines are lost and the
    /// operator's log says so once.
    pub fn write<'l>(&self, stream: &Stream<'_>, lines: impl IntoIterator<Item = (Millis, &'l [u8])>) {
        let ingested = Millis(self.0.clock.wall_ms());
        let group = GroupName {
            account: stream.account,
            region: stream.region.clone(),
            group: stream.group.to_owned(),
        };
        let mut writer = Writer::new(stream, ingested);
        for (at, line) in lines {
            let line = &line[..line.len().min(LINE_BYTES)];
            let full = writer.size() + line.len() > RECORD_BYTES || writer.lines() >= RECORD_LINES;
            if full && writer.lines() > 0 {
                self.0.note(&group, stream.stream, &writer, ingested);
                writer = Writer::new(stream, ingested);
            }
            writer.line(at, line);
        }
        if writer.lines() > 0 {
            self.0.note(&group, stream.stream, &writer, ingested);
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Live> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, group: &GroupName, stream: &str, writer: &Writer, ingested: Millis) {
        // The lock spans the write, so that the index sees records in the journal's order, which has a lock of its own
        // for the same time anyway.
        let mut live = self.lock();
        let position = match self.journal.note(writer.bytes()) {
            Ok(position) => position,
            Err(error) => {
                drop(live);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, group = group.group, "function output is lost");
                }
                return;
            }
        };
        if live.caught_up {
            let bytes = writer.bytes().len() as u64;
            let (first_at, last_at) = (writer.first_at, writer.last_at);
            let written = Written { position, bytes, ingested: ingested.0, first_at, last_at, stream };
            live.index.add(group, written);
        }
        drop(live);
        self.failing.store(false, Ordering::Relaxed);
    }

    /// Reads the journal from its beginning until nothing was written meanwhile.
    async fn catch_up(&self) -> Result<(), Broken> {
        let mut from = 0;
        loop {
            let end = self.journal.end();
            let stretch = self.journal.read(from, REBUILD_BYTES).await?;
            from = stretch.next;
            let mut live = self.lock();
            for (position, bytes) in &stretch.records {
                live.add(*position, bytes);
            }
            // Writers hold the lock while they write: behind this check nothing can slip in unseen.
            if stretch.records.is_empty() && self.journal.end() == end {
                live.caught_up = true;
                return Ok(());
            }
        }
    }

    /// Lets the journal go of what is too old, for ever.
    async fn expire(&self) -> Result<(), Broken> {
        loop {
            self.clock.sleep(EXPIRE_EVERY).await;
            // When all is too old, so is everything written until now.
            let end = self.journal.end();
            let oldest = self.look(|index| index.oldest()).await.unwrap_or(end);
            self.journal.drop_before(oldest.min(end)).await?;
        }
    }

    /// Looks at the index, once it has caught up and has forgotten what is too old.
    pub(crate) async fn look<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        let mut ready = self.ready.subscribe();
        // The sender lives in self, so waiting cannot fail.
        let _ = ready.wait_for(|ready| *ready).await;
        let now = self.clock.wall_ms();
        let mut live = self.lock();
        live.index.prune(now);
        look(&live.index)
    }
}

impl Live {
    fn add(&mut self, position: u64, bytes: &[u8]) {
        let Some(record) = Record::read(bytes) else { return };
        let (Some((first_at, last_at)), Ok(region)) = (record.span(), aws::Region::parse(record.region))
        else {
            return;
        };
        let group = GroupName { account: record.account, region, group: record.group.to_owned() };
        let (ingested, stream) = (record.ingested, record.stream);
        let bytes = bytes.len() as u64;
        self.index.add(&group, Written { position, bytes, ingested, first_at, last_at, stream });
    }
}
