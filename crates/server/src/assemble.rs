use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use api::Registry;
use gateway::{Authentication, Gateway, Health, Metrics};
use iam::Iam;
use invoker::Invoker;
use lambda::{ExecutionRoles, Lambda};
use logs::{Keep, Logs};
use sandbox::{Driver, Packs};
use sns::Sns;
use sqs::Sqs;
use store::Store;
use tasks::{Clock, OnError, Random, Tasks};
use tokio::sync::watch;

use crate::config::Auth;
use crate::keys::{AccessKeys, Presigner};
use crate::limits::{BODY_BYTES_LEAST, BODY_BYTES_MOST, BODY_SHARE, WIND_DOWN};
use crate::ports::{Endpoint, FunctionOutput, Packages};
use crate::{Config, RootKey};

/// What an instance is made of; a test brings a simulated driver, a simulated store and a virtual clock.
pub struct Parts {
    /// All state.
    pub store: Store,
    /// Makes the boxes.
    pub driver: Arc<dyn Driver>,
    /// The clock of everything.
    pub clock: Clock,
    /// Randomness for everything.
    pub random: Random,
    /// Runs the background; its shutdown is the instance's.
    pub tasks: Tasks,
    /// The settings.
    pub config: Config,
    /// Root's key.
    pub root_key: RootKey,
    /// The folder of unpacked code trees.
    pub objects: PathBuf,
    /// Our own URL.
    pub endpoint: String,
}

/// An instance that is wired and waits for requests.
#[derive(Clone)]
pub struct Assembled {
    /// The front door.
    pub gateway: Gateway,
    /// All operations.
    pub registry: Registry,
    /// Runs functions.
    pub invoker: Invoker,
    /// The tasks of connections and requests; idle when every answer was given.
    pub connections: Tasks,
    lambda: Lambda,
    store: Store,
    clock: Clock,
    pub(crate) tasks: Tasks,
}

/// Wires an instance. Needs a tokio runtime; blocks for a moment on the disk.
///
/// # Errors
/// When the store or the folder of code trees cannot be used.
pub async fn assemble(parts: Parts) -> anyhow::Result<Assembled> {
    let Parts { store, driver, clock, random, tasks, config, root_key, objects, endpoint } = parts;
    let packs = driver.packs();
    let iam = Iam::open(store.clone(), clock.clone(), random.clone()).await.context("open IAM")?;
    let keep = Keep { age: config.keep_logs, ..Keep::default() };
    let logs = Logs::open(&store, clock.clone(), &tasks, keep).context("open the logs")?;
    let connections = Tasks::new(tasks.shutdown().clone());
    let roles = Arc::new(ExecutionRoles::new(random.clone()));
    let inside = Endpoint::new(connections.clone());
    let invoker = Invoker::new(invoker::Parts {
        driver,
        logs: Arc::new(FunctionOutput(logs.sink())),
        credentials: roles.clone(),
        inside: Arc::new(inside.clone()),
        clock: clock.clone(),
        random: random.clone(),
        tasks: tasks.clone(),
        settings: invoker_settings(&config),
    });
    let lambda = Lambda::open(lambda::Parts {
        store: store.clone(),
        invoker: invoker.clone(),
        packs: packs.clone(),
        objects,
        locations: Arc::new(Presigner::new(&root_key, clock.clone())),
        clock: clock.clone(),
        random: random.clone(),
        tasks: tasks.clone(),
    })
    .context("open the folder of code trees")?;
    let keys = AccessKeys::new(&root_key, config.account_id, iam.sessions());
    let authorizer = iam.authorizer();
    let services = vec![
        iam::sts(iam.clone()),
        iam::service(iam),
        logs::service(logs),
        sqs::service(Sqs::new(store.clone())),
        sns::service(Sns::new(store.clone())),
        lambda::service(lambda.clone()),
    ];
    let registry = Registry::new(services, authorizer);
    roles.connect(registry.calls());
    let metrics = Metrics::new();
    show_invoker(&metrics, &invoker);
    let gateway = Gateway::new(gateway::Parts {
        registry: registry.clone(),
        keys: Arc::new(keys),
        downloads: Arc::new(Packages(lambda.clone())),
        health: health(invoker.clone(), packs),
        metrics,
        clock: clock.clone(),
        random,
        shutdown: tasks.shutdown().clone(),
        settings: gateway_settings(&config, endpoint),
    });
    inside.connect(gateway.clone());
    Ok(Assembled { gateway, registry, invoker, connections, lambda, store, clock, tasks })
}

