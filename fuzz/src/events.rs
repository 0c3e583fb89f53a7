//! Messages of event streams, and the events that are read of them.

use std::borrow::Cow;

use wire::eventstream::{Broken, Decoder, Message};
use wire::{Events, Identified, Response, Value, client};

use crate::wire::{REQUEST_ID, named, shown};

/// A byte that chooses, and messages: in pieces as they are, or as a list of headers' lengths and messages without lengths and
/// checksums, which are put around them so that what is behind them is reached.
pub(crate) fn run(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else { return };
    let bytes = if first & 1 == 0 { rest.to_vec() } else { framed(rest) };
    let operation = if first & 2 == 0 { "lambda/InvokeWithResponseStream" } else { "logs/StartLiveTail" };
    let mut decoder = Decoder::default();
    'pieces: for piece in bytes.chunks(usize::from(first >> 2) + 1) {
        decoder.feed(piece);
        loop {
            match decoder.message() {
                Ok(Some(message)) => again(&message),
                Ok(None) => break,
                Err(Broken) => break 'pieces,
            }
        }
    }
    let found = named(operation).expect("the models are embedded");
    let response = Response { status: 200, headers: http::HeaderMap::new(), body: bytes.into() };
    let (name, coming) = coming(found, &response);
    let (events, _) = coming.already();
    let all: Vec<String> = events.iter().map(shown).collect();
    // What is sent of these events is read as the same events.
    let sent = Value::Structure(vec![(name, Value::Events(Events::of(events)))]);
    let (_, coming) = self::coming(found, &found.encode(sent, REQUEST_ID));
    let (events, fault) = coming.already();
    assert_eq!(fault, None);
    assert_eq!(events.iter().map(shown).collect::<Vec<_>>(), all);
}

/// The events of an answer with the name of their member.
fn coming(found: Identified, response: &Response) -> (Cow<'static, str>, Events) {
    let output = client::decode_as(found.protocol, found.service, found.operation, response);
    let Ok(Value::Structure(members)) = output else { panic!("nothing is read before the events") };
    let mut events = members.into_iter().filter_map(|(name, value)| match value {
        Value::Events(events) => Some((name, events)),
        _ => None,
    });
    events.next().expect("the output has events")
}

fn again(message: &Message) {
    let bytes = message.encode().expect("it was read");
    let mut decoder = Decoder::default();
    decoder.feed(&bytes);
    assert_eq!(decoder.message(), Ok(Some(message.clone())));
    assert!(decoder.is_empty());
}

/// Each message is two lengths, of its headers and of its payload, and then these.
fn framed(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [headers, payload, after @ ..] = rest {
        let headers = usize::from(*headers).min(after.len());
        let end = (headers + usize::from(*payload)).min(after.len());
        let mut message = (end as u32 + 16).to_be_bytes().to_vec();
        message.extend((headers as u32).to_be_bytes());
        message.extend(crc(&message).to_be_bytes());
        message.extend(&after[..end]);
        message.extend(crc(&message).to_be_bytes());
        out.extend(message);
        rest = &after[end..];
    }
    out
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
