//! Control groups: version 2, version 1 and the hybrid of both, behind one layout.
//!
//! Below the instance's group lie `core` (warden, server), `makers` and `env/<slot>`. Version 2 is used for whatever it
//! offers; on a hybrid host that is freezing and killing, while limits come from version 1.

mod handles;
mod layout;
mod tree;

pub use handles::{Handles, Parts};
pub use tree::{Axis, Group, Tree};
pub(crate) use tree::{Slot, wait_until};
