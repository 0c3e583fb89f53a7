use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::session::{Kind, Refusal};
use super::shared::Shared;
use super::watch::Watch;
use crate::failure::{Failure, Side, reported_type};
use crate::limits;

type Reply = Response<Full<Bytes>>;

const VERSION: &str = "/2018-06-01/runtime/";
/// Of old; it says only that somebody listens.
const PING: &str = "/2018-06-01/ping";
const EXTENSIONS: &str = "/2020-01-01/extension";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";

/// Answers the requests of one connection.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) shared: Arc<Shared>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) bodies_kib: Arc<Semaphore>,
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Reply;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.watch.serving();
        let service = self.clone();
        Box::pin(async move {
            let reply = service.answer(request).await;
            service.watch.quiet();
            Ok(reply)
        })
    }
}

/// What a request wants.
#[derive(Debug, PartialEq, Eq)]
enum Call<'a> {
    Next,
    Answer(&'a str, Kind),
    InitError,
    Ping,
    Extension,
    Unknown,
    WrongMethod,
}

fn route<'a>(method: &Method, path: &'a str) -> Call<'a> {
    if path == PING {
        return if *method == Method::GET { Call::Ping } else { Call::WrongMethod };
    }
    let Some(rest) = path.strip_prefix(VERSION) else {
        return if path.starts_with(EXTENSIONS) { Call::Extension } else { Call::Unknown };
    };
    let (call, wanted) = match rest {
        "invocation/next" => (Call::Next, Method::GET),
        "init/error" => (Call::InitError, Method::POST),
        _ => match rest.strip_prefix("invocation/").and_then(|rest| rest.split_once('/')) {
            Some((id, "response")) => (Call::Answer(id, Kind::Response), Method::POST),
            Some((id, "error")) => (Call::Answer(id, Kind::Error), Method::POST),
            _ => return Call::Unknown,
        },
    };
    if *method == wanted { call } else { Call::WrongMethod }
}

