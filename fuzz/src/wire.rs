//! Decoders of requests and answers.
//!
//! The first word says who speaks: `lambda` is a signing name, `-` is none, `=lambda/Invoke` names an operation by itself, and
//! `=sqs/SendMessage/1.0` its protocol.

use wire::client::{self, Outgoing};
use wire::{Identified, Model, Protocol, Request, Response, Value, identify};

use crate::message::{Message, split};

pub(crate) const REQUEST_ID: &str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef";

/// `SPEAKER METHOD TARGET`, headers, body.
pub(crate) fn requests(input: &[u8]) {
    let Some(message) = Message::read(input) else { return };
    let (path, query) = split(message.word(2));
    let request = Request {
        method: message.word(1),
        path,
        query,
        headers: &message.headers,
        body: message.body.clone().into(),
    };
    let speaker = message.word(0);
    let signing_name = (speaker != "-").then_some(speaker);
    let found = match speaker.strip_prefix('=') {
        Some(text) => named(text),
        None => match identify(&request, signing_name) {
            Ok(found) => Some(found),
            Err(fault) => {
                let protocol = Protocol::guess(&request, signing_name);
                let answer = wire::encode_fault(protocol, &fault, REQUEST_ID);
                assert_eq!(answer.status, fault.status);
                None
            }
        },
    };
    if let Some(found) = found {
        take(found, &request);
    }
}

fn take(found: Identified, request: &Request<'_>) {
    let input = match found.decode(request) {
        Ok(input) => input,
        Err(fault) => {
            found.encode_fault(&fault, REQUEST_ID);
            return;
        }
    };
    if let Err(fault) = found.validate(&input) {
        found.encode_fault(&fault, REQUEST_ID);
        return;
    }
    // What a client sends of a valid input is read as the same input.
    let shown = shown(&input);
    let sent = client::encode_as(found.protocol, found.service, found.operation, input);
    let again = read_again(found, &sent);
    assert_eq!(again, shown, "{} of {}: {sent:?}", found.operation.name, found.service.name());
}

fn read_again(found: Identified, sent: &Outgoing) -> String {
    let (path, query) = split(&sent.target);
    let request =
        Request { method: &sent.method, path, query, headers: &sent.headers, body: sent.body.clone() };
    match found.decode(&request) {
        Ok(value) => shown(&value),
        Err(fault) => format!("{fault}"),
    }
}

/// A value as text, for numbers that are no numbers are not equal to themselves. What is empty is left out: forms and headers
/// cannot say it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::List(values) => format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => members(entries.iter().map(|(name, value)| (name.as_str(), value))),
        Value::Structure(entries) => members(entries.iter().map(|(name, value)| (&**name, value))),
        // Text has milliseconds.
        Value::Timestamp(seconds) => format!("Timestamp({:.0})", seconds * 1000.0),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Blob(_)
        | Value::Document(_)
        | Value::Body(_)
        | Value::Events(_) => format!("{value:?}"),
    }
}

fn members<'a>(entries: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let shown = entries.map(|(name, value)| (name, shown(value)));
    let mut said: Vec<String> = shown
        .filter(|(_, value)| !["[]", "{}", "Null"].contains(&value.as_str()))
        .map(|(name, value)| format!("{name:?}: {value}"))
        .collect();
    // Where a member travels decides when it is read.
    said.sort();
    format!("{{{}}}", said.join(", "))
}

/// `SPEAKER STATUS`, headers, body.
pub(crate) fn answers(input: &[u8]) {
    let Some(message) = Message::read(input) else { return };
    let Some(found) = message.word(0).strip_prefix('=').and_then(named) else { return };
    let status = message.word(1).parse().unwrap_or(200);
    let response = Response { status, headers: message.headers, body: message.body.into() };
    match client::decode_as(found.protocol, found.service, found.operation, &response) {
        Ok(_) => assert!(status < 300),
        Err(fault) => {
            found.encode_fault(&fault, REQUEST_ID);
        }
    }
}

pub(crate) fn named(text: &str) -> Option<Identified> {
    let mut parts = text.split('/');
    let mut found = Identified::named(Model::named(parts.next()?)?, parts.next()?)?;
    if let Some(protocol) = parts.next() {
        found.protocol = match protocol {
            "rest" => Protocol::RestJson,
            "1.0" => Protocol::Json10,
            "1.1" => Protocol::Json11,
            "query" => Protocol::Query,
            "xml" => Protocol::RestXml,
            "cbor" => Protocol::Cbor,
            _ => return None,
        };
    }
    Some(found)
}
