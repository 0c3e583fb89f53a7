use std::borrow::Cow;

use bytes::Bytes;

use crate::{Events, Stream};

/// A modelled value on its way between bytes and typed input or output.
///
/// Structures keep only members that are present. Large payload members are [`Value::Blob`] and share the request's bytes.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Absent, or JSON's `null`.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer of any modelled width.
    Integer(i64),
    /// A float or double.
    Float(f64),
    /// A string.
    Text(String),
    /// Bytes: a blob, decoded from the protocol's form.
    Blob(Bytes),
    /// Seconds since the epoch with a fraction.
    Timestamp(f64),
    /// A list.
    List(Vec<Value>),
    /// A map, in the order of the document.
    Map(Vec<(String, Value)>),
    /// A structure or union: members by their name in the model.
    Structure(Vec<(Cow<'static, str>, Value)>),
    /// A document: any JSON.
    Document(serde_json::Value),
    /// A streaming blob: a body that is not read yet. One that is at hand may also be a [`Value::Blob`].
    Body(Stream),
    /// The events of an event stream.
    Events(Events),
}

impl Value {
    /// The member of a structure; `Null` when it is absent or this is no structure.
    pub fn member(&self, name: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        match self {
            Value::Structure(members) => members.iter().find(|(n, _)| n == name).map_or(NULL, |(_, v)| v),
            _ => NULL,
        }
    }

    /// Takes the member out of a structure, leaving `Null`.
    pub fn take(&mut self, name: &str) -> Value {
        match self {
            Value::Structure(members) => {
                members.iter_mut().find(|(n, _)| n == name).map_or(Value::Null, |(_, v)| std::mem::take(v))
            }
            _ => Value::Null,
        }
    }

    /// True for `Null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The text, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}
