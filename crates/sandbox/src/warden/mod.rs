//! The process tree: the warden, root's, which starts the server without privileges, and makers, which make boxes for it.
//!
//! | process | does | ends |
//! |---|---|---|
//! | warden | holds locks and listening sockets, routes orders, reaps | by a signal, or with the server's own end |
//! | maker | one slow step at a time: clone, mount, attach, unmount | with the warden; its work goes to another |
//! | server | everything that customers see; own uid, no capability, no exec | with the warden; its boxes end with it |
//! | init of a box | see [`crate::slot`] | with the server, by its lifeline |
//!
//! An order holds names: digests, numbers, limits. The warden chooses slots, uids and cgroups, and hands back descriptors;
//! after that a box is used without it. `main` calls [`role`] first; `up` calls [`run`]; the server makes a [`Client`].

mod boxes;
mod channel;
mod client;
mod confine;
mod ending;
mod folder;
pub(crate) mod fuzzing;
mod handle;
mod ids;
mod limits;
mod listen;
mod maker;
mod message;
#[cfg(test)]
mod message_tests;
mod process;
mod role;
mod router;
#[cfg(test)]
mod router_tests;
mod rules;
mod slots;
mod supervise;
mod up;

pub use client::Client;
pub use folder::{Instance, Stopped, status, stop};
pub use listen::Holder;
pub use role::{DATA, Line, Role, ServerHandles, role};
pub use up::{Ready, Refused, Tell, Up, run};

#[doc(hidden)]
pub use boxes::Boxes;
#[doc(hidden)]
pub use message::Instance as InstanceOrder;
#[doc(hidden)]
pub use up::run_with;
