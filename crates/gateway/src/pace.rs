//! Slow clients are dropped: time for a head, for a body and for taking an answer, some at once and more for each byte.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tasks::{Clock, Tick};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits;

/// How long a client may take for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Between requests; `None` waits for ever.
    pub(crate) idle: Option<Duration>,
    /// For a begun head.
    pub(crate) head: Duration,
    /// For a body, before what its bytes earn.
    pub(crate) body: Duration,
    /// For taking an answer, before what its bytes earn.
    pub(crate) write: Duration,
}

impl Patience {
    pub(crate) const CLIENT: Patience =
        Patience { idle: Some(limits::IDLE), head: limits::HEAD, body: limits::BODY, write: limits::WRITE };
    /// Of a connection for which there is no room.
    pub(crate) const REFUSED: Patience = Patience { idle: Some(limits::IDLE_REFUSED), ..Patience::CLIENT };
    /// An environment may be frozen at any byte, and it ends with its connections.
    pub(crate) const ENVIRONMENT: Patience =
        Patience { idle: None, head: limits::INSIDE, body: limits::INSIDE, write: limits::INSIDE };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Head,
    Body,
    Answer,
    /// A piece of an answer waits for the client.
    Taking,
    /// The connection has streams, each with a pace of its own.
    Streams,
}

/// Where a connection is in its request, shared by its socket and its handler.
pub(crate) struct Pace {
    clock: Clock,
    patience: Patience,
    phase: AtomicU8,
    since: AtomicU64,
    received: AtomicU64,
    streams: AtomicUsize,
}

impl Pace {
    pub(crate) fn new(clock: Clock, patience: Patience) -> Arc<Pace> {
        let since = AtomicU64::new(clock.tick().0);
        let (received, streams) = (AtomicU64::new(0), AtomicUsize::new(0));
        Arc::new(Pace { clock, patience, phase: AtomicU8::new(0), since, received, streams })
    }

    /// A head was read; its body comes.
    pub(crate) fn body(&self) {
        self.received.store(0, Ordering::Relaxed);
        self.enter(Phase::Body);
    }

    /// So many bytes of the body came.
    pub(crate) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The request is here; the answer takes as long as it takes.
    pub(crate) fn answer(&self) {
        self.enter(Phase::Answer);
    }

    /// The answer was taken.
    pub(crate) fn idle(&self) {
        self.enter(Phase::Idle);
    }

    /// A piece of the answer waits for the client.
    pub(crate) fn taking(&self) {
        self.enter(Phase::Taking);
    }

    /// From now on the requests of this connection are streams.
    pub(crate) fn multiplex(&self) {
        self.enter(Phase::Streams);
    }

    /// A stream began.
    pub(crate) fn open(&self) {
        self.streams.fetch_add(1, Ordering::Relaxed);
    }

    /// A stream ended.
    pub(crate) fn close(&self) {
        self.since.store(self.clock.tick().0, Ordering::Relaxed);
        self.streams.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends when the client is overdue, at most a write's patience late.
    pub(crate) async fn overdue(&self) {
        loop {
            let now = self.clock.tick();
            let deadline = self.deadline();
            if deadline.is_some_and(|deadline| deadline <= now) {
                return;
            }
            let look = now.plus(self.patience.write);
            self.clock.sleep_until(deadline.map_or(look, |deadline| deadline.min(look))).await;
        }
    }

    fn enter(&self, phase: Phase) {
        self.since.store(self.clock.tick().0, Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Idle,
            1 => Phase::Head,
            2 => Phase::Body,
            3 => Phase::Answer,
            4 => Phase::Taking,
            _ => Phase::Streams,
        }
    }

    fn heard(&self) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    /// When the client must have sent what it owes.
    fn deadline(&self) -> Option<Tick> {
        let since = Tick(self.since.load(Ordering::Relaxed));
        match self.phase() {
            Phase::Idle => self.patience.idle.map(|idle| since.plus(idle)),
            Phase::Head => Some(since.plus(self.patience.head)),
            Phase::Body => {
                Some(since.plus(self.patience.body + earned(self.received.load(Ordering::Relaxed))))
            }
            Phase::Answer => None,
            Phase::Taking => Some(since.plus(self.patience.write)),
            Phase::Streams if self.streams.load(Ordering::Relaxed) > 0 => None,
            Phase::Streams => self.patience.idle.map(|idle| since.plus(idle)),
        }
    }
}

/// The time that bytes earn.
fn earned(bytes: u64) -> Duration {
    Duration::from_secs(bytes / limits::BODY_BYTES_PER_SECOND).min(limits::BODY_EARNED)
}

/// Tells the pace that the answer was taken, however it ended.
pub(crate) struct Answered(pub(crate) Arc<Pace>);

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.idle();
    }
}

