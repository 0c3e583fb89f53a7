//! Which service and operation a request means, or whose function or API.
//!
//! A pure function of the request's head, in this order: a host that names a function URL or an API; the service of the
//! credential scope, else of the host; among that service's operations, or everybody's, the path of rpcv2Cbor, the paths of
//! REST services, `X-Amz-Target`, `Action`. Services that share a signing name are told apart by the same. What is left is S3's.

mod clue;
mod host;

#[cfg(test)]
mod tests;

use aws::{Fault, Member};
use http::header::ACCEPT;

use crate::fault::Form;
use crate::identify::Identified;
use crate::model::{Entry, Services};
use crate::{Body, Protocol, Request, limits};
use clue::{Clue, json_version};
use host::Place;
pub use host::{Host, Hosts, InvalidSuffix, host_name};

/// Where a request goes.
#[derive(Debug, Clone)]
pub enum Route<'a> {
    /// To an operation of a service.
    Operation {
        /// Which.
        identified: Identified,
        /// The path that the operation's labels are read from, where it is not the request's: the bucket of the host comes
        /// first, the stage before `/@connections` is left out. Signatures are over the path as it was sent.
        path: Option<String>,
    },
    /// To the function behind a function URL: any method, path and body.
    FunctionUrl {
        /// The id, as it was sent; letter case means nothing.
        id: &'a str,
        /// The region, where the host names one.
        region: Option<&'a str>,
    },
    /// To a deployed API: any method, path and body.
    Api {
        /// The id, as it was sent; letter case means nothing.
        id: &'a str,
        /// The region, where the host names one.
        region: Option<&'a str>,
    },
}

/// A request that means nothing we know.
#[derive(Debug, Clone)]
pub struct Lost {
    /// Why, in AWS's words.
    pub fault: Fault,
    /// How its client expects to be answered.
    pub protocol: Protocol,
}

/// Finds where a request goes. `signing_name` is the service of the credential scope, when the request is signed.
///
/// # Errors
/// When no service or operation fits.
pub fn route<'a>(
    request: &Request<'_>,
    signing_name: Option<&str>,
    host: &Host<'a>,
) -> Result<Route<'a>, Lost> {
    let asked = Asked { request, signing_name, host };
    let lost = |fault| Lost { fault, protocol: asked.protocol() };
    if request.headers.len() > limits::HEADERS {
        let text = "Your request has too many headers";
        return Err(lost(Fault::new("RequestHeaderSectionTooLarge", 400, text)));
    }
    match host.place {
        Place::FunctionUrl(id) => Ok(Route::FunctionUrl { id, region: host.region }),
        Place::Api(id) if management_path(request.path).is_none() => {
            Ok(Route::Api { id, region: host.region })
        }
        Place::Api(_) | Place::Anywhere | Place::Service(_) | Place::Bucket(_) => {
            let (identified, path) = asked.operation().map_err(lost)?;
            Ok(Route::Operation { identified, path })
        }
    }
}

/// Finds the operation that a request means wherever it was sent.
///
/// # Errors
/// A fault in AWS's words when no service or operation fits; [`Protocol::guess`] says how to write it.
pub fn identify(request: &Request<'_>, signing_name: Option<&str>) -> Result<Identified, Fault> {
    match route(request, signing_name, &Host::default()) {
        Ok(Route::Operation { identified, .. }) => Ok(identified),
        Ok(Route::FunctionUrl { .. } | Route::Api { .. }) => Err(unknown(404)),
        Err(lost) => Err(lost.fault),
    }
}

/// Finds the operation that the head of a request means: of REST services always, of others where a header or the query string
/// says it. So the front door learns of streamed inputs ([`Identified::streams_input`]) before it reads a body. The request's
/// body is not looked at; `None` says that [`identify`] must have it, or that nothing fits.
pub fn identify_head(head: &Request<'_>, signing_name: Option<&str>) -> Option<Identified> {
    let head = Request { body: Body::default(), ..head.clone() };
    identify(&head, signing_name).ok()
}

impl Protocol {
    /// How to answer a request whose operation is not known.
    pub fn guess(request: &Request<'_>, signing_name: Option<&str>) -> Protocol {
        Asked { request, signing_name, host: &Host::default() }.protocol()
    }

    /// The same, where the host may say more.
    pub fn guess_at(request: &Request<'_>, signing_name: Option<&str>, host: &Host<'_>) -> Protocol {
        Asked { request, signing_name, host }.protocol()
    }
}

type Found = (Identified, Option<String>);

struct Asked<'a, 'r, 'h> {
    request: &'a Request<'r>,
    signing_name: Option<&'a str>,
    host: &'a Host<'h>,
}

