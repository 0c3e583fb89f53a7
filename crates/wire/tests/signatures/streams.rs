//! Bodies that AWS's own SDK signs piece by piece: chunks, trailers, events.

use crate::sdk::{ACCESS_KEY, How, NOON, Place, REGION, SECRET, Signed, moment};
use aws::Millis;
use aws_credential_types::Credentials;
use aws_sigv4::event_stream::{sign_empty_message, sign_message};
use aws_sigv4::http_request::SessionTokenMode;
use aws_sigv4::sign::v4::{SigningParams, sign_chunk, sign_trailer};
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::event_stream::{Header as TheirHeader, HeaderValue, Message as Theirs};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::select;
use wire::eventstream::{Header, Message};
use wire::sigv4::checksum::{Algorithm, Sum};
use wire::sigv4::chunked::{Broken, Decoder, Mode};
use wire::sigv4::events::Verifier;
use wire::sigv4::{Payload, Refusal};

fn params<T>(at: Millis, service: &'static str, with: impl FnOnce(&SigningParams<'_, ()>) -> T) -> T {
    let identity = Credentials::new(ACCESS_KEY, SECRET, None, None, "test").into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(service)
        .time(moment(at))
        .settings(())
        .build()
        .expect("it is complete");
    with(&params)
}

/// A head with this literal in place of the body's hash, and its signature.
fn head(service: &'static str, payload: &str, headers: &[(&str, String)]) -> (Signed, String) {
    let mut all = vec![
        ("host".to_owned(), "localhost:4566".to_owned()),
        ("x-amz-content-sha256".to_owned(), payload.to_owned()),
    ];
    all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let request = Signed {
        service,
        method: "PUT".to_owned(),
        path: "/bucket/key".to_owned(),
        query: String::new(),
        headers: all,
        body: b"has no part in the head's signature".to_vec(),
        secret: SECRET.to_owned(),
        now: NOON,
    };
    let how = How {
        place: Place::Header,
        token: None,
        token_mode: SessionTokenMode::Include,
        payload: Some(payload.to_owned()),
    };
    // The SDK adds the header by itself for S3.
    let mut request = request;
    if service == "s3" {
        request.remove("x-amz-content-sha256");
    }
    let request = request.sign(&how);
    let authorization = request.header("authorization").expect("it is signed").to_owned();
    (request, authorization.rsplit('=').next().expect("it has a signature").to_owned())
}

/// What a client of the SDK puts on the wire, chunk by chunk.
fn framed(seed: &str, chunks: &[Bytes], algorithm: Option<Algorithm>) -> Vec<Vec<u8>> {
    let mut wire = Vec::new();
    let mut running = seed.to_owned();
    let mut sum = algorithm.map(Sum::new);
    params(NOON, "s3", |params| {
        for chunk in chunks.iter().chain([&Bytes::new()]) {
            let signed = sign_chunk(chunk, &running, params).expect("it is signed");
            running = signed.signature().to_owned();
            let mut frame = format!("{:X};chunk-signature={running}\r\n", chunk.len()).into_bytes();
            frame.extend_from_slice(chunk);
            if !chunk.is_empty() {
                frame.extend_from_slice(b"\r\n");
            }
            if let Some(sum) = &mut sum {
                sum.update(chunk);
            }
            wire.push(frame);
        }
        let Some(sum) = sum else { return wire.push(b"\r\n".to_vec()) };
        let name = format!("x-amz-checksum-{}", sum.algorithm().name());
        let value = sum.finish().text();
        let mut trailer = Headers::new();
        trailer.insert(name.clone(), value.clone());
        let signed = sign_trailer(&trailer, &running, params).expect("it is signed");
        let signature = signed.signature();
        wire.push(format!("{name}:{value}\r\nx-amz-trailer-signature:{signature}\r\n\r\n").into_bytes());
    });
    wire
}

fn mode(payload: Result<Payload<'_>, Refusal>) -> Mode {
    match payload {
        Ok(Payload::Chunked(mode)) => mode,
        other => panic!("{other:?}"),
    }
}

