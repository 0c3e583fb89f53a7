//! Events as messages of an event stream, and back.

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws::{Fault, Member as Detail};
use bytes::Bytes;
use futures_core::Stream as _;
use http_body::{Body as _, Frame};

use super::Wire;
use crate::events::Coming;
use crate::eventstream::{Decoder, Header, Message};
use crate::malformed::Malformed;
use crate::model::{EventPart, Kind, Location, Member, Root, ShapeId, Structure};
use crate::{Chunks, Events, Protocol, Stream, Value};

const MESSAGE_TYPE: &str = ":message-type";
const EVENT_TYPE: &str = ":event-type";
const EXCEPTION_TYPE: &str = ":exception-type";
const CONTENT_TYPE: &str = ":content-type";
const ERROR_CODE: &str = ":error-code";
const ERROR_MESSAGE: &str = ":error-message";

/// Makes the body of a sequence of events. In protocols without parts of HTTP for them, `initial` holds the other members.
pub(crate) fn write(wire: Wire, shape: ShapeId, events: Events, initial: Option<Message>) -> Stream {
    Stream::new(Frames { writer: Writer { wire, shape }, initial, coming: Some(events.open()) })
}

/// Makes the events of a body.
pub(crate) fn read(wire: Wire, shape: ShapeId, body: Stream) -> Events {
    let decoder = Decoder::default();
    Events::new(Reading { reader: Reader { wire, shape }, decoder, chunks: Some(body.open()) })
}

/// The body of an answer: a message for each event.
struct Frames {
    writer: Writer,
    initial: Option<Message>,
    /// `None` after the end or a fault.
    coming: Option<Coming>,
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if let Some(initial) = self.initial.take() {
            return Poll::Ready(Some(encoded(&initial)));
        }
        let Some(coming) = &mut self.coming else { return Poll::Ready(None) };
        let message = match ready!(Pin::new(coming).poll_next(cx)) {
            None => {
                self.coming = None;
                return Poll::Ready(None);
            }
            Some(Ok(event)) => self.writer.event(event),
            Some(Err(fault)) => {
                self.coming = None;
                self.writer.fault(&fault)
            }
        };
        Poll::Ready(Some(encoded(&message)))
    }
}

fn encoded(message: &Message) -> Result<Frame<Bytes>, Fault> {
    let too_large = |_| Fault::new("InternalFailure", 500, "an event is too large for its message");
    message.encode().map(Frame::data).map_err(too_large)
}

/// The message that begins the answer of a protocol whose answers have one body: all members but the events.
pub(crate) fn initial(wire: Wire, shape: ShapeId, output: &Value, content_type: &str) -> Message {
    let payload = wire.document(shape, &Root::default(), output);
    let message = Message { payload, ..Message::default() };
    message.with(MESSAGE_TYPE, "event").with(EVENT_TYPE, "initial-response").with(CONTENT_TYPE, content_type)
}

struct Writer {
    wire: Wire,
    shape: ShapeId,
}

