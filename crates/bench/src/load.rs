//! The load generator: connections that send one request again and again, and what each answer took.
//!
//! One thread. A single connection blocks in `read`, the cheapest wait there is; several wait in epoll. What is sent was
//! signed before the clock started: the client's signing is not the server's time. The server verifies every request.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use tasks::{Clock, Tick};

use crate::connection::Connection;
use crate::limits;
use crate::message::Answer;
use crate::sample::Sample;

/// What a run of calls took.
pub struct Run {
    /// The latency of each call.
    pub sample: Sample,
    /// From the first request to the last answer.
    pub elapsed: Duration,
}

impl Run {
    /// Calls per second.
    pub fn rate(&self) -> f64 {
        self.sample.count() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Connections to one server.
pub struct Crowd {
    connections: Vec<Connection>,
    clock: Clock,
}

impl Crowd {
    /// Opens `count` connections.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn open(address: SocketAddr, count: usize) -> anyhow::Result<Crowd> {
        let open = |_| Connection::open(address).with_context(|| format!("connect to {address}"));
        let connections = (0..count).map(open).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Crowd { connections, clock: Clock::real() })
    }

    /// Every connection sends its next request when it has its answer, for `length`.
    ///
    /// # Errors
    /// When a connection breaks or an answer is no success.
    pub fn closed(&mut self, request: &[u8], length: Duration) -> anyhow::Result<Run> {
        if let [connection] = self.connections.as_mut_slice() {
            return alone(connection, &self.clock, request, length);
        }
        self.together(request, Some(length))
    }

    /// Every connection sends one request, all at once.
    ///
    /// # Errors
    /// As [`Crowd::closed`].
    pub fn once(&mut self, request: &[u8]) -> anyhow::Result<Run> {
        self.together(request, None)
    }

    /// The first connection sends `calls` requests, one `every` so long after the one before was due.
    ///
    /// # Errors
    /// As [`Crowd::closed`].
    pub fn paced(&mut self, request: &[u8], every: Duration, calls: usize) -> anyhow::Result<Run> {
        let connection = self.connections.first_mut().context("a paced loop needs a connection")?;
        let mut latencies = Vec::with_capacity(calls);
        let begun = self.clock.tick();
        let mut due = begun;
        for _ in 0..calls {
            sleep(due.since(self.clock.tick()));
            latencies.push(call(connection, &self.clock, request)?);
            // A late call is not made up for: this measures calls after a pause, not a queue.
            due = due.max(self.clock.tick()).plus(every);
        }
        Ok(Run { sample: Sample::of(latencies), elapsed: self.clock.tick().since(begun) })
    }

    fn together(&mut self, request: &[u8], length: Option<Duration>) -> anyhow::Result<Run> {
        let Crowd { connections, clock } = self;
        let waiter = epoll::create(epoll::CreateFlags::CLOEXEC).context("create an epoll")?;
        for (number, connection) in (0..).zip(connections.iter()) {
            connection.set_nonblocking().context("prepare a connection")?;
            let data = epoll::EventData::new_u64(number);
            epoll::add(&waiter, connection, data, epoll::EventFlags::IN).context("watch a connection")?;
        }
        let begun = clock.tick();
        let end = begun.plus(length.unwrap_or_default());
        let mut sent = vec![begun; connections.len()];
        for (connection, sent) in connections.iter_mut().zip(&mut sent) {
            *sent = clock.tick();
            connection.send(request).context("send a request")?;
        }
        let (mut open, mut latencies) = (connections.len(), Vec::new());
        let mut events = Vec::with_capacity(connections.len());
        while open > 0 {
            events.clear();
            let timeout = timespec(limits::ANSWER);
            epoll::wait(&waiter, spare_capacity(&mut events), Some(&timeout)).context("wait for answers")?;
            ensure!(!events.is_empty(), "{open} calls are not answered");
            for event in &events {
                let number = event.data.u64() as usize;
                let connection = &mut connections[number];
                connection.fill().context("read an answer")?;
                let Some(seen) = connection.take(succeeded).context("read an answer")? else { continue };
                seen?;
                let now = clock.tick();
                latencies.push(now.since(sent[number]).as_nanos() as u64);
                if now < end {
                    sent[number] = now;
                    connection.send(request).context("send a request")?;
                } else {
                    open -= 1;
                }
            }
        }
        Ok(Run { sample: Sample::of(latencies), elapsed: clock.tick().since(begun) })
    }
}

