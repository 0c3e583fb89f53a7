//! The grammars of the protocols: JSON, forms, XML, CBOR, events and HTTP's own parts.

pub(crate) mod cbor;
pub(crate) mod events;
pub(crate) mod form;
pub(crate) mod json;
pub(crate) mod payload;
pub(crate) mod rest;
pub(crate) mod text;
pub(crate) mod xml;

use std::borrow::Cow;

use crate::Value;
use crate::model::Member;

pub(crate) use payload::Wire;

/// Members of a structure that is being read from several places.
pub(crate) type Members = Vec<(Cow<'static, str>, Value)>;

/// Adds a member unless it is absent.
pub(crate) fn put(members: &mut Members, member: &'static Member, value: Value) {
    if !value.is_null() {
        members.push((Cow::Borrowed(member.name.as_str()), value));
    }
}
