use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws::Millis;
use tasks::{Clock, Random, Tasks};

use crate::backend::{Backend, RawTxn, RawView};
use crate::blobs::{Blobs, Shelf};
use crate::cache::Cache;
use crate::feed::Feeds;
use crate::journal::{Journal, Journals};
use crate::limits::{CACHE_BYTES, DISK_FLOOR_BYTES};
use crate::own::{Seat, Seats};
use crate::row::unseal;
use crate::simulated::Simulated;
use crate::sqlite::Sqlite;
use crate::table::{Catalog, place};
use crate::txn::Written;
use crate::{Broken, Feed, Home, Key, Result, Row, Table, Txn, View};

/// What a store on disk needs to know.
#[derive(Clone)]
pub struct Options {
    /// Starts the store's threads.
    pub tasks: Tasks,
    /// The clock of transactions.
    pub clock: Clock,
    /// Free bytes below which new work is refused with `Full`.
    pub disk_floor_bytes: u64,
    /// Bytes of rows kept in memory.
    pub cache_bytes: usize,
    #[cfg(feature = "weaken")]
    #[doc(hidden)]
    pub weakness: crate::weaken::Weakness,
}

impl Options {
    /// The defaults: a floor of 1 GiB, a cache of 64 MiB.
    pub fn new(tasks: Tasks, clock: Clock) -> Options {
        Options {
            tasks,
            clock,
            disk_floor_bytes: DISK_FLOOR_BYTES,
            cache_bytes: CACHE_BYTES,
            #[cfg(feature = "weaken")]
            weakness: crate::weaken::Weakness::None,
        }
    }
}

/// All state, in shapes. Cloning shares it.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    /// What this node is called among those that share the back end.
    pub(crate) node: String,
    shared: Arc<Shared>,
    pub(crate) shelf: Arc<Shelf>,
    journals: Arc<Journals>,
}

/// What a store is made of.
pub(crate) struct Parts {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) journals: Arc<Journals>,
    pub(crate) clock: Clock,
    pub(crate) cache_bytes: usize,
    pub(crate) node: String,
    pub(crate) random: Random,
}

/// What the commits of this process keep true.
struct Shared {
    catalog: Catalog,
    cache: Cache,
    feeds: Feeds,
    seats: Seats,
}

impl Store {
    /// Opens the store in the folder `data`, creating what is missing: `state.db`, `blobs/`, `journal/`.
    ///
    /// Refuses a database that is damaged, of a newer format, or older than the commit number noted beside it.
    /// The caller makes sure that nobody else has the folder open.
    pub fn open(data: &Path, options: Options) -> Result<Store> {
        let disk = crate::disk::Disk::prepare(data, &options)?;
        let backend = Arc::new(Sqlite::open(&disk, &options)?);
        let shelf = Shelf::folder(&disk, &options)?;
        let journals = Journals::folder(&disk, &options)?;
        let (clock, cache_bytes) = (options.clock, options.cache_bytes);
        let (node, random) = ("this machine".to_owned(), Random::kernel());
        Ok(Store::over(Parts { backend, shelf, journals, clock, cache_bytes, node, random }))
    }

    /// A store in memory for tests: runs inline in virtual time, repeats every closure. For faults and crashes make a
    /// [`Simulated`] and open it.
    pub fn simulated(seed: u64, clock: Clock) -> Store {
        Simulated::new(seed, clock).open()
    }

    pub(crate) fn over(parts: Parts) -> Store {
        let Parts { backend, shelf, journals, clock, cache_bytes, node, random } = parts;
        let shared = Shared {
            catalog: Catalog::default(),
            cache: Cache::new(cache_bytes),
            feeds: Feeds::default(),
            seats: Seats::default(),
        };
        Store(Arc::new(Inner { backend, clock, random, node, shared: Arc::new(shared), shelf, journals }))
    }

    pub(crate) fn seats(&self) -> &Seats {
        &self.0.shared.seats
    }

