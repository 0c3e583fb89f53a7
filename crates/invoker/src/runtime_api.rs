//! The Runtime API of one environment (reference 3.1): `next`, `response`, `error`, `init/error`.
//!
//! hyper parses and writes; it is polled by the environment's own task, so a request wakes one task and its answer costs
//! one write. A hand-driven loop over httparse was weighed: it saves some 4 µs an exchange, but chunked bodies,
//! trailers, `Expect: 100-continue` (libcurl sends it) and pipelining would be ours to get right against hostile peers.
//! What hyper does not limit is limited around it: the number of connections here, the time of a begun head and of a
//! stalled body in [`watch`], sizes in [`serve`].

mod serve;
mod session;
mod shared;
mod watch;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use sandbox::{Accepting, Connection, Listener};
use tasks::{Clock, Tick};
use tokio::sync::Semaphore;

use crate::alarm::Alarm;
use crate::limits;

use serve::Service;
use shared::Shared;
use watch::{Watch, Watched};

pub(crate) use shared::{Answered, Delivery, Effect};

/// One environment's Runtime API: its listener and connections.
pub(crate) struct RuntimeApi {
    accepting: Option<Accepting>,
    resting_until: Option<Tick>,
    rest: Alarm,
    connections: FuturesUnordered<Served>,
    http: http1::Builder,
    shared: Arc<Shared>,
    bodies_kib: Arc<Semaphore>,
    clock: Clock,
}

impl RuntimeApi {
    /// Registers the listener with the current runtime. Response bodies are counted against `bodies_kib`.
    pub(crate) fn new(
        listener: Listener,
        clock: Clock,
        bodies_kib: Arc<Semaphore>,
    ) -> std::io::Result<RuntimeApi> {
        let mut http = http1::Builder::new();
        http.max_buf_size(limits::BUFFER_BYTES)
            .max_header_size(limits::HEAD_BYTES)
            // hyper has one timer for a begun head and for an idle connection; ours tells them apart.
            .header_read_timeout(None)
            .auto_date_header(false);
        Ok(RuntimeApi {
            accepting: Some(listener.accepting()?),
            resting_until: None,
            rest: Alarm::new(clock.clone()),
            connections: FuturesUnordered::new(),
            http,
            shared: Arc::new(Shared::new(clock.clone())),
            bodies_kib,
            clock,
        })
    }

    /// Hands an event over. The runtime must have asked for one.
    pub(crate) fn deliver(&self, delivery: Delivery) {
        self.shared.deliver(delivery);
    }

    /// What has happened and not been taken yet, the oldest first.
    pub(crate) fn take(&self) -> Option<Effect> {
        self.shared.take()
    }

    /// Serves the connections; ready when something has happened.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Effect> {
        loop {
            while let Poll::Ready(Some(())) = self.connections.poll_next_unpin(cx) {}
            if let Some(effect) = self.shared.take() {
                return Poll::Ready(effect);
            }
            if !self.accept(cx) {
                return Poll::Pending;
            }
        }
    }

    /// Takes connections up to the limit; the others wait in the listener's backlog. True if one came.
    fn accept(&mut self, cx: &mut Context<'_>) -> bool {
        if self.connections.len() >= limits::CONNECTIONS {
            return false;
        }
        let Some(accepting) = &mut self.accepting else { return false };
        if self.resting_until.is_some() && self.rest.poll(self.resting_until, cx).is_pending() {
            return false;
        }
        self.resting_until = None;
        match accepting.poll_accept(cx) {
            Poll::Pending => false,
            Poll::Ready(Ok(connection)) => {
                self.serve(connection);
                true
            }
            Poll::Ready(Err(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                self.accepting = None;
                false
            }
            Poll::Ready(Err(_)) => {
                // We may be out of descriptors, which would be ready again at once: rest.
                self.resting_until = Some(self.clock.tick().plus(limits::ACCEPT_REST));
                false
            }
        }
    }

    fn serve(&mut self, connection: Connection) {
        let watch = Arc::new(Watch::new(self.clock.clone()));
        let io = TokioIo::new(Watched::new(connection, watch.clone()));
        let service = Service {
            shared: self.shared.clone(),
            watch: watch.clone(),
            bodies_kib: self.bodies_kib.clone(),
        };
        let http = self.http.serve_connection(io, service);
        self.connections.push(Served { http, watch, alarm: Alarm::new(self.clock.clone()) });
    }
}

/// One connection with its deadlines.
struct Served {
    http: http1::Connection<TokioIo<Watched>, Service>,
    watch: Arc<Watch>,
    alarm: Alarm,
}

impl Future for Served {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if Pin::new(&mut this.http).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // hyper flushes whenever it is polled.
        if this.watch.lets_go() && Pin::new(&mut this.http).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        this.alarm.poll(this.watch.deadline(), cx)
    }
}
