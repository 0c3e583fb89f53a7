//! Whole bodies: documents, payload members, streams and events.

use bytes::Bytes;

use super::{Members, cbor, events, json, put, xml};
use crate::malformed::Malformed;
use crate::model::{Kind, Member, Root, ShapeId, Structure};
use crate::{Body, Model, Protocol, Value, eventstream};

/// A service's model and the protocol that is spoken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire {
    pub(crate) model: &'static Model,
    pub(crate) protocol: Protocol,
}

impl Wire {
    /// Writes a value as a document of its own.
    pub(crate) fn document(self, shape: ShapeId, root: &Root, value: &Value) -> Bytes {
        let mut out = Vec::with_capacity(256);
        match self.protocol {
            Protocol::RestJson | Protocol::Json10 | Protocol::Json11 => {
                json::write(&mut out, self.model, shape, None, value);
            }
            Protocol::Cbor => cbor::write(&mut out, self.model, shape, value),
            Protocol::RestXml | Protocol::Query => {
                return Bytes::from(xml::document(self.model, root, shape, value));
            }
        }
        Bytes::from(out)
    }

    /// Reads a document of a shape; an empty one is an empty structure.
    pub(crate) fn read_document(self, shape: ShapeId, body: &Bytes) -> Result<Value, Malformed> {
        match self.protocol {
            Protocol::RestJson | Protocol::Json10 | Protocol::Json11 => json::read(self.model, shape, body),
            Protocol::Cbor => cbor::read(self.model, shape, body),
            Protocol::RestXml | Protocol::Query => {
                xml::read_document(self.model, xml::Dialect::Rest, shape, body)
            }
        }
    }

    /// Reads the body of a REST protocol: a payload member, or the members that travel in it.
    pub(crate) fn read_body(
        self,
        shape: ShapeId,
        root: &Root,
        body: &Body,
        members: &mut Members,
    ) -> Result<(), Malformed> {
        let structure = self.model.structure(shape);
        let Some(member) = structure.payload() else {
            let in_body = structure.members.iter().any(Member::is_in_body);
            // Operations without a body do not look at what a client sends there.
            if !in_body {
                return Ok(());
            }
            let body = whole(body)?;
            if root.unwrapped
                && let Some(member) = structure.members.iter().find(|member| member.is_in_body())
            {
                if !body.is_empty() {
                    // An empty element says that there is none: S3's of a bucket in us-east-1.
                    let value = self.read_document(member.shape, body)?;
                    let is_none = value.as_text().is_some_and(str::is_empty);
                    put(members, member, if is_none { Value::Null } else { value });
                }
            } else if let Value::Structure(read) = self.read_document(shape, body)? {
                members.extend(read);
            }
            return Ok(());
        };
        if structure.payload == structure.events {
            put(members, member, Value::Events(events::read(self, member.shape, body.stream())));
            return Ok(());
        }
        if let (true, Body::Stream(stream)) = (member.streaming, body) {
            put(members, member, Value::Body(stream.clone()));
            return Ok(());
        }
        let body = whole(body)?;
        if body.is_empty() {
            return Ok(());
        }
        let value = match &self.model.shape(member.shape).kind {
            Kind::Blob => Value::Blob(body.clone()),
            Kind::Text => Value::Text(std::str::from_utf8(body).map_err(|_| Malformed::Syntax)?.to_owned()),
            _ => self.read_document(member.shape, body)?,
        };
        put(members, member, value);
        Ok(())
    }

    /// Writes the body of a REST protocol: a payload member, or the members that travel in it. `None` when there is nothing
    /// to send.
    pub(crate) fn write_body(self, shape: ShapeId, root: &Root, mut value: Value) -> Option<Body> {
        let structure = self.model.structure(shape);
        let Some(member) = structure.payload() else {
            let in_body = structure.members.iter().find(|member| member.is_in_body())?;
            return Some(if root.unwrapped {
                let name = Some(in_body.wire_name.clone());
                let root = Root { name, namespace: root.namespace.clone(), unwrapped: false };
                self.document(in_body.shape, &root, value.member(&in_body.name)).into()
            } else {
                self.document(shape, root, &value).into()
            });
        };
        match value.take(&member.name) {
            Value::Null => match &self.model.shape(member.shape).kind {
                _ if structure.payload == structure.events => None,
                Kind::Structure(inner) if self.protocol == Protocol::RestJson && !inner.union => {
                    Some(Bytes::from_static(b"{}").into())
                }
                _ => None,
            },
            Value::Blob(bytes) => Some(bytes.into()),
            Value::Body(stream) => Some(stream.into()),
            Value::Events(events) => Some(events::write(self, member.shape, events, None).into()),
            Value::Text(text) if matches!(self.model.shape(member.shape).kind, Kind::Text) => {
                Some(text.into())
            }
            value => Some(self.document(member.shape, &Root::of(member), &value).into()),
        }
    }
}

/// The media type of a document.
pub(crate) fn document_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::RestJson => "application/json",
        Protocol::Json10 => "application/x-amz-json-1.0",
        Protocol::Json11 => "application/x-amz-json-1.1",
        Protocol::Query => "text/xml",
        Protocol::RestXml => "application/xml",
        Protocol::Cbor => cbor::MEDIA_TYPE,
    }
}

/// The media type of a body in a REST protocol, unless a header says otherwise.
pub(crate) fn media_type(model: &Model, protocol: Protocol, structure: &Structure) -> &'static str {
    match structure.payload().map(|member| &model.shape(member.shape).kind) {
        _ if structure.events.is_some() => eventstream::MEDIA_TYPE,
        Some(Kind::Blob) => "application/octet-stream",
        Some(Kind::Text) => "text/plain",
        _ => document_type(protocol),
    }
}

/// The bytes of a body that must be at hand; the front door reads all that the model does not stream.
pub(crate) fn whole(body: &Body) -> Result<&Bytes, Malformed> {
    body.whole().ok_or(Malformed::Syntax)
}
