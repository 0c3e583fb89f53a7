//! Errors that several operations answer.

use aws::Fault;

/// `InvalidParameter`: what follows `Invalid parameter: `.
pub(crate) fn invalid(what: impl std::fmt::Display) -> Fault {
    api::sns::fault::invalid_parameter(format!("Invalid parameter: {what}"))
}

pub(crate) fn no_topic() -> Fault {
    api::sns::fault::not_found("Topic does not exist")
}

/// The answer of the operations on tags.
pub(crate) fn no_resource() -> Fault {
    api::sns::fault::resource_not_found("Resource does not exist")
}
