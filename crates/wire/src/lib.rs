//! AWS service models as data: one decoder, validator and encoder for every service and protocol.
//!
//! It is pure: no I/O, no clock. It knows shapes and protocols, never what an operation means.
//!
//! A request's way: [`route`](fn@route) finds the operation, [`Identified::decode`] makes a [`Value`] of the bytes,
//! [`Identified::validate`] checks it, and [`Identified::encode`] or [`Identified::encode_fault`] writes the answer.
//! Bodies that the model streams stay a [`Stream`] both ways, event streams are [`Events`]; neither is ever a tree.
//! [`client`] goes the other way.

pub mod client;
mod codec;
mod events;
pub mod eventstream;
mod exchange;
mod fault;
mod identify;
mod limits;
mod malformed;
pub mod model;
mod names;
mod request;
mod route;
pub mod sigv4;
mod stream;
mod validate;
mod value;

pub use events::{Coming, Events};
pub use fault::encode_fault;
pub use identify::Identified;
pub use model::{Model, Protocol};
pub use request::{Request, Response};
pub use route::{Host, Hosts, InvalidSuffix, Lost, Route, host_name, identify, identify_head, route};
pub use stream::{Body, Chunks, Stream};
pub use value::Value;
