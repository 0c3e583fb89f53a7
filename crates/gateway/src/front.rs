use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use api::{Call, Registry};
use aws::{AccountId, Caller, Fault, Millis, Region, RequestId};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, request};
use tasks::{Clock, Random, Shutdown};
use wire::sigv4::{self, Claim, Family, Refusal, checksum};
use wire::{Identified, Lost, Protocol, Value};

use crate::absent::Plane;
use crate::authenticate::{Asked, Authenticated, authenticate};
use crate::checks::{self, Checks};
use crate::coming::Coming;
use crate::connections::Seats;
use crate::downloads::{self, Snapshot};
use crate::host::Ours;
use crate::invocations;
use crate::keys::SigningKeys;
use crate::limits::TRACE_BYTES;
use crate::load::Load;
use crate::private::{self, Route};
use crate::reading::{Allowance, Budget, Read};
use crate::record::{Record, UNKNOWN, logged_path};
use crate::{Body, Downloads, Keys, Metrics, cors, heads, host};

/// What `/_lambent/health` says beyond the gateway's own fields.
pub type Health = Arc<dyn Fn() -> serde_json::Map<String, serde_json::Value> + Send + Sync>;

/// Everything that a gateway is made of.
pub struct Parts {
    /// All operations.
    pub registry: Registry,
    /// All access keys.
    pub keys: Arc<dyn Keys>,
    /// The zips behind code locations.
    pub downloads: Arc<dyn Downloads>,
    /// Further fields of the health document.
    pub health: Health,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
    /// The clock of skew, expiry and deadlines.
    pub clock: Clock,
    /// Where request ids come from.
    pub random: Random,
    /// Ends `serve`: no new connections, and each open one ends with its running request.
    pub shutdown: Shutdown,
    /// What users set.
    pub settings: Settings,
}

/// What users set about the front door.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The account of unsigned requests when authentication is off.
    pub account: AccountId,
    /// The region of requests that name none.
    pub region: Region,
    /// Our own URL, for clients that send no usable `Host`.
    pub endpoint: Arc<str>,
    /// The suffixes after which a `Host` names a service, a bucket, a function URL or an API.
    pub hosts: wire::Hosts,
    /// The origins of other web pages that may call us, e.g. `https://console.example`.
    pub origins: Vec<String>,
    /// Whether signatures are demanded.
    pub authentication: Authentication,
    /// The bearer token of scrapers; without one the metrics are for loopback only.
    pub metrics_token: Option<String>,
    /// Connections of one address.
    pub connections_per_address: usize,
    /// Bytes of request bodies that may be held at once.
    pub body_budget_bytes: u64,
    /// The version that health tells.
    pub version: &'static str,
}

/// Whether signatures are demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// As AWS does.
    On,
    /// Every request is the first account's root's, for throw-away use; foreign hosts and cross-site requests are refused.
    Off,
}

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A socket.
    Client(SocketAddr),
    /// Within an environment, by its id.
    Environment(Arc<str>),
    /// This process.
    InProcess,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Client(address) => write!(f, "{}", address.ip()),
            Source::Environment(id) => write!(f, "environment/{id}"),
            Source::InProcess => f.write_str("process"),
        }
    }
}

/// The front door. Cloning shares it.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) parts: Parts,
    pub(crate) seats: Arc<Seats>,
    pub(crate) bodies: Arc<Budget>,
    pub(crate) load: Arc<Load>,
    signing: SigningKeys,
}

impl Gateway {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Gateway {
        let seats = Seats::new(parts.settings.connections_per_address);
        let shown = seats.clone();
        parts.metrics.gauge("lambent_connections", "Open client connections.", move || shown.taken() as f64);
        let load = Arc::new(Load::default());
        let shown = load.clone();
        parts
            .metrics
            .gauge("lambent_requests_running", "Requests under way.", move || shown.running() as f64);
        let bodies = Budget::new(parts.settings.body_budget_bytes);
        Gateway { inner: Arc::new(Inner { parts, seats, bodies, load, signing: SigningKeys::default() }) }
    }

    /// Serves one request that is complete.
    pub async fn handle(&self, request: Request<Bytes>, source: Source) -> Response<Body> {
        let (head, body) = request.into_parts();
        let read = if body.len() as u64 > Allowance::of(&head.method, head.uri.path()).bytes {
            Read::TooLarge { bytes: body.len() as u64 }
        } else {
            Read::Whole(body)
        };
        self.answer(head, read, source).await
    }

