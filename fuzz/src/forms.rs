//! Forms that are posted to a bucket: `BYTES`, headers, body. BYTES is how many come at once.

use aws::Millis;
use bytes::Bytes;
use wire::sigv4::SigningKey;
use wire::sigv4::post::{Form, Multipart, Part, Policy, Refused};

use crate::message::Message;

/// 2026-01-31T12:00:00Z.
const NOON: Millis = Millis(1_769_860_800_000);
/// No input knows it.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// The most bytes of fields and what is around them.
const FIELDS_BYTES: usize = 20 * 1024;

type Outcome = (Option<Form>, Vec<u8>, Result<(), Refused>);

pub(crate) fn run(input: &[u8]) {
    let Some(message) = Message::read(input) else { return };
    let content_type = message.headers.get("content-type").and_then(|value| value.to_str().ok());
    if let Err(refused) = Multipart::of(content_type) {
        word(&refused);
        return;
    }
    let whole = read(content_type, &message.body, message.body.len());
    let step = message.word(0).parse().unwrap_or(1_usize);
    for step in [1, step] {
        assert_eq!(read(content_type, &message.body, step), whole, "{step} bytes at once");
    }
    let (form, file, ended) = whole;
    assert!(file.len() <= message.body.len());
    if let Err(refused) = &ended {
        word(refused);
    }
    if let Some(form) = form {
        decide(&form);
    }
}

/// What comes out when so many bytes come at once.
fn read(content_type: Option<&str>, body: &Bytes, step: usize) -> Outcome {
    let mut parser = Multipart::of(content_type).expect("it was one before");
    let (mut form, mut file) = (None, Vec::new());
    for piece in body.chunks(step.max(1)) {
        let mut input = body.slice_ref(piece);
        loop {
            match parser.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(Part::Form(found))) => {
                    assert!(form.is_none() && file.is_empty());
                    let bytes: usize =
                        found.fields.iter().map(|(name, value)| name.len() + value.len()).sum();
                    // What is no UTF-8 is replaced by up to three times as many bytes; the file's name may stand in keys.
                    assert!(bytes <= 4 * FIELDS_BYTES || found.file.name.is_some());
                    form = Some(found);
                }
                Ok(Some(Part::File(bytes))) => {
                    assert!(form.is_some() && !bytes.is_empty());
                    file.extend_from_slice(&bytes);
                }
                Err(refused) => return (form, file, Err(refused)),
            }
        }
        assert!(input.is_empty());
    }
    (form, file, parser.end())
}

fn decide(form: &Form) {
    match form.claim() {
        Err(refused) => word(&refused),
        Ok(None) => {}
        Ok(Some(claim)) => {
            if let Err(refused) = claim.check("s3") {
                word(&refused);
            }
            let key = SigningKey::derive(SECRET, &claim.scope());
            let refused = claim.verify(&key).expect_err("a policy without the key");
            assert!(matches!(refused, Refused::Signature(_)));
            word(&refused);
        }
    }
    // As if it had been signed.
    let policy = Policy::parse(form.field("policy").unwrap_or_default());
    match policy.and_then(|policy| policy.allows(form, "bucket", NOON)) {
        Ok(range) => {
            if let Err(refused) = range.holds(5) {
                word(&refused);
            }
        }
        Err(refused) => word(&refused),
    }
}

fn word(refused: &Refused) {
    let fault = refused.fault();
    assert!((400..=412).contains(&fault.status) && !fault.code.is_empty() && !fault.message.is_empty());
}
