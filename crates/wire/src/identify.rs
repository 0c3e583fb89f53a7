//! Which service and operation a request means, and its way in and out.

use std::borrow::Cow;
use std::io::Read as _;

use aws::Fault;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};

use crate::codec::{form, json, rest, xml};
use crate::fault::{self, Form, content_type};
use crate::limits;
use crate::malformed::Malformed;
use crate::model::{Entry, Operation};
use crate::names;
use crate::validate;
use crate::{Model, Protocol, Request, Response, Value};

/// A request whose operation is known.
#[derive(Debug, Clone, Copy)]
pub struct Identified {
    /// The service's model.
    pub service: &'static Model,
    /// The operation.
    pub operation: &'static Operation,
    /// How the request is written, and its answer.
    pub protocol: Protocol,
    form: Form,
}

/// What a request says about its operation.
enum Clue<'a> {
    /// `X-Amz-Target: PREFIX.OPERATION`.
    Target { prefix: &'a str, operation: &'a str },
    /// `Action=…&Version=…` in the query string or a form.
    Action { action: Cow<'a, str>, version: Option<Cow<'a, str>> },
    /// Only the method and path.
    Path,
}

impl<'a> Clue<'a> {
    fn of(request: &'a Request<'_>) -> Clue<'a> {
        if let Some(target) = request.header(names::TARGET) {
            let (prefix, operation) = target.rsplit_once('.').unwrap_or(("", target));
            return Clue::Target { prefix, operation };
        }
        let body =
            if may_be_form(request) { std::str::from_utf8(&request.body).unwrap_or_default() } else { "" };
        for text in [request.query.unwrap_or_default(), body] {
            if let Some(action) = form::first(text, "Action") {
                return Clue::Action { action, version: form::first(text, "Version") };
            }
        }
        Clue::Path
    }
}

fn may_be_form(request: &Request<'_>) -> bool {
    request.method == "POST" && matches!(request.media_type(), "" | "application/x-www-form-urlencoded")
}

/// Finds the operation that a request means. `signing_name` is the service of the credential scope, when the request is signed.
///
/// # Errors
/// A fault in AWS's words when no service or operation fits; [`Protocol::guess`] says how to write it.
pub fn identify(request: &Request<'_>, signing_name: Option<&str>) -> Result<Identified, Fault> {
    if request.headers.len() > limits::HEADERS {
        return Err(Fault::new("RequestHeaderSectionTooLarge", 400, "Your request has too many headers"));
    }
    let services =
        || Entry::all().iter().filter(|entry| signing_name.is_none_or(|name| entry.signing_name == name));
    if let Some(name) = signing_name
        && services().next().is_none()
    {
        return Err(Fault::new("NotImplemented", 501, format!("{name} is not implemented")));
    }
    // Paths of REST services are unlike any other's, and their bodies are the caller's: nothing is looked for in them.
    if (signing_name.is_some() || request.path != "/")
        && let Some(found) =
            services().filter(|entry| entry.rest).find_map(|entry| by_path(entry.model(), request))
    {
        return Ok(found);
    }
    match Clue::of(request) {
        Clue::Target { prefix, operation } => {
            let entry =
                services().find(|entry| !entry.rest && entry.target_prefix == prefix && !prefix.is_empty());
            entry.and_then(|entry| by_target(entry.model(), request, operation)).ok_or_else(|| unknown(400))
        }
        Clue::Action { action, version } => {
            let wanted = version.as_deref();
            let fits = |entry: &&Entry| wanted.is_none_or(|version| version == entry.api_version);
            let mut candidates = services().filter(|entry| !entry.rest);
            match candidates.find(fits) {
                Some(entry) => by_action(entry.model(), request, &action),
                None => Err(invalid_action(&action, wanted.unwrap_or_default())),
            }
        }
        Clue::Path if services().all(|entry| !entry.rest) => {
            let is_query = services().all(|entry| entry.target_prefix.is_empty());
            Err(if is_query { missing_action() } else { unknown(400) })
        }
        Clue::Path => services()
            .filter(|entry| entry.rest)
            .find_map(|entry| by_path(entry.model(), request))
            .ok_or_else(|| unknown(404)),
    }
}