    /// Serves one request and records it.
    pub(crate) async fn answer(&self, head: request::Parts, read: Read, source: Source) -> Response<Body> {
        let Parts { clock, random, metrics, .. } = &self.inner.parts;
        let mut record = Record {
            id: RequestId::from_random(random.bytes()),
            source,
            method: head.method.clone(),
            path: logged_path(head.uri.path()),
            service: UNKNOWN,
            operation: UNKNOWN,
            caller: None,
            error: None,
            bytes_in: read.bytes(),
            begun: clock.tick(),
        };
        let page = cors::origin(&head.headers, &self.inner.parts.settings.origins);
        let mut response = match page.and_then(|_| cors::preflight(&head)) {
            Some(answer) => answer,
            None => self.route(&head, read, &mut record).await,
        };
        if let Some(origin) = page {
            cors::allow(response.headers_mut(), origin);
        }
        let took = clock.tick().since(record.begun);
        record.end(response.status().as_u16(), response.body().length().unwrap_or(0), took, metrics);
        response
    }

    async fn route(&self, head: &request::Parts, read: Read, record: &mut Record) -> Response<Body> {
        let path = head.uri.path();
        let inside = matches!(record.source, Source::Environment(_));
        if path.starts_with(private::PREFIX) && !inside {
            return self.private(head, record);
        }
        if let Some(snapshot) = Snapshot::of(path) {
            return self.download(head, &snapshot, record).await;
        }
        let claim = Claim::of(&parts(head));
        let scope = claim.as_ref().ok().map(|claim| claim.scope().service);
        let acceptable = acceptable(head, &read, scope);
        let (body, coming) = read.into_body();
        let query = head.uri.query();
        let request = wire::Request {
            method: head.method.as_str(),
            path,
            query,
            headers: &head.headers,
            body: body.clone().into(),
        };
        let mut arrived = Arrived { head, request, body, coming, claim };
        let scope = arrived.claim.as_ref().ok().map(|claim| claim.scope().service);
        let id = record.id.to_string();
        let host = host::meaning(head, &self.inner.parts.settings.hosts);
        let routed = match acceptable {
            Ok(()) => wire::route(&arrived.request, scope, &host),
            Err(fault) => Err(Lost { fault, protocol: Protocol::guess_at(&arrived.request, scope, &host) }),
        };
        let (identified, path) = match routed {
            Ok(wire::Route::Operation { identified, path }) => (identified, path),
            Ok(wire::Route::FunctionUrl { .. }) => return no_such(Plane::FunctionUrl, record),
            Ok(wire::Route::Api { .. }) => return no_such(Plane::Api, record),
            Err(Lost { fault, protocol }) => {
                return refused(record, &fault, wire::encode_fault(protocol, &fault, &id));
            }
        };
        if let Some(path) = &path {
            arrived.request.path = path;
        }
        let mut trace = trace(head);
        let invokes = invocations::is_invocation(&identified);
        if invokes && trace.is_none() {
            trace = Some(invocations::new_trace(self.now(), &self.inner.parts.random));
        }
        let mut response = match self.operate(&mut arrived, &identified, trace.as_ref(), record).await {
            Ok(output) => http_response(identified.encode(output, &id)),
            Err(fault) => refused(record, &fault, identified.encode_fault(&fault, &id)),
        };
        if invokes {
            let status = response.status();
            invocations::adorn(response.headers_mut(), status, trace.as_deref());
        }
        response
    }

    /// Authenticates, decodes, validates and dispatches.
    async fn operate(
        &self,
        arrived: &mut Arrived<'_>,
        identified: &Identified,
        trace: Option<&Arc<str>>,
        record: &mut Record,
    ) -> Result<Value, Fault> {
        let Arrived { head, body, claim, .. } = arrived;
        record.service = identified.service.name();
        record.operation = &identified.operation.name;
        let asked = Asked {
            service: identified.service.signing_name(),
            family: family(identified.protocol),
            parts: parts(head),
            body: arrived.coming.is_none().then_some(body),
            now: self.now(),
        };
        let who = match claim {
            Err(Refusal::Missing) if !identified.operation.signed => self.nobody(&asked)?,
            _ => self.who(claim.as_ref(), &asked).await?,
        };
        record.caller = Some(who.caller.clone());
        if invocations::is_invocation(identified) {
            invocations::check_request_id(&head.headers)?;
        }
        let watch = arrived.coming.as_deref().map(Coming::watch);
        let input = self.input(arrived, identified, who.checks).await?;
        identified.validate(&input)?;
        let call = Call {
            account: who.caller.account,
            caller: who.caller,
            region: who.region,
            request_id: record.id,
            endpoint: self.endpoint(arrived.head, &record.source),
            trace: trace.cloned(),
        };
        let answer = self.inner.parts.registry.call(call, record.service, record.operation, input).await;
        let Some(watch) = watch else { return answer };
        record.bytes_in = watch.received();
        // Whatever its reader made of it: a wrong body has no other answer.
        watch.fault().map_or(answer, Err)
    }

