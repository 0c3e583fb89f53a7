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
}

/// Nothing has begun.
const QUIET: u8 = 0;
/// A request head has begun.
const HEAD: u8 = 1;
/// A body is being read.
const BODY: u8 = 2;
/// A request is being answered, e.g. a `next` that waits.
const SERVING: u8 = 3;

impl Watch {
    pub(crate) fn new(clock: Clock) -> Watch {
        Watch { clock, doing: AtomicU8::new(QUIET), since: AtomicU64::new(0) }
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
        self.doing.store(QUIET, Ordering::Relaxed);
    }

    fn touch(&self) {
        self.since.store(self.clock.tick().0, Ordering::Relaxed);
    }

    fn received(&self) {
        match self.doing.load(Ordering::Relaxed) {
            QUIET => {
                self.touch();
                self.doing.store(HEAD, Ordering::Relaxed);
            }
            BODY => self.touch(),
            _ => {}
        }
    }
}

/// A connection that tells its watch when bytes arrive, and takes none while its peer does not read: hyper would go on
/// reading pipelined requests and keep their answers in memory.
pub(crate) struct Watched {
    connection: Connection,
    watch: Arc<Watch>,
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

impl Watched {
    pub(crate) fn new(connection: Connection, watch: Arc<Watch>) -> Watched {
        Watched { connection, watch, writing: Writing::Free }
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
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.connection).poll_write(cx, buf);
        this.written(wrote, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.connection).poll_write_vectored(cx, bufs);
        this.written(wrote, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }
}
