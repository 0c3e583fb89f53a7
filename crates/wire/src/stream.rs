//! Bodies: those that are at hand, and those that are not read yet.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use aws::Fault;
use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame, SizeHint};

/// The body of a request or an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// What comes piece by piece.
    Stream(Stream),
}

/// Bytes that are not read yet. Clones are handles on the same bytes, and the first to open them gets them.
#[derive(Clone)]
pub struct Stream(Content);

#[derive(Clone)]
enum Content {
    Whole(Bytes),
    Later(Arc<Later>),
}

struct Later {
    length: Option<u64>,
    body: Mutex<Option<Boxed>>,
}

type Boxed = Pin<Box<dyn http_body::Body<Data = Bytes, Error = Fault> + Send>>;

/// The bytes of an opened [`Stream`], as they come. What it read is not asked for again after a fault.
pub struct Chunks(Pieces);

enum Pieces {
    Whole(Bytes),
    Later(Boxed),
    /// The bytes went to another handle.
    Gone,
}

impl Body {
    /// The bytes, if they are at hand.
    pub fn whole(&self) -> Option<&Bytes> {
        match self {
            Body::Whole(bytes) => Some(bytes),
            Body::Stream(stream) => stream.whole(),
        }
    }

    /// The bytes, if they are at hand, without the handle.
    pub fn into_whole(self) -> Option<Bytes> {
        match self {
            Body::Whole(bytes) => Some(bytes),
            Body::Stream(stream) => stream.whole().cloned(),
        }
    }

    /// How many bytes there are, where it is known before they come.
    pub fn length(&self) -> Option<u64> {
        match self {
            Body::Whole(bytes) => Some(bytes.len() as u64),
            Body::Stream(stream) => stream.length(),
        }
    }

    /// A handle on the bytes, whichever kind they are.
    pub fn stream(&self) -> Stream {
        match self {
            Body::Whole(bytes) => Stream::whole_of(bytes.clone()),
            Body::Stream(stream) => stream.clone(),
        }
    }
}

impl Default for Body {
    fn default() -> Body {
        Body::Whole(Bytes::new())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Body {
        Body::Whole(bytes.into())
    }
}

impl From<Stream> for Body {
    fn from(stream: Stream) -> Body {
        match stream.0 {
            Content::Whole(bytes) => Body::Whole(bytes),
            Content::Later(_) => Body::Stream(stream),
        }
    }
}

impl Stream {
    /// A stream of what a body yields; its exact size, when it knows one, is the stream's length.
    pub fn new(body: impl http_body::Body<Data = Bytes, Error = Fault> + Send + 'static) -> Stream {
        let length = body.size_hint().exact();
        Stream(Content::Later(Arc::new(Later { length, body: Mutex::new(Some(Box::pin(body))) })))
    }

    /// A stream of bytes that are at hand.
    pub fn whole_of(bytes: impl Into<Bytes>) -> Stream {
        Stream(Content::Whole(bytes.into()))
    }

    /// The bytes, if they are at hand.
    pub fn whole(&self) -> Option<&Bytes> {
        match &self.0 {
            Content::Whole(bytes) => Some(bytes),
            Content::Later(_) => None,
        }
    }

    /// How many bytes there are, where it is known before they come.
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            Content::Whole(bytes) => Some(bytes.len() as u64),
            Content::Later(later) => later.length,
        }
    }

    /// Begins to read. A second handle on bytes that were opened already yields one fault, for that is a mistake of ours.
    pub fn open(self) -> Chunks {
        Chunks(match self.0 {
            Content::Whole(bytes) => Pieces::Whole(bytes),
            Content::Later(later) => {
                let body = later.body.lock().unwrap_or_else(PoisonError::into_inner).take();
                body.map_or(Pieces::Gone, Pieces::Later)
            }
        })
    }

    /// Reads it all, up to `limit` bytes; `None` when there are more.
    ///
    /// # Errors
    /// The fault of whoever yields the bytes.
    pub async fn collect(self, limit: usize) -> Result<Option<Bytes>, Fault> {
        if let Content::Whole(bytes) = self.0 {
            return Ok((bytes.len() <= limit).then_some(bytes));
        }
        let mut all = BytesMut::new();
        let mut chunks = self.open();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            if chunk.len() > limit.saturating_sub(all.len()) {
                return Ok(None);
            }
            all.extend_from_slice(&chunk);
        }
        Ok(Some(all.freeze()))
    }
}

impl Default for Stream {
    fn default() -> Stream {
        Stream::whole_of(Bytes::new())
    }
}

impl PartialEq for Stream {
    /// Bytes at hand are compared; others are equal to themselves alone.
    fn eq(&self, other: &Stream) -> bool {
        match (&self.0, &other.0) {
            (Content::Whole(one), Content::Whole(other)) => one == other,
            (Content::Later(one), Content::Later(other)) => Arc::ptr_eq(one, other),
            (Content::Whole(_), Content::Later(_)) | (Content::Later(_), Content::Whole(_)) => false,
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0, self.length()) {
            (Content::Whole(bytes), _) => write!(f, "Stream({bytes:?})"),
            (Content::Later(_), Some(length)) => write!(f, "Stream({length} bytes to come)"),
            (Content::Later(_), None) => f.write_str("Stream(bytes to come)"),
        }
    }
}

impl Chunks {
    /// Waits for the next bytes; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        loop {
            match poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await? {
                Ok(frame) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Some(Ok(bytes));
                    }
                }
                Err(fault) => return Some(Err(fault)),
            }
        }
    }
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match &mut self.0 {
            Pieces::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Pieces::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Pieces::Later(body) => body.as_mut().poll_frame(cx),
            Pieces::Gone => {
                self.0 = Pieces::Whole(Bytes::new());
                Poll::Ready(Some(Err(Fault::new("InternalFailure", 500, "a body was opened twice"))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Pieces::Whole(bytes) => bytes.is_empty(),
            Pieces::Later(body) => body.is_end_stream(),
            Pieces::Gone => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Pieces::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Pieces::Later(body) => body.size_hint(),
            Pieces::Gone => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chunks")
    }
}
