//! CBOR bodies, read and written by shape, without a tree in between.
//!
//! Lengths may be indefinite and numbers of any width when they are read; what is written has definite lengths.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value as Json;

use crate::limits;
use crate::malformed::Malformed;
use crate::model::{Entries, Items, Kind, Location, ShapeId, Structure};
use crate::{Model, Value};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/cbor";

/// The tag of a point in time as seconds since the epoch.
const EPOCH: u64 = 1;

/// Reads a document of a shape. An empty one is an empty structure.
pub(crate) fn read(model: &'static Model, shape: ShapeId, body: &Bytes) -> Result<Value, Malformed> {
    if body.is_empty() {
        return Ok(Value::Structure(Vec::new()));
    }
    let mut reader = Reader { body, at: 0, elements: 0 };
    let value = reader.value(model, shape, 0)?;
    if reader.at == body.len() { Ok(value) } else { Err(Malformed::Syntax) }
}

struct Reader<'b> {
    body: &'b Bytes,
    at: usize,
    elements: usize,
}

/// The first byte of an item with the number that follows it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Head {
    Unsigned(u64),
    /// The number -1 - n.
    Negative(u64),
    /// `None` is an indefinite length.
    Bytes(Option<u64>),
    Text(Option<u64>),
    Array(Option<u64>),
    Map(Option<u64>),
    Tag(u64),
    Bool(bool),
    Null,
    Float(f64),
    /// A simple value without meaning here.
    Simple,
    Break,
}

impl Head {
    fn class(self) -> &'static str {
        match self {
            Head::Unsigned(_) | Head::Negative(_) => "class java.lang.Long",
            Head::Float(_) => "class java.lang.Double",
            Head::Bool(_) => "class java.lang.Boolean",
            Head::Bytes(_) => "class java.nio.ByteBuffer",
            Head::Text(_) => "class java.lang.String",
            Head::Array(_) | Head::Map(_) | Head::Tag(_) | Head::Null | Head::Simple | Head::Break => {
                "class java.lang.Object"
            }
        }
    }
}

