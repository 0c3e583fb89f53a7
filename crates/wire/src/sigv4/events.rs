//! Signatures of event streams that a client sends: each message is the payload of another one, which bears the headers `:date`
//! and `:chunk-signature`, and each signature takes in the one before, beginning with that of the request.
//!
//! A request with such a body has [`Payload::Events`](super::Payload::Events). When [`Claim::verify`] has accepted its head, a
//! [`Verifier`] takes the messages as [`eventstream`](crate::eventstream) reads them and gives back what is in them. [`Sealer`]
//! is the other side.

use std::sync::Arc;

use aws::Millis;
use bytes::Bytes;
use http::HeaderMap;

use super::chain::{Chain, OF_PAYLOAD};
use super::check::skew_seconds;
use super::key::{Hex, unhex};
use super::{BodyHash, Claim, Form, Parts, Refusal, Scope, Signer, SigningKey, Stamp};
use crate::eventstream::{Broken, Header, Message};

const DATE: &str = ":date";
const SIGNATURE: &str = ":chunk-signature";

/// Who signs, and for what: a key is of one day, and a stream may outlive it.
struct Keys {
    secret: Arc<str>,
    date: String,
    region: String,
    service: String,
}

impl Keys {
    /// Turns the chain to the day of a message.
    fn turn(&mut self, chain: &mut Chain, stamp: &Stamp) {
        if stamp.date() != self.date {
            stamp.date().clone_into(&mut self.date);
            let scope = Scope { date: &self.date, region: &self.region, service: &self.service };
            chain.turn(SigningKey::derive(&self.secret, &scope), scope.text());
        }
    }
}

/// Verifies the messages of a stream, in their order.
pub struct Verifier {
    chain: Chain,
    keys: Keys,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Refused,
}

impl Verifier {
    /// Begins with a request whose head was verified with the key of this secret.
    pub fn of(claim: &Claim<'_>, secret: Arc<str>) -> Verifier {
        let scope = claim.scope();
        let keys = Keys {
            date: scope.date.to_owned(),
            region: scope.region.to_owned(),
            service: scope.service.to_owned(),
            secret,
        };
        let chain = Chain::of(claim, &SigningKey::derive(&keys.secret, &scope));
        Verifier { chain, keys, state: State::Open }
    }

    /// Verifies a message and gives its payload, the message that was signed; `None` for the empty one that ends the stream.
    ///
    /// Refuses a signature that is another one, a message without one, a time beyond the skew of the service, and whatever comes
    /// after the end or after a refusal.
    pub fn verify(&mut self, message: &Message, now: Millis) -> Result<Option<Bytes>, Refusal> {
        let before = std::mem::replace(&mut self.state, State::Refused);
        let stamp = date(message).ok_or_else(|| Refusal::Date { text: String::new(), form: Form::Header })?;
        let skew_s = skew_seconds(&self.keys.service);
        if stamp.seconds > now.seconds().saturating_add(skew_s) {
            return Err(Refusal::NotYet { stamp, now, skew_s, form: Form::Header });
        }
        if stamp.seconds.saturating_add(skew_s) < now.seconds() {
            return Err(Refusal::Expired { stamp, now, life_s: skew_s, form: Form::Header });
        }
        self.keys.turn(&mut self.chain, &stamp);
        // What comes after the end or after a refusal has no signature that could fit.
        let provided = if before == State::Open { signature(message) } else { String::new() };
        let hashes = hashes(message).map_err(|Broken| Refusal::PayloadInvalid)?;
        self.chain.verify(OF_PAYLOAD, &stamp, &hashes, provided.as_bytes()).map_err(Refusal::Mismatch)?;
        if message.payload.is_empty() {
            self.state = State::Ended;
            return Ok(None);
        }
        self.state = State::Open;
        Ok(Some(message.payload.clone()))
    }

    /// Whether the empty message that ends a stream has come. A stream that ends without it was cut.
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }
}

