//! Signatures in headers and queries: `SERVICE METHOD TARGET`, headers, body.

use aws::Millis;
use http::header::{AUTHORIZATION, HOST};
use wire::sigv4::{BodyHash, Claim, Credentials, Family, Parts, Refusal, Signer, SigningKey};

use crate::message::{Message, split};

/// 2026-01-31T12:00:00Z.
const NOON: Millis = Millis(1_769_860_800_000);
/// No input knows it.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub(crate) fn run(input: &[u8]) {
    let Some(message) = Message::read(input) else { return };
    let (path, query) = split(message.word(2));
    let parts =
        Parts { method: message.word(1), path, query: query.unwrap_or_default(), headers: &message.headers };
    let body = BodyHash::of(&message.body);
    match Claim::of(&parts) {
        Err(refusal) => word(&refusal),
        Ok(claim) => {
            let theirs = Millis(claim.stamp.seconds.saturating_mul(1000));
            for now in [NOON, theirs] {
                if let Err(refusal) = claim.check(message.word(0), now) {
                    word(&refusal);
                }
            }
            claim.needs_body_hash(&parts);
            let key = SigningKey::derive(SECRET, &claim.scope());
            let refusal = claim.verify(&parts, body, &key).expect_err("a signature without the key");
            match claim.verify_head(&parts, &key) {
                Ok(verified) => assert_eq!(verified, None, "a signature without the key"),
                Err(head) => assert_eq!(head, refusal),
            }
            word(&refusal);
        }
    }
    signed(&message);
}

/// A refusal has words in every family.
fn word(refusal: &Refusal) {
    for family in [Family::Query, Family::Json, Family::RestJson, Family::S3] {
        let fault = refusal.fault(family);
        assert!((400..=403).contains(&fault.status), "{refusal:?}: {}", fault.status);
        assert!(!fault.code.is_empty());
    }
}

/// What our signer signs is verified, whatever the request is.
fn signed(message: &Message<'_>) {
    let service = if message.word(0) == "s3" { "s3" } else { "lambda" };
    let Ok(mut request) =
        http::Request::builder().method(message.word(1)).uri(message.word(2)).body(message.body.clone())
    else {
        return;
    };
    // Another signature in the query is refused, and so are values that no text can hold.
    let query = request.uri().query().unwrap_or_default().to_ascii_lowercase();
    if query.contains("x-amz-") || message.headers.values().any(|value| value.to_str().is_err()) {
        return;
    }
    *request.headers_mut() = message.headers.clone();
    request.headers_mut().remove(AUTHORIZATION);
    if request.headers().get(HOST).is_none() {
        request.headers_mut().insert(HOST, http::HeaderValue::from_static("localhost:4566"));
    }
    let credentials = Credentials {
        access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_key: SECRET.to_owned(),
        session_token: None,
    };
    let signer = Signer { credentials: &credentials, service, region: "eu-west-1", at: NOON };
    signer.sign(&mut request).expect("a host is there");
    let parts = Parts {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: request.headers(),
    };
    let verdict = Claim::of(&parts).and_then(|claim| {
        claim.check(service, NOON)?;
        let key = SigningKey::derive(SECRET, &claim.scope());
        claim.verify(&parts, BodyHash::of(request.body()), &key)
    });
    assert_eq!(verdict, Ok(()), "{request:?}");
}
