use aws::Millis;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Fixture {
    vectors: Vec<Vector>,
}

/// One request signed by botocore; `fixtures/sigv4.py` makes them.
#[derive(Deserialize, Clone)]
struct Vector {
    form: String,
    service: String,
    region: String,
    method: String,
    host: String,
    path: String,
    query: String,
    plain_query: String,
    body: String,
    expires: u64,
    headers: Vec<(String, String)>,
    access_key: String,
    secret_key: String,
    token: Option<String>,
    at: u64,
    canonical: String,
}

impl Vector {
    fn map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        map
    }

    fn now(&self) -> Millis {
        Millis(self.at * 1000)
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            access_key: self.access_key.clone(),
            secret_key: self.secret_key.clone(),
            session_token: self.token.clone(),
        }
    }

    /// All of a verifier's steps, as a server takes them.
    fn verdict(&self) -> Result<(), Refusal> {
        let headers = self.map();
        let parts = Parts { method: &self.method, path: &self.path, query: &self.query, headers: &headers };
        let claim = Claim::of(&parts)?;
        claim.check(&self.service, self.now())?;
        let key = SigningKey::derive(&self.secret_key, &claim.scope());
        claim.verify(&parts, BodyHash::of(self.body.as_bytes()), &key)?;
        assert_eq!(claim.access_key(), self.access_key);
        assert_eq!(claim.token(), self.token.as_deref());
        assert_eq!(claim.scope().region, self.region);
        Ok(())
    }

    fn set(&mut self, name: &str, value: impl Fn(&str) -> String) {
        let (_, old) = self.headers.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap();
        *old = value(old);
    }
}

fn vectors() -> Vec<Vector> {
    let fixture: Fixture = serde_json::from_str(include_str!("../../fixtures/sigv4.json")).unwrap();
    assert!(fixture.vectors.len() >= 200);
    fixture.vectors
}

#[test]
fn what_botocore_signs_is_verified() {
    for (at, vector) in vectors().iter().enumerate() {
        match vector.verdict() {
            Ok(()) => {}
            Err(Refusal::Mismatch(mismatch)) => {
                let ours = mismatch.canonical.unwrap_or_default();
                panic!("vector {at}:\nours:\n{ours}\ntheirs:\n{}", vector.canonical)
            }
            Err(refusal) => panic!("vector {at}: {refusal:?}"),
        }
    }
}

#[test]
fn a_change_of_anything_signed_is_refused() {
    for vector in vectors() {
        let mut twins: Vec<(&str, Vector)> = Vec::new();
        let mut twin = |what, change: &dyn Fn(&mut Vector)| {
            let mut changed = vector.clone();
            change(&mut changed);
            twins.push((what, changed));
        };
        twin("method", &|v| v.method = if v.method == "GET" { "POST".into() } else { "GET".into() });
        twin("path", &|v| v.path.push_str("/x"));
        twin("host", &|v| v.set("Host", |_| "evil.example".into()));
        twin("secret", &|v| v.secret_key.push('x'));
        twin("query", &|v| v.query = format!("evil=1&{}", v.query));
        let covers_body = !vector.canonical.ends_with(UNSIGNED_PAYLOAD);
        if covers_body {
            twin("body", &|v| v.body.push(' '));
        }
        if vector.form == "header" {
            twin("signature", &|v| v.set("Authorization", flip_last));
            twin("key id in the scope", &|v| v.set("Authorization", |old| old.replace("/us-", "/eu-") + "0"));
        } else {
            twin("signature", &|v| v.query = flip_last(&v.query));
            twin("life", &|v| v.query = v.query.replace("X-Amz-Expires=", "X-Amz-Expires=1"));
        }
        if let (Some(_), "header") = (&vector.token, vector.form.as_str()) {
            twin("token", &|v| v.set("X-Amz-Security-Token", |old| format!("{old}x")));
        }
        let signed = vector.canonical.lines().rev().nth(1).unwrap();
        for name in signed.split(';').filter(|name| !["host", "x-amz-date", "date"].contains(name)) {
            twin(name, &|v| v.set(name, |old| format!("{old}!")));
        }
        for (what, changed) in twins {
            assert!(changed.verdict().is_err(), "{what} of {} {}", vector.method, vector.path);
        }
    }
}

