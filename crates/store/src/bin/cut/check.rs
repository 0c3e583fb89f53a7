use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use store::{Ask, BlobId, Hold, Store};
use tasks::{Clock, Shutdown, Tasks};

use crate::acks::{Ack, BLOBS, ITEMS, JOURNAL, ROWS, body, home, row, source};
use crate::write::folder;

/// Reads acknowledgements from the input and ends with an error at the first that does not hold.
pub fn check() -> Result<()> {
    let mut acks = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        acks.push(Ack::parse(&line).with_context(|| format!("not an acknowledgement: {line}"))?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(check_all(&acks))
}

async fn check_all(acks: &[Ack]) -> Result<()> {
    // A day later, so that what was leased before the cut can be leased again.
    let clock = Clock::virtual_at(Clock::real().wall_ms() + 24 * 3_600_000);
    let tasks = Tasks::new(Shutdown::new());
    let folder = folder()?;
    let options = store::Options { disk_floor_bytes: 0, ..store::Options::new(tasks, clock) };
    let store = Store::open(&folder, options)?;
    let mut rows: BTreeMap<&String, &Ack> = BTreeMap::new();
    let mut items: BTreeMap<&String, &Ack> = BTreeMap::new();
    for ack in acks {
        match ack {
            // The last word on a row counts.
            Ack::Row(key) | Ack::Doubt(key) | Ack::Gone(key) => {
                rows.insert(key, ack);
            }
            Ack::Item(key) | Ack::Taking(key) | Ack::Taken(key) => {
                items.insert(key, ack);
            }
            Ack::Staged(key) => staged(&folder, key)?,
            Ack::Blob(key) => blob(&store, key).await?,
            Ack::Noted(position, key) => noted(&store, *position, key).await?,
        }
    }
    for (key, ack) in rows {
        let wanted = key.clone();
        let found = store.read(home(key), move |view| view.get(ROWS, &wanted)).await?;
        match ack {
            Ack::Row(_) => ensure!(found == Some(row(key)), "row {key} is {found:?}"),
            Ack::Gone(_) => ensure!(found.is_none(), "row {key} came back"),
            _ => ensure!(found.is_none_or(|found| found == row(key)), "row {key} is damaged"),
        }
    }
    check_items(&store, &items).await?;
    store.close().await;
    Ok(())
}

/// What was sent and not deleted is there, what was deleted is not, and each item has the row of its transaction.
async fn check_items(store: &Store, items: &BTreeMap<&String, &Ack>) -> Result<()> {
    let mut found = BTreeSet::new();
    for name in items.keys().map(|key| source(key)).collect::<BTreeSet<_>>() {
        let line = store.own(home(name)).await?.queue(ITEMS);
        // In memory, so that a check changes nothing.
        let mut held = Vec::new();
        loop {
            let leased = line.lease(Ask { max: 100, ..Ask::of(name, Hold::Process) }).await?;
            if leased.is_empty() {
                break;
            }
            for leased in &leased {
                let key = leased.body.clone();
                let there = store.read(home(name), move |view| view.get(ROWS, &key)).await?;
                ensure!(there == Some(row(&leased.body)), "item {} without its row", leased.body);
                ensure!(found.insert(leased.body.clone()), "item {} is there twice", leased.body);
            }
            held.extend(leased);
        }
    }
    for (key, ack) in items {
        match ack {
            Ack::Item(_) => ensure!(found.contains(*key), "item {key} is gone"),
            Ack::Taken(_) => ensure!(!found.contains(*key), "item {key} came back"),
            _ => {}
        }
    }
    Ok(())
}

/// A staged body is a file, whole.
fn staged(folder: &std::path::Path, key: &str) -> Result<()> {
    let body = body(key);
    let name: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    let found = std::fs::read(folder.join("blobs").join(name)).with_context(|| format!("staged {key}"))?;
    ensure!(found == body, "staged {key} differs");
    Ok(())
}

async fn blob(store: &Store, key: &str) -> Result<()> {
    let wanted = key.to_owned();
    let blob = store.read(home(key), move |view| view.get(BLOBS, &wanted)).await?;
    let blob: BlobId = blob.with_context(|| format!("blob {key} has no row"))?;
    ensure!(store.blobs().read(&blob).await? == body(key), "blob {key} differs");
    Ok(())
}

async fn noted(store: &Store, position: u64, key: &str) -> Result<()> {
    let stretch = store.journal(JOURNAL.0, JOURNAL.1)?.read(position, 1).await?;
    let found = stretch.records.first();
    let same = found.is_some_and(|(at, record)| *at == position && record[..] == *row(key).as_bytes());
    ensure!(same, "record {key} at {position} is missing");
    Ok(())
}
