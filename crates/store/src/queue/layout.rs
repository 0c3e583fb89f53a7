//! Where a queue's rows are and what is in them.
//!
//! In a home, under the queue's tag, by source:
//!
//! | row | key | value |
//! |---|---|---|
//! | index, one an item | `0` source, lane, due (0 in a strict lane), id | [`Entry`] |
//! | line, one a group with items | `1` source, from when, turn, lane | – |
//! | stand, one a group with items | `2` source, lane | where its line row is |
//! | forward, of items whose time was changed | `3` source, id | due |
//!
//! The bodies are items, by id: `home << 48 | number`, in the order of the commits.

use aws::Millis;

use super::Group;
use super::rules::Order;
use crate::row::{seal, unseal};
use crate::table::prefix;
use crate::{Broken, Home, Key, Result};

const INDEX: u8 = 0;
const LINE: u8 = 1;
const STAND: u8 = 2;
const FORWARD: u8 = 3;

/// Bytes of due and id at the end of an index key.
const TAIL: usize = 16;

/// The rows of one source of a queue in a home.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) home: Home,
    pub(crate) tag: u32,
    pub(crate) source: &'a str,
}

/// A place in the line: from when, and among those with the same time, in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) from: Millis,
    pub(crate) turn: u64,
}

impl Group {
    pub(crate) fn order(&self) -> Order {
        match self {
            Group::None | Group::Fair(_) => Order::Free,
            Group::Strict(_) => Order::Strict,
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let (kind, name) = match self {
            Group::None => (0, ""),
            Group::Fair(name) => (1, name.as_str()),
            Group::Strict(name) => (2, name.as_str()),
        };
        out.push(kind);
        put_text(name, out);
    }

    pub(crate) fn take(bytes: &mut &[u8]) -> Result<Group> {
        let [kind] = <[u8; 1]>::take(bytes)?;
        let name = String::take(bytes)?;
        match kind {
            0 if name.is_empty() => Ok(Group::None),
            1 => Ok(Group::Fair(name)),
            2 => Ok(Group::Strict(name)),
            _ => Err(Broken::Corrupt(format!("a group of kind {kind}"))),
        }
    }
}

// As `String` is encoded, without a copy.
fn put_text(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend([0, 0]);
}

impl Rows<'_> {
    fn begin(&self, kind: u8) -> Vec<u8> {
        let mut key = Vec::with_capacity(64 + self.source.len());
        key.extend(prefix(self.home, self.tag));
        key.push(kind);
        put_text(self.source, &mut key);
        key
    }

    /// From the first to behind the last row of a kind.
    fn range(&self, kind: u8) -> (Vec<u8>, Vec<u8>) {
        let from = self.begin(kind);
        let to = after(&from);
        (from, to)
    }

    /// All index rows of the source.
    pub(crate) fn index(&self) -> (Vec<u8>, Vec<u8>) {
        self.range(INDEX)
    }

    /// The index rows of a lane up to and with `until`. In a strict lane all.
    pub(crate) fn lane(&self, group: &Group, until: Millis) -> (Vec<u8>, Vec<u8>) {
        let mut from = self.begin(INDEX);
        group.encode(&mut from);
        let mut to = from.clone();
        to.extend(until.0.saturating_add(1).to_be_bytes());
        (from, to)
    }

    /// The index rows of a lane after `moment`.
    pub(crate) fn lane_after(&self, group: &Group, moment: Millis) -> (Vec<u8>, Vec<u8>) {
        let (lane, from) = self.lane(group, moment);
        (from, after(&lane))
    }

    /// The index row of an item.
    pub(crate) fn entry(&self, group: &Group, due: Millis, id: u64) -> Vec<u8> {
        let mut key = self.begin(INDEX);
        group.encode(&mut key);
        let due = match group.order() {
            Order::Free => due.0,
            Order::Strict => 0,
        };
        key.extend(due.to_be_bytes());
        key.extend(id.to_be_bytes());
        key
    }