impl Assembled {
    /// Starts the background loops on the current runtime; they end with the shutdown.
    pub fn start_loops(&self) {
        self.tasks.spawn("settle-functions", OnError::Log, self.lambda.clone().settle_left_over());
        // Parsed now, off the shards, so that the first call of a service need not wait for its model. Services without rows
        // only refuse: their models would cost more memory than the rest of the server.
        let served: Vec<&'static str> = self.registry.services().map(api::Service::name).collect();
        self.tasks.spawn_blocking(move || served.into_iter().filter_map(wire::Model::named).count());
        self.tasks.spawn("keep-trees", OnError::Log, self.lambda.clone().keep_trees());
        self.tasks.spawn("sweep-trees", OnError::Log, self.lambda.clone().sweep_trees());
        let (blobs, shutdown) = (self.store.blobs(), self.tasks.shutdown().clone());
        self.tasks.spawn("sweep-blobs", OnError::Log, async move { blobs.sweep_until(&shutdown).await });
    }

    /// Waits, after the shutdown began, for running calls (at most `drain`), then ends environments and closes the store.
    pub async fn drain(&self, drain: Duration) {
        if self.clock.within(drain, self.connections.idle()).await.is_err() {
            tracing::warn!(
                calls = self.connections.running(),
                "the time to drain is over, calls are cut off"
            );
        }
        if self.clock.within(WIND_DOWN, self.invoker.drain()).await.is_err() {
            tracing::warn!(environments = self.invoker.stats().environments, "environments did not end");
        }
        self.store.close().await;
    }
}

fn invoker_settings(config: &Config) -> invoker::Settings {
    invoker::Settings {
        account_concurrency: config.concurrency as usize,
        memory_budget_mb: config.functions_memory_bytes >> 20,
        ..invoker::Settings::default()
    }
}

fn gateway_settings(config: &Config, endpoint: String) -> gateway::Settings {
    gateway::Settings {
        account: config.account_id,
        region: config.region.clone(),
        endpoint: endpoint.into(),
        hosts: config.hosts.clone(),
        origins: config.allowed_origins.clone(),
        authentication: match config.auth {
            Auth::On => Authentication::On,
            Auth::Off => Authentication::Off,
        },
        metrics_token: config.metrics_token.clone(),
        connections_per_address: config.connections_per_address as usize,
        body_budget_bytes: (config.machine_memory_bytes / BODY_SHARE)
            .clamp(BODY_BYTES_LEAST, BODY_BYTES_MOST),
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn health(invoker: Invoker, packs: watch::Receiver<Packs>) -> Health {
    Arc::new(move || {
        let (stats, packs) = (invoker.stats(), packs.borrow());
        let mut runtimes: Vec<&str> =
            packs.installed.iter().flat_map(|pack| pack.runtimes.iter().map(String::as_str)).collect();
        runtimes.sort_unstable();
        runtimes.dedup();
        let document = serde_json::json!({
            "isolation": "sandbox",
            "runtimes": runtimes,
            "preparing": packs.preparing,
            "environments": stats.environments,
            "running": stats.running,
            "waiting": stats.waiting,
        });
        match document {
            serde_json::Value::Object(fields) => fields,
            _ => serde_json::Map::new(),
        }
    })
}

type Shown = (&'static str, &'static str, fn(&invoker::Stats) -> u64);

fn show_invoker(metrics: &Metrics, invoker: &Invoker) {
    let gauges: [Shown; 6] = [
        ("lambent_environments", "Execution environments.", |stats| stats.environments as u64),
        ("lambent_environments_idle", "Environments that wait for a call.", |stats| stats.idle as u64),
        ("lambent_environments_starting", "Environments being started.", |stats| stats.starting as u64),
        ("lambent_environments_memory_mb", "Configured memory of all environments.", |stats| stats.memory_mb),
        ("lambent_invocations_running", "Invocations that run.", |stats| stats.running as u64),
        ("lambent_invocations_waiting", "Invocations that wait for an environment.", |stats| {
            stats.waiting as u64
        }),
    ];
    let totals: [Shown; 7] = [
        ("lambent_invocations_total", "Invocations that ran.", |stats| stats.invocations),
        ("lambent_throttled_total", "Invocations that were refused.", |stats| stats.throttled),
        ("lambent_environments_started_total", "Environments started.", |stats| stats.started),
        ("lambent_environments_failed_total", "Starts that came to nothing.", |stats| stats.failed_starts),
        ("lambent_environments_reset_total", "Environments that were reset.", |stats| stats.resets),
        ("lambent_environments_evicted_total", "Environments ended to make room.", |stats| stats.evicted),
        ("lambent_timeouts_total", "Invocations that ran out of time.", |stats| stats.timeouts),
    ];
    for (name, help, read) in gauges {
        let invoker = invoker.clone();
        metrics.gauge(name, help, move || read(&invoker.stats()) as f64);
    }
    for (name, help, read) in totals {
        let invoker = invoker.clone();
        metrics.total(name, help, move || read(&invoker.stats()) as f64);
    }
}
