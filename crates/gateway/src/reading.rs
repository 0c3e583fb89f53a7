//! The bodies of requests: how large they may be, what became of reading one, and the memory of all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws::Fault;
use bytes::{Bytes, BytesMut};
use http::request;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use wire::sigv4::{self, Claim, Refusal, Style};
use wire::{Hosts, Route};

use crate::coming::{Coming, Raw};
use crate::limits::{
    BODY_BYTES, CODE_BODY_BYTES, DISCARDED_BODY_BYTES, INVOKE_BODY_BYTES, LEFT_BODY_BYTES, REFUSED_BODY_BYTES,
};
use crate::pace::Pace;
use crate::{heads, host};

/// How large the body of a request may be, and what AWS calls the operation when it tells so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) bytes: u64,
    operation: Option<&'static str>,
}

impl Allowance {
    /// The allowance of a method and path; the operation itself is known only after the body was read.
    pub(crate) fn of(method: &http::Method, path: &str) -> Allowance {
        let below = |prefix: &str| path.strip_prefix(prefix);
        let code = |operation| Allowance { bytes: CODE_BODY_BYTES, operation: Some(operation) };
        let functions = below("/2015-03-31/functions");
        match (method.as_str(), functions) {
            ("POST", Some("" | "/")) => return code("CreateFunction"),
            ("PUT", Some(rest)) if rest.ends_with("/code") => return code("UpdateFunctionCode"),
            ("POST", Some(rest)) if rest.ends_with("/invocations") || rest.ends_with("/invocations/") => {
                return Allowance { bytes: INVOKE_BODY_BYTES, operation: Some("InvokeFunction") };
            }
            _ => {}
        }
        if below("/2018-10-31/layers/").is_some_and(|rest| rest.ends_with("/versions")) {
            return code("PublishLayerVersion");
        }
        let streaming = below("/2021-11-15/functions/");
        if streaming.is_some_and(|rest| rest.ends_with("/response-streaming-invocations")) {
            return Allowance { bytes: INVOKE_BODY_BYTES, operation: Some("InvokeWithResponseStream") };
        }
        Allowance { bytes: BODY_BYTES, operation: None }
    }

    /// The refusal of a larger body, in AWS's words where they are known.
    pub(crate) fn exceeded(self) -> Fault {
        let text = match self.operation {
            Some(operation) => {
                format!("Request must be smaller than {} bytes for the {operation} operation", self.bytes)
            }
            None => format!("Request must be smaller than {} bytes", self.bytes),
        };
        Fault::new("RequestEntityTooLargeException", 413, text)
    }
}

/// What became of reading a body.
pub(crate) enum Read {
    /// It is here.
    Whole(Bytes),
    /// It is larger than allowed.
    TooLarge {
        /// How much was read or announced.
        bytes: u64,
    },
    /// The server holds too many bodies already.
    NoRoom,
    /// There are too many requests or connections already.
    Overload,
    /// Its head is refused anyway, and its client waits for our word before it sends the body.
    Unread,
    /// The client went away or sent no HTTP.
    Broken,
    /// Its operation reads it while it comes.
    Coming(Box<Coming>),
}

impl Read {
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Read::Whole(bytes) => bytes.len() as u64,
            Read::TooLarge { bytes } => *bytes,
            Read::NoRoom | Read::Overload | Read::Unread | Read::Broken | Read::Coming(_) => 0,
        }
    }

    /// The bytes that are here, and those that are not.
    pub(crate) fn into_body(self) -> (Bytes, Option<Box<Coming>>) {
        match self {
            Read::Whole(bytes) => (bytes, None),
            Read::Coming(coming) => (Bytes::new(), Some(coming)),
            Read::TooLarge { .. } | Read::NoRoom | Read::Overload | Read::Unread | Read::Broken => {
                (Bytes::new(), None)
            }
        }
    }
}

/// Bytes of request bodies that all connections together may hold.
pub(crate) struct Budget {
    left: AtomicU64,
}

/// A part of the budget, given back when dropped.
pub(crate) struct Held {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(bytes: u64) -> Arc<Budget> {
        Arc::new(Budget { left: AtomicU64::new(bytes) })
    }

    /// How many bytes may still be held.
    #[cfg(test)]
    pub(crate) fn left(&self) -> u64 {
        self.left.load(Ordering::Acquire)
    }

    pub(crate) fn hold(self: &Arc<Budget>) -> Held {
        Held { budget: self.clone(), bytes: 0 }
    }
}