/// Wakes a task at a deadline that may move.
#[derive(Default)]
pub(crate) struct Alarm(Option<(Tick, Ringing)>);

type Ringing = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Alarm {
    /// True when the deadline has passed; else sees to it that the task wakes at the latest then, to ask again.
    pub(crate) fn rings(&mut self, clock: &Clock, deadline: Tick, cx: &mut Context<'_>) -> bool {
        loop {
            // An alarm before the deadline is kept: when it rings, the deadline of then is looked at.
            if self.0.as_ref().is_none_or(|(at, _)| *at > deadline) {
                let clock = clock.clone();
                self.0 = Some((deadline, Box::pin(async move { clock.sleep_until(deadline).await })));
            }
            let Some((at, alarm)) = &mut self.0 else { return false };
            let at = *at;
            if alarm.as_mut().poll(cx).is_pending() {
                return false;
            }
            self.0 = None;
            if at >= deadline {
                return true;
            }
        }
    }
}

/// How long a client has kept us waiting, less what its bytes have earned.
#[derive(Default)]
pub(crate) struct Waited {
    since: Option<Tick>,
    before: Duration,
    /// Bytes that have earned nothing yet.
    bytes: u64,
}

impl Waited {
    /// We wait now: when the client's time is up.
    pub(crate) fn until(&mut self, now: Tick, patience: Duration) -> Tick {
        self.since.get_or_insert(now);
        self.deadline(patience).unwrap_or(now)
    }

    /// True for whoever was waited for: nearly nobody.
    pub(crate) fn is_something(&self) -> bool {
        self.since.is_some() || !self.before.is_zero()
    }

    /// The client went on by so many bytes.
    pub(crate) fn settle(&mut self, now: Tick, bytes: u64) {
        if let Some(since) = self.since.take() {
            self.before += now.since(since);
        }
        self.bytes += bytes;
        let earns = self.bytes / limits::BODY_BYTES_PER_SECOND;
        self.bytes -= earns * limits::BODY_BYTES_PER_SECOND;
        self.before = self.before.saturating_sub(Duration::from_secs(earns));
    }

    fn deadline(&self, patience: Duration) -> Option<Tick> {
        self.since.map(|since| since.plus(patience.saturating_sub(self.before)))
    }
}

/// A connection that fails with `TimedOut` when the client is too slow.
pub(crate) struct Paced<T> {
    io: T,
    pace: Arc<Pace>,
    /// For taking answers.
    waited: Waited,
    alarm: Alarm,
}

impl<T> Paced<T> {
    pub(crate) fn new(io: T, pace: Arc<Pace>) -> Paced<T> {
        Paced { io, pace, waited: Waited::default(), alarm: Alarm::default() }
    }

    /// Called when nothing could be read or written: sees to it that the task wakes at the deadline, and tells when it
    /// has passed.
    fn overdue(&mut self, cx: &mut Context<'_>) -> bool {
        let write = self.waited.deadline(self.pace.patience.write);
        let Some(deadline) = [self.pace.deadline(), write].into_iter().flatten().min() else {
            return false;
        };
        self.alarm.rings(&self.pace.clock, deadline, cx)
    }
}

fn timed_out<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.io).poll_read(cx, buf);
        match result {
            Poll::Pending if self.overdue(cx) => timed_out(),
            Poll::Ready(Ok(())) if buf.filled().len() > before => {
                self.pace.heard();
                result
            }
            _ => result,
        }
    }
}

