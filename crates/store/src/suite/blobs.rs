use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;

use super::{Ground, home};
use crate::limits::STAGED_KEPT;
use crate::{BlobId, Broken, Home, Staged, Store, Table};

const KEPT: Table<String, BlobId> = Table::new("suite.kept");

/// Bytes that differ everywhere.
fn body(seed: u8, bytes: usize) -> Bytes {
    (0..bytes).map(|n| (n * 31 + n / 251) as u8 ^ seed).collect()
}

async fn stage(store: &Store, body: &Bytes) -> crate::Result<Staged> {
    store.blobs().stage(&mut body.clone(), 100 << 20).await
}

async fn adopt(store: &Store, home: Home, key: &str, staged: Staged) -> crate::Result<BlobId> {
    let key = key.to_owned();
    let adopt = store.write(home, move |txn| {
        let blob = txn.adopt(&staged)?;
        txn.put(KEPT, &key, &blob)?;
        Ok(blob)
    });
    adopt.await
}

async fn discard(store: &Store, home: Home, blob: BlobId) -> crate::Result<()> {
    store.write(home, move |txn| txn.discard(&blob)).await
}

pub(super) async fn check(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let sizes = [0, 1, 32 << 10, (32 << 10) + 1, 256 << 10, (600 << 10) + 7];
    for size in sizes {
        let body = body(1, size);
        let staged = stage(&store, &body).await?;
        ensure!(staged.size == size as u64);
        adopt(&store, home(), &size.to_string(), staged).await?;
    }
    let large = body(2, 300 << 10);
    let refused = store.blobs().stage(&mut large.clone(), (300 << 10) - 1).await;
    ensure!(matches!(refused, Err(Broken::TooLarge)));
    ground.crash()?;
    let store = ground.open()?;
    for size in sizes {
        let blob = store.read(home(), move |view| view.get(KEPT, &size.to_string())).await?;
        let Some(blob) = blob else { anyhow::bail!("the row of blob {size} is gone") };
        let whole = body(1, size);
        ensure!(store.blobs().read(&blob).await? == whole, "blob of {size} bytes differs");
        let (from, to) = (size as u64 / 3, size as u64 + 5);
        let mut part = store.blobs().open(&blob, from..to).await?;
        let mut read = Vec::new();
        while let Some(chunk) = part.next().await? {
            read.extend(chunk);
        }
        ensure!(read == whole[from as usize..], "a range of {size} bytes differs");
    }
    Ok(())
}

pub(super) async fn sweeps(ground: &mut impl Ground) -> Result<()> {
    let (store, clock) = (ground.open()?, ground.clock());
    let blobs = store.blobs();
    for size in [1_000, 100_000] {
        let body = body(size as u8, size);
        let (one, two) = (Home::of(&["one"]), Home::of(&["two"]));
        ensure!(one != two);
        // The same body, twice in one home and once in another.
        let staged = stage(&store, &body).await?;
        let first = adopt(&store, one, "a", staged.clone()).await?;
        let again = adopt(&store, one, "b", staged).await?;
        let other = adopt(&store, two, "c", stage(&store, &body).await?).await?;
        ensure!(size > 32 << 10 || discard(&store, two, first).await.is_err(), "gave up another home's row");
        discard(&store, one, first).await?;
        blobs.sweep().await?;
        ensure!(blobs.read(&again).await? == body, "one adoption of two was left");
        discard(&store, one, again).await?;
        blobs.sweep().await?;
        ensure!(blobs.read(&other).await? == body, "another home had adopted it");
        discard(&store, two, other).await?;
        // Staged anew while nobody counts it: held by its handle, whatever the sweep does.
        let held = stage(&store, &body).await?;
        blobs.sweep().await?;
        let kept = adopt(&store, two, "d", held).await?;
        ensure!(blobs.read(&kept).await? == body, "a held body was swept");
        discard(&store, two, kept).await?;
        blobs.sweep().await?;
        ensure!(
            matches!(blobs.read(&kept).await, Err(Broken::Corrupt(_))),
            "a discarded body is still there"
        );
    }
    let bodies = [body(7, 50_000), body(8, 60_000)];
    let staged = try_join_all(bodies.iter().map(|body| stage(&store, body))).await?;
    let [forgotten, adopted] = &staged[..] else { anyhow::bail!("two were staged") };
    let (forgotten, adopted) = (forgotten.size, adopt(&store, home(), "e", adopted.clone()).await?);
    drop(staged);
    clock.advance(STAGED_KEPT - std::time::Duration::from_secs(60)).await;
    ensure!(blobs.sweep().await?.blobs == 0, "swept too early");
    clock.advance(std::time::Duration::from_secs(120)).await;
    let swept = blobs.sweep().await?;
    ensure!(swept.blobs == 1 && swept.bytes == forgotten, "{swept:?}");
    ensure!(blobs.read(&adopted).await? == bodies[1]);
    Ok(())
}
