use anyhow::{Context, Result, ensure};
use store::{Broken, Store, Table};
use tasks::{Clock, Shutdown, Tasks};

use crate::acks::home;
use crate::image::{Mounted, Workshop, make};
use crate::options::Options;

const ROWS: Table<u64, String> = Table::new("full.rows");

/// Small, so that it is full soon.
const MIB: u64 = 48;
/// Free space below which new work is refused.
const FLOOR: u64 = 12 << 20;
const ROW_BYTES: usize = 60_000;

/// Fills a disk with rows, past the floor and to its end.
pub fn full(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        to_the_floor(options).await.context("a disk at its floor")?;
        to_the_end().await.context("a disk without a byte")
    })?;
    println!("full: deletes went on, nothing was lost, room let work in again");
    Ok(())
}

fn open(mounted: &Mounted, floor: u64) -> Result<Store> {
    let tasks = Tasks::new(Shutdown::new());
    let options = store::Options { disk_floor_bytes: floor, ..store::Options::new(tasks, Clock::real()) };
    Ok(Store::open(&mounted.folder(), options)?)
}

async fn put(store: &Store, key: u64) -> Result<(), Broken> {
    store.write(home("full"), move |txn| txn.put(ROWS, &key, &"x".repeat(ROW_BYTES))).await
}

async fn delete(store: &Store, key: u64) -> Result<(), Broken> {
    store.write(home("full"), move |txn| txn.delete(ROWS, &key)).await
}

/// Writes rows until one is refused; answers how many there are.
async fn fill(store: &Store) -> Result<u64> {
    let mut key = 0;
    loop {
        match put(store, key).await {
            Ok(()) => key += 1,
            Err(Broken::Full) => return Ok(key),
            Err(other) => return Err(other.into()),
        }
    }
}

async fn must_hold(store: &Store, expected: std::ops::Range<u64>) -> Result<()> {
    for key in expected {
        let row = store.read(home("full"), move |view| view.get(ROWS, &key)).await?;
        let row: String = row.with_context(|| format!("row {key} is gone"))?;
        ensure!(row.len() == ROW_BYTES);
    }
    Ok(())
}

async fn to_the_floor(options: &Options) -> Result<()> {
    let workshop = Workshop::new("full")?;
    make(&workshop.path("image"), MIB)?;
    let mounted = Mounted::new(&workshop.path("image"), workshop.path("disk"))?;
    let store = open(&mounted, FLOOR)?;
    let rows = fill(&store).await?;
    ensure!(rows > 50, "refused after {rows} rows");
    let body = bytes::Bytes::from(vec![options.seed as u8; 100_000]);
    ensure!(
        matches!(store.blobs().stage(&mut body.clone(), 1 << 20).await, Err(Broken::Full)),
        "a blob went in"
    );
    for key in 0..rows / 2 {
        delete(&store, key).await.with_context(|| format!("delete {key} of {rows}"))?;
    }
    must_hold(&store, rows / 2..rows).await?;
    store.close().await;
    // What was deleted is free inside the file; there is room below the floor only for a smaller floor.
    let store = open(&mounted, FLOOR / 2)?;
    put(&store, rows).await.context("room again")?;
    must_hold(&store, rows / 2..rows + 1).await?;
    store.close().await;
    Ok(())
}

async fn to_the_end() -> Result<()> {
    let workshop = Workshop::new("full")?;
    make(&workshop.path("image"), MIB)?;
    let mounted = Mounted::new(&workshop.path("image"), workshop.path("disk"))?;
    // No floor and no reserve: the writes themselves fail.
    let store = open(&mounted, 0)?;
    let rows = fill(&store).await?;
    ensure!(rows > 50, "refused after {rows} rows");
    must_hold(&store, 0..rows).await?;
    store.close().await;
    let store = open(&mounted, 0)?;
    must_hold(&store, 0..rows).await.context("after opening again")?;
    ensure!(put(&store, rows).await == Err(Broken::Full));
    store.close().await;
    Ok(())
}
