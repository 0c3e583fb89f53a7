//! XML: the answers of the query protocol.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::text;
use crate::limits;
use crate::malformed::Malformed;
use crate::model::{Entries, Items, Kind, Operation, ShapeId, Structure, TimestampFormat};
use crate::{Model, Value};

/// Begins an element, with a namespace unless it is empty.
pub(crate) fn open(out: &mut String, name: &str, namespace: &str) {
    out.push('<');
    out.push_str(name);
    if !namespace.is_empty() {
        out.push_str(" xmlns=\"");
        escape(out, namespace);
        out.push('"');
    }
    out.push('>');
}

/// Ends an element.
pub(crate) fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Writes an element that holds text.
pub(crate) fn element(out: &mut String, name: &str, text: &str) {
    open(out, name, "");
    escape(out, text);
    close(out, name);
}

/// Escapes text. A carriage return is written as a reference, for parsers turn a bare one into a line feed; what XML
/// cannot hold at all becomes the replacement character.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// Writes the whole answer of an operation.
pub(crate) fn answer(model: &Model, operation: &Operation, output: &Value, request_id: &str) -> String {
    let mut out = String::with_capacity(512);
    let response = format!("{}Response", operation.name);
    open(&mut out, &response, model.xml_namespace());
    if let Some(shape) = operation.output {
        let result = format!("{}Result", operation.name);
        open(&mut out, &result, "");
        Writer { model, out: &mut out }.structure(model.structure(shape), output);
        close(&mut out, &result);
    }
    out.push_str("<ResponseMetadata>");
    element(&mut out, "RequestId", request_id);
    out.push_str("</ResponseMetadata>");
    close(&mut out, &response);
    out
}

struct Writer<'w> {
    model: &'w Model,
    out: &'w mut String,
}

impl Writer<'_> {
    fn structure(&mut self, structure: &Structure, value: &Value) {
        let Value::Structure(members) = value else { return };
        for (name, value) in members {
            let Some(member) = structure.member(name).filter(|_| !value.is_null()) else { continue };
            match &self.model.shape(member.shape).kind {
                Kind::List(items) if member.flattened => self.list(&member.query_name, items, value),
                Kind::Map(entries) if member.flattened => self.map(&member.query_name, entries, value),
                _ => self.value(&member.query_name, member.shape, member.format, value),
            }
        }
    }

    fn value(&mut self, name: &str, shape: ShapeId, format: Option<TimestampFormat>, value: &Value) {
        let model = self.model;
        match &model.shape(shape).kind {
            Kind::Structure(structure) => self.wrapped(name, |writer| writer.structure(structure, value)),
            Kind::List(items) => {
                let item = items.name.as_deref().unwrap_or("member");
                self.wrapped(name, |writer| writer.list(item, items, value));
            }
            Kind::Map(entries) => self.wrapped(name, |writer| writer.map("entry", entries, value)),
            kind => {
                let text = text::write(kind, format.unwrap_or(TimestampFormat::Iso8601), value);
                element(self.out, name, &text.unwrap_or_default());
            }
        }
    }

    fn wrapped(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        open(self.out, name, "");
        inside(self);
        close(self.out, name);
    }

    fn list(&mut self, name: &str, items: &Items, value: &Value) {
        let Value::List(values) = value else { return };
        for value in values {
            self.value(name, items.shape, items.format, value);
        }
    }

    fn map(&mut self, name: &str, entries: &Entries, value: &Value) {
        let Value::Map(values) = value else { return };
        for (key, value) in values {
            self.wrapped(name, |writer| {
                element(writer.out, &entries.key_name, key);
                writer.value(&entries.value_name, entries.value, None, value);
            });
        }
    }
}

