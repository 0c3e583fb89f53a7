//! Replays the protocol test vectors of botocore, which AWS generates from its own protocol definitions.
//!
//! `crates/wire/fetch-vectors.sh` puts them below `target/vectors` (or the folder that `LAMBENT_VECTORS` names). Cases that
//! say nothing about a server, or something that AWS's services do otherwise, stand with their reason in
//! `vectors-exceptions.txt`; one that passes all the same is an error there.

mod cases;

use std::collections::BTreeMap;

use cases::{Case, Suite};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value as Json;
use wire::{Identified, Model, Request, Response, Value, client};

const FILES: [&str; 9] = [
    "rest-json",
    "rest-xml",
    "json",
    "json_1_0",
    "json_1_0-query-compatible",
    "query",
    "smithy-rpc-v2-cbor",
    "smithy-rpc-v2-cbor-query-compatible",
    "smithy-rpc-v2-cbor-non-query-compatible",
];

#[test]
fn requests_are_read_as_what_they_say() {
    run("input", "read-request", &|suite, case| {
        let identified = identified(suite, case);
        let expected = expected(suite.model, identified.operation.input, &case.json["params"])?;
        let serialized = &case.json["serialized"];
        let body = cases::bytes(identified.protocol, &serialized["body"]);
        let headers = headers(&serialized["headers"]);
        let (path, query) = split(serialized["uri"].as_str().unwrap_or("/"));
        let method = serialized["method"].as_str().unwrap_or("POST");
        let request = Request { method, path, query, headers: &headers, body: body.into() };
        if identified.protocol.is_rest() {
            let found = suite.model.route(method, path, query.unwrap_or_default(), &headers);
            let found = found.map(|operation| operation.name.clone());
            same("operation", &found.as_deref(), &Some(identified.operation.name.as_str()))?;
        }
        let found = identified.decode(&request).map_err(|fault| fault.to_string())?;
        let shown = |value| match identified.operation.input {
            Some(shape) => cases::shown(suite.model.structure(shape), cases::sorted(value)),
            None => value,
        };
        same("request", &shown(found), &shown(expected))
    });
}

#[test]
fn requests_of_the_client_are_read_as_what_they_say() {
    run("input", "write-request", &|suite, case| {
        let identified = identified(suite, case);
        let expected = expected(suite.model, identified.operation.input, &case.json["params"])?;
        let sent = client::encode(suite.model, identified.operation, expected.clone());
        let (path, query) = split(&sent.target);
        let request =
            Request { method: &sent.method, path, query, headers: &sent.headers, body: sent.body.clone() };
        let found = identified.decode(&request).map_err(|fault| fault.to_string())?;
        let shown = |value| match identified.operation.input {
            Some(shape) => cases::shown(suite.model.structure(shape), cases::sorted(value)),
            None => value,
        };
        same("request", &shown(found), &shown(expected))?;
        let serialized = &case.json["serialized"];
        same(
            "target",
            &cases::target(&sent.target),
            &cases::target(serialized["uri"].as_str().unwrap_or("/")),
        )?;
        if serialized["body"].is_null() {
            return Ok(());
        }
        let found = sent.body.whole().ok_or("the body is a stream")?;
        let expected = cases::bytes(identified.protocol, &serialized["body"]);
        same("body", &cases::body(identified.protocol, found), &cases::body(identified.protocol, &expected))
    });
}

