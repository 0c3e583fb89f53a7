//! The other direction: requests of the command line and the tests, and their answers.

use std::borrow::Cow;

use aws::{Fault, Member};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::Value as Json;

use crate::codec::{Wire, cbor, events, form, payload, rest, xml};
use crate::limits;
use crate::malformed::Malformed;
use crate::model::{Kind, Location, Operation, Structure};
use crate::names;
use crate::{Body, Model, Protocol, Response, Value};

/// A request, not yet signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// The method.
    pub method: String,
    /// The path and query string, percent-encoded.
    pub target: String,
    /// The headers of protocol and model.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

/// Writes a request in the service's preferred protocol.
pub fn encode(model: &'static Model, operation: &Operation, input: Value) -> Outgoing {
    let protocol = model.protocols().first().copied().unwrap_or(Protocol::RestJson);
    encode_as(protocol, model, operation, input)
}

/// Writes a request in one protocol.
pub fn encode_as(protocol: Protocol, model: &'static Model, operation: &Operation, input: Value) -> Outgoing {
    let mut headers = HeaderMap::new();
    let wire = Wire { model, protocol };
    if model.is_query_compatible() && protocol != Protocol::Query {
        headers.insert(names::QUERY_MODE, HeaderValue::from_static("true"));
    }
    let (target, body) = match protocol {
        Protocol::RestJson | Protocol::RestXml => return encode_rest(wire, operation, input, headers),
        Protocol::Json10 | Protocol::Json11 => {
            rest::set(&mut headers, CONTENT_TYPE, payload::document_type(protocol));
            let target = format!("{}.{}", model.target_prefix(), operation.name);
            rest::set(&mut headers, names::TARGET, &target);
            let body = match operation.input {
                Some(shape) => wire.document(shape, &operation.input_root, &input),
                None => Bytes::from_static(b"{}"),
            };
            ("/".to_owned(), body)
        }
        Protocol::Query => {
            rest::set(&mut headers, CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
            let mut body = format!("Action={}&Version={}", operation.name, model.api_version());
            if let Some(shape) = operation.input {
                form::write(&mut body, model, shape, &input);
            }
            ("/".to_owned(), Bytes::from(body))
        }
        Protocol::Cbor => {
            headers.insert(names::PROTOCOL, HeaderValue::from_static("rpc-v2-cbor"));
            headers.insert(ACCEPT, HeaderValue::from_static(cbor::MEDIA_TYPE));
            let target = format!("/service/{}/operation/{}", model.target_prefix(), operation.name);
            let body = operation.input.map(|shape| {
                rest::set(&mut headers, CONTENT_TYPE, cbor::MEDIA_TYPE);
                wire.document(shape, &operation.input_root, &input)
            });
            (target, body.unwrap_or_default())
        }
    };
    Outgoing { method: "POST".into(), target, headers, body: body.into() }
}

fn encode_rest(wire: Wire, operation: &Operation, input: Value, mut headers: HeaderMap) -> Outgoing {
    let Wire { model, protocol } = wire;
    let structure = operation.input.map(|shape| model.structure(shape));
    let target = rest::write_path(model, operation, structure, &input);
    let mut body = None;
    if let (Some(shape), Some(structure)) = (operation.input, structure) {
        rest::write_headers(model, structure, &input, &mut headers);
        body = wire.write_body(shape, &operation.input_root, input);
        // Where the model has a member for the type, who leaves it out has none: S3 then chooses one itself.
        let has_own = structure.members.iter().any(|member| member.header == Some(CONTENT_TYPE));
        if body.is_some() && !has_own {
            rest::set(&mut headers, CONTENT_TYPE, payload::media_type(model, protocol, structure));
        }
    }
    Outgoing { method: operation.method.clone(), target, headers, body: body.unwrap_or_default() }
}

/// Reads an answer to a request in the service's preferred protocol.
///
/// # Errors
/// The service's fault, or one of code `InvalidResponse` when the answer is not of the protocol.
pub fn decode(
    model: &'static Model,
    operation: &'static Operation,
    response: &Response,
) -> Result<Value, Fault> {
    let protocol = model.protocols().first().copied().unwrap_or(Protocol::RestJson);
    decode_as(protocol, model, operation, response)
}

/// Reads an answer to a request in one protocol. A body that is not at hand is read only by operations that stream their
/// output ([`Model::streams_output`]); the caller collects the others, and the bodies of errors.
///
/// # Errors
/// As [`decode`].
pub fn decode_as(
    protocol: Protocol,
    model: &'static Model,
    operation: &'static Operation,
    response: &Response,
) -> Result<Value, Fault> {
    if response.body.whole().is_some_and(|body| body.len() > limits::ANSWER_BYTES) {
        return Err(invalid(response, "it is too long"));
    }
    if response.status >= 300 {
        return Err(fault(protocol, model, response));
    }
    let Some(shape) = operation.output else { return Ok(Value::Structure(Vec::new())) };
    let structure = model.structure(shape);
    let wire = Wire { model, protocol };
    let read = match protocol {
        Protocol::RestJson | Protocol::RestXml => read_rest(wire, operation, response),
        Protocol::Json10 | Protocol::Json11 | Protocol::Cbor => match structure.events() {
            // What the first message says of other members is not looked at, for it has not come yet.
            Some(member) => {
                let events = events::read(wire, member.shape, response.body.stream());
                Ok(Value::Structure(vec![(member.name.as_str().into(), Value::Events(events))]))
            }
            None => payload::whole(&response.body).and_then(|body| wire.read_document(shape, body)),
        },
        Protocol::Query => {
            payload::whole(&response.body).and_then(|body| read_query(model, operation, structure, body))
        }
    };
    read.map_err(|_| invalid(response, "it is not of its protocol"))
}

fn read_rest(wire: Wire, operation: &'static Operation, response: &Response) -> Result<Value, Malformed> {
    let Some(shape) = operation.output else { return Ok(Value::Structure(Vec::new())) };
    let structure = wire.model.structure(shape);
    let mut members = Vec::new();
    rest::read_headers(wire.model, structure, &response.headers, &mut members)?;
    // An answer to HEAD speaks of a body that it does not have.
    if operation.method != "HEAD" {
        wire.read_body(shape, &operation.output_root, &response.body, &mut members)?;
    }
    if let Some(member) = structure.members.iter().find(|member| member.location == Location::Status) {
        members.push((Cow::Borrowed(member.name.as_str()), Value::Integer(i64::from(response.status))));
    }
    Ok(Value::Structure(members))
}

fn read_query(
    model: &'static Model,
    operation: &'static Operation,
    structure: &'static Structure,
    body: &[u8],
) -> Result<Value, Malformed> {
    if body.is_empty() {
        return Ok(Value::Structure(Vec::new()));
    }
    let root = xml::parse(std::str::from_utf8(body).map_err(|_| Malformed::Syntax)?)?;
    match root.child(&format!("{}Result", operation.name)) {
        Some(result) => xml::read(model, xml::Dialect::Query, structure, result),
        None => Ok(Value::Structure(Vec::new())),
    }
}

fn invalid(response: &Response, why: &str) -> Fault {
    let status = response.status;
    Fault::new("InvalidResponse", status, format!("the answer with status {status} cannot be read: {why}"))
}

fn fault(protocol: Protocol, model: &'static Model, response: &Response) -> Fault {
    let body = response.body.whole().map_or(&[][..], |body| body);
    let fault = match protocol {
        Protocol::RestJson | Protocol::Json10 | Protocol::Json11 => {
            let body: Json = serde_json::from_slice(body).unwrap_or_default();
            document_fault(model, response, &body)
        }
        Protocol::Cbor => {
            let body = cbor::read_any(body).unwrap_or_default();
            document_fault(model, response, &body)
        }
        Protocol::Query | Protocol::RestXml => xml_fault(model, response, body),
    };
    fault.unwrap_or_else(|| match operationless(response.status) {
        Some((code, message)) if body.is_empty() => Fault::new(code, response.status, message),
        _ => invalid(response, "it is no error of the protocol"),
    })
}

/// What the status alone says, where an error has no body: answers to HEAD, and S3's 304.
fn operationless(status: u16) -> Option<(String, &'static str)> {
    let message = http::StatusCode::from_u16(status).ok()?.canonical_reason()?;
    Some((status.to_string(), message))
}

/// The code comes from a header, the query protocol's before the other, else from `__type` or `code`; namespaces and addresses around it are dropped.
fn document_fault(model: &'static Model, response: &Response, body: &Json) -> Option<Fault> {
    let header = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok());
    let field = |name: &str| body.get(name).and_then(Json::as_str);
    let query_error = header("x-amzn-query-error").map(|error| error.split(';').next().unwrap_or(error));
    let named = query_error
        .or_else(|| header("x-amzn-errortype"))
        .or_else(|| field("__type"))
        .or_else(|| field("code"))?;
    let named = named.rsplit_once('#').map_or(named, |(_, code)| code);
    let code = named.split(':').next().unwrap_or(named);
    let message = field("message").or_else(|| field("Message")).unwrap_or_default();
    let mut fault = Fault::new(code.to_owned(), response.status, message);
    let structure = model.error(code).map(|shape| model.structure(shape));
    for member in structure.into_iter().flat_map(|structure| &structure.members) {
        if member.name.eq_ignore_ascii_case("message") {
            continue;
        }
        let value = match member.location {
            Location::Header => header(&member.wire_name).map(|text| Member::Text(text.to_owned())),
            _ => match body.get(&member.wire_name) {
                Some(Json::String(text)) => Some(Member::Text(text.clone())),
                Some(Json::Number(number)) => number.as_i64().map(Member::Number),
                _ => None,
            },
        };
        if let Some(value) = value {
            fault = fault.with(member.name.as_str(), value);
        }
    }
    Some(fault)
}

