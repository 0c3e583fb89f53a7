//! The composition root: settings, keys, wiring, shards, start and drain. It names everything and decides nothing.

pub mod config;
mod limits;
mod log;
mod root_key;

pub use config::Config;
pub use root_key::{Origin, RootKey};