    /// Decodes the input, of which the body may still have to be checked, or to come.
    async fn input(
        &self,
        arrived: &mut Arrived<'_>,
        identified: &Identified,
        checks: Option<Box<Checks>>,
    ) -> Result<Value, Fault> {
        let stated = checks::stated(identified, &arrived.head.headers)?;
        if arrived.coming.is_none() && checks.is_none() && stated.is_none() {
            return identified.decode(&arrived.request);
        }
        // In a box, since few requests need the room.
        Box::pin(self.checked_input(arrived, identified, checks, stated)).await
    }

    async fn checked_input(
        &self,
        arrived: &mut Arrived<'_>,
        identified: &Identified,
        checks: Option<Box<Checks>>,
        stated: Option<checksum::Value>,
    ) -> Result<Value, Fault> {
        let checks = checks.map_or_else(Checks::none, |checks| *checks);
        let checks = match stated {
            Some(stated) => checks.and_checksum(stated),
            None => checks,
        };
        let headers = checks.headers(&arrived.head.headers);
        let body = match arrived.coming.take() {
            Some(coming) => coming.through(checks, self.inner.bodies.hold())?.into(),
            None => checks.whole(arrived.body.clone()).await?.into(),
        };
        let headers = headers.as_ref().unwrap_or(arrived.request.headers);
        identified.decode(&wire::Request { headers, body, ..arrived.request.clone() })
    }

    async fn who(
        &self,
        claim: Result<&Claim<'_>, &Refusal>,
        asked: &Asked<'_>,
    ) -> Result<Authenticated, Fault> {
        let Parts { keys, settings, .. } = &self.inner.parts;
        match settings.authentication {
            Authentication::On => authenticate(claim, asked, &**keys, &self.inner.signing).await,
            Authentication::Off => {
                same_site(asked.parts.headers, self.ours(), &settings.origins)?;
                let named = claim.ok().and_then(|claim| Region::parse(claim.scope().region).ok());
                Ok(Authenticated {
                    caller: Arc::new(Caller::root(settings.account, None)),
                    region: named.unwrap_or_else(|| settings.region.clone()),
                    checks: unverified(asked)?,
                })
            }
        }
    }

    /// Who calls what AWS leaves open, without a signature.
    fn nobody(&self, asked: &Asked<'_>) -> Result<Authenticated, Fault> {
        let Settings { account, region, .. } = &self.inner.parts.settings;
        let caller = Arc::new(Caller::anonymous(*account));
        Ok(Authenticated { caller, region: region.clone(), checks: unverified(asked)? })
    }

    async fn download(
        &self,
        head: &request::Parts,
        snapshot: &Snapshot,
        record: &mut Record,
    ) -> Response<Body> {
        record.service = "s3";
        record.operation = "GetObject";
        let body = Bytes::new();
        let parts = parts(head);
        let claim = Claim::of(&parts);
        let asked = Asked { service: "s3", family: Family::S3, parts, body: Some(&body), now: self.now() };
        let opened = async {
            let who = self.who(claim.as_ref(), &asked).await?;
            record.caller = Some(who.caller.clone());
            snapshot.authorize(&who.caller)?;
            self.inner.parts.downloads.open(snapshot).await?.ok_or_else(|| snapshot.missing())
        };
        match opened.await {
            Ok(download) => downloads::found(download, &record.id),
            Err(fault) => {
                record.error = Some(fault.code.clone());
                downloads::refused(&fault, &record.id)
            }
        }
    }

    fn private(&self, head: &request::Parts, record: &mut Record) -> Response<Body> {
        let Parts { settings, shutdown, metrics, health, .. } = &self.inner.parts;
        record.service = "lambent";
        match Route::of(&head.method, head.uri.path()) {
            Route::Health => {
                record.operation = "health";
                let stopping = shutdown.has_begun();
                let mut document = serde_json::Map::new();
                document.insert("status".into(), if stopping { "stopping" } else { "ok" }.into());
                document.insert("version".into(), settings.version.into());
                document.insert("endpoint".into(), (*settings.endpoint).into());
                document.extend(health());
                let status = if stopping { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
                private::json(status, &serde_json::Value::Object(document))
            }
            Route::Metrics => {
                record.operation = "metrics";
                let token = settings.metrics_token.as_deref();
                if !private::may_read_metrics(&record.source, &head.headers, self.ours(), token) {
                    return private::text(
                        StatusCode::FORBIDDEN,
                        "metrics are for this machine, or need the token\n",
                    );
                }
                private::answer(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics.text())
            }
            Route::Unknown => private::text(StatusCode::NOT_FOUND, "no such route\n"),
            Route::WrongMethod => private::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n"),
        }
    }

    fn ours(&self) -> Ours<'_> {
        let Settings { endpoint, hosts, .. } = &self.inner.parts.settings;
        Ours { endpoint, hosts }
    }