    /// Runs `decide` as one transaction in `home`. When the answer is `Ok`, what it wrote is on disk and seen by every
    /// later read; when `decide` answers `Err`, nothing was written.
    ///
    /// `decide` may be run again, so it only reads, decides and writes. After `Broken::Unavailable` it is unknown
    /// whether it took effect. Dropping the future does not undo it.
    pub async fn write<T, E>(
        &self,
        home: Home,
        decide: impl FnMut(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Broken> + Send + 'static,
    {
        self.write_as(home, None, decide).await
    }

    /// `write`, as the home's owner when there is a seat.
    pub(crate) async fn write_as<T, E>(
        &self,
        home: Home,
        seat: Option<&Arc<Seat>>,
        mut decide: impl FnMut(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Broken> + Send + 'static,
    {
        let answer = Arc::new(Mutex::new(None));
        let (slot, clock) = (answer.clone(), self.0.clock.clone());
        let (shared, shelf) = (self.0.shared.clone(), self.0.shelf.clone());
        let effects = Arc::new(Mutex::new(Effects::none(&shared)));
        let (owner, fence) = (seat.cloned(), seat.map(|seat| seat.fence));
        #[cfg(test)]
        let fence = fence.filter(|_| !crate::queue::slips::is(crate::queue::slips::Slip::NoFence));
        let job = move |raw: &mut dyn RawTxn| {
            // What an earlier run wrote has not happened.
            lock(&effects).written.changes.clear();
            let mut txn = Txn::new(raw, home, Millis(clock.wall_ms()), &shared.catalog, owner.as_deref());
            let decided = decide(&mut txn).and_then(|decided| {
                txn.finish()?;
                Ok(decided)
            });
            let keep = decided.is_ok();
            if keep {
                Effects::register(&effects, txn, home, &shelf);
            }
            *lock(&slot) = Some(decided);
            keep
        };
        let done = self.0.backend.run(fence, Box::new(job)).await;
        if let (Err(Broken::Fenced), Some(seat)) = (&done, seat) {
            seat.lose();
        }
        done?;
        taken(&answer)
    }

    /// Runs `look` over `home` as it is at one moment. It may be run again, and must not take longer than 5 s.
    pub async fn read<T, E>(
        &self,
        home: Home,
        mut look: impl FnMut(&mut View<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Broken> + Send + 'static,
    {
        let answer = Arc::new(Mutex::new(None));
        let (slot, clock) = (answer.clone(), self.0.clock.clone());
        let look = move |raw: &mut dyn RawView| {
            let seen = look(&mut View::new(raw, home, Millis(clock.wall_ms())));
            *lock(&slot) = Some(seen);
        };
        self.0.backend.look(Box::new(look)).await?;
        taken(&answer)
    }

    /// The row at `key` if it is in memory: no waiting, for the path of an invocation. `None` says nothing about
    /// whether the row exists.
    pub fn cached<K: Key, V: Row>(&self, table: Table<K, V>, home: Home, key: &K) -> Option<Arc<V>> {
        self.0.shared.cache.get(&place(home, table.tag(), key).ok()?)
    }

    /// The row at `key`, from memory or the back end. What it finds is kept in memory and follows later writes;
    /// absence is not kept.
    pub async fn get<K: Key, V: Row>(
        &self,
        table: Table<K, V>,
        home: Home,
        key: &K,
    ) -> Result<Option<Arc<V>>> {
        let place = place(home, table.tag(), key)?;
        let cache = &self.0.shared.cache;
        if let Some(row) = cache.get(&place) {
            return Ok(Some(row));
        }
        let ticket = cache.ticket(&place);
        let Some(sealed) = self.sealed(place.clone()).await? else { return Ok(None) };
        let body = unseal(&place, &sealed)?;
        let row = Arc::new(V::decode(body)?);
        cache.fill(&ticket, &place, row.clone(), body.len());
        Ok(Some(row))
    }

    /// The sealed row at a place.
    pub(crate) async fn sealed(&self, place: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let answer = Arc::new(Mutex::new(None));
        let slot = answer.clone();
        let look = move |raw: &mut dyn RawView| {
            *lock(&slot) = Some(raw.get(&place));
        };
        self.0.backend.look(Box::new(look)).await?;
        taken(&answer)
    }

    /// Follows the changes of a table in all homes. Changes that commit after this call are in the feed.
    pub fn follow<K: Key, V: Row>(&self, table: Table<K, V>) -> Feed<K, V> {
        self.0.shared.feeds.follow(table.tag())
    }

    /// Large immutable bodies.
    pub fn blobs(&self) -> Blobs {
        Blobs::new(self.clone())
    }

    /// The journal of that name (lower-case letters and `-`), kept to about `keep_bytes` by dropping its oldest part.
    ///
    /// Asking again answers the same journal.
    pub fn journal(&self, name: &'static str, keep_bytes: u64) -> Result<Journal> {
        self.0.journals.open(name, keep_bytes)
    }

    /// Stops the store: what was answered is on disk, journals are synced, later calls answer `Unavailable`.
    pub async fn close(&self) {
        self.0.backend.close().await;
        self.0.journals.close();
    }
}

fn taken<T, E: From<Broken>>(answer: &Mutex<Option<Result<T, E>>>) -> Result<T, E> {
    lock(answer)
        .take()
        .unwrap_or_else(|| Err(Broken::Unavailable("the closure was not run".to_owned()).into()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a commit does to memory. Dropped with changes in it, their outcome is unknown and memory forgets them.
struct Effects {
    shared: Arc<Shared>,
    written: Written,
}

impl Effects {
    fn none(shared: &Arc<Shared>) -> Effects {
        Effects { shared: shared.clone(), written: Written::default() }
    }

    fn register(effects: &Arc<Mutex<Effects>>, txn: Txn<'_>, home: Home, shelf: &Arc<Shelf>) {
        let (raw, written) = txn.into_effects();
        if written.is_empty() {
            return;
        }
        lock(effects).written = written;
        let (effects, shelf) = (effects.clone(), shelf.clone());
        raw.on_commit(Box::new(move || {
            let discarded = lock(&effects).publish(home);
            shelf.release(&discarded);
        }));
    }

    /// Tells memory and those who wait; answers what was discarded.
    fn publish(&mut self, home: Home) -> Vec<[u8; 32]> {
        let quiet = self.written.is_quiet();
        let Written { changes, discarded, rings, dues, released } = std::mem::take(&mut self.written);
        self.shared.cache.apply(&changes);
        self.shared.feeds.publish(changes);
        if let Some(seat) = self.shared.seats.get(home).filter(|_| !quiet) {
            for (id, serial) in released {
                seat.release(id, serial);
            }
            for (tag, source, times) in rings {
                seat.bells.ring(tag, &source, times);
            }
            for (tag, source, due) in dues {
                seat.bells.due(tag, &source, due);
            }
        }
        discarded
    }
}

impl Drop for Effects {
    fn drop(&mut self) {
        self.shared.cache.forget(&self.written.changes);
        self.shared.feeds.doubt(&self.written.changes);
    }
}
