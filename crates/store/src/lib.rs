//! All state, in four shapes over one narrow back end. Every transaction is a synchronous closure in one *home*, one of
//! 256, computed from what a resource is called; nothing spans homes.
//!
//! | shape | here | written with |
//! |---|---|---|
//! | table | typed keys in order, JSON rows with a checksum, hot rows in memory, a feed of changes | [`Store::write`] |
//! | token | "has this taken effect?" | [`Txn::once`] |
//! | blob | bodies by hash: a row up to 32 KiB, above it a staged file that a transaction adopts | [`Blobs::stage`] |
//! | journal | buffered records: kept when the process dies, the last 100 ms lost when the power fails | [`Journal::note`] |
//!
//! Queue and log are built on the same back end when a service needs them: its numbered items are there for them.
//! The `Backend` here runs jobs and looks; fences, owners' batches and the change feed between nodes
//! come with the back end that has several nodes, since on one machine nothing calls them.
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
pub use journal::fuzzing;
pub use journal::{Journal, Stretch};
pub use key::Key;
pub use row::Row;
pub use simulated::{Faults, Simulated};
pub use store::{Options, Store};
pub use suite::suite;
pub use table::Table;
pub use token::Token;
pub use txn::{Txn, View};