    /// The lane of an index row of this source.
    pub(crate) fn group_of(&self, index: &[u8]) -> Result<Group> {
        let mut rest = index.get(self.begin(INDEX).len()..).unwrap_or_default();
        Group::take(&mut rest)
    }

    /// The line up to and with `until`.
    pub(crate) fn line(&self, until: Millis) -> (Vec<u8>, Vec<u8>) {
        let from = self.begin(LINE);
        let mut to = from.clone();
        to.extend(until.0.saturating_add(1).to_be_bytes());
        (from, to)
    }

    /// The line after `moment`.
    pub(crate) fn line_after(&self, moment: Millis) -> (Vec<u8>, Vec<u8>) {
        (self.line(moment).1, self.range(LINE).1)
    }

    pub(crate) fn line_row(&self, stand: Stand, group: &Group) -> Vec<u8> {
        let mut key = self.begin(LINE);
        key.extend(stand.from.0.to_be_bytes());
        key.extend(stand.turn.to_be_bytes());
        group.encode(&mut key);
        key
    }

    /// Who stands in a line row, and where.
    pub(crate) fn read_line_row(&self, key: &[u8]) -> Result<(Stand, Group)> {
        let mut rest = key.get(self.begin(LINE).len()..).unwrap_or_default();
        let stand = Stand { from: Millis::take(&mut rest)?, turn: u64::take(&mut rest)? };
        Ok((stand, Group::take(&mut rest)?))
    }

    pub(crate) fn stand(&self, group: &Group) -> Vec<u8> {
        let mut key = self.begin(STAND);
        group.encode(&mut key);
        key
    }

    pub(crate) fn forward(&self, id: u64) -> Vec<u8> {
        let mut key = self.begin(FORWARD);
        key.extend(id.to_be_bytes());
        key
    }
}

/// Behind every key that begins with `from`, which ends with the end of a text: no key of a text's continues with FF.
fn after(from: &[u8]) -> Vec<u8> {
    let mut to = from.to_vec();
    to.extend([0xff; TAIL + 1]);
    to
}

/// What the index says of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    /// When it was appended, or what its sender said.
    pub(crate) born: Millis,
    /// When it may be handed out.
    pub(crate) due: Millis,
    /// How often it was leased.
    pub(crate) attempt: u32,
    /// Bytes of the body.
    pub(crate) size: u32,
    pub(crate) state: State,
    pub(crate) place: Place,
}

/// Why an item is hidden, when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Its time has not come.
    Waiting,
    /// A client leased it.
    Leased,
}

/// Whether the receipt names the row's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Named,
    /// Its time was changed since; a forward row says to what.
    Forwarded,
}

const VERSION: u8 = 1;

impl Entry {
    pub(crate) fn encode(&self, key: &[u8]) -> Result<Vec<u8>> {
        let mut body = Vec::with_capacity(26);
        body.push(VERSION);
        body.push(u8::from(self.state == State::Leased) | u8::from(self.place == Place::Forwarded) << 1);
        body.extend(self.born.0.to_be_bytes());
        body.extend(self.due.0.to_be_bytes());
        body.extend(self.attempt.to_be_bytes());
        body.extend(self.size.to_be_bytes());
        seal(key, &body)
    }

    pub(crate) fn decode(key: &[u8], sealed: &[u8]) -> Result<Entry> {
        let mut rest = unseal(key, sealed)?;
        let [version, flags] = <[u8; 2]>::take(&mut rest)?;
        if version != VERSION {
            return Err(Broken::Corrupt(format!("an item's row of version {version}")));
        }
        let mut id = key.get(key.len().saturating_sub(8)..).unwrap_or_default();
        Ok(Entry {
            id: u64::take(&mut id)?,
            born: Millis::take(&mut rest)?,
            due: Millis::take(&mut rest)?,
            attempt: u32::from_be_bytes(<[u8; 4]>::take(&mut rest)?),
            size: u32::from_be_bytes(<[u8; 4]>::take(&mut rest)?),
            state: if flags & 1 == 0 { State::Waiting } else { State::Leased },
            place: if flags & 2 == 0 { Place::Named } else { Place::Forwarded },
        })
    }
}

