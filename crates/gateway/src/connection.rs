//! One connection on its way through TLS, HTTP/1 or HTTP/2 to its requests, each a task of its own.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use http::{HeaderValue, Request, Response, StatusCode, Version, header, request};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tasks::{OnError, Shutdown, Tasks};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::coming::{self, Coming, Cut, Inlet, Rest};
use crate::limits::{
    BUFFER_BYTES, HEADERS, HTTP2_ACCEPT_RESETS, HTTP2_CONNECTION_WINDOW, HTTP2_ERROR_RESETS,
    HTTP2_FRAME_BYTES, HTTP2_HEADER_LIST_BYTES, HTTP2_PING, HTTP2_PING_ANSWER, HTTP2_SEND_BYTES,
    HTTP2_STREAM_WINDOW, HTTP2_STREAMS, LEFT_BODY, LEFT_BODY_FIRST, REFUSED_BODY_BYTES,
};
use crate::load::Load;
use crate::pace::{Answered, Pace, Paced, Patience};
use crate::reading::{self, Read};
use crate::sniff::{Begun, Replayed, Spoken, sniff};
use crate::streams::{Beat, Streams};
use crate::{Body, Gateway, Source, heads, private};

/// One connection and all that its requests need.
pub(crate) struct Connection {
    pub(crate) gateway: Gateway,
    pub(crate) source: Source,
    pub(crate) patience: Patience,
    pub(crate) admission: Admission,
    /// Where requests run, so that they end even when the client goes away.
    pub(crate) tasks: Tasks,
    /// The requests of this connection.
    pub(crate) load: Arc<Load>,
}

/// What becomes of the requests of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// They are served.
    Open,
    /// There are too many connections: they are refused, but whoever asks after our health is answered.
    Full,
    /// They came in the clear where TLS is spoken.
    NeedsTls,
}

