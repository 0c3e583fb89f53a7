//! The whole front door over small services of the tests' own.

mod clients;
mod http2;
mod in_process;
mod objects;
mod requests;
mod routes;
mod sockets;
mod uploads;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::{Ask, Authorize, Boxed, Call, Cx, Guard, Registry, Service};
use aws::{AccountId, Arn, Caller, Fault, Millis, Principal, Region};
use bytes::Bytes;
use http::{Request, Response};
use tasks::{Clock, Random, Shutdown};
use tokio::sync::Notify;
use wire::sigv4::{Credentials, Signer};

use crate::*;

const NOW: u64 = 1_700_000_000_000;

/// What the handlers of the tests share.
#[derive(Default)]
struct State {
    running: AtomicUsize,
    started: Notify,
    go: Notify,
    /// What the rows of S3 saw.
    objects: objects::Seen,
}

struct Open;

impl Authorize for Open {
    fn authorize<'a>(&'a self, _ask: Ask<'a>) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
}

async fn identity(
    cx: Cx<()>,
    _input: api::sts::GetCallerIdentityInput,
) -> Result<api::sts::GetCallerIdentityOutput, Fault> {
    Ok(api::sts::GetCallerIdentityOutput {
        user_id: Some(cx.caller.user_id.clone()),
        account: Some(cx.account.to_string()),
        arn: Some(cx.caller.arn.to_string()),
    })
}

/// Answers with the payload and where it came in; the function `slow` waits to be let go.
async fn invoke(
    cx: Cx<Arc<State>>,
    input: api::lambda::InvokeInput,
) -> Result<api::lambda::InvokeOutput, Fault> {
    if input.function_name == "slow" {
        cx.state.running.fetch_add(1, Ordering::SeqCst);
        cx.state.started.notify_one();
        cx.state.go.notified().await;
        cx.state.running.fetch_sub(1, Ordering::SeqCst);
    }
    if input.function_name == "absent" {
        return Err(Fault::new("ResourceNotFoundException", 404, format!("no {}", input.function_name)));
    }
    let text = format!("{} {} {}", cx.region, cx.endpoint, input.payload.unwrap_or_default().len());
    Ok(api::lambda::InvokeOutput {
        status_code: Some(200),
        executed_version: Some("$LATEST".into()),
        payload: Some(Bytes::from(serde_json::to_vec(&text).unwrap())),
        ..Default::default()
    })
}

async fn streams(
    _cx: Cx<()>,
    _input: api::logs::DescribeLogStreamsInput,
) -> Result<api::logs::DescribeLogStreamsOutput, Fault> {
    Ok(api::logs::DescribeLogStreamsOutput { log_streams: Some(Vec::new()), next_token: None })
}

fn open<S, I>(_state: &S, _call: &Call, _input: &I) -> Result<Guard, Fault> {
    Ok(Guard::open())
}

struct TestKeys;

fn account() -> AccountId {
    AccountId::parse("123456789012").unwrap()
}

impl Keys for TestKeys {
    fn find<'a>(
        &'a self,
        access_key: &'a str,
        session_token: Option<&'a str>,
    ) -> Boxed<'a, Result<Known, NotKnown>> {
        let known = |caller: Caller, expires| {
            Ok(Known { secret_key: "secret".into(), caller: Arc::new(caller), expires })
        };
        let role = || Caller {
            arn: Arn::new("sts", "", account().as_str(), "assumed-role/r/s"),
            principal: Principal::Role {
                role: Arn::new("iam", "", account().as_str(), "role/r"),
                session: "s".into(),
                source_function: None,
            },
            ..Caller::root(account(), None)
        };
        let found = match (access_key, session_token) {
            ("AKIAROOT", None) => known(Caller::root(account(), None), None),
            ("AKIASERVICE", None) => known(Caller::service(account(), "lambda.amazonaws.com"), None),
            ("ASIAROLE", Some("token")) => known(role(), Some(Millis(NOW + 60_000))),
            ("ASIAOLD", Some("token")) => Err(NotKnown::Expired),
            _ => Err(NotKnown::Unknown),
        };
        Box::pin(async { found })
    }
}

struct TestDownloads;