fn by_path(model: &'static Model, request: &Request<'_>) -> Option<Identified> {
    let operation = model.route(request.method, request.path, request.query.unwrap_or_default())?;
    Some(Identified { service: model, operation, protocol: Protocol::RestJson, form: Form::Xml })
}

fn by_target(model: &'static Model, request: &Request<'_>, name: &str) -> Option<Identified> {
    let spoken = |protocol: &&Protocol| matches!(protocol, Protocol::Json10 | Protocol::Json11);
    let own = model.protocols().iter().find(spoken).copied()?;
    let protocol = json_version(request).unwrap_or(own);
    Some(Identified { service: model, operation: model.operation(name)?, protocol, form: Form::Xml })
}

fn by_action(model: &'static Model, request: &Request<'_>, name: &str) -> Result<Identified, Fault> {
    let operation = model.operation(name).filter(|_| model.protocols().contains(&Protocol::Query));
    let Some(operation) = operation else {
        return Err(if model.is_query_compatible() {
            let text = format!("The action {name} is not valid for this endpoint.");
            Fault::new("InvalidAction", 400, text)
        } else {
            invalid_action(name, model.api_version())
        });
    };
    let accepts_json = request.header(ACCEPT).is_some_and(|accept| accept.starts_with("application/json"));
    let form = if accepts_json { Form::Json } else { Form::Xml };
    Ok(Identified { service: model, operation, protocol: Protocol::Query, form })
}

fn json_version(request: &Request<'_>) -> Option<Protocol> {
    match request.media_type() {
        "application/x-amz-json-1.0" => Some(Protocol::Json10),
        "application/x-amz-json-1.1" => Some(Protocol::Json11),
        _ => None,
    }
}

/// AWS gives no text here.
fn unknown(status: u16) -> Fault {
    Fault::new("UnknownOperationException", status, "")
}

fn invalid_action(action: &str, version: &str) -> Fault {
    Fault::new("InvalidAction", 400, format!("Could not find operation {action} for version {version}"))
}

fn missing_action() -> Fault {
    Fault::new("MissingAction", 400, "The request is missing an action or a required parameter.")
}

impl Protocol {
    /// How to answer a request whose operation is not known.
    pub fn guess(request: &Request<'_>, signing_name: Option<&str>) -> Protocol {
        let entry =
            signing_name.and_then(|name| Entry::all().iter().find(|entry| entry.signing_name == name));
        match (entry, Clue::of(request)) {
            (Some(entry), _) if entry.rest => Protocol::RestJson,
            (_, Clue::Target { .. }) => json_version(request).unwrap_or(Protocol::Json11),
            (_, Clue::Action { .. }) => Protocol::Query,
            (Some(entry), Clue::Path) if entry.target_prefix.is_empty() => Protocol::Query,
            (Some(_), Clue::Path) => json_version(request).unwrap_or(Protocol::Json11),
            (None, Clue::Path) => json_version(request).unwrap_or(Protocol::RestJson),
        }
    }
}

impl Identified {
    /// An operation by its name, for those who have no request, in the service's preferred protocol.
    pub fn named(service: &'static Model, operation: &str) -> Option<Identified> {
        let protocol = *service.protocols().first()?;
        Some(Identified { service, operation: service.operation(operation)?, protocol, form: Form::Xml })
    }

    /// Reads the input. Members that are absent stay absent; [`Identified::validate`] looks for those that must not.
    ///
    /// # Errors
    /// The fault of a body or parameter that is not of its shape.
    pub fn decode(&self, request: &Request<'_>) -> Result<Value, Fault> {
        self.read(request).map_err(|malformed| malformed.into_fault(self.protocol))
    }

