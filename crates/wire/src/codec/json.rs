//! JSON bodies, read and written by shape, without a tree in between.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::text;
use crate::limits;
use crate::malformed::Malformed;
use crate::model::{Kind, Location, Member, ShapeId, Structure, TimestampFormat};
use crate::{Model, Value};

/// Reads a document of a shape. An empty one is an empty structure.
pub(crate) fn read(model: &'static Model, shape: ShapeId, json: &[u8]) -> Result<Value, Malformed> {
    if json.is_empty() {
        return Ok(Value::Structure(Vec::new()));
    }
    let reader = Reader { model, elements: Cell::new(0), wrong: RefCell::new(None) };
    let seed = Seed { reader: &reader, shape, format: None, depth: 0 };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(value) => Ok(value),
        Err(_) => Err(reader.wrong.into_inner().unwrap_or(Malformed::Syntax)),
    }
}

struct Reader {
    model: &'static Model,
    elements: Cell<usize>,
    /// Why reading stopped, when it was not the grammar.
    wrong: RefCell<Option<Malformed>>,
}

impl Reader {
    fn fail<E: serde::de::Error>(&self, wrong: Malformed) -> E {
        *self.wrong.borrow_mut() = Some(wrong);
        E::custom("the document is not of its shape")
    }

    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        self.elements.set(self.elements.get() + 1);
        if self.elements.get() > limits::ELEMENTS { Err(E::custom("too many elements")) } else { Ok(()) }
    }
}

/// Reads one value of a shape.
#[derive(Clone, Copy)]
struct Seed<'r> {
    reader: &'r Reader,
    shape: ShapeId,
    format: Option<TimestampFormat>,
    depth: usize,
}

const NUMBER: &str = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber";

impl<'r> Seed<'r> {
    fn kind(&self) -> &'static Kind {
        &self.reader.model.shape(self.shape).kind
    }

    fn inside<E: serde::de::Error>(
        &self,
        shape: ShapeId,
        format: Option<TimestampFormat>,
    ) -> Result<Seed<'r>, E> {
        if self.depth == limits::DEPTH {
            return Err(E::custom("too deep"));
        }
        Ok(Seed { reader: self.reader, shape, format, depth: self.depth + 1 })
    }

    fn structure<'de, A: MapAccess<'de>>(
        self,
        structure: &'static Structure,
        mut map: A,
    ) -> Result<Value, A::Error> {
        let mut members: Vec<(Cow<'static, str>, Value)> =
            Vec::with_capacity(structure.members.len().min(16));
        while let Some(found) = map.next_key_seed(MemberName(structure))? {
            let Some(member) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value_seed(self.inside(member.shape, member.format)?)?;
            if let Some(before) = members.iter_mut().find(|(name, _)| *name == member.name) {
                before.1 = value;
            } else if !value.is_null() {
                members.push((Cow::Borrowed(member.name.as_str()), value));
            }
        }
        Ok(Value::Structure(members))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.kind() {
            Kind::Document => match serde_json::Value::deserialize(deserializer)? {
                serde_json::Value::Null => Ok(Value::Null),
                json => Ok(Value::Document(json)),
            },
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of {}", self.reader.model.shape(self.shape).name)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        match self.kind() {
            Kind::Boolean => Ok(Value::Bool(value)),
            kind => Err(self.reader.fail(Malformed::of("class java.lang.Boolean", kind))),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        match self.kind() {
            Kind::Integer | Kind::Long => Ok(Value::Integer(value)),
            Kind::Float => Ok(Value::Float(value as f64)),
            Kind::Timestamp(_) if text::is_time(value as f64) => Ok(Value::Timestamp(value as f64)),
            kind => Err(self.reader.fail(Malformed::of(NUMBER, kind))),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        match self.kind() {
            // AWS cuts the fraction off.
            Kind::Integer | Kind::Long => Ok(Value::Integer(value as i64)),
            Kind::Float => Ok(Value::Float(value)),
            Kind::Timestamp(_) if text::is_time(value) => Ok(Value::Timestamp(value)),
            kind => Err(self.reader.fail(Malformed::of(NUMBER, kind))),
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        let kind = self.kind();
        let parsed = match kind {
            Kind::Text => Ok(Value::Text(value.to_owned())),
            Kind::Blob => text::blob(value),
            // Strings stand for the three numbers that JSON lacks, and for nothing else.
            Kind::Float if matches!(value, "NaN" | "Infinity" | "-Infinity") => {
                text::parse(kind, TimestampFormat::Epoch, value)
            }
            Kind::Timestamp(own) => match own.or(self.format).unwrap_or(TimestampFormat::Epoch) {
                TimestampFormat::Epoch => Err(Malformed::text(kind)),
                format => text::timestamp(format, value).map(Value::Timestamp).ok_or(Malformed::text(kind)),
            },
            _ => Err(Malformed::text(kind)),
        };
        parsed.map_err(|wrong| self.reader.fail(wrong))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        match self.kind() {
            Kind::Text => Ok(Value::Text(value)),
            _ => self.visit_str(&value),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let Kind::List(items) = self.kind() else {
            return Err(self.reader.fail(Malformed::Type("Start of list found where not expected".into())));
        };
        let seed = self.inside(items.shape, items.format)?;
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(seed)? {
            self.reader.count()?;
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        match self.kind() {
            Kind::Structure(structure) => self.structure(structure, map),
            Kind::Map(entries) => {
                let seed = self.inside(entries.value, None)?;
                let mut values = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    self.reader.count()?;
                    values.push((key, map.next_value_seed(seed)?));
                }
                Ok(Value::Map(values))
            }
            _ => Err(self
                .reader
                .fail(Malformed::Type("Start of structure or map found where not expected.".into()))),
        }
    }
}

/// Finds the member that a key names; `None` for keys that the model does not know.
struct MemberName(&'static Structure);

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Option<&'static Member>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Option<&'static Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let in_body = |member: &&Member| member.location == Location::Body && member.wire_name == name;
        Ok(self.0.members.iter().find(in_body))
    }
}

/// Writes a value by its shape.
pub(crate) fn write(
    out: &mut Vec<u8>,
    model: &Model,
    shape: ShapeId,
    format: Option<TimestampFormat>,
    value: &Value,
) {
    let kind = &model.shape(shape).kind;
    match (value, kind) {
        (Value::Structure(members), Kind::Structure(structure)) => {
            write_structure(out, model, structure, members)
        }
        (Value::List(values), Kind::List(items)) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                comma(out, index);
                write(out, model, items.shape, items.format, value);
            }
            out.push(b']');
        }
        (Value::Map(entries), Kind::Map(map)) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                comma(out, index);
                string(out, key);
                out.push(b':');
                write(out, model, map.value, None, value);
            }
            out.push(b'}');
        }
        _ => write_scalar(out, kind, format, value),
    }
}

