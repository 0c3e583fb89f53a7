//! The back end of one machine: one SQLite file, one writer thread, readers on connections of their own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tasks::{Clock, Tasks};
use tokio::sync::{mpsc, oneshot};

use crate::backend::{Backend, Boxed, Fence, Job, Look};
use crate::disk::Disk;
use crate::limits::{READ_QUEUE, READERS, WRITE_QUEUE};
use crate::{Broken, Elsewhere, Home, Options, Result};

mod noted;
mod open;
mod reader;
mod writer;

use noted::Noted;
use reader::Read;
use writer::{Order, Writer};

pub(crate) struct Sqlite {
    disk: Disk,
    orders: mpsc::Sender<Order>,
    reads: mpsc::Sender<Read>,
    noted: Arc<Noted>,
    /// This process owns what it asks for: nobody else has the folder open. So a fence cannot be lost while it runs.
    owned: Mutex<BTreeMap<Home, u64>>,
}

impl Sqlite {
    pub(crate) fn open(disk: &Disk, options: &Options) -> Result<Sqlite> {
        let opened = open::writer(disk)?;
        let noted = Noted::check(disk, opened.commits)?;
        let (orders, waiting) = mpsc::channel(WRITE_QUEUE);
        let (reads, asked) = mpsc::channel(READ_QUEUE);
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..READERS {
            let connection = open::reader(disk)?;
            start_reader(&options.tasks, options.clock.clone(), connection, asked.clone())?;
        }
        let writer = Writer::new(opened, disk.clone(), noted.clone());
        thread(&options.tasks, "store.writer", move || writer.run(waiting))?;
        noted.start(&options.tasks)?;
        Ok(Sqlite { disk: disk.clone(), orders, reads, noted, owned: Mutex::default() })
    }

    fn owned(&self) -> std::sync::MutexGuard<'_, BTreeMap<Home, u64>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, read: impl FnOnce(&Connection) -> Result<()> + Send + 'static) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let read = Read::Once(Box::new(read), answer);
        self.reads.send(read).await.map_err(|_| closed())?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }
}

fn start_reader(
    tasks: &Tasks,
    clock: Clock,
    connection: Connection,
    asked: Arc<Mutex<mpsc::Receiver<Read>>>,
) -> Result<()> {
    let reader = reader::Reader::new(connection, clock)?;
    thread(tasks, "store.reader", move || {
        loop {
            // Whoever holds the lock waits for the next read, the others wait for the lock.
            let read = asked.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
            match read {
                Some(Read::Once(read, answer)) => reader.run(read, answer),
                Some(Read::Close) | None => return,
            }
        }
    })
}

fn thread(tasks: &Tasks, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    tasks.thread(name, work).map(drop).map_err(|error| Broken::file(format!("start thread {name}"), &error))
}

fn closed() -> Broken {
    Broken::Unavailable("the store is closed".to_owned())
}

impl Backend for Sqlite {
    fn run(&self, fence: Option<Fence>, job: Job) -> Boxed<'_, Result<()>> {
        Box::pin(async move {
            if fence.is_some_and(|fence| self.owned().get(&fence.home) != Some(&fence.nonce)) {
                return Err(Broken::Fenced);
            }
            let (answer, answered) = oneshot::channel();
            self.orders.send(Order::Run(job, answer)).await.map_err(|_| closed())?;
            answered.await.unwrap_or_else(|_| Err(closed()))
        })
    }

    fn look(&self, mut look: Look) -> Boxed<'_, Result<()>> {
        Box::pin(self.ask(move |connection| {
            let mut open = reader::Open::new(connection);
            look(&mut open);
            open.outcome()
        }))
    }

    fn items(&self, ids: Vec<u64>) -> Boxed<'_, Result<Vec<Option<Vec<u8>>>>> {
        Box::pin(async move {
            let found = Arc::new(Mutex::new(Vec::new()));
            let slot = found.clone();
            self.ask(move |connection| {
                let bodies = reader::items(connection, &ids)?;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = bodies;
                Ok(())
            })
            .await?;
            let found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
            Ok(found)
        })
    }

    fn acquire(&self, home: Home, _node: &str) -> Boxed<'_, Result<Fence, Elsewhere>> {
        Box::pin(async move {
            let mut owned = self.owned();
            let nonce = owned.entry(home).or_insert(0);
            *nonce += 1;
            Ok(Fence { home, nonce: *nonce })
        })
    }

    fn beat(&self, _node: &str) -> Boxed<'_, Result<Vec<Fence>>> {
        let fences = self.owned().iter().map(|(home, nonce)| Fence { home: *home, nonce: *nonce }).collect();
        Box::pin(std::future::ready(Ok(fences)))
    }

    fn has_room(&self) -> bool {
        self.disk.has_room()
    }

    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(async move {
            // The readers first: the writer's connection must be the last, because the last one tidies the file.
            for _ in 0..READERS {
                // A closed queue is what is wanted.
                let _ = self.reads.send(Read::Close).await;
            }
            let (answer, answered) = oneshot::channel();
            if self.orders.send(Order::Close(answer)).await.is_ok() {
                let _ = answered.await;
            }
            self.noted.close();
        })
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.noted.close();
    }
}

/// What a failed statement means for its caller.
fn broken(error: &rusqlite::Error) -> Broken {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => Broken::Full,
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            Broken::Corrupt(format!("state.db: {error}"))
        }
        Some(rusqlite::ErrorCode::OperationInterrupted) => {
            Broken::Unavailable("a read took more than 5 s".to_owned())
        }
        _ => Broken::Unavailable(format!("state.db: {error}")),
    }
}
