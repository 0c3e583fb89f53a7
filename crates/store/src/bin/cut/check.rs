use std::collections::BTreeMap;
use std::io::BufRead;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use store::{BlobId, Store};
use tasks::{Clock, Shutdown, Tasks};

use crate::acks::{Ack, BLOBS, JOURNAL, ROWS, body, home, row};
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
    let clock = Clock::real();
    let tasks = Tasks::new(Shutdown::new());
    let folder = folder()?;
    let options = store::Options { disk_floor_bytes: 0, ..store::Options::new(tasks, clock) };
    let store = Store::open(&folder, options)?;
    let mut rows: BTreeMap<&String, &Ack> = BTreeMap::new();
    for ack in acks {
        match ack {
            // The last word on a row counts.
            Ack::Row(key) | Ack::Doubt(key) | Ack::Gone(key) => {
                rows.insert(key, ack);
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
    store.close().await;
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
