//! What is particular to invocations: the trace header that every one of them has, the request id that a client may name,
//! and the headers that their answers carry beyond the modelled ones.

use std::sync::Arc;

use aws::{Fault, Millis, RequestId};
use http::{HeaderMap, HeaderValue, StatusCode};
use tasks::Random;
use wire::Identified;

const TRACE: &str = "x-amzn-trace-id";
const REMAPPED_LENGTH: &str = "x-amzn-remapped-content-length";

/// True for the operations that run a function.
pub(crate) fn is_invocation(identified: &Identified) -> bool {
    identified.service.name() == "lambda" && identified.operation.name == "Invoke"
}

/// A new trace that nobody samples, in X-Ray's form.
pub(crate) fn new_trace(now: Millis, random: &Random) -> Arc<str> {
    let seconds = now.0 / 1000;
    let unique = u128::from_be_bytes(random.bytes()) >> 32;
    let parent = u64::from_be_bytes(random.bytes());
    format!("Root=1-{seconds:08x}-{unique:024x};Parent={parent:016x};Sampled=0").into()
}

/// Refuses a request id that is no UUID. A good one is not taken over: ids are ours, so that they stay unique.
pub(crate) fn check_request_id(headers: &HeaderMap) -> Result<(), Fault> {
    let Some(given) = headers.get("x-amzn-requestid") else { return Ok(()) };
    match given.to_str().ok().and_then(RequestId::parse) {
        Some(_) => Ok(()),
        None => Err(Fault::new("InvalidRequestContentException", 400, "The request ID must be a UUID.")),
    }
}

/// Adds the headers that the answer to an invocation has beyond its modelled ones. Refusals have none of them.
pub(crate) fn adorn(headers: &mut HeaderMap, status: StatusCode, trace: Option<&str>) {
    if !status.is_success() {
        return;
    }
    headers.insert(REMAPPED_LENGTH, HeaderValue::from_static("0"));
    if let Some(trace) = trace.and_then(|trace| HeaderValue::from_str(trace).ok()) {
        headers.insert(TRACE, trace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_a_uuid_or_absent() {
        let of = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-amzn-requestid", id.parse().unwrap());
            check_request_id(&headers).map_err(|fault| (fault.code.into_owned(), fault.status))
        };
        assert_eq!(check_request_id(&HeaderMap::new()), Ok(()));
        assert_eq!(of("8476a536-e9f4-11e8-9739-2dfe598c3fcd"), Ok(()));
        for bad in ["", "abc", "8476a536-e9f4-11e8-9739-2dfe598c3fcg", "8476a536e9f411e897392dfe598c3fcd0"] {
            assert_eq!(of(bad), Err(("InvalidRequestContentException".to_owned(), 400)), "{bad}");
        }
    }

    #[test]
    fn a_new_trace_has_xrays_form() {
        let trace = new_trace(Millis(1_700_000_000_123), &Random::seeded(1));
        let parts: Vec<&str> = trace.split(';').collect();
        let [root, parent, "Sampled=0"] = parts[..] else { panic!("{trace}") };
        let unique = root.strip_prefix("Root=1-6553f100-").unwrap();
        let parent = parent.strip_prefix("Parent=").unwrap();
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        assert!(unique.len() == 24 && parent.len() == 16 && hex(unique) && hex(parent), "{trace}");
    }
}
