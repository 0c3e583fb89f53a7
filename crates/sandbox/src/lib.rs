//! Runs a command in a box: namespaces, cgroups, seccomp, packs. It knows no Lambda: it is handed a command, a root, limits.
//!
//! [`Driver`] is what the invoker sees. `warden` (privileged processes) makes the boxes; `simulated` plays them in tests.

pub mod cgroup;
mod driver;
pub mod facts;
#[doc(hidden)]
pub mod fuzzing;
mod io;
mod kernel;
mod limits;
pub mod packs;
mod seccomp;
pub mod simulated;
pub mod slot;
pub mod warden;

pub use driver::{
    Command, Control, Driver, Exit, KeepTmp, Pack, PackDigest, Packs, Slot, Spec, StartError, Tmp,
    TreeDigest, Usage,
};
pub use io::{Accepting, Connection, Listener, Output, Reading};