impl Reader<'_> {
    fn take(&mut self, length: u64) -> Result<&[u8], Malformed> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let end = end.filter(|end| *end <= self.body.len()).ok_or(Malformed::Syntax)?;
        let taken = &self.body[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N as u64)?.try_into().map_err(|_| Malformed::Syntax)
    }

    fn head(&mut self) -> Result<Head, Malformed> {
        let [first] = self.number()?;
        let (major, info) = (first >> 5, first & 0x1f);
        if major == 7 {
            return self.simple(info);
        }
        let argument = match info {
            0..=23 => Some(u64::from(info)),
            24 => Some(u64::from(u8::from_be_bytes(self.number()?))),
            25 => Some(u64::from(u16::from_be_bytes(self.number()?))),
            26 => Some(u64::from(u32::from_be_bytes(self.number()?))),
            27 => Some(u64::from_be_bytes(self.number()?)),
            31 => None,
            _ => return Err(Malformed::Syntax),
        };
        match (major, argument) {
            (0, Some(number)) => Ok(Head::Unsigned(number)),
            (1, Some(number)) => Ok(Head::Negative(number)),
            (2, length) => Ok(Head::Bytes(length)),
            (3, length) => Ok(Head::Text(length)),
            (4, length) => Ok(Head::Array(length)),
            (5, length) => Ok(Head::Map(length)),
            (6, Some(tag)) => Ok(Head::Tag(tag)),
            _ => Err(Malformed::Syntax),
        }
    }

    fn simple(&mut self, info: u8) -> Result<Head, Malformed> {
        Ok(match info {
            20 => Head::Bool(false),
            21 => Head::Bool(true),
            22 | 23 => Head::Null,
            24 => {
                self.number::<1>()?;
                Head::Simple
            }
            25 => Head::Float(half(u16::from_be_bytes(self.number()?))),
            26 => Head::Float(f64::from(f32::from_be_bytes(self.number()?))),
            27 => Head::Float(f64::from_be_bytes(self.number()?)),
            31 => Head::Break,
            0..=19 => Head::Simple,
            _ => return Err(Malformed::Syntax),
        })
    }

    fn count(&mut self) -> Result<(), Malformed> {
        self.elements += 1;
        if self.elements > limits::ELEMENTS { Err(Malformed::Syntax) } else { Ok(()) }
    }

    fn value(&mut self, model: &'static Model, shape: ShapeId, depth: usize) -> Result<Value, Malformed> {
        let head = self.head()?;
        self.value_after(model, head, shape, depth)
    }

    fn value_after(
        &mut self,
        model: &'static Model,
        head: Head,
        shape: ShapeId,
        depth: usize,
    ) -> Result<Value, Malformed> {
        if depth == limits::DEPTH {
            return Err(Malformed::Syntax);
        }
        self.count()?;
        let kind = &model.shape(shape).kind;
        match (head, kind) {
            (Head::Null, _) => Ok(Value::Null),
            // Other tags say nothing about what the shape does not say already.
            (Head::Tag(_), _) => self.value(model, shape, depth + 1),
            (Head::Map(length), Kind::Structure(structure)) => {
                self.structure(model, structure, length, depth)
            }
            (Head::Map(length), Kind::Map(entries)) => self.map(model, entries, length, depth),
            (Head::Array(length), Kind::List(items)) => self.list(model, items, length, depth),
            (Head::Array(_) | Head::Map(_), kind) => Err(Malformed::of(head.class(), kind)),
            (Head::Break | Head::Simple, _) => Err(Malformed::Syntax),
            (Head::Bool(value), Kind::Boolean) => Ok(Value::Bool(value)),
            (Head::Text(length), Kind::Text) => self.text(length).map(Value::Text),
            (Head::Bytes(length), Kind::Blob) => self.bytes(length, 2).map(Value::Blob),
            (Head::Unsigned(number), Kind::Integer | Kind::Long) => {
                Ok(Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
            }
            (Head::Negative(number), Kind::Integer | Kind::Long) => Ok(Value::Integer(negative(number))),
            (Head::Float(number), Kind::Integer | Kind::Long) => Ok(Value::Integer(number as i64)),
            (head, Kind::Float) => real(head).map(Value::Float).ok_or(Malformed::of(head.class(), kind)),
            (head, Kind::Timestamp(_)) => {
                let seconds = real(head).filter(|seconds| super::text::is_time(*seconds));
                seconds.map(Value::Timestamp).ok_or(Malformed::of(head.class(), kind))
            }
            (head, kind) => Err(Malformed::of(head.class(), kind)),
        }
    }

    /// Hands out the heads of what is inside: so many, or up to the break.
    fn next(&mut self, left: &mut Option<u64>) -> Result<Option<Head>, Malformed> {
        match left {
            Some(0) => return Ok(None),
            Some(left) => *left -= 1,
            None => {}
        }
        match self.head()? {
            Head::Break if left.is_none() => Ok(None),
            Head::Break => Err(Malformed::Syntax),
            head => Ok(Some(head)),
        }
    }

    fn structure(
        &mut self,
        model: &'static Model,
        structure: &'static Structure,
        length: Option<u64>,
        depth: usize,
    ) -> Result<Value, Malformed> {
        let mut left = length;
        let mut members: Vec<(Cow<'static, str>, Value)> = Vec::new();
        while let Some(head) = self.next(&mut left)? {
            let key = self.key(head)?;
            let in_body = |member: &&crate::model::Member| {
                member.location == Location::Body && member.wire_name == *key
            };
            let Some(member) = structure.members.iter().find(in_body) else {
                self.skip(depth + 1)?;
                continue;
            };
            let value = self.value(model, member.shape, depth + 1)?;
            if let Some(before) = members.iter_mut().find(|(name, _)| *name == member.name) {
                before.1 = value;
            } else if !value.is_null() {
                members.push((Cow::Borrowed(member.name.as_str()), value));
            }
        }
        Ok(Value::Structure(members))
    }

    fn map(
        &mut self,
        model: &'static Model,
        entries: &'static Entries,
        length: Option<u64>,
        depth: usize,
    ) -> Result<Value, Malformed> {
        let mut left = length;
        let mut values = Vec::new();
        while let Some(head) = self.next(&mut left)? {
            let key = self.key(head)?;
            // No service of this protocol has maps that may hold nothing.
            match self.value(model, entries.value, depth + 1)? {
                Value::Null => {}
                value => values.push((key, value)),
            }
        }
        Ok(Value::Map(values))
    }

    fn list(
        &mut self,
        model: &'static Model,
        items: &'static Items,
        length: Option<u64>,
        depth: usize,
    ) -> Result<Value, Malformed> {
        let mut left = length;
        let mut values = Vec::new();
        while let Some(head) = self.next(&mut left)? {
            values.push(self.value_after(model, head, items.shape, depth + 1)?);
        }
        Ok(Value::List(values))
    }

    fn key(&mut self, head: Head) -> Result<String, Malformed> {
        let Head::Text(length) = head else { return Err(Malformed::Syntax) };
        self.text(length)
    }

    fn text(&mut self, length: Option<u64>) -> Result<String, Malformed> {
        let bytes = self.bytes(length, 3)?;
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| Malformed::Syntax)
    }

    /// A string of bytes or text, which shares the body when it is in one piece.
    fn bytes(&mut self, length: Option<u64>, major: u8) -> Result<Bytes, Malformed> {
        if let Some(length) = length {
            let begin = self.at;
            self.take(length)?;
            return Ok(self.body.slice(begin..self.at));
        }
        let mut all = Vec::new();
        loop {
            self.count()?;
            match (self.head()?, major) {
                (Head::Break, _) => return Ok(Bytes::from(all)),
                (Head::Bytes(Some(length)), 2) | (Head::Text(Some(length)), 3) => {
                    let piece = self.take(length)?;
                    // Text is cut between characters only.
                    if major == 3 && std::str::from_utf8(piece).is_err() {
                        return Err(Malformed::Syntax);
                    }
                    all.extend_from_slice(piece);
                }
                _ => return Err(Malformed::Syntax),
            }
        }
    }

    fn any_after(&mut self, head: Head, depth: usize) -> Result<Json, Malformed> {
        if depth == limits::DEPTH {
            return Err(Malformed::Syntax);
        }
        self.count()?;
        Ok(match head {
            Head::Unsigned(number) => number.into(),
            Head::Negative(number) => negative(number).into(),
            Head::Float(number) => number.into(),
            Head::Bool(value) => value.into(),
            Head::Text(length) => self.text(length)?.into(),
            Head::Tag(_) => {
                let head = self.head()?;
                self.any_after(head, depth + 1)?
            }
            Head::Map(mut left) => {
                let mut object = serde_json::Map::new();
                while let Some(head) = self.next(&mut left)? {
                    let key = self.key(head)?;
                    let head = self.head()?;
                    object.insert(key, self.any_after(head, depth + 1)?);
                }
                object.into()
            }
            Head::Bytes(_) | Head::Array(_) => {
                self.skip_after(head, depth)?;
                Json::Null
            }
            Head::Null | Head::Simple => Json::Null,
            Head::Break => return Err(Malformed::Syntax),
        })
    }

    /// Reads past an item that nobody asked for.
    fn skip(&mut self, depth: usize) -> Result<(), Malformed> {
        let head = self.head()?;
        self.skip_after(head, depth)
    }

    fn skip_after(&mut self, head: Head, depth: usize) -> Result<(), Malformed> {
        if depth == limits::DEPTH {
            return Err(Malformed::Syntax);
        }
        self.count()?;
        match head {
            Head::Bytes(length) => self.bytes(length, 2).map(drop),
            Head::Text(length) => self.bytes(length, 3).map(drop),
            Head::Tag(_) => self.skip(depth + 1),
            Head::Array(mut left) => {
                while let Some(head) = self.next(&mut left)? {
                    self.skip_after(head, depth + 1)?;
                }
                Ok(())
            }
            Head::Map(mut left) => {
                while let Some(head) = self.next(&mut left)? {
                    self.skip_after(head, depth + 1)?;
                    self.skip(depth + 1)?;
                }
                Ok(())
            }
            Head::Break => Err(Malformed::Syntax),
            Head::Unsigned(_)
            | Head::Negative(_)
            | Head::Bool(_)
            | Head::Null
            | Head::Float(_)
            | Head::Simple => Ok(()),
        }
    }
}

