//! Errors that the model does not list, and those that several operations answer.

use aws::Fault;

/// A parameter that is well formed but not acceptable.
pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterValueException", 400, message)
}

/// A parameter's value with the reason why it is not acceptable.
pub(crate) fn invalid_value(parameter: &str, value: &str, reason: &str) -> Fault {
    invalid(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

/// A parameter that is not there.
pub(crate) fn missing(parameter: &str) -> Fault {
    let text = format!("The request must contain the parameter {parameter}.");
    Fault::new("MissingRequiredParameterException", 400, text)
}

pub(crate) fn no_queue() -> Fault {
    api::sqs::fault::queue_does_not_exist("The specified queue does not exist.")
}

pub(crate) fn unknown_attribute(name: &str) -> Fault {
    api::sqs::fault::invalid_attribute_name(format!("Unknown Attribute {name}."))
}

pub(crate) fn bad_attribute(name: &str) -> Fault {
    api::sqs::fault::invalid_attribute_value(format!("Invalid value for the parameter {name}."))
}
