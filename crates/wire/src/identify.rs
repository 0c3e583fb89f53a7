//! A request whose operation is known.

use crate::fault::Form;
use crate::model::Operation;
use crate::{Model, Protocol};

/// A request whose operation is known.
#[derive(Debug, Clone, Copy)]
pub struct Identified {
    /// The service's model.
    pub service: &'static Model,
    /// The operation.
    pub operation: &'static Operation,
    /// How the request is written, and its answer.
    pub protocol: Protocol,
    pub(crate) form: Form,
}
