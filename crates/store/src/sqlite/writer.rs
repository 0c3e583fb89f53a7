use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, params};
use tokio::sync::{mpsc, oneshot};

use super::noted::Noted;
use super::open::Opened;
use super::{broken, reader};
use crate::backend::{Job, RawTxn, RawView, Rows};
use crate::disk::{Disk, die};
use crate::limits::{CHECKPOINT_PAGES, GROUP, VACUUM_ABOVE_PAGES, VACUUM_PAGES};
use crate::{Broken, Result};

pub(super) enum Order {
    Run(Job, oneshot::Sender<Result<()>>),
    Close(oneshot::Sender<()>),
}

type Then = Box<dyn FnOnce() + Send>;

/// The only one who writes: runs what waits as one commit, a savepoint for each job, then answers.
pub(super) struct Writer {
    connection: Connection,
    commits: u64,
    disk: Disk,
    noted: Arc<Noted>,
}

struct Waiting {
    job: Job,
    answer: oneshot::Sender<Result<()>>,
}

/// What became of a job in an open group.
enum Ran {
    Wrote(Vec<Then>),
    Nothing,
    Refused(Broken),
}

/// Whether transactions that delete nothing are let in.
#[derive(Clone, Copy, PartialEq)]
enum Room {
    Enough,
    DeletesOnly,
}

/// The disk is full: the group was undone and nobody was answered.
struct DiskFull;

impl Writer {
    pub(super) fn new(opened: Opened, disk: Disk, noted: Arc<Noted>) -> Writer {
        Writer { connection: opened.connection, commits: opened.commits, disk, noted }
    }

    pub(super) fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(order) = orders.blocking_recv() {
            let mut next = Some(order);
            let mut close = None;
            while let Some(order) = next.take() {
                match order {
                    Order::Run(job, answer) => group.push(Waiting { job, answer }),
                    Order::Close(answer) => {
                        close = Some(answer);
                        break;
                    }
                }
                if group.len() < GROUP {
                    next = orders.try_recv().ok();
                }
            }
            self.commit(&mut group);
            if let Some(answer) = close {
                self.checkpoint("TRUNCATE");
                drop((orders, self.connection));
                // The closer may have gone away.
                let _ = answer.send(());
                return;
            }
            self.tidy(orders.is_empty());
        }
    }

    /// Commits the group and answers everyone. On a full disk the reserve is given back and the group runs again, with
    /// only those let in that make room.
    fn commit(&mut self, group: &mut Vec<Waiting>) {
        let room = if self.disk.has_room() { Room::Enough } else { Room::DeletesOnly };
        let ran = self.transact(group, room).or_else(|DiskFull| {
            self.disk.release_reserve();
            self.transact(group, Room::DeletesOnly)
        });
        let Ok(ran) = ran else {
            for Waiting { answer, .. } in group.drain(..) {
                let _ = answer.send(Err(Broken::Full));
            }
            return;
        };
        // First memory, in the order of the commits, then the answers.
        let mut outcomes = Vec::with_capacity(group.len());
        for ran in ran {
            outcomes.push(match ran {
                Ran::Wrote(then) => {
                    then.into_iter().for_each(|then| then());
                    Ok(())
                }
                Ran::Nothing => Ok(()),
                Ran::Refused(broken) => Err(broken),
            });
        }
        for (Waiting { job, answer }, outcome) in group.drain(..).zip(outcomes) {
            // What the job holds (a staged blob) was needed until now. An asker that went away needs no answer.
            drop(job);
            let _ = answer.send(outcome);
        }
    }

    fn transact(&mut self, group: &mut [Waiting], room: Room) -> Result<Vec<Ran>, DiskFull> {
        self.statement("BEGIN IMMEDIATE")?;
        let mut ran = Vec::with_capacity(group.len());
        for Waiting { job, .. } in group {
            ran.push(self.savepoint(job, room)?);
        }
        if ran.iter().any(|ran| matches!(ran, Ran::Wrote(_))) {
            self.commits += 1;
            let commits = self.commits;
            let numbered = self
                .connection
                .prepare_cached("UPDATE meta SET v = ?1 WHERE k = 'commits'")
                .and_then(|mut update| update.execute([commits.cast_signed()]));
            self.must(numbered)?;
            self.statement("COMMIT")?;
            self.noted.committed(commits);
        } else {
            self.statement("ROLLBACK")?;
        }
        Ok(ran)
    }

    fn savepoint(&mut self, job: &mut Job, room: Room) -> Result<Ran, DiskFull> {
        self.statement("SAVEPOINT job")?;
        let mut open = Open::new(&self.connection);
        // A panicking closure undoes its own writes, not its neighbours'.
        let kept = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut open)));
        let Open { failed, writes, deletes, then, .. } = open;
        if let Some(error) = failed {
            let broken = broken(&error);
            self.must::<()>(Err(error))?;
            return self.undo(Ran::Refused(broken));
        }
        match kept {
            Ok(true) if writes + deletes == 0 => self.undo(Ran::Nothing),
            Ok(true) if room == Room::DeletesOnly && deletes == 0 => self.undo(Ran::Refused(Broken::Full)),
            Ok(true) => {
                self.statement("RELEASE job")?;
                Ok(Ran::Wrote(then))
            }
            Ok(false) => self.undo(Ran::Nothing),
            Err(_) => self.undo(Ran::Refused(Broken::Unavailable("the closure panicked".to_owned()))),
        }
    }

    fn undo(&mut self, ran: Ran) -> Result<Ran, DiskFull> {
        self.statement("ROLLBACK TO job")?;
        self.statement("RELEASE job")?;
        Ok(ran)
    }

    fn statement(&mut self, sql: &str) -> Result<(), DiskFull> {
        let done = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        self.must(done).map(drop)
    }

    /// Sorts failures: a full disk undoes the group; one that leaves the transaction open is its job's own; any other,
    /// a failed sync first of all, ends the process, because what is on the disk is not known any more.
    fn must<T>(&mut self, done: rusqlite::Result<T>) -> Result<Option<T>, DiskFull> {
        let error = match done {
            Ok(done) => return Ok(Some(done)),
            Err(error) => error,
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                if !self.connection.is_autocommit()
                    && let Err(error) = self.connection.execute_batch("ROLLBACK")
                {
                    die(&format!("undo a transaction on a full disk: {error}"));
                }
                Err(DiskFull)
            }
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::DatabaseCorrupt)
                if !self.connection.is_autocommit() =>
            {
                tracing::error!(%error, "a transaction failed");
                Ok(None)
            }
            _ => die(&format!("write state.db: {error}")),
        }
    }

    /// Between commits: copies the log into the database when it is long, gives free pages back when nobody waits.
    fn tidy(&mut self, idle: bool) {
        if self.log_pages() < CHECKPOINT_PAGES {
            return;
        }
        self.checkpoint("PASSIVE");
        self.disk.hold_reserve();
        let free: rusqlite::Result<u32> =
            self.connection.query_row("PRAGMA freelist_count", [], |row| row.get(0));
        if idle && free.is_ok_and(|free| free > VACUUM_ABOVE_PAGES) {
            let vacuum = format!("PRAGMA incremental_vacuum({VACUUM_PAGES})");
            let done = self.connection.execute_batch(&vacuum);
            self.background("give pages back", done);
        }
    }

    /// Pages in the write-ahead log that are not in the database yet.
    fn log_pages(&mut self) -> u32 {
        let (log, copied) = self.checkpoint("NOOP");
        log.saturating_sub(copied)
    }

    /// Pages in the log, and how many of them are in the database.
    fn checkpoint(&mut self, mode: &str) -> (u32, u32) {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let done = self.connection.prepare_cached(&sql).and_then(|mut checkpoint| {
            checkpoint.query_row([], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
        });
        match done {
            // -1 means that there is no log.
            Ok((log, copied)) => (u32::try_from(log).unwrap_or(0), u32::try_from(copied).unwrap_or(0)),
            Err(error) => {
                self.background("checkpoint", Err(error));
                (0, 0)
            }
        }
    }

    /// Work that nobody waits for may fail for want of space; a failed write or sync ends the process as ever.
    fn background(&self, what: &str, done: rusqlite::Result<()>) {
        let Err(error) = done else { return };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => self.disk.release_reserve(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {}
            _ => die(&format!("{what} of state.db: {error}")),
        }
        tracing::warn!(%error, what, "put off");
    }
}