fn flip_last(text: &str) -> String {
    let (head, last) = text.split_at(text.len() - 1);
    format!("{head}{}", if last == "0" { "1" } else { "0" })
}

#[test]
fn headers_that_are_not_signed_may_change() {
    for mut vector in vectors().into_iter().filter(|v| v.form == "header") {
        vector.headers.push(("Connection".into(), "keep-alive".into()));
        vector.headers.push(("X-Forwarded-For".into(), "10.0.0.1".into()));
        assert!(vector.verdict().is_ok());
        vector.headers.push(("x-amz-added".into(), "late".into()));
        match (Style::of(&vector.service), vector.verdict()) {
            (Style::Plain, verdict) => assert!(verdict.is_ok()),
            (Style::S3, verdict) => {
                assert_eq!(verdict, Err(Refusal::HeadersNotSigned("x-amz-added".into())));
            }
        }
    }
}

#[test]
fn what_we_sign_is_what_botocore_signs() {
    let mut compared = 0;
    for vector in vectors().into_iter().filter(|v| v.form == "header") {
        let added = ["authorization", "x-amz-date", "x-amz-security-token"];
        let mut request = Request::builder().method(vector.method.as_str()).uri(format!(
            "{}{}{}",
            if vector.path.is_empty() { "/" } else { &vector.path },
            if vector.query.is_empty() { "" } else { "?" },
            vector.query
        ));
        for (name, value) in &vector.headers {
            if !added.contains(&name.to_ascii_lowercase().as_str()) {
                request = request.header(name, value.as_bytes());
            }
        }
        if vector.headers.iter().any(|(name, _)| name == "Date") {
            continue; // We always send X-Amz-Date.
        }
        let mut request = request.body(Bytes::from(vector.body.clone())).unwrap();
        let credentials = vector.credentials();
        let signer = Signer {
            credentials: &credentials,
            service: &vector.service,
            region: &vector.region,
            at: vector.now(),
        };
        signer.sign(&mut request).unwrap();
        let theirs = vector.headers.iter().find(|(name, _)| name == "Authorization").unwrap();
        assert_eq!(request.headers()["authorization"].to_str().unwrap(), theirs.1);
        compared += 1;
    }
    assert!(compared > 90, "{compared}");
}

#[test]
fn what_we_presign_is_what_botocore_presigns() {
    for vector in vectors().into_iter().filter(|v| v.form == "query" && v.plain_query.is_empty()) {
        let credentials = vector.credentials();
        let signer = Signer {
            credentials: &credentials,
            service: &vector.service,
            region: &vector.region,
            at: vector.now(),
        };
        let url = signer.presign(&vector.host, &vector.path, &[], vector.expires).unwrap();
        assert_eq!(url, format!("{}?{}", vector.path, vector.query));
    }
}

#[test]
fn a_signature_is_valid_within_the_skew_of_its_service() {
    let header =
        |service: &str| vectors().into_iter().find(|v| v.form == "header" && v.service == service).unwrap();
    for (service, minutes) in [("lambda", 5), ("logs", 5), ("sts", 15), ("iam", 15), ("s3", 15)] {
        let vector = header(service);
        let map = vector.map();
        let parts = Parts { method: &vector.method, path: &vector.path, query: &vector.query, headers: &map };
        let claim = Claim::of(&parts).unwrap();
        let at = |seconds: i64| Millis(vector.at.saturating_add_signed(seconds) * 1000);
        let limit = minutes * 60;
        assert_eq!(claim.check(service, at(limit)), Ok(()));
        assert_eq!(claim.check(service, at(-limit)), Ok(()));
        assert!(matches!(claim.check(service, at(limit + 1)), Err(Refusal::Expired { .. })));
        assert!(matches!(claim.check(service, at(-limit - 1)), Err(Refusal::NotYet { .. })));
    }
}