impl Held {
    fn grow(&mut self, bytes: u64) -> bool {
        let taken = self
            .budget
            .left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(bytes))
            .is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    /// Holds so many bytes from now on; false when there is no room, and nothing changes.
    pub(crate) fn set(&mut self, bytes: u64) -> bool {
        if let Some(more) = bytes.checked_sub(self.bytes) {
            return more == 0 || self.grow(more);
        }
        self.budget.left.fetch_add(self.bytes - bytes, Ordering::AcqRel);
        self.bytes = bytes;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

/// Reads a body within its allowance. What is too large is read and thrown away up to a bound, since a client that is
/// still sending does not see an answer.
pub(crate) async fn read(head: &request::Parts, mut body: Incoming, held: &mut Held, pace: &Pace) -> Read {
    let allowance = Allowance::of(&head.method, head.uri.path());
    let announced = body.size_hint().exact();
    let waits = waits(head);
    if waits && !is_acceptable(head) {
        return Read::Unread;
    }
    if let Some(bytes) = announced.filter(|bytes| *bytes > allowance.bytes) {
        if !waits && bytes <= DISCARDED_BODY_BYTES {
            discard(&mut body, 0, pace).await;
        }
        return Read::TooLarge { bytes };
    }
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Read::Broken };
        let Ok(data) = frame.into_data() else { continue };
        length += data.len() as u64;
        pace.received(data.len());
        if length > allowance.bytes {
            discard(&mut body, length, pace).await;
            return Read::TooLarge { bytes: length };
        }
        if !held.grow(data.len() as u64) {
            discard(&mut body, length, pace).await;
            return Read::NoRoom;
        }
        match first.take() {
            // Most bodies come in one piece, which is then shared and not copied.
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(before) => {
                let expected = announced.unwrap_or(0).max(length);
                all.reserve(usize::try_from(expected).unwrap_or(0));
                all.extend_from_slice(&before);
                all.extend_from_slice(&data);
            }
        }
    }
    Read::Whole(first.unwrap_or_else(|| all.freeze()))
}

/// Reads nothing of a body but what must be thrown away for the client to read its refusal.
pub(crate) async fn refuse(head: &request::Parts, mut body: Incoming, pace: &Pace) -> Read {
    if !waits(head) {
        discard_up_to(REFUSED_BODY_BYTES, &mut body, 0, pace).await;
    }
    Read::Overload
}

/// True when the operation that a head names reads its body while it comes.
pub(crate) fn is_streamed(head: &request::Parts, hosts: &Hosts) -> bool {
    if !may_be_streamed(head) {
        return false;
    }
    let parts = parts(head);
    let claim = Claim::of(&parts);
    // Elsewhere the signature covers the body itself.
    if claim.as_ref().is_ok_and(|claim| claim.style() != Style::S3) {
        return false;
    }
    let request = wire::Request {
        method: parts.method,
        path: parts.path,
        query: head.uri.query(),
        headers: &head.headers,
        body: wire::Body::default(),
    };
    let scope = claim.as_ref().ok().map(|claim| claim.scope().service);
    match wire::route(&request, scope, &host::meaning(head, hosts)) {
        Ok(Route::Operation { identified, .. }) => identified.streams_input(),
        Ok(Route::FunctionUrl { .. } | Route::Api { .. }) | Err(_) => false,
    }
}

/// Whether a head is worth a second look. Most are not, so little is looked at: the fourth word between slashes of a signed
/// one is the service. What bears no signature in its head and has a body to stream is put somewhere.
fn may_be_streamed(head: &request::Parts) -> bool {
    match head.headers.get(http::header::AUTHORIZATION) {
        Some(value) => {
            let service = value.as_bytes().split(|byte| *byte == b'/').nth(3);
            service
                .and_then(|service| std::str::from_utf8(service).ok())
                .is_some_and(|service| Style::of(service) == Style::S3)
        }
        None => head.method == http::Method::PUT,
    }
}

fn parts(head: &request::Parts) -> sigv4::Parts<'_> {
    sigv4::Parts {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
    }
}

/// True when the client sends its body only when it is told to.
pub(crate) fn waits(head: &request::Parts) -> bool {
    head.version >= http::Version::HTTP_11 && head.headers.contains_key(http::header::EXPECT)
}

