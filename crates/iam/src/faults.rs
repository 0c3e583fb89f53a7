//! Errors of the two services that their models do not list, because every query service has them.

use aws::Fault;

pub(crate) use api::iam::fault::{
    delete_conflict, entity_already_exists as exists, invalid_input, limit_exceeded as limit,
    malformed_policy_document as malformed,
};

/// A parameter that is well formed but not acceptable.
pub(crate) fn validation(message: impl Into<String>) -> Fault {
    Fault::new("ValidationError", 400, message)
}

/// A parameter that AWS has and we do not have yet. Ignoring it could grant more than the caller meant to.
pub(crate) fn not_implemented(what: &str) -> Fault {
    Fault::new("NotImplemented", 501, format!("{what} is not implemented"))
}

pub(crate) fn no_such_role(name: &str) -> Fault {
    api::iam::fault::no_such_entity(format!("The role with name {name} cannot be found."))
}

pub(crate) fn no_such_policy(name: &str) -> Fault {
    api::iam::fault::no_such_entity(format!("The role policy with name {name} cannot be found."))
}
