//! AWS service models as data: one decoder, validator and encoder for every service and protocol.
//!
//! It is pure: no I/O, no clock. It knows shapes and protocols, never what an operation means.

mod limits;
pub mod model;
pub mod sigv4;
mod value;

pub use model::{Model, Protocol};
pub use value::Value;
