//! The back end for tests and simulation: a map in memory, run inline, from a seed.
//!
//! Every closure is run twice. Faults and delays come only when asked for. [`Simulated`] is the disk: stores opened on
//! it see what the last one left, less what [`Simulated::crash`] took.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tasks::{Clock, Random, Tick};

use crate::backend::{Backend, Boxed, Fence, Job, Look, RawTxn, RawView, Rows};
use crate::blobs::{MemoryShelf, Shelf};
use crate::journal::{Journals, MemoryJournals};
use crate::limits::{CACHE_BYTES, SILENT_AFTER};
use crate::store::Parts;
use crate::{Broken, Elsewhere, Home, Result, Store};

/// How often things go wrong, each in a thousand transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Answers `Fenced`; nothing is written.
    pub fenced: u64,
    /// Answers `Conflict`; nothing is written.
    pub conflict: u64,
    /// Answers `Full`; nothing is written.
    pub full: u64,
    /// Answers `Unavailable`; nothing is written.
    pub unavailable: u64,
    /// Writes, then answers `Unavailable`.
    pub lost_answer: u64,
    /// The longest delay of a transaction, before it and before its answer. Needs someone to move the clock.
    pub delay: Duration,
}

/// A disk in memory with a seed. Cloning shares it.
#[derive(Clone)]
pub struct Simulated {
    medium: Arc<Mutex<Medium>>,
    clock: Clock,
    random: Random,
    files: MemoryShelf,
    journals: MemoryJournals,
}

#[derive(Default)]
struct Medium {
    faults: Faults,
    /// What every writer sees: durable plus what waits for its answer.
    live: Image,
    /// What readers see, and what a crash leaves at least.
    durable: Image,
    /// Commits that are not answered, oldest first.
    pending: Vec<Commit>,
    next: u64,
    /// Counts crashes; a transaction of an earlier boot is not answered.
    boot: u64,
    /// Stores opened, and which of them were closed.
    opened: u64,
    closed: BTreeSet<u64>,
    /// Who owns which home. Written durably at once.
    owners: BTreeMap<Home, Owner>,
    /// When each node was last heard of.
    beats: BTreeMap<String, Tick>,
}

struct Owner {
    node: String,
    nonce: u64,
}

#[derive(Clone, Default)]
struct Image {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    items: BTreeMap<u64, Vec<u8>>,
}

struct Commit {
    number: u64,
    writes: Writes,
    then: Vec<Box<dyn FnOnce() + Send>>,
}

#[derive(Default)]
struct Writes {
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    items: HashMap<u64, Option<Vec<u8>>>,
}

impl Image {
    fn apply(&mut self, writes: &Writes) {
        for (key, value) in &writes.rows {
            match value {
                Some(value) => self.rows.insert(key.clone(), value.clone()),
                None => self.rows.remove(key),
            };
        }
        for (id, body) in &writes.items {
            match body {
                Some(body) => self.items.insert(*id, body.clone()),
                None => self.items.remove(id),
            };
        }
    }
}

impl Simulated {
    /// An empty disk. What happens on it depends on `seed` and the order of the calls alone.
    pub fn new(seed: u64, clock: Clock) -> Simulated {
        Simulated {
            medium: Arc::default(),
            random: Random::seeded(seed),
            files: Arc::default(),
            journals: MemoryJournals::new(clock.clone()),
            clock,
        }
    }

    /// Opens a store on this disk. One at a time, as on a real one: after a crash or a close.
    pub fn open(&self) -> Store {
        self.open_as("node")
    }

    /// Opens a store for the node of that name, beside those of other nodes: what a cluster shares is this disk. Rows
    /// that another node writes do not reach this one's memory, so tables are not for several nodes yet; queues are.
    pub fn open_as(&self, node: &str) -> Store {
        let mut medium = self.medium();
        let boot = medium.boot;
        medium.opened += 1;
        let backend = Arc::new(Boot { disk: self.clone(), boot, number: medium.opened });
        drop(medium);
        let shelf = Shelf::memory(self.files.clone(), self.clock.clone());
        let journals = Journals::memory(self.journals.clone());
        let (node, random) = (node.to_owned(), self.random.clone());
        let clock = self.clock.clone();
        Store::over(Parts { backend, shelf, journals, clock, cache_bytes: CACHE_BYTES, node, random })
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.medium().faults = faults;
    }