impl Connection {
    /// Serves a connection until it ends, or until its running requests have ended after the shutdown began.
    pub(crate) async fn run<T>(self, stream: T, tls: Option<TlsAcceptor>, shutdown: Option<Shutdown>)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let from = self.source.clone();
        let stopping = async {
            match shutdown {
                Some(shutdown) => shutdown.begun().await,
                None => std::future::pending().await,
            }
        };
        if let Err(error) = self.speak(stream, tls, stopping).await {
            tracing::debug!(%from, %error, "connection ended");
        }
    }

    async fn speak<T>(
        mut self,
        stream: T,
        tls: Option<TlsAcceptor>,
        stopping: impl Future<Output = ()>,
    ) -> Result<(), Ended>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pace = Pace::new(self.gateway.inner.parts.clock.clone(), self.patience);
        let mut stream = Paced::new(stream, pace.clone());
        tokio::pin!(stopping);
        let sniffed = tokio::select! {
            sniffed = sniff(&mut stream) => sniffed?,
            () = &mut stopping => return Ok(()),
        };
        let Some(begun) = sniffed else { return Ok(()) };
        match (tls, begun.spoken) {
            (None, _) => self.http(stream, begun, pace, stopping).await,
            (Some(_), Spoken::Http1 | Spoken::Http2) => {
                self.admission = Admission::NeedsTls;
                self.http(stream, begun, pace, stopping).await
            }
            (Some(acceptor), Spoken::Tls) => {
                // The head's time rules over the handshake.
                let mut stream = acceptor.accept(Replayed::new(stream, begun.first)).await?;
                pace.idle();
                let sniffed = tokio::select! {
                    sniffed = sniff(&mut stream) => sniffed?,
                    () = &mut stopping => return Ok(()),
                };
                let Some(begun) = sniffed else { return Ok(()) };
                self.http(stream, begun, pace, stopping).await
            }
        }
    }

    async fn http<T>(
        self,
        stream: T,
        begun: Begun,
        pace: Arc<Pace>,
        stopping: impl Future<Output = ()>,
    ) -> Result<(), Ended>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let first = begun.first;
        match begun.spoken {
            Spoken::Http2 => self.http2(Replayed::new(stream, first), pace, stopping).await,
            Spoken::Http1 | Spoken::Tls => {
                self.http1(Replayed::followed(stream, first), pace, stopping).await
            }
        }
    }

    async fn http1<T>(
        self,
        stream: Replayed<T>,
        pace: Arc<Pace>,
        stopping: impl Future<Output = ()>,
    ) -> Result<(), Ended>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| self.request(request, &pace));
        let connection = http1::Builder::new()
            .max_headers(HEADERS)
            .max_buf_size(BUFFER_BYTES)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            () = stopping => connection.as_mut().graceful_shutdown(),
        }
        Ok(connection.await?)
    }

    async fn http2<T>(
        self,
        stream: Replayed<T>,
        pace: Arc<Pace>,
        stopping: impl Future<Output = ()>,
    ) -> Result<(), Ended>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let clock = self.gateway.inner.parts.clock.clone();
        pace.multiplex();
        let streams = Streams::new(self.tasks.clone(), clock.clone(), pace);
        let (connection, begun) = (Arc::new(self), streams.clone());
        let service = service_fn(move |request| {
            let (connection, stream) = (connection.clone(), begun.begin(connection.patience));
            async move {
                let answer = connection.request(request, &stream).await;
                answer.map(|answer| answer.map(|body| body.in_pieces(stream)))
            }
        });
        let connection = http2::Builder::new(streams)
            .timer(Beat(clock))
            .max_concurrent_streams(HTTP2_STREAMS)
            .max_pending_accept_reset_streams(HTTP2_ACCEPT_RESETS)
            .max_local_error_reset_streams(HTTP2_ERROR_RESETS)
            .initial_stream_window_size(HTTP2_STREAM_WINDOW)
            .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
            .max_frame_size(HTTP2_FRAME_BYTES)
            .max_send_buf_size(HTTP2_SEND_BYTES)
            .max_header_list_size(HTTP2_HEADER_LIST_BYTES)
            .keep_alive_interval(HTTP2_PING)
            .keep_alive_timeout(HTTP2_PING_ANSWER)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            () = stopping => connection.as_mut().graceful_shutdown(),
        }
        Ok(connection.await?)
    }

    /// Hands a body on that is read while its operation runs.
    fn stream(&self, head: &request::Parts, body: Incoming) -> (Streamed, Coming) {
        let body = body.map_err(|_| Cut).boxed_unsync();
        let (inlet, coming) = coming::pair(body, self.gateway.inner.parts.clock.clone(), self.patience.body);
        (Streamed { inlet, version: head.version, waits: reading::waits(head) }, coming)
    }

    /// What becomes of the rest of a body when its request was answered; true when the connection ends with the answer. A client
    /// that is still sending may not look for its answer before it is done, so what is little is taken first, and more
    /// while the answer goes out.
    async fn leave(&self, streamed: Streamed) -> bool {
        let (body, untouched) = match streamed.inlet.rest() {
            Rest::Nothing => return false,
            Rest::Broken => return true,
            Rest::Left { body, untouched } => (body, untouched),
        };
        // A stream of HTTP/2 is closed by itself, and its client hears of it at once.
        if streamed.version == Version::HTTP_2 {
            return false;
        }
        // Nobody told the client to send.
        if streamed.waits && untouched {
            return true;
        }
        let little = body.size_hint().exact().is_some_and(|bytes| bytes <= REFUSED_BODY_BYTES);
        let clock = self.gateway.inner.parts.clock.clone();
        let beginning = clock.tick();
        let mut leaving = Box::pin(reading::leave(body));
        if little {
            tokio::select! {
                ended = leaving.as_mut() => return !ended,
                () = clock.sleep_until(beginning.plus(LEFT_BODY_FIRST)) => {}
            }
        }
        self.tasks.spawn("rest", OnError::Log, async move {
            tokio::select! {
                _ = leaving => {}
                () = clock.sleep_until(beginning.plus(LEFT_BODY)) => {}
            }
            Ok(())
        });
        true
    }

    async fn request(
        &self,
        request: Request<Incoming>,
        pace: &Arc<Pace>,
    ) -> Result<Response<Body>, Infallible> {
        let (mut head, body) = request.into_parts();
        if let Err((status, text)) = heads::settle(&mut head) {
            return Ok(last(private::text(status, text)));
        }
        pace.body();
        let inner = &self.gateway.inner;
        let mut held = inner.bodies.hold();
        let private = private::is_private(head.uri.path());
        let running = match self.admission {
            // Our health can be asked for at any time, and is no load to speak of.
            Admission::Open if !private => inner.load.enter(&self.load, &self.source),
            Admission::Open | Admission::Full => None,
            Admission::NeedsTls => {
                let text = "this port speaks TLS: say https:// where you said http://\n";
                return Ok(last(private::text(StatusCode::BAD_REQUEST, text)));
            }
        };
        let refused = running.is_none() && !private;
        let mut streamed = None;
        let read = if refused {
            reading::refuse(&head, body, pace).await
        } else if !body.is_end_stream() && reading::is_streamed(&head, &inner.parts.settings.hosts) {
            let (mine, coming) = self.stream(&head, body);
            streamed = Some(mine);
            Read::Coming(Box::new(coming))
        } else {
            reading::read(&head, body, &mut held, pace).await
        };
        pace.answer();
        if private && matches!(read, Read::Broken) {
            return Ok(last(private::text(StatusCode::BAD_REQUEST, "the body could not be read\n")));
        }
        let ends = self.admission == Admission::Full || matches!(read, Read::Broken);
        let (answer, answered) = oneshot::channel();
        let (gateway, source) = (self.gateway.clone(), self.source.clone());
        self.tasks.spawn("request", OnError::Log, async move {
            let _held = held;
            let response = gateway.answer(head, read, source).await;
            // The client may have gone away meanwhile; what it asked for is done all the same.
            let _ = answer.send((response, running));
            Ok(())
        });
        // The sender is dropped without an answer only when the task panicked, which was reported.
        let (response, running) = answered
            .await
            .unwrap_or_else(|_| (private::text(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n"), None));
        let ends = match streamed {
            // In a box, since few requests need the room.
            Some(streamed) => Box::pin(self.leave(streamed)).await || ends,
            None => ends,
        };
        let response = if ends { last(response) } else { response };
        // The request is under way until its answer was taken: answers take memory as well.
        Ok(response.map(|body| body.ending((Answered(pace.clone()), running))))
    }
}

/// What the connection keeps of a body that is read while its operation runs.
struct Streamed {
    inlet: Inlet,
    version: Version,
    /// Whether the client waits for our word before it sends.
    waits: bool,
}

/// Closes the connection after this answer.
fn last(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Why a connection ended.
#[derive(Debug)]
enum Ended {
    Io(io::Error),
    Http(hyper::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Ended {
        Ended::Io(error)
    }
}

impl From<hyper::Error> for Ended {
    fn from(error: hyper::Error) -> Ended {
        Ended::Http(error)
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ended::Io(error) => error.fmt(f),
            Ended::Http(error) => error.fmt(f),
        }
    }
}
