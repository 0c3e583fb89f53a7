//! One AWS call from a value to a value, over plain HTTP, signed; or as the `aws ...` line that does the same.

use std::cell::RefCell;
use std::path::PathBuf;

use aws::Millis;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tasks::{Clock, OnError, Shutdown, Tasks};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use wire::Value;
use wire::sigv4::{Credentials, Signer};

use crate::advice;
use crate::failure::{self, Exit, Failure};
use crate::limits;
use crate::shown;
use crate::target::Target;

/// What happens with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It is made.
    Do,
    /// It is shown and made.
    ShowAndDo,
    /// It is shown; only what changes nothing is made.
    ShowChanges,
}

/// A call to a service.
pub struct Call<'a> {
    /// The service by the AWS CLI's name.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// The input.
    pub input: Value,
    /// Where a blob of the input came from, for showing.
    pub file: Option<&'a str>,
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The output; `Null` when the call was only shown.
    pub value: Value,
    /// The id of the request.
    pub request_id: Option<String>,
}

/// A connection to one server with one key, opened at the first call and kept.
pub struct Client {
    target: Target,
    clock: Clock,
    manner: Manner,
    tasks: Tasks,
    connection: RefCell<Option<SendRequest<Full<Bytes>>>>,
}

/// A whole HTTP answer.
pub struct Plain {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// A client that has not connected yet.
    pub fn new(target: Target, clock: Clock, manner: Manner) -> Client {
        let tasks = Tasks::new(Shutdown::new());
        Client { target, clock, manner, tasks, connection: RefCell::new(None) }
    }

    /// The server that this client talks to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// True when changes are only shown.
    pub fn is_dry(&self) -> bool {
        self.manner == Manner::ShowChanges
    }

    /// Connects and loads the service's model, so that a call that is measured does neither.
    pub async fn prepare(&self, service: &str) -> Result<(), Failure> {
        wire::Model::named(service);
        let sender = self.connect().await?;
        *self.connection.borrow_mut() = Some(sender);
        Ok(())
    }

    /// Makes a call, or shows it, as the manner says.
    pub async fn call(
        &self,
        service: &'static str,
        operation: &'static str,
        input: Value,
    ) -> Result<Answer, Failure> {
        self.send(Call { service, operation, input, file: None }).await
    }

    /// Like [`Client::call`], with all that can be said about the call.
    pub async fn send(&self, call: Call<'_>) -> Result<Answer, Failure> {
        let shown = self.manner == Manner::ShowAndDo || (self.is_dry() && changes(call.operation));
        if shown {
            let line = shown::line(call.service, call.operation, &call.input, call.file);
            if self.is_dry() {
                println!("{line}");
                return Ok(Answer::default());
            }
            eprintln!("{line}");
        }
        let (model, operation) = modelled(call.service, call.operation)?;
        let mut request = self.request(wire::client::encode(model, operation, call.input))?;
        self.sign(model.signing_name(), &mut request)?;
        let answer = self.exchange(request).await?;
        let request_id = request_id(&answer.headers);
        let response = wire::Response {
            status: answer.status.as_u16(),
            headers: answer.headers,
            body: answer.body.into(),
        };
        wire::client::decode(model, operation, &response)
            .map(|value| Answer { value, request_id: request_id.clone() })
            .map_err(|fault| advice::failure(call.service, fault, request_id))
    }

    fn request(&self, outgoing: wire::client::Outgoing) -> Result<Request<Bytes>, Failure> {
        let bad = |_| bad_endpoint(&self.target.endpoint);
        let body = outgoing.body.into_whole().expect("verbs make inputs of bytes that are at hand");
        let mut request = Request::builder()
            .method(outgoing.method.as_str())
            .uri(&outgoing.target)
            .body(body)
            .map_err(bad)?;
        *request.headers_mut() = outgoing.headers;
        let host =
            authority(&self.target.endpoint).parse().map_err(|_| bad_endpoint(&self.target.endpoint))?;
        request.headers_mut().insert(http::header::HOST, host);
        let agent = concat!("lambent/", env!("CARGO_PKG_VERSION"));
        request.headers_mut().insert(http::header::USER_AGENT, http::HeaderValue::from_static(agent));
        Ok(request)
    }

    fn sign(&self, service: &str, request: &mut Request<Bytes>) -> Result<(), Failure> {
        let keys = &self.target.keys;
        let credentials = Credentials {
            access_key: keys.id.clone(),
            secret_key: keys.secret.clone(),
            session_token: keys.token.clone(),
        };
        let at = Millis(self.clock.wall_ms());
        let signer = Signer { credentials: &credentials, service, region: &self.target.region, at };
        signer.sign(request).map_err(|error| Failure::new(Exit::Usage, format!("sign the request: {error}")))
    }

