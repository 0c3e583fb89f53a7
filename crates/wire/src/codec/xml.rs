//! XML: bodies of restXml, answers of the query protocol.

mod read;
mod tree;

use super::text;
use crate::model::{
    Entries, Items, Kind, Location, Member, Namespace, Operation, Root, ShapeId, Structure, TimestampFormat,
};
use crate::{Model, Value};

pub(crate) use read::{document as read_document, structure as read};
pub(crate) use tree::{Element, parse};

/// Which names the elements of members have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Those of the query protocol.
    Query,
    /// Those of restXml.
    Rest,
}

impl Dialect {
    fn name(self, member: &Member) -> &str {
        match self {
            Dialect::Query => &member.query_name,
            Dialect::Rest => &member.wire_name,
        }
    }

    /// True for members that an element holds; in restXml others travel elsewhere.
    fn holds(self, member: &Member) -> bool {
        self == Dialect::Query || (member.location == Location::Body && !member.attribute)
    }
}

/// What a document begins with.
pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Begins an element, with a namespace unless it is empty.
pub(crate) fn open(out: &mut String, name: &str, namespace: &str) {
    begin(out, name);
    if !namespace.is_empty() {
        attribute(out, "xmlns", namespace);
    }
    out.push('>');
}

fn begin(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
}

fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    for c in value.chars() {
        match c {
            // A parser turns these into spaces.
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            c => escape_char(out, c),
        }
    }
    out.push('"');
}

fn declare(out: &mut String, namespace: Option<&Namespace>) {
    match namespace {
        None => {}
        Some(Namespace { prefix: None, uri }) => attribute(out, "xmlns", uri),
        Some(Namespace { prefix: Some(prefix), uri }) => attribute(out, &format!("xmlns:{prefix}"), uri),
    }
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
        escape_char(out, c);
    }
}

fn escape_char(out: &mut String, c: char) {
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

/// Writes the whole answer of an operation in the query protocol.
pub(crate) fn answer(model: &Model, operation: &Operation, output: &Value, request_id: &str) -> String {
    let mut out = String::with_capacity(512);
    let response = format!("{}Response", operation.name);
    open(&mut out, &response, model.xml_namespace());
    if let Some(shape) = operation.output {
        let result = format!("{}Result", operation.name);
        open(&mut out, &result, "");
        Writer { model, out: &mut out, dialect: Dialect::Query }.structure(model.structure(shape), output);
        close(&mut out, &result);
    }
    out.push_str("<ResponseMetadata>");
    element(&mut out, "RequestId", request_id);
    out.push_str("</ResponseMetadata>");
    close(&mut out, &response);
    out
}

/// Writes a document of restXml; `root` is what the operation or the payload member says of its element.
pub(crate) fn document(model: &Model, root: &Root, shape: ShapeId, value: &Value) -> String {
    let mut out = String::with_capacity(512);
    let of = model.shape(shape);
    let name = root.name.as_deref().or(of.xml_name.as_deref()).unwrap_or(&of.name);
    let own = Namespace { prefix: None, uri: model.xml_namespace().to_owned() };
    let of_service = Some(&own).filter(|own| !own.uri.is_empty());
    let namespace = root.namespace.as_ref().or(of.namespace.as_ref()).or(of_service);
    out.push_str(DECLARATION);
    let tag = Tag { name, namespace };
    Writer { model, out: &mut out, dialect: Dialect::Rest }.value(tag, shape, None, value);
    out
}

/// What an element is called.
#[derive(Clone, Copy)]
struct Tag<'t> {
    name: &'t str,
    namespace: Option<&'t Namespace>,
}

impl<'t> Tag<'t> {
    fn plain(name: &'t str) -> Tag<'t> {
        Tag { name, namespace: None }
    }
}

struct Writer<'w> {
    model: &'w Model,
    out: &'w mut String,
    dialect: Dialect,
}

impl Writer<'_> {
    fn structure(&mut self, structure: &Structure, value: &Value) {
        let Value::Structure(members) = value else { return };
        for (name, value) in members {
            let Some(member) = structure.member(name).filter(|member| self.dialect.holds(member)) else {
                continue;
            };
            if value.is_null() {
                continue;
            }
            let shape = self.model.shape(member.shape);
            let namespace = member.namespace.as_ref().or(shape.namespace.as_ref());
            let tag = Tag { name: self.dialect.name(member), namespace };
            match &shape.kind {
                Kind::List(items) if member.flattened => self.list(tag, items, value),
                Kind::Map(entries) if member.flattened => self.map(tag, entries, value),
                _ => self.value(tag, member.shape, member.format, value),
            }
        }
    }

    fn value(&mut self, tag: Tag<'_>, shape: ShapeId, format: Option<TimestampFormat>, value: &Value) {
        let shape = self.model.shape(shape);
        begin(self.out, tag.name);
        declare(self.out, tag.namespace.or(shape.namespace.as_ref()));
        match &shape.kind {
            Kind::Structure(structure) => {
                self.attributes(structure, value);
                self.out.push('>');
                self.structure(structure, value);
            }
            Kind::List(items) => {
                self.out.push('>');
                self.list(Tag::plain(items.name.as_deref().unwrap_or("member")), items, value);
            }
            Kind::Map(entries) => {
                self.out.push('>');
                self.map(Tag::plain("entry"), entries, value);
            }
            kind => {
                self.out.push('>');
                self.scalar(kind, format.unwrap_or(TimestampFormat::Iso8601), value);
            }
        }
        close(self.out, tag.name);
    }

    fn scalar(&mut self, kind: &Kind, format: TimestampFormat, value: &Value) {
        if let (Value::Timestamp(seconds), Kind::Timestamp(own)) = (value, kind)
            && own.unwrap_or(format) == TimestampFormat::Iso8601
            && self.model.is_s3()
        {
            self.out.push_str(&text::write_milliseconds(*seconds));
            return;
        }
        escape(self.out, &text::write(kind, format, value).unwrap_or_default());
    }

    fn attributes(&mut self, structure: &Structure, value: &Value) {
        for member in structure.members.iter().filter(|member| member.attribute) {
            let value = value.member(&member.name);
            let format = member.format.unwrap_or(TimestampFormat::Iso8601);
            let text = text::write(&self.model.shape(member.shape).kind, format, value);
            if let Some(text) = text.filter(|_| !value.is_null()) {
                attribute(self.out, self.dialect.name(member), &text);
            }
        }
    }

    /// The tag of a flattened list is that of its elements, which have its place.
    fn list(&mut self, tag: Tag<'_>, items: &Items, value: &Value) {
        let Value::List(values) = value else { return };
        let namespace = items.namespace.as_ref().or(tag.namespace);
        for value in values {
            self.value(Tag { name: tag.name, namespace }, items.shape, items.format, value);
        }
    }

    fn map(&mut self, tag: Tag<'_>, entries: &Entries, value: &Value) {
        let Value::Map(values) = value else { return };
        for (key, value) in values {
            begin(self.out, tag.name);
            declare(self.out, tag.namespace);
            self.out.push('>');
            begin(self.out, &entries.key_name);
            declare(self.out, entries.key_namespace.as_ref());
            self.out.push('>');
            escape(self.out, key);
            close(self.out, &entries.key_name);
            let inside = Tag { name: &entries.value_name, namespace: entries.value_namespace.as_ref() };
            self.value(inside, entries.value, None, value);
            close(self.out, tag.name);
        }
    }
}
