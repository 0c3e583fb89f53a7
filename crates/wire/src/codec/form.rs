//! Query strings, and the forms of the query protocol.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::text;
use crate::limits;
use crate::malformed::Malformed;
use crate::model::{Entries, Items, Kind, Member, ShapeId, Structure, TimestampFormat};
use crate::{Model, Value};

/// A name and its value, decoded.
pub(crate) type Pair<'q> = (Cow<'q, str>, Cow<'q, str>);

/// The names and values of a query string or form.
pub(crate) fn pairs(query: &str) -> Result<Vec<Pair<'_>>, Malformed> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == limits::PARAMETERS {
            return Err(Malformed::Syntax);
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((text::form_decode(name)?, text::form_decode(value)?));
    }
    Ok(pairs)
}

/// The first value of a name, decoded.
pub(crate) fn first<'q>(query: &'q str, wanted: &str) -> Option<Cow<'q, str>> {
    query.split('&').take(limits::PARAMETERS).find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name == wanted { text::form_decode(value).ok() } else { None }
    })
}

/// A form as the tree that its dotted names spell.
#[derive(Debug, Default)]
struct Node<'f> {
    value: Option<Cow<'f, str>>,
    children: BTreeMap<String, Node<'f>>,
}

impl<'f> Node<'f> {
    fn insert(&mut self, name: &str, value: Cow<'f, str>) -> Result<(), Malformed> {
        let mut node = self;
        for (depth, part) in name.split('.').enumerate() {
            if depth == limits::DEPTH {
                return Err(Malformed::Syntax);
            }
            if !node.children.contains_key(part) {
                node.children.insert(part.to_owned(), Node::default());
            }
            node = node.children.get_mut(part).ok_or(Malformed::Syntax)?;
        }
        node.value = Some(value);
        Ok(())
    }

    /// The numbered children, in order of their numbers.
    fn numbered(&self) -> Vec<&Node<'f>> {
        let mut numbered: Vec<(u32, &Node<'f>)> =
            self.children.iter().filter_map(|(name, node)| Some((name.parse().ok()?, node))).collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, node)| node).collect()
    }
}

/// Reads a form as the input's structure.
pub(crate) fn read(
    model: &'static Model,
    shape: ShapeId,
    query: Option<&str>,
    body: &[u8],
) -> Result<Value, Malformed> {
    let body = std::str::from_utf8(body).map_err(|_| Malformed::Syntax)?;
    let mut root = Node::default();
    for part in [query.unwrap_or_default(), body] {
        for (name, value) in pairs(part)? {
            root.insert(&name, value)?;
        }
    }
    Reader { model }.structure(model.structure(shape), &root)
}

struct Reader {
    model: &'static Model,
}

impl Reader {
    fn structure(&self, structure: &'static Structure, node: &Node<'_>) -> Result<Value, Malformed> {
        let mut members = Vec::new();
        for member in &structure.members {
            let Some(child) = node.children.get(&member.query_name) else { continue };
            members.push((Cow::Borrowed(member.name.as_str()), self.member(member, child)?));
        }
        Ok(Value::Structure(members))
    }

    fn member(&self, member: &'static Member, node: &Node<'_>) -> Result<Value, Malformed> {
        match &self.model.shape(member.shape).kind {
            Kind::List(items) if member.flattened => self.list(items, node),
            Kind::Map(entries) if member.flattened => self.map(entries, node),
            _ => self.value(member.shape, member.format, node),
        }
    }

    fn value(
        &self,
        shape: ShapeId,
        format: Option<TimestampFormat>,
        node: &Node<'_>,
    ) -> Result<Value, Malformed> {
        match &self.model.shape(shape).kind {
            Kind::Structure(structure) => self.structure(structure, node),
            Kind::List(items) if items.flattened => self.list(items, node),
            Kind::List(items) => {
                let name = items.name.as_deref().unwrap_or("member");
                self.list(items, node.children.get(name).unwrap_or(node))
            }
            Kind::Map(entries) if entries.flattened => self.map(entries, node),
            Kind::Map(entries) => self.map(entries, node.children.get("entry").unwrap_or(node)),
            kind => {
                let text = node.value.as_deref().unwrap_or_default();
                text::parse(kind, format.unwrap_or(TimestampFormat::Iso8601), text)
            }
        }
    }