#[test]
fn a_presigned_url_is_valid_until_it_expires() {
    for vector in vectors().into_iter().filter(|v| v.form == "query") {
        let map = vector.map();
        let parts = Parts { method: &vector.method, path: &vector.path, query: &vector.query, headers: &map };
        let claim = Claim::of(&parts).unwrap();
        assert_eq!(claim.form, Form::Query { expires_s: vector.expires });
        let at = |seconds: u64| Millis((vector.at + seconds) * 1000);
        assert_eq!(claim.check(&vector.service, at(vector.expires)), Ok(()));
        assert!(matches!(
            claim.check(&vector.service, at(vector.expires + 1)),
            Err(Refusal::Expired { form: Form::Query { .. }, .. })
        ));
        let early = Millis((vector.at - skew_seconds(&vector.service) - 1) * 1000);
        assert!(matches!(claim.check(&vector.service, early), Err(Refusal::NotYet { .. })));
    }
}

const GOOD: &str = "AWS4-HMAC-SHA256 Credential=AKID/20240101/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";

/// The fault for an `Authorization` header on a request of 2024-01-01 01:00 UTC, which is now.
fn refused(authorization: Option<&str>, family: Family) -> (String, u16, String) {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("h"));
    headers.insert("x-amz-date", HeaderValue::from_static("20240101T010000Z"));
    if let Some(text) = authorization {
        headers.insert("authorization", HeaderValue::from_str(text).unwrap());
    }
    let parts = Parts { method: "GET", path: "/", query: "", headers: &headers };
    let scope = Scope { date: "20240101", region: "us-east-1", service: "lambda" };
    let key = SigningKey::derive("secret", &scope);
    let verdict = Claim::of(&parts).and_then(|claim| {
        claim.check("lambda", Millis(1_704_070_800_000))?;
        claim.verify(&parts, BodyHash::of(b""), &key)
    });
    let fault = verdict.unwrap_err().fault(family);
    (fault.code.into_owned(), fault.status, fault.message)
}