/// Signs the messages of a stream, in their order.
pub struct Sealer {
    chain: Chain,
    keys: Keys,
}

impl Sealer {
    /// Begins with a request that this signer has signed; `None` when its headers bear no signature.
    pub fn of(signer: &Signer<'_>, headers: &HeaderMap) -> Option<Sealer> {
        let claim = Claim::of(&Parts { method: "", path: "", query: "", headers }).ok()?;
        let stamp = Stamp::at(signer.at);
        let scope = signer.scope(&stamp);
        let secret: Arc<str> = signer.credentials.secret_key.as_str().into();
        let seed = Hex::of(&unhex(claim.signature.as_bytes())?);
        let chain = Chain::from(SigningKey::derive(&secret, &scope), scope.text(), seed);
        let keys = Keys {
            secret,
            date: scope.date.to_owned(),
            region: scope.region.to_owned(),
            service: scope.service.to_owned(),
        };
        Some(Sealer { chain, keys })
    }

    /// The message that carries `payload`, an encoded message; without bytes it ends the stream.
    pub fn seal(&mut self, payload: Bytes, at: Millis) -> Result<Message, Broken> {
        let stamp = Stamp::at(at);
        self.keys.turn(&mut self.chain, &stamp);
        let milliseconds = i64::try_from(stamp.seconds * 1000).map_err(|_| Broken)?;
        let headers = vec![(DATE.to_owned(), Header::Timestamp(milliseconds))];
        let mut message = Message { headers, payload };
        let hashes = hashes(&message)?;
        let signature = self.chain.sign(OF_PAYLOAD, &stamp, &hashes);
        let signature = unhex(signature.as_bytes()).ok_or(Broken)?;
        message.headers.push((SIGNATURE.to_owned(), Header::Bytes(Bytes::copy_from_slice(&signature))));
        Ok(message)
    }
}

fn date(message: &Message) -> Option<Stamp> {
    message.headers.iter().find_map(|(name, value)| match value {
        Header::Timestamp(at) if name == DATE => Some(Stamp::at(Millis(u64::try_from(*at).ok()?))),
        _ => None,
    })
}

/// The signature in hexadecimal; empty without one.
fn signature(message: &Message) -> String {
    let bytes = message.headers.iter().find_map(|(name, value)| match value {
        Header::Bytes(bytes) if name == SIGNATURE => <[u8; 32]>::try_from(bytes.as_ref()).ok(),
        _ => None,
    });
    bytes.map(|bytes| Hex::of(&bytes).as_str().to_owned()).unwrap_or_default()
}

