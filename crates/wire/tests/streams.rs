//! Bodies and events that are never a tree: what the front door knows before it reads, and what leaves as it comes.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use aws::{Fault, Member};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use wire::eventstream::{Decoder, Header, Message};
use wire::{
    Body, Chunks, Events, Identified, Model, Request, Response, Stream, Value, client, identify,
    identify_head,
};

/// A body that hands out these pieces.
struct Pieces(Vec<Result<&'static str, Fault>>, Option<u64>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let piece = self.0.remove(0).map(|text| Frame::data(Bytes::from_static(text.as_bytes())));
        Poll::Ready(Some(piece))
    }

    fn size_hint(&self) -> SizeHint {
        self.1.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Runs what needs not wait.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn all(body: &Body) -> Vec<u8> {
    let bytes = at_once(body.stream().collect(usize::MAX)).expect("nothing fails");
    bytes.expect("there is no limit").to_vec()
}

fn lambda() -> &'static Model {
    Model::named("lambda").expect("lambda is embedded")
}

fn structure<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Structure(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn request<'a>(method: &'a str, path: &'a str, headers: &'a HeaderMap, body: Body) -> Request<'a> {
    Request { method, path, query: None, headers, body }
}

#[test]
fn a_streamed_input_is_known_by_the_head_and_handed_on_unread() {
    let headers = HeaderMap::new();
    let path = "/2014-11-13/functions/f/invoke-async";
    let found = identify_head(&request("POST", path, &headers, Body::default()), Some("lambda"));
    let found = found.expect("the path is enough");
    assert!(found.operation.name == "InvokeAsync" && found.streams_input());
    let stream = Stream::new(Pieces(vec![Ok("never read")], None));
    let sent = request("POST", path, &headers, Body::Stream(stream.clone()));
    let input = found.decode(&sent).expect("nothing is read");
    assert_eq!(input.member("InvokeArgs"), &Value::Body(stream.clone()));
    found.validate(&input).expect("a stream breaks no rule");
    assert_eq!(at_once(stream.collect(100)), Ok(Some(Bytes::from_static(b"never read"))));
    // Bytes that are at hand stay bytes.
    let whole = found.decode(&request("POST", path, &headers, "now".into())).expect("it is there");
    assert_eq!(whole.member("InvokeArgs"), &Value::Blob("now".into()));
}

#[test]
fn an_input_that_is_read_first_is_known_as_such_by_the_head() {
    let headers = HeaderMap::new();
    let invoke = request("POST", "/2015-03-31/functions/f/invocations", &headers, Body::default());
    let invoke = identify_head(&invoke, Some("lambda")).expect("the path is enough");
    assert!(!invoke.streams_input());
    // An input that is no stream must be at hand.
    let stream = Body::Stream(Stream::new(Pieces(vec![Ok("{}")], None)));
    let create = request("POST", "/2015-03-31/functions", &headers, stream);
    let create = identify(&create, Some("lambda")).and_then(|found| found.decode(&create));
    assert_eq!(create.expect_err("nobody read it").code, "SerializationException");
    // A form names its operation in the body.
    let form = request("POST", "/", &headers, "Action=GetCallerIdentity&Version=2011-06-15".into());
    assert!(identify_head(&form, Some("sts")).is_none());
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("x-amz-target"),
        HeaderValue::from_static("Logs_20140328.FilterLogEvents"),
    );
    let found = identify_head(&request("POST", "/", &headers, Body::default()), Some("logs"));
    assert!(!found.expect("the header is enough").streams_input());
}

#[test]
fn the_bytes_of_a_stream_go_to_the_first_who_opens_it() {
    let stream = Stream::new(Pieces(vec![Ok("one"), Ok("two")], Some(6)));
    assert_eq!(stream.length(), Some(6));
    let mut first = stream.clone().open();
    let mut second = stream.open();
    let next = |chunks: &mut Chunks| at_once(chunks.next());
    assert_eq!(next(&mut first), Some(Ok(Bytes::from_static(b"one"))));
    let fault = next(&mut second).expect("something is said").expect_err("it was opened before");
    assert_eq!((fault.code.as_ref(), fault.status), ("InternalFailure", 500));
    assert_eq!(next(&mut second), None);
    assert_eq!(next(&mut first), Some(Ok(Bytes::from_static(b"two"))));
    assert_eq!(next(&mut first), None);
}