#[test]
fn refusals_are_in_awss_words() {
    let no_credential = GOOD.replace("Credential", "Kredential");
    let check = |authorization: Option<&str>, code: &str, text: &str| {
        let (found_code, status, found_text) = refused(authorization, Family::RestJson);
        assert_eq!((found_code.as_str(), status, found_text.as_str()), (code, 403, text));
    };
    check(None, "MissingAuthenticationTokenException", "Missing Authentication Token");
    check(
        Some("Bearer token"),
        "IncompleteSignatureException",
        "'token' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer token'.",
    );
    check(
        Some(&no_credential),
        "IncompleteSignatureException",
        &format!("Authorization header requires 'Credential' parameter. Authorization={no_credential}"),
    );
    check(
        Some("AWS4-HMAC-SHA256"),
        "IncompleteSignatureException",
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256",
    );
    check(
        Some(&GOOD.replace("/lambda", "")),
        "IncompleteSignatureException",
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKID/20240101/us-east-1/aws4_request'.",
    );
    check(
        Some(&GOOD.replace("host;", "")),
        "IncompleteSignatureException",
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
    check(
        Some(&GOOD.replace("host;", "host;x-absent;")),
        "IncompleteSignatureException",
        "'x-absent' is named as a SignedHeader, but it does not exist in the HTTP request.",
    );
    check(
        Some(&GOOD.replace("SHA256", "SHA1")),
        "IncompleteSignatureException",
        "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'.",
    );
    check(
        Some(&GOOD.replace("us-east-1/lambda/aws4_request", "US/sqs/aws4")),
        "InvalidSignatureException",
        "Credential should be scoped to a valid Region, not US. Credential should be scoped to correct service: 'lambda'. Credential should be scoped with a valid terminator: 'aws4_request'.",
    );
    check(
        Some(&GOOD.replace("20240101/", "20240102/")),
        "InvalidSignatureException",
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20240102' != '20240101', from '20240101T010000Z'.",
    );
    check(
        Some(GOOD),
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    );
}

#[test]
fn each_family_has_its_codes_and_statuses() {
    let stamp = Stamp::parse("20240101T000000Z").unwrap();
    let now = Millis((stamp.seconds + 65 * 60) * 1000);
    let form = Form::Header;
    let token = Some(Token("t".to_owned()));
    let refusals = [
        (Refusal::Missing, "MissingAuthenticationToken", "AccessDenied"),
        (Refusal::HostUnsigned, "IncompleteSignature", "AccessDenied"),
        (Refusal::Expired { stamp, now, life_s: 300, form }, "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
        (
            Refusal::UnknownKey { access_key: "A".into(), token: None },
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
        ),
        (Refusal::SessionExpired { token }, "ExpiredToken", "ExpiredToken"),
    ];
    let json = |query: &str| match query {
        "SignatureDoesNotMatch" => "InvalidSignatureException".to_owned(),
        "InvalidClientTokenId" => "UnrecognizedClientException".to_owned(),
        other => format!("{other}Exception"),
    };
    for (refusal, query, s3) in refusals {
        let code = |family| {
            let fault = refusal.fault(family);
            (fault.code.into_owned(), fault.status)
        };
        assert_eq!(code(Family::Query), (query.to_owned(), 403));
        assert_eq!(code(Family::Json), (json(query), 400));
        assert_eq!(code(Family::RestJson), (json(query), 403));
        assert_eq!(code(Family::S3).0, s3);
    }
}

#[test]
fn skew_is_told_with_the_times_as_aws_tells_it() {
    let stamp = Stamp::parse("20240101T000000Z").unwrap();
    let now = Millis((stamp.seconds + 65 * 60) * 1000);
    let old = Refusal::Expired { stamp, now, life_s: 300, form: Form::Header };
    assert_eq!(
        old.fault(Family::RestJson).message,
        "Signature expired: 20240101T000000Z is now earlier than 20240101T010000Z (20240101T010500Z - 5 min.)"
    );
    let early = Millis((stamp.seconds - 600) * 1000);
    let young = Refusal::NotYet { stamp, now: early, skew_s: 300, form: Form::Header };
    assert_eq!(
        young.fault(Family::Query).message,
        "Signature not yet current: 20240101T000000Z is still later than 20231231T235500Z (20231231T235000Z + 5 min.)"
    );
}

#[test]
fn a_presigned_query_must_be_complete_and_in_range() {
    let full = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20240101%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20240101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    let headers = HeaderMap::new();
    let claim =
        |query: &str| Claim::of(&Parts { method: "GET", path: "/", query, headers: &headers }).map(|_| ());
    assert!(claim(full).is_ok());
    for name in ["X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"]
    {
        assert_eq!(claim(&full.replace(name, "Other")), Err(Refusal::QueryIncomplete(vec![name])));
    }
    for (expires, why) in
        [("x", BadExpires::NotANumber), ("-1", BadExpires::Negative), ("604801", BadExpires::TooLong)]
    {
        let query = full.replace("Expires=60", &format!("Expires={expires}"));
        assert_eq!(claim(&query), Err(Refusal::Expires(why)));
    }
    assert!(matches!(claim(&full.replace("%2F", "%252F")), Err(Refusal::Credential { .. })));
    assert!(matches!(claim(&full.replace("T000000Z", "")), Err(Refusal::Date { .. })));
}

#[test]
fn s3_demands_a_stated_payload_and_compares_it() {
    let signed = |stated: Option<&str>, body: &str| {
        let mut vector = vectors().into_iter().find(|v| v.form == "header" && v.service == "s3").unwrap();
        vector.headers.retain(|(name, _)| name != "X-Amz-Content-SHA256" || stated.is_some());
        if let Some(stated) = stated {
            vector.set("X-Amz-Content-SHA256", |_| stated.to_owned());
        }
        body.clone_into(&mut vector.body);
        vector.verdict().unwrap_err()
    };
    assert_eq!(signed(None, ""), Refusal::PayloadMissing);
    assert_eq!(signed(Some("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), ""), Refusal::PayloadInvalid);
    assert_eq!(signed(Some("unsigned-payload"), ""), Refusal::PayloadInvalid);

    let credentials = vectors()[0].credentials();
    let at = Millis(1_704_070_800_000);
    let mut request = Request::put("http://h/k").body(Bytes::from_static(b"sent")).unwrap();
    Signer { credentials: &credentials, service: "s3", region: "r", at }.sign(&mut request).unwrap();
    let parts = Parts { method: "PUT", path: "/k", query: "", headers: request.headers() };
    let claim = Claim::of(&parts).unwrap();
    let key = SigningKey::derive(&credentials.secret_key, &claim.scope());
    assert_eq!(claim.verify(&parts, BodyHash::of(b"sent"), &key), Ok(()));
    // The head alone tells that the body is still to be compared.
    let payload = claim.verify_head(&parts, &key).unwrap().unwrap();
    assert_eq!(payload.holds(BodyHash::of(b"sent")), Ok(()));
    assert!(matches!(payload.holds(BodyHash::of(b"other")), Err(Refusal::PayloadMismatch { .. })));
    let other = SigningKey::derive("other", &claim.scope());
    assert!(matches!(claim.verify_head(&parts, &other), Err(Refusal::Mismatch(_))));
    assert!(matches!(
        claim.verify(&parts, BodyHash::of(b"other"), &key),
        Err(Refusal::PayloadMismatch { .. })
    ));
}

#[test]
fn a_head_without_its_body_is_not_verified_where_the_signature_covers_the_body() {
    let vector = vectors().into_iter().find(|v| v.form == "header" && v.service == "lambda").unwrap();
    let headers = vector.map();
    let parts = Parts { method: &vector.method, path: &vector.path, query: &vector.query, headers: &headers };
    let claim = Claim::of(&parts).unwrap();
    let key = SigningKey::derive(&vector.secret_key, &claim.scope());
    assert_eq!(claim.verify_head(&parts, &key), Ok(None));
}

#[test]
fn secrets_are_not_shown() {
    let vector = vectors().into_iter().find(|v| v.form == "header" && v.token.is_some()).unwrap();
    let (token, headers) = (vector.token.clone().unwrap(), vector.map());
    let parts = Parts { method: &vector.method, path: &vector.path, query: &vector.query, headers: &headers };
    let claim = Claim::of(&parts).unwrap();
    let key = SigningKey::derive("another secret", &claim.scope());
    let refusals = [
        claim.verify(&parts, BodyHash::EMPTY, &key).unwrap_err(),
        Refusal::UnknownKey { access_key: "A".into(), token: Some(Token(token.clone())) },
        Refusal::SessionExpired { token: Some(Token(token.clone())) },
    ];
    let shown = format!("{claim:?} {key:?} {refusals:?} {:?}", vector.credentials());
    for secret in [&token, &claim.signature.clone().into_owned(), &vector.secret_key] {
        assert!(!shown.contains(secret.as_str()), "{shown}");
    }
}

#[test]
fn a_header_that_was_moved_into_a_presigned_query_counts_as_signed() {
    let credentials = vectors()[0].credentials();
    let scope = Scope { date: "20240101", region: "r", service: "s3" };
    let query = format!(
        "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential=A%2F20240101%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20240101T010000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-amz-meta-a&X-Amz-Meta-A=1"
    );
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("h"));
    headers.insert("x-amz-meta-a", HeaderValue::from_static("1"));
    let key = SigningKey::derive(&credentials.secret_key, &scope);
    let verdict = |headers: &HeaderMap, signature: &str| {
        let query = format!("{query}&X-Amz-Signature={signature}");
        let parts = Parts { method: "GET", path: "/k", query: &query, headers };
        Claim::of(&parts).and_then(|claim| claim.verify(&parts, BodyHash::of(b""), &key))
    };
    let Err(Refusal::Mismatch(mismatch)) = verdict(&headers, "") else {
        panic!("an empty signature matched")
    };
    let signature = key.sign(&[mismatch.string_to_sign.as_bytes()]).hex().as_str().to_owned();
    assert_eq!(verdict(&headers, &signature), Ok(()));
    headers.insert("x-amz-meta-a", HeaderValue::from_static("2"));
    assert!(matches!(verdict(&headers, &signature), Err(Refusal::Mismatch(_))));
    headers.remove("x-amz-meta-a");
    assert_eq!(verdict(&headers, &signature), Ok(()));
    headers.insert("x-amz-meta-b", HeaderValue::from_static("1"));
    assert_eq!(verdict(&headers, &signature), Err(Refusal::HeadersNotSigned("x-amz-meta-b".into())));
}

proptest! {
    #[test]
    fn the_parser_never_panics(
        authorization in "(AWS4-HMAC-SHA256 )?[ -~]{0,120}",
        date in "[0-9TZ]{0,17}",
        path in "[ -~]{0,40}",
        query in "[ -~]{0,120}",
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("h"));
        headers.insert("authorization", HeaderValue::from_str(&authorization).unwrap());
        headers.insert("x-amz-date", HeaderValue::from_str(&date).unwrap());
        let parts = Parts { method: "GET", path: &path, query: &query, headers: &headers };
        exercise(&parts);
        headers.remove("authorization");
        exercise(&Parts { method: "GET", path: &path, query: &query, headers: &headers });
    }

    #[test]
    fn nearly_right_headers_never_panic(
        credential in "[A-Za-z0-9/%é]{0,60}",
        signed in "[a-z;:-]{0,40}",
        signature in "[0-9a-fA-F]{0,70}",
        date in "[0-9]{8}T[0-9]{6}Z",
        service in "(lambda|s3|)",
    ) {
        let text = format!(
            "AWS4-HMAC-SHA256 Credential={credential}/{}/r/{service}/aws4_request,SignedHeaders=host;{signed},Signature={signature}",
            &date[..8]
        );
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("h"));
        headers.insert("authorization", HeaderValue::from_bytes(text.as_bytes()).unwrap());
        headers.insert("x-amz-date", HeaderValue::from_str(&date).unwrap());
        exercise(&Parts { method: "GET", path: "/", query: "", headers: &headers });
    }

    #[test]
    fn what_we_sign_we_verify(
        path in "(/[a-zA-Z0-9._~%!$&'()*+,;=:@-]{0,12}){1,5}",
        query in "[a-zA-Z0-9._~!$&'()*+,;=:@/-]{0,40}",
        body in proptest::collection::vec(any::<u8>(), 0..200),
        service in "(lambda|sts|s3)",
    ) {
        let credentials = vectors()[0].credentials();
        let at = Millis(1_704_070_800_000);
        let uri = format!("http://h:1{path}?{query}");
        let mut request = Request::post(uri).body(Bytes::from(body.clone())).unwrap();
        Signer { credentials: &credentials, service: &service, region: "r", at }.sign(&mut request).unwrap();
        let parts = Parts { method: "POST", path: &path, query: &query, headers: request.headers() };
        let claim = Claim::of(&parts).unwrap();
        prop_assert_eq!(claim.check(&service, at), Ok(()));
        let key = SigningKey::derive(&credentials.secret_key, &claim.scope());
        prop_assert_eq!(claim.verify(&parts, BodyHash::of(&body), &key), Ok(()));
    }
}

/// Runs every step and renders every refusal.
fn exercise(parts: &Parts<'_>) {
    let verdict = Claim::of(parts).and_then(|claim| {
        let key = SigningKey::derive("secret", &claim.scope());
        let checked = claim.check("lambda", Millis(1_704_070_800_000));
        let verified = claim.verify(parts, BodyHash::of(b""), &key);
        checked.and(verified)
    });
    if let Err(refusal) = verdict {
        for family in [Family::Query, Family::Json, Family::RestJson, Family::S3] {
            let fault = refusal.fault(family);
            assert!(!fault.message.is_empty() && fault.status >= 400);
        }
    }
}
