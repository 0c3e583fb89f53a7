//! An invoker in virtual time with one function in the hands of the input and one well-behaved neighbour.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws::{AccountId, Arn, Millis, Region, RequestId};
use bytes::Bytes;
use invoker::{
    CredentialSource, Credentials, FunctionVersion, Inside, Invocation, Invoker, LogFormat, LogLevels,
    LogLine, LogSink, LogStream, LogTail, NotMinted, Parts, Settings, Verdict,
};
use sandbox::simulated::Simulated;
use sandbox::{
    Command, Control, Driver, Exit, KeepTmp, Listener, Output, Packs, Slot, Spec, StartError, Tmp,
    TreeDigest, Usage,
};
use tasks::{Clock, OnError, Random, Shutdown, Tasks};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// 2026-01-31T12:00:00Z.
const NOON_MS: u64 = 1_769_860_800_000;
/// Connections that may wait to be accepted.
const BACKLOG: usize = 64;
/// What a connection holds until it is read.
const WIRE_BYTES: usize = 64 * 1024;
/// The variable that marks the function of the input.
const HOSTILE: &str = "HOSTILE";

/// The request id of the `number`th call, from 1.
pub(super) fn id(number: u128) -> RequestId {
    RequestId::from_random(number.to_be_bytes())
}

pub(super) struct Stage {
    pub(super) clock: Clock,
    tasks: Tasks,
    rig: Rig,
    invoker: Invoker,
    format: LogFormat,
    calls: AtomicU64,
    open: Arc<AtomicUsize>,
}

impl Stage {
    pub(super) fn new(format: LogFormat) -> Stage {
        let clock = Clock::virtual_at(NOON_MS);
        let tasks = Tasks::new(Shutdown::new());
        let rig = Rig { simulated: Simulated::new(clock.clone(), tasks.clone()), inside: Arc::default() };
        let invoker = Invoker::new(Parts {
            driver: Arc::new(rig.clone()),
            logs: Arc::new(Nowhere),
            credentials: Arc::new(Mint),
            inside: Arc::new(NoEndpoint),
            clock: clock.clone(),
            random: Random::seeded(7),
            tasks: tasks.clone(),
            settings: Settings::default(),
        });
        Stage { clock, tasks, rig, invoker, format, calls: AtomicU64::new(0), open: Arc::default() }
    }

    /// Calls the function of the input.
    pub(super) fn call(&self) {
        let (invoker, open) = (self.invoker.clone(), self.open.clone());
        let invocation = self.invocation(function("f", HOSTILE, self.format));
        open.fetch_add(1, Ordering::SeqCst);
        self.tasks.spawn("call", OnError::Log, async move {
            let ran = invoker.invoke(invocation).await;
            open.fetch_sub(1, Ordering::SeqCst);
            assert!(ran.is_ok(), "{ran:?}");
            Ok(())
        });
    }

