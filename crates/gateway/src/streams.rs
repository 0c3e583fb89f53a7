//! The streams of an HTTP/2 connection: each is a task with a pace of its own, and is reset when its client is too slow.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Executor, Sleep, Timer};
use tasks::{Clock, OnError, Tasks};

use crate::pace::{Pace, Patience};

/// Starts the streams of one connection.
#[derive(Clone)]
pub(crate) struct Streams {
    tasks: Tasks,
    clock: Clock,
    connection: Arc<Pace>,
    /// The pace of the stream that was begun and is started next: hyper makes a request's future and starts it at once.
    begun: Arc<Mutex<Option<Arc<Pace>>>>,
}

impl Streams {
    pub(crate) fn new(tasks: Tasks, clock: Clock, connection: Arc<Pace>) -> Streams {
        Streams { tasks, clock, connection, begun: Arc::default() }
    }

    /// The pace of a new stream.
    pub(crate) fn begin(&self, patience: Patience) -> Arc<Pace> {
        let pace = Pace::new(self.clock.clone(), patience);
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(pace.clone());
        pace
    }
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
{
    fn execute(&self, future: F) {
        let pace = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        let open = Open::new(self.connection.clone());
        self.tasks.spawn("stream", OnError::Log, async move {
            let _open = open;
            match pace {
                // Dropping the stream resets it.
                Some(pace) => tokio::select! {
                    _ = future => {}
                    () = pace.overdue() => tracing::debug!("a stream is too slow"),
                },
                None => drop(future.await),
            }
            Ok(())
        });
    }
}

/// A stream of a connection, until dropped.
struct Open(Arc<Pace>);

impl Open {
    fn new(connection: Arc<Pace>) -> Open {
        connection.open();
        Open(connection)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// hyper's timer on our clock.
pub(crate) struct Beat(pub(crate) Clock);

impl Timer for Beat {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let clock = self.0.clone();
        Box::pin(Pause(Box::pin(async move { clock.sleep(duration).await })))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.now()))
    }
}

struct Pause(Pin<Box<dyn Future<Output = ()> + Send + Sync>>);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Sleep for Pause {}
