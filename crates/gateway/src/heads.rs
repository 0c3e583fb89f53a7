//! What the head of a request must be before anything else is asked of it, in HTTP/1 and HTTP/2 alike.

use aws::Fault;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header, request};
use wire::host_name;

use crate::limits::{HEADER_BYTES, URI_BYTES};

/// Why a head is no request, with the status of its answer.
pub(crate) type Refusal = (StatusCode, &'static str);

/// Brings a head to one form: the target is a path with a query, the host is in `Host`, there is one of it.
///
/// # Errors
/// When it is no request that everybody reads in the same way.
pub(crate) fn settle(head: &mut request::Parts) -> Result<(), Refusal> {
    let bad = |text| Err((StatusCode::BAD_REQUEST, text));
    if head.method == Method::CONNECT {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "this is no proxy\n"));
    }
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return bad("a request has one Host\n");
    }
    match (head.uri.authority(), first) {
        (None, None) if head.version == Version::HTTP_11 || head.version == Version::HTTP_2 => {
            return bad("a request has a Host\n");
        }
        (None, _) => {}
        (Some(named), Some(host)) if !host.as_bytes().eq_ignore_ascii_case(named.as_str().as_bytes()) => {
            return bad("the target and Host name two hosts\n");
        }
        (Some(named), _) => {
            let Ok(host) = HeaderValue::from_str(named.as_str()) else { return bad("no such host\n") };
            head.headers.insert(header::HOST, host);
            origin_form(&mut head.uri);
        }
    }
    if head.headers.get(header::HOST).is_some_and(|host| !host.is_empty() && !is_host(host)) {
        return bad("Host is no host\n");
    }
    match head.headers.get(header::EXPECT) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            Err((StatusCode::EXPECTATION_FAILED, "only 100-continue can be expected\n"))
        }
        _ => Ok(()),
    }
}

fn is_host(host: &HeaderValue) -> bool {
    host.to_str().is_ok_and(|host| host_name(host).is_some())
}

/// Leaves scheme and host out of an absolute target, which then reads as any other.
fn origin_form(uri: &mut Uri) {
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = uri.path_and_query().cloned();
    if let Ok(own) = Uri::from_parts(parts) {
        *uri = own;
    }
}

/// Refuses a head that is too large.
pub(crate) fn fits(head: &request::Parts) -> Result<(), Fault> {
    if size(&head.headers) > HEADER_BYTES {
        return Err(Fault::new("RequestHeaderFieldsTooLarge", 431, "Request header fields too large"));
    }
    if head.uri.path_and_query().is_some_and(|target| target.as_str().len() > URI_BYTES) {
        return Err(Fault::new("RequestUriTooLarge", 414, "Request URI too large"));
    }
    Ok(())
}

fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(version: Version, target: &str, hosts: &[&str]) -> Result<(String, String), u16> {
        let mut request = http::Request::builder().method("POST").version(version).uri(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        settle(&mut head).map_err(|(status, _)| status.as_u16())?;
        let host = head.headers.get("host").map_or("", |host| host.to_str().unwrap());
        Ok((head.uri.to_string(), host.to_owned()))
    }

    #[test]
    fn a_request_has_one_host_wherever_it_stands() {
        let is = |target: &str, host: &str| Ok((target.to_owned(), host.to_owned()));
        let cases = [
            (Version::HTTP_11, "/a?b=c", vec!["h:1"], is("/a?b=c", "h:1")),
            (Version::HTTP_11, "/", vec![], Err(400)),
            (Version::HTTP_11, "/", vec!["h", "h"], Err(400)),
            (Version::HTTP_11, "/", vec!["h", "i"], Err(400)),
            (Version::HTTP_11, "/", vec!["h/i"], Err(400)),
            (Version::HTTP_11, "http://h:1/a?b", vec!["H:1"], is("/a?b", "h:1")),
            (Version::HTTP_11, "http://h:1", vec!["h:1"], is("/", "h:1")),
            (Version::HTTP_11, "http://h:1/a", vec!["h:2"], Err(400)),
            (Version::HTTP_10, "/", vec![], is("/", "")),
            (Version::HTTP_2, "https://h/a", vec![], is("/a", "h")),
            (Version::HTTP_2, "https://h/a", vec!["i"], Err(400)),
            (Version::HTTP_2, "/a", vec![], Err(400)),
        ];
        for (version, target, hosts, want) in cases {
            assert_eq!(settled(version, target, &hosts), want, "{version:?} {target} {hosts:?}");
        }
    }

    #[test]
    fn nothing_but_a_continuation_can_be_expected_and_nobody_is_connected() {
        let of = |method: &str, target: &str, expect: &str| {
            let request = http::Request::builder().method(method).uri(target).header("host", "h:1");
            let (mut head, ()) = request.header("expect", expect).body(()).unwrap().into_parts();
            settle(&mut head).map_err(|(status, _)| status.as_u16())
        };
        assert_eq!(of("POST", "/", "100-Continue"), Ok(()));
        assert_eq!(of("POST", "/", "200-ok"), Err(417));
        assert_eq!(of("CONNECT", "h:1", "100-continue"), Err(405));
    }
}
