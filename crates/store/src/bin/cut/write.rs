use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use store::{Ask, Broken, Group, Hold, New, Settle, Settled, Store};
use tasks::{Clock, Shutdown, Tasks};

use crate::acks::{Ack, BLOBS, ITEMS, JOURNAL, ROWS, body, home, row, source};

/// Callers that write rows at the same time, so that commits are shared.
const ROW_WRITERS: u64 = 8;
/// Callers that write blobs at the same time.
const BLOB_WRITERS: u64 = 2;
/// One row in so many is deleted again.
const DELETE_EACH: u64 = 5;

/// Callers that send, receive and delete items at the same time.
const QUEUE_WRITERS: u64 = 4;
/// Items sent and received at once, of which the first stays.
const ITEMS_AT_ONCE: usize = 4;

/// How long the load `staged` waits after an acknowledgement. Any later sync would make the rename durable too, so that a
/// missing one would show only now and then.
const PAUSE: Duration = Duration::from_millis(5);

/// What is written at the same time.
enum Load {
    /// Rows alone.
    Rows,
    /// Bodies that are staged and not adopted, one after the other.
    Staged,
    /// Rows, bodies staged and adopted, queues, and a journal.
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
        let queues = || try_join_all((0..QUEUE_WRITERS).map(|n| write_queue(&store, format!("{run}-q{n}"))));
        match load {
            Load::Rows => drop(rows().await?),
            Load::Staged => stage(&store, &clock, &run).await?,
            Load::All => {
                let journal = write_journal(&store, &clock, &run);
                drop(tokio::try_join!(rows(), blobs(), queues(), journal)?);
            }
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

/// Sends, each with a row in the same transaction, receives all of them, and deletes all but the first.
async fn write_queue(store: &Store, name: String) -> Result<()> {
    let owned = store.own(home(&name)).await?;
    let line = owned.queue(ITEMS);
    let hold = Hold::Client(Duration::from_secs(3_600));
    for number in 0_usize.. {
        let keys: Vec<String> = (0..ITEMS_AT_ONCE).map(|n| format!("{name}-{number}.{n}")).collect();
        for (n, key) in keys.iter().enumerate() {
            let group = match n % 3 {
                0 => Group::None,
                1 => Group::Fair(format!("{}", number % 7)),
                _ => Group::Strict(format!("{number}")),
            };
            let (key, source) = (key.clone(), source(key).to_owned());
            let item = New { group, ..New::of(source, key.clone()) };
            let sent = key.clone();
            let send = owned.write::<_, Broken>(move |txn| {
                txn.put(ROWS, &sent, &row(&sent))?;
                txn.append(ITEMS, item.clone())
            });
            send.await?;
            say(&Ack::Item(key))?;
        }
        let ask = Ask { max: ITEMS_AT_ONCE, ..Ask::of(name.clone(), hold) };
        let leased = line.lease(ask).await?;
        ensure!(leased.len() == keys.len(), "received {} of {}", leased.len(), keys.len());
        let leased: Vec<_> = leased.into_iter().filter(|leased| leased.body != keys[0]).collect();
        for leased in &leased {
            say(&Ack::Taking(leased.body.clone()))?;
        }
        let done = leased.iter().map(|leased| (leased.receipt.clone(), Settle::Done)).collect();
        let settled = line.settle(done).await?;
        ensure!(settled.iter().all(|settled| *settled == Settled::Yes), "{settled:?}");
        for leased in leased {
            say(&Ack::Taken(leased.body))?;
        }
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
