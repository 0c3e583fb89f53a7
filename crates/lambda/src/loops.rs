//! Lambda's background loops: keep fresh code trees, remove those that no function names.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use sandbox::TreeDigest;
use store::Home;

use crate::limits::{KEEP_SECONDS, SWEEP_SECONDS};
use crate::state::Lambda;

impl Lambda {
    /// Flushes code trees to the disk a moment after they were unpacked, many with one flush; runs until the shutdown begins.
    /// Without it a start finds no trees and unpacks each again when it is needed.
    pub async fn keep_trees(self) -> anyhow::Result<()> {
        let shutdown = self.0.tasks.shutdown().clone();
        loop {
            tokio::select! {
                () = shutdown.begun() => return Ok(()),
                () = self.0.unpacked.notified() => {}
            }
            tokio::select! {
                () = shutdown.begun() => {}
                () = self.0.clock.sleep(Duration::from_secs(KEEP_SECONDS)) => {}
            }
            let trees = self.0.trees.clone();
            let kept = self.0.tasks.spawn_blocking(move || trees.keep());
            if let Err(error) = kept.join().await.context("the flush panicked")? {
                tracing::warn!(%error, "code trees are not kept");
            }
        }
    }

    /// Removes code trees that have had no name for twenty minutes, longer than any environment that runs them can live on
    /// after its function was changed. Runs until the shutdown begins.
    pub async fn sweep_trees(self) -> anyhow::Result<()> {
        let shutdown = self.0.tasks.shutdown().clone();
        let mut doomed = BTreeSet::new();
        loop {
            match self.sweep_once(&doomed).await {
                Ok(nameless) => doomed = nameless,
                Err(_) if shutdown.has_begun() => return Ok(()),
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "code trees are not swept this time")
                }
            }
            tokio::select! {
                () = shutdown.begun() => return Ok(()),
                () = self.0.clock.sleep(Duration::from_secs(SWEEP_SECONDS)) => {}
            }
        }
    }

    async fn sweep_once(&self, doomed: &BTreeSet<TreeDigest>) -> anyhow::Result<BTreeSet<TreeDigest>> {
        let (named, doomed) = (self.named_trees().await?, doomed.clone());
        let trees = self.0.trees.clone();
        let swept = self.0.tasks.spawn_blocking(move || trees.sweep(&named, &doomed));
        swept.join().await.context("the sweep panicked")?.context("sweep code trees")
    }

    async fn named_trees(&self) -> anyhow::Result<BTreeSet<TreeDigest>> {
        let mut named = BTreeSet::new();
        for home in Home::all() {
            for (_, function) in self.functions_in(home).await? {
                named.extend(function.trees());
            }
        }
        Ok(named)
    }
}
