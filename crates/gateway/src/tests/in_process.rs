use std::time::Duration;

use super::*;

fn code(response: &Response<()>, body: &str) -> String {
    if let Some(header) = response.headers().get("x-amzn-errortype") {
        return header.to_str().unwrap().to_owned();
    }
    if let Some((_, rest)) = body.split_once("<Code>") {
        return rest.split('<').next().unwrap_or_default().to_owned();
    }
    let document: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    document["__type"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_signed_request_reaches_its_operation_in_every_protocol() {
    let house = house();
    let (response, body) = house.call(&root(), "sts", sts(), |_| {}).await;
    assert_eq!(response.status(), 200, "{body}");
    assert!(body.contains("<Arn>arn:aws:iam::123456789012:root</Arn>"), "{body}");
    let (response, body) = house.call(&root(), "logs", logs(), |_| {}).await;
    assert_eq!((response.status().as_u16(), body.as_str()), (200, "{\"logStreams\":[]}"));
    let (response, body) = house.call(&root(), "lambda", invocation("f", "{}"), |_| {}).await;
    assert_eq!((response.status().as_u16(), body.as_str()), (200, "\"eu-west-1 http://127.0.0.1:4566 2\""));
    assert_eq!(response.headers()["x-amz-executed-version"], "$LATEST");
    assert_eq!(response.headers()["x-amzn-requestid"].len(), 36);
}

#[tokio::test]
async fn the_answer_to_an_invocation_carries_its_trace_and_a_bad_request_id_is_refused() {
    let house = house();
    let (response, _) = house.call(&root(), "lambda", invocation("f", "{}"), |_| {}).await;
    assert_eq!(response.headers()["x-amzn-remapped-content-length"], "0");
    assert!(response.headers()["x-amzn-trace-id"].to_str().unwrap().starts_with("Root=1-"));
    let given = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let named = |name: &'static str, value: &'static str| {
        move |request: &mut Request<Bytes>| {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    };
    let traced = named("x-amzn-trace-id", given);
    let (response, _) = house.call(&root(), "lambda", invocation("f", "{}"), traced).await;
    assert_eq!(response.headers()["x-amzn-trace-id"], given);
    let bad = named("x-amzn-requestid", "abc");
    let (response, body) = house.call(&root(), "lambda", invocation("f", "{}"), bad).await;
    let about = (response.status().as_u16(), code(&response, &body));
    assert_eq!(about, (400, "InvalidRequestContentException".to_owned()), "{body}");
    // Nobody traces a refusal, or what runs no function.
    let (absent, _) = house.call(&root(), "lambda", invocation("absent", "{}"), |_| {}).await;
    let (other, _) = house.call(&root(), "logs", logs(), |_| {}).await;
    for response in [absent, other] {
        assert!(!response.headers().contains_key("x-amzn-trace-id"));
        assert!(!response.headers().contains_key("x-amzn-remapped-content-length"));
    }
}

#[tokio::test]
async fn a_request_that_is_not_authentic_is_refused_as_its_protocol_refuses() {
    let house = house();
    type Spoil = fn(&mut Request<Bytes>);
    let unsigned: Spoil = |request| {
        request.headers_mut().remove("authorization");
    };
    let malformed: Spoil = |request| {
        request.headers_mut().insert("authorization", "AWS4-HMAC-SHA256 x".parse().unwrap());
    };
    let tampered: Spoil = |request| {
        let mut body = request.body().to_vec();
        body.extend_from_slice(b"&x=1");
        *request.body_mut() = body.into();
    };
    let nothing: Spoil = |_| {};
    let old = keys("ASIAOLD", Some("token"));
    let unknown = keys("AKIAUNKNOWN", None);
    let tokenless = keys("ASIAROLE", None);
    let cases = [
        (root(), unsigned, "MissingAuthenticationToken", "MissingAuthenticationTokenException"),
        (root(), malformed, "IncompleteSignature", "IncompleteSignatureException"),
        (root(), tampered, "SignatureDoesNotMatch", "InvalidSignatureException"),
        (unknown, nothing, "InvalidClientTokenId", "UnrecognizedClientException"),
        (tokenless, nothing, "InvalidClientTokenId", "UnrecognizedClientException"),
        (old, nothing, "ExpiredToken", "ExpiredTokenException"),
    ];
    for (credentials, spoil, query, json) in cases {
        let (response, body) = house.call(&credentials, "sts", sts(), spoil).await;
        assert_eq!((response.status().as_u16(), code(&response, &body).as_str()), (403, query), "{body}");
        let (response, body) = house.call(&credentials, "logs", logs(), spoil).await;
        assert_eq!((response.status().as_u16(), code(&response, &body).as_str()), (400, json), "{body}");
        let (response, body) = house.call(&credentials, "lambda", invocation("f", "{}"), spoil).await;
        assert_eq!((response.status().as_u16(), code(&response, &body).as_str()), (403, json), "{body}");
    }
}

#[tokio::test]
async fn a_signature_ages_and_a_session_ends() {
    let house = house();
    let at = Millis(NOW);
    let role = keys("ASIAROLE", Some("token"));
    let signed = |credentials: &Credentials| {
        let mut request = invocation("f", "{}");
        Signer { credentials, service: "lambda", region: "r", at }.sign(&mut request).unwrap();
        request
    };
    house.clock.advance(Duration::from_secs(59)).await;
    assert_eq!(house.send(signed(&role), Source::InProcess).await.0.status(), 200);
    house.clock.advance(Duration::from_secs(1)).await;
    let (response, body) = house.send(signed(&role), Source::InProcess).await;
    assert_eq!(code(&response, &body), "ExpiredTokenException");
    house.clock.advance(Duration::from_secs(240)).await;
    assert_eq!(house.send(signed(&root()), Source::InProcess).await.0.status(), 200);
    house.clock.advance(Duration::from_secs(1)).await;
    let (_, body) = house.send(signed(&root()), Source::InProcess).await;
    assert!(
        body.contains("Signature expired: 20231114T221320Z is now earlier than 20231114T221321Z"),
        "{body}"
    );
}

#[tokio::test]
async fn large_bodies_are_hashed_in_steps_and_too_large_ones_refused_in_awss_words() {
    let house = house();
    let payload = vec![b' '; limits::INVOKE_BODY_BYTES as usize];
    let (response, _) = house.call(&root(), "lambda", invocation("f", payload.clone()), |_| {}).await;
    assert_eq!(response.status(), 200);
    let (response, body) =
        house.call(&root(), "lambda", invocation("f", [payload, vec![b' ']].concat()), |_| {}).await;
    assert_eq!(response.status(), 413);
    assert_eq!(code(&response, &body), "RequestEntityTooLargeException");
    assert!(body.contains("Request must be smaller than 6291456 bytes for the InvokeFunction operation"));
    let long = Request::get("http://h/2015-03-31/functions/").header("x-long", "x".repeat(40_000));
    let (response, _) = house.call(&root(), "lambda", long.body(Bytes::new()).unwrap(), |_| {}).await;
    assert_eq!(response.status(), 431);
}

#[tokio::test]
async fn what_has_no_row_is_not_implemented_and_faults_are_encoded() {
    let house = house();
    let list = Request::get("http://h/2015-03-31/functions/").body(Bytes::new()).unwrap();
    let (response, body) = house.call(&root(), "lambda", list, |_| {}).await;
    assert_eq!((response.status().as_u16(), code(&response, &body).as_str()), (501, "NotImplemented"));
    let (response, body) = house.call(&root(), "lambda", invocation("absent", "{}"), |_| {}).await;
    assert_eq!(
        (response.status().as_u16(), code(&response, &body).as_str()),
        (404, "ResourceNotFoundException")
    );
    let (response, _) = house.call(&root(), "ec2", sts(), |_| {}).await;
    assert_eq!(response.status(), 501);
}

#[tokio::test]
async fn health_and_metrics_are_for_the_outside_only() {
    let house = house();
    let get = |path: &str| Request::get(path).body(Bytes::new()).unwrap();
    let (response, body) = house.send(get("/_lambent/health"), Source::InProcess).await;
    let health: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!((&health["status"], &health["isolation"]), (&"ok".into(), &"sandbox".into()));
    house.call(&root(), "sts", sts(), |_| {}).await;
    let (_, body) = house.send(get("/_lambent/metrics"), Source::InProcess).await;
    let line = "lambent_requests_total{service=\"sts\",operation=\"GetCallerIdentity\",status=\"200\"} 1";
    assert!(body.contains(line), "{body}");
    let inside = Source::Environment("e-1".into());
    assert_ne!(house.send(get("/_lambent/health"), inside).await.0.status(), 200);
    let client = Source::Client("10.0.0.9:1".parse().unwrap());
    assert_eq!(house.send(get("/_lambent/metrics"), client).await.0.status(), 403);
    house.shutdown.begin();
    assert_eq!(house.send(get("/_lambent/health"), Source::InProcess).await.0.status(), 503);
}

#[tokio::test]
async fn a_code_location_serves_its_zip_for_ten_minutes_to_who_holds_it() {
    let house = house();
    let service = keys("AKIASERVICE", None);
    let presigned = |credentials: &Credentials, name: &str| {
        let path = format!("/awslambda-eu-west-1-tasks/snapshots/123456789012/{name}");
        let signer = Signer { credentials, service: "s3", region: "eu-west-1", at: Millis(NOW) };
        let target = signer.presign("h", &path, &[("versionId", "1")], 600).unwrap();
        Request::get(target).header("host", "h").body(Bytes::new()).unwrap()
    };
    let get = async |request| house.send(request, Source::InProcess).await;
    let (response, body) = get(presigned(&service, "hello-1")).await;
    assert_eq!((response.status().as_u16(), body.as_str()), (200, "PKzip"));
    let (response, body) = get(presigned(&service, "hello-2")).await;
    assert_eq!((response.status().as_u16(), code(&response, &body).as_str()), (404, "NoSuchKey"));
    let role = keys("ASIAROLE", Some("token"));
    let (response, body) = get(presigned(&role, "hello-1")).await;
    assert_eq!((response.status().as_u16(), code(&response, &body).as_str()), (403, "AccessDenied"));
    let mut other = presigned(&service, "hello-1");
    *other.uri_mut() = other.uri().to_string().replace("versionId=1", "versionId=2").parse().unwrap();
    let (response, body) = get(other).await;
    assert_eq!((response.status().as_u16(), code(&response, &body).as_str()), (403, "SignatureDoesNotMatch"));
    let unsigned =
        Request::get("/awslambda-r-tasks/snapshots/123456789012/hello-1").body(Bytes::new()).unwrap();
    assert_eq!(get(unsigned).await.0.status(), 403);
    house.clock.advance(Duration::from_secs(600)).await;
    assert_eq!(get(presigned(&service, "hello-1")).await.0.status(), 200);
    house.clock.advance(Duration::from_secs(1)).await;
    let (response, body) = get(presigned(&service, "hello-1")).await;
    assert_eq!(response.status(), 403);
    assert!(
        body.contains("<Message>Request has expired</Message><X-Amz-Expires>600</X-Amz-Expires>"),
        "{body}"
    );
}

#[tokio::test]
async fn without_authentication_this_machine_is_root_and_web_pages_are_refused() {
    let house = house_with(Clock::virtual_at(NOW), |settings| settings.authentication = Authentication::Off);
    let request = |change: &[(&'static str, &'static str)]| {
        let mut request = invocation("f", "{}");
        request.headers_mut().insert("host", "localhost:4566".parse().unwrap());
        for (name, value) in change {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    };
    let status = async |change: &[(&'static str, &'static str)]| {
        house.send(request(change), Source::InProcess).await.0.status().as_u16()
    };
    assert_eq!(status(&[]).await, 200);
    assert_eq!(status(&[("origin", "http://localhost:4566"), ("sec-fetch-site", "same-origin")]).await, 200);
    assert_eq!(status(&[("host", "rebound.example")]).await, 403);
    assert_eq!(status(&[("origin", "https://evil.example")]).await, 403);
    assert_eq!(status(&[("sec-fetch-site", "cross-site")]).await, 403);
    let (_, body) = house.send(request(&[]), Source::InProcess).await;
    assert!(body.contains("us-east-1"), "{body}");
    assert!(house.metrics.text().contains("status=\"403\""));
}

#[tokio::test]
async fn pages_of_allowed_origins_may_call_and_read_and_the_guard_stays_for_all_others() {
    let console = "https://console.example";
    let of = |authentication| {
        house_with(Clock::virtual_at(NOW), |settings| {
            settings.authentication = authentication;
            settings.origins = vec![console.to_owned()];
        })
    };
    let (on, off) = (of(Authentication::On), of(Authentication::Off));
    let from = |origin: &'static str| {
        move |request: &mut Request<Bytes>| {
            let headers = request.headers_mut();
            headers.insert("origin", origin.parse().unwrap());
            headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
            headers.insert("host", "127.0.0.1:4566".parse().unwrap());
        }
    };
    for (house, other) in [(&on, 200), (&off, 403)] {
        let (response, _) = house.call(&root(), "lambda", invocation("f", "{}"), from(console)).await;
        let headers = response.headers();
        assert_eq!(
            (response.status().as_u16(), &headers["access-control-allow-origin"]),
            (200, &console.parse().unwrap())
        );
        assert!(headers["access-control-expose-headers"].to_str().unwrap().contains("x-amz-function-error"));
        assert_eq!(headers["vary"], "origin");
        let strange = from("https://evil.example");
        let (response, _) = house.call(&root(), "lambda", invocation("f", "{}"), strange).await;
        assert_eq!(response.status(), other);
        assert!(!response.headers().contains_key("access-control-allow-origin"));
    }
    // A page may read why it was refused, and a preflight needs no signature.
    let refused = |request: &mut Request<Bytes>| {
        from(console)(request);
        request.headers_mut().remove("authorization");
    };
    let (response, _) = on.call(&root(), "lambda", invocation("f", "{}"), refused).await;
    let readable = response.headers().contains_key("access-control-allow-origin");
    assert_eq!((response.status().as_u16(), readable), (403, true));
    let preflight = Request::options("/2015-03-31/functions/f/invocations")
        .header("host", "h")
        .header("origin", console)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,x-amz-date")
        .body(Bytes::new())
        .unwrap();
    let (response, body) = on.send(preflight, Source::InProcess).await;
    assert_eq!((response.status().as_u16(), body.as_str()), (204, ""));
    assert_eq!(response.headers()["access-control-allow-headers"], "authorization,x-amz-date");
}
