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
    clock: Clock,
    random: Random,
    disk: Disk,
    root: RootKey,
    folder: tempfile::TempDir,
    tasks: Tasks,
    running: Assembled,
}

impl House {
    /// A new instance with an empty store.
    pub async fn new() -> anyhow::Result<House> {
        let clock = Clock::virtual_at(START_MS);
        let random = Random::seeded(7);
        let disk = Disk::new(7, clock.clone());
        let root = RootKey::make(&random);
        let folder = tempfile::tempdir().context("make a folder for code trees")?;
        let tasks = Tasks::new(Shutdown::new());
        let running = start(&clock, &random, &disk, &root, &folder, &tasks).await?;
        Ok(House { clock, random, disk, root, folder, tasks, running })
    }

    /// Moves the clock on, after work on other threads (unpacking zips) has come back.
    pub async fn advance(&self, by: Duration) {
        self.clock.advance(by).await;
    }

    /// Crashes the instance: what was not acknowledged may be lost, everything else must be there afterwards.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.tasks.shutdown().begin();
        self.clock.advance(Duration::ZERO).await;
        self.disk.crash();
        self.tasks = Tasks::new(Shutdown::new());
        self.running =
            start(&self.clock, &self.random, &self.disk, &self.root, &self.folder, &self.tasks).await?;
        Ok(())
    }

    /// Ends the instance.
    pub async fn stop(&self) {
        self.tasks.shutdown().begin();
        self.clock.advance(Duration::from_secs(1)).await;
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
            .body(outgoing.body)?;
        request.headers_mut().extend(outgoing.headers);
        let root = Credentials {
            access_key: self.root.access_key().to_owned(),
            secret_key: self.root.secret_key().to_owned(),
            session_token: None,
        };
        let signer = Signer {
            credentials: credentials.unwrap_or(&root),
            service: model.signing_name(),
            region: REGION,
            at: Millis(self.clock.wall_ms()),
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
                () = self.patience() => self.clock.advance(Duration::from_millis(100)).await,
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.context("read the answer")?;
        Ok(wire::Response { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// Waits until the instance can only go on when time passes: work on other threads comes back within real milliseconds.
    async fn patience(&self) {
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
        let real = Clock::real();
        real.sleep(Duration::from_millis(2)).await;
    }
}

async fn start(
    clock: &Clock,
    random: &Random,
    disk: &Disk,
    root: &RootKey,
    folder: &tempfile::TempDir,
    tasks: &Tasks,
) -> anyhow::Result<Assembled> {
    let sources = server::config::Sources {
        flags: vec![("data".to_owned(), folder.path().to_string_lossy().into_owned())],
        environment: Vec::new(),
        file: None,
        root: server::config::Root::No,
        machine_memory_bytes: 8 << 30,
    };
    let (config, _) =
        server::config::load(&sources).map_err(|problem| anyhow::anyhow!("{}", problem.what))?;
    let running = assemble(server::Parts {
        store: disk.open(),
        driver: Arc::new(Boxes::new(clock.clone(), tasks.clone())),
        clock: clock.clone(),
        random: random.clone(),
        tasks: tasks.clone(),
        config,
        root_key: root.clone(),
        objects: folder.path().join("objects"),
        endpoint: format!("http://{HOST}"),
    })
    .await?;
    running.start_loops();
    Ok(running)
}
