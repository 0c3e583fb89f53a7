//! Elements as values of their shapes.

use std::borrow::Cow;

use super::{Dialect, Element, parse, text};
use crate::malformed::Malformed;
use crate::model::{Entries, Items, Kind, Member, ShapeId, Structure, TimestampFormat};
use crate::{Model, Value};

/// Reads a document whose root is of a shape, whatever its name; an empty one is an empty structure.
pub(crate) fn document(
    model: &'static Model,
    dialect: Dialect,
    shape: ShapeId,
    body: &[u8],
) -> Result<Value, Malformed> {
    if body.is_empty() {
        return Ok(Value::Structure(Vec::new()));
    }
    let root = parse(std::str::from_utf8(body).map_err(|_| Malformed::Syntax)?)?;
    Reader { model, dialect }.value(shape, None, &root)
}

/// Reads an element as a structure.
pub(crate) fn structure(
    model: &'static Model,
    dialect: Dialect,
    structure: &'static Structure,
    element: &Element,
) -> Result<Value, Malformed> {
    Reader { model, dialect }.structure(structure, element)
}

struct Reader {
    model: &'static Model,
    dialect: Dialect,
}

impl Reader {
    fn structure(&self, structure: &'static Structure, element: &Element) -> Result<Value, Malformed> {
        let mut members = Vec::new();
        for member in &structure.members {
            let value = if member.attribute {
                self.attribute(member, element)?
            } else if self.dialect.holds(member) {
                self.member(member, element)?
            } else {
                Value::Null
            };
            let is_empty = matches!(&value, Value::List(values) if values.is_empty())
                || matches!(&value, Value::Map(entries) if entries.is_empty());
            // A flattened list without elements cannot be told from an absent one.
            if !(value.is_null() || member.flattened && is_empty) {
                members.push((Cow::Borrowed(member.name.as_str()), value));
            }
        }
        Ok(Value::Structure(members))
    }

    fn attribute(&self, member: &'static Member, element: &Element) -> Result<Value, Malformed> {
        let name = self.dialect.name(member);
        let name = name.rsplit_once(':').map_or(name, |(_, local)| local);
        match element.attributes.iter().find(|(known, _)| known == name) {
            Some((_, text)) => self.scalar(&self.model.shape(member.shape).kind, member.format, text),
            None => Ok(Value::Null),
        }
    }

    fn member(&self, member: &'static Member, element: &Element) -> Result<Value, Malformed> {
        let name = self.dialect.name(member);
        let same_name = |child: &&Element| child.name == name;
        match &self.model.shape(member.shape).kind {
            Kind::List(items) if member.flattened => {
                self.list(items, element.children.iter().filter(same_name))
            }
            Kind::Map(entries) if member.flattened => {
                self.map(entries, element.children.iter().filter(same_name))
            }
            _ => match element.children.iter().find(same_name) {
                Some(child) => self.value(member.shape, member.format, child),
                None => Ok(Value::Null),
            },
        }
    }

    fn value(
        &self,
        shape: ShapeId,
        format: Option<TimestampFormat>,
        element: &Element,
    ) -> Result<Value, Malformed> {
        match &self.model.shape(shape).kind {
            Kind::Structure(structure) => self.structure(structure, element),
            Kind::List(items) => {
                let name = items.name.as_deref().unwrap_or("member");
                self.list(items, element.children.iter().filter(|child| child.name == name))
            }
            Kind::Map(entries) => {
                self.map(entries, element.children.iter().filter(|child| child.name == "entry"))
            }
            kind => self.scalar(kind, format, &element.text),
        }
    }

    /// Text keeps its white space; around other scalars it means nothing.
    fn scalar(&self, kind: &Kind, format: Option<TimestampFormat>, text: &str) -> Result<Value, Malformed> {
        let text = if matches!(kind, Kind::Text) { text } else { text.trim() };
        text::parse(kind, format.unwrap_or(TimestampFormat::Iso8601), text)
    }

    fn list<'e>(
        &self,
        items: &'static Items,
        elements: impl Iterator<Item = &'e Element>,
    ) -> Result<Value, Malformed> {
        let mut values = Vec::new();
        for element in elements {
            values.push(self.value(items.shape, items.format, element)?);
        }
        Ok(Value::List(values))
    }

    fn map<'e>(
        &self,
        entries: &'static Entries,
        elements: impl Iterator<Item = &'e Element>,
    ) -> Result<Value, Malformed> {
        let mut values = Vec::new();
        for element in elements {
            let key = element.child(&entries.key_name).map(|key| key.text.clone()).unwrap_or_default();
            let value = match element.child(&entries.value_name) {
                Some(value) => self.value(entries.value, None, value)?,
                None => Value::Null,
            };
            values.push((key, value));
        }
        Ok(Value::Map(values))
    }
}