#[test]
fn a_stream_is_collected_up_to_a_limit() {
    let stream = |length| Stream::new(Pieces(vec![Ok("one"), Ok("two")], length));
    assert_eq!(at_once(stream(None).collect(6)), Ok(Some(Bytes::from_static(b"onetwo"))));
    assert_eq!(at_once(stream(None).collect(5)), Ok(None));
    assert_eq!(at_once(Stream::whole_of("onetwo").collect(5)), Ok(None));
    let broken = Fault::new("RequestTimeout", 400, "too slow");
    let broken = Stream::new(Pieces(vec![Ok("one"), Err(broken.clone())], None)).collect(9);
    assert_eq!(at_once(broken).expect_err("it broke").code, "RequestTimeout");
}

fn messages(body: &Body) -> Vec<Message> {
    let mut decoder = Decoder::default();
    decoder.feed(&all(body));
    let mut found = Vec::new();
    while let Some(message) = decoder.message().expect("we write messages") {
        found.push(message);
    }
    assert!(decoder.is_empty());
    found
}

/// Headers and payload as a line.
fn line(message: &Message) -> String {
    let headers = message.headers.iter().map(|(name, value)| match value {
        Header::Text(text) => format!("{name}={text}"),
        other => format!("{name}={other:?}"),
    });
    format!("{} | {}", headers.collect::<Vec<_>>().join(" "), String::from_utf8_lossy(&message.payload))
}

fn streaming() -> Identified {
    Identified::named(lambda(), "InvokeWithResponseStream").expect("lambda has it")
}

fn answer(identified: Identified, member: &'static str, events: Events) -> Response {
    identified.encode(structure([(member, Value::Events(events))]), "request-1")
}

#[test]
fn events_leave_as_the_messages_that_lambda_sends() {
    let chunk = structure([("Payload", Value::Blob("hello".into()))]);
    let complete = structure([("ErrorCode", Value::Text("Unhandled".into()))]);
    let events =
        Events::of(vec![structure([("PayloadChunk", chunk)]), structure([("InvokeComplete", complete)])]);
    let response = answer(streaming(), "EventStream", events);
    assert_eq!(response.headers["content-type"], "application/vnd.amazon.eventstream");
    assert_eq!(response.body.whole(), None, "it is not made before it is sent");
    let lines: Vec<String> = messages(&response.body).iter().map(line).collect();
    assert_eq!(
        lines,
        [
            ":message-type=event :event-type=PayloadChunk :content-type=application/octet-stream | hello",
            ":message-type=event :event-type=InvokeComplete :content-type=application/json | {\"ErrorCode\":\"Unhandled\"}",
        ]
    );
}

/// Events and then a fault.
struct Failing(Vec<Result<Value, Fault>>);

impl futures_core::Stream for Failing {
    type Item = Result<Value, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(if self.0.is_empty() { None } else { Some(self.0.remove(0)) })
    }
}

const TAIL: &str = r#"{
    "metadata": {"protocol": "json", "jsonVersion": "1.1", "targetPrefix": "T"},
    "operations": {"Tail": {"name": "Tail", "output": {"shape": "Out"}}},
    "shapes": {
        "Out": {"type": "structure", "members": {"Name": {"shape": "Text"}, "Coming": {"shape": "Coming"}}},
        "Coming": {"type": "structure", "eventstream": true, "members": {
            "Line": {"shape": "Line"}, "Gone": {"shape": "GoneException"}
        }},
        "Line": {"type": "structure", "event": true, "members": {
            "At": {"shape": "Time", "eventheader": true}, "Text": {"shape": "Text"}
        }},
        "GoneException": {"type": "structure", "exception": true, "error": {"httpStatusCode": 410}, "members": {
            "message": {"shape": "Text"}, "Resource": {"shape": "Text"}
        }},
        "Text": {"type": "string"},
        "Time": {"type": "timestamp"}
    }
}"#;

