//! What the tests stand on: an invoker over a simulated driver, in virtual time, with recorded logs.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::{AccountId, Arn, Millis, Region, RequestId};
use bytes::Bytes;
use invoker::{
    CredentialSource, Credentials, FunctionVersion, Inside, Invocation, Invoker, LogFormat, LogLevels,
    LogLine, LogSink, LogStream, LogTail, NotMinted, Outcome, Parts, Refused, Settings,
};
use sandbox::simulated::Simulated;
use sandbox::{Command, Driver, Listener, TreeDigest};
use tasks::{Clock, Random, Shutdown, Task, Tasks};

/// 2026-01-31T12:00:00Z.
pub const NOON_MS: u64 = 1_769_860_800_000;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Ran = Result<Outcome, Refused>;

/// Everything written to the log, in order.
#[derive(Default)]
pub struct Recorder(Mutex<Vec<(LogStream, String)>>);

impl Recorder {
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(_, line)| line.clone()).collect()
    }

    pub fn streams(&self) -> Vec<LogStream> {
        let mut streams: Vec<LogStream> = Vec::new();
        for (stream, _) in self.0.lock().unwrap().iter() {
            if !streams.contains(stream) {
                streams.push(stream.clone());
            }
        }
        streams
    }

    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl LogSink for Recorder {
    fn write(&self, stream: &LogStream, lines: &[LogLine]) {
        let mut all = self.0.lock().unwrap();
        all.extend(
            lines.iter().map(|line| (stream.clone(), String::from_utf8_lossy(&line.message).into_owned())),
        );
    }
}

/// Mints numbered credentials of one hour.
pub struct Mint {
    pub clock: Clock,
    pub minted: AtomicUsize,
    pub refuse: Mutex<Option<String>>,
    pub lifetime: Duration,
}

impl CredentialSource for Mint {
    fn mint<'a>(&'a self, _: &'a FunctionVersion) -> Boxed<'a, Result<Credentials, NotMinted>> {
        Box::pin(async move {
            if let Some(text) = self.refuse.lock().unwrap().clone() {
                return Err(NotMinted(text));
            }
            let number = self.minted.fetch_add(1, Ordering::SeqCst) + 1;
            let lifetime_ms = u64::try_from(self.lifetime.as_millis()).unwrap();
            Ok(Credentials {
                access_key: format!("ASIA{number}"),
                secret_key: "secret".to_owned(),
                session_token: "token".to_owned(),
                expires: Millis(self.clock.wall_ms() + lifetime_ms),
            })
        })
    }
}

/// An endpoint that serves nobody, until its listener ends.
pub struct NoEndpoint;

impl Inside for NoEndpoint {
    fn serve(&self, listener: Listener, _: &str) -> Boxed<'static, ()> {
        Box::pin(async move {
            let _listener = listener;
            std::future::pending::<()>().await;
        })
    }
}

pub struct Stage {
    pub clock: Clock,
    pub driver: Simulated,
    pub tasks: Tasks,
    pub logs: Arc<Recorder>,
    pub mint: Arc<Mint>,
    pub invoker: Invoker,
    next_request: AtomicU64,
}