fn xml_fault(model: &'static Model, response: &Response, body: &[u8]) -> Option<Fault> {
    let root = xml::parse(std::str::from_utf8(body).ok()?).ok()?;
    let error = if root.name == "Error" { &root } else { root.child("Error")? };
    let code = error.child("Code")?.text.clone();
    let message =
        error.child("Message").or_else(|| error.child("message")).map(|message| message.text.clone());
    let structure = model.error(&code).map(|shape| model.structure(shape));
    let mut fault = Fault::new(code, response.status, message.unwrap_or_default());
    for member in structure.into_iter().flat_map(|structure| &structure.members) {
        if member.name.eq_ignore_ascii_case("message") {
            continue;
        }
        let text = match &member.header {
            Some(name) => response.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned),
            None => {
                let child = error.child(&member.wire_name).filter(|child| child.children.is_empty());
                child.map(|child| child.text.clone())
            }
        };
        let kind = &model.shape(member.shape).kind;
        let number = text.as_deref().filter(|_| matches!(kind, Kind::Integer | Kind::Long));
        let value = match number.and_then(|text| text.trim().parse().ok()) {
            Some(number) => Some(Member::Number(number)),
            None => text.map(Member::Text),
        };
        if let Some(value) = value {
            fault = fault.with(member.name.as_str(), value);
        }
    }
    Some(fault)
}