impl Service {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let (head, body) = request.into_parts();
        if head.uri.path_and_query().is_some_and(|uri| uri.as_str().len() > limits::URI_BYTES) {
            return refuse(StatusCode::URI_TOO_LONG, "InvalidRequest", "Request URI is too long");
        }
        if head.headers.len() > limits::HEADERS {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return refuse(status, "InvalidRequest", "Too many header fields");
        }
        match route(&head.method, head.uri.path()) {
            Call::Next => self.next().await,
            Call::Ping => Response::new(Full::new(Bytes::from_static(b"pong"))),
            Call::Answer(id, Kind::Response) => self.response(id, &head.headers, body).await,
            Call::Answer(id, Kind::Error) => self.error(id, &head.headers, body).await,
            Call::InitError => self.init_error(&head.headers, body).await,
            Call::Extension => {
                let message = "The Extensions API is not available in this environment";
                refuse(StatusCode::NOT_FOUND, "Extension.NotAvailable", message)
            }
            Call::Unknown => refuse(StatusCode::NOT_FOUND, "InvalidRequest", "404 page not found"),
            Call::WrongMethod => {
                refuse(StatusCode::METHOD_NOT_ALLOWED, "InvalidRequest", "Method not allowed")
            }
        }
    }

    async fn next(&self) -> Reply {
        if let Err(refusal) = self.shared.ask() {
            return refused(&refusal);
        }
        let delivery = poll_fn(|cx| self.shared.poll_delivery(cx)).await;
        let mut reply = Response::new(Full::new(delivery.body));
        *reply.headers_mut() = delivery.headers;
        reply
    }

    async fn response(&self, id: &str, headers: &HeaderMap, body: Incoming) -> Reply {
        if let Err(refusal) = self.shared.begin(id, Kind::Response) {
            return refused(&refusal);
        }
        // If this future is dropped, the answer has broken off and the runtime may answer again.
        let begun = Begun(&self.shared);
        let streamed = match headers.get(RESPONSE_MODE).map(HeaderValue::as_bytes) {
            None => Streamed::No,
            Some(mode) if mode.eq_ignore_ascii_case(b"streaming") => Streamed::Yes,
            Some(_) => {
                begun.complete(Err(Failure::ResponseMode), None);
                let message = "Invalid function response mode";
                return refuse(StatusCode::BAD_REQUEST, "InvalidFunctionResponseMode", message);
            }
        };
        match self.collect(body, limits::RESPONSE_BYTES).await {
            Ok(Collected { bytes, trailers, permit }) => {
                begun.complete(result_of(streamed, bytes, trailers), permit);
                self.watch.answered();
                accepted()
            }
            Err(Broken::TooLarge(body)) => {
                begun.complete(Err(Failure::ResponseTooLarge), None);
                self.too_large(body, limits::RESPONSE_BYTES).await
            }
            Err(Broken::Truncated) => truncated(),
        }
    }

    async fn error(&self, id: &str, headers: &HeaderMap, body: Incoming) -> Reply {
        if let Err(refusal) = self.shared.begin(id, Kind::Error) {
            return refused(&refusal);
        }
        let begun = Begun(&self.shared);
        match self.collect(body, limits::ERROR_BYTES).await {
            Ok(Collected { bytes, permit, .. }) => {
                begun.complete(Err(reported(headers, bytes, Side::Call)), permit);
                self.watch.answered();
                accepted()
            }
            Err(Broken::TooLarge(body)) => {
                begun.complete(Err(Failure::ErrorTooLarge), None);
                self.too_large(body, limits::ERROR_BYTES).await
            }
            Err(Broken::Truncated) => truncated(),
        }
    }

    async fn init_error(&self, headers: &HeaderMap, body: Incoming) -> Reply {
        match self.collect(body, limits::ERROR_BYTES).await {
            Ok(Collected { bytes, .. }) => {
                match self.shared.init_error(reported(headers, bytes, Side::Init)) {
                    Ok(()) => accepted(),
                    Err(refusal) => refused(&refusal),
                }
            }
            Err(Broken::TooLarge(body)) => match self.shared.init_error(Failure::ErrorTooLarge) {
                Ok(()) => self.too_large(body, limits::ERROR_BYTES).await,
                Err(refusal) => refused(&refusal),
            },
            Err(Broken::Truncated) => truncated(),
        }
    }

    /// Reads a body of at most `limit` bytes, counted against the budget of all environments.
    async fn collect(&self, mut body: Incoming, limit: usize) -> Result<Collected, Broken> {
        let announced = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(Broken::TooLarge(body));
        }
        let permit = self.reserve(announced.unwrap_or(limit)).await;
        self.watch.reading_body();
        let mut bytes = Bytes::new();
        let mut joined = BytesMut::new();
        let mut trailers = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Broken::Truncated)?;
            match frame.into_data() {
                Ok(data) => {
                    if bytes.len() + joined.len() + data.len() > limit {
                        return Err(Broken::TooLarge(body));
                    }
                    if bytes.is_empty() && joined.is_empty() {
                        // Small bodies come in one piece, which is not copied.
                        bytes = data;
                        continue;
                    }
                    if joined.is_empty() {
                        joined.reserve(announced.unwrap_or(0));
                        joined.extend_from_slice(&std::mem::take(&mut bytes));
                    }
                    joined.extend_from_slice(&data);
                }
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        self.watch.serving();
        let bytes = if joined.is_empty() { bytes } else { joined.freeze() };
        Ok(Collected { bytes, trailers, permit })
    }

    async fn reserve(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        // The whole of it at once, so that two bodies cannot wait for each other's rest. The semaphore is never closed.
        self.bodies_kib.clone().acquire_many_owned(kib).await.ok()
    }

    /// Answers 413, after reading a little more: a client that is still writing would not see the answer otherwise.
    async fn too_large(&self, mut body: Incoming, limit: usize) -> Reply {
        self.watch.reading_body();
        let mut left = limits::DISCARD_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let read = frame.data_ref().map_or(0, Bytes::len);
            left = left.saturating_sub(read);
            if left == 0 {
                break;
            }
        }
        self.watch.serving();
        let message = format!("Exceeded maximum allowed payload size ({limit} bytes).");
        let mut reply = refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message);
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        reply
    }
}

