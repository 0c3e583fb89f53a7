use http::{HeaderValue, Method, Response, StatusCode, header};
use subtle::ConstantTimeEq as _;

use crate::host::Ours;
use crate::{Body, Source, host};

/// The prefix of the routes that are not AWS's.
pub(crate) const PREFIX: &str = "/_lambent/";

/// True for the path of a route that is not AWS's.
pub(crate) fn is_private(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// A route of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Health,
    Metrics,
    Unknown,
    WrongMethod,
}

impl Route {
    pub(crate) fn of(method: &Method, path: &str) -> Route {
        let route = match path.strip_prefix(PREFIX) {
            Some("health") => Route::Health,
            Some("metrics") => Route::Metrics,
            _ => return Route::Unknown,
        };
        if matches!(*method, Method::GET | Method::HEAD) { route } else { Route::WrongMethod }
    }
}

/// True when a client may read the metrics: it is on this machine and means it, or it has the scrapers' token.
pub(crate) fn may_read_metrics(
    source: &Source,
    headers: &http::HeaderMap,
    ours: Ours<'_>,
    token: Option<&str>,
) -> bool {
    if let Some(token) = token.filter(|token| !token.is_empty()) {
        let sent = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let sent = sent.and_then(|value| value.strip_prefix(b"Bearer ")).unwrap_or_default();
        return bool::from(sent.ct_eq(token.as_bytes()));
    }
    let sent_host = host::header(headers).unwrap_or_default();
    match source {
        Source::Client(address) => address.ip().to_canonical().is_loopback() && ours.include(sent_host),
        Source::InProcess => true,
        Source::Environment(_) => false,
    }
}

pub(crate) fn answer(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<bytes::Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::whole(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(crate) fn json(status: StatusCode, document: &serde_json::Value) -> Response<Body> {
    answer(status, "application/json", document.to_string())
}

pub(crate) fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(source: &Source, host: &'static str, authorization: &'static str, token: Option<&str>) -> bool {
        let mut headers = http::HeaderMap::new();
        headers.insert("host", HeaderValue::from_static(host));
        headers.insert("authorization", HeaderValue::from_static(authorization));
        let ours = Ours { endpoint: "http://127.0.0.1:4566", hosts: &wire::Hosts::default() };
        may_read_metrics(source, &headers, ours, token)
    }

    #[test]
    fn metrics_are_for_this_machine_or_for_the_token() {
        let near = Source::Client("127.0.0.1:9".parse().unwrap());
        let far = Source::Client("10.0.0.9:9".parse().unwrap());
        let inside = Source::Environment("e".into());
        assert!(may(&near, "127.0.0.1:4566", "", None));
        assert!(!may(&near, "rebound.example", "", None));
        assert!(!may(&far, "127.0.0.1:4566", "", None));
        assert!(!may(&inside, "127.0.0.1:4566", "", None));
        assert!(may(&far, "x.example", "Bearer secret", Some("secret")));
        assert!(!may(&near, "127.0.0.1:4566", "Bearer other", Some("secret")));
        assert!(!may(&near, "127.0.0.1:4566", "", Some("secret")));
    }

    #[test]
    fn the_routes_are_two_and_only_read() {
        assert_eq!(Route::of(&Method::GET, "/_lambent/health"), Route::Health);
        assert_eq!(Route::of(&Method::HEAD, "/_lambent/metrics"), Route::Metrics);
        assert_eq!(Route::of(&Method::POST, "/_lambent/health"), Route::WrongMethod);
        assert_eq!(Route::of(&Method::GET, "/_lambent/health/x"), Route::Unknown);
    }
}