fn negative(number: u64) -> i64 {
    i64::try_from(number).map_or(i64::MIN, |number| -1 - number)
}

fn real(head: Head) -> Option<f64> {
    match head {
        Head::Unsigned(number) => Some(number as f64),
        Head::Negative(number) => Some(-1.0 - number as f64),
        Head::Float(number) => Some(number),
        _ => None,
    }
}

/// A float of 16 bits, IEEE 754.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Reads a document without a shape, for errors: what JSON cannot say is left out.
pub(crate) fn read_any(body: &[u8]) -> Result<Json, Malformed> {
    let body = Bytes::copy_from_slice(body);
    let mut reader = Reader { body: &body, at: 0, elements: 0 };
    let head = reader.head()?;
    reader.any_after(head, 0)
}

/// Writes a value by its shape.
pub(crate) fn write(out: &mut Vec<u8>, model: &Model, shape: ShapeId, value: &Value) {
    match (value, &model.shape(shape).kind) {
        (Value::Structure(members), Kind::Structure(structure)) => {
            let known = || {
                members.iter().filter(|(_, value)| !value.is_null()).filter_map(|(name, value)| {
                    let member = structure.member(name).filter(|member| member.location == Location::Body)?;
                    Some((member, value))
                })
            };
            head(out, 5, known().count() as u64);
            for (member, value) in known() {
                text(out, &member.wire_name);
                write(out, model, member.shape, value);
            }
        }
        (Value::List(values), Kind::List(items)) => {
            head(out, 4, values.len() as u64);
            values.iter().for_each(|value| write(out, model, items.shape, value));
        }
        (Value::Map(entries), Kind::Map(map)) => {
            head(out, 5, entries.len() as u64);
            for (key, value) in entries {
                text(out, key);
                write(out, model, map.value, value);
            }
        }
        (value, kind) => write_scalar(out, kind, value),
    }
}

