use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OptionalExtension, params};
use tasks::{Clock, Tick};
use tokio::sync::oneshot;

use super::broken;
use crate::backend::{RawView, Rows};
use crate::limits::READ_TIME;
use crate::{Broken, Result};

type Work = Box<dyn FnOnce(&Connection) -> Result<()> + Send>;

pub(super) enum Read {
    Once(Work, oneshot::Sender<Result<()>>),
    Close,
}

/// A connection that reads, one transaction after the other.
pub(super) struct Reader {
    connection: Connection,
    clock: Clock,
    /// When the transaction must end, on the monotonic clock.
    deadline: Arc<AtomicU64>,
}

/// Steps of SQLite's machine between two looks at the clock: well below a millisecond.
const STEPS: i32 = 10_000;

impl Reader {
    pub(super) fn new(mut connection: Connection, clock: Clock) -> Result<Reader> {
        let deadline = Arc::new(AtomicU64::new(u64::MAX));
        let (until, now) = (deadline.clone(), clock.clone());
        let overdue = move || now.tick() > Tick(until.load(Ordering::Relaxed));
        connection.progress_handler(STEPS, Some(overdue)).map_err(|error| broken(&error))?;
        Ok(Reader { connection, clock, deadline })
    }

    pub(super) fn run(&self, work: Work, answer: oneshot::Sender<Result<()>>) {
        if answer.is_closed() {
            return;
        }
        let until = self.clock.tick().plus(READ_TIME);
        self.deadline.store(until.0, Ordering::Relaxed);
        // A panicking look ends its own transaction, not the thread.
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.transact(work)));
        self.deadline.store(u64::MAX, Ordering::Relaxed);
        let outcome = worked.unwrap_or_else(|_| Err(Broken::Unavailable("the look panicked".to_owned())));
        if !self.connection.is_autocommit() {
            // Nothing was written, so there is nothing that a failure could lose; the next BEGIN would tell.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        // Nobody listens when the asker went away.
        let _ = answer.send(outcome);
    }

    fn transact(&self, work: Work) -> Result<()> {
        self.connection.execute_batch("BEGIN").map_err(|error| broken(&error))?;
        work(&self.connection)?;
        if self.clock.tick() > Tick(self.deadline.load(Ordering::Relaxed)) {
            return Err(Broken::Unavailable("a read took more than 5 s".to_owned()));
        }
        Ok(())
    }
}

/// An open read transaction. Its first failure is its outcome, whatever the look makes of it.
pub(super) struct Open<'a> {
    connection: &'a Connection,
    failed: Option<Broken>,
}

impl<'a> Open<'a> {
    pub(super) fn new(connection: &'a Connection) -> Open<'a> {
        Open { connection, failed: None }
    }

    pub(super) fn outcome(self) -> Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    fn keep<T>(&mut self, done: rusqlite::Result<T>) -> Result<T> {
        done.map_err(|error| {
            let broken = broken(&error);
            self.failed.get_or_insert(broken.clone());
            broken
        })
    }
}

impl RawView for Open<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let got = get(self.connection, key);
        self.keep(got)
    }

    fn scan(&mut self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows> {
        let rows = scan(self.connection, from, to, limit);
        self.keep(rows)
    }

    fn count(&mut self, from: &[u8], to: &[u8]) -> Result<u64> {
        let counted = count(self.connection, from, to);
        self.keep(counted)
    }

    fn has_item(&mut self, id: u64) -> Result<bool> {
        let found = has_item(self.connection, id);
        self.keep(found)
    }
}

pub(super) fn get(connection: &Connection, key: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
    connection.prepare_cached("SELECT v FROM row WHERE k = ?1")?.query_row([key], |row| row.get(0)).optional()
}

pub(super) fn scan(connection: &Connection, from: &[u8], to: &[u8], limit: usize) -> rusqlite::Result<Rows> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement =
        connection.prepare_cached("SELECT k, v FROM row WHERE k >= ?1 AND k < ?2 ORDER BY k LIMIT ?3")?;
    statement.query_map(params![from, to, limit], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

pub(super) fn count(connection: &Connection, from: &[u8], to: &[u8]) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM row WHERE k >= ?1 AND k < ?2")?;
    statement.query_row([from, to], |row| row.get(0)).map(i64::cast_unsigned)
}

pub(super) fn has_item(connection: &Connection, id: u64) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM item WHERE id = ?1")?.exists([id.cast_signed()])
}

pub(super) fn items(connection: &Connection, ids: &[u64]) -> Result<Vec<Option<Vec<u8>>>> {
    let read = |id: &u64| {
        connection
            .prepare_cached("SELECT body FROM item WHERE id = ?1")?
            .query_row([id.cast_signed()], |row| row.get(0))
            .optional()
    };
    ids.iter().map(read).collect::<rusqlite::Result<_>>().map_err(|error| broken(&error))
}
