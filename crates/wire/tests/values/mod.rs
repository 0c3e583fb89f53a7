//! Values of shapes, made from bytes.

use std::borrow::Cow;

use wire::model::{Kind, Location, Member, ShapeId, Structure, TimestampFormat};
use wire::{Events, Model, Value};

/// Bytes that decide; when they end, everything is as small as can be.
pub struct Tape<'t> {
    bytes: &'t [u8],
}

impl<'t> Tape<'t> {
    pub fn new(bytes: &'t [u8]) -> Tape<'t> {
        Tape { bytes }
    }

    /// A number below another.
    pub fn below(&mut self, end: u8) -> usize {
        usize::from(self.next() % end)
    }

    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    fn number(&mut self) -> i64 {
        let bytes = std::array::from_fn(|_| self.next());
        i64::from_le_bytes(bytes) >> (self.next() % 64)
    }

    fn text(&mut self, alphabet: &[&str]) -> String {
        (0..self.next() % 12).map(|_| alphabet[usize::from(self.next()) % alphabet.len()]).collect()
    }
}

/// Where the value travels, which decides what its text may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Request,
    Answer,
    Xml,
}

const JSON: &[&str] = &[
    "a",
    "Z",
    "0",
    " ",
    "\"",
    "\\",
    "/",
    "\n",
    "\0",
    "\u{7f}",
    "é",
    "\u{1f600}",
    "&",
    "=",
    "+",
    "%",
    ".",
    "<",
];
const XML: &[&str] = &[
    "a",
    "Z",
    "0",
    " ",
    "\"",
    "'",
    "/",
    "\n",
    "\r",
    "\t",
    "é",
    "\u{1f600}",
    "&",
    "]]>",
    "<",
    ">",
    "&#xD;",
    "<!--",
];
const HEADER: &[&str] = &["a", "Z", "0", "-", "_", "$", ":", "/", "+", "="];

/// Deeper than this only what must be.
const DEPTH: usize = 6;

pub fn value(model: &Model, shape: ShapeId, way: Way, tape: &mut Tape<'_>) -> Value {
    make(model, shape, way, tape, 0)
}

fn make(model: &Model, shape: ShapeId, way: Way, tape: &mut Tape<'_>, depth: usize) -> Value {
    let small = |tape: &mut Tape<'_>| if depth > DEPTH { 0 } else { tape.next() % 4 };
    match &model.shape(shape).kind {
        Kind::Boolean => Value::Bool(tape.next() % 2 == 1),
        Kind::Integer | Kind::Long => Value::Integer(tape.number()),
        Kind::Float => Value::Float(tape.number() as f64 / 64.0),
        Kind::Text => Value::Text(tape.text(if way == Way::Xml { XML } else { JSON })),
        Kind::Blob => Value::Blob((0..tape.next() % 20).map(|_| tape.next()).collect::<Vec<u8>>().into()),
        Kind::Timestamp(format) => time(*format, tape),
        Kind::Document => Value::Document(serde_json::json!({ "n": tape.next() })),
        Kind::List(items) => {
            Value::List((0..small(tape)).map(|_| make(model, items.shape, way, tape, depth + 1)).collect())
        }
        Kind::Map(entries) => {
            let mut values: Vec<(String, Value)> = Vec::new();
            for _ in 0..small(tape) {
                let key = tape.text(if way == Way::Xml { XML } else { JSON });
                if !values.iter().any(|(known, _)| *known == key) {
                    values.push((key, make(model, entries.value, way, tape, depth + 1)));
                }
            }
            Value::Map(values)
        }
        Kind::Structure(structure) => make_structure(model, structure, way, tape, depth),
    }
}