impl Downloads for TestDownloads {
    fn open<'a>(&'a self, snapshot: &'a Snapshot) -> Boxed<'a, Result<Option<Download>, Fault>> {
        // The second of `broken-1` cannot be read.
        let broken = snapshot.name == "broken-1";
        let second = if broken { Err(io::ErrorKind::Other.into()) } else { Ok(Bytes::from_static(b"zip")) };
        let pieces = [Ok(Bytes::from_static(b"PK")), second];
        let chunks: Chunks = Box::pin(futures_util::stream::iter(pieces));
        let known = broken || snapshot.name == "hello-1";
        let found = known.then_some(Download { length: 5, chunks });
        Box::pin(async { Ok(found) })
    }
}

struct House {
    gateway: Gateway,
    clock: Clock,
    shutdown: Shutdown,
    state: Arc<State>,
    metrics: Arc<Metrics>,
}

fn house_with(clock: Clock, change: impl FnOnce(&mut Settings)) -> House {
    let state = Arc::new(State::default());
    let services = vec![
        Service::table("sts", ()).op(api::sts::GetCallerIdentity, open, identity).build(),
        Service::table("logs", ()).op(api::logs::DescribeLogStreams, open, streams).build(),
        Service::table("lambda", state.clone()).op(api::lambda::Invoke, open, invoke).build(),
        objects::service(state.clone()),
    ];
    let mut settings = Settings {
        account: account(),
        region: Region::parse("us-east-1").unwrap(),
        endpoint: "http://127.0.0.1:4566".into(),
        hosts: wire::Hosts::default(),
        origins: Vec::new(),
        authentication: Authentication::On,
        metrics_token: None,
        connections_per_address: 4,
        body_budget_bytes: 64 << 20,
        version: "0.0.0",
    };
    change(&mut settings);
    let (shutdown, metrics) = (Shutdown::new(), Metrics::new());
    let gateway = Gateway::new(Parts {
        registry: Registry::new(services, Open),
        keys: Arc::new(TestKeys),
        downloads: Arc::new(TestDownloads),
        health: Arc::new(|| serde_json::Map::from_iter([("isolation".to_owned(), "sandbox".into())])),
        metrics: metrics.clone(),
        clock: clock.clone(),
        random: Random::seeded(1),
        shutdown: shutdown.clone(),
        settings,
    });
    House { gateway, clock, shutdown, state, metrics }
}

fn house() -> House {
    house_with(Clock::virtual_at(NOW), |_| {})
}

fn keys(access_key: &str, token: Option<&str>) -> Credentials {
    Credentials {
        access_key: access_key.into(),
        secret_key: "secret".into(),
        session_token: token.map(str::to_owned),
    }
}

fn root() -> Credentials {
    keys("AKIAROOT", None)
}

impl House {
    /// Signs a request now, lets the test spoil it, and gives the answer with its body.
    async fn call(
        &self,
        credentials: &Credentials,
        service: &str,
        mut request: Request<Bytes>,
        spoil: impl FnOnce(&mut Request<Bytes>),
    ) -> (Response<()>, String) {
        let at = Millis(self.clock.wall_ms());
        Signer { credentials, service, region: "eu-west-1", at }.sign(&mut request).unwrap();
        spoil(&mut request);
        self.send(request, Source::InProcess).await
    }

    async fn send(&self, request: Request<Bytes>, source: Source) -> (Response<()>, String) {
        let (head, body) = self.gateway.handle(request, source).await.into_parts();
        let body = body.collect().await.unwrap();
        (Response::from_parts(head, ()), String::from_utf8(body.to_vec()).unwrap())
    }
}

fn sts() -> Request<Bytes> {
    Request::post("http://127.0.0.1:4566/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(b"Action=GetCallerIdentity&Version=2011-06-15"))
        .unwrap()
}

fn logs() -> Request<Bytes> {
    Request::post("http://127.0.0.1:4566/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "Logs_20140328.DescribeLogStreams")
        .body(Bytes::from_static(b"{\"logGroupName\":\"g\"}"))
        .unwrap()
}

/// The presigned target of a code location at the machine's time.
fn location(name: &str, host: &str) -> String {
    let path = format!("/awslambda-eu-west-1-tasks/snapshots/123456789012/{name}");
    let credentials = keys("AKIASERVICE", None);
    let at = Millis(Clock::real().wall_ms());
    let signer = Signer { credentials: &credentials, service: "s3", region: "eu-west-1", at };
    signer.presign(host, &path, &[], 600).unwrap()
}

fn invocation(function: &str, payload: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(format!("http://127.0.0.1:4566/2015-03-31/functions/{function}/invocations"))
        .body(payload.into())
        .unwrap()
}
