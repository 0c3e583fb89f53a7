//! What the store's writer says and its checker reads, and the data that both can compute.

use bytes::Bytes;
use store::{BlobId, Home, Queue, Table};

/// Rows, by key.
pub const ROWS: Table<String, String> = Table::new("cut.rows");
/// Adopted blobs, by key.
pub const BLOBS: Table<String, BlobId> = Table::new("cut.blobs");
/// Items whose bodies are their keys; a key without its number is the source.
pub const ITEMS: Queue<String> = Queue::new("cut.items");
/// The journal's name and size.
pub const JOURNAL: (&str, u64) = ("cut", 64 << 20);

/// One acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ack {
    /// The row was written.
    Row(String),
    /// The row is about to be deleted: it may be there or not.
    Doubt(String),
    /// The row was deleted.
    Gone(String),
    /// The body was staged.
    Staged(String),
    /// The body was adopted, and its row written.
    Blob(String),
    /// The item was appended.
    Item(String),
    /// The item is about to be deleted: it may be there or not.
    Taking(String),
    /// The item was deleted.
    Taken(String),
    /// The record was written at that position more than 100 ms ago.
    Noted(u64, String),
}

impl std::fmt::Display for Ack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ack::Row(key) => write!(f, "row {key}"),
            Ack::Doubt(key) => write!(f, "doubt {key}"),
            Ack::Gone(key) => write!(f, "gone {key}"),
            Ack::Staged(key) => write!(f, "staged {key}"),
            Ack::Blob(key) => write!(f, "blob {key}"),
            Ack::Item(key) => write!(f, "item {key}"),
            Ack::Taking(key) => write!(f, "taking {key}"),
            Ack::Taken(key) => write!(f, "taken {key}"),
            Ack::Noted(position, key) => write!(f, "noted {key} {position}"),
        }
    }
}

impl Ack {
    pub fn parse(line: &str) -> Option<Ack> {
        let mut words = line.split(' ');
        let (kind, key) = (words.next()?, words.next()?.to_owned());
        Some(match kind {
            "row" => Ack::Row(key),
            "doubt" => Ack::Doubt(key),
            "gone" => Ack::Gone(key),
            "staged" => Ack::Staged(key),
            "blob" => Ack::Blob(key),
            "item" => Ack::Item(key),
            "taking" => Ack::Taking(key),
            "taken" => Ack::Taken(key),
            "noted" => Ack::Noted(words.next()?.parse().ok()?, key),
            _ => return None,
        })
    }
}

/// The home of a key.
pub fn home(key: &str) -> Home {
    Home::of(&["cut", key])
}

/// The source of an item.
pub fn source(key: &str) -> &str {
    key.rsplit_once('-').map_or(key, |(source, _)| source)
}

/// A number that depends on the key alone.
fn number(key: &str) -> usize {
    key.bytes().fold(7_usize, |number, byte| number.wrapping_mul(31).wrapping_add(byte.into()))
}

/// The row of a key: 100 to 1,100 bytes.
pub fn row(key: &str) -> String {
    key.repeat((100 + number(key) % 1_000) / key.len() + 1)
}

/// The body of a key: 33 KiB to 300 KiB, no two KiB alike.
pub fn body(key: &str) -> Bytes {
    let seed = number(key);
    let block: Vec<u8> = (0..1_024_usize).map(|at| (at.wrapping_mul(131) ^ seed) as u8).collect();
    let mut body = Vec::new();
    for number in 0..33 + seed % 267 {
        body.extend(number.to_le_bytes());
        body.extend(&block[8..]);
    }
    body.truncate(body.len() - seed % 1_000);
    body.into()
}
