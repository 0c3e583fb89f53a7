use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::limits;

/// JSON as a policy needs it: members in the order of the document, a repeated key is an error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads a document of at most [`limits::DOCUMENT_CHARS`] characters and [`limits::DEPTH`] levels.
    pub(crate) fn read(text: &str) -> Option<Tree> {
        if text.chars().count() > limits::DOCUMENT_CHARS {
            return None;
        }
        let tree: Tree = serde_json::from_str(text).ok()?;
        (tree.depth() <= limits::DEPTH).then_some(tree)
    }

    fn depth(&self) -> usize {
        match self {
            Tree::List(items) => 1 + items.iter().map(Tree::depth).max().unwrap_or(0),
            Tree::Map(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => 0,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as IAM compares it: as text.
    pub(crate) fn scalar(&self) -> Option<String> {
        match self {
            Tree::Text(text) => Some(text.clone()),
            Tree::Bool(flag) => Some(flag.to_string()),
            Tree::Number(number) => Some(number.to_string()),
            Tree::Null | Tree::List(_) | Tree::Map(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tree::Null => serializer.serialize_unit(),
            Tree::Bool(flag) => serializer.serialize_bool(*flag),
            Tree::Number(number) => number.serialize(serializer),
            Tree::Text(text) => serializer.serialize_str(text),
            Tree::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Tree::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Tree, E> {
        serde_json::Number::from_f64(number).map(Tree::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let mut map: Vec<(String, Tree)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some((name, value)) = members.next_entry::<String, Tree>()? {
            if !seen.insert(name.clone()) {
                return Err(de::Error::custom("a key is repeated"));
            }
            map.push((name, value));
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_key_is_refused_at_any_depth() {
        assert!(Tree::read(r#"{"a":1,"b":{"c":[]}}"#).is_some());
        assert!(Tree::read(r#"{"a":1,"a":1}"#).is_none());
        assert!(Tree::read(r#"{"a":[{"b":1,"b":2}]}"#).is_none());
    }

    #[test]
    fn size_and_depth_are_limited() {
        assert!(Tree::read(&format!("{}{}", "[".repeat(10), "]".repeat(10))).is_some());
        assert!(Tree::read(&format!("{}{}", "[".repeat(11), "]".repeat(11))).is_none());
        assert!(Tree::read(&format!("{}{}", "[".repeat(100_000), "]".repeat(20_000))).is_none());
        assert!(Tree::read(&format!("\"{}\"", "x".repeat(limits::DOCUMENT_CHARS))).is_none());
    }

    #[test]
    fn writing_keeps_the_order_and_drops_the_blanks() {
        let tree = Tree::read("{ \"b\" : [ 1, 2.5, true, null ],\n \"a\":\"x\\\"y\" }").unwrap();
        assert_eq!(serde_json::to_string(&tree).unwrap(), r#"{"b":[1,2.5,true,null],"a":"x\"y"}"#);
    }
}
