//! Who owns a home, and what an owner keeps in memory: what this process holds, and who waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tasks::Shutdown;
use tokio::sync::watch;

use crate::backend::Fence;
use crate::limits::{BEAT_EVERY, HOLDS, HOMES};
use crate::queue::{Bells, Group, Lanes, Line, Rows, Sealer};
use crate::{Broken, Home, Queue, Result, Row, Store, Table, Txn};

/// The key of a home's receipts.
const RECEIPT_KEYS: Table<(), [u8; 32]> = Table::new("store.receipt-keys");

/// Why a home is not this node's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Elsewhere {
    /// That node owns it: forward the call.
    #[error("the node {0} owns the home")]
    Node(String),
    /// Nobody could say.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// A home that this node owns: only its owner leases and settles. Every commit is fenced, so none succeeds after another
/// node took the home. Cloning shares it.
#[derive(Clone)]
pub struct Owned {
    pub(crate) store: Store,
    pub(crate) seat: Arc<Seat>,
}

/// What an owner keeps of a home. Nothing of it is needed to take the home over.
pub(crate) struct Seat {
    pub(crate) fence: Fence,
    pub(crate) sealer: Sealer,
    pub(crate) bells: Bells,
    lost: watch::Sender<bool>,
    holds: Mutex<Holds>,
}

#[derive(Default)]
struct Holds {
    /// The number of the newest lease; random at first, so that receipts of an earlier process do not fit.
    serial: u64,
    items: HashMap<u64, Held>,
    busy: HashMap<(u32, String, Group), usize>,
}

struct Held {
    serial: u64,
    lane: (u32, String, Group),
}

/// The homes of this node.
#[derive(Default)]
pub(crate) struct Seats {
    seats: Mutex<HashMap<Home, Arc<Seat>>>,
    /// One at a time asks for a home, so that two who ask for the same one get the same.
    asking: tokio::sync::Mutex<()>,
}

impl Seats {
    pub(crate) fn get(&self, home: Home) -> Option<Arc<Seat>> {
        lock(&self.seats).get(&home).filter(|seat| !seat.is_lost()).cloned()
    }

    fn all(&self) -> Vec<Arc<Seat>> {
        lock(&self.seats).values().cloned().collect()
    }

