//! AWS calls to one server: typed by the model, signed by root, over one keep-alive connection.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use aws::Millis;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tasks::{Clock, Tick};
use wire::sigv4::{Credentials, Signer};
use wire::{Model, Protocol, Value};

use crate::connection::Connection;
use crate::limits::REST;

const REGION: &str = "us-east-1";

/// A connection and root's key.
pub struct Client {
    address: SocketAddr,
    credentials: Credentials,
    connection: Connection,
    clock: Clock,
    used: Tick,
}

/// A call that was answered with success.
pub struct Answered {
    /// The output.
    pub output: Value,
    /// From before the request to after the answer.
    pub took: Duration,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn open(address: SocketAddr, credentials: Credentials) -> anyhow::Result<Client> {
        let connection = Connection::open(address).with_context(|| format!("connect to {address}"))?;
        let clock = Clock::real();
        let used = clock.tick();
        Ok(Client { address, credentials, connection, clock, used })
    }

    /// Makes a call.
    ///
    /// # Errors
    /// The fault of the service, or what broke.
    pub fn call(&mut self, service: &str, operation: &str, input: Value) -> anyhow::Result<Answered> {
        let request = self.signed(service, operation, input)?;
        let (model, operation) = modelled(service, operation)?;
        // The server closes connections that are idle for long.
        if self.clock.tick().since(self.used) > REST {
            self.connection = Connection::open(self.address).context("connect again")?;
        }
        let sent = self.clock.tick();
        let send = |connection: &mut Connection| {
            connection.send(&request)?;
            connection.receive(|answer| {
                let mut headers = HeaderMap::new();
                for (name, value) in answer.headers() {
                    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value))
                    {
                        headers.append(name, value);
                    }
                }
                wire::Response {
                    status: answer.status,
                    headers,
                    body: Bytes::copy_from_slice(&answer.body).into(),
                }
            })
        };
        let answer = send(&mut self.connection).with_context(|| format!("call {}", operation.name))?;
        self.used = self.clock.tick();
        let took = self.used.since(sent);
        let output = wire::client::decode(model, operation, &answer)
            .map_err(|fault| anyhow!("{}: {} {}", operation.name, fault.code, fault.message))?;
        Ok(Answered { output, took })
    }

    /// The bytes of a signed request, valid for five minutes.
    ///
    /// # Errors
    /// When the model has no such operation.
    pub fn signed(&self, service: &str, operation: &str, input: Value) -> anyhow::Result<Vec<u8>> {
        let request = request(&self.address.to_string(), &self.credentials, (service, operation), input)?;
        Ok(written(&request))
    }
}

/// A request to `host` in the service's preferred protocol, signed now.
///
/// # Errors
/// When the model has no such operation.
pub fn request(
    host: &str,
    credentials: &Credentials,
    operation: (&str, &str),
    input: Value,
) -> anyhow::Result<Request<Bytes>> {
    let model = Model::named(operation.0).with_context(|| format!("there is no service {}", operation.0))?;
    let protocol = model.protocols().first().context("a service speaks a protocol")?;
    request_as(*protocol, host, credentials, operation, input)
}

/// A request to `host` in a protocol of the service, signed now.
///
/// # Errors
/// When the model has no such operation.
pub fn request_as(
    protocol: Protocol,
    host: &str,
    credentials: &Credentials,
    (service, operation): (&str, &str),
    input: Value,
) -> anyhow::Result<Request<Bytes>> {
    let (model, operation) = modelled(service, operation)?;
    let outgoing = wire::client::encode_as(protocol, model, operation, input);
    let mut request = Request::builder()
        .method(outgoing.method.as_str())
        .uri(outgoing.target.as_str())
        .header("host", host)
        .body(outgoing.body.into_whole().context("the body is at hand")?)
        .context("build a request")?;
    request.headers_mut().extend(outgoing.headers);
    let at = Millis(Clock::real().wall_ms());
    Signer { credentials, service: model.signing_name(), region: REGION, at }.sign(&mut request)?;
    Ok(request)
}

/// The request as it goes over a connection.
fn written(request: &Request<Bytes>) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).into_bytes();
    for (name, value) in request.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", request.body().len()).as_bytes());
    bytes.extend_from_slice(request.body());
    bytes
}

fn modelled(
    service: &str,
    operation: &str,
) -> anyhow::Result<(&'static Model, &'static wire::model::Operation)> {
    let model = Model::named(service).with_context(|| format!("there is no service {service}"))?;
    let operation = model.operation(operation).with_context(|| format!("{service} has no {operation}"))?;
    Ok((model, operation))
}

/// A structure of these members.
pub fn structure<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Structure(members.map(|(name, value)| (name.into(), value)).into())
}

/// A text.
pub fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_with_its_signature_and_length() {
        let credentials = Credentials {
            access_key: "AKIDEXAMPLE".into(),
            secret_key: "secret".into(),
            session_token: None,
        };
        let input = structure([
            ("FunctionName", text("hello")),
            ("Payload", Value::Blob(Bytes::from_static(b"{\"a\":1}"))),
        ]);
        let request = request("127.0.0.1:1", &credentials, ("lambda", "Invoke"), input).unwrap();
        let text = String::from_utf8(written(&request)).unwrap();
        assert!(
            text.starts_with(
                "POST /2015-03-31/functions/hello/invocations HTTP/1.1\r\nhost: 127.0.0.1:1\r\n"
            )
        );
        assert!(text.contains("\r\nauthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
        assert!(text.ends_with("\r\ncontent-length: 7\r\n\r\n{\"a\":1}"));
    }
}
