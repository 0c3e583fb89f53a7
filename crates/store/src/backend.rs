use std::future::Future;
use std::pin::Pin;

use crate::{Elsewhere, Home, Result};

/// A future in a box.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Rows by place and value, both opaque.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// What a look sees: all commits up to one moment, and none after.
pub trait RawView {
    /// The value at `key`.
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// The first `limit` rows with `from <= key < to`, in byte order.
    fn scan(&mut self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows>;

    /// How many rows there are with `from <= key < to`.
    fn count(&mut self, from: &[u8], to: &[u8]) -> Result<u64>;

    /// True when the item is there.
    fn has_item(&mut self, id: u64) -> Result<bool>;
}

/// An open transaction: ordered rows and numbered items. It sees its own writes.
pub trait RawTxn: RawView {
    /// Writes the value at `key`.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()>;

    /// Deletes the value at `key`, if any.
    fn delete(&mut self, key: &[u8]) -> Result<()>;

    /// Writes an item: written once, deleted once. Writing an id twice fails.
    fn put_item(&mut self, id: u64, body: &[u8]) -> Result<()>;

    /// Deletes items; those that are gone are passed over.
    fn delete_items(&mut self, ids: &[u64]) -> Result<()>;

    /// Calls `then` when this run of the job has been committed, in the order of the commits and before anyone is
    /// answered; drops it otherwise. It must be short and must not wait.
    fn on_commit(&mut self, then: Box<dyn FnOnce() + Send>);
}

/// A transaction's body. It may be called several times; the last call counts. `true`: keep what it wrote.
pub type Job = Box<dyn FnMut(&mut dyn RawTxn) -> bool + Send>;

/// A read's body.
pub type Look = Box<dyn FnMut(&mut dyn RawView) + Send>;

/// Proof that a node owns a home. A later owner has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// What is owned.
    pub home: Home,
    /// Random, because after a fail-over a counter could repeat itself.
    pub nonce: u64,
}

/// What keeps the bytes. It knows no shape: tables, tokens and blobs are written once above it.
pub trait Backend: Send + Sync + 'static {
    /// Runs `job` as one transaction: atomic, serialisable, and durable when the answer is `Ok`.
    ///
    /// With a fence, a transaction that commits does so while that fence is the home's; `Fenced` otherwise, and nothing
    /// is written. Dropping the future does not stop a transaction that has begun. The job is dropped after its commit.
    fn run(&self, fence: Option<Fence>, job: Job) -> Boxed<'_, Result<()>>;

    /// Runs `look` over what is committed.
    fn look(&self, look: Look) -> Boxed<'_, Result<()>>;

    /// The bodies of items, in the order of `ids`; `None` for those that are gone.
    fn items(&self, ids: Vec<u64>) -> Boxed<'_, Result<Vec<Option<Vec<u8>>>>>;

    /// Makes `node` the owner of `home`, unless another one is and still beats. A node that owns it already gets a new
    /// fence, and its old one is void.
    fn acquire(&self, home: Home, node: &str) -> Boxed<'_, Result<Fence, Elsewhere>>;

    /// Says that `node` lives; answers the fences that it still holds.
    fn beat(&self, node: &str) -> Boxed<'_, Result<Vec<Fence>>>;

    /// True when there is room for new work.
    fn has_room(&self) -> bool;

    /// Stops: what was answered is on disk, later calls answer `Unavailable`.
    fn close(&self) -> Boxed<'_, ()>;
}
