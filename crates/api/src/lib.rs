//! The contract between services, the front door and each other: operations, services, the registry, calls.
//!
//! [`Service`] is a table of operations. [`Registry`] is the only way to run one: it decodes the typed input, asks the
//! [`Authorize`]r about the guarded resource and only then runs the handler. [`Calls`] is the same for services that call
//! services. The typed inputs, outputs and faults are generated from the models (`cargo x api`) into `generated/`.

mod call;
mod generated;
mod guard;
mod registry;
mod service;
mod shape;

pub use call::{Call, Calls, Cx};
pub use generated::*;
pub use guard::{Ask, Authorize, Guard};
pub use registry::Registry;
pub use service::{Operation, Service, Shape};

/// A boxed future that can move between threads.
pub type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