impl<T: AsyncWrite + Unpin> Paced<T> {
    fn written(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = &result {
            if self.waited.is_something() {
                let bytes = written.as_ref().map_or(0, |bytes| *bytes as u64);
                self.waited.settle(self.pace.clock.tick(), bytes);
            }
            return result;
        }
        self.waited.until(self.pace.clock.tick(), self.pace.patience.write);
        if self.overdue(cx) { timed_out() } else { result }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, buf);
        self.written(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tasks::{OnError, Shutdown, Tasks};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    /// Reads from a paced connection on a virtual clock after `prepare`; answers when the read failed, in seconds.
    async fn fails_after(prepare: impl FnOnce(&Pace), sent: &[u8]) -> Option<u64> {
        let clock = Clock::virtual_at(0);
        let pace = Pace::new(clock.clone(), Patience::CLIENT);
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(sent).await.unwrap();
        let mut paced = Paced::new(server, pace.clone());
        let mut buffer = [0; 64];
        if !sent.is_empty() {
            assert_eq!(paced.read(&mut buffer).await.unwrap(), sent.len());
        }
        prepare(&pace);
        let (tell, mut told) = oneshot::channel();
        let tasks = Tasks::new(Shutdown::new());
        let watch = clock.clone();
        tasks.spawn("read", OnError::Log, async move {
            let error = paced.read(&mut [0; 64]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            let _ = tell.send(watch.tick().0 / 1_000_000_000);
            Ok(())
        });
        clock.advance(Duration::from_secs(1_000)).await;
        told.try_recv().ok()
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_is_dropped() {
        assert_eq!(fails_after(|_| {}, b"").await, Some(limits::IDLE.as_secs()));
    }

    #[tokio::test]
    async fn a_client_that_begins_a_head_must_end_it() {
        assert_eq!(fails_after(|_| {}, b"GET /").await, Some(limits::HEAD.as_secs()));
    }

    #[tokio::test]
    async fn the_bytes_of_a_body_earn_time() {
        let sent = 5 * limits::BODY_BYTES_PER_SECOND as usize;
        let prepare = |pace: &Pace| {
            pace.body();
            pace.received(sent);
        };
        assert_eq!(fails_after(prepare, b"x").await, Some(limits::BODY.as_secs() + 5));
    }

    #[tokio::test]
    async fn nobody_is_dropped_while_we_work() {
        assert_eq!(fails_after(Pace::answer, b"x").await, None);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_dropped() {
        let clock = Clock::virtual_at(0);
        let pace = Pace::new(clock.clone(), Patience::CLIENT);
        pace.answer();
        let (client, server) = tokio::io::duplex(4);
        let mut paced = Paced::new(server, pace);
        let (tell, mut told) = oneshot::channel();
        Tasks::new(Shutdown::new()).spawn("write", OnError::Log, async move {
            let _ = tell.send(paced.write_all(b"more than four").await.unwrap_err().kind());
            Ok(())
        });
        clock.advance(limits::WRITE - Duration::from_secs(1)).await;
        assert!(told.try_recv().is_err());
        clock.advance(Duration::from_secs(1)).await;
        assert_eq!(told.try_recv(), Ok(io::ErrorKind::TimedOut));
        drop(client);
    }

    #[tokio::test]
    async fn a_client_that_takes_an_answer_byte_by_byte_is_dropped() {
        let clock = Clock::virtual_at(0);
        let pace = Pace::new(clock.clone(), Patience::CLIENT);
        pace.answer();
        let (mut client, server) = tokio::io::duplex(4);
        let mut paced = Paced::new(server, pace);
        let (tell, mut told) = oneshot::channel();
        Tasks::new(Shutdown::new()).spawn("write", OnError::Log, async move {
            let _ = tell.send(paced.write_all(&[b'x'; 1024]).await.unwrap_err().kind());
            Ok(())
        });
        let mut seconds = 0;
        while told.try_recv().is_err() {
            clock.advance(Duration::from_secs(1)).await;
            seconds += 1;
            assert!(seconds <= limits::WRITE.as_secs(), "still served");
            client.read_u8().await.ok();
        }
        assert_eq!(seconds, limits::WRITE.as_secs());
    }

    #[tokio::test]
    async fn a_stream_is_overdue_when_its_client_takes_no_piece_and_a_connection_when_it_has_none() {
        let clock = Clock::virtual_at(0);
        let overdue = |pace: Arc<Pace>| {
            let (tell, told) = oneshot::channel();
            let watch = clock.clone();
            Tasks::new(Shutdown::new()).spawn("stream", OnError::Log, async move {
                pace.overdue().await;
                let _ = tell.send(watch.tick().0 / 1_000_000_000);
                Ok(())
            });
            told
        };
        let new = || Pace::new(clock.clone(), Patience::CLIENT);
        let (taking, working, connection) = (new(), new(), new());
        taking.taking();
        working.answer();
        connection.multiplex();
        let mut told = [taking, working, connection.clone()].map(overdue);
        connection.open();
        clock.advance(Duration::from_secs(100)).await;
        connection.close();
        clock.advance(Duration::from_secs(300)).await;
        let told = told.each_mut().map(|told| told.try_recv().ok());
        assert_eq!(told, [Some(limits::WRITE.as_secs()), None, Some(100 + limits::IDLE.as_secs())]);
    }
}
