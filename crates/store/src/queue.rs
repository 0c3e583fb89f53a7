//! Queues: items that are appended, leased and settled, each at least once, by time or in groups.

use std::marker::PhantomData;
use std::time::Duration;

use aws::Millis;

use crate::limits::{GROUP_BYTES, ITEM_BYTES, SOURCE_BYTES};
use crate::table::tag;
use crate::{Broken, Result, Row, Token, Txn};

mod lanes;
mod layout;
mod line;
mod receipt;
mod rules;
#[cfg(test)]
mod simulation;
mod waiting;
mod whole;

pub(crate) use lanes::{Lanes, Numbers, Packed};
pub(crate) use layout::Rows;
pub use line::{Depth, Leased, Line};
pub(crate) use receipt::Sealer;
pub use receipt::{Receipt, fuzzing};
pub use rules::Settled;
#[cfg(test)]
pub(crate) use rules::slips;
pub(crate) use waiting::Bells;

/// The rules, for the suite's list in memory.
pub(crate) mod model {
    pub(crate) use super::rules::{Candidate, Holder, Met, Occasion, Offer, Order, deal, meet, stand};
}

/// A queue: a constant of the one crate that owns it, e.g. `pub const MESSAGES: Queue<Message> = Queue::new("sqs.messages");`
///
/// It has a part in every home, and in each part any number of *sources*, which are apart: one a queue of a customer.
pub struct Queue<V> {
    name: &'static str,
    tag: u32,
    types: PhantomData<fn() -> V>,
}

impl<V> Clone for Queue<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Queue<V> {}

impl<V> Queue<V> {
    /// The queue of that name. The name is forever, and no table's: rows are found by its hash.
    pub const fn new(name: &'static str) -> Queue<V> {
        Queue { name, tag: tag(name), types: PhantomData }
    }

    /// The queue's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) const fn tag(&self) -> u32 {
        self.tag
    }
}

/// What an item's order depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Nothing: it comes by its time, those of one time in the order of their appends.
    None,
    /// Items of one group come by their time, and groups take turns, so that a busy one does not keep others waiting.
    Fair(String),
    /// Items of one group come in the order of their appends; while one is held or not yet due, none behind it comes.
    Strict(String),
}

/// An item to append. `New { group, ..New::of(source, body) }` fills in the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New<V> {
    /// Which source it is for, at most 256 bytes. Take an id that is new whenever a customer's queue is made or purged:
    /// then nothing of the old one, receipts included, is found in the new one.
    pub source: String,
    /// How it is ordered; the name at most 256 bytes.
    pub group: Group,
    /// When it may first be leased; at once without.
    pub due: Option<Millis>,
    /// When it was born, for [`Ask::born_after`]; now without.
    pub born: Option<Millis>,
    /// Appends only the first time that the token is seen in this home.
    pub once: Option<Token>,
    /// The item itself, at most 7 MiB as JSON.
    pub body: V,
}

impl<V> New<V> {
    /// An item without group, due at once.
    pub fn of(source: impl Into<String>, body: V) -> New<V> {
        New { source: source.into(), group: Group::None, due: None, born: None, once: None, body }
    }
}

/// What appending answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The item's id. Ids of a home grow in the order of the commits; none is used twice.
    pub id: u64,
    /// False when the token had been seen: nothing was appended, the id is the first one's.
    pub fresh: bool,
}

/// What a lease asks for. `Ask { max: 10, ..Ask::of(source, hold) }` fills in the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// From which source.
    pub source: String,
    /// Items at most; more than 1,000 are taken as 1,000, 0 as 1.
    pub max: usize,
    /// Bytes of bodies at most, and never more than 64 MiB; the first item comes whatever its size.
    pub max_bytes: usize,
    /// Who holds the items.
    pub hold: Hold,
    /// How long to wait for the first item.
    pub wait: Duration,
    /// Items born before are not leased but deleted, once nobody holds them.
    pub born_after: Millis,
}

impl Ask {
    /// One item, up to 8 MiB, without waiting.
    pub fn of(source: impl Into<String>, hold: Hold) -> Ask {
        let source = source.into();
        Ask { source, max: 1, max_bytes: 8 << 20, hold, wait: Duration::ZERO, born_after: Millis(0) }
    }
}

/// Who holds a leased item, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// This process, in memory, until it settles or drops it or dies. Costs no write; dropping it is no attempt.
    Process,
    /// A client outside, for this long. Written, so it outlives this process.
    Client(Duration),
}

/// How a lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// The item is done: it is deleted.
    Done,
    /// It may be leased again at that time. A client's receipt stays good: what was hidden until one time is hidden until
    /// another, and a later settle with it counts. A receipt of this process is used up.
    At(Millis),
}

impl Txn<'_> {
    /// Appends an item with whatever else the transaction writes: the outbox. Any node may, in any home.
    ///
    /// Fails with `TooLarge` above the limits of [`New`].
    pub fn append<V: Row>(&mut self, queue: Queue<V>, item: New<V>) -> Result<Appended> {
        let (source, once, packed) = pack(item)?;
        self.append_packed(queue, &source, once.as_ref(), &packed)
    }

    pub(crate) fn append_packed<V>(
        &mut self,
        queue: Queue<V>,
        source: &str,
        once: Option<&Token>,
        packed: &Packed,
    ) -> Result<Appended> {
        self.admit(queue.tag(), queue.name())?;
        if let Some(token) = once
            && let Some(id) = self.first_item(token)?
        {
            return Ok(Appended { id, fresh: false });
        }
        let id = self.lanes(queue.tag(), source).append(packed)?;
        if let Some(token) = once {
            self.remember_item(token, id)?;
        }
        self.ring(queue.tag(), source);
        Ok(Appended { id, fresh: true })
    }

    /// Settles a receipt with whatever else the transaction writes. Only the home's owner can: `Fenced` in a
    /// [`Store::write`](crate::Store::write). A receipt of another home is `Stale`.
    pub fn settle(&mut self, receipt: &Receipt, settle: Settle) -> Result<Settled> {
        let ticket = &receipt.0;
        if self.seat().is_none() {
            return Err(Broken::Fenced);
        }
        if ticket.home != self.home() {
            return Ok(Settled::Stale);
        }
        let settled = self.lanes(ticket.tag, &ticket.source).settle(ticket, settle)?;
        if settled == Settled::Yes {
            // Only these can make another item ready.
            if matches!(ticket.group, Group::Strict(_)) || settle != Settle::Done {
                self.ring(ticket.tag, &ticket.source);
            }
            if let Some(serial) = ticket.serial {
                self.release(ticket.id, serial);
            }
        }
        Ok(settled)
    }
}

/// Checks an item and encodes its body.
pub(crate) fn pack<V: Row>(item: New<V>) -> Result<(String, Option<Token>, Packed)> {
    let name = match &item.group {
        Group::None => "",
        Group::Fair(name) | Group::Strict(name) => name,
    };
    let body = item.body.encode();
    if encoded(&item.source) > SOURCE_BYTES || encoded(name) > GROUP_BYTES || body.len() > ITEM_BYTES {
        return Err(Broken::TooLarge);
    }
    let packed = Packed { group: item.group, due: item.due, born: item.born, body };
    Ok((item.source, item.once, packed))
}

/// Bytes of a name in a key, where a zero is two.
fn encoded(name: &str) -> usize {
    name.len() + name.bytes().filter(|byte| *byte == 0).count()
}