fn tail() -> Identified {
    let model = Model::parse("tail", TAIL.as_bytes()).expect("it is a model");
    Identified::named(Box::leak(Box::new(model)), "Tail").expect("the model has it")
}

fn events_and(fault: Fault) -> Events {
    let event = structure([("At", Value::Timestamp(1.5)), ("Text", Value::Text("a".into()))]);
    Events::new(Failing(vec![Ok(structure([("Line", event)])), Err(fault), Ok(Value::Null)]))
}

#[test]
fn in_protocols_of_one_body_the_other_members_come_first() {
    let output = structure([
        ("Name", Value::Text("n".into())),
        ("Coming", Value::Events(events_and(Fault::new("Unknown", 500, "why")))),
    ]);
    let response = tail().encode(output, "request-1");
    assert_eq!(response.headers["content-type"], "application/vnd.amazon.eventstream");
    let lines: Vec<String> = messages(&response.body).iter().map(line).collect();
    assert_eq!(
        lines,
        [
            ":message-type=event :event-type=initial-response :content-type=application/x-amz-json-1.1 | {\"Name\":\"n\"}",
            ":message-type=event :event-type=Line At=Timestamp(1500) :content-type=application/json | {\"Text\":\"a\"}",
            ":message-type=error :error-code=Unknown :error-message=why | ",
        ]
    );
}

#[test]
fn a_fault_ends_the_events_as_the_exception_that_the_model_has() {
    let gone = Fault::new("GoneException", 410, "no more").with("Resource", Member::Text("r".into()));
    let identified = tail();
    let response = answer(identified, "Coming", events_and(gone.clone()));
    let last = messages(&response.body).pop().map(|message| line(&message));
    assert_eq!(
        last.as_deref(),
        Some(
            ":message-type=exception :exception-type=Gone :content-type=application/json | {\"message\":\"no more\",\"Resource\":\"r\"}"
        )
    );
    // The client gets the events and the same fault.
    let response = answer(identified, "Coming", events_and(gone.clone()));
    let mut output =
        client::decode(identified.service, identified.operation, &response).expect("it begins well");
    let Value::Events(events) = output.take("Coming") else { panic!("events are expected") };
    let (events, fault) = events.already();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].member("Line").member("At"), &Value::Timestamp(1.5));
    assert_eq!(fault, Some(gone));
}

#[test]
fn a_broken_stream_of_events_ends_with_a_fault() {
    let whole = all(&answer(
        streaming(),
        "EventStream",
        Events::of(vec![structure([(
            "PayloadChunk",
            structure([("Payload", Value::Blob("hello".into()))]),
        )])]),
    )
    .body);
    let read = |bytes: &[u8]| {
        let body = Bytes::copy_from_slice(bytes).into();
        let response = Response { status: 200, headers: HeaderMap::new(), body };
        let output = client::decode(lambda(), streaming().operation, &response);
        let Value::Events(events) = output.expect("it begins well").take("EventStream") else {
            panic!("no events")
        };
        let (events, fault) = events.already();
        (events.len(), fault.map(|fault| fault.code))
    };
    assert_eq!(read(&whole), (1, None));
    assert_eq!(read(&[&whole[..], &whole[..9]].concat()), (1, Some("SerializationException".into())));
    assert_eq!(read(&[&whole[..], &[0; 16]].concat()), (1, Some("SerializationException".into())));
}

#[test]
fn events_go_to_the_first_who_opens_them() {
    let events = Events::of(vec![Value::Null, Value::Null]);
    let other = events.clone();
    assert_eq!(events.already(), (vec![Value::Null, Value::Null], None));
    let (none, fault) = other.already();
    assert_eq!((none.len(), fault.map(|fault| fault.status)), (0, Some(500)));
}