/// An answer that has begun to arrive. Dropped without being completed, it is abandoned.
struct Begun<'a>(&'a Shared);

impl Begun<'_> {
    fn complete(self, result: Result<Bytes, Failure>, permit: Option<OwnedSemaphorePermit>) {
        self.0.complete(result, permit);
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        // Without effect once it is complete.
        self.0.abandon();
    }
}

struct Collected {
    bytes: Bytes,
    trailers: Option<HeaderMap>,
    permit: Option<OwnedSemaphorePermit>,
}

enum Broken {
    /// More than the limit; the rest may still come.
    TooLarge(Incoming),
    /// It ended early.
    Truncated,
}

/// Whether the runtime streams its response; here it is buffered, but its trailers may carry an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Streamed {
    Yes,
    No,
}

fn result_of(streamed: Streamed, bytes: Bytes, trailers: Option<HeaderMap>) -> Result<Bytes, Failure> {
    use base64::Engine;
    let trailers = trailers.filter(|_| streamed == Streamed::Yes);
    let Some(trailers) = trailers.filter(|trailers| trailers.contains_key(ERROR_TYPE)) else {
        return Ok(bytes);
    };
    let document = trailers.get(ERROR_BODY).map(HeaderValue::as_bytes).unwrap_or_default();
    let document = base64::engine::general_purpose::STANDARD.decode(document).unwrap_or_default();
    Err(reported(&trailers, Bytes::from(document), Side::Call))
}

fn reported(headers: &HeaderMap, document: Bytes, side: Side) -> Failure {
    let header = headers.get(ERROR_TYPE).and_then(|value| value.to_str().ok());
    let error_type = reported_type(header, &document, side);
    let document = if document.is_empty() {
        Bytes::from(serde_json::json!({"errorType": error_type}).to_string())
    } else {
        document
    };
    Failure::Reported { document, error_type }
}

fn accepted() -> Reply {
    json(StatusCode::ACCEPTED, Bytes::from_static(b"{\"status\":\"OK\"}\n"))
}

fn truncated() -> Reply {
    refuse(StatusCode::BAD_REQUEST, "TruncatedHTTPRequest", "HTTP request was truncated")
}

fn refused(refusal: &Refusal) -> Reply {
    match refusal {
        Refusal::RequestId => refuse(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        Refusal::Transition { from, to } => {
            let message = format!(
                "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
            );
            refuse(StatusCode::FORBIDDEN, "InvalidStateTransition", &message)
        }
    }
}

fn refuse(status: StatusCode, error_type: &str, message: &str) -> Reply {
    let document = serde_json::json!({"errorMessage": message, "errorType": error_type});
    json(status, Bytes::from(document.to_string()))
}

fn json(status: StatusCode, body: Bytes) -> Reply {
    let length = body.len();
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_paths_lead_somewhere() {
        let post = Method::POST;
        let cases = [
            (Method::GET, "/2018-06-01/runtime/invocation/next", Call::Next),
            (post.clone(), "/2018-06-01/runtime/invocation/next", Call::WrongMethod),
            (post.clone(), "/2018-06-01/runtime/invocation/a/response", Call::Answer("a", Kind::Response)),
            (post.clone(), "/2018-06-01/runtime/invocation/a/error", Call::Answer("a", Kind::Error)),
            (post.clone(), "/2018-06-01/runtime/invocation//error", Call::Answer("", Kind::Error)),
            (post.clone(), "/2018-06-01/runtime/invocation/a/b/error", Call::Unknown),
            (post.clone(), "/2018-06-01/runtime/init/error", Call::InitError),
            (post.clone(), "/2020-01-01/extension/register", Call::Extension),
            (Method::GET, "/2018-06-01/runtime/restore/next", Call::Unknown),
            (Method::GET, "/", Call::Unknown),
            (Method::GET, "/2018-06-01/ping", Call::Ping),
        ];
        for (method, path, expected) in cases {
            assert_eq!(route(&method, path), expected, "{method} {path}");
        }
    }
}
