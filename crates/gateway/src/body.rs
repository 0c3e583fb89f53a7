//! The body of an answer: bytes at hand, or pieces that come.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, SizeHint};

use crate::limits::HTTP2_FRAME_BYTES;
use crate::pace::Pace;

/// Bytes that come piece by piece.
pub type Chunks = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The body of an answer.
pub struct Body {
    content: Content,
    /// The pace of the HTTP/2 stream on which it goes out in pieces.
    pace: Option<Arc<Pace>>,
    /// Dropped with the body: whoever waits for the end of the answer learns of it.
    _end: Option<Box<dyn Send>>,
}

enum Content {
    Whole(Bytes),
    Chunks { left: u64, chunks: Chunks },
    Stream { left: Option<u64>, chunks: wire::Chunks },
}

impl Body {
    /// A body that is at hand.
    pub fn whole(bytes: impl Into<Bytes>) -> Body {
        Body { content: Content::Whole(bytes.into()), pace: None, _end: None }
    }

    /// A body of `length` bytes that comes in pieces.
    pub fn chunks(length: u64, chunks: Chunks) -> Body {
        Body { content: Content::Chunks { left: length, chunks }, pace: None, _end: None }
    }

    /// A body that is read as it is sent.
    pub fn stream(stream: wire::Stream) -> Body {
        let left = stream.length();
        Body { content: Content::Stream { left, chunks: stream.open() }, pace: None, _end: None }
    }

    pub(crate) fn ending(self, end: impl Send + 'static) -> Body {
        Body { _end: Some(Box::new(end)), ..self }
    }

    /// Goes out in pieces, as far as the client opens its window: whoever takes none for a while is overdue.
    pub(crate) fn in_pieces(self, pace: Arc<Pace>) -> Body {
        Body { pace: Some(pace), ..self }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let data = |bytes| Some(Ok(Frame::data(bytes)));
        match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) if self.pace.is_some() => {
                let length = bytes.len().min(HTTP2_FRAME_BYTES as usize);
                Poll::Ready(data(bytes.split_to(length)))
            }
            Content::Whole(bytes) => Poll::Ready(data(std::mem::take(bytes))),
            Content::Chunks { left, chunks } => {
                let polled = ready!(chunks.as_mut().poll_next(cx));
                if let Some(Ok(chunk)) = &polled {
                    *left = left.saturating_sub(chunk.len() as u64);
                }
                Poll::Ready(polled.map(|chunk| chunk.map(Frame::data)))
            }
            Content::Stream { left, chunks } => {
                let polled = ready!(Pin::new(chunks).poll_frame(cx));
                let bytes = polled.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
                if let (Some(left), Some(bytes)) = (left, bytes) {
                    *left = left.saturating_sub(bytes.len() as u64);
                }
                Poll::Ready(polled.map(|frame| frame.map_err(io::Error::other)))
            }
        }
    }

    /// How many bytes are to come, where that is known.
    pub fn length(&self) -> Option<u64> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes.len() as u64),
            Content::Chunks { left, .. } => Some(*left),
            Content::Stream { left, .. } => *left,
        }
    }

    /// Collects the body, for callers without a socket.
    ///
    /// # Errors
    /// When its source fails.
    pub async fn collect(self) -> io::Result<Bytes> {
        Ok(BodyExt::collect(self).await?.to_bytes())
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = self.poll(cx);
        if let Some(pace) = &self.pace {
            // We are asked only when the client has room; from a piece to the next question it is the client's turn.
            if matches!(piece, Poll::Ready(Some(Ok(_)))) { pace.taking() } else { pace.answer() }
        }
        piece
    }

    fn is_end_stream(&self) -> bool {
        self.length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
