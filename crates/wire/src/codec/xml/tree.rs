//! Documents as trees of elements.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::limits;
use crate::malformed::Malformed;

/// An element of a parsed document.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// The name without its prefix.
    pub(crate) name: String,
    /// The attributes by their names without prefix.
    pub(crate) attributes: Vec<(String, String)>,
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

/// Parses a document into its root element. There are no document types and no entities but XML's own five.
pub(crate) fn parse(document: &str) -> Result<Element, Malformed> {
    if !document.chars().all(is_allowed) {
        return Err(Malformed::Syntax);
    }
    let mut reader = Reader::from_str(document);
    let mut open: Vec<Element> = vec![Element::default()];
    let mut elements = 0;
    loop {
        let event = reader.read_event().map_err(|_| Malformed::Syntax)?;
        if matches!(event, Event::Start(_) | Event::Empty(_)) {
            elements += 1;
            if open.len() > limits::DEPTH || elements > limits::XML_ELEMENTS {
                return Err(Malformed::Syntax);
            }
        }
        let top = open.last_mut().ok_or(Malformed::Syntax)?;
        match event {
            Event::Start(start) => open.push(element(&start)?),
            Event::Empty(start) => top.children.push(element(&start)?),
            Event::End(_) => {
                let done = open.pop().ok_or(Malformed::Syntax)?;
                open.last_mut().ok_or(Malformed::Syntax)?.children.push(done);
            }
            Event::Text(text) => top.text.push_str(&text.xml10_content()),
            Event::CData(text) => top.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                match reference.resolve_char_ref().map_err(|_| Malformed::Syntax)? {
                    Some(c) if is_allowed(c) => top.text.push(c),
                    Some(_) => return Err(Malformed::Syntax),
                    None => top.text.push_str(entity(&reference.xml10_content()).ok_or(Malformed::Syntax)?),
                }
            }
            Event::Eof => break,
            Event::DocType(_) => return Err(Malformed::Syntax),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    let mut root = open.pop().filter(|_| open.is_empty()).ok_or(Malformed::Syntax)?;
    let one = root.children.pop().ok_or(Malformed::Syntax)?;
    if root.children.is_empty() && root.text.trim().is_empty() { Ok(one) } else { Err(Malformed::Syntax) }
}

fn element(start: &BytesStart<'_>) -> Result<Element, Malformed> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| Malformed::Syntax)?;
        if attributes.len() == limits::XML_ATTRIBUTES {
            return Err(Malformed::Syntax);
        }
        let value = unescaped(&attribute.value)?;
        if !value.chars().all(is_allowed) {
            return Err(Malformed::Syntax);
        }
        attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
    }
    Ok(Element { name: start.local_name().as_ref().to_owned(), attributes, ..Element::default() })
}

/// An attribute's value with its references resolved.
fn unescaped(value: &str) -> Result<Cow<'_, str>, Malformed> {
    quick_xml::escape::unescape_with(value, entity).map_err(|_| Malformed::Syntax)
}

/// True for characters that XML 1.0 has.
fn is_allowed(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

fn entity(name: &str) -> Option<&'static str> {
    match name {
        "amp" => Some("&"),
        "lt" => Some("<"),
        "gt" => Some(">"),
        "quot" => Some("\""),
        "apos" => Some("'"),
        _ => None,
    }
}