    fn read(&self, request: &Request<'_>) -> Result<Value, Malformed> {
        let Some(shape) = self.operation.input else { return Ok(Value::Structure(Vec::new())) };
        let model = self.service;
        match self.protocol {
            Protocol::RestJson => {
                let structure = model.structure(shape);
                let mut members = Vec::with_capacity(8);
                rest::read_labels(model, self.operation, structure, request.path, &mut members)?;
                rest::read_query(model, structure, request.query.unwrap_or_default(), &mut members)?;
                rest::read_headers(model, structure, request.headers, &mut members)?;
                // A payload is the caller's bytes, whatever their encoding.
                let body =
                    if structure.payload.is_some() { request.body.clone() } else { inflated(request)? };
                rest::read_body(model, shape, &body, &mut members)?;
                Ok(Value::Structure(members))
            }
            Protocol::Json10 | Protocol::Json11 => json::read(model, shape, &inflated(request)?),
            Protocol::Query => form::read(model, shape, request.query, &inflated(request)?),
        }
    }

    /// Checks the input against the model's constraints.
    ///
    /// # Errors
    /// One fault that names every violated constraint, in AWS's words.
    pub fn validate(&self, input: &Value) -> Result<(), Fault> {
        match self.operation.input {
            Some(shape) => validate::check(self.service, shape, input),
            None => Ok(()),
        }
    }

    /// Writes the output.
    pub fn encode(&self, output: Value, request_id: &str) -> Response {
        let mut headers = HeaderMap::new();
        rest::set(&mut headers, names::REQUEST_ID, request_id);
        match self.protocol {
            Protocol::RestJson => self.encode_rest(output, headers),
            Protocol::Json10 | Protocol::Json11 => {
                rest::set(&mut headers, CONTENT_TYPE, content_type(self.protocol));
                Response { status: 200, headers, body: self.json_body(&output) }
            }
            Protocol::Query => {
                let (media_type, body) = match self.form {
                    Form::Xml => (
                        "text/xml",
                        xml::answer(self.service, self.operation, &output, request_id).into_bytes(),
                    ),
                    Form::Json => ("application/json", self.query_json(&output, request_id)),
                };
                rest::set(&mut headers, CONTENT_TYPE, media_type);
                Response { status: 200, headers, body: Bytes::from(body) }
            }
        }
    }

    fn encode_rest(&self, output: Value, mut headers: HeaderMap) -> Response {
        let mut status = self.operation.status;
        let mut body = None;
        if let Some(shape) = self.operation.output {
            let structure = self.service.structure(shape);
            status = rest::write_headers(self.service, structure, &output, &mut headers).unwrap_or(status);
            body = rest::write_body(self.service, shape, output);
        }
        let body = body.filter(|_| status != 204).unwrap_or_default();
        // Headers of the model may have set the type of a payload.
        if !headers.contains_key(CONTENT_TYPE) && status != 204 {
            rest::set(&mut headers, CONTENT_TYPE, "application/json");
        }
        Response { status, headers, body }
    }

    fn json_body(&self, output: &Value) -> Bytes {
        let Some(shape) = self.operation.output else { return Bytes::from_static(b"{}") };
        let mut out = Vec::with_capacity(256);
        json::write(&mut out, self.service, shape, None, output);
        Bytes::from(out)
    }

    fn query_json(&self, output: &Value, request_id: &str) -> Vec<u8> {
        let name = &self.operation.name;
        let mut out = format!("{{\"{name}Response\":{{").into_bytes();
        if self.operation.output.is_some() {
            out.extend_from_slice(format!("\"{name}Result\":").as_bytes());
            out.extend_from_slice(&self.json_body(output));
            out.push(b',');
        }
        out.extend_from_slice(b"\"ResponseMetadata\":{\"RequestId\":");
        json::string(&mut out, request_id);
        out.extend_from_slice(b"}}}");
        out
    }

    /// Writes a fault.
    pub fn encode_fault(&self, fault: &Fault, request_id: &str) -> Response {
        fault::encode(self.protocol, Some(self.service), fault, request_id, self.form)
    }
}

/// The body without the compression that clients apply to large requests.
fn inflated(request: &Request<'_>) -> Result<Bytes, Malformed> {
    if request.header(CONTENT_ENCODING) != Some("gzip") {
        return Ok(request.body.clone());
    }
    let mut body = Vec::new();
    let limit = limits::INFLATED_BYTES;
    let read = GzDecoder::new(&request.body[..]).take(limit + 1).read_to_end(&mut body);
    if read.is_err() || body.len() as u64 > limit { Err(Malformed::Syntax) } else { Ok(Bytes::from(body)) }
}
