//! Large immutable bodies, found by their SHA-256. Up to 32 KiB a body is a row of the home that adopts it; above, a
//! file that is staged first and kept while some row counts it.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::backend::Boxed;
use crate::limits::{CHUNK_BYTES, SMALL_BLOB_BYTES};
use crate::row::{Hex, unseal};
use crate::table::place;
use crate::{Broken, Home, Result, Store, Table, Txn};

mod shelf;
mod sweep;

pub(crate) use shelf::{Held, MemoryShelf, Shelf};
pub use sweep::Swept;

/// Bytes that arrive piece by piece.
pub trait Chunks {
    /// The next piece, not empty; `None` at the end.
    fn next(&mut self) -> Boxed<'_, Result<Option<Bytes>>>;
}

/// All of it at once.
impl Chunks for Bytes {
    fn next(&mut self) -> Boxed<'_, Result<Option<Bytes>>> {
        let all = std::mem::take(self);
        Box::pin(async move { Ok((!all.is_empty()).then_some(all)) })
    }
}

/// Names a body that some row has adopted. Kept in rows as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId {
    /// The SHA-256 of the body.
    pub sha256: [u8; 32],
    /// Bytes of the body.
    pub size: u64,
    /// The home whose row it is, if it is small.
    row: Option<Home>,
}

/// A body that is on the disk (or, up to 32 KiB, in memory) and that no row names yet: adopt it in a transaction.
///
/// While a `Staged` lives its body is kept; a day after nobody adopted it, it is swept.
#[derive(Clone)]
pub struct Staged {
    /// The SHA-256 of the body.
    pub sha256: [u8; 32],
    /// Bytes of the body.
    pub size: u64,
    small: Option<Bytes>,
    _held: Option<Arc<Held>>,
}

#[derive(Serialize, Deserialize)]
struct Counted {
    count: u64,
}

const COUNTS: Table<[u8; 32], Counted> = Table::new("store.blob-counts");
const BODIES: Table<[u8; 32], ()> = Table::new("store.blob-bodies");

/// The blobs of a store.
#[derive(Clone)]
pub struct Blobs {
    store: Store,
}

impl Blobs {
    pub(crate) fn new(store: Store) -> Blobs {
        Blobs { store }
    }

    fn shelf(&self) -> &Arc<Shelf> {
        &self.store.0.shelf
    }

    /// Takes in a body of at most `limit` bytes. When it answers, a body above 32 KiB is on the disk.
    ///
    /// Fails with `TooLarge` above `limit` and `Full` below the disk's floor; then nothing is left behind.
    pub async fn stage(&self, body: &mut (dyn Chunks + Send), limit: u64) -> Result<Staged> {
        let mut pending = BytesMut::new();
        let mut size = 0_u64;
        let mut upload = None;
        while let Some(chunk) = body.next().await? {
            size += chunk.len() as u64;
            if size > limit {
                return Err(Broken::TooLarge);
            }
            pending.extend_from_slice(&chunk);
            if pending.len() >= CHUNK_BYTES {
                let open = match upload.take() {
                    Some(open) => open,
                    None => self.begin().await?,
                };
                upload = Some(open.append(pending.split().freeze()).await?);
            }
        }
        let rest = pending.freeze();
        let upload = match upload {
            Some(upload) => upload,
            None if size <= SMALL_BLOB_BYTES => return Ok(Staged::small(rest)),
            None => self.begin().await?,
        };
        let (sha256, held) = upload.append(rest).await?.finish().await?;
        Ok(Staged { sha256, size, small: None, _held: Some(Arc::new(held)) })
    }

    async fn begin(&self) -> Result<shelf::Upload> {
        if !self.store.0.backend.has_room() {
            return Err(Broken::Full);
        }
        self.shelf().begin().await
    }

    /// Opens a body for reading; `range` is cut to its size. Read from its first to its last byte, the body is checked
    /// against its hash, and the last piece fails with `Corrupt` when it differs.
    pub async fn open(&self, blob: &BlobId, range: Range<u64>) -> Result<Box<dyn Chunks + Send>> {
        let range = range.start.min(blob.size)..range.end.min(blob.size);
        let Some(home) = blob.row else {
            return self.shelf().open(blob, range).await;
        };
        let place = place(home, BODIES.tag(), &blob.sha256)?;
        let sealed = self.store.sealed(place.clone()).await?.ok_or_else(|| missing(blob))?;
        let body = unseal(&place, &sealed)?;
        let part = body.get(range.start as usize..range.end.max(range.start) as usize);
        Ok(Box::new(Bytes::copy_from_slice(part.ok_or_else(|| missing(blob))?)))
    }