/// A number, or several, as a sealed value.
pub(crate) fn numbers<const N: usize>(key: &[u8], numbers: [u64; N]) -> Result<Vec<u8>> {
    seal(key, &numbers.map(u64::to_be_bytes).concat())
}

/// What `numbers` wrote.
pub(crate) fn read_numbers<const N: usize>(key: &[u8], sealed: &[u8]) -> Result<[u64; N]> {
    let mut rest = unseal(key, sealed)?;
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = u64::take(&mut rest)?;
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: Rows<'static> = Rows { home: Home(3), tag: 9, source: "a\0b" };

    fn groups() -> Vec<Group> {
        let named = |name: &str| [Group::Fair(name.into()), Group::Strict(name.into())];
        [
            vec![Group::None],
            named("").into(),
            named("g").into(),
            named("g\0").into(),
            named("ÿ\u{10ffff}").into(),
        ]
        .concat()
    }

    #[test]
    fn rows_are_read_back_from_their_keys() {
        for group in groups() {
            let key = ROWS.entry(&group, Millis(7), 8);
            assert_eq!(ROWS.group_of(&key), Ok(group.clone()));
            let stand = Stand { from: Millis(5), turn: u64::MAX };
            assert_eq!(ROWS.read_line_row(&ROWS.line_row(stand, &group)), Ok((stand, group)));
        }
        for (state, place) in [(State::Waiting, Place::Forwarded), (State::Leased, Place::Named)] {
            let entry =
                Entry { id: 8, born: Millis(1), due: Millis(u64::MAX), attempt: 3, size: 4, state, place };
            let key = ROWS.entry(&Group::None, Millis(7), 8);
            assert_eq!(Entry::decode(&key, &entry.encode(&key).unwrap()), Ok(entry));
        }
        assert_eq!(read_numbers(b"k", &numbers(b"k", [1, u64::MAX]).unwrap()), Ok([1, u64::MAX]));
    }

    #[test]
    fn ranges_hold_their_own_rows_and_no_others() {
        let others = ["", "a", "a\0", "a\0b\0", "a\0c", "b"].map(|source| Rows { source, ..ROWS });
        let inside = |key: &[u8], (from, to): (Vec<u8>, Vec<u8>)| *from <= *key && *key < *to;
        for group in groups() {
            for due in [0, 1, 7, u64::MAX - 1] {
                let key = ROWS.entry(&group, Millis(due), u64::MAX);
                assert!(inside(&key, ROWS.index()));
                for other in &others {
                    assert!(!inside(&other.entry(&group, Millis(due), 1), ROWS.index()), "{other:?}");
                    assert!(!inside(
                        &other.line_row(Stand { from: Millis(0), turn: 1 }, &group),
                        ROWS.index()
                    ));
                }
                for lane in groups() {
                    let free = group.order() == Order::Free;
                    let until = inside(&key, ROWS.lane(&lane, Millis(7)));
                    assert_eq!(until, lane == group && (due <= 7 || !free), "{group:?} {lane:?} {due}");
                    let later = inside(&key, ROWS.lane_after(&lane, Millis(7)));
                    assert_eq!(later, lane == group && due > 7 && free, "{group:?} {lane:?} {due}");
                }
                let line = ROWS.line_row(Stand { from: Millis(due), turn: 1 }, &group);
                assert_eq!(inside(&line, ROWS.line(Millis(7))), due <= 7);
                assert_eq!(inside(&line, ROWS.line_after(Millis(7))), due > 7);
            }
        }
    }
}