    fn now(&self) -> Millis {
        Millis(self.inner.parts.clock.wall_ms())
    }

    /// The URL by which the client reached us.
    fn endpoint(&self, head: &request::Parts, source: &Source) -> Arc<str> {
        match host::named(head) {
            Some(host) => format!("{}://{host}", scheme(source, &self.inner.parts.settings.endpoint)).into(),
            None => self.inner.parts.settings.endpoint.clone(),
        }
    }
}

/// What a client speaks: what our own URL says, but there is no TLS within environments.
fn scheme(source: &Source, endpoint: &str) -> &'static str {
    let inside = matches!(source, Source::Environment(_));
    if endpoint.starts_with("https://") && !inside { "https" } else { "http" }
}

/// A request for an AWS operation, as it arrived.
struct Arrived<'a> {
    head: &'a request::Parts,
    request: wire::Request<'a>,
    body: Bytes,
    /// The body that is not here yet.
    coming: Option<Box<Coming>>,
    claim: Result<Claim<'a>, Refusal>,
}

/// What the body of a request goes through whose signature nobody looks at.
fn unverified(asked: &Asked<'_>) -> Result<Option<Box<Checks>>, Fault> {
    if asked.family == Family::S3 { Ok(Checks::unverified(&asked.parts)?.map(Box::new)) } else { Ok(None) }
}

fn parts(head: &request::Parts) -> sigv4::Parts<'_> {
    sigv4::Parts {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
    }
}

fn family(protocol: Protocol) -> Family {
    match protocol {
        Protocol::RestJson => Family::RestJson,
        Protocol::Json10 | Protocol::Json11 | Protocol::Cbor => Family::Json,
        Protocol::Query => Family::Query,
        Protocol::RestXml => Family::S3,
    }
}

/// Refuses what is too large in any respect, and what there is no room for.
fn acceptable(head: &request::Parts, read: &Read, scope: Option<&str>) -> Result<(), Fault> {
    heads::fits(head)?;
    match read {
        Read::Whole(_) | Read::Unread | Read::Coming(_) => Ok(()),
        Read::TooLarge { .. } => Err(Allowance::of(&head.method, head.uri.path()).exceeded()),
        Read::NoRoom | Read::Overload if scope == Some("s3") => {
            Err(Fault::new("SlowDown", 503, "Please reduce your request rate."))
        }
        Read::NoRoom | Read::Overload => {
            Err(Fault::new("ServiceUnavailable", 503, "Service is unable to handle request."))
        }
        Read::Broken => Err(Fault::new("SerializationException", 400, "The request body could not be read")),
    }
}

/// Without signatures a web page could call us through its reader's browser.
fn same_site(headers: &HeaderMap, ours: Ours<'_>, origins: &[String]) -> Result<(), Fault> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host_is_ours = text("host").is_some_and(|host| ours.include(host));
    let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = text("origin")
        .is_none_or(|origin| origin.split_once("://").is_some_and(|(_, host)| ours.include(host)));
    let allowed = cors::origin(headers, origins).is_some();
    if host_is_ours && (allowed || (site && origin)) {
        Ok(())
    } else {
        Err(Fault::new("AccessDeniedException", 403, "Without authentication only this machine may call"))
    }
}

/// The answer for a function URL or an API that is not there.
fn no_such(plane: Plane, record: &mut Record) -> Response<Body> {
    record.service = plane.service();
    record.operation = plane.operation();
    record.error = Some(plane.code().into());
    plane.no_such(&record.id)
}

fn trace(head: &request::Parts) -> Option<Arc<str>> {
    let value = head.headers.get("x-amzn-trace-id")?.to_str().ok()?;
    (value.len() <= TRACE_BYTES).then(|| value.into())
}

fn refused(record: &mut Record, fault: &Fault, answer: wire::Response) -> Response<Body> {
    record.error = Some(fault.code.clone());
    http_response(answer)
}

fn http_response(answer: wire::Response) -> Response<Body> {
    let mut response = Response::new(match answer.body {
        wire::Body::Whole(bytes) => Body::whole(bytes),
        wire::Body::Stream(stream) => Body::stream(stream),
    });
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.headers;
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    response
}
