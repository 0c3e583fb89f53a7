//! An instance in process: the real front door, services, invoker and store shapes; simulated disk, boxes and time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws::{Fault, Millis};
use bytes::Bytes;
use gateway::Source;
use http::Request;
use sandbox::simulated::Simulated as Boxes;
use serde_json::Value as Json;
use server::{Assembled, RootKey, assemble};
use store::Simulated as Disk;
use tasks::{Clock, Random, Shutdown, Tasks};
use wire::sigv4::{Credentials, Signer};
use wire::{Model, Value};

use crate::modelled;

/// 2026-01-31T12:00:00Z.
const START_MS: u64 = 1_769_860_800_000;
const HOST: &str = "127.0.0.1:4566";
const REGION: &str = "us-east-1";

/// One instance and what outlives its restarts. Runs on a current-thread runtime.
pub struct House {
    ground: Ground,
    tasks: Tasks,
    running: Assembled,
}

/// What outlives restarts.
struct Ground {
    clock: Clock,
    random: Random,
    disk: Disk,
    root: RootKey,
    folder: tempfile::TempDir,
}

impl House {
    /// A new instance with an empty store.
    pub async fn new() -> anyhow::Result<House> {
        let clock = Clock::virtual_at(START_MS);
        let random = Random::seeded(7);
        let disk = Disk::new(7, clock.clone());
        let root = RootKey::make(&random);
        let folder = tempfile::tempdir().context("make a folder for code trees")?;
        let ground = Ground { clock, random, disk, root, folder };
        let tasks = Tasks::new(Shutdown::new());
        let running = start(&ground, &tasks).await?;
        Ok(House { ground, tasks, running })
    }

    /// Moves the clock on, once everything has come to rest, and lets what that starts come to rest too.
    pub async fn advance(&self, by: Duration) {
        self.rest().await;
        self.ground.clock.advance(by).await;
        self.rest().await;
    }

    /// Lets the instance run until it can only go on when time passes. Work on other threads (unpacking zips) takes real time.
    async fn rest(&self) {
        let real = Clock::real();
        loop {
            self.ground.clock.advance(Duration::ZERO).await;
            if self.tasks.blocking() == 0 {
                break;
            }
            real.sleep(Duration::from_micros(200)).await;
        }
        // What the last blocking work woke.
        self.ground.clock.advance(Duration::ZERO).await;
    }

    /// Crashes the instance: what was not acknowledged may be lost, everything else must be there afterwards.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.tasks.shutdown().begin();
        self.ground.clock.advance(Duration::ZERO).await;
        self.ground.disk.crash();
        self.tasks = Tasks::new(Shutdown::new());
        self.running = start(&self.ground, &self.tasks).await?;
        Ok(())
    }

    /// Ends the instance.
    pub async fn stop(&self) {
        self.tasks.shutdown().begin();
        self.ground.clock.advance(Duration::from_secs(1)).await;
    }

    /// Every operation that has a row, as `service Operation`, sorted.
    pub fn operations(&self) -> Vec<String> {
        let services = self.running.registry.services();
        let mut rows: Vec<String> = services
            .flat_map(|service| service.operations().map(move |name| format!("{} {name}", service.name())))
            .collect();
        rows.sort();
        rows
    }

    /// One call through the front door, signed by root or by `credentials`. The outer error is the scenario's fault.
    pub async fn call(
        &self,
        service: &str,
        operation: &str,
        input: &Json,
        credentials: Option<&Credentials>,
    ) -> anyhow::Result<Result<Value, Fault>> {
        let model = Model::named(service).with_context(|| format!("there is no service {service}"))?;
        let operation =
            model.operation(operation).with_context(|| format!("{service} has no {operation}"))?;
        let input = match operation.input {
            Some(shape) => modelled::read(model, shape, input)?,
            None => Value::Structure(Vec::new()),
        };
        let outgoing = wire::client::encode(model, operation, input);
        let mut request = Request::builder()
            .method(outgoing.method.as_str())
            .uri(outgoing.target.as_str())
            .header("host", HOST)
            .body(outgoing.body.into_whole().context("the input is at hand")?)?;
        request.headers_mut().extend(outgoing.headers);
        let root = Credentials {
            access_key: self.ground.root.access_key().to_owned(),
            secret_key: self.ground.root.secret_key().to_owned(),
            session_token: None,
        };
        let signer = Signer {
            credentials: credentials.unwrap_or(&root),
            service: model.signing_name(),
            region: REGION,
            at: Millis(self.ground.clock.wall_ms()),
        };
        signer.sign(&mut request)?;
        let answer = self.answer(request).await?;
        Ok(wire::client::decode(model, operation, &answer))
    }

    /// Hands a request over; while the answer waits for time to pass, time passes.
    async fn answer(&self, request: Request<Bytes>) -> anyhow::Result<wire::Response> {
        let handled = self.running.gateway.handle(request, Source::InProcess);
        tokio::pin!(handled);
        let response = loop {
            tokio::select! {
                biased;
                response = &mut handled => break response,
                () = self.rest() => self.ground.clock.advance(Duration::from_millis(100)).await,
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.context("read the answer")?;
        Ok(wire::Response { status: head.status.as_u16(), headers: head.headers, body: body.into() })
    }
}

async fn start(ground: &Ground, tasks: &Tasks) -> anyhow::Result<Assembled> {
    let sources = server::config::Sources {
        flags: vec![("data".to_owned(), ground.folder.path().to_string_lossy().into_owned())],
        environment: Vec::new(),
        file: None,
        root: server::config::Root::No,
        machine_memory_bytes: 8 << 30,
    };
    let (config, _) =
        server::config::load(&sources).map_err(|problem| anyhow::anyhow!("{}", problem.what))?;
    let running = assemble(server::Parts {
        store: ground.disk.open(),
        driver: Arc::new(Boxes::new(ground.clock.clone(), tasks.clone())),
        clock: ground.clock.clone(),
        random: ground.random.clone(),
        tasks: tasks.clone(),
        config,
        root_key: ground.root.clone(),
        objects: ground.folder.path().join("objects"),
        endpoint: format!("http://{HOST}"),
    })
    .await?;
    running.start_loops();
    Ok(running)
}
