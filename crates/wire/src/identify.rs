//! Which service and operation a request means, and its way in and out.

use std::borrow::Cow;

use aws::Fault;
use http::header::ACCEPT;

use crate::codec::form;
use crate::fault::Form;
use crate::limits;
use crate::model::{Entry, Operation};
use crate::names;
use crate::{Body, Model, Protocol, Request};

/// A request whose operation is known.
#[derive(Debug, Clone, Copy)]
pub struct Identified {
    /// The service's model.
    pub service: &'static Model,
    /// The operation.
    pub operation: &'static Operation,
    /// How the request is written, and its answer.
    pub protocol: Protocol,
    pub(crate) form: Form,
}

/// What a request says about its operation.
enum Clue<'a> {
    /// `/service/PREFIX/operation/OPERATION` with the header of rpcv2Cbor.
    Cbor { prefix: &'a str, operation: &'a str },
    /// `X-Amz-Target: PREFIX.OPERATION`.
    Target { prefix: &'a str, operation: &'a str },
    /// `Action=…&Version=…` in the query string or a form.
    Action { action: Cow<'a, str>, version: Option<Cow<'a, str>> },
    /// Only the method and path.
    Path,
}

impl<'a> Clue<'a> {
    fn of(request: &'a Request<'_>) -> Clue<'a> {
        if request.header(names::PROTOCOL) == Some("rpc-v2-cbor")
            && let Some((prefix, operation)) = cbor_path(request.path)
        {
            return Clue::Cbor { prefix, operation };
        }
        if let Some(target) = request.header(names::TARGET) {
            let (prefix, operation) = target.rsplit_once('.').unwrap_or(("", target));
            return Clue::Target { prefix, operation };
        }
        let body = request.body.whole().filter(|_| may_be_form(request));
        let body = body.and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default();
        for text in [request.query.unwrap_or_default(), body] {
            if let Some(action) = form::first(text, "Action") {
                return Clue::Action { action, version: form::first(text, "Version") };
            }
        }
        Clue::Path
    }
}

/// Prefix and operation of a path of rpcv2Cbor, which may have any path before.
fn cbor_path(path: &str) -> Option<(&str, &str)> {
    let (before, operation) = path.rsplit_once("/operation/")?;
    let (_, prefix) = before.rsplit_once("/service/")?;
    Some((prefix, operation))
}

fn may_be_form(request: &Request<'_>) -> bool {
    request.method == "POST" && matches!(request.media_type(), "" | "application/x-www-form-urlencoded")
}

/// Finds the operation that the head of a request means: of REST services always, of others where a header or the query string
/// says it. So the front door learns of streamed inputs ([`Identified::streams_input`]) before it reads a body. The request's
/// body is not looked at; `None` says that [`identify`] must have it, or that nothing fits.
pub fn identify_head(head: &Request<'_>, signing_name: Option<&str>) -> Option<Identified> {
    let head = Request { body: Body::default(), ..head.clone() };
    identify(&head, signing_name).ok()
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
        Clue::Cbor { prefix, operation } => {
            let entry = services().find(|entry| !entry.rest && entry.target_prefix == prefix);
            entry.and_then(|entry| by_cbor(entry.model(), operation)).ok_or_else(|| unknown(404))
        }
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
    let protocol = model.protocols().iter().find(|protocol| protocol.is_rest()).copied()?;
    Some(Identified { service: model, operation, protocol, form: Form::Xml })
}

fn by_cbor(model: &'static Model, name: &str) -> Option<Identified> {
    let protocol = model.protocols().iter().find(|protocol| **protocol == Protocol::Cbor).copied()?;
    Some(Identified { service: model, operation: model.operation(name)?, protocol, form: Form::Xml })
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
            (_, Clue::Cbor { .. }) => Protocol::Cbor,
            (Some(entry), _) if entry.rest => {
                entry.model().protocols().first().copied().unwrap_or(Protocol::RestJson)
            }
            (_, Clue::Target { .. }) => json_version(request).unwrap_or(Protocol::Json11),
            (_, Clue::Action { .. }) => Protocol::Query,
            (Some(entry), Clue::Path) if entry.target_prefix.is_empty() => Protocol::Query,
            (Some(_), Clue::Path) => json_version(request).unwrap_or(Protocol::Json11),
            (None, Clue::Path) => json_version(request).unwrap_or(Protocol::RestJson),
        }
    }
}