#[test]
fn answers_are_read_by_the_client_as_what_they_say() {
    run("output", "read-answer", &|suite, case| {
        let identified = identified(suite, case);
        let response = &case.json["response"];
        let response = Response {
            status: response["status_code"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or(200),
            headers: headers(&response["headers"]),
            body: cases::bytes(identified.protocol, &response["body"]).into(),
        };
        read_back(suite, case, identified, &response)
    });
}

#[test]
fn answers_of_the_server_are_read_by_the_client_as_what_they_say() {
    run("output", "write-answer", &|suite, case| {
        let identified = identified(suite, case);
        let text = |name: &str| case.json[name].as_str().unwrap_or_default().to_owned();
        let response = if case.is_error() {
            let status =
                case.json["response"]["status_code"].as_u64().and_then(|status| status.try_into().ok());
            let mut fault = aws::Fault::new(text("errorCode"), status.unwrap_or(400), text("errorMessage"));
            fault.members = cases::details(case);
            identified.encode_fault(&fault, "request-1")
        } else {
            let result = expected(suite.model, identified.operation.output, &case.json["result"])?;
            identified.encode(result, "request-1")
        };
        read_back(suite, case, identified, &response)
    });
}

fn read_back(suite: &Suite, case: &Case, identified: Identified, response: &Response) -> Result<(), String> {
    let found = client::decode(suite.model, identified.operation, response);
    if case.is_error() {
        let fault = found.err().ok_or("an error was expected")?;
        same("code", &fault.code.as_ref(), &case.json["errorCode"].as_str().unwrap_or_default())?;
        if let Some(message) = case.json["errorMessage"].as_str() {
            same("message", &fault.message.as_str(), &message)?;
        }
        let mut members = fault.members;
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        return same("members", &members, &cases::details(case));
    }
    let expected = expected(suite.model, identified.operation.output, &case.json["result"])?;
    let shown = |value| match identified.operation.output {
        Some(shape) => cases::shown(suite.model.structure(shape), cases::sorted(value)),
        None => value,
    };
    same("answer", &shown(found.map_err(|fault| fault.to_string())?), &shown(expected))
}

fn identified(suite: &Suite, case: &Case) -> Identified {
    Identified::named(suite.model, case.operation()).expect("the suite has the operation")
}

fn expected(model: &Model, shape: Option<wire::model::ShapeId>, json: &Json) -> Result<Value, String> {
    match shape {
        Some(shape) => cases::value(model, shape, json),
        None => Ok(Value::Structure(Vec::new())),
    }
}

fn headers(json: &Json) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in json.as_object().into_iter().flatten() {
        let name = HeaderName::try_from(name.as_str()).expect("a header's name");
        let value = HeaderValue::try_from(value.as_str().unwrap_or_default()).expect("a header's value");
        headers.insert(name, value);
    }
    headers
}

fn split(uri: &str) -> (&str, Option<&str>) {
    match uri.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (uri, None),
    }
}

/// Compares by what is printed, so that one NaN equals another.
fn same(what: &str, found: &impl std::fmt::Debug, expected: &impl std::fmt::Debug) -> Result<(), String> {
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}\n    found    {found}\n    expected {expected}"))
    }
}

/// Runs every case of a direction and reports all that fail.
fn run(direction: &str, test: &str, check: &dyn Fn(&Suite, &Case) -> Result<(), String>) {
    let exceptions = cases::exceptions();
    let mut failures: BTreeMap<String, String> = BTreeMap::new();
    let (mut passed, mut excepted) = (0, 0);
    for file in FILES {
        for suite in cases::suites(direction, file) {
            for case in &suite.cases {
                let is_excepted = exceptions.contains_key(&format!("{test} {}", case.id));
                match check(&suite, case) {
                    Ok(()) if is_excepted => {
                        failures.insert(
                            format!("{file} {}", case.id),
                            "passes, though it is excepted".to_owned(),
                        );
                    }
                    Ok(()) => passed += 1,
                    Err(_) if is_excepted => excepted += 1,
                    Err(why) => {
                        failures.insert(format!("{file} {}", case.id), why);
                    }
                }
            }
        }
    }
    let report: Vec<String> = failures.iter().map(|(case, why)| format!("{case}: {why}")).collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        failures.len() + passed,
        report.join("\n")
    );
    assert!(passed > 100, "only {passed} cases were found");
    let listed = exceptions.keys().filter(|case| case.starts_with(test)).count();
    assert_eq!(excepted, listed, "an exception names no case of {test}");
}
