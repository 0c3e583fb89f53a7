//! AWS service models as data: one decoder, validator and encoder for every service and protocol.
//!
//! It is pure: no I/O, no clock. It knows shapes and protocols, never what an operation means.

mod value;

pub use value::Value;
