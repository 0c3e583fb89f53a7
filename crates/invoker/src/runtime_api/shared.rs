use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use tasks::{Clock, Tick};
use tokio::sync::OwnedSemaphorePermit;

use super::session::{Delivered, Kind, Next, Refusal, Session};
use crate::failure::Failure;
use crate::limits;

/// An event on its way to the runtime.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// The id of the call.
    pub(crate) id: String,
    /// The headers of the answer to `next`.
    pub(crate) headers: HeaderMap,
    /// The event.
    pub(crate) body: Bytes,
}

/// What the environment must know about.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The runtime asked for an event, at this time.
    Asked(Tick),
    /// The runtime answered.
    Answered(Answered),
    /// The runtime cannot initialise.
    InitError(Failure),
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The bytes, or why there are none.
    pub(crate) result: Result<Bytes, Failure>,
    /// When it was complete.
    pub(crate) at: Tick,
    /// Its part of the budget of bodies.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// What the connections of an environment share with its task. All run on the same task, so the lock never waits.
pub(crate) struct Shared {
    clock: Clock,
    inner: Mutex<Inner>,
}

struct Inner {
    session: Session,
    /// Kept until the next call, since a runtime that lost it may ask again.
    delivery: Option<Delivery>,
    waiters: Vec<Waker>,
    effects: VecDeque<Effect>,
}

impl Shared {
    pub(crate) fn new(clock: Clock) -> Shared {
        let inner =
            Inner { session: Session::new(), delivery: None, waiters: Vec::new(), effects: VecDeque::new() };
        Shared { clock, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self) -> Option<Effect> {
        self.lock().effects.pop_front()
    }

    pub(crate) fn deliver(&self, delivery: Delivery) {
        let mut inner = self.lock();
        if inner.session.deliver(delivery.id.clone()) == Delivered::No {
            return;
        }
        inner.delivery = Some(delivery);
        for waiter in std::mem::take(&mut inner.waiters) {
            waiter.wake();
        }
    }

    /// The runtime asks; its wait is [`Shared::poll_delivery`].
    pub(crate) fn ask(&self) -> Result<(), Refusal> {
        let mut inner = self.lock();
        if inner.session.next()? == Next::Asked {
            inner.delivery = None;
            let asked = Effect::Asked(self.clock.tick());
            inner.effects.push_back(asked);
        }
        Ok(())
    }

    pub(crate) fn poll_delivery(&self, cx: &mut Context<'_>) -> Poll<Delivery> {
        let mut inner = self.lock();
        if let Some(delivery) = &inner.delivery {
            return Poll::Ready(delivery.clone());
        }
        if !inner.waiters.iter().any(|waiter| waiter.will_wake(cx.waker())) {
            // One a connection; those of closed connections are dropped with the oldest.
            if inner.waiters.len() >= 2 * limits::CONNECTIONS {
                inner.waiters.remove(0);
            }
            inner.waiters.push(cx.waker().clone());
        }
        Poll::Pending
    }

    pub(crate) fn begin(&self, id: &str, kind: Kind) -> Result<(), Refusal> {
        self.lock().session.begin(id, kind)
    }

    pub(crate) fn abandon(&self) {
        self.lock().session.abandon();
    }

    /// The answer that was begun is complete.
    pub(crate) fn complete(&self, result: Result<Bytes, Failure>, permit: Option<OwnedSemaphorePermit>) {
        let mut inner = self.lock();
        if inner.session.complete() == Delivered::Yes {
            let answered = Answered { result, at: self.clock.tick(), permit };
            inner.effects.push_back(Effect::Answered(answered));
        }
    }

    pub(crate) fn init_error(&self, failure: Failure) -> Result<(), Refusal> {
        let mut inner = self.lock();
        inner.session.init_error()?;
        inner.effects.push_back(Effect::InitError(failure));
        Ok(())
    }
}