    /// Reads a whole body, checked against its hash. For bodies that fit into memory.
    pub async fn read(&self, blob: &BlobId) -> Result<Bytes> {
        let mut chunks = self.open(blob, 0..blob.size).await?;
        let mut whole = BytesMut::with_capacity(usize::try_from(blob.size).unwrap_or(0));
        while let Some(chunk) = chunks.next().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}

fn missing(blob: &BlobId) -> Broken {
    Broken::Corrupt(format!("blob {blob} is missing"))
}

impl Staged {
    fn small(body: Bytes) -> Staged {
        let sha256 = Sha256::digest(&body).into();
        Staged { sha256, size: body.len() as u64, small: Some(body), _held: None }
    }
}

impl Txn<'_> {
    /// Makes a staged body this home's: from the commit on it is kept until it is discarded as often as adopted.
    pub fn adopt(&mut self, blob: &Staged) -> Result<BlobId> {
        let count = self.get(COUNTS, &blob.sha256)?.map_or(0, |counted| counted.count);
        self.put(COUNTS, &blob.sha256, &Counted { count: count + 1 })?;
        let row = match &blob.small {
            Some(body) if count == 0 => {
                self.put_body(BODIES, &blob.sha256, body)?;
                Some(self.home())
            }
            Some(_) => Some(self.home()),
            None => None,
        };
        Ok(BlobId { sha256: blob.sha256, size: blob.size, row })
    }

    /// Gives up one adoption of this home. The body goes after the last one: soon after the commit, when nothing
    /// elsewhere names it.
    pub fn discard(&mut self, blob: &BlobId) -> Result<()> {
        if blob.row.is_some_and(|home| home != self.home()) {
            return Err(Broken::Corrupt(format!("blob {blob} is another home's")));
        }
        let count = self.get(COUNTS, &blob.sha256)?.map_or(0, |counted| counted.count);
        if count > 1 {
            return self.put(COUNTS, &blob.sha256, &Counted { count: count - 1 });
        }
        self.delete(COUNTS, &blob.sha256)?;
        match blob.row {
            Some(_) => self.delete(BODIES, &blob.sha256)?,
            None => self.discarded(blob.sha256),
        }
        Ok(())
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", Hex(&self.sha256), self.size)?;
        match self.row {
            Some(home) => write!(f, "-{}", home.0),
            None => Ok(()),
        }
    }
}

impl FromStr for BlobId {
    type Err = Broken;

    fn from_str(text: &str) -> Result<BlobId> {
        parse(text).ok_or_else(|| Broken::Corrupt(format!("{text:?} names no blob")))
    }
}

fn parse(text: &str) -> Option<BlobId> {
    let mut parts = text.split('-');
    let sha256 = parse_sha256(parts.next()?)?;
    let size = parts.next()?.parse().ok()?;
    let row = match parts.next() {
        Some(home) => Some(Home(home.parse().ok()?)),
        None => None,
    };
    parts.next().is_none().then_some(BlobId { sha256, size, row })
}

fn parse_sha256(hex: &str) -> Option<[u8; 32]> {
    let digits = hex.as_bytes();
    let mut sha256 = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in sha256.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| (digit as char).to_digit(16));
        *byte = (high? * 16 + low?) as u8;
    }
    Some(sha256)
}

impl Serialize for BlobId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BlobId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<BlobId, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_bad_text_names_nothing() {
        for row in [None, Some(Home(255))] {
            let id = BlobId { sha256: [0xa7; 32], size: 12_345_678_901, row };
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(serde_json::from_str::<BlobId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        }
        let hex = "a7".repeat(32);
        for bad in
            ["", "a7-1", &hex, &format!("{hex}-x"), &format!("{hex}-1-2-3"), &format!("é{}-1", &hex[2..])]
        {
            assert!(bad.parse::<BlobId>().is_err(), "{bad}");
        }
    }
}