    fn list(&self, items: &'static Items, node: &Node<'_>) -> Result<Value, Malformed> {
        let mut values = Vec::new();
        for node in node.numbered() {
            values.push(self.value(items.shape, items.format, node)?);
        }
        Ok(Value::List(values))
    }

    fn map(&self, entries: &'static Entries, node: &Node<'_>) -> Result<Value, Malformed> {
        let mut values = Vec::new();
        for node in node.numbered() {
            let key =
                node.children.get(&entries.key_name).and_then(|key| key.value.as_deref()).unwrap_or_default();
            let value = match node.children.get(&entries.value_name) {
                Some(value) => self.value(entries.value, None, value)?,
                None => Value::Null,
            };
            values.push((key.to_owned(), value));
        }
        Ok(Value::Map(values))
    }
}

/// Writes an input's structure as a form, after what `out` holds.
pub(crate) fn write(out: &mut String, model: &Model, shape: ShapeId, value: &Value) {
    Writer { model, out }.structure("", model.structure(shape), value);
}

struct Writer<'w> {
    model: &'w Model,
    out: &'w mut String,
}

impl Writer<'_> {
    fn pair(&mut self, name: &str, value: &str) {
        if !self.out.is_empty() {
            self.out.push('&');
        }
        self.out.push_str(&text::percent_encode(name));
        self.out.push('=');
        self.out.push_str(&text::percent_encode(value));
    }

    fn structure(&mut self, prefix: &str, structure: &Structure, value: &Value) {
        let Value::Structure(members) = value else { return };
        for (name, value) in members {
            let Some(member) = structure.member(name) else { continue };
            let name = join(prefix, &member.query_name);
            match &self.model.shape(member.shape).kind {
                Kind::List(items) if member.flattened => self.list(&name, &name, items, value),
                Kind::Map(entries) if member.flattened => self.map(&name, entries, value),
                _ => self.value(&name, member.shape, member.format, value),
            }
        }
    }

    fn value(&mut self, name: &str, shape: ShapeId, format: Option<TimestampFormat>, value: &Value) {
        if value.is_null() {
            return;
        }
        match &self.model.shape(shape).kind {
            Kind::Structure(structure) => self.structure(name, structure, value),
            Kind::List(items) if items.flattened => self.list(name, name, items, value),
            Kind::List(items) => {
                let wrapped = join(name, items.name.as_deref().unwrap_or("member"));
                self.list(name, &wrapped, items, value);
            }
            Kind::Map(entries) if entries.flattened => self.map(name, entries, value),
            Kind::Map(entries) => self.map(&join(name, "entry"), entries, value),
            kind => {
                if let Some(text) = text::write(kind, format.unwrap_or(TimestampFormat::Iso8601), value) {
                    self.pair(name, &text);
                }
            }
        }
    }

    fn list(&mut self, name: &str, prefix: &str, items: &Items, value: &Value) {
        let Value::List(values) = value else { return };
        if values.is_empty() {
            self.pair(name, "");
        }
        for (index, value) in values.iter().enumerate() {
            self.value(&join(prefix, &(index + 1).to_string()), items.shape, items.format, value);
        }
    }

    fn map(&mut self, prefix: &str, entries: &Entries, value: &Value) {
        let Value::Map(values) = value else { return };
        for (index, (key, value)) in values.iter().enumerate() {
            let prefix = join(prefix, &(index + 1).to_string());
            self.pair(&join(&prefix, &entries.key_name), key);
            self.value(&join(&prefix, &entries.value_name), entries.value, None, value);
        }
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}
