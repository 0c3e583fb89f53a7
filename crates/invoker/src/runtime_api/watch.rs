use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::{io, io::IoSlice};

use sandbox::Connection;
use tasks::{Clock, Tick};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits;

/// What a connection is doing, for its deadlines. There is none while nothing has begun: a frozen or idle environment
/// keeps its connections for ever.
pub(crate) struct Watch {
    clock: Clock,
    doing: AtomicU8,
    /// When the head began, or when the body last moved.
    since: AtomicU64,
    holding: AtomicU8,
}

/// Nothing has begun.
const QUIET: u8 = 0;
/// A request head has begun.
const HEAD: u8 = 1;
/// A body is being read.
const BODY: u8 = 2;
/// A request is being answered, e.g. a `next` that waits.
const SERVING: u8 = 3;
/// A call was answered, and a `next` may have come right behind.
const ANSWERED: u8 = 4;

/// No answer is held back.
const NOTHING: u8 = 0;
/// One is.
const HELD: u8 = 1;
/// One is, and is to leave.
const LET_GO: u8 = 2;

impl Watch {
    pub(crate) fn new(clock: Clock) -> Watch {
        Watch {
            clock,
            doing: AtomicU8::new(QUIET),
            since: AtomicU64::new(0),
            holding: AtomicU8::new(NOTHING),
        }
    }

    /// When the connection is to be closed, if nothing happens until then.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        let limit = match self.doing.load(Ordering::Relaxed) {
            HEAD => limits::HEAD_LIMIT,
            BODY => limits::PROGRESS_LIMIT,
            _ => return None,
        };
        Some(Tick(self.since.load(Ordering::Relaxed)).plus(limit))
    }

    /// After the connection came to rest: true if it holds an answer back with nothing behind it, which its next flush
    /// sends.
    pub(crate) fn lets_go(&self) -> bool {
        let rests =
            self.holding.load(Ordering::Relaxed) == HELD && self.doing.load(Ordering::Relaxed) != SERVING;
        if rests {
            self.holding.store(LET_GO, Ordering::Relaxed);
        }
        rests
    }

    /// A request is being answered.
    pub(crate) fn serving(&self) {
        self.doing.store(SERVING, Ordering::Relaxed);
    }

    /// Its body is being read.
    pub(crate) fn reading_body(&self) {
        self.touch();
        self.doing.store(BODY, Ordering::Relaxed);
    }

    /// The request is done.
    pub(crate) fn quiet(&self) {
        if self.doing.load(Ordering::Relaxed) != ANSWERED {
            self.doing.store(QUIET, Ordering::Relaxed);
        }
    }

    /// The request is done, and was the answer to a call.
    pub(crate) fn answered(&self) {
        self.doing.store(ANSWERED, Ordering::Relaxed);
    }

    fn touch(&self) {
        self.since.store(self.clock.tick().0, Ordering::Relaxed);
    }

    fn received(&self) {
        match self.doing.load(Ordering::Relaxed) {
            QUIET | ANSWERED => {
                self.touch();
                self.doing.store(HEAD, Ordering::Relaxed);
            }
            BODY => self.touch(),
            _ => {}
        }
    }
}

/// A connection that tells its watch when bytes arrive, and is careful with hyper's writes:
///
/// * The reply to an answer is held back until the connection is at rest or has more to write. So that reply and the
///   event for a `next` that came together with the answer leave in one write, and wake the runtime once.
/// * While the peer does not read, nothing is read from it: hyper would go on reading pipelined requests and keep their
///   answers in memory.
pub(crate) struct Watched {
    connection: Connection,
    watch: Arc<Watch>,
    held: Vec<u8>,
    writing: Writing,
}

/// Whether the peer reads what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    Free,
    /// The last write found no room.
    Blocked,
    /// The same, and a read was put off for it.
    BlockedReader,
}

/// Slices of one write: what is held, and what hyper passes for a head and a body.
const SLICES: usize = 8;

impl Watched {
    pub(crate) fn new(connection: Connection, watch: Arc<Watch>) -> Watched {
        Watched { connection, watch, held: Vec::new(), writing: Writing::Free }
    }

    /// Takes the reply to an answer for later.
    fn hold(&mut self, bufs: &[IoSlice<'_>]) -> Option<usize> {
        let length: usize = bufs.iter().map(|buf| buf.len()).sum();
        let answered = self.watch.doing.load(Ordering::Relaxed) == ANSWERED;
        if !answered || !self.held.is_empty() || !(1..=limits::HELD_BYTES).contains(&length) {
            return None;
        }
        bufs.iter().for_each(|buf| self.held.extend_from_slice(buf));
        self.watch.holding.store(HELD, Ordering::Relaxed);
        Some(length)
    }

    /// Writes what is held and then `bufs`; ready once some of `bufs` is written, or all that is held without them.
    fn write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let taken = bufs.len().min(SLICES - 1);
        slices[1..=taken].copy_from_slice(&bufs[..taken]);
        let wants = slices[1..=taken].iter().any(|buf| !buf.is_empty());
        while !self.held.is_empty() || wants {
            let mut slices = slices;
            slices[0] = IoSlice::new(&self.held);
            let wrote = Pin::new(&mut self.connection).poll_write_vectored(cx, &slices[..=taken]);
            let count = std::task::ready!(self.written(wrote, cx))?;
            if count == 0 {
                return Poll::Ready(Ok(0));
            }
            let of_held = count.min(self.held.len());
            self.held.drain(..of_held);
            if self.held.is_empty() {
                self.watch.holding.store(NOTHING, Ordering::Relaxed);
            }
            if count > of_held {
                return Poll::Ready(Ok(count - of_held));
            }
        }
        Poll::Ready(Ok(0))
    }

    /// Writes what is held.
    fn let_go(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(cx, &[]).map_ok(|_| ())
    }

    fn written<T>(&mut self, wrote: Poll<T>, cx: &mut Context<'_>) -> Poll<T> {
        if wrote.is_ready() {
            if self.writing == Writing::BlockedReader {
                cx.waker().wake_by_ref();
            }
            self.writing = Writing::Free;
        } else if self.writing == Writing::Free {
            self.writing = Writing::Blocked;
        }
        wrote
    }
}

impl AsyncRead for Watched {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.writing != Writing::Free {
            // The write wakes the task, and puts this right.
            this.writing = Writing::BlockedReader;
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut this.connection).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.watch.received();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.watch.holding.load(Ordering::Relaxed) == LET_GO {
            std::task::ready!(this.let_go(cx))?;
        }
        Pin::new(&mut this.connection).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        std::task::ready!(this.let_go(cx))?;
        Pin::new(&mut this.connection).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.hold(bufs) {
            Some(held) => Poll::Ready(Ok(held)),
            None => this.write(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
