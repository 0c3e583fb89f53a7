//! The other direction: requests of the command line and the tests, and their answers.

use std::borrow::Cow;

use aws::{Fault, Member};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::codec::{form, json, rest, xml};
use crate::fault::content_type;
use crate::limits;
use crate::malformed::Malformed;
use crate::model::{Kind, Location, Operation, Structure};
use crate::names;
use crate::{Model, Protocol, Response, Value};

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
    pub body: Bytes,
}

/// Writes a request in the service's preferred protocol.
pub fn encode(model: &Model, operation: &Operation, input: Value) -> Outgoing {
    let protocol = model.protocols().first().copied().unwrap_or(Protocol::RestJson);
    encode_as(protocol, model, operation, input)
}

/// Writes a request in one protocol.
pub fn encode_as(protocol: Protocol, model: &Model, operation: &Operation, input: Value) -> Outgoing {
    let mut headers = HeaderMap::new();
    let structure = operation.input.map(|shape| model.structure(shape));
    match protocol {
        Protocol::RestJson => {
            let target = rest::write_path(model, operation, structure, &input);
            let mut body = None;
            if let (Some(shape), Some(structure)) = (operation.input, structure) {
                rest::write_headers(model, structure, &input, &mut headers);
                body = rest::write_body(model, shape, input);
                if body.is_some() && !headers.contains_key(CONTENT_TYPE) {
                    rest::set(&mut headers, CONTENT_TYPE, payload_type(model, structure));
                }
            }
            Outgoing { method: operation.method.clone(), target, headers, body: body.unwrap_or_default() }
        }
        Protocol::Json10 | Protocol::Json11 => {
            rest::set(&mut headers, CONTENT_TYPE, content_type(protocol));
            let target = format!("{}.{}", model.target_prefix(), operation.name);
            rest::set(&mut headers, names::TARGET, &target);
            let mut body = Vec::new();
            match operation.input {
                Some(shape) => json::write(&mut body, model, shape, None, &input),
                None => body.extend_from_slice(b"{}"),
            }
            Outgoing { method: "POST".into(), target: "/".into(), headers, body: Bytes::from(body) }
        }
        Protocol::Query => {
            rest::set(&mut headers, CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
            let mut body = format!("Action={}&Version={}", operation.name, model.api_version());
            if let Some(shape) = operation.input {
                form::write(&mut body, model, shape, &input);
            }
            Outgoing { method: "POST".into(), target: "/".into(), headers, body: Bytes::from(body) }
        }
    }
}

fn payload_type(model: &Model, structure: &Structure) -> &'static str {
    match structure.payload().map(|member| &model.shape(member.shape).kind) {
        Some(Kind::Blob) => "application/octet-stream",
        Some(Kind::Text) => "text/plain",
        _ => "application/json",
    }
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

/// Reads an answer to a request in one protocol.
///
/// # Errors
/// As [`decode`].
pub fn decode_as(
    protocol: Protocol,
    model: &'static Model,
    operation: &'static Operation,
    response: &Response,
) -> Result<Value, Fault> {
    if response.body.len() > limits::ANSWER_BYTES {
        return Err(invalid(response, "it is too long"));
    }
    if response.status >= 300 {
        return Err(fault(protocol, model, response));
    }
    let Some(shape) = operation.output else { return Ok(Value::Structure(Vec::new())) };
    let structure = model.structure(shape);
    let read = match protocol {
        Protocol::RestJson => read_rest(model, operation, response),
        Protocol::Json10 | Protocol::Json11 => json::read(model, shape, &response.body),
        Protocol::Query => read_query(model, operation, structure, &response.body),
    };
    read.map_err(|_| invalid(response, "it is not of its protocol"))
}

fn read_rest(
    model: &'static Model,
    operation: &'static Operation,
    response: &Response,
) -> Result<Value, Malformed> {
    let Some(shape) = operation.output else { return Ok(Value::Structure(Vec::new())) };
    let structure = model.structure(shape);
    let mut members = Vec::new();
    rest::read_headers(model, structure, &response.headers, &mut members)?;
    rest::read_body(model, shape, &response.body, &mut members)?;
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
        Some(result) => xml::read(model, structure, result),
        None => Ok(Value::Structure(Vec::new())),
    }
}

fn invalid(response: &Response, why: &str) -> Fault {
    let status = response.status;
    Fault::new("InvalidResponse", status, format!("the answer with status {status} cannot be read: {why}"))
}

fn fault(protocol: Protocol, model: &'static Model, response: &Response) -> Fault {
    let fault = match protocol {
        Protocol::RestJson | Protocol::Json10 | Protocol::Json11 => json_fault(model, response),
        Protocol::Query => xml_fault(response),
    };
    fault.unwrap_or_else(|| invalid(response, "it is no error of the protocol"))
}

/// The code comes from a header, the query protocol's before the other, else from `__type` or `code`; namespaces and addresses around it are dropped.
fn json_fault(model: &'static Model, response: &Response) -> Option<Fault> {
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let header = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok());
    let field = |name: &str| body.get(name).and_then(serde_json::Value::as_str);
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
                Some(serde_json::Value::String(text)) => Some(Member::Text(text.clone())),
                Some(serde_json::Value::Number(number)) => number.as_i64().map(Member::Number),
                _ => None,
            },
        };
        if let Some(value) = value {
            fault = fault.with(member.name.as_str(), value);
        }
    }
    Some(fault)
}

fn xml_fault(response: &Response) -> Option<Fault> {
    let root = xml::parse(std::str::from_utf8(&response.body).ok()?).ok()?;
    let error = if root.name == "Error" { &root } else { root.child("Error")? };
    let code = error.child("Code")?.text.clone();
    let message =
        error.child("Message").or_else(|| error.child("message")).map(|message| message.text.clone());
    Some(Fault::new(code, response.status, message.unwrap_or_default()))
}