fn write_scalar(out: &mut Vec<u8>, kind: &Kind, value: &Value) {
    match value {
        Value::Bool(value) => out.push(0xf4 + u8::from(*value)),
        Value::Integer(number) => {
            if matches!(kind, Kind::Timestamp(_)) {
                head(out, 6, EPOCH);
            }
            integer(out, *number);
        }
        Value::Float(seconds) | Value::Timestamp(seconds) if matches!(kind, Kind::Timestamp(_)) => {
            head(out, 6, EPOCH);
            // Whole seconds, as most are, are exact in either form and shorter so.
            if seconds.fract() == 0.0 && seconds.abs() < 2f64.powi(53) {
                integer(out, *seconds as i64);
            } else {
                float(out, *seconds);
            }
        }
        Value::Float(number) | Value::Timestamp(number) => float(out, *number),
        Value::Text(value) => text(out, value),
        Value::Blob(bytes) => {
            head(out, 2, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
        // A composite value of another shape comes only from a service's mistake; the protocol has no documents and streams
        // nothing but events.
        Value::Null
        | Value::List(_)
        | Value::Map(_)
        | Value::Structure(_)
        | Value::Document(_)
        | Value::Body(_)
        | Value::Events(_) => out.push(0xf6),
    }
}

/// Writes an object of texts and numbers, for faults.
pub(crate) fn object(fields: &[(&str, aws::Member)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    head(&mut out, 5, fields.len() as u64);
    for (key, value) in fields {
        text(&mut out, key);
        match value {
            aws::Member::Text(value) => text(&mut out, value),
            aws::Member::Number(number) => integer(&mut out, *number),
        }
    }
    out
}

fn head(out: &mut Vec<u8>, major: u8, number: u64) {
    let major = major << 5;
    let bytes = number.to_be_bytes();
    match number {
        0..=23 => out.push(major | bytes[7]),
        24..=0xff => out.extend_from_slice(&[major | 24, bytes[7]]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&bytes[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&bytes);
        }
    }
}

fn integer(out: &mut Vec<u8>, number: i64) {
    match u64::try_from(number) {
        Ok(number) => head(out, 0, number),
        Err(_) => head(out, 1, number.unsigned_abs() - 1),
    }
}

fn float(out: &mut Vec<u8>, number: f64) {
    out.push(0xfb);
    out.extend_from_slice(&number.to_be_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    head(out, 3, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}
