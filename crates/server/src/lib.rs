//! The composition root: settings, keys, wiring, shards, start and drain. It names everything and decides nothing.
//!
//! | file | holds |
//! |---|---|
//! | `config` | every setting and where its value comes from |
//! | `tls` | given and made certificates, and clients that trust them |
//! | `root_key`, `keys` | root's key; whose access keys are valid |
//! | `assemble`, `ports` | the wiring, and the adapters between rooms that do not name each other |
//! | `run`, `shards`, `log` | the server process: threads, readiness, signals, drain, log lines |

mod assemble;
pub mod config;
mod keys;
mod limits;
mod log;
mod ports;
mod root_key;
mod run;
mod shards;
pub mod tls;

pub use assemble::{Assembled, Parts, assemble};
pub use config::Config;
pub use root_key::{FILE as ROOT_KEY_FILE, Origin, RootKey};
pub use run::{Connect, Connected, Handles, main, run};

#[cfg(test)]
mod tests;
