use std::collections::HashSet;

use tasks::Shutdown;

use super::{Blobs, COUNTS};
use crate::limits::{STAGED_KEPT, SWEEP_EVERY, SWEEP_PAUSE};
use crate::{Home, Result};

/// Rows read at once.
const PAGE: usize = 1_000;

/// What a sweep deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Bodies.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Blobs {
    /// Deletes files that no home counts: those discarded, and those staged more than a day ago.
    pub async fn sweep(&self) -> Result<Swept> {
        let shelf = self.shelf();
        let bodies = shelf.list().await?;
        let now = shelf.now();
        let old = |at| u128::from(now.since(at)) >= STAGED_KEPT.as_millis();
        let chosen = shelf.choose(&bodies, old);
        let mut swept = Swept::default();
        if chosen.is_empty() {
            return Ok(swept);
        }
        // Read after choosing: what is adopted later was staged later too, and staging takes it from the chosen.
        let counted = self.counted().await?;
        for sha256 in chosen {
            if !counted.contains(&sha256) {
                let bytes = shelf.delete(sha256).await?;
                swept.blobs += u64::from(bytes > 0);
                swept.bytes += bytes;
            }
        }
        Ok(swept)
    }

    async fn counted(&self) -> Result<HashSet<[u8; 32]>> {
        let mut counted = HashSet::new();
        for home in Home::all() {
            let mut from = [0; 32];
            loop {
                let page = self.store.read(home, move |view| view.scan(COUNTS, &from, PAGE)).await?;
                counted.extend(page.iter().map(|(sha256, _)| *sha256));
                match page.last() {
                    // The last one is read twice, which a set does not mind.
                    Some((last, _)) if page.len() == PAGE => from = *last,
                    _ => break,
                }
            }
        }
        Ok(counted)
    }

    /// Sweeps after discards and every hour until `shutdown` begins. A failed sweep is logged and tried again.
    pub async fn sweep_until(&self, shutdown: &Shutdown) -> anyhow::Result<()> {
        let shelf = self.shelf();
        loop {
            let woken = async {
                // Only whether it was woken early matters.
                let _ = shelf.clock.within(SWEEP_EVERY, shelf.wake.notified()).await;
                shelf.clock.sleep(SWEEP_PAUSE).await;
            };
            tokio::select! {
                () = shutdown.begun() => return Ok(()),
                () = woken => {}
            }
            match self.sweep().await {
                Ok(swept) if swept.blobs > 0 => {
                    tracing::info!(blobs = swept.blobs, bytes = swept.bytes, "swept blobs");
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "sweep of blobs"),
            }
        }
    }
}
