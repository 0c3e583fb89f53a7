use serde_json::Value;

use super::{Form, Refused};

/// One condition of a policy.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// The field has this value.
    Equals {
        /// As it was written, with its `$`.
        field: String,
        value: String,
    },
    /// The field begins with this.
    StartsWith { field: String, prefix: String },
    /// The file has a size of this range; `None` when a bound is no number, which no size is within.
    Length { range: Option<(u64, u64)>, text: String },
}

impl Condition {
    pub(super) fn parse(value: &Value) -> Result<Condition, Refused> {
        match value {
            Value::Object(members) => {
                let mut all = members.iter();
                let (Some((name, value)), None) = (all.next(), all.next()) else {
                    return Err(invalid(
                        "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
                    ));
                };
                Ok(Condition::Equals { field: format!("${name}"), value: scalar(value)? })
            }
            Value::Array(words) => {
                let [operation, first, second] = &words[..] else {
                    return Err(invalid("Invalid Condition: wrong number of arguments."));
                };
                let operation = scalar(operation)?;
                match operation.to_ascii_lowercase().as_str() {
                    "eq" => Ok(Condition::Equals { field: scalar(first)?, value: scalar(second)? }),
                    "starts-with" => {
                        Ok(Condition::StartsWith { field: scalar(first)?, prefix: scalar(second)? })
                    }
                    "content-length-range" => Ok(Condition::Length {
                        range: number(first).zip(number(second)),
                        text: format!("[{}, {first}, {second}]", quoted(&operation)),
                    }),
                    _ => Err(invalid(&format!("Invalid Condition: unknown operation '{operation}'."))),
                }
            }
            _ => Err(invalid("Invalid Condition: must be a List or an Object.")),
        }
    }

    /// The field that it speaks of, without its `$`.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Condition::Equals { field, .. } | Condition::StartsWith { field, .. } => field.strip_prefix('$'),
            Condition::Length { .. } => None,
        }
    }

    /// Whether the form meets it, in a bucket. Sizes are for later.
    pub(super) fn holds(&self, form: &Form, bucket: &str) -> bool {
        let Some(field) = self.field() else {
            return matches!(self, Condition::Length { range: Some(_), .. });
        };
        let meets = |value: &str| match self {
            Condition::Equals { value: wanted, .. } => value == wanted,
            // A list of types has to begin so with each of them.
            Condition::StartsWith { prefix, .. } if field.eq_ignore_ascii_case("content-type") => {
                value.split(',').all(|one| one.trim_start().starts_with(prefix.as_str()))
            }
            Condition::StartsWith { prefix, .. } => value.starts_with(prefix.as_str()),
            Condition::Length { .. } => false,
        };
        if field.eq_ignore_ascii_case("bucket") {
            return meets(bucket);
        }
        // Of fields with one name any could be the one that is used.
        let mut values = form.values(field).peekable();
        values.peek().is_some() && values.all(meets)
    }

    /// Its text in an error: compact JSON with a space after each comma.
    pub(super) fn text(&self) -> String {
        let three = |operation: &str, field: &str, value: &str| {
            format!("[{}, {}, {}]", quoted(operation), quoted(field), quoted(value))
        };
        match self {
            Condition::Equals { field, value } => three("eq", field, value),
            Condition::StartsWith { field, prefix } => three("starts-with", field, prefix),
            Condition::Length { text, .. } => text.clone(),
        }
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn invalid(why: &str) -> Refused {
    Refused::Policy(why.to_owned())
}

/// The text of a string or a number.
fn scalar(value: &Value) -> Result<String, Refused> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(bool) => Ok(bool.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(invalid("Invalid Condition: values must be strings."))
        }
    }
}

/// A number or a string that is one.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64(),
    }
}