    /// Gets a page that needs no signature, such as the server's health.
    pub async fn get(&self, path: &str) -> Result<Plain, Failure> {
        let request = Request::get(path)
            .header(http::header::HOST, authority(&self.target.endpoint))
            .body(Bytes::new())
            .map_err(|_| bad_endpoint(&self.target.endpoint))?;
        self.exchange(request).await
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Plain, Failure> {
        match self.clock.within(limits::REQUEST, self.exchange_now(request)).await {
            Ok(result) => result,
            Err(_) => {
                let minutes = limits::REQUEST.as_secs() / 60;
                Err(Failure::new(Exit::Throttled, format!("no answer within {minutes} minutes")))
            }
        }
    }

    async fn exchange_now(&self, request: Request<Bytes>) -> Result<Plain, Failure> {
        let kept = self.connection.borrow_mut().take();
        let mut sender = match kept {
            Some(sender) if !sender.is_closed() => sender,
            _ => self.connect().await?,
        };
        if sender.ready().await.is_err() {
            sender = self.connect().await?;
        }
        let broken = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::NoServer, format!("the connection to {} broke", self.target.endpoint))
                .why(error.to_string())
                .fix("lambent status")
        };
        let response = sender.send_request(request.map(Full::new)).await.map_err(|error| broken(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, limits::ANSWER).collect().await.map_err(|error| broken(&error))?;
        *self.connection.borrow_mut() = Some(sender);
        Ok(Plain { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let address = authority(&self.target.endpoint);
        let port = if self.target.is_tls() { 443 } else { 80 };
        let with_port = if has_port(address) { address.to_owned() } else { format!("{address}:{port}") };
        let stream = match self.clock.within(limits::CONNECT, TcpStream::connect(&with_port)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.unreachable(address, &reason(&error))),
            Err(_) => return Err(self.unreachable(address, "no answer")),
        };
        // Small requests must not wait for more to send.
        stream.set_nodelay(true).map_err(|error| self.unreachable(address, &reason(&error)))?;
        if self.target.is_tls() {
            return self.speak(self.secure(stream, address).await?, address).await;
        }
        self.speak(stream, address).await
    }

    /// Shakes hands with a server that somebody we trust vouches for.
    async fn secure(&self, stream: TcpStream, address: &str) -> Result<TlsStream<TcpStream>, Failure> {
        let untrusted = |why: String| {
            let what = format!("no secure connection to {}", self.target.endpoint);
            Failure::new(Exit::NoServer, what).why(why).fix("eval \"$(lambent env)\"")
        };
        let path = authority_file(&self.target).ok_or_else(|| {
            untrusted("AWS_CA_BUNDLE is not set, and this system has no certificates".into())
        })?;
        let trusted = std::fs::read(&path).map_err(|error| failure::file("read", &path, &error))?;
        let connector = server::tls::connector(&trusted)
            .map_err(|error| untrusted(format!("{}: {error:#}", path.display())))?;
        let name = ServerName::try_from(host(address).to_owned()).map_err(|_| bad_endpoint(address))?;
        match self.clock.within(limits::CONNECT, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(untrusted(error.to_string())),
            Err(_) => Err(untrusted("no answer".into())),
        }
    }

    async fn speak<T>(&self, stream: T, address: &str) -> Result<SendRequest<Full<Bytes>>, Failure>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.unreachable(address, &error.to_string()))?;
        // A connection that ends is seen by whoever sends on it.
        self.tasks.spawn("connection", OnError::Log, async move {
            let _ = connection.await;
            Ok(())
        });
        Ok(sender)
    }

    fn unreachable(&self, address: &str, why: &str) -> Failure {
        Failure::new(Exit::NoServer, format!("no server at {address}"))
            .why(format!("{why}; {}", self.target.origin))
            .fix("lambent up")
    }
}

fn modelled(
    service: &str,
    operation: &str,
) -> Result<(&'static wire::Model, &'static wire::model::Operation), Failure> {
    wire::Model::named(service).and_then(|model| Some((model, model.operation(operation)?))).ok_or_else(
        || Failure::new(Exit::Failed, format!("internal error: no model of {service} {operation}")),
    )
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "refused".into(),
        _ => error.to_string(),
    }
}

fn bad_endpoint(endpoint: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{endpoint} is no address"))
}

/// Host and port of an endpoint.
fn authority(endpoint: &str) -> &str {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// An authority without its port and brackets.
fn host(authority: &str) -> &str {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or(authority),
    }
}

/// The file of certificates that are trusted: the target's, else the system's.
fn authority_file(target: &Target) -> Option<PathBuf> {
    // Debian, Fedora, Alpine and macOS.
    let system =
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
    let of_system = || system.iter().map(PathBuf::from).find(|path| path.exists());
    target.authority.clone().or_else(of_system)
}

fn has_port(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"]
        .iter()
        .find_map(|name| headers.get(*name))
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

/// True unless the operation only reads.
fn changes(operation: &str) -> bool {
    !["Get", "List", "Describe", "Filter"].iter().any(|prefix| operation.starts_with(prefix))
}

/// A structure of the members that are there.
pub fn structure<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    let present = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Structure(present.map(|(name, value)| (name.into(), value)).collect())
}

/// A text value.
pub fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

/// The text of a member, or nothing.
pub fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.member(name).as_text().unwrap_or_default()
}

/// The number of a member, or nothing.
pub fn number_of(value: &Value, name: &str) -> Option<i64> {
    match value.member(name) {
        Value::Integer(number) => Some(*number),
        _ => None,
    }
}

/// The items of a list member.
pub fn items_of<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    match value.member(name) {
        Value::List(items) => items,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_taken_apart() {
        assert_eq!(authority("http://127.0.0.1:4566/x"), "127.0.0.1:4566");
        assert_eq!((host("127.0.0.1:4566"), host("[::1]:80"), host("h")), ("127.0.0.1", "::1", "h"));
        assert!(has_port("127.0.0.1:4566") && has_port("[::1]:80") && !has_port("localhost"));
    }

    #[test]
    fn only_reading_operations_run_dry() {
        for reads in ["GetFunction", "ListFunctions", "DescribeLogStreams", "FilterLogEvents"] {
            assert!(!changes(reads), "{reads}");
        }
        for other in ["CreateFunction", "Invoke", "DeleteRole", "PutRolePolicy", "UpdateFunctionCode"] {
            assert!(changes(other), "{other}");
        }
    }
}
