//! What a request says about its operation, beside method and path.

use std::borrow::Cow;

use crate::codec::form;
use crate::{Protocol, Request, names};

/// What a request says about its operation.
pub(super) enum Clue<'a> {
    /// rpcv2Cbor: `/service/PREFIX/operation/NAME`.
    Rpc { prefix: &'a str, operation: &'a str },
    /// `X-Amz-Target: PREFIX.OPERATION`.
    Target { prefix: &'a str, operation: &'a str },
    /// `Action=…&Version=…` in the query string or a form.
    Action { action: Cow<'a, str>, version: Option<Cow<'a, str>> },
    /// Only the method and path.
    Path,
}

impl<'a> Clue<'a> {
    pub(super) fn of(request: &'a Request<'_>) -> Clue<'a> {
        if let Some(rpc) = Clue::rpc(request) {
            return rpc;
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

    /// rpcv2Cbor says so in a header, and its path may have something before it.
    pub(super) fn rpc(request: &'a Request<'_>) -> Option<Clue<'a>> {
        if request.header(names::PROTOCOL)? != "rpc-v2-cbor" {
            return None;
        }
        let mut segments = request.path.rsplit('/');
        let (operation, word) = (segments.next()?, segments.next()?);
        let (prefix, first) = (segments.next()?, segments.next()?);
        (word == "operation" && first == "service").then_some(Clue::Rpc { prefix, operation })
    }
}

fn may_be_form(request: &Request<'_>) -> bool {
    request.method == "POST" && matches!(request.media_type(), "" | "application/x-www-form-urlencoded")
}

/// The version of awsJson that a request's media type names.
pub(super) fn json_version(request: &Request<'_>) -> Option<Protocol> {
    match request.media_type() {
        "application/x-amz-json-1.0" => Some(Protocol::Json10),
        "application/x-amz-json-1.1" => Some(Protocol::Json11),
        _ => None,
    }
}