    /// Calls that have no answer yet.
    pub(super) fn open_calls(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Another function is answered in no time.
    pub(super) async fn neighbour_is_well(&self) {
        let answered = Arc::new(Mutex::new(None));
        let (invoker, kept) = (self.invoker.clone(), answered.clone());
        let invocation = self.invocation(function("neighbour", "NEIGHBOUR", LogFormat::Text));
        self.tasks.spawn("neighbour", OnError::Log, async move {
            *lock(&kept) = Some(invoker.invoke(invocation).await);
            Ok(())
        });
        self.pass(Duration::ZERO).await;
        let ran = lock(&answered).take();
        let well = matches!(&ran, Some(Ok(outcome)) if outcome.verdict == Verdict::Success);
        assert!(well, "the neighbour: {ran:?}");
    }

    pub(super) async fn pass(&self, time: Duration) {
        self.clock.advance(time).await;
    }

    /// Lets what is ready run, for long enough that bytes are read and answered.
    pub(super) async fn settle(&self) {
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    }

    /// Connects to the Runtime API of the newest box.
    pub(super) async fn connect(&self) -> Option<DuplexStream> {
        let connect = lock(&self.rig.inside).last()?.connect.clone();
        let (ours, theirs) = tokio::io::duplex(WIRE_BYTES);
        connect.try_send(theirs).ok()?;
        Some(ours)
    }

    /// The main process of the newest box ends.
    pub(super) fn end(&self) {
        if let Some(inside) = lock(&self.rig.inside).last() {
            inside.ended.send_replace(Some(Exit::Signal(9)));
        }
    }

    /// Writes to standard output, as much as fits.
    pub(super) fn write_output(&self, bytes: &[u8]) {
        if let Some(inside) = lock(&self.rig.inside).last_mut() {
            let mut writing = std::pin::pin!(inside.stdout.write(bytes));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = writing.as_mut().poll(&mut cx);
        }
    }

    fn invocation(&self, function: FunctionVersion) -> Invocation {
        let number = u128::from(self.calls.fetch_add(1, Ordering::SeqCst) + 1);
        Invocation {
            invoked_arn: function.arn.to_string(),
            function: Arc::new(function),
            request_id: id(number),
            payload: Bytes::from_static(b"{\"n\":1}"),
            client_context: None,
            trace: None,
            log_tail: LogTail::Wanted,
        }
    }
}

fn function(name: &str, mark: &str, log_format: LogFormat) -> FunctionVersion {
    let account = AccountId::parse("123456789012").expect("it is an account");
    FunctionVersion {
        arn: Arn::new("lambda", "eu-west-1", account.as_str(), &format!("function:{name}")),
        account,
        region: Region::parse("eu-west-1").expect("it is a region"),
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
        environment: BTreeMap::from([(mark.to_owned(), "yes".to_owned())]),
        memory_mb: 128,
        timeout: Duration::from_secs(3),
        tmp_mb: 512,
        log_group: format!("/aws/lambda/{name}"),
        log_format,
        log_levels: LogLevels::default(),
    }
}

/// Keeps the inside of the hostile function's boxes; other functions are simulated.
#[derive(Clone)]
struct Rig {
    simulated: Simulated,
    inside: Arc<Mutex<Vec<Held>>>,
}

/// The inside of a box.
struct Held {
    connect: mpsc::Sender<DuplexStream>,
    stdout: DuplexStream,
    ended: watch::Sender<Option<Exit>>,
}

impl Driver for Rig {
    fn start(&self, spec: Spec) -> Boxed<'_, Result<Slot, StartError>> {
        if !spec.environment.iter().any(|(name, _)| name == HOSTILE) {
            return self.simulated.start(spec);
        }
        let (connect, runtime_api) = mpsc::channel(BACKLOG);
        let (_, endpoint) = mpsc::channel(1);
        let (stdout, stdout_read) = tokio::io::duplex(WIRE_BYTES);
        let (_, stderr_read) = tokio::io::duplex(1);
        let ended = watch::Sender::new(None);
        let slot = Slot {
            number: 1,
            runtime_api: Listener::Memory(runtime_api),
            endpoint: Listener::Memory(endpoint),
            stdout: Output::Memory(stdout_read),
            stderr: Output::Memory(stderr_read),
            control: Box::new(Handle(ended.clone())),
        };
        lock(&self.inside).push(Held { connect, stdout, ended });
        Box::pin(async move { Ok(slot) })
    }

    fn packs(&self) -> watch::Receiver<Packs> {
        self.simulated.packs()
    }
}

struct Handle(watch::Sender<Option<Exit>>);

impl Control for Handle {
    fn freeze(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn thaw(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn limit_cpu(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn usage(&mut self) -> io::Result<Usage> {
        Ok(Usage::default())
    }

    fn exited(&mut self) -> Boxed<'_, Exit> {
        let mut ended = self.0.subscribe();
        Box::pin(async move {
            let exit = ended.wait_for(Option::is_some).await.map(|exit| *exit);
            match exit {
                Ok(Some(exit)) => exit,
                _ => pending().await,
            }
        })
    }

    fn close(self: Box<Self>, _: KeepTmp) -> Boxed<'static, Option<Tmp>> {
        Box::pin(async { None })
    }
}

struct Nowhere;

impl LogSink for Nowhere {
    fn write(&self, _: &LogStream, _: &[LogLine]) {}
}

struct Mint;

impl CredentialSource for Mint {
    fn mint<'a>(&'a self, _: &'a FunctionVersion) -> Boxed<'a, Result<Credentials, NotMinted>> {
        let credentials = Credentials {
            access_key: "ASIAEXAMPLE".to_owned(),
            secret_key: "secret".to_owned(),
            session_token: "token".to_owned(),
            expires: Millis(NOON_MS + 3_600_000),
        };
        Box::pin(async { Ok(credentials) })
    }
}

struct NoEndpoint;

impl Inside for NoEndpoint {
    fn serve(&self, listener: Listener, _: &str) -> Boxed<'static, ()> {
        Box::pin(async move {
            let _listener = listener;
            pending::<()>().await;
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
