//! Web pages of other origins: those that the settings name may call us from a browser, as pages may call AWS; others may
//! not, and get none of these headers (https://fetch.spec.whatwg.org/#http-cors-protocol).

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, request};

use crate::Body;
use crate::limits::PREFLIGHT_HEADERS_BYTES;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// A day; browsers take less.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");
/// What SDKs read of an answer beyond what every page may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "date, etag, retry-after, x-amz-crc32, x-amz-executed-version, x-amz-function-error, x-amz-id-2, x-amz-log-result, \
     x-amz-request-id, x-amz-version-id, x-amzn-errortype, x-amzn-errormessage, x-amzn-query-error, x-amzn-requestid, \
     x-amzn-trace-id",
);
const PRIVATE_NETWORK_ASKED: &str = "access-control-request-private-network";
const PRIVATE_NETWORK: &str = "access-control-allow-private-network";

/// The origin of the page that calls, when it is one of `allowed`.
pub(crate) fn origin<'a>(headers: &'a HeaderMap, allowed: &[String]) -> Option<&'a HeaderValue> {
    // Nearly nobody calls from a page, and nearly nobody allows one.
    if allowed.is_empty() {
        return None;
    }
    let origin = headers.get(ORIGIN)?;
    allowed.iter().any(|known| known.as_bytes() == origin.as_bytes()).then_some(origin)
}

/// The answer to a browser that asks whether an allowed page may call; `None` for a request that asks for something else.
pub(crate) fn preflight(head: &request::Parts) -> Option<Response<Body>> {
    if head.method != Method::OPTIONS || !head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::new(Body::whole(""));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    // The page may send what it says it will: what counts is the signature over it.
    let asked = head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(names) = asked.filter(|names| names.len() <= PREFLIGHT_HEADERS_BYTES) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    if head.headers.contains_key(PRIVATE_NETWORK_ASKED) {
        headers.insert(PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    Some(response)
}

/// Lets the page of an allowed origin read an answer.
pub(crate) fn allow(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, origin: Option<&str>) -> Option<Response<Body>> {
        let mut request = http::Request::builder().method(method).uri("/");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let request = request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,x-amz-date");
        let (head, ()) = request.body(()).unwrap().into_parts();
        let origin = super::origin(&head.headers, &["https://console.example".to_owned()])?;
        let mut answer = preflight(&head)?;
        allow(answer.headers_mut(), origin);
        Some(answer)
    }

    #[test]
    fn a_preflight_is_answered_to_allowed_origins_alone() {
        let answer = asked("OPTIONS", Some("https://console.example")).unwrap();
        assert_eq!(answer.status(), 204);
        for (name, value) in [
            ("access-control-allow-origin", "https://console.example"),
            ("access-control-allow-headers", "authorization,x-amz-date"),
            ("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE"),
            ("access-control-max-age", "86400"),
            ("vary", "origin"),
        ] {
            assert_eq!(answer.headers()[name], value, "{name}");
        }
        // Credentials of the browser are never asked for.
        assert!(!answer.headers().contains_key("access-control-allow-credentials"));
        for other in [
            None,
            Some("null"),
            Some("http://console.example"),
            Some("https://console.example:8443"),
            Some("https://console.example.evil"),
            Some("https://evil.console.example"),
        ] {
            assert!(asked("OPTIONS", other).is_none(), "{other:?}");
        }
        assert!(asked("GET", Some("https://console.example")).is_none());
    }
}
