//! Decoded rows in memory, bounded in bytes.
//!
//! Two rules keep it true. A write changes or forgets what it touched before anyone is answered, in the order of the
//! commits. A read may fill in what it found only if nothing was written nearby since it began (its ticket).

use std::any::Any;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Row;
use crate::row::unseal;
use crate::txn::Changed;

const SHARDS: usize = 16;

/// What an entry costs beside its bytes, roughly.
const ENTRY_BYTES: usize = 160;

type Decoded = Arc<dyn Any + Send + Sync>;

pub(crate) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    hash: RandomState,
    shard_bytes: usize,
}

#[derive(Default)]
struct Shard {
    places: HashMap<Arc<[u8]>, usize>,
    entries: Vec<Entry>,
    /// Where the search for something to evict goes on.
    hand: usize,
    bytes: usize,
    /// Counts the writes to keys of this shard.
    writes: u64,
}

struct Entry {
    place: Arc<[u8]>,
    row: Decoded,
    bytes: usize,
    decode: fn(&[u8]) -> Option<Decoded>,
    used: bool,
}

/// The state of a shard when a read began.
pub(crate) struct Ticket(u64);

fn decode<V: Row>(body: &[u8]) -> Option<Decoded> {
    Some(Arc::new(V::decode(body).ok()?))
}

impl Cache {
    pub(crate) fn new(bytes: usize) -> Cache {
        Cache { shards: Default::default(), hash: RandomState::new(), shard_bytes: bytes / SHARDS }
    }

    fn shard(&self, place: &[u8]) -> MutexGuard<'_, Shard> {
        let shard = self.hash.hash_one(place) as usize % SHARDS;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get<V: Row>(&self, place: &[u8]) -> Option<Arc<V>> {
        let mut shard = self.shard(place);
        let at = *shard.places.get(place)?;
        let entry = &mut shard.entries[at];
        entry.used = true;
        entry.row.clone().downcast().ok()
    }

    pub(crate) fn ticket(&self, place: &[u8]) -> Ticket {
        Ticket(self.shard(place).writes)
    }

    /// Keeps the row that a read found, unless something was written since its ticket.
    pub(crate) fn fill<V: Row>(&self, ticket: &Ticket, place: &[u8], row: Arc<V>, body_bytes: usize) {
        let bytes = cost(place, body_bytes);
        let mut shard = self.shard(place);
        if shard.writes != ticket.0 || bytes > self.shard_bytes {
            return;
        }
        shard.remove(place);
        shard.make_room(bytes, self.shard_bytes);
        let place: Arc<[u8]> = place.into();
        let at = shard.entries.len();
        shard.places.insert(place.clone(), at);
        shard.entries.push(Entry { place, row, bytes, decode: decode::<V>, used: false });
        shard.bytes += bytes;
    }

    /// Takes over what was committed: rows that are here get their new value or go.
    pub(crate) fn apply(&self, changes: &[Changed]) {
        for change in changes {
            let mut shard = self.shard(&change.place);
            shard.writes += 1;
            let Some(at) = shard.places.get(&*change.place).copied() else { continue };
            let body = change.sealed.as_deref().and_then(|sealed| unseal(&change.place, sealed).ok());
            match body.and_then(|body| Some(((shard.entries[at].decode)(body)?, body.len()))) {
                Some((row, length)) => shard.replace(at, row, cost(&change.place, length), self.shard_bytes),
                None => shard.remove(&change.place),
            }
        }
    }

    /// Forgets rows whose value is not known: their write may or may not have happened.
    pub(crate) fn forget(&self, changes: &[Changed]) {
        for change in changes {
            let mut shard = self.shard(&change.place);
            shard.writes += 1;
            shard.remove(&change.place);
        }
    }
}

fn cost(place: &[u8], body_bytes: usize) -> usize {
    // A decoded row is taken to be twice its JSON.
    ENTRY_BYTES + place.len() + 2 * body_bytes
}

impl Shard {
    fn remove(&mut self, place: &[u8]) {
        let Some(at) = self.places.remove(place) else { return };
        self.bytes -= self.entries.swap_remove(at).bytes;
        if let Some(moved) = self.entries.get(at) {
            self.places.insert(moved.place.clone(), at);
        }
    }

    fn replace(&mut self, at: usize, row: Decoded, bytes: usize, bound: usize) {
        let entry = &mut self.entries[at];
        let old = std::mem::replace(&mut entry.bytes, bytes);
        entry.row = row;
        self.bytes = self.bytes - old + bytes;
        self.make_room(0, bound);
    }

    /// Evicts until `bytes` more fit: what was not used since the hand last passed goes first.
    fn make_room(&mut self, bytes: usize, bound: usize) {
        while self.bytes + bytes > bound && !self.entries.is_empty() {
            self.hand %= self.entries.len();
            let entry = &mut self.entries[self.hand];
            if std::mem::take(&mut entry.used) {
                self.hand += 1;
            } else {
                let place = entry.place.clone();
                self.remove(&place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::seal;

    fn change(place: &[u8], row: Option<&str>) -> Changed {
        let sealed = row.map(|row| seal(place, &row.to_owned().encode()).unwrap());
        Changed { place: place.to_vec(), sealed }
    }

    fn fill(cache: &Cache, place: &[u8], row: &str) {
        let ticket = cache.ticket(place);
        cache.fill(&ticket, place, Arc::new(row.to_owned()), row.len());
    }

    #[test]
    fn a_read_that_began_before_a_write_fills_nothing_in() {
        let cache = Cache::new(1 << 20);
        let ticket = cache.ticket(b"home-tag-key");
        cache.apply(&[change(b"home-tag-key", Some("new"))]);
        cache.fill(&ticket, b"home-tag-key", Arc::new("old".to_owned()), 3);
        assert_eq!(cache.get::<String>(b"home-tag-key"), None);
    }

    #[test]
    fn a_write_replaces_what_is_there_and_a_delete_or_a_doubt_forgets_it() {
        let cache = Cache::new(1 << 20);
        fill(&cache, b"a", "one");
        fill(&cache, b"b", "two");
        cache.apply(&[change(b"a", Some("three"))]);
        assert_eq!(cache.get::<String>(b"a").as_deref().map(String::as_str), Some("three"));
        cache.apply(&[change(b"a", None)]);
        cache.forget(&[change(b"b", None)]);
        assert_eq!(cache.get::<String>(b"a"), None);
        assert_eq!(cache.get::<String>(b"b"), None);
    }

    #[test]
    fn it_stays_within_its_bytes_and_keeps_what_is_used() {
        let cache = Cache::new(SHARDS * 4_000);
        fill(&cache, b"hot", "x");
        for n in 0..10_000_u32 {
            assert!(cache.get::<String>(b"hot").is_some(), "evicted after {n}");
            fill(&cache, &n.to_be_bytes(), "some text");
        }
        let held: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().bytes).sum();
        assert!(held <= SHARDS * 4_000 && held > SHARDS * 2_000, "{held}");
    }
}
