//! AWS service models as data: one decoder, validator and encoder for every service and protocol.
//!
//! It is pure: no I/O, no clock. It knows shapes and protocols, never what an operation means.
//!
//! A request's way: [`identify`] finds the operation, [`Identified::decode`] makes a [`Value`] of the bytes,
//! [`Identified::validate`] checks it, and [`Identified::encode`] or [`Identified::encode_fault`] writes the answer.
//! [`client`] goes the other way.

pub mod client;
mod codec;
mod fault;
mod identify;
mod limits;
mod malformed;
pub mod model;
mod names;
mod request;
pub mod sigv4;
mod validate;
mod value;

pub use fault::encode_fault;
pub use identify::{Identified, identify};
pub use model::{Model, Protocol};
pub use request::{Request, Response};
pub use value::Value;