fn alone(
    connection: &mut Connection,
    clock: &Clock,
    request: &[u8],
    length: Duration,
) -> anyhow::Result<Run> {
    let begun = clock.tick();
    let end = begun.plus(length);
    let mut latencies = Vec::new();
    let mut now = begun;
    while now < end {
        latencies.push(call(connection, clock, request)?);
        now = clock.tick();
    }
    Ok(Run { sample: Sample::of(latencies), elapsed: now.since(begun) })
}

/// One call; the nanoseconds from before the request to after the answer.
fn call(connection: &mut Connection, clock: &Clock, request: &[u8]) -> anyhow::Result<u64> {
    let sent: Tick = clock.tick();
    connection.send(request).context("send a request")?;
    connection.receive(succeeded).context("read an answer")??;
    Ok(clock.tick().since(sent).as_nanos() as u64)
}

/// Only an answer of the function counts.
fn succeeded(answer: &Answer<'_>) -> anyhow::Result<()> {
    let failed = answer.header("x-amz-function-error");
    let shown = || String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]).into_owned();
    ensure!(answer.status == 200 && failed.is_none(), "status {} {}", answer.status, shown());
    Ok(())
}

/// Sleeps with the kernel's precision.
pub(crate) fn sleep(wait: Duration) {
    // Interrupted means a little earlier, which no caller minds.
    let _ = rustix::event::poll(&mut [], Some(&timespec(wait)));
}

fn timespec(wait: Duration) -> Timespec {
    let tv_sec = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec, tv_nsec: i64::from(wait.subsec_nanos()) }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// A server that answers each request of eight bytes with `answer`, for as many connections as come.
    fn server(answer: &'static [u8], connections: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..connections {
            let listener = listener.try_clone().unwrap();
            std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 8];
                while stream.read_exact(&mut request).is_ok() {
                    stream.write_all(answer).unwrap();
                }
            });
        }
        address
    }

    const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

    #[test]
    fn every_call_of_a_loop_is_counted_once() {
        let once = Crowd::open(server(GOOD, 9), 9).unwrap().once(b"request!").unwrap();
        assert_eq!(once.sample.count(), 9);
        let paced = Crowd::open(server(GOOD, 1), 1).unwrap();
        let paced = { paced }.paced(b"request!", Duration::from_micros(100), 20).unwrap();
        assert_eq!(paced.sample.count(), 20);
        assert!(paced.elapsed >= Duration::from_micros(1900));
        for connections in [1, 3] {
            let mut crowd = Crowd::open(server(GOOD, connections), connections).unwrap();
            let run = crowd.closed(b"request!", Duration::from_millis(20)).unwrap();
            assert!(run.sample.count() >= connections && run.rate() > 0.0);
            assert!(run.elapsed >= Duration::from_millis(20));
        }
    }

    #[test]
    fn an_answer_that_is_no_success_ends_the_run() {
        for bad in [
            &b"HTTP/1.1 429 Slow\r\nContent-Length: 2\r\n\r\n{}"[..],
            b"HTTP/1.1 200 OK\r\nX-Amz-Function-Error: Unhandled\r\nContent-Length: 2\r\n\r\n{}",
        ] {
            assert!(
                Crowd::open(server(bad, 1), 1)
                    .unwrap()
                    .closed(b"request!", Duration::from_millis(1))
                    .is_err()
            );
            assert!(Crowd::open(server(bad, 2), 2).unwrap().once(b"request!").is_err());
        }
    }
}
