//! Sequences of events, for members whose shape is an event stream.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use aws::Fault;
use futures_core::Stream;

use crate::Value;

/// Events that come one after the other, each a structure of one member. Clones are handles on the same events, and the
/// first to open them gets them.
///
/// A fault ends the sequence. One that the event stream models as a member is sent as that exception, any other as an error
/// of the stream.
#[derive(Clone)]
pub struct Events(Arc<Mutex<Option<Boxed>>>);

type Boxed = Pin<Box<dyn Stream<Item = Result<Value, Fault>> + Send>>;

/// The events of opened [`Events`], as they come.
pub struct Coming(Option<Boxed>);

impl Events {
    /// The events that a source yields.
    pub fn new(source: impl Stream<Item = Result<Value, Fault>> + Send + 'static) -> Events {
        Events(Arc::new(Mutex::new(Some(Box::pin(source)))))
    }

    /// Events that are at hand.
    pub fn of(events: Vec<Value>) -> Events {
        Events::new(AtHand(events.into_iter()))
    }

    /// What has come already, without waiting: the events, and the fault that ended them. For those who have the whole body.
    pub fn already(self) -> (Vec<Value>, Option<Fault>) {
        let (mut events, mut coming) = (Vec::new(), self.open());
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match Pin::new(&mut coming).poll_next(&mut cx) {
                Poll::Ready(Some(Ok(event))) => events.push(event),
                Poll::Ready(Some(Err(fault))) => return (events, Some(fault)),
                Poll::Ready(None) | Poll::Pending => return (events, None),
            }
        }
    }

    /// Begins to read. A second handle on events that were opened already yields one fault, for that is a mistake of ours.
    pub fn open(self) -> Coming {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Coming(Some(taken.unwrap_or_else(|| Box::pin(Gone))))
    }
}

impl Default for Events {
    fn default() -> Events {
        Events::of(Vec::new())
    }
}

impl PartialEq for Events {
    /// Handles on the same events are equal.
    fn eq(&self, other: &Events) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

impl Coming {
    /// Waits for the next event; `None` at the end and after a fault.
    pub async fn next(&mut self) -> Option<Result<Value, Fault>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Coming {
    type Item = Result<Value, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(source) = &mut self.0 else { return Poll::Ready(None) };
        let polled = source.as_mut().poll_next(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None;
        }
        polled
    }
}

impl fmt::Debug for Coming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Coming")
    }
}

struct AtHand(std::vec::IntoIter<Value>);

impl Stream for AtHand {
    type Item = Result<Value, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

/// What is left of events that went to another handle.
struct Gone;

impl Stream for Gone {
    type Item = Result<Value, Fault>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(Err(Fault::new("InternalFailure", 500, "events were opened twice"))))
    }
}
