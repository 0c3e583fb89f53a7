//! Who waits for an item: woken by appends, by settles and by time, one for each item, in the order of coming.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws::Millis;
use tokio::sync::Notify;

use crate::limits::WAITING;

/// The bells of a home: one a source for which somebody waits.
#[derive(Default)]
pub(crate) struct Bells(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    sources: HashMap<(u32, String), Arc<Bell>>,
    waiting: usize,
}

#[derive(Default)]
struct Bell {
    rings: Arc<Notify>,
    watch: Mutex<Watch>,
}

/// Who watches the time for the others, so that they do not all wake for one item.
#[derive(Default)]
struct Watch {
    at: Option<Millis>,
    keeper: u64,
    waiting: usize,
}

/// A place among those who wait for a source. Dropping it leaves.
pub(crate) struct Waiter<'a> {
    bells: &'a Bells,
    key: (u32, String),
    bell: Arc<Bell>,
    /// Which watch is this one's, if any.
    kept: Option<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bells {
    /// Takes a place, unless too many wait.
    pub(crate) fn wait(&self, tag: u32, source: &str) -> Option<Waiter<'_>> {
        let mut rung = lock(&self.0);
        if rung.waiting >= WAITING {
            return None;
        }
        rung.waiting += 1;
        let key = (tag, source.to_owned());
        let bell = rung.sources.entry(key.clone()).or_default().clone();
        lock(&bell.watch).waiting += 1;
        Some(Waiter { bells: self, key, bell, kept: None })
    }

    /// Wakes so many of those who wait for a source.
    pub(crate) fn ring(&self, tag: u32, source: &str, times: usize) {
        let rung = lock(&self.0);
        if rung.sources.is_empty() {
            return;
        }
        if let Some(bell) = rung.sources.get(&(tag, source.to_owned())) {
            let waiting = lock(&bell.watch).waiting;
            (0..times.min(waiting)).for_each(|_| bell.rings.notify_one());
        }
    }

    /// Something comes at that time: wakes one who watches it from now on, unless an earlier time is watched.
    pub(crate) fn due(&self, tag: u32, source: &str, due: Millis) {
        let rung = lock(&self.0);
        if rung.sources.is_empty() {
            return;
        }
        if let Some(bell) = rung.sources.get(&(tag, source.to_owned()))
            && lock(&bell.watch).at.is_none_or(|at| at > due)
        {
            bell.rings.notify_one();
        }
    }

    #[cfg(test)]
    fn sources(&self) -> usize {
        lock(&self.0).sources.len()
    }
}

impl Waiter<'_> {
    /// Rings of this source; one that came while nobody listened is kept.
    pub(crate) fn rings(&self) -> Arc<Notify> {
        self.bell.rings.clone()
    }

    /// Takes over the watch until `at`, unless somebody watches until then or earlier. Answers whether it is this one's.
    pub(crate) fn watch(&mut self, at: Millis) -> bool {
        let mut watch = lock(&self.bell.watch);
        if watch.at.is_some_and(|until| until <= at) && self.kept != Some(watch.keeper) {
            return false;
        }
        watch.at = Some(at);
        watch.keeper += 1;
        self.kept = Some(watch.keeper);
        true
    }

    /// Gives up the watch, if it is this one's.
    pub(crate) fn unwatch(&mut self) {
        let mut watch = lock(&self.bell.watch);
        if self.kept.take() == Some(watch.keeper) {
            watch.at = None;
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.unwatch();
        let mut rung = lock(&self.bells.0);
        rung.waiting -= 1;
        let mut watch = lock(&self.bell.watch);
        watch.waiting -= 1;
        if watch.waiting == 0 {
            rung.sources.remove(&self.key);
        } else if watch.at.is_none() {
            // Somebody else must look, and watch the time from now on.
            self.bell.rings.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_watches_the_time_and_its_going_wakes_another() {
        let bells = Bells::default();
        let [mut a, mut b] = [(); 2].map(|()| bells.wait(1, "s").unwrap());
        assert!(a.watch(Millis(10)));
        assert!(!b.watch(Millis(10)) && !b.watch(Millis(11)), "the time is watched");
        assert!(b.watch(Millis(9)), "an earlier time is watched by whoever knows of it");
        assert!(!a.watch(Millis(12)), "the other one watches an earlier time");
        assert!(b.watch(Millis(20)), "whoever watches may look again later");
        drop(b);
        assert!(a.watch(Millis(30)));
        assert_eq!(bells.sources(), 1);
        drop(a);
        assert_eq!(bells.sources(), 0);
    }

    #[test]
    fn waiting_is_bounded_and_a_ring_without_anyone_is_nothing() {
        let bells = Bells::default();
        bells.ring(1, "nobody", 2);
        let waiting: Vec<_> = (0..WAITING).map(|n| bells.wait(1, &n.to_string()).unwrap()).collect();
        assert!(bells.wait(1, "one more").is_none());
        drop(waiting);
        assert!(bells.wait(1, "one more").is_some());
        assert_eq!(bells.sources(), 0);
    }
}