/// An element of a parsed answer.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// The name without its prefix.
    pub(crate) name: String,
    /// The text directly inside.
    pub(crate) text: String,
    /// The elements inside.
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The first element of this name directly inside.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// Parses a document into its root element.
pub(crate) fn parse(document: &str) -> Result<Element, Malformed> {
    let mut reader = Reader::from_str(document);
    let mut open: Vec<Element> = vec![Element::default()];
    let mut elements = 0;
    loop {
        let event = reader.read_event().map_err(|_| Malformed::Syntax)?;
        let top = open.last_mut().ok_or(Malformed::Syntax)?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if open.len() > limits::DEPTH || elements > limits::ELEMENTS {
                    return Err(Malformed::Syntax);
                }
                open.push(named(start.local_name().as_ref()));
            }
            Event::Empty(start) => top.children.push(named(start.local_name().as_ref())),
            Event::End(_) => {
                let done = open.pop().ok_or(Malformed::Syntax)?;
                open.last_mut().ok_or(Malformed::Syntax)?.children.push(done);
            }
            Event::Text(text) => top.text.push_str(&text.xml10_content()),
            Event::CData(text) => top.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                match reference.resolve_char_ref().map_err(|_| Malformed::Syntax)? {
                    Some(c) => top.text.push(c),
                    None => top.text.push_str(entity(&reference.xml10_content())?),
                }
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    let mut root = open.pop().filter(|_| open.is_empty()).ok_or(Malformed::Syntax)?;
    root.children.pop().ok_or(Malformed::Syntax)
}

fn named(name: &str) -> Element {
    Element { name: name.to_owned(), ..Element::default() }
}

fn entity(name: &str) -> Result<&'static str, Malformed> {
    match name {
        "amp" => Ok("&"),
        "lt" => Ok("<"),
        "gt" => Ok(">"),
        "quot" => Ok("\""),
        "apos" => Ok("'"),
        _ => Err(Malformed::Syntax),
    }
}

/// Reads an element as a structure.
pub(crate) fn read(
    model: &'static Model,
    structure: &'static Structure,
    element: &Element,
) -> Result<Value, Malformed> {
    let mut members = Vec::new();
    for member in &structure.members {
        let same_name = |child: &&Element| child.name == member.query_name;
        let value = match &model.shape(member.shape).kind {
            Kind::List(items) if member.flattened => {
                read_list(model, items, element.children.iter().filter(same_name))?
            }
            Kind::Map(entries) if member.flattened => {
                read_map(model, entries, element.children.iter().filter(same_name))?
            }
            _ => match element.children.iter().find(same_name) {
                Some(child) => read_value(model, member.shape, member.format, child)?,
                None => continue,
            },
        };
        let is_empty = matches!(&value, Value::List(values) if values.is_empty())
            || matches!(&value, Value::Map(entries) if entries.is_empty());
        // A flattened list without elements cannot be told from an absent one.
        if !(member.flattened && is_empty) {
            members.push((Cow::Borrowed(member.name.as_str()), value));
        }
    }
    Ok(Value::Structure(members))
}

fn read_value(
    model: &'static Model,
    shape: ShapeId,
    format: Option<TimestampFormat>,
    element: &Element,
) -> Result<Value, Malformed> {
    match &model.shape(shape).kind {
        Kind::Structure(structure) => read(model, structure, element),
        Kind::List(items) => {
            let name = items.name.as_deref().unwrap_or("member");
            read_list(model, items, element.children.iter().filter(|child| child.name == name))
        }
        Kind::Map(entries) => {
            read_map(model, entries, element.children.iter().filter(|child| child.name == "entry"))
        }
        kind => text::parse(kind, format.unwrap_or(TimestampFormat::Iso8601), scalar(kind, &element.text)),
    }
}

/// Text keeps its white space; around other scalars it means nothing.
fn scalar<'t>(kind: &Kind, text: &'t str) -> &'t str {
    if matches!(kind, Kind::Text) { text } else { text.trim() }
}

fn read_list<'e>(
    model: &'static Model,
    items: &'static Items,
    elements: impl Iterator<Item = &'e Element>,
) -> Result<Value, Malformed> {
    let values: Result<Vec<Value>, Malformed> =
        elements.map(|element| read_value(model, items.shape, items.format, element)).collect();
    values.map(Value::List)
}

fn read_map<'e>(
    model: &'static Model,
    entries: &'static Entries,
    elements: impl Iterator<Item = &'e Element>,
) -> Result<Value, Malformed> {
    let mut values = Vec::new();
    for element in elements {
        let key = element.child(&entries.key_name).map(|key| key.text.clone()).unwrap_or_default();
        let value = match element.child(&entries.value_name) {
            Some(value) => read_value(model, entries.value, None, value)?,
            None => Value::Null,
        };
        values.push((key, value));
    }
    Ok(Value::Map(values))
}
