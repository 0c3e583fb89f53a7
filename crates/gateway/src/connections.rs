use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tasks::{OnError, Shutdown, Tasks};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::limits::{ACCEPT_PAUSE, BUFFER_BYTES, CONNECTIONS, CONNECTIONS_PER_ENVIRONMENT, HEADERS};
use crate::pace::{Answered, Pace, Paced, Patience};
use crate::{Body, Gateway, Source, private, reading};

/// Places for connections: so many in all, so many of one address.
pub(crate) struct Seats {
    per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place that is given back when dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Seats {
    pub(crate) fn new(per_address: usize) -> Arc<Seats> {
        Arc::new(Seats { per_address, taken: Mutex::default() })
    }

    pub(crate) fn taken(&self) -> usize {
        self.lock().all
    }

    fn take(self: &Arc<Seats>, address: IpAddr) -> Option<Seat> {
        let mut taken = self.lock();
        if taken.all >= CONNECTIONS {
            return None;
        }
        let of_address = taken.by_address.entry(address).or_default();
        if *of_address >= self.per_address {
            return None;
        }
        *of_address += 1;
        taken.all += 1;
        Some(Seat { seats: self.clone(), address })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.all -= 1;
        if let Some(count) = taken.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// One connection and all that its requests need.
struct Connection {
    gateway: Gateway,
    source: Source,
    patience: Patience,
    /// Where requests run, so that they end even when the client goes away.
    tasks: Tasks,
}

impl Gateway {
    /// Accepts connections on the current runtime until the shutdown begins. Connections go on as tasks of `tasks` until
    /// their running request is answered; `tasks.idle()` waits for them.
    pub async fn serve(&self, listener: TcpListener, tasks: Tasks) {
        let shutdown = self.inner.parts.shutdown.clone();
        let stopping = shutdown.begun();
        tokio::pin!(stopping);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopping => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "accept a connection");
                    self.inner.parts.clock.sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(seat) = self.inner.seats.take(address.ip().to_canonical()) else {
                tracing::debug!(%address, "too many connections, one is dropped");
                continue;
            };
            // Answers are written at once; waiting to fill a segment would only delay them.
            let _ = stream.set_nodelay(true);
            let connection = Connection {
                gateway: self.clone(),
                source: Source::Client(address),
                patience: Patience::CLIENT,
                tasks: tasks.clone(),
            };
            let shutdown = shutdown.clone();
            tasks.spawn("connection", OnError::Log, async move {
                let _seat = seat;
                connection.run(stream, Some(shutdown)).await;
                Ok(())
            });
        }
    }

    /// Serves the connections of one environment that `accept` yields, until it fails with `BrokenPipe` or the future is
    /// dropped, which closes them all. It goes on during a shutdown, since running functions may still call.
    pub async fn serve_environment<T, A>(&self, mut accept: A, environment: &str, tasks: Tasks)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A: AcceptFrom<T>,
    {
        let source = Source::Environment(environment.into());
        let mut open = FuturesUnordered::new();
        loop {
            let room = open.len() < CONNECTIONS_PER_ENVIRONMENT;
            tokio::select! {
                accepted = accept.accept(), if room => match accepted {
                    Ok(stream) => {
                        let (gateway, source, tasks) = (self.clone(), source.clone(), tasks.clone());
                        let connection = Connection { gateway, source, patience: Patience::ENVIRONMENT, tasks };
                        open.push(connection.run(stream, None));
                    }
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                    Err(_) => self.inner.parts.clock.sleep(ACCEPT_PAUSE).await,
                },
                Some(()) = open.next(), if !open.is_empty() => {}
            }
        }
        while open.next().await.is_some() {}
    }
}

/// Yields the connections of an environment.
pub trait AcceptFrom<T>: Send {
    /// Waits for the next connection; `BrokenPipe` when no more can come.
    fn accept(&mut self) -> impl Future<Output = io::Result<T>> + Send;
}

impl Connection {
    async fn run<T>(self, stream: T, shutdown: Option<Shutdown>)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pace = Pace::new(self.gateway.inner.parts.clock.clone(), self.patience);
        let io = TokioIo::new(Paced::new(stream, pace.clone()));
        let service = service_fn(|request| self.request(request, &pace));
        let connection = http1::Builder::new()
            .max_headers(HEADERS)
            .max_buf_size(BUFFER_BYTES)
            .header_read_timeout(None)
            .serve_connection(io, service);
        tokio::pin!(connection);
        let stopping = async {
            match shutdown {
                Some(shutdown) => shutdown.begun().await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(stopping);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopping => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(from = %self.source, error = %error, "connection ended");
        }
    }

    async fn request(
        &self,
        request: Request<Incoming>,
        pace: &Arc<Pace>,
    ) -> Result<Response<Body>, Infallible> {
        let (head, body) = request.into_parts();
        pace.body();
        let mut held = self.gateway.inner.bodies.hold();
        let read = reading::read(&head, body, &mut held, pace).await;
        pace.answer();
        let (answer, answered) = oneshot::channel();
        let (gateway, source) = (self.gateway.clone(), self.source.clone());
        self.tasks.spawn("request", OnError::Log, async move {
            let _held = held;
            let response = gateway.answer(head, read, source).await;
            // The client may have gone away meanwhile; what it asked for is done all the same.
            let _ = answer.send(response);
            Ok(())
        });
        // The sender is dropped without an answer only when the task panicked, which was reported.
        let response = answered
            .await
            .unwrap_or_else(|_| private::text(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n"));
        Ok(response.map(|body| body.ending(Answered(pace.clone()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_of_seats_and_gets_them_back() {
        let seats = Seats::new(2);
        let address: IpAddr = "10.0.0.1".parse().unwrap();
        let other: IpAddr = "10.0.0.2".parse().unwrap();
        let first = seats.take(address).unwrap();
        let _second = seats.take(address).unwrap();
        assert!(seats.take(address).is_none());
        assert!(seats.take(other).is_some());
        drop(first);
        assert_eq!(seats.taken(), 1);
        assert!(seats.take(address).is_some());
    }
}