impl Stage {
    pub fn new() -> Stage {
        Stage::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Stage {
        let clock = Clock::virtual_at(NOON_MS);
        let tasks = Tasks::new(Shutdown::new());
        let driver = Simulated::new(clock.clone(), tasks.clone());
        let logs = Arc::new(Recorder::default());
        let lifetime = Duration::from_secs(3_600);
        let mint =
            Mint { clock: clock.clone(), minted: AtomicUsize::new(0), refuse: Mutex::default(), lifetime };
        let mint = Arc::new(mint);
        let invoker = Invoker::new(Parts {
            driver: Arc::new(driver.clone()),
            logs: logs.clone(),
            credentials: mint.clone(),
            inside: Arc::new(NoEndpoint),
            clock: clock.clone(),
            random: Random::seeded(7),
            tasks: tasks.clone(),
            settings,
        });
        Stage { clock, driver, tasks, logs, mint, invoker, next_request: AtomicU64::new(1) }
    }

    /// Starts a call; time must be moved for it to go on.
    pub fn begin(&self, invocation: Invocation) -> Task<()> {
        self.begin_and(invocation, |_| {})
    }

    /// Starts a call and hands its answer to `then`.
    pub fn begin_and(&self, invocation: Invocation, then: impl FnOnce(Ran) + Send + 'static) -> Task<()> {
        let invoker = self.invoker.clone();
        self.tasks.spawn("test call", tasks::OnError::Log, async move {
            then(invoker.invoke(invocation).await);
            Ok(())
        })
    }

    /// Runs a call that must be answered within `ms`.
    pub async fn run(&self, invocation: Invocation, ms: u64) -> Ran {
        let answer = Arc::new(Mutex::new(None));
        let kept = answer.clone();
        self.begin_and(invocation, move |ran| *kept.lock().unwrap() = Some(ran));
        self.clock.advance(Duration::from_millis(ms)).await;
        answer.lock().unwrap().take().unwrap_or_else(|| panic!("no answer within {ms} ms"))
    }

    pub async fn pass(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms)).await;
    }

    pub fn call(&self, function: &Arc<FunctionVersion>) -> Invocation {
        self.call_with(function, "{\"n\":1}")
    }

    pub fn call_with(&self, function: &Arc<FunctionVersion>, payload: &str) -> Invocation {
        let number = u128::from(self.next_request.fetch_add(1, Ordering::SeqCst));
        Invocation {
            function: function.clone(),
            request_id: RequestId::from_random(number.to_be_bytes()),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            invoked_arn: function.arn.to_string(),
            client_context: None,
            trace: None,
            log_tail: LogTail::Unwanted,
        }
    }
}

/// The request id of the `number`th call of a stage.
pub fn id(number: u128) -> RequestId {
    RequestId::from_random(number.to_be_bytes())
}

/// A function that does what `script` says.
pub fn function(script: &str) -> FunctionVersion {
    named("f", script)
}

pub fn named(name: &str, script: &str) -> FunctionVersion {
    let account = AccountId::parse("123456789012").unwrap();
    let resource = format!("function:{name}");
    FunctionVersion {
        arn: Arn::new("lambda", "eu-west-1", account.as_str(), &resource),
        account,
        region: Region::parse("eu-west-1").unwrap(),
        name: name.to_owned(),
        version: "$LATEST".to_owned(),
        revision: "r1".to_owned(),
        runtime: "python3.13".to_owned(),
        pack: Simulated::PACK,
        runtime_version: "python:3.13.v1".to_owned(),
        runtime_version_arn: "arn:aws:lambda:eu-west-1::runtime:0707".to_owned(),
        command: Command::Runtime,
        handler: "app.handler".to_owned(),
        role: Arn::new("iam", "", account.as_str(), "role/r"),
        task: TreeDigest([1; 32]),
        layers: Vec::new(),
        environment: BTreeMap::from([("SCRIPT".to_owned(), script.to_owned())]),
        memory_mb: 128,
        timeout: Duration::from_secs(3),
        tmp_mb: 512,
        log_group: format!("/aws/lambda/{name}"),
        log_format: LogFormat::Text,
        log_levels: LogLevels::default(),
    }
}

pub fn text(outcome: &Outcome) -> &str {
    std::str::from_utf8(&outcome.payload).unwrap()
}

/// Parts over another driver and the machine's clock.
pub fn real_parts(driver: Arc<dyn Driver>, logs: Arc<Recorder>, tasks: &Tasks) -> Parts {
    let clock = Clock::real();
    let lifetime = Duration::from_secs(3_600);
    let mint = Mint { clock: clock.clone(), minted: AtomicUsize::new(0), refuse: Mutex::default(), lifetime };
    Parts {
        driver,
        logs,
        credentials: Arc::new(mint),
        inside: Arc::new(NoEndpoint),
        clock,
        random: Random::kernel(),
        tasks: tasks.clone(),
        settings: Settings::default(),
    }
}
