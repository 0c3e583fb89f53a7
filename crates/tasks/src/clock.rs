#![allow(clippy::disallowed_methods)] // This is the door through which time enters.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds on the monotonic clock, from an arbitrary start. Compare and subtract only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// The time from `earlier` to this tick, zero when `earlier` is later.
    pub fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This tick plus `wait`, saturating.
    pub fn plus(self, wait: Duration) -> Tick {
        Tick(self.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// The time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl std::fmt::Display for Elapsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the deadline passed")
    }
}

impl std::error::Error for Elapsed {}

/// The clock that everything reads: the machine's, or a virtual one that moves only by [`Clock::advance`].
#[derive(Clone)]
pub struct Clock(Kind);

#[derive(Clone)]
enum Kind {
    Real { start: Instant },
    Virtual(Arc<Mutex<Virtual>>),
}

struct Virtual {
    wall_ms: u64,
    now: Tick,
    next: u64,
    sleepers: BTreeMap<(Tick, u64), Waker>,
}

impl Clock {
    /// The machine's clock. Sleeping needs a tokio runtime with time enabled.
    pub fn real() -> Clock {
        Clock(Kind::Real { start: Instant::now() })
    }

    /// A virtual clock that starts at `wall_ms` milliseconds after the epoch.
    pub fn virtual_at(wall_ms: u64) -> Clock {
        Clock(Kind::Virtual(Arc::new(Mutex::new(Virtual {
            wall_ms,
            now: Tick(0),
            next: 0,
            sleepers: BTreeMap::new(),
        }))))
    }

    /// Milliseconds since the Unix epoch.
    pub fn wall_ms(&self) -> u64 {
        match &self.0 {
            Kind::Real { .. } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
            Kind::Virtual(clock) => {
                let clock = lock(clock);
                clock.wall_ms + clock.now.0 / 1_000_000
            }
        }
    }

    /// The monotonic clock.
    pub fn tick(&self) -> Tick {
        match &self.0 {
            Kind::Real { start } => Tick(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)),
            Kind::Virtual(clock) => lock(clock).now,
        }
    }

    /// Waits for `wait`.
    pub async fn sleep(&self, wait: Duration) {
        self.sleep_until(self.tick().plus(wait)).await;
    }

    /// Waits until the monotonic clock has reached `until`.
    pub async fn sleep_until(&self, until: Tick) {
        match &self.0 {
            Kind::Real { start } => {
                let at = *start + Duration::from_nanos(until.0.min(u64::MAX / 4));
                tokio::time::sleep_until(at.into()).await;
            }
            Kind::Virtual(clock) => Sleeper { clock: clock.clone(), until, id: None }.await,
        }
    }

    /// Runs `future` for at most `limit`; dropping it when the time is over.
    pub async fn within<F: Future>(&self, limit: Duration, future: F) -> Result<F::Output, Elapsed> {
        self.until(self.tick().plus(limit), future).await
    }

    /// Runs `future` until `deadline` at the latest.
    pub async fn until<F: Future>(&self, deadline: Tick, future: F) -> Result<F::Output, Elapsed> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            () = self.sleep_until(deadline) => Err(Elapsed),
        }
    }

    /// A deadline that can be asked and awaited many times.
    pub fn deadline(&self, wait: Duration) -> Deadline {
        Deadline { clock: self.clone(), at: self.tick().plus(wait) }
    }

    /// True for a virtual clock.
    pub fn is_virtual(&self) -> bool {
        matches!(self.0, Kind::Virtual(_))
    }

    /// Moves a virtual clock on by `by`, from one sleeper's deadline to the next, and lets everything that
    /// becomes ready run before it moves on. A real clock is left alone.
    ///
    /// Works on a current-thread runtime where all work is on that runtime (no other threads in play).
    pub async fn advance(&self, by: Duration) {
        let Kind::Virtual(clock) = &self.0 else { return };
        let target = lock(clock).now.plus(by);
        settle().await;
        loop {
            let due = {
                let mut clock = lock(clock);
                match clock.sleepers.first_key_value().map(|(key, _)| *key) {
                    Some((at, id)) if at <= target => {
                        clock.now = clock.now.max(at);
                        clock.sleepers.remove(&(at, id))
                    }
                    _ => {
                        clock.now = target;
                        None
                    }
                }
            };
            let Some(waker) = due else { break };
            waker.wake();
            settle().await;
        }
        settle().await;
    }
}

/// Lets every ready task run until nothing more becomes ready, on a current-thread runtime.
async fn settle() {
    // Each yield runs the tasks that were ready; a chain of wake-ups needs one yield a link.
    for _ in 0..512 {
        tokio::task::yield_now().await;
    }
}

/// A fixed moment on a clock.
#[derive(Clone)]
pub struct Deadline {
    clock: Clock,
    at: Tick,
}

impl Deadline {
    /// Waits until the moment.
    pub async fn passed(&self) {
        self.clock.sleep_until(self.at).await;
    }

    /// The time that is left.
    pub fn left(&self) -> Duration {
        self.at.since(self.clock.tick())
    }

    /// The moment.
    pub fn at(&self) -> Tick {
        self.at
    }
}

fn lock(clock: &Mutex<Virtual>) -> std::sync::MutexGuard<'_, Virtual> {
    clock.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Sleeper {
    clock: Arc<Mutex<Virtual>>,
    until: Tick,
    id: Option<u64>,
}

impl Future for Sleeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut clock = lock(&this.clock);
        if clock.now >= this.until {
            if let Some(id) = this.id.take() {
                clock.sleepers.remove(&(this.until, id));
            }
            return Poll::Ready(());
        }
        let id = *this.id.get_or_insert_with(|| {
            clock.next += 1;
            clock.next
        });
        clock.sleepers.insert((this.until, id), cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            lock(&self.clock).sleepers.remove(&(self.until, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_virtual_clock_runs_sleepers_in_order_and_at_their_time() {
        let clock = Clock::virtual_at(1_000);
        let seen = Arc::new(Mutex::new(Vec::new()));
        for wait in [3_600u64, 1, 60] {
            let (clock, seen) = (clock.clone(), seen.clone());
            tokio::spawn(async move {
                clock.sleep(Duration::from_secs(wait)).await;
                seen.lock().unwrap().push((wait, clock.wall_ms()));
            });
        }
        clock.advance(Duration::from_secs(61)).await;
        assert_eq!(*seen.lock().unwrap(), [(1, 2_000), (60, 61_000)]);
        clock.advance(Duration::from_secs(3_600)).await;
        assert_eq!(seen.lock().unwrap().last(), Some(&(3_600, 3_601_000)));
    }

    #[tokio::test]
    async fn within_ends_when_the_virtual_time_is_over() {
        let clock = Clock::virtual_at(0);
        let waiting = clock.clone();
        let task = tokio::spawn(async move {
            waiting.within(Duration::from_secs(5), std::future::pending::<()>()).await
        });
        clock.advance(Duration::from_secs(4)).await;
        assert!(!task.is_finished());
        clock.advance(Duration::from_secs(1)).await;
        assert_eq!(task.await.unwrap(), Err(Elapsed));
    }
}