fn decoded(head: &Signed, wire: &[Vec<u8>]) -> Result<Vec<u8>, Broken> {
    let decoder = head
        .verified(|claim, parts, key| Decoder::of(claim, parts, key, mode(claim.payload(parts))))
        .expect("the head is signed");
    let mut decoder = decoder?;
    let mut out = Vec::new();
    for frame in wire {
        let mut input = Bytes::copy_from_slice(frame);
        while let Some(piece) = decoder.decode(&mut input)? {
            out.extend_from_slice(&piece);
        }
    }
    decoder.end()?;
    Ok(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn chunks_and_trailers_of_the_sdk_are_verified_and_none_can_change(
        sizes in proptest::collection::vec(8192_usize..30_000, 0..4),
        last in proptest::option::of(1_usize..500),
        algorithm in proptest::option::of(select(&Algorithm::ALL[..])),
        at in any::<usize>(),
    ) {
        let chunks: Vec<Bytes> =
            sizes.into_iter().chain(last).enumerate().map(|(at, size)| vec![b'a' + at as u8; size].into()).collect();
        let data = chunks.concat();
        let mut headers = vec![("x-amz-decoded-content-length", data.len().to_string())];
        if let Some(algorithm) = algorithm {
            headers.push(("x-amz-trailer", format!("x-amz-checksum-{}", algorithm.name())));
        }
        let payload = match algorithm {
            None => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Some(_) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        };
        let (head, seed) = head("s3", payload, &headers);
        let wire = framed(&seed, &chunks, algorithm);
        prop_assert_eq!(decoded(&head, &wire), Ok(data));

        // A changed digit, letter or byte of data anywhere: never the whole, and never accepted.
        let mut changed = wire.concat();
        let at = at % changed.len();
        if changed[at].is_ascii_alphanumeric() {
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            // The case of a size and of a trailer's name takes no part.
            prop_assert!(decoded(&head, &[changed]).is_err());
        }
        let mut cut = wire.clone();
        let gone = at % cut.len();
        cut.remove(gone);
        prop_assert!(decoded(&head, &cut).is_err());
        if wire.len() > 3 {
            let mut swapped = wire.clone();
            swapped.swap(0, 1);
            let refused = decoded(&head, &swapped).expect_err("chunks changed places");
            let known = matches!(refused, Broken::Signature(_) | Broken::ChunkTooSmall { .. });
            prop_assert!(known, "{refused:?}");
        }
    }

    #[test]
    fn events_of_the_sdk_are_verified_and_none_can_change(
        texts in proptest::collection::vec("[a-z]{1,40}", 1..5),
        pause_s in 0_u64..200,
        change in 0_usize..4,
        at in any::<usize>(),
    ) {
        let (head, seed) = head("transcribe", "STREAMING-AWS4-HMAC-SHA256-EVENTS", &[]);
        let mut running = seed;
        let mut now = NOON;
        let mut all = Vec::new();
        for text in texts.iter().map(Some).chain([None]) {
            now = now.plus(pause_s * 1000);
            let signed = params(now, "transcribe", |params| match text {
                Some(text) => sign_message(&Theirs::new(text.clone().into_bytes()), &running, params),
                None => sign_empty_message(&running, params),
            });
            let (message, signature) = signed.expect("it is signed").into_parts();
            running = signature;
            all.push((ours(&message), now));
        }
        let verifier = || head.verified(|claim, parts, _| {
            assert_eq!(claim.payload(parts), Ok(Payload::Events));
            Verifier::of(claim, SECRET.into())
        }).expect("the head is signed");

        let mut good = verifier();
        for (message, now) in &all {
            prop_assert_eq!(good.verify(message, *now).map(|inner| inner.is_none()), Ok(message.payload.is_empty()));
        }
        prop_assert!(good.has_ended());

        let at = at % all.len();
        let mut twin = all;
        match change {
            0 => twin[at].0.payload = Bytes::from_static(b"other"),
            1 => twin[at].0.headers[0].1 = Header::Timestamp(twin[at].1.0 as i64 + 1000),
            2 => twin[at].0.headers.retain(|(name, _)| name != ":chunk-signature"),
            _ => twin.insert(at, twin[at].clone()),
        }
        let mut bad = verifier();
        let refused = twin.iter().find_map(|(message, now)| bad.verify(message, *now).err());
        prop_assert!(matches!(refused, Some(Refusal::Mismatch(_))), "{refused:?}");
    }
}

/// The same message in our words.
fn ours(message: &Theirs) -> Message {
    let header = |header: &TheirHeader| {
        let value = match header.value() {
            HeaderValue::ByteArray(bytes) => Header::Bytes(bytes.clone()),
            HeaderValue::Timestamp(at) => Header::Timestamp(at.to_millis().expect("it is near")),
            other => panic!("{other:?}"),
        };
        (header.name().as_str().to_owned(), value)
    };
    Message { headers: message.headers().iter().map(header).collect(), payload: message.payload().clone() }
}

#[test]
fn unsigned_frames_and_those_under_an_unsigned_payload_are_told_apart_by_their_headers() {
    let wire = [b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n".to_vec()];
    let length = ("x-amz-decoded-content-length", "5".to_owned());
    let trailer = ("x-amz-trailer", "x-amz-checksum-crc32".to_owned());
    for payload in ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "UNSIGNED-PAYLOAD"] {
        let (head, _) = head("s3", payload, &[length.clone(), trailer.clone()]);
        assert_eq!(decoded(&head, &wire), Ok(b"hello".to_vec()), "{payload}");
    }
    let encoding = ("content-encoding", "gzip, aws-chunked".to_owned());
    let (framed, _) = head("s3", "UNSIGNED-PAYLOAD", &[length.clone(), encoding]);
    let bare = framed.verified(|claim, parts, _| claim.payload(parts) == Ok(Payload::Chunked(Mode::Bare)));
    assert_eq!(bare, Ok(true));
    // The length alone says nothing: S3 stores such a body as it is.
    let (plain, _) = head("s3", "UNSIGNED-PAYLOAD", &[length]);
    let unsigned = plain.verified(|claim, parts, _| claim.payload(parts) == Ok(Payload::Unsigned));
    assert_eq!(unsigned, Ok(true));
}