/// A job's transaction within the group's.
struct Open<'a> {
    connection: &'a Connection,
    /// The first failure: it decides, whatever the closure made of it.
    failed: Option<rusqlite::Error>,
    writes: usize,
    deletes: usize,
    then: Vec<Then>,
}

impl<'a> Open<'a> {
    fn new(connection: &'a Connection) -> Open<'a> {
        Open { connection, failed: None, writes: 0, deletes: 0, then: Vec::new() }
    }

    fn keep<T>(&mut self, done: rusqlite::Result<T>) -> Result<T> {
        done.map_err(|error| {
            let broken = broken(&error);
            self.failed.get_or_insert(error);
            broken
        })
    }

    fn execute(&mut self, sql: &str, params: impl rusqlite::Params) -> Result<usize> {
        let done = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params));
        self.keep(done)
    }
}

impl RawView for Open<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let got = reader::get(self.connection, key);
        self.keep(got)
    }

    fn scan(&mut self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows> {
        let rows = reader::scan(self.connection, from, to, limit);
        self.keep(rows)
    }

    fn count(&mut self, from: &[u8], to: &[u8]) -> Result<u64> {
        let counted = reader::count(self.connection, from, to);
        self.keep(counted)
    }

    fn has_item(&mut self, id: u64) -> Result<bool> {
        let found = reader::has_item(self.connection, id);
        self.keep(found)
    }
}

impl RawTxn for Open<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.writes += self.execute(
            "INSERT INTO row (k, v) VALUES (?1, ?2) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
            params![key, value],
        )?;
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.deletes += self.execute("DELETE FROM row WHERE k = ?1", [key])?;
        Ok(())
    }

    fn put_item(&mut self, id: u64, body: &[u8]) -> Result<()> {
        self.writes +=
            self.execute("INSERT INTO item (id, body) VALUES (?1, ?2)", params![id.cast_signed(), body])?;
        Ok(())
    }

    fn delete_items(&mut self, ids: &[u64]) -> Result<()> {
        for id in ids {
            self.deletes += self.execute("DELETE FROM item WHERE id = ?1", [id.cast_signed()])?;
        }
        Ok(())
    }

    fn on_commit(&mut self, then: Then) {
        self.then.push(then);
    }
}
