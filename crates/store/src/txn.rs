use aws::Millis;

use crate::backend::{RawTxn, RawView};
use crate::own::Seat;
use crate::queue::Numbers;
use crate::row::{seal, unseal};
use crate::table::{Catalog, PREFIX, end, place};
use crate::{Home, Key, Result, Row, Table};

/// A row that a transaction wrote (`sealed`) or deleted.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) place: Vec<u8>,
    pub(crate) sealed: Option<Vec<u8>>,
}

/// One home at one moment, for reading.
pub struct View<'a> {
    raw: &'a mut dyn RawView,
    home: Home,
    now: Millis,
}

impl<'a> View<'a> {
    pub(crate) fn new(raw: &'a mut dyn RawView, home: Home, now: Millis) -> View<'a> {
        View { raw, home, now }
    }

    /// Reads the row at `key`.
    pub fn get<K: Key, V: Row>(&mut self, table: Table<K, V>, key: &K) -> Result<Option<V>> {
        get(self.raw, self.home, table, key)
    }

    /// Reads up to `limit` rows in key order, beginning with `from` itself.
    ///
    /// Other accounts share the home: stop where the key is no longer one you asked for. Page long lists: a read that
    /// takes more than 5 s fails.
    pub fn scan<K: Key, V: Row>(
        &mut self,
        table: Table<K, V>,
        from: &K,
        limit: usize,
    ) -> Result<Vec<(K, V)>> {
        scan(self.raw, self.home, table, from, limit)
    }

    /// The time when the read began.
    pub fn now(&self) -> Millis {
        self.now
    }

    pub(crate) fn home(&self) -> Home {
        self.home
    }

    pub(crate) fn raw(&mut self) -> &mut dyn RawView {
        self.raw
    }
}

/// A transaction in one home. It sees its own writes; nothing of it stays when the closure answers `Err`.
pub struct Txn<'a> {
    raw: &'a mut dyn RawTxn,
    home: Home,
    now: Millis,
    catalog: &'a Catalog,
    /// What the owner has in memory, when it is the owner who writes.
    seat: Option<&'a Seat>,
    numbers: Numbers,
    written: Written,
}

/// What a commit does beside its rows.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) changes: Vec<Changed>,
    /// Files that may have no reference any more.
    pub(crate) discarded: Vec<[u8; 32]>,
    /// Sources whose bells ring, once for each item that may be ready.
    pub(crate) rings: Vec<(u32, String, usize)>,
    /// When sources have something again, which nobody who waits knows yet.
    pub(crate) dues: Vec<(u32, String, Millis)>,
    /// Leases of this process that end.
    pub(crate) released: Vec<(u64, u64)>,
}

impl Written {
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.is_quiet()
    }

    /// True when nobody who waits for an item is concerned.
    pub(crate) fn is_quiet(&self) -> bool {
        self.rings.is_empty() && self.dues.is_empty() && self.released.is_empty()
    }
}

impl<'a> Txn<'a> {
    pub(crate) fn new(
        raw: &'a mut dyn RawTxn,
        home: Home,
        now: Millis,
        catalog: &'a Catalog,
        seat: Option<&'a Seat>,
    ) -> Txn<'a> {
        Txn { raw, home, now, catalog, seat, numbers: Numbers::default(), written: Written::default() }
    }

    /// Reads the row at `key`.
    pub fn get<K: Key, V: Row>(&mut self, table: Table<K, V>, key: &K) -> Result<Option<V>> {
        get(self.raw, self.home, table, key)
    }

    /// Reads up to `limit` rows in key order, beginning with `from` itself. See [`View::scan`].
    pub fn scan<K: Key, V: Row>(
        &mut self,
        table: Table<K, V>,
        from: &K,
        limit: usize,
    ) -> Result<Vec<(K, V)>> {
        scan(self.raw, self.home, table, from, limit)
    }

    /// Writes the row at `key`, new or not. Fails with `TooLarge` above 2,000 bytes of key or 1 MiB of row.
    pub fn put<K: Key, V: Row>(&mut self, table: Table<K, V>, key: &K, row: &V) -> Result<()> {
        self.put_body(table, key, &row.encode())
    }

    /// Writes bytes that are no JSON.
    pub(crate) fn put_body<K: Key, V>(&mut self, table: Table<K, V>, key: &K, body: &[u8]) -> Result<()> {
        self.catalog.admit(table)?;
        let place = place(self.home, table.tag(), key)?;
        let sealed = seal(&place, body)?;
        self.raw.put(&place, &sealed)?;
        self.written.changes.push(Changed { place, sealed: Some(sealed) });
        Ok(())
    }

    /// Deletes the row at `key`; deleting nothing is no error.
    pub fn delete<K: Key, V>(&mut self, table: Table<K, V>, key: &K) -> Result<()> {
        let place = place(self.home, table.tag(), key)?;
        self.raw.delete(&place)?;
        self.written.changes.push(Changed { place, sealed: None });
        Ok(())
    }

    /// The time of this transaction: one reading of the clock.
    pub fn now(&self) -> Millis {
        self.now
    }

    pub(crate) fn home(&self) -> Home {
        self.home
    }

    /// Notes that a blob's file may have no reference any more.
    pub(crate) fn discarded(&mut self, sha256: [u8; 32]) {
        self.written.discarded.push(sha256);
    }

    pub(crate) fn admit(&self, tag: u32, name: &'static str) -> Result<()> {
        self.catalog.admit_name(tag, name)
    }

    pub(crate) fn seat(&self) -> Option<&Seat> {
        self.seat
    }

    pub(crate) fn parts(&mut self) -> (&mut dyn RawTxn, &mut Numbers, Option<&Seat>) {
        (self.raw, &mut self.numbers, self.seat)
    }

    /// Writes what was put off to the end.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.numbers.write(self.raw, self.home)
    }

    /// Wakes one who waits for the source, once this is committed.
    pub(crate) fn ring(&mut self, tag: u32, source: &str) {
        match self.written.rings.last_mut() {
            Some((last, of, times)) if *last == tag && of == source => *times += 1,
            _ => self.written.rings.push((tag, source.to_owned(), 1)),
        }
    }

    /// Says when the source has something again, once this is committed.
    pub(crate) fn due(&mut self, tag: u32, source: &str, due: Millis) {
        self.written.dues.push((tag, source.to_owned(), due));
    }

    /// Ends a lease of this process, once this is committed.
    pub(crate) fn release(&mut self, id: u64, serial: u64) {
        self.written.released.push((id, serial));
    }

    pub(crate) fn into_effects(self) -> (&'a mut dyn RawTxn, Written) {
        (self.raw, self.written)
    }
}

fn get<K: Key, V: Row, R: RawView + ?Sized>(
    raw: &mut R,
    home: Home,
    table: Table<K, V>,
    key: &K,
) -> Result<Option<V>> {
    let place = place(home, table.tag(), key)?;
    match raw.get(&place)? {
        Some(sealed) => Ok(Some(V::decode(unseal(&place, &sealed)?)?)),
        None => Ok(None),
    }
}

fn scan<K: Key, V: Row, R: RawView + ?Sized>(
    raw: &mut R,
    home: Home,
    table: Table<K, V>,
    from: &K,
    limit: usize,
) -> Result<Vec<(K, V)>> {
    let from = place(home, table.tag(), from)?;
    let mut rows = Vec::new();
    for (place, sealed) in raw.scan(&from, &end(home, table.tag()), limit)? {
        rows.push((K::decode(&place[PREFIX..])?, V::decode(unseal(&place, &sealed)?)?));
    }
    Ok(rows)
}