impl Writer {
    fn member(&self, name: &str) -> Option<&'static Member> {
        self.wire.model.structure(self.shape).member(name)
    }

    /// A structure of one member, which is the event.
    fn event(&self, event: Value) -> Message {
        let Value::Structure(members) = event else { return Message::default() };
        let found = members.into_iter().find(|(_, value)| !value.is_null());
        let Some((name, value)) = found else { return Message::default() };
        let Some(member) = self.member(&name) else { return Message::default() };
        let is_error =
            self.wire.model.shape(member.shape).kind.structure().is_some_and(|s| s.error.is_some());
        let message = if is_error {
            Message::default().with(MESSAGE_TYPE, "exception").with(EXCEPTION_TYPE, &*name)
        } else {
            Message::default().with(MESSAGE_TYPE, "event").with(EVENT_TYPE, &*name)
        };
        self.content(message, member.shape, value)
    }

    /// Adds headers and payload.
    fn content(&self, mut message: Message, shape: ShapeId, mut value: Value) -> Message {
        let model = self.wire.model;
        let Some(structure) = model.shape(shape).kind.structure() else { return message };
        for member in structure.members.iter().filter(|member| member.event == EventPart::Header) {
            if let Some(header) = header(&model.shape(member.shape).kind, value.take(&member.name)) {
                message.headers.push((member.wire_name.clone(), header));
            }
        }
        let (kind, payload) = match structure.members.iter().find(|member| member.event == EventPart::Payload)
        {
            Some(member) => match value.take(&member.name) {
                Value::Null => return message,
                Value::Blob(bytes) => ("application/octet-stream", bytes),
                Value::Text(text) => ("text/plain", Bytes::from(text)),
                value => (self.media_type(), self.wire.document(member.shape, &Root::of(member), &value)),
            },
            None if in_document(structure).next().is_none() => return message,
            None => (self.media_type(), self.wire.document(shape, &Root::default(), &value)),
        };
        message.payload = payload;
        message.with(CONTENT_TYPE, kind)
    }

    /// The last message: the exception that the stream models, or an error.
    fn fault(&self, fault: &Fault) -> Message {
        let model = self.wire.model;
        let modelled = model.error(&fault.code).and_then(|shape| {
            model.structure(self.shape).members.iter().find(|member| member.shape == shape)
        });
        let Some(member) = modelled else {
            return Message::default()
                .with(MESSAGE_TYPE, "error")
                .with(ERROR_CODE, fault.code.clone())
                .with(ERROR_MESSAGE, fault.message.clone());
        };
        let mut members = vec![(Cow::Borrowed("message"), Value::Text(fault.message.clone()))];
        if let Some(own) = model.structure(member.shape).members.iter().find(|own| is_message(own)) {
            members[0].0 = Cow::Owned(own.name.clone());
        }
        for (name, detail) in &fault.members {
            let value = match detail {
                Detail::Text(text) => Value::Text(text.clone()),
                Detail::Number(number) => Value::Integer(*number),
            };
            members.push((name.clone(), value));
        }
        let message = Message::default().with(MESSAGE_TYPE, "exception").with(EXCEPTION_TYPE, &member.name);
        self.content(message, member.shape, Value::Structure(members))
    }

    fn media_type(&self) -> &'static str {
        match self.wire.protocol {
            Protocol::RestJson | Protocol::Json10 | Protocol::Json11 => "application/json",
            Protocol::Cbor => "application/cbor",
            Protocol::RestXml | Protocol::Query => "text/xml",
        }
    }
}

fn is_message(member: &Member) -> bool {
    member.name.eq_ignore_ascii_case("message")
}

fn in_document(structure: &Structure) -> impl Iterator<Item = &Member> {
    let held = |member: &&Member| member.event == EventPart::Document && member.location == Location::Body;
    structure.members.iter().filter(held)
}

fn header(kind: &Kind, value: Value) -> Option<Header> {
    Some(match (value, kind) {
        (Value::Bool(value), _) => Header::Bool(value),
        (Value::Integer(number), Kind::Long) => Header::Long(number),
        (Value::Integer(number), _) => i32::try_from(number).map_or(Header::Long(number), Header::Integer),
        (Value::Text(text), _) => Header::Text(text),
        (Value::Blob(bytes), _) => Header::Bytes(bytes),
        (Value::Timestamp(seconds) | Value::Float(seconds), Kind::Timestamp(_)) => {
            Header::Timestamp((seconds * 1000.0).round() as i64)
        }
        _ => return None,
    })
}

/// The events of a body, which ends with the first fault.
struct Reading {
    reader: Reader,
    decoder: Decoder,
    /// `None` at the end of the bytes.
    chunks: Option<Chunks>,
}

impl futures_core::Stream for Reading {
    type Item = Result<Value, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match self.decoder.message() {
                Err(_) => return Poll::Ready(Some(Err(broken()))),
                Ok(Some(message)) => match self.reader.message(message) {
                    Ok(None) => continue,
                    Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                    Err(fault) => return Poll::Ready(Some(Err(fault))),
                },
                Ok(None) => {}
            }
            let Some(chunks) = &mut self.chunks else { return Poll::Ready(None) };
            match ready!(Pin::new(chunks).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.decoder.feed(&bytes);
                    }
                }
                Some(Err(fault)) => return Poll::Ready(Some(Err(fault))),
                None => {
                    self.chunks = None;
                    if !self.decoder.is_empty() {
                        return Poll::Ready(Some(Err(broken())));
                    }
                }
            }
        }
    }
}

fn broken() -> Fault {
    Fault::new("SerializationException", 400, "the event stream is broken")
}

