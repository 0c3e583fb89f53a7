//! What a new connection speaks, told by its first bytes, which are then read again.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use crate::framing::Framing;
use crate::limits::FIRST_READ_BYTES;

/// The first bytes of every HTTP/2 connection (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The first byte of every TLS connection: a record that holds a handshake message.
const HANDSHAKE: u8 = 0x16;

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http1,
    Http2,
    Tls,
}

impl Spoken {
    /// `None` when more bytes must come.
    fn of(bytes: &[u8]) -> Option<Spoken> {
        match bytes.first()? {
            &HANDSHAKE => Some(Spoken::Tls),
            _ if bytes.starts_with(PREFACE) => Some(Spoken::Http2),
            _ if PREFACE.starts_with(bytes) => None,
            _ => Some(Spoken::Http1),
        }
    }
}

/// A connection that has begun to speak.
pub(crate) struct Begun {
    /// What it speaks.
    pub(crate) spoken: Spoken,
    /// Its first bytes, which must be read again.
    pub(crate) first: Bytes,
}

/// Reads until it is clear what the other side speaks; `None` when it said nothing.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn sniff<T>(io: &mut T) -> io::Result<Option<Begun>>
where
    T: AsyncRead + Unpin,
{
    let mut first = Vec::with_capacity(FIRST_READ_BYTES);
    loop {
        let read = io.read_buf(&mut first).await?;
        match Spoken::of(&first) {
            Some(spoken) => return Ok(Some(Begun { spoken, first: first.into() })),
            None if first.is_empty() => return Ok(None),
            // It ends within the preface: whatever it was, it is no HTTP/2.
            None if read == 0 => return Ok(Some(Begun { spoken: Spoken::Http1, first: first.into() })),
            None => {}
        }
    }
}

/// A connection whose first bytes were read already, and which is followed by [`Framing`] when it speaks HTTP/1.
pub(crate) struct Replayed<T> {
    io: T,
    first: Bytes,
    framing: Option<Framing>,
    /// Nothing more is read.
    refused: bool,
}

impl<T> Replayed<T> {
    /// Replays `first`, then goes on with `io`.
    pub(crate) fn new(io: T, first: Bytes) -> Replayed<T> {
        Replayed { io, first, framing: None, refused: false }
    }

    /// The same for HTTP/1, with every byte looked at.
    pub(crate) fn followed(io: T, first: Bytes) -> Replayed<T> {
        Replayed { framing: Some(Framing::new()), ..Replayed::new(io, first) }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Replayed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.refused {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        if this.first.is_empty() {
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        } else {
            let length = this.first.len().min(buf.remaining());
            buf.put_slice(&this.first[..length]);
            this.first.advance(length);
            if this.first.is_empty() {
                this.first = Bytes::new();
            }
        }
        if let Some(framing) = &mut this.framing
            && let Err(unclear) = framing.take(&buf.filled()[before..])
        {
            tracing::debug!(why = unclear.why, "a request is refused");
            // A byte that is allowed nowhere: hyper answers 400 and closes, or fails the body.
            buf.set_filled(before + unclear.at);
            buf.put_slice(&[0]);
            this.refused = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Replayed<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
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

    #[test]
    fn the_first_bytes_tell() {
        for (first, spoken) in [
            (&b""[..], None),
            (b"P", None),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", None),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Spoken::Http2)),
            (b"POST / HTTP/1.1\r\n", Some(Spoken::Http1)),
            (b"PRI * HTTP/1.1\r\n", Some(Spoken::Http1)),
            (b"\x16\x03\x01", Some(Spoken::Tls)),
        ] {
            assert_eq!(Spoken::of(first), spoken, "{first:?}");
        }
    }

    #[tokio::test]
    async fn a_refused_connection_yields_what_was_clear_a_poison_and_no_more() {
        let (mut client, server) = tokio::io::duplex(1024);
        let bytes = b"GET / HTTP/1.1\r\nhost: h\n\r\nGET / HTTP/1.1\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut client, bytes).await.unwrap();
        let mut read = Vec::new();
        Replayed::followed(server, Bytes::from_static(b"\r\n")).read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"\r\nGET / HTTP/1.1\r\nhost: h\0");
    }
}
