//! Faults as each protocol's bytes.

use aws::{Fault, Member};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

pub(crate) use crate::codec::payload::document_type as content_type;
use crate::codec::{cbor, json, rest, xml};
use crate::model::{ShapeId, Structure};
use crate::names;
use crate::{Model, Protocol, Response};

/// Codes of the framework that the query protocol calls otherwise: JSON's, query's.
const FRAMEWORK: &[(&str, &str)] = &[
    ("AccessDeniedException", "AccessDenied"),
    ("ExpiredTokenException", "ExpiredToken"),
    ("IncompleteSignatureException", "IncompleteSignature"),
    ("InvalidParameterValueException", "InvalidParameterValue"),
    ("InvalidSignatureException", "SignatureDoesNotMatch"),
    ("MissingAuthenticationTokenException", "MissingAuthenticationToken"),
    ("MissingRequiredParameterException", "MissingParameter"),
    ("UnrecognizedClientException", "InvalidClientTokenId"),
];

/// A fault on its way out, with what the model says about it.
struct Answer<'a> {
    fault: &'a Fault,
    model: Option<&'a Model>,
    shape: Option<ShapeId>,
    request_id: &'a str,
}

/// Writes a fault when no operation was found.
pub fn encode_fault(protocol: Protocol, fault: &Fault, request_id: &str) -> Response {
    encode(protocol, None, fault, request_id, Form::Xml)
}

/// Whether query answers are XML, or JSON because the client asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// What every client expects.
    Xml,
    /// After `Accept: application/json`.
    Json,
}

pub(crate) fn encode(
    protocol: Protocol,
    model: Option<&Model>,
    fault: &Fault,
    request_id: &str,
    form: Form,
) -> Response {
    let shape = model.and_then(|model| model.error(&fault.code));
    let answer = Answer { fault, model, shape, request_id };
    let mut headers = HeaderMap::new();
    set_request_id(&mut headers, protocol, model, request_id);
    let body = match protocol {
        Protocol::RestJson => {
            rest::set(&mut headers, CONTENT_TYPE, "application/json");
            rest::set(&mut headers, names::ERROR_TYPE, &fault.code);
            answer.json(None, &mut headers)
        }
        Protocol::Json10 | Protocol::Json11 => {
            rest::set(&mut headers, CONTENT_TYPE, content_type(protocol));
            answer.set_query_error(&mut headers);
            answer.json(Some(answer.json_type()), &mut headers)
        }
        Protocol::Query if form == Form::Json => {
            rest::set(&mut headers, CONTENT_TYPE, "application/json");
            answer.query_json()
        }
        Protocol::Query => {
            rest::set(&mut headers, CONTENT_TYPE, "text/xml");
            answer.xml(&mut headers)
        }
        Protocol::RestXml => {
            rest::set(&mut headers, CONTENT_TYPE, "application/xml");
            if is_s3(model) { answer.s3(&mut headers) } else { answer.xml(&mut headers) }
        }
        Protocol::Cbor => {
            rest::set(&mut headers, CONTENT_TYPE, content_type(protocol));
            rest::set(&mut headers, names::PROTOCOL, "rpc-v2-cbor");
            answer.set_query_error(&mut headers);
            answer.cbor(&mut headers)
        }
    };
    Response { status: fault.status, headers, body: body.into() }
}

/// S3 is the only service whose requests are in XML before anybody knows the operation.
fn is_s3(model: Option<&Model>) -> bool {
    model.is_none_or(Model::is_s3)
}

/// Sets the headers that name the request.
pub(crate) fn set_request_id(
    headers: &mut HeaderMap,
    protocol: Protocol,
    model: Option<&Model>,
    request_id: &str,
) {
    if protocol == Protocol::RestXml && is_s3(model) {
        rest::set(headers, names::S3_REQUEST_ID, request_id);
        rest::set(headers, names::S3_HOST_ID, HOST_ID);
    } else {
        rest::set(headers, names::REQUEST_ID, request_id);
    }
}

/// The second id of S3's requests, which names a host.
const HOST_ID: &str = "lambent";

