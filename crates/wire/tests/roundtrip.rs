//! What is written is read as it was, and no bytes make a reader panic: for every operation of every model.

mod shapes;
mod values;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http_body::Body as _;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use wire::model::{Location, Operation};
use wire::{Body, Identified, Model, Protocol, Request, Response, Value, client, identify};

use values::{Tape, Way, pruned, value};

/// An operation of any model in any of its protocols.
fn operation() -> impl Strategy<Value = (&'static Model, &'static Operation, Protocol)> {
    let mut all = Vec::new();
    for model in Model::all() {
        for operation in model.operations() {
            all.extend(model.protocols().iter().map(|protocol| (model, operation, *protocol)));
        }
    }
    (0..all.len()).prop_map(move |index| all[index])
}

fn protocol() -> impl Strategy<Value = Protocol> {
    let all = [
        Protocol::RestJson,
        Protocol::RestXml,
        Protocol::Json10,
        Protocol::Json11,
        Protocol::Query,
        Protocol::Cbor,
    ];
    (0..all.len()).prop_map(move |index| all[index])
}

fn tape() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..400)
}

fn request(sent: &client::Outgoing) -> Request<'_> {
    let (path, query) = match sent.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (sent.target.as_str(), None),
    };
    Request { method: &sent.method, path, query, headers: &sent.headers, body: sent.body.clone() }
}

fn input(model: &'static Model, operation: &Operation, protocol: Protocol, tape: &[u8]) -> Value {
    let way = if protocol == Protocol::RestXml { Way::Xml } else { Way::Request };
    match operation.input {
        Some(shape) => value(model, shape, way, &mut Tape::new(tape)),
        None => Value::Structure(Vec::new()),
    }
}

/// The input without maps of all parameters, which hold those of other members too.
fn without_parameters(model: &Model, operation: &Operation, input: Value) -> Value {
    let (Value::Structure(mut members), Some(shape)) = (input, operation.input) else {
        return Value::Structure(Vec::new());
    };
    let structure = model.structure(shape);
    members.retain(|(name, value)| {
        let in_query = structure.member(name).is_some_and(|member| member.location == Location::Query);
        !(in_query && matches!(value, Value::Map(_)))
    });
    Value::Structure(members)
}

/// True when only the signature says whose path it is.
fn shares_paths(model: &Model, sent: &client::Outgoing) -> bool {
    model.name() == "s3" || sent.target.starts_with("/tags/")
}

/// An identified request whose answer is written in the protocol.
fn identified(
    model: &'static Model,
    operation: &'static Operation,
    protocol: Protocol,
    tape: &[u8],
) -> Identified {
    let sent = client::encode_as(protocol, model, operation, input(model, operation, protocol, tape));
    identify(&request(&sent), Some(model.signing_name())).expect("a request of our client is known")
}

fn answer(model: &'static Model, operation: &Operation, protocol: Protocol, tape: &[u8]) -> Value {
    let is_xml = matches!(protocol, Protocol::Query | Protocol::RestXml);
    let way = if is_xml { Way::Xml } else { Way::Answer };
    let mut output = match operation.output {
        Some(shape) => value(model, shape, way, &mut Tape::new(tape)),
        None => Value::Structure(Vec::new()),
    };
    // A document of nothing but an empty text is one of nothing.
    if let (true, Value::Structure(members)) = (operation.output_root.unwrapped, &mut output) {
        members.retain(|(_, value)| *value != Value::Text(String::new()));
    }
    output
}

/// The bytes of a body, none of which is waited for.
fn bytes(body: &Body) -> Vec<u8> {
    let (mut all, mut chunks) = (Vec::new(), body.stream().open());
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut chunks).poll_frame(&mut cx) {
        all.extend(frame.into_data().unwrap_or_default());
    }
    all
}