struct Reader {
    wire: Wire,
    shape: ShapeId,
}

impl Reader {
    /// The event of a message; `None` for those that say nothing to us.
    fn message(&self, message: Message) -> Result<Option<Value>, Fault> {
        let union = self.wire.model.structure(self.shape);
        match message.text(MESSAGE_TYPE) {
            Some("event") => {
                let Some(member) = message.text(EVENT_TYPE).and_then(|name| union.member(name)) else {
                    return Ok(None);
                };
                let event = self.content(&message, member.shape).map_err(|_| broken())?;
                Ok(Some(Value::Structure(vec![(Cow::Borrowed(member.name.as_str()), event)])))
            }
            Some("exception") => Err(self.exception(&message)),
            Some("error") => {
                let code = message.text(ERROR_CODE).unwrap_or_default().to_owned();
                Err(Fault::new(code, 500, message.text(ERROR_MESSAGE).unwrap_or_default()))
            }
            _ => Err(broken()),
        }
    }

    fn content(&self, message: &Message, shape: ShapeId) -> Result<Value, Malformed> {
        let model = self.wire.model;
        let Some(structure) = model.shape(shape).kind.structure() else {
            return Ok(Value::Structure(Vec::new()));
        };
        let mut members = Vec::new();
        for member in structure.members.iter().filter(|member| member.event == EventPart::Header) {
            let header = message.headers.iter().find(|(name, _)| *name == member.wire_name);
            if let Some((_, header)) = header {
                members.push((Cow::Borrowed(member.name.as_str()), value_of(header)));
            }
        }
        let payload = &message.payload;
        match structure.members.iter().find(|member| member.event == EventPart::Payload) {
            Some(member) => {
                let value = match &model.shape(member.shape).kind {
                    _ if message.text(CONTENT_TYPE).is_none() && payload.is_empty() => Value::Null,
                    Kind::Blob => Value::Blob(payload.clone()),
                    Kind::Text => {
                        Value::Text(std::str::from_utf8(payload).map_err(|_| Malformed::Syntax)?.to_owned())
                    }
                    _ => self.wire.read_document(member.shape, payload)?,
                };
                if !value.is_null() {
                    members.push((Cow::Borrowed(member.name.as_str()), value));
                }
            }
            None if in_document(structure).next().is_none() => {}
            None => {
                if let Value::Structure(read) = self.wire.read_document(shape, payload)? {
                    members.extend(read);
                }
            }
        }
        Ok(Value::Structure(members))
    }

    fn exception(&self, message: &Message) -> Fault {
        let name = message.text(EXCEPTION_TYPE).unwrap_or_default();
        let model = self.wire.model;
        let member = model.structure(self.shape).member(name);
        let Some(structure) = member.and_then(|member| model.shape(member.shape).kind.structure()) else {
            return Fault::new(name.to_owned(), 500, "");
        };
        let shape = &model.shape(member.map_or(self.shape, |member| member.shape));
        let content = self.content(message, member.map_or(self.shape, |member| member.shape));
        let content = content.unwrap_or_default();
        let status = structure.error.as_ref().map_or(500, |error| error.status);
        let mut fault = Fault::new(shape.name.clone(), status, "");
        for member in &structure.members {
            match content.member(&member.name) {
                Value::Text(text) if is_message(member) => fault.message.clone_from(text),
                Value::Text(text) => fault = fault.with(member.name.as_str(), Detail::Text(text.clone())),
                Value::Integer(number) => fault = fault.with(member.name.as_str(), Detail::Number(*number)),
                _ => {}
            }
        }
        fault
    }
}

fn value_of(header: &Header) -> Value {
    match header {
        Header::Bool(value) => Value::Bool(*value),
        Header::Byte(number) => Value::Integer((*number).into()),
        Header::Short(number) => Value::Integer((*number).into()),
        Header::Integer(number) => Value::Integer((*number).into()),
        Header::Long(number) => Value::Integer(*number),
        Header::Bytes(bytes) => Value::Blob(bytes.clone()),
        Header::Uuid(bytes) => Value::Blob(Bytes::copy_from_slice(bytes)),
        Header::Text(text) => Value::Text(text.clone()),
        Header::Timestamp(milliseconds) => Value::Timestamp(*milliseconds as f64 / 1000.0),
    }
}