impl Answer<'_> {
    fn structure(&self) -> Option<&Structure> {
        Some(self.model?.structure(self.shape?))
    }

    fn blame(&self) -> &'static str {
        if self.fault.is_server() { "Receiver" } else { "Sender" }
    }

    /// The code in the query protocol.
    fn query_code(&self) -> &str {
        let modelled = self.structure().and_then(|structure| structure.error.as_ref()?.code.as_deref());
        let framework = FRAMEWORK.iter().find(|(json, _)| *json == self.fault.code).map(|(_, query)| *query);
        // A code that the model knows by its shape alone stays as it is.
        let framework = framework.filter(|_| self.shape.is_none());
        modelled.or(framework).unwrap_or(&self.fault.code)
    }

    /// Services that once spoke the query protocol alone tell its codes too.
    fn set_query_error(&self, headers: &mut HeaderMap) {
        if self.model.is_some_and(Model::is_query_compatible) {
            let error = format!("{};{}", self.query_code(), self.blame());
            rest::set(headers, names::QUERY_ERROR, &error);
        }
    }

    /// `__type`: with a namespace where the service has one.
    fn json_type(&self) -> String {
        let code = &self.fault.code;
        let namespace = self.model.map(Model::error_namespace).unwrap_or_default();
        match (namespace, self.shape, self.model) {
            ("", _, _) | (_, _, None) => code.to_string(),
            (_, None, _) if code == "ValidationException" => format!("com.amazon.coral.validate#{code}"),
            (_, None, _) => format!("com.amazon.coral.service#{code}"),
            (namespace, Some(shape), Some(model)) => format!("{namespace}#{}", model.shape(shape).name),
        }
    }

    /// The message's key: as the error shape spells it.
    fn message_key(&self) -> &str {
        let is_message = |name: &str| name.eq_ignore_ascii_case("message");
        let modelled = self.structure().and_then(|structure| {
            structure
                .members
                .iter()
                .find(|member| is_message(&member.name))
                .map(|member| member.wire_name.as_str())
        });
        match modelled {
            Some(key) => key,
            None if self.fault.code == "SerializationException" => "Message",
            None => "message",
        }
    }

    /// The members by the names that the model gives them; those that it sends as headers are set there.
    fn details(&self, headers: &mut HeaderMap) -> impl Iterator<Item = (&str, &Member)> {
        let mut details = Vec::with_capacity(self.fault.members.len());
        for (name, value) in &self.fault.members {
            let member = self.structure().and_then(|structure| structure.member(name));
            match member.and_then(|member| member.header.clone()) {
                Some(header) => rest::set(headers, header, &plain(value)),
                None => details.push((member.map_or(&**name, |member| member.wire_name.as_str()), value)),
            }
        }
        details.into_iter()
    }

    /// A JSON object of the members and the message.
    fn json(&self, json_type: Option<String>, headers: &mut HeaderMap) -> Vec<u8> {
        let mut fields: Vec<(&str, Vec<u8>)> = Vec::new();
        if let Some(json_type) = &json_type {
            fields.push(("__type", quoted(json_type)));
        }
        for (name, value) in self.details(headers) {
            let text = plain(value);
            let value = if matches!(value, Member::Text(_)) { quoted(&text) } else { text.into_bytes() };
            fields.push((name, value));
        }
        if !self.fault.message.is_empty() {
            fields.push((self.message_key(), quoted(&self.fault.message)));
        }
        object(&fields)
    }

    fn query_json(&self) -> Vec<u8> {
        let error = object(&[
            ("Code", quoted(self.query_code())),
            ("Message", quoted(&self.fault.message)),
            ("Type", quoted(self.blame())),
        ]);
        object(&[("Error", error), ("RequestId", quoted(self.request_id))])
    }

    fn xml(&self, headers: &mut HeaderMap) -> Vec<u8> {
        let mut out = String::with_capacity(512);
        let namespace = self.model.map(Model::xml_namespace).unwrap_or_default();
        xml::open(&mut out, "ErrorResponse", namespace);
        out.push_str("<Error>");
        xml::element(&mut out, "Type", self.blame());
        xml::element(&mut out, "Code", self.query_code());
        xml::element(&mut out, "Message", &self.fault.message);
        for (name, value) in self.details(headers) {
            xml::element(&mut out, name, &plain(value));
        }
        if self.model.is_some_and(Model::is_query_compatible) {
            out.push_str("<Detail/>");
        }
        out.push_str("</Error>");
        xml::element(&mut out, "RequestId", self.request_id);
        xml::close(&mut out, "ErrorResponse");
        out.into_bytes()
    }

    /// S3's: the error is the root, and what it is about stands in elements of its own.
    fn s3(&self, headers: &mut HeaderMap) -> Vec<u8> {
        let mut out = String::with_capacity(512);
        out.push_str(xml::DECLARATION);
        out.push_str("<Error>");
        xml::element(&mut out, "Code", &self.fault.code);
        xml::element(&mut out, "Message", &self.fault.message);
        for (name, value) in self.details(headers) {
            xml::element(&mut out, name, &plain(value));
        }
        xml::element(&mut out, "RequestId", self.request_id);
        xml::element(&mut out, "HostId", HOST_ID);
        xml::close(&mut out, "Error");
        out.into_bytes()
    }

    fn cbor(&self, headers: &mut HeaderMap) -> Vec<u8> {
        let mut fields = vec![("__type", Member::Text(self.json_type()))];
        fields.extend(self.details(headers).map(|(name, value)| (name, value.clone())));
        if !self.fault.message.is_empty() {
            fields.push((self.message_key(), Member::Text(self.fault.message.clone())));
        }
        cbor::object(&fields)
    }
}

fn plain(value: &Member) -> String {
    match value {
        Member::Text(text) => text.clone(),
        Member::Number(number) => number.to_string(),
    }
}

fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    json::string(&mut out, text);
    out
}

fn object(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (index, (key, value)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::string(&mut out, key);
        out.push(b':');
        out.extend_from_slice(value);
    }
    out.push(b'}');
    out
}