    /// Cuts the power. Of what was not acknowledged a random part is kept, in the order of the commits; stores that
    /// were open answer `Unavailable` from now on.
    pub fn crash(&self) {
        let mut medium = self.medium();
        let kept = self.random.below(medium.pending.len() as u64 + 1) as usize;
        let pending = std::mem::take(&mut medium.pending);
        for commit in pending.iter().take(kept) {
            medium.durable.apply(&commit.writes);
        }
        medium.live = medium.durable.clone();
        medium.boot += 1;
        drop(medium);
        self.journals.crash(&self.random);
    }

    fn medium(&self) -> MutexGuard<'_, Medium> {
        self.medium.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn happens(&self, in_a_thousand: u64) -> bool {
        // No draw for what cannot happen, so that enabling one fault does not move the others.
        in_a_thousand > 0 && self.random.below(1_000) < in_a_thousand
    }

    async fn delay(&self) {
        let longest = u64::try_from(self.medium().faults.delay.as_micros()).unwrap_or(u64::MAX);
        if longest > 0 {
            self.clock.sleep(Duration::from_micros(self.random.below(longest))).await;
        }
    }
}

/// A store's hold on the disk between two crashes.
struct Boot {
    disk: Simulated,
    boot: u64,
    number: u64,
}

impl Boot {
    fn check(&self, medium: &Medium) -> Result<()> {
        if medium.boot == self.boot && !medium.closed.contains(&self.number) {
            return Ok(());
        }
        Err(Broken::Unavailable("the simulated machine crashed or was closed".to_owned()))
    }

    fn fault(&self) -> Result<()> {
        let faults = self.disk.medium().faults;
        if self.disk.happens(faults.fenced) {
            return Err(Broken::Fenced);
        }
        if self.disk.happens(faults.conflict) {
            return Err(Broken::Conflict);
        }
        if self.disk.happens(faults.full) {
            return Err(Broken::Full);
        }
        if self.disk.happens(faults.unavailable) {
            return Err(Broken::Unavailable("simulated".to_owned()));
        }
        Ok(())
    }

    /// Runs the job twice over the live image; the second run counts.
    fn commit(&self, fence: Option<Fence>, job: &mut Job) -> Result<Option<u64>> {
        let mut medium = self.disk.medium();
        self.check(&medium)?;
        let nonce = |fence: Fence| medium.owners.get(&fence.home).map(|owner| owner.nonce);
        if fence.is_some_and(|fence| nonce(fence) != Some(fence.nonce)) {
            return Err(Broken::Fenced);
        }
        let mut run = |medium: &Medium| {
            let mut open = Open { image: &medium.live, writes: Writes::default(), then: Vec::new() };
            let keep = job(&mut open);
            keep.then_some((open.writes, open.then))
        };
        drop(run(&medium));
        let Some((writes, then)) = run(&medium) else { return Ok(None) };
        medium.live.apply(&writes);
        let number = medium.next;
        medium.next += 1;
        medium.pending.push(Commit { number, writes, then });
        Ok(Some(number))
    }

    /// Makes everything up to `number` durable, in order, and tells those who wait for it.
    fn settle(&self, number: u64) -> Result<()> {
        let mut medium = self.disk.medium();
        self.check(&medium)?;
        let count = medium.pending.partition_point(|commit| commit.number <= number);
        let settled: Vec<Commit> = medium.pending.drain(..count).collect();
        for commit in &settled {
            medium.durable.apply(&commit.writes);
        }
        // Under the lock, so that they run in the order of the commits.
        for then in settled.into_iter().flat_map(|commit| commit.then) {
            then();
        }
        Ok(())
    }

    async fn transact(&self, fence: Option<Fence>, mut job: Job) -> Result<()> {
        self.fault()?;
        self.disk.delay().await;
        let Some(number) = self.commit(fence, &mut job)? else { return Ok(()) };
        // As on a real disk, a caller that goes away does not stop what it began.
        let settle = Settle { boot: self, number };
        self.disk.delay().await;
        settle.boot.settle(number)?;
        let lost = self.disk.medium().faults.lost_answer;
        if self.disk.happens(lost) {
            return Err(Broken::Unavailable("simulated: committed, but the answer was lost".to_owned()));
        }
        Ok(())
    }
}

struct Settle<'a> {
    boot: &'a Boot,
    number: u64,
}

impl Drop for Settle<'_> {
    fn drop(&mut self) {
        // After a crash there is nothing to settle.
        let _ = self.boot.settle(self.number);
    }
}