fn write_structure(
    out: &mut Vec<u8>,
    model: &Model,
    structure: &Structure,
    members: &[(Cow<'static, str>, Value)],
) {
    out.push(b'{');
    let mut written = 0;
    for (name, value) in members {
        let Some(member) = structure.member(name).filter(|member| member.location == Location::Body) else {
            continue;
        };
        if value.is_null() {
            continue;
        }
        comma(out, written);
        string(out, &member.wire_name);
        out.push(b':');
        write(out, model, member.shape, member.format, value);
        written += 1;
    }
    out.push(b'}');
}

fn write_scalar(out: &mut Vec<u8>, kind: &Kind, format: Option<TimestampFormat>, value: &Value) {
    match (value, kind) {
        (Value::Null, _) => out.extend_from_slice(b"null"),
        (Value::Blob(bytes), _) => {
            // Base64 needs no escapes.
            out.reserve(bytes.len() / 3 * 4 + 6);
            out.push(b'"');
            push(out, format_args!("{}", Base64Display::new(bytes, &STANDARD)));
            out.push(b'"');
        }
        (Value::Integer(_) | Value::Float(_) | Value::Timestamp(_), Kind::Timestamp(own)) => {
            let format = own.or(format).unwrap_or(TimestampFormat::Epoch);
            let text = text::write(kind, format, value).unwrap_or_default();
            match format {
                TimestampFormat::Epoch => out.extend_from_slice(text.as_bytes()),
                TimestampFormat::Iso8601 | TimestampFormat::Http => string(out, &text),
            }
        }
        (Value::Integer(number), _) => push(out, format_args!("{number}")),
        (Value::Float(number) | Value::Timestamp(number), _) if number.is_finite() => {
            push(out, format_args!("{number:?}"));
        }
        (Value::Float(number) | Value::Timestamp(number), _) => string(out, &text::write_float(*number)),
        (Value::Bool(value), _) => push(out, format_args!("{value}")),
        (Value::Text(text), _) => string(out, text),
        (Value::Document(json), _) => push(out, format_args!("{json}")),
        // A composite value of another shape comes only from a service's mistake.
        (Value::List(_) | Value::Map(_) | Value::Structure(_) | Value::Body(_) | Value::Events(_), _) => {
            out.extend_from_slice(b"null")
        }
    }
}

/// Writes a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string can be written to memory");
}

fn comma(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

fn push(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    std::io::Write::write_fmt(out, text).expect("write to memory");
}
