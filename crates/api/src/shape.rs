//! Rust's types as modelled values; the generated code is built of these.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws::Fault;
use bytes::Bytes;
use wire::{Events, Stream, Value};

use crate::Shape;

/// A value that is not of its shape. Requests are decoded and validated by their model, so a client sees this only when a
/// service calls another one by name with wrong values.
fn mismatch(expected: &str, value: &Value) -> Fault {
    let found = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a float",
        Value::Text(_) => "a string",
        Value::Blob(_) => "a blob",
        Value::Timestamp(_) => "a timestamp",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Structure(_) => "a structure",
        Value::Document(_) => "a document",
        Value::Body(_) => "a stream",
        Value::Events(_) => "events",
    };
    Fault::new("SerializationException", 400, format!("expected {expected}, found {found}"))
}

/// Reads a member of a structure.
pub(crate) fn read<T: Shape>(structure: &mut Value, name: &'static str) -> Result<T, Fault> {
    T::from_value(structure.take(name)).map_err(|mut fault| {
        fault.message = format!("{name}: {}", fault.message);
        fault
    })
}

/// A member with its value.
pub(crate) fn put<T: Shape>(name: &'static str, value: T) -> (Cow<'static, str>, Value) {
    (Cow::Borrowed(name), value.into_value())
}

/// A member that is a point in time.
pub(crate) fn put_time<T: Shape>(name: &'static str, value: T) -> (Cow<'static, str>, Value) {
    let value = match value.into_value() {
        Value::Float(seconds) => Value::Timestamp(seconds),
        other => other,
    };
    (Cow::Borrowed(name), value)
}

/// A structure of the members that are present.
pub(crate) fn structure(mut members: Vec<(Cow<'static, str>, Value)>) -> Value {
    members.retain(|(_, value)| !value.is_null());
    Value::Structure(members)
}

impl Shape for bool {
    fn from_value(value: Value) -> Result<bool, Fault> {
        match value {
            Value::Bool(value) => Ok(value),
            other => Err(mismatch("a boolean", &other)),
        }
    }

    fn into_value(self) -> Value {
        Value::Bool(self)
    }
}

impl Shape for i64 {
    fn from_value(value: Value) -> Result<i64, Fault> {
        match value {
            Value::Integer(value) => Ok(value),
            other => Err(mismatch("an integer", &other)),
        }
    }

    fn into_value(self) -> Value {
        Value::Integer(self)
    }
}

impl Shape for f64 {
    fn from_value(value: Value) -> Result<f64, Fault> {
        match value {
            Value::Float(value) | Value::Timestamp(value) => Ok(value),
            Value::Integer(value) => Ok(value as f64),
            other => Err(mismatch("a number", &other)),
        }
    }

    fn into_value(self) -> Value {
        Value::Float(self)
    }
}

impl Shape for String {
    fn from_value(value: Value) -> Result<String, Fault> {
        match value {
            Value::Text(value) => Ok(value),
            other => Err(mismatch("a string", &other)),
        }
    }

    fn into_value(self) -> Value {
        Value::Text(self)
    }
}

impl Shape for Bytes {
    fn from_value(value: Value) -> Result<Bytes, Fault> {
        match value {
            Value::Blob(value) => Ok(value),
            other => Err(mismatch("a blob", &other)),
        }
    }

    fn into_value(self) -> Value {
        Value::Blob(self)
    }
}

impl Shape for Stream {
    fn from_value(value: Value) -> Result<Stream, Fault> {
        match value {
            Value::Body(value) => Ok(value),
            Value::Blob(value) => Ok(Stream::whole_of(value)),
            other => Err(mismatch("a stream", &other)),
        }
    }

    fn into_value(self) -> Value {
        Value::Body(self)
    }
}

impl Shape for Events {
    fn from_value(value: Value) -> Result<Events, Fault> {
        match value {
            Value::Events(value) => Ok(value),
            other => Err(mismatch("events", &other)),
        }
    }

    fn into_value(self) -> Value {
        Value::Events(self)
    }
}

impl Shape for serde_json::Value {
    fn from_value(value: Value) -> Result<serde_json::Value, Fault> {
        match value {
            Value::Document(value) => Ok(value),
            other => Err(mismatch("a document", &other)),
        }
    }

    fn into_value(self) -> Value {
        Value::Document(self)
    }
}

impl<T: Shape> Shape for Option<T> {
    fn from_value(value: Value) -> Result<Option<T>, Fault> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }

    fn into_value(self) -> Value {
        self.map_or(Value::Null, T::into_value)
    }
}

impl<T: Shape> Shape for Box<T> {
    fn from_value(value: Value) -> Result<Box<T>, Fault> {
        T::from_value(value).map(Box::new)
    }

    fn into_value(self) -> Value {
        T::into_value(*self)
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn from_value(value: Value) -> Result<Vec<T>, Fault> {
        match value {
            Value::List(items) => items.into_iter().map(T::from_value).collect(),
            other => Err(mismatch("a list", &other)),
        }
    }

    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(T::into_value).collect())
    }
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    fn from_value(value: Value) -> Result<BTreeMap<String, T>, Fault> {
        match value {
            Value::Map(entries) => {
                entries.into_iter().map(|(key, value)| Ok((key, T::from_value(value)?))).collect()
            }
            other => Err(mismatch("a map", &other)),
        }
    }

    fn into_value(self) -> Value {
        Value::Map(self.into_iter().map(|(key, value)| (key, value.into_value())).collect())
    }
}
