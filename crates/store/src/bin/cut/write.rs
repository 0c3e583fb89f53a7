use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::future::try_join_all;
use store::{Broken, Store};
use tasks::{Clock, Shutdown, Tasks};

use crate::acks::{Ack, BLOBS, JOURNAL, ROWS, body, home, row};

/// Callers that write rows at the same time, so that commits are shared.
const ROW_WRITERS: u64 = 8;
/// Callers that write blobs at the same time.
const BLOB_WRITERS: u64 = 2;
/// One row in so many is deleted again.
const DELETE_EACH: u64 = 5;

/// How long the load `staged` waits after an acknowledgement. Any later sync would make the rename durable too, so that a
/// missing one would show only now and then.
const PAUSE: Duration = Duration::from_millis(5);

/// What is written at the same time.
enum Load {
    /// Rows alone.
    Rows,
    /// Bodies that are staged and not adopted, one after the other.
    Staged,
    /// Rows, bodies staged and adopted, and a journal.
    All,
}

/// The data folder that the harness chose.
pub fn folder() -> Result<PathBuf> {
    let folder = std::env::vars_os().find(|(name, _)| name == "CUT_FOLDER");
    Ok(folder.context("CUT_FOLDER names no folder")?.1.into())
}

/// Writes until it is killed, or until the folder is full.
pub fn write(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (load, weakness) = match words[..] {
        [] => ("all", "none"),
        [load] => (load, "none"),
        [load, weakness] => (load, weakness),
        _ => bail!("write [rows|staged|all] [WEAKNESS]"),
    };
    let load = match load {
        "rows" => Load::Rows,
        "staged" => Load::Staged,
        "all" => Load::All,
        other => bail!("no load {other}"),
    };
    let clock = Clock::real();
    let options = options(&clock, weakness)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&folder()?, options).context("open the store")?;
        // Keys of another run on the same folder are others.
        let run = format!("{}-{}", clock.wall_ms(), std::process::id());
        let rows = || try_join_all((0..ROW_WRITERS).map(|n| write_rows(&store, format!("{run}-{n}"))));
        let blobs = || try_join_all((0..BLOB_WRITERS).map(|n| write_blobs(&store, format!("{run}-b{n}"))));
        match load {
            Load::Rows => drop(rows().await?),
            Load::Staged => stage(&store, &clock, &run).await?,
            Load::All => drop(tokio::try_join!(rows(), blobs(), write_journal(&store, &clock, &run))?),
        }
        Ok(())
    })
}

fn options(clock: &Clock, weakness: &str) -> Result<store::Options> {
    let tasks = Tasks::new(Shutdown::new());
    #[allow(unused_mut)] // Only the feature changes it.
    let mut options = store::Options { disk_floor_bytes: 0, ..store::Options::new(tasks, clock.clone()) };
    match weakness {
        "none" => {}
        #[cfg(feature = "weaken")]
        _ => {
            use store::weaken::Weakness;
            options.weakness = match weakness {
                "synchronous-off" => Weakness::SynchronousOff,
                "synchronous-normal" => Weakness::SynchronousNormal,
                "no-folder-sync" => Weakness::NoFolderSync,
                other => bail!("no weakness {other}"),
            };
        }
        #[cfg(not(feature = "weaken"))]
        other => bail!("weakness {other} needs the feature `weaken`"),
    }
    Ok(options)
}

fn say(ack: &Ack) -> Result<()> {
    // Standard output is flushed at the end of a line; this is the moment of the acknowledgement.
    writeln!(std::io::stdout().lock(), "{ack}").context("acknowledge")
}

async fn write_rows(store: &Store, writer: String) -> Result<()> {
    for number in 0_u64.. {
        let key = format!("{writer}-{number}");
        let written = key.clone();
        store.write(home(&key), move |txn| txn.put(ROWS, &written, &row(&written))).await?;
        say(&Ack::Row(key.clone()))?;
        if number % DELETE_EACH == 0 {
            say(&Ack::Doubt(key.clone()))?;
            let deleted = key.clone();
            store.write(home(&key), move |txn| txn.delete(ROWS, &deleted)).await?;
            say(&Ack::Gone(key))?;
        }
    }
    Ok(())
}

async fn stage(store: &Store, clock: &Clock, run: &str) -> Result<()> {
    for number in 0_u64.. {
        let key = format!("{run}-s{number}");
        store.blobs().stage(&mut body(&key), 1 << 20).await?;
        say(&Ack::Staged(key))?;
        clock.sleep(PAUSE).await;
    }
    Ok(())
}

async fn write_blobs(store: &Store, writer: String) -> Result<()> {
    for number in 0_u64.. {
        let key = format!("{writer}-{number}");
        let staged = store.blobs().stage(&mut body(&key), 1 << 20).await?;
        say(&Ack::Staged(key.clone()))?;
        let adopted = key.clone();
        let adopt = store.write::<_, Broken>(home(&key), move |txn| {
            let blob = txn.adopt(&staged)?;
            txn.put(BLOBS, &adopted, &blob)
        });
        adopt.await?;
        say(&Ack::Blob(key))?;
    }
    Ok(())
}

async fn write_journal(store: &Store, clock: &Clock, run: &str) -> Result<()> {
    let journal = store.journal(JOURNAL.0, JOURNAL.1)?;
    for number in 0_u64.. {
        let key = format!("{run}-j{number}");
        let position = journal.note(row(&key).as_bytes())?;
        clock.sleep(2 * store::limits::SYNC_WITHIN).await;
        say(&Ack::Noted(position, key))?;
    }
    Ok(())
}