impl Asked<'_, '_, '_> {
    /// The services that may be meant: those of the scope, else those of the host; none when neither says one.
    fn services(&self) -> Services {
        if let Some(name) = self.signing_name {
            return Entry::signed_as(name);
        }
        match self.host.place {
            Place::Service(prefix) => Entry::hosted_at(prefix),
            Place::Bucket(_) => Entry::hosted_at("s3"),
            Place::Api(_) => Entry::hosted_at("execute-api"),
            Place::Anywhere | Place::FunctionUrl(_) => Services::default(),
        }
    }

    fn operation(&self) -> Result<Found, Fault> {
        let services = self.services();
        if services.is_empty() {
            return match self.signing_name {
                Some(name) => Err(Fault::new("NotImplemented", 501, format!("{name} is not implemented"))),
                None => self.among_all(),
            };
        }
        if services.iter().any(|entry| entry.speaks(Protocol::Cbor))
            && let Some(Clue::Rpc { prefix, operation }) = Clue::rpc(self.request)
        {
            return by_rpc(services.iter(), prefix, operation);
        }
        let rest = || services.iter().filter(|entry| entry.is_rest());
        // Paths of REST services are unlike any other's, and their bodies are the caller's: nothing is looked for in them.
        if let Some(found) = rest().find_map(|entry| self.by_path(entry)) {
            return Ok(found);
        }
        if let Some(entry) = rest().next().filter(|_| services.iter().all(|entry| entry.is_rest())) {
            return Err(self.no_path(entry));
        }
        let others = || services.iter().filter(|entry| !entry.is_rest());
        match Clue::of(self.request) {
            Clue::Rpc { prefix, operation } => by_rpc(others(), prefix, operation),
            Clue::Target { prefix, operation } => self.by_target(others(), prefix, operation),
            Clue::Action { action, version } => self.by_action(others(), &action, version.as_deref()),
            Clue::Path if others().all(|entry| entry.target_prefix.is_empty()) => Err(missing_action()),
            Clue::Path => Err(unknown(400)),
        }
    }

    /// Of an unsigned request whose host says nothing.
    fn among_all(&self) -> Result<Found, Fault> {
        let all = || Entry::all().iter();
        let head = self.request.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if let Some(Clue::Rpc { prefix, operation }) = Clue::rpc(self.request) {
            return by_rpc(all(), prefix, operation);
        }
        // A path that begins like a REST service's is that service's, and its body the caller's.
        let mut heads = all().filter(|entry| entry.has_head(head)).peekable();
        if let Some(first) = heads.peek().copied() {
            return heads.find_map(|entry| self.by_path(entry)).ok_or_else(|| self.no_path(first));
        }
        match Clue::of(self.request) {
            Clue::Rpc { prefix, operation } => by_rpc(all(), prefix, operation),
            Clue::Target { prefix, operation } => self.by_target(all(), prefix, operation),
            Clue::Action { action, version: Some(version) } => {
                self.by_action(all(), &action, Some(&*version))
            }
            // The path of a queue: SQS needs no version there.
            Clue::Action { action, version: None } if is_queue(self.request.path) => {
                self.by_action(all().filter(|entry| entry.name == "sqs"), &action, None)
            }
            Clue::Action { action, version: None } => Err(invalid_action(&action, "")),
            Clue::Path if head.is_empty() && self.host.prefix.is_none() => Err(unknown(404)),
            // Only S3 has paths that may begin with anything, and readers without a name.
            Clue::Path => {
                let entry = all().find(|entry| entry.name == "s3").ok_or_else(|| unknown(404))?;
                self.by_path(entry).ok_or_else(|| self.no_path(entry))
            }
        }
    }

    fn by_path(&self, entry: &'static Entry) -> Option<Found> {
        let Request { method, query, headers, .. } = *self.request;
        let path = self.path_of(entry);
        let sent = path.as_deref().unwrap_or(self.request.path);
        let model = entry.model();
        let operation = model.route(method, sent, query.unwrap_or_default(), headers)?;
        let protocol = *entry.protocols.first()?;
        Some((Identified { service: model, operation, protocol, form: Form::Xml }, path))
    }

    /// The path that an operation is found by and its labels are read from, where that is not the request's.
    fn path_of(&self, entry: &Entry) -> Option<String> {
        match (entry.name, self.bucket()) {
            ("s3", Some(bucket)) => Some(format!("/{}{}", bucket.to_ascii_lowercase(), self.request.path)),
            ("apigatewaymanagementapi", _) => management_path(self.request.path)
                .filter(|path| *path != self.request.path)
                .map(str::to_owned),
            _ => None,
        }
    }

    /// The bucket that the host names. A name of ours that means nothing else, or another service, is a bucket to S3.
    fn bucket(&self) -> Option<&str> {
        match self.host.place {
            Place::Bucket(bucket) => Some(bucket),
            Place::Service("s3") => None,
            Place::Anywhere | Place::Service(_) | Place::FunctionUrl(_) | Place::Api(_) => self.host.prefix,
        }
    }

    /// Why no path of a REST service fits.
    fn no_path(&self, entry: &Entry) -> Fault {
        if !entry.speaks(Protocol::RestXml) {
            return unknown(404);
        }
        let path = self.path_of(entry);
        let path = path.as_deref().unwrap_or(self.request.path).trim_start_matches('/');
        let resource = match path.split_once('/') {
            _ if path.is_empty() => "SERVICE",
            Some((_, key)) if !key.is_empty() => "OBJECT",
            Some(_) | None => "BUCKET",
        };
        let text = "The specified method is not allowed against this resource.";
        Fault::new("MethodNotAllowed", 405, text)
            .with("Method", Member::Text(self.request.method.to_owned()))
            .with("ResourceType", Member::Text(resource.to_owned()))
    }

    fn by_target(
        &self,
        mut services: impl Iterator<Item = &'static Entry>,
        prefix: &str,
        name: &str,
    ) -> Result<Found, Fault> {
        let spoken = |protocol: &&Protocol| matches!(protocol, Protocol::Json10 | Protocol::Json11);
        let found = services.find_map(|entry| {
            if prefix.is_empty() || entry.target_prefix != prefix {
                return None;
            }
            let own = entry.protocols.iter().find(spoken).copied()?;
            let protocol = json_version(self.request).unwrap_or(own);
            let service = entry.model();
            Some((
                Identified { service, operation: service.operation(name)?, protocol, form: Form::Xml },
                None,
            ))
        });
        found.ok_or_else(|| unknown(400))
    }

    fn by_action(
        &self,
        mut services: impl Iterator<Item = &'static Entry>,
        name: &str,
        version: Option<&str>,
    ) -> Result<Found, Fault> {
        let fits = |entry: &&Entry| version.is_none_or(|version| version == entry.api_version);
        let entry = services
            .find(|entry| fits(entry) && entry.speaks(Protocol::Query))
            .ok_or_else(|| invalid_action(name, version.unwrap_or_default()))?;
        let service = entry.model();
        let Some(operation) = service.operation(name) else {
            return Err(if service.is_query_compatible() {
                Fault::new("InvalidAction", 400, format!("The action {name} is not valid for this endpoint."))
            } else {
                invalid_action(name, entry.api_version)
            });
        };
        let accepts_json =
            self.request.header(ACCEPT).is_some_and(|accept| accept.starts_with("application/json"));
        let form = if accepts_json { Form::Json } else { Form::Xml };
        Ok((Identified { service, operation, protocol: Protocol::Query, form }, None))
    }

    /// How to answer when the operation is not known.
    fn protocol(&self) -> Protocol {
        let services = self.services();
        let rest = services.iter().find(|entry| entry.is_rest()).and_then(|entry| entry.protocols.first());
        if let Some(rest) = rest {
            return *rest;
        }
        match Clue::of(self.request) {
            Clue::Rpc { .. } => Protocol::Cbor,
            Clue::Target { .. } => json_version(self.request).unwrap_or(Protocol::Json11),
            Clue::Action { .. } => Protocol::Query,
            Clue::Path => match services.iter().next() {
                Some(entry) if entry.target_prefix.is_empty() => Protocol::Query,
                Some(_) => json_version(self.request).unwrap_or(Protocol::Json11),
                None => self.protocol_of_path(),
            },
        }
    }

    fn protocol_of_path(&self) -> Protocol {
        let head = self.request.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if let Some(json) = json_version(self.request) {
            return json;
        }
        let is_bucket = !head.is_empty() && !Entry::all().iter().any(|entry| entry.has_head(head));
        if is_bucket && self.signing_name.is_none() { Protocol::RestXml } else { Protocol::RestJson }
    }
}

fn by_rpc(
    mut services: impl Iterator<Item = &'static Entry>,
    prefix: &str,
    name: &str,
) -> Result<Found, Fault> {
    let found = services.find_map(|entry| {
        if entry.target_prefix != prefix || !entry.speaks(Protocol::Cbor) {
            return None;
        }
        let service = entry.model();
        let operation = service.operation(name)?;
        Some((Identified { service, operation, protocol: Protocol::Cbor, form: Form::Xml }, None))
    });
    found.ok_or_else(|| unknown(404))
}

/// `/STAGE/@connections/ID` and `/@connections/ID` without the stage.
fn management_path(path: &str) -> Option<&str> {
    const CONNECTIONS: &str = "/@connections/";
    if path.starts_with(CONNECTIONS) {
        return Some(path);
    }
    let at = path.get(1..)?.find('/')? + 1;
    path[at..].starts_with(CONNECTIONS).then_some(&path[at..])
}

/// `/ACCOUNT/NAME`.
fn is_queue(path: &str) -> bool {
    let account = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
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
