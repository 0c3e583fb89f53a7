//! Where connections come from: the listener, and the sockets within environments; and how many there may be.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tasks::{OnError, Tasks};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::connection::{Admission, Connection};
use crate::limits::{ACCEPT_PAUSE, CONNECTIONS, CONNECTIONS_PER_ENVIRONMENT, CONNECTIONS_REFUSED};
use crate::load::Load;
use crate::pace::Patience;
use crate::{Gateway, Source};

/// Places for connections: so many in all, so many of one address.
pub(crate) struct Seats {
    per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// Those that are told that there is no room.
    refused: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place that is given back when dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    /// `None` for a place among those that are told that there is no room.
    address: Option<IpAddr>,
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
        Some(Seat { seats: self.clone(), address: Some(address) })
    }

    /// A place for a connection that is only told that there is no room for it.
    fn take_refused(self: &Arc<Seats>) -> Option<Seat> {
        let mut taken = self.lock();
        if taken.refused >= CONNECTIONS_REFUSED {
            return None;
        }
        taken.refused += 1;
        Some(Seat { seats: self.clone(), address: None })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        let Some(address) = self.address else {
            taken.refused -= 1;
            return;
        };
        taken.all -= 1;
        if let Some(count) = taken.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

impl Gateway {
    /// Accepts connections on the current runtime until the shutdown begins. Connections go on as tasks of `tasks` until
    /// their running request is answered; `tasks.idle()` waits for them.
    pub async fn serve(&self, listener: TcpListener, tasks: Tasks) {
        self.accept(listener, None, tasks).await;
    }

    /// [`Gateway::serve`] for clients that speak TLS; those that do not are told so.
    pub async fn serve_tls(&self, listener: TcpListener, acceptor: TlsAcceptor, tasks: Tasks) {
        self.accept(listener, Some(acceptor), tasks).await;
    }

    async fn accept(&self, listener: TcpListener, tls: Option<TlsAcceptor>, tasks: Tasks) {
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
            let seats = &self.inner.seats;
            let seat = seats.take(address.ip().to_canonical()).map(|seat| (seat, Admission::Open));
            let Some((seat, admission)) = seat.or_else(|| Some((seats.take_refused()?, Admission::Full)))
            else {
                tracing::debug!(%address, "too many connections, one is dropped");
                continue;
            };
            // Answers are written at once; waiting to fill a segment would only delay them.
            let _ = stream.set_nodelay(true);
            let connection = Connection {
                gateway: self.clone(),
                source: Source::Client(address),
                patience: match admission {
                    Admission::Full => Patience::REFUSED,
                    Admission::Open | Admission::NeedsTls => Patience::CLIENT,
                },
                admission,
                tasks: tasks.clone(),
                load: Arc::new(Load::default()),
            };
            let (shutdown, tls) = (shutdown.clone(), tls.clone());
            tasks.spawn("connection", OnError::Log, async move {
                let _seat = seat;
                connection.run(stream, tls, Some(shutdown)).await;
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
                        let connection = Connection {
                            gateway: self.clone(),
                            source: source.clone(),
                            patience: Patience::ENVIRONMENT,
                            admission: Admission::Open,
                            tasks: tasks.clone(),
                            load: Arc::new(Load::default()),
                        };
                        open.push(connection.run(stream, None, None));
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
