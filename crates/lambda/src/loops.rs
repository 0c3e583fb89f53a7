//! Lambda's background loop: removes code trees that no function names.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use sandbox::TreeDigest;
use store::Home;

use crate::limits::SWEEP_SECONDS;
use crate::state::Lambda;

impl Lambda {
    /// Removes code trees that have had no name for twenty minutes, longer than any environment that runs them can live on
    /// after its function was changed. Runs until the shutdown begins.
    pub async fn sweep_trees(self) -> anyhow::Result<()> {
        let shutdown = self.0.tasks.shutdown().clone();
        let mut doomed = BTreeSet::new();
        loop {
            let named = self.named_trees().await?;
            let trees = self.0.trees.clone();
            let swept = self.0.tasks.spawn_blocking(move || trees.sweep(&named, &doomed));
            doomed = swept.join().await.context("the sweep panicked")?.context("sweep code trees")?;
            tokio::select! {
                () = shutdown.begun() => return Ok(()),
                () = self.0.clock.sleep(Duration::from_secs(SWEEP_SECONDS)) => {}
            }
        }
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
