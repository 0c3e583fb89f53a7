use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::disk::Disk;
use crate::limits::PAGE_BYTES;
use crate::{Broken, Result};

/// The format that this release reads and writes.
const FORMAT: u64 = 1;

/// The oldest SQLite without the bug that could lose the end of the write-ahead log at its reset.
const SQLITE_MIN: i32 = 3_051_003;

pub(super) const DATABASE: &str = "state.db";

/// The tables, fixed: what changes with releases is inside the values.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS row (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS meta (k TEXT PRIMARY KEY, v INTEGER NOT NULL) WITHOUT ROWID;
    INSERT OR IGNORE INTO meta VALUES ('commits', 0);
";

/// The writer's connection to a database that may be written to.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// The number of the newest commit.
    pub(super) commits: u64,
}

pub(super) fn writer(disk: &Disk) -> Result<Opened> {
    let path = disk.path(DATABASE);
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(Broken::Unavailable(format!("SQLite {} is too old", rusqlite::version())));
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(&path, flags)
        .and_then(|connection| {
            let mode = configure(&connection, disk)?;
            let format = format(&connection)?;
            Ok((connection, mode, format))
        })
        .map_err(|error| explain(&path, &error))?;
    let (connection, mode, format) = opened;
    if mode != "wal" {
        let text = format!("{}: this file system allows no write-ahead log", path.display());
        return Err(Broken::Unavailable(text));
    }
    if format > FORMAT {
        let text = format!("{} has format {format}, this release reads {FORMAT}", path.display());
        return Err(Broken::Unavailable(text));
    }
    let commits = connection
        .execute_batch(&format!(
            "BEGIN IMMEDIATE;{TABLES}INSERT OR IGNORE INTO meta VALUES ('format', {FORMAT});COMMIT"
        ))
        .and_then(|()| number(&connection, "commits"))
        .map_err(|error| explain(&path, &error))?;
    if let Some(folder) = path.parent() {
        disk.sync_folder(folder)?;
    }
    Ok(Opened { connection, commits: commits.unwrap_or(0) })
}

pub(super) fn reader(disk: &Disk) -> Result<Connection> {
    let path = disk.path(DATABASE);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(&path, flags).and_then(|connection| {
        connection.execute_batch("PRAGMA cache_size = -4096; PRAGMA query_only = ON;")?;
        Ok(connection)
    });
    opened.map_err(|error| explain(&path, &error))
}

/// Sets the connection up and answers how the database journals.
fn configure(connection: &Connection, disk: &Disk) -> rusqlite::Result<String> {
    // Page size and vacuum mode are fixed by the first write, which is the change to WAL.
    connection
        .execute_batch(&format!("PRAGMA page_size = {PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL;"))?;
    // These answer a row.
    let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))?;
    let synchronous = disk.synchronous();
    connection.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;"
    ))?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(mode)
}

fn format(connection: &Connection) -> rusqlite::Result<u64> {
    let tables: i64 =
        connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(FORMAT);
    }
    Ok(number(connection, "format")?.unwrap_or(FORMAT))
}

fn number(connection: &Connection, name: &str) -> rusqlite::Result<Option<u64>> {
    let number = connection.query_row("SELECT v FROM meta WHERE k = ?1", [name], |row| row.get(0));
    Ok(number.optional()?.map(i64::cast_unsigned))
}

fn explain(path: &Path, error: &rusqlite::Error) -> Broken {
    match super::broken(error) {
        Broken::Corrupt(_) => {
            Broken::Corrupt(format!("{}: {error}; restore a backup of the data folder", path.display()))
        }
        Broken::Unavailable(_) => Broken::Unavailable(format!("open {}: {error}", path.display())),
        other => other,
    }
}