impl Backend for Boot {
    fn run(&self, fence: Option<Fence>, job: Job) -> Boxed<'_, Result<()>> {
        Box::pin(self.transact(fence, job))
    }

    fn look(&self, mut look: Look) -> Boxed<'_, Result<()>> {
        Box::pin(async move {
            self.disk.delay().await;
            let medium = self.disk.medium();
            self.check(&medium)?;
            for _run in 0..2 {
                look(&mut Open { image: &medium.durable, writes: Writes::default(), then: Vec::new() });
            }
            Ok(())
        })
    }

    fn items(&self, ids: Vec<u64>) -> Boxed<'_, Result<Vec<Option<Vec<u8>>>>> {
        Box::pin(async move {
            let medium = self.disk.medium();
            self.check(&medium)?;
            Ok(ids.iter().map(|id| medium.durable.items.get(id).cloned()).collect())
        })
    }

    fn acquire(&self, home: Home, node: &str) -> Boxed<'_, Result<Fence, Elsewhere>> {
        let node = node.to_owned();
        Box::pin(async move {
            self.disk.delay().await;
            let mut medium = self.disk.medium();
            self.check(&medium)?;
            let now = self.disk.clock.tick();
            if let Some(owner) = medium.owners.get(&home)
                && owner.node != node
                && medium.beats.get(&owner.node).is_some_and(|beat| now.since(*beat) < SILENT_AFTER)
            {
                return Err(Elsewhere::Node(owner.node.clone()));
            }
            let nonce = self.disk.random.below(u64::MAX);
            medium.beats.insert(node.clone(), now);
            medium.owners.insert(home, Owner { node, nonce });
            Ok(Fence { home, nonce })
        })
    }

    fn beat(&self, node: &str) -> Boxed<'_, Result<Vec<Fence>>> {
        let node = node.to_owned();
        Box::pin(async move {
            let mut medium = self.disk.medium();
            self.check(&medium)?;
            let fences = medium.owners.iter().filter(|(_, owner)| owner.node == node);
            let fences = fences.map(|(home, owner)| Fence { home: *home, nonce: owner.nonce }).collect();
            medium.beats.insert(node, self.disk.clock.tick());
            Ok(fences)
        })
    }

    fn has_room(&self) -> bool {
        let full = self.disk.medium().faults.full;
        !self.disk.happens(full)
    }

    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(async move {
            let mut medium = self.disk.medium();
            medium.closed.insert(self.number);
        })
    }
}

/// A transaction over an image, or a look at it.
struct Open<'a> {
    image: &'a Image,
    writes: Writes,
    then: Vec<Box<dyn FnOnce() + Send>>,
}

impl RawView for Open<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(match self.writes.rows.get(key) {
            Some(written) => written.clone(),
            None => self.image.rows.get(key).cloned(),
        })
    }

    fn scan(&mut self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows> {
        let range = (std::ops::Bound::Included(from), std::ops::Bound::Excluded(to));
        if from >= to {
            return Ok(Rows::new());
        }
        let mut rows = Rows::new();
        let mut stored = self.image.rows.range::<[u8], _>(range).peekable();
        let mut written = self.writes.rows.range::<[u8], _>(range).peekable();
        while rows.len() < limit {
            let own = match (stored.peek(), written.peek()) {
                (None, None) => break,
                (Some((a, _)), Some((b, _))) if a == b => {
                    stored.next();
                    true
                }
                (Some((a, _)), Some((b, _))) => b < a,
                (None, Some(_)) => true,
                (Some(_), None) => false,
            };
            if own {
                if let Some((key, Some(value))) = written.next() {
                    rows.push((key.clone(), value.clone()));
                }
            } else if let Some((key, value)) = stored.next() {
                rows.push((key.clone(), value.clone()));
            }
        }
        Ok(rows)
    }

    fn count(&mut self, from: &[u8], to: &[u8]) -> Result<u64> {
        Ok(self.scan(from, to, usize::MAX)?.len() as u64)
    }

    fn has_item(&mut self, id: u64) -> Result<bool> {
        Ok(match self.writes.items.get(&id) {
            Some(written) => written.is_some(),
            None => self.image.items.contains_key(&id),
        })
    }
}

impl RawTxn for Open<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.writes.rows.insert(key.to_vec(), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.writes.rows.insert(key.to_vec(), None);
        Ok(())
    }

    fn put_item(&mut self, id: u64, body: &[u8]) -> Result<()> {
        if self.has_item(id)? {
            return Err(Broken::Corrupt(format!("item {id} is written twice")));
        }
        self.writes.items.insert(id, Some(body.to_vec()));
        Ok(())
    }

    fn delete_items(&mut self, ids: &[u64]) -> Result<()> {
        self.writes.items.extend(ids.iter().map(|id| (*id, None)));
        Ok(())
    }

    fn on_commit(&mut self, then: Box<dyn FnOnce() + Send>) {
        self.then.push(then);
    }
}