fn make_structure(
    model: &Model,
    structure: &Structure,
    way: Way,
    tape: &mut Tape<'_>,
    depth: usize,
) -> Value {
    let mut members = Vec::new();
    let payload = structure.payload().map(|member| member.name.clone());
    for (index, member) in structure.members.iter().enumerate() {
        let is_label = member.location == Location::Uri;
        // A client always finds labels, the status and the type of the body.
        let is_type = member.wire_name.eq_ignore_ascii_case("content-type");
        // Operations of S3 are told apart by what they must have.
        let tells = member.required && matches!(member.location, Location::Query | Location::Header);
        let always = is_label || is_type || tells || member.location == Location::Status;
        if !always && (depth > DEPTH || tape.next() < 140) {
            continue;
        }
        let mut value = match member.location {
            Location::Status => Value::Integer(200),
            _ if structure.events == Some(index) => events(model, member.shape, way, tape),
            Location::Headers => prefixed(tape),
            Location::Uri | Location::Header => in_header(model, member.shape, way, tape),
            _ => make(model, member.shape, way, tape, depth + 1),
        };
        if (is_label || tells) && value == Value::Text(String::new()) {
            value = Value::Text("label".to_owned());
        }
        let is_payload = payload.as_ref() == Some(&member.name);
        // An empty body is no payload.
        let is_empty = matches!(&value, Value::Text(text) if text.is_empty())
            || matches!(&value, Value::Blob(bytes) if bytes.is_empty());
        if !(is_payload && is_empty) {
            members.push((Cow::Owned(member.name.clone()), value));
        }
    }
    Value::Structure(members)
}

/// Events of every kind that is no exception, some of them.
fn events(model: &Model, shape: ShapeId, way: Way, tape: &mut Tape<'_>) -> Value {
    let kinds: Vec<&Member> = model
        .structure(shape)
        .members
        .iter()
        .filter(|member| model.structure(member.shape).error.is_none())
        .collect();
    let events = (0..tape.next() % 5).map(|_| {
        let member = kinds[usize::from(tape.next()) % kinds.len()];
        let event = make(model, member.shape, way, tape, DEPTH - 2);
        Value::Structure(vec![(Cow::Owned(member.name.clone()), event)])
    });
    Value::Events(Events::of(events.collect()))
}

fn in_header(model: &Model, shape: ShapeId, way: Way, tape: &mut Tape<'_>) -> Value {
    match &model.shape(shape).kind {
        Kind::Text => Value::Text(tape.text(HEADER)),
        // Headers have dates without fractions unless the model says otherwise.
        Kind::Timestamp(format) => time(format.or(Some(TimestampFormat::Http)), tape),
        Kind::List(items) => {
            Value::List((0..tape.next() % 4).map(|_| in_header(model, items.shape, way, tape)).collect())
        }
        _ => make(model, shape, way, tape, DEPTH),
    }
}

/// Headers of one prefix, whose names have no capitals.
fn prefixed(tape: &mut Tape<'_>) -> Value {
    let mut entries: Vec<(String, Value)> = Vec::new();
    for _ in 0..tape.next() % 4 {
        let key = format!("k{}", tape.text(&["a", "z", "0", "-", "_"]));
        if !entries.iter().any(|(known, _)| *known == key) {
            entries.push((key, Value::Text(tape.text(HEADER))));
        }
    }
    Value::Map(entries)
}

/// A time to the millisecond, before the year 9999; to the second where the format has no more, and not before the year 1.
fn time(format: Option<TimestampFormat>, tape: &mut Tape<'_>) -> Value {
    let milliseconds = tape.number() % 200_000_000_000_000;
    match format {
        Some(TimestampFormat::Http) => Value::Timestamp((milliseconds.abs() / 1000) as f64),
        Some(TimestampFormat::Epoch | TimestampFormat::Iso8601) | None => {
            Value::Timestamp(milliseconds as f64 / 1000.0)
        }
    }
}

/// The value without what a protocol cannot tell from absence: empty lists, maps and structures. Members and entries are
/// sorted.
pub fn pruned(value: Value) -> Value {
    let keep = |value: &Value| !is_empty(value);
    match value {
        Value::List(values) => Value::List(values.into_iter().map(pruned).filter(keep).collect()),
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.into_iter().map(|(key, value)| (key, pruned(value))).collect();
            entries.retain(|(_, value)| keep(value));
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Map(entries)
        }
        Value::Structure(members) => {
            let mut members: Vec<_> =
                members.into_iter().map(|(name, value)| (name, pruned(value))).collect();
            members.retain(|(_, value)| keep(value));
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Structure(members)
        }
        Value::Events(events) => match events.already() {
            // An event without members is one all the same.
            (events, None) => Value::List(events.into_iter().map(pruned).collect()),
            (_, Some(fault)) => Value::Text(fault.to_string()),
        },
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(values) => values.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Structure(members) => members.is_empty(),
        _ => false,
    }
}
