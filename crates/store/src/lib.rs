//! All state, in four shapes over one narrow back end. Every transaction is a synchronous closure in one *home*, one of
//! 256, computed from what a resource is called; nothing spans homes.
//!
//! | shape | here | written with |
//! |---|---|---|
//! | table | typed keys in order, JSON rows with a checksum, hot rows in memory, a feed of changes | [`Store::write`] |
//! | queue | items by time, in fair or strict groups, leased to a client or to this process | [`Txn::append`], [`Line`] |
//! | token | "has this taken effect?" | [`Txn::once`] |
//! | blob | bodies by hash: a row up to 32 KiB, above it a staged file that a transaction adopts | [`Blobs::stage`] |
//! | journal | buffered records: kept when the process dies, the last 100 ms lost when the power fails | [`Journal::note`] |
//!
//! # Queues
//!
//! A [`Queue`] is a constant like a table. It has a part in every home, and there any number of *sources*, named by the
//! caller: for SQS one for each queue of a customer. Anybody appends, in any home, with [`Txn::append`]: in the same
//! transaction as rows (the outbox), once for a token. Leasing and settling is for the home's owner: [`Store::own`], which
//! on one machine is always this process.
//!
//! In words, what a service like SQS does:
//!
//! - A customer's queue has a row in the account's home, and in it a random id, its *incarnation*. The home of its messages
//!   is `Home::of(&[arn])`. Deleting or purging the queue writes another id into the row: from that commit on the old
//!   messages, receipts and tokens are out of reach, and [`Line::purge`] deletes them at leisure.
//! - Send: `let line = store.own(home).await?.queue(MESSAGES)`, then `line.append(vec![New { group, due, once,
//!   ..New::of(incarnation, message) }])`. Without a group id [`Group::None`]; with one on a standard queue
//!   [`Group::Fair`], on a FIFO queue [`Group::Strict`]. `due` is the delay; `once` carries the deduplication id, the
//!   incarnation and, where the scope is the message group, the group; the answer's `fresh` is false for a duplicate, and
//!   its id, the sequence number, is the first one's.
//! - Receive: `line.lease(Ask { max, wait, born_after, ..Ask::of(incarnation, Hold::Client(visibility)) })`. It answers as
//!   soon as there is one message, in the order of the queue; `born_after` is the retention. `line.text(&leased.receipt)`
//!   is the receipt handle. `leased.attempt` is the receive count: above the queue's maximum the message is not answered
//!   but moved: sent to the dead-letter queue with a token made of its id, then settled as [`Settle::Done`].
//! - Delete and change of visibility: `line.receipt(handle)` reads the handle (`None`: not one of ours; compare
//!   [`Receipt::source`] with the incarnation), `line.settle(vec![(receipt, Settle::Done)])` or `Settle::At(until)`.
//!   [`Settled::Stale`] means that somebody else has the message by now, or in a strict group that the time is over;
//!   [`Settled::Gone`] that it was deleted before. Which of them is an error is the service's rule.
//! - Attributes: [`Line::depth`], no more than once a second.
//! - [`Broken::Fenced`] from any of these: another node owns the home by now; own it again or forward the call.
//!
//! A loop of this process (asynchronous events, deliveries, timers) leases with [`Hold::Process`]: no write, and what is
//! dropped unsettled, or was held by a process that died, is there again without having counted as an attempt. It waits in
//! `lease` with a long `wait` and ends with [`Owned::lost`]. A settle and what follows from it are one transaction:
//! [`Owned::write`] with [`Txn::settle`] and [`Txn::append`].
//!
//! Every item is at least once: until it is settled it comes again. Memory holds what this process holds and who waits,
//! nothing else of a queue: depth, groups, delays and clients' leases are rows, and cost nothing while nobody asks.
//!
//! # Elsewhere
//!
//! The log shape is built on the same back end when a service needs it. What several nodes need beside fences (membership,
//! the change feed, wake-ups between nodes) comes with the back end that has several nodes.
//!
//! On disk: `state.db` (SQLite, written by one thread), `state.noted`, `reserve`, `blobs/`, `journal/`. What is
//! acknowledged is synced. A failed sync aborts the process; a damaged or outdated database is refused at the start.
//!
//! This crate never reads another clock than its own, never knows a service, and never answers before it is durable.

mod backend;
mod blobs;
mod cache;
mod disk;
mod error;
mod feed;
mod home;
mod journal;
mod key;
pub mod limits;
mod own;
mod queue;
mod row;
mod simulated;
mod sqlite;
mod store;
pub mod suite;
mod table;
mod token;
mod txn;
#[cfg(feature = "weaken")]
#[doc(hidden)]
pub mod weaken;

pub use blobs::{BlobId, Blobs, Chunks, Staged, Swept};
pub use error::{Broken, Result};
pub use feed::{Change, Feed};
pub use home::Home;
#[doc(hidden)]
pub mod fuzzing {
    //! What the fuzz targets reach.
    pub use crate::journal::fuzzing::Journal;
    pub use crate::queue::fuzzing as receipts;
}
pub use journal::{Journal, Stretch};
pub use key::Key;
pub use own::{Elsewhere, Owned};
pub use queue::{Appended, Ask, Depth, Group, Hold, Leased, Line, New, Queue, Receipt, Settle, Settled};
pub use row::Row;
pub use simulated::{Faults, Simulated};
pub use store::{Options, Store};
pub use suite::suite;
pub use table::Table;
pub use token::Token;
pub use txn::{Txn, View};