    fn put(&self, seat: &Arc<Seat>) {
        let mut seats = lock(&self.seats);
        debug_assert!(seats.len() <= usize::from(HOMES));
        if let Some(old) = seats.insert(seat.fence.home, seat.clone()) {
            old.lose();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seat {
    fn new(fence: Fence, key: &[u8; 32], serial: u64) -> Seat {
        Seat {
            fence,
            sealer: Sealer::new(key),
            bells: Bells::default(),
            lost: watch::Sender::new(false),
            holds: Mutex::new(Holds { serial, ..Holds::default() }),
        }
    }

    pub(crate) fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    pub(crate) fn lose(&self) {
        self.lost.send_replace(true);
    }

    pub(crate) async fn lost(&self) {
        let mut receiver = self.lost.subscribe();
        // The sender lives in self, so waiting cannot fail.
        let _ = receiver.wait_for(|lost| *lost).await;
    }

    /// Notes that this process holds an item; answers the lease's number, or `None` when it holds too many.
    pub(crate) fn hold(&self, rows: &Rows<'_>, group: &Group, id: u64) -> Option<u64> {
        let mut holds = lock(&self.holds);
        if holds.items.len() >= HOLDS {
            return None;
        }
        // Zero is no serial.
        holds.serial = holds.serial.wrapping_add(1).max(1);
        let serial = holds.serial;
        let lane = (rows.tag, rows.source.to_owned(), group.clone());
        *holds.busy.entry(lane.clone()).or_default() += 1;
        holds.items.insert(id, Held { serial, lane });
        Some(serial)
    }

    /// Ends a lease of this process, if it is still that one. True when it was.
    pub(crate) fn release(&self, id: u64, serial: u64) -> bool {
        let mut holds = lock(&self.holds);
        if holds.items.get(&id).is_none_or(|held| held.serial != serial) {
            return false;
        }
        let Some(held) = holds.items.remove(&id) else { return false };
        if let Some(busy) = holds.busy.get_mut(&held.lane) {
            *busy -= 1;
            if *busy == 0 {
                holds.busy.remove(&held.lane);
            }
        }
        true
    }

    /// The number of the lease by which this process holds an item.
    pub(crate) fn serial(&self, id: u64) -> Option<u64> {
        lock(&self.holds).items.get(&id).map(|held| held.serial)
    }

    /// How many items of a lane this process holds.
    pub(crate) fn busy(&self, rows: &Rows<'_>, group: &Group) -> usize {
        let holds = lock(&self.holds);
        if holds.busy.is_empty() {
            return 0;
        }
        holds.busy.get(&(rows.tag, rows.source.to_owned(), group.clone())).copied().unwrap_or(0)
    }
}

impl Store {
    /// Makes this node the owner of `home`, or says who is. On one machine it always succeeds. Asking again while it
    /// lasts answers the same ownership.
    pub async fn own(&self, home: Home) -> Result<Owned, Elsewhere> {
        if let Some(seat) = self.seats().get(home) {
            return Ok(Owned { store: self.clone(), seat });
        }
        let _asking = self.seats().asking.lock().await;
        if let Some(seat) = self.seats().get(home) {
            return Ok(Owned { store: self.clone(), seat });
        }
        let fresh = self.0.random.bytes::<32>();
        let key = self
            .write::<_, Broken>(home, move |txn| match txn.get(RECEIPT_KEYS, &())? {
                Some(key) => Ok(key),
                None => txn.put(RECEIPT_KEYS, &(), &fresh).map(|()| fresh),
            })
            .await?;
        let fence = self.0.backend.acquire(home, &self.0.node).await?;
        let serial = self.0.random.below(u64::MAX / 2);
        let seat = Arc::new(Seat::new(fence, &key, serial));
        self.seats().put(&seat);
        Ok(Owned { store: self.clone(), seat })
    }

    /// Says every second that this node lives, and ends the ownerships that it has lost; until `shutdown` begins. A node
    /// that is silent for 3 s loses its homes to whoever asks for them.
    pub async fn beat_until(&self, shutdown: &Shutdown) {
        while !shutdown.has_begun() {
            if let Err(error) = self.beat().await {
                tracing::warn!(%error, "this node could not say that it lives");
            }
            tokio::select! {
                () = shutdown.begun() => {}
                () = self.0.clock.sleep(BEAT_EVERY) => {}
            }
        }
    }

    async fn beat(&self) -> Result<()> {
        let held = self.0.backend.beat(&self.0.node).await?;
        for seat in self.seats().all() {
            if !held.contains(&seat.fence) {
                seat.lose();
            }
        }
        Ok(())
    }
}

impl Owned {
    /// The home.
    pub fn home(&self) -> Home {
        self.seat.fence.home
    }

    /// [`Store::write`], fenced: `Broken::Fenced` when another node owns the home by now, and nothing was written. In it
    /// receipts can be settled.
    pub async fn write<T, E>(
        &self,
        decide: impl FnMut(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Broken> + Send + 'static,
    {
        self.store.write_as(self.home(), Some(&self.seat), decide).await
    }

    /// The part of a queue that is in this home.
    pub fn queue<V: Row>(&self, queue: Queue<V>) -> Line<V> {
        Line::new(self.clone(), queue)
    }

    /// Waits until the ownership ends: loops over this home stop. It ends when a commit was refused, or when a beat
    /// shows that another node has the home.
    pub async fn lost(&self) {
        self.seat.lost().await;
    }
}

impl Txn<'_> {
    pub(crate) fn lanes<'s>(&'s mut self, tag: u32, source: &'s str) -> Lanes<'s> {
        let (home, now) = (self.home(), self.now());
        let (raw, numbers, seat) = self.parts();
        Lanes { raw, numbers, rows: Rows { home, tag, source }, now, seat }
    }
}
