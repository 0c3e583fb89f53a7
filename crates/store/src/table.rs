use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{PoisonError, RwLock};

use crate::limits::KEY_BYTES;
use crate::{Broken, Home, Key, Result};

/// A table: a constant of the one crate that owns it, e.g.
/// `pub const FUNCTIONS: Table<(String, String), Function> = Table::new("lambda.functions");`
pub struct Table<K, V> {
    name: &'static str,
    tag: u32,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Table<K, V> {}

impl<K, V> Table<K, V> {
    /// The table of that name. The name is forever: rows are found by its hash.
    pub const fn new(name: &'static str) -> Table<K, V> {
        Table { name, tag: tag(name), types: PhantomData }
    }

    /// The table's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) const fn tag(&self) -> u32 {
        self.tag
    }
}

// FNV-1a, because it must be computed in a constant.
pub(crate) const fn tag(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let mut hash = 0x811c_9dc5_u32;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}

/// Bytes before the key: home and table.
pub(crate) const PREFIX: usize = 6;

/// Where the rows of a table begin in a home.
pub(crate) fn prefix(home: Home, tag: u32) -> [u8; PREFIX] {
    let [a, b] = home.0.to_be_bytes();
    let [c, d, e, f] = tag.to_be_bytes();
    [a, b, c, d, e, f]
}

/// The first place behind the rows of a table in a home.
pub(crate) fn end(home: Home, tag: u32) -> [u8; PREFIX] {
    match tag.checked_add(1) {
        Some(next) => prefix(home, next),
        None => prefix(Home(home.0 + 1), 0),
    }
}

/// Where the row with `key` is: home, table, key.
pub(crate) fn place<K: Key>(home: Home, tag: u32, key: &K) -> Result<Vec<u8>> {
    let mut place = Vec::with_capacity(PREFIX + 64);
    place.extend(prefix(home, tag));
    key.encode(&mut place);
    if place.len() > PREFIX + KEY_BYTES { Err(Broken::TooLarge) } else { Ok(place) }
}

/// The home that a place is in.
pub(crate) fn home_of(place: &[u8]) -> Home {
    Home(u16::from_be_bytes([place[0], place[1]]))
}

/// The table that a place is in.
pub(crate) fn tag_of(place: &[u8]) -> u32 {
    u32::from_be_bytes([place[2], place[3], place[4], place[5]])
}

/// The tables that have been written to, so that two names with one hash are found before they mix their rows.
#[derive(Default)]
pub(crate) struct Catalog(RwLock<HashMap<u32, &'static str>>);

impl Catalog {
    pub(crate) fn admit<K, V>(&self, table: Table<K, V>) -> Result<()> {
        self.admit_name(table.tag, table.name)
    }

    /// Queues share the numbers of tables.
    pub(crate) fn admit_name(&self, tag: u32, name: &'static str) -> Result<()> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&tag).copied();
        let first = match known {
            Some(first) => first,
            None => {
                let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
                *tables.entry(tag).or_insert(name)
            }
        };
        if first == name {
            return Ok(());
        }
        Err(Broken::Corrupt(format!("tables {first} and {name} have one tag: rename one")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_stable_and_two_names_with_one_tag_are_refused() {
        // Written down: data on disk depends on it.
        assert_eq!(Table::<(), ()>::new("lambda.functions").tag(), 0x5811_2b25);
        let (costarring, liquid) = (Table::<(), ()>::new("costarring"), Table::<(), ()>::new("liquid"));
        assert_eq!(costarring.tag(), liquid.tag());
        let catalog = Catalog::default();
        catalog.admit(costarring).unwrap();
        catalog.admit(costarring).unwrap();
        assert!(matches!(catalog.admit(liquid), Err(Broken::Corrupt(_))));
    }

    #[test]
    fn places_group_by_home_then_table_and_long_keys_are_refused() {
        assert!(prefix(Home(1), 9) < end(Home(1), 9));
        assert_eq!(end(Home(1), u32::MAX), prefix(Home(2), 0));
        let place_of = |length: usize| place(Home(3), 9, &"k".repeat(length));
        assert_eq!(place_of(KEY_BYTES - 1), Err(Broken::TooLarge));
        let longest = place_of(KEY_BYTES - 2).unwrap();
        assert_eq!((home_of(&longest), tag_of(&longest)), (Home(3), 9));
    }
}
