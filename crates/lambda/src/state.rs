//! What the operations share.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use api::Call;
use api::lambda::fault;
use aws::Fault;
use invoker::{FunctionVersion, Invoker};
use sandbox::Packs;
use store::Store;
use tasks::{Clock, Random, Tasks};
use tokio::sync::{Notify, watch};

use crate::code::Trees;
use crate::function::Function;
use crate::names::Named;
use crate::tables::{FUNCTIONS, FunctionKey, home, key};

/// Makes the URL from which a code package can be fetched for ten minutes.
pub trait Locations: Send + Sync + 'static {
    /// Signs `path` as a presigned URL on the endpoint that the client used.
    fn presign(&self, call: &Call, path: &str, seconds: u32) -> Result<String, Fault>;
}

/// What [`Lambda`] is made of.
pub struct Parts {
    /// Where functions are kept.
    pub store: Store,
    /// Runs them.
    pub invoker: Invoker,
    /// The installed packs.
    pub packs: watch::Receiver<Packs>,
    /// The folder of unpacked code trees.
    pub objects: PathBuf,
    /// Signs code locations.
    pub locations: Arc<dyn Locations>,
    /// Times.
    pub clock: Clock,
    /// Revision ids.
    pub random: Random,
    /// Applies changes in the background.
    pub tasks: Tasks,
}

/// The state of the service. Cloning shares it.
#[derive(Clone)]
pub struct Lambda(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) invoker: Invoker,
    pub(crate) packs: watch::Receiver<Packs>,
    pub(crate) trees: Arc<Trees>,
    /// Wakes the loop that flushes trees.
    pub(crate) unpacked: Notify,
    pub(crate) locations: Arc<dyn Locations>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) tasks: Tasks,
    /// What each function's current revision resolved to. Bounded by [`crate::limits::VERSIONS`].
    pub(crate) versions: Mutex<HashMap<FunctionKey, Arc<FunctionVersion>>>,
}

impl Lambda {
    /// Opens the service; `objects` is made if it is missing. Blocks for a moment on the disk.
    pub fn open(parts: Parts) -> io::Result<Lambda> {
        let trees = Arc::new(Trees::open(parts.objects, parts.random.clone())?);
        Ok(Lambda(Arc::new(Inner {
            store: parts.store,
            invoker: parts.invoker,
            packs: parts.packs,
            trees,
            unpacked: Notify::new(),
            locations: parts.locations,
            clock: parts.clock,
            random: parts.random,
            tasks: parts.tasks,
            versions: Mutex::default(),
        })))
    }

    /// A new RevisionId.
    pub(crate) fn revision(&self) -> String {
        aws::RequestId::from_random(self.0.random.bytes()).to_string()
    }

    /// The function that a request names, `$LATEST` only: published versions and aliases do not exist yet.
    pub(crate) async fn find(&self, named: &Named) -> Result<Arc<Function>, Fault> {
        let not_found = || fault::resource_not_found(format!("Function not found: {}", named.invoked_arn()));
        if named.qualifier.as_deref().is_some_and(|qualifier| qualifier != "$LATEST") {
            return Err(not_found());
        }
        let place = key(named.account, &named.region, &named.name);
        let home = home(named.account, &named.region);
        if let Some(function) = self.0.store.cached(FUNCTIONS, home, &place) {
            return Ok(function);
        }
        self.0.store.get(FUNCTIONS, home, &place).await?.ok_or_else(not_found)
    }

    /// Forgets what a function resolved to and retires its environments.
    pub(crate) fn retire(&self, named: &Named) {
        let place = key(named.account, &named.region, &named.name);
        self.0.versions.lock().unwrap_or_else(PoisonError::into_inner).remove(&place);
        self.0.invoker.retire(&named.arn());
    }
}
