use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;

/// A listener inside a box.
#[derive(Debug)]
pub enum Listener {
    /// A bound socket inside the box's network namespace, not yet part of a reactor.
    Tcp(std::net::TcpListener),
    /// Connections of a simulated box.
    Memory(mpsc::Receiver<DuplexStream>),
}

/// A listener that belongs to the current reactor.
#[derive(Debug)]
pub enum Accepting {
    /// A socket.
    Tcp(tokio::net::TcpListener),
    /// A simulated box.
    Memory(mpsc::Receiver<DuplexStream>),
}

/// An accepted connection.
#[derive(Debug)]
pub enum Connection {
    /// A socket with `TCP_NODELAY` set.
    Tcp(tokio::net::TcpStream),
    /// A simulated box.
    Memory(DuplexStream),
}

impl Listener {
    /// Registers the listener with the current tokio runtime.
    pub fn accepting(self) -> io::Result<Accepting> {
        Ok(match self {
            Listener::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Accepting::Tcp(tokio::net::TcpListener::from_std(listener)?)
            }
            Listener::Memory(receiver) => Accepting::Memory(receiver),
        })
    }
}

impl Accepting {
    /// Waits for the next connection; an error when no more can come.
    pub async fn accept(&mut self) -> io::Result<Connection> {
        match self {
            Accepting::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Connection::Tcp(stream))
            }
            Accepting::Memory(receiver) => match receiver.recv().await {
                Some(stream) => Ok(Connection::Memory(stream)),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            },
        }
    }
}

impl Accepting {
    /// Like [`Accepting::accept`], for a task that polls several things.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        match self {
            Accepting::Tcp(listener) => {
                let (stream, _) = std::task::ready!(listener.poll_accept(cx))?;
                stream.set_nodelay(true)?;
                Poll::Ready(Ok(Connection::Tcp(stream)))
            }
            Accepting::Memory(receiver) => Poll::Ready(match std::task::ready!(receiver.poll_recv(cx)) {
                Some(stream) => Ok(Connection::Memory(stream)),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            }),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Connection::Memory(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Connection::Memory(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Connection::Memory(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Connection::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Connection::Memory(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Connection::Tcp(stream) => stream.is_write_vectored(),
            Connection::Memory(stream) => stream.is_write_vectored(),
        }
    }
}

/// What a box's command writes to standard output or standard error.
#[derive(Debug)]
pub enum Output {
    /// The reading end of a pipe.
    Pipe(OwnedFd),
    /// A simulated box.
    Memory(DuplexStream),
}

/// An output that belongs to the current reactor.
#[derive(Debug)]
pub enum Reading {
    /// The reading end of a pipe.
    Pipe(tokio::net::unix::pipe::Receiver),
    /// A simulated box.
    Memory(DuplexStream),
}

impl Output {
    /// Registers the output with the current tokio runtime.
    pub fn reading(self) -> io::Result<Reading> {
        Ok(match self {
            Output::Pipe(fd) => Reading::Pipe(tokio::net::unix::pipe::Receiver::from_owned_fd(fd)?),
            Output::Memory(stream) => Reading::Memory(stream),
        })
    }
}

impl AsyncRead for Reading {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Reading::Pipe(pipe) => Pin::new(pipe).poll_read(cx, buf),
            Reading::Memory(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}
