//! Applies creations and updates: waits for the packs, makes sure that the code tree is there, and says `Active` or why not.

use std::time::Duration;

use anyhow::Context as _;
use aws::{AccountId, Fault, Region};
use sandbox::TreeDigest;
use store::{Home, Txn};
use tasks::OnError;

use crate::function::{Function, Package, Reason};
use crate::limits::{SETTLE_REST_MS, SETTLE_REST_SECONDS};
use crate::names::Named;
use crate::packages;
use crate::state::Lambda;
use crate::tables::{FUNCTIONS, FunctionKey, home, key};

/// Rows read at a time while looking through a home.
const SCAN: usize = 256;

impl Lambda {
    /// Applies the change that made `revision`, in the background.
    pub(crate) fn settle_soon(&self, named: Named, revision: String) {
        let lambda = self.clone();
        let settled = async move { lambda.settle_at_last(&named, &revision).await };
        self.0.tasks.spawn("apply a function's change", OnError::Log, settled);
    }

    /// Tries until it worked or the server stops: a full disk must not leave a function `Pending` for ever.
    async fn settle_at_last(&self, named: &Named, revision: &str) -> anyhow::Result<()> {
        let shutdown = self.0.tasks.shutdown().clone();
        let mut rest = Duration::from_millis(SETTLE_REST_MS);
        loop {
            let Err(error) = self.settle(named, revision).await else { return Ok(()) };
            if shutdown.has_begun() {
                return Ok(()); // The next start comes back to it.
            }
            tracing::warn!(function = %named.arn(), error = format!("{error:#}"), "a change is not applied yet");
            tokio::select! {
                () = shutdown.begun() => return Ok(()),
                () = self.0.clock.sleep(rest) => {}
            }
            rest = (rest * 2).min(Duration::from_secs(SETTLE_REST_SECONDS));
        }
    }

    /// Applies the changes that an earlier process did not come to. To be run once after the start.
    pub async fn settle_left_over(self) -> anyhow::Result<()> {
        for function_home in Home::all() {
            let functions = match self.functions_in(function_home).await {
                Err(_) if self.0.tasks.shutdown().has_begun() => return Ok(()),
                functions => functions?,
            };
            for ((account, region, name), function) in functions {
                if !function.is_changing() {
                    continue;
                }
                let account = AccountId::parse(&account).context("a stored account")?;
                let region = Region::parse(&region).context("a stored region")?;
                self.settle_soon(Named { account, region, name, qualifier: None }, function.revision);
            }
        }
        Ok(())
    }

    async fn settle(&self, named: &Named, revision: &str) -> anyhow::Result<()> {
        let mut packs = self.0.packs.clone();
        packs.wait_for(|packs| !packs.preparing).await.context("the packs are gone")?;
        let function = match self.find(named).await {
            Ok(function) => function,
            Err(fault) if fault.is_server() => return Err(fault.into()),
            Err(_) => return Ok(()), // Deleted meanwhile.
        };
        let found = self.look_over(&function).await?;
        let place = key(named.account, &named.region, &named.name);
        let (expected, next) = (revision.to_owned(), self.revision());
        let written = self.0.store.write(home(named.account, &named.region), move |txn: &mut Txn<'_>| {
            let Some(before) = txn.get(FUNCTIONS, &place)? else { return Ok(false) };
            if before.revision != expected || !before.is_changing() {
                return Ok(false);
            }
            let mut after = before.clone();
            after.settle(next.clone(), found.clone());
            packages::release(txn, &before, Some(&after))?;
            txn.put(FUNCTIONS, &place, &after)?;
            Ok::<_, Fault>(true)
        });
        if written.await? {
            self.retire(named);
        }
        Ok(())
    }

    /// Whether this machine can run the function as it is set now.
    async fn look_over(&self, function: &Function) -> anyhow::Result<Result<(), Reason>> {
        let invalid = |text: String| Ok(Err(Reason { code: "InvalidRuntime".to_owned(), text }));
        let settings = &function.settings;
        let here = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        if settings.architecture != here {
            return invalid(format!(
                "The function is for {}, this machine is {here}.",
                settings.architecture
            ));
        }
        if self.0.packs.borrow().serving(&settings.runtime).is_none() {
            let runtime = &settings.runtime;
            return invalid(format!(
                "Runtime {runtime} is not installed on this machine. Run: lambent runtime add {runtime}"
            ));
        }
        self.ensure_tree(&function.package).await?;
        Ok(Ok(()))
    }

    /// Makes sure that a package is unpacked: the tree is a cache of the blob.
    pub(crate) async fn ensure_tree(&self, package: &Package) -> anyhow::Result<TreeDigest> {
        let digest = package.tree().context("a stored package names its tree")?;
        let trees = self.0.trees.clone();
        if self.0.tasks.spawn_blocking(move || trees.has(digest)).join().await == Some(true) {
            return Ok(digest);
        }
        let zip = self.0.store.blobs().read(&package.blob).await?;
        let trees = self.0.trees.clone();
        let unpacked = self.0.tasks.spawn_blocking(move || trees.unpack(digest, &zip));
        unpacked.join().await.context("unpacking panicked")?.context("unpack a stored package")?;
        self.0.unpacked.notify_one();
        Ok(digest)
    }

    /// Every function of a home, page by page.
    pub(crate) async fn functions_in(&self, home: Home) -> anyhow::Result<Vec<(FunctionKey, Function)>> {
        let mut all: Vec<(FunctionKey, Function)> = Vec::new();
        let mut from = (String::new(), String::new(), String::new());
        loop {
            let start = from.clone();
            let page = self
                .0
                .store
                .read(home, move |view| Ok::<_, Fault>(view.scan(FUNCTIONS, &start, SCAN)?))
                .await?;
            let full = page.len() == SCAN;
            // A page begins with the row that ended the one before.
            let known = all.last().map(|(key, _)| key.clone());
            all.extend(page.into_iter().filter(|(key, _)| Some(key) != known.as_ref()));
            match all.last() {
                Some((last, _)) if full => from = last.clone(),
                _ => return Ok(all),
            }
        }
    }
}
