//! Bodies framed as `aws-chunked`: `PAYLOAD BYTES`, headers, frames. BYTES is how many come at once.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use wire::sigv4::chunked::{Broken, Decoder, Ended};
use wire::sigv4::{Claim, Parts, Payload, SigningKey};

use crate::message::Message;

/// No input knows it.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260131/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";

pub(crate) fn run(input: &[u8]) {
    let Some(message) = Message::read(input) else { return };
    let mut headers = message.headers.clone();
    let Ok(payload) = HeaderValue::from_str(message.word(0)) else { return };
    headers.insert("x-amz-content-sha256", payload);
    headers.insert("x-amz-date", HeaderValue::from_static("20260131T120000Z"));
    headers.insert("authorization", HeaderValue::from_static(AUTHORIZATION));
    let whole = decoded(&headers, &message.body, message.body.len());
    let step = message.word(1).parse().unwrap_or(1_usize);
    for step in [1, step] {
        assert_eq!(decoded(&headers, &message.body, step), whole, "{step} bytes at once");
    }
}

/// What comes out when so many bytes come at once.
fn decoded(headers: &HeaderMap, body: &Bytes, step: usize) -> Option<(Vec<u8>, Result<Ended, Broken>)> {
    let parts = Parts { method: "PUT", path: "/bucket/key", query: "", headers };
    let claim = Claim::of(&parts).expect("the header is ours");
    let Ok(Payload::Chunked(mode)) = claim.payload(&parts) else { return None };
    let key = SigningKey::derive(SECRET, &claim.scope());
    let mut out = Vec::new();
    let ended = Decoder::of(&claim, &parts, &key, mode).and_then(|mut decoder| {
        for piece in body.chunks(step.max(1)) {
            let mut input = body.slice_ref(piece);
            while let Some(data) = decoder.decode(&mut input)? {
                assert!(!data.is_empty());
                out.extend_from_slice(&data);
            }
            assert!(input.is_empty());
            assert!(decoder.held() <= body.len());
        }
        decoder.end()
    });
    if mode.is_signed() {
        assert!(out.is_empty() && ended.is_err(), "signed without the key");
    }
    match &ended {
        Ok(ended) => assert_eq!(ended.bytes, out.len() as u64),
        Err(broken) => assert!((400..=411).contains(&broken.fault().status)),
    }
    Some((out, ended))
}