/// Whether a head may be followed by its body: it is not too large, and if it claims to be signed, the claim can be read.
fn is_acceptable(head: &request::Parts) -> bool {
    // What bears no signature at all may bear one in its body.
    heads::fits(head).is_ok() && matches!(Claim::of(&parts(head)), Ok(_) | Err(Refusal::Missing))
}

async fn discard(body: &mut Incoming, length: u64, pace: &Pace) {
    discard_up_to(DISCARDED_BODY_BYTES, body, length, pace).await;
}

/// Throws away what comes of a body whose request was answered, up to a bound; true at its end.
pub(crate) async fn leave(mut body: Raw) -> bool {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        length += frame.data_ref().map_or(0, Bytes::len) as u64;
        if length > LEFT_BODY_BYTES {
            return false;
        }
    }
    true
}

async fn discard_up_to(most: u64, body: &mut Incoming, mut length: u64, pace: &Pace) {
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        pace.received(bytes);
        length += bytes as u64;
        if length > most {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_its_allowance() {
        let of = |method: &str, path| {
            let allowance = Allowance::of(&method.parse().unwrap(), path);
            (allowance.bytes, allowance.operation)
        };
        let code = CODE_BODY_BYTES;
        assert_eq!(of("POST", "/2015-03-31/functions"), (code, Some("CreateFunction")));
        assert_eq!(of("POST", "/2015-03-31/functions/"), (code, Some("CreateFunction")));
        assert_eq!(of("PUT", "/2015-03-31/functions/f/code"), (code, Some("UpdateFunctionCode")));
        let invoke = (INVOKE_BODY_BYTES, Some("InvokeFunction"));
        assert_eq!(of("POST", "/2015-03-31/functions/f/invocations"), invoke);
        for (method, path) in
            [("POST", "/"), ("PUT", "/2015-03-31/functions/f/configuration"), ("GET", "/x/code")]
        {
            assert_eq!(of(method, path), (BODY_BYTES, None));
        }
    }

    #[test]
    fn streamed_inputs_are_known_by_their_heads() {
        let of = |method: &str, target: &str, host: &str, service: &str| {
            let mut request = http::Request::builder().method(method).uri(target).header("host", host);
            if !service.is_empty() {
                let credential = format!("AKIA/20240101/us-east-1/{service}/aws4_request");
                let claim = format!(
                    "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature={}",
                    "0".repeat(64)
                );
                request = request.header("authorization", claim).header("x-amz-date", "20240101T000000Z");
            }
            is_streamed(&request.body(()).unwrap().into_parts().0, &Hosts::default())
        };
        let here = "localhost:4566";
        assert!(of("PUT", "/bucket/key", here, "s3"));
        assert!(of("PUT", "/bucket/key", here, ""));
        assert!(of("PUT", "/key", "bucket.s3.localhost:4566", "s3"));
        assert!(of("PUT", "/bucket/key?partNumber=1&uploadId=u", here, "s3"));
        for (method, target, service) in [
            ("PUT", "/bucket", "s3"),
            ("PUT", "/bucket?policy", "s3"),
            ("POST", "/bucket?delete", "s3"),
            ("POST", "/bucket/key?uploadId=u", "s3"),
            ("POST", "/2015-03-31/functions/f/invocations", "lambda"),
            ("POST", "/2015-03-31/functions/f/invocations", ""),
            // Its signature covers the body, so all of it must be here first.
            ("POST", "/2014-11-13/functions/f/invoke-async", "lambda"),
            ("PUT", "/2015-03-31/functions/f/code", "lambda"),
            ("PUT", "/2015-03-31/functions/f/code", ""),
            ("PUT", "/bucket/key", "sqs"),
        ] {
            assert!(!of(method, target, here, service), "{method} {target} {service}");
        }
    }

    #[test]
    fn a_refusal_is_in_awss_words() {
        let allowance = Allowance::of(&http::Method::POST, "/2015-03-31/functions/f/invocations");
        let fault = allowance.exceeded();
        assert_eq!((fault.code.as_ref(), fault.status), ("RequestEntityTooLargeException", 413));
        assert_eq!(
            fault.message,
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
        );
    }

    #[test]
    fn the_budget_gives_back_what_was_held() {
        let budget = Budget::new(10);
        let mut held = budget.hold();
        assert!(held.grow(6) && !held.grow(5) && held.grow(4));
        assert!(!budget.hold().grow(1));
        assert!(held.set(3) && held.set(9) && !held.set(11));
        assert!(budget.hold().grow(1));
        drop(held);
        assert!(budget.hold().grow(10));
    }
}