/// Replaces, inserts and removes bytes.
fn mutated(bytes: &[u8], changes: &[(u16, u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, byte, what) in changes {
        let at = usize::from(*place) % (bytes.len() + 1);
        match what % 4 {
            0 => bytes.insert(at, *byte),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 if at < bytes.len() => bytes[at] = *byte,
            3 => bytes.truncate(at),
            _ => {}
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(u16, u8, u8)>> {
    proptest::collection::vec((any::<u16>(), any::<u8>(), 0..40u8), 1..8)
}

/// The same cases in every run; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for more and for others.
fn config(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if config.cases == 256 {
        config.cases = cases;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(3);
    }
    config
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn a_request_is_identified_and_read_as_it_was_written((model, operation, protocol) in operation(), tape in tape()) {
        let input = input(model, operation, protocol, &tape);
        let sent = client::encode_as(protocol, model, operation, input.clone());
        let request = request(&sent);
        for signing_name in [Some(model.signing_name()), None] {
            if signing_name.is_none() && shares_paths(model, &sent) {
                continue;
            }
            let identified = identify(&request, signing_name).expect("a request of our client is known");
            prop_assert_eq!(&identified.operation.name, &operation.name);
            prop_assert_eq!(identified.service.name(), model.name());
            prop_assert_eq!(identified.protocol, protocol);
            let found = identified.decode(&request).expect("a request of our client can be read");
            let compared = |value| pruned(without_parameters(model, operation, value));
            prop_assert_eq!(compared(found), compared(input.clone()));
        }
    }

    #[test]
    fn an_answer_is_read_as_it_was_written((model, operation, protocol) in operation(), tape in tape()) {
        let identified = identified(model, operation, protocol, &[]);
        let output = answer(model, operation, protocol, &tape);
        let response = identified.encode(output, "9e0e5a2c-0000-4000-8000-000000000000");
        let found = client::decode_as(protocol, model, operation, &response).expect("our answers can be read");
        // Events are read once, so what is expected is made anew.
        prop_assert_eq!(pruned(found), pruned(answer(model, operation, protocol, &tape)));
    }

    #[test]
    fn validation_takes_any_value_of_the_shape((model, operation, protocol) in operation(), tape in tape()) {
        let identified = identified(model, operation, protocol, &[]);
        if let Err(fault) = identified.validate(&input(model, operation, protocol, &tape)) {
            let text = &fault.message;
            let is_in_aws_words = text.contains("detected: Value") || text.starts_with("The specified value for ");
            prop_assert!(is_in_aws_words, "{text}");
        }
    }

    #[test]
    fn no_request_body_makes_a_reader_panic(
        (model, operation, protocol) in operation(), tape in tape(), changes in changes()
    ) {
        let mut sent = client::encode_as(protocol, model, operation, input(model, operation, protocol, &tape));
        sent.body = mutated(&bytes(&sent.body), &changes).into();
        let request = request(&sent);
        if let Ok(identified) = identify(&request, Some(model.signing_name()))
            && let Ok(value) = identified.decode(&request)
        {
            let _ = identified.validate(&value);
        }
    }

    #[test]
    fn no_target_makes_a_reader_panic(
        (model, operation, protocol) in operation(), tape in tape(), changes in changes()
    ) {
        let mut sent = client::encode_as(protocol, model, operation, input(model, operation, protocol, &tape));
        sent.target = String::from_utf8_lossy(&mutated(sent.target.as_bytes(), &changes)).into_owned();
        let request = request(&sent);
        let _ = Protocol::guess(&request, None);
        for signing_name in [Some(model.signing_name()), None] {
            if let Ok(identified) = identify(&request, signing_name) {
                let _ = identified.decode(&request);
            }
        }
    }

    #[test]
    fn no_answer_makes_the_client_panic(
        (model, operation, protocol) in operation(),
        tape in tape(),
        changes in changes(),
        status in prop_oneof![Just(200u16), Just(400), Just(500)],
    ) {
        let identified = identified(model, operation, protocol, &[]);
        let mut response = identified.encode(answer(model, operation, protocol, &tape), "request-1");
        response.status = status;
        response.body = mutated(&bytes(&response.body), &changes).into();
        let _ = client::decode_as(protocol, model, operation, &response);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(
        (model, operation, protocol) in operation(), body in proptest::collection::vec(any::<u8>(), 0..200)
    ) {
        let identified = identified(model, operation, protocol, &[]);
        let headers = http::HeaderMap::new();
        let request = Request { method: "POST", path: "/", query: None, headers: &headers, body: body.clone().into() };
        let _ = identified.decode(&request);
        let response = Response { status: 200, headers, body: body.into() };
        let _ = client::decode_as(protocol, model, operation, &response);
    }
}

proptest! {
    #![proptest_config(config(800))]

    #[test]
    fn requests_of_any_shape_are_read_as_they_were_written(
        protocol in protocol(), shapes in tape(), tape in tape()
    ) {
        let model = shapes::model(protocol, &mut Tape::new(&shapes));
        let identified = Identified::named(model, shapes::OPERATION).expect("the model has it");
        let input = || input(model, identified.operation, protocol, &tape);
        let sent = client::encode_as(protocol, model, identified.operation, input());
        let found = identified.decode(&request(&sent)).expect("a request of our client can be read");
        prop_assert_eq!(pruned(found), pruned(input()), "{:?}", sent);
    }

    #[test]
    fn answers_of_any_shape_are_read_as_they_were_written(
        protocol in protocol(), shapes in tape(), tape in tape()
    ) {
        let model = shapes::model(protocol, &mut Tape::new(&shapes));
        let identified = Identified::named(model, shapes::OPERATION).expect("the model has it");
        let output = || answer(model, identified.operation, protocol, &tape);
        let response = identified.encode(output(), "9e0e5a2c-0000-4000-8000-000000000000");
        let shown = format!("{response:?}");
        let found = client::decode_as(protocol, model, identified.operation, &response).expect("our answers can be read");
        prop_assert_eq!(pruned(found), pruned(output()), "{}", shown);
    }

    #[test]
    fn no_bytes_of_any_shape_make_a_reader_panic(
        protocol in protocol(), shapes in tape(), tape in tape(), changes in changes()
    ) {
        let model = shapes::model(protocol, &mut Tape::new(&shapes));
        let identified = Identified::named(model, shapes::OPERATION).expect("the model has it");
        let mut sent = client::encode_as(protocol, model, identified.operation, input(model, identified.operation, protocol, &tape));
        sent.body = mutated(&bytes(&sent.body), &changes).into();
        if let Ok(value) = identified.decode(&request(&sent)) {
            let _ = pruned(value);
        }
        let mut response = identified.encode(answer(model, identified.operation, protocol, &tape), "request-1");
        response.body = mutated(&bytes(&response.body), &changes).into();
        if let Ok(value) = client::decode_as(protocol, model, identified.operation, &response) {
            let _ = pruned(value);
        }
    }
}