/// The hashes of all headers but the signature, and of the payload.
fn hashes(message: &Message) -> Result<[Hex; 2], Broken> {
    // Of an encoded message the headers are what is between its prelude and its checksum.
    const PRELUDE: usize = 12;
    const CHECKSUM: usize = 4;
    let headers = message.headers.iter().filter(|(name, _)| name != SIGNATURE).cloned().collect();
    let encoded = Message { headers, payload: Bytes::new() }.encode()?;
    let headers = &encoded[PRELUDE..encoded.len() - CHECKSUM];
    Ok([Hex::of_hash(headers), BodyHash::of(&message.payload).digits()])
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::super::{Credentials, Payload};
    use super::*;

    const NOON: Millis = Millis(1_769_860_800_000);
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    /// A signed head, the side that sends and the side that receives.
    fn sides(at: Millis) -> (Sealer, Verifier) {
        let credentials = Credentials {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: SECRET.to_owned(),
            session_token: None,
        };
        let signer = Signer { credentials: &credentials, service: "transcribe", region: "eu-west-1", at };
        let mut request = Request::post("http://h/stream").body(Bytes::new()).unwrap();
        request.headers_mut().insert(
            "x-amz-content-sha256",
            http::HeaderValue::from_static("STREAMING-AWS4-HMAC-SHA256-EVENTS"),
        );
        signer.sign(&mut request).unwrap();
        let parts = Parts { method: "POST", path: "/stream", query: "", headers: request.headers() };
        let claim = Claim::of(&parts).unwrap();
        assert_eq!(claim.payload(&parts), Ok(Payload::Events));
        let key = SigningKey::derive(SECRET, &claim.scope());
        claim.verify(&parts, BodyHash::of(b"takes no part"), &key).unwrap();
        (Sealer::of(&signer, request.headers()).unwrap(), Verifier::of(&claim, SECRET.into()))
    }

    fn sealed(sealer: &mut Sealer, text: &'static str, at: Millis) -> Message {
        sealer.seal(Bytes::from_static(text.as_bytes()), at).unwrap()
    }

    #[test]
    fn what_is_sealed_is_verified_until_the_end() {
        let (mut sealer, mut verifier) = sides(NOON);
        for text in ["one", "two", "three"] {
            let message = sealed(&mut sealer, text, NOON);
            assert_eq!(verifier.verify(&message, NOON), Ok(Some(Bytes::from(text))));
            assert!(!verifier.has_ended());
        }
        let end = sealed(&mut sealer, "", NOON);
        assert_eq!(verifier.verify(&end, NOON), Ok(None));
        assert!(verifier.has_ended());
        let late = sealed(&mut sealer, "late", NOON);
        assert!(matches!(verifier.verify(&late, NOON), Err(Refusal::Mismatch(_))));
    }

    #[test]
    fn messages_cannot_be_changed_left_out_repeated_or_moved() {
        type Change = fn(&mut Vec<Message>);
        let changes: [(&str, Change); 9] = [
            ("payload", |all| all[1].payload = Bytes::from_static(b"other")),
            ("left out", |all| drop(all.remove(1))),
            ("repeated", |all| all.insert(1, all[0].clone())),
            ("moved", |all| all.swap(0, 1)),
            ("date", |all| all[1].headers[0].1 = Header::Timestamp(NOON.0 as i64 + 1000)),
            ("no date", |all| drop(all[1].headers.remove(0))),
            ("no signature", |all| drop(all[1].headers.remove(1))),
            ("signature", |all| all[1].headers[1].1 = Header::Bytes(Bytes::from_static(&[0; 32]))),
            ("header", |all| all[1].headers.push(("x".to_owned(), Header::Bool(true)))),
        ];
        for (what, change) in changes {
            let (mut sealer, mut verifier) = sides(NOON);
            let mut all: Vec<Message> =
                ["one", "two", "three"].map(|text| sealed(&mut sealer, text, NOON)).into();
            change(&mut all);
            let verdicts: Vec<_> = all.iter().map(|message| verifier.verify(message, NOON)).collect();
            let first = verdicts.iter().position(Result::is_err);
            assert!(first.is_some(), "{what}");
            // Nothing comes out after a refusal.
            assert!(verdicts.iter().skip_while(|verdict| verdict.is_ok()).all(Result::is_err), "{what}");
        }
    }

    #[test]
    fn a_stream_may_outlive_its_day_and_its_messages_their_skew() {
        let night = Millis(1_769_903_990_000);
        let (mut sealer, mut verifier) = sides(night);
        let (evening, morning) = (night, night.plus(20_000));
        for at in [evening, morning] {
            let message = sealed(&mut sealer, "text", at);
            assert!(verifier.verify(&message, at).is_ok());
        }
        let message = sealed(&mut sealer, "text", morning);
        let late = verifier.verify(&message, morning.plus(301_000));
        assert!(matches!(late, Err(Refusal::Expired { .. })));
        let (mut sealer, mut verifier) = sides(NOON);
        let message = sealed(&mut sealer, "text", NOON.plus(301_000));
        assert!(matches!(verifier.verify(&message, NOON), Err(Refusal::NotYet { .. })));
    }
}
