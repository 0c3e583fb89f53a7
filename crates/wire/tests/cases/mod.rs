//! The vectors' files as suites, cases and values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use aws::Member;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Value as Json, json};
use wire::model::{Kind, Location, ShapeId, Structure};
use wire::{Model, Protocol, Value};

/// Cases that share a model.
pub struct Suite {
    pub model: &'static Model,
    pub cases: Vec<Case>,
}

/// One case, with its document as it is.
pub struct Case {
    pub id: String,
    pub json: Json,
}

impl Case {
    pub fn operation(&self) -> &str {
        self.json["given"]["name"].as_str().unwrap_or("OperationName")
    }

    pub fn is_error(&self) -> bool {
        self.json.get("error").is_some()
    }
}

fn folder() -> PathBuf {
    match std::env::var_os("LAMBENT_VECTORS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/vectors")),
    }
}

/// The suites of a file; one for each case, for each case brings its own operation.
pub fn suites(direction: &str, file: &str) -> Vec<Suite> {
    let path = folder().join(direction).join(format!("{file}.json"));
    let text = fs::read(&path)
        .unwrap_or_else(|error| panic!("read {}: {error}\ndo: crates/wire/fetch-vectors.sh", path.display()));
    let documents: Vec<Json> = serde_json::from_slice(&text).expect("a vector file is a list");
    let mut suites = Vec::new();
    for document in documents {
        for case in document["cases"].as_array().expect("a suite has cases") {
            suites.push(suite(&document, case.clone()));
        }
    }
    suites
}

fn suite(document: &Json, mut case: Json) -> Suite {
    let name = case["given"]["name"].as_str().unwrap_or("OperationName").to_owned();
    case["given"]["name"] = json!(name);
    let model = json!({
        "metadata": document["metadata"],
        "shapes": document["shapes"],
        "operations": { name: case["given"] },
    });
    let model = Model::parse("vectors", model.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{}: {error}", case["id"]));
    let id = case["id"].as_str().expect("a case has an id").to_owned();
    Suite { model: Box::leak(Box::new(model)), cases: vec![Case { id, json: case }] }
}

/// Cases that are not run, with the reason.
pub fn exceptions() -> BTreeMap<String, String> {
    let text = include_str!("../vectors-exceptions.txt");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(": ").expect("an exception is `case: reason`"))
        .map(|(case, reason)| (case.to_owned(), reason.to_owned()))
        .collect()
}

/// Parameters or a result as a value of a shape.
pub fn value(model: &Model, shape: ShapeId, json: &Json) -> Result<Value, String> {
    let kind = &model.shape(shape).kind;
    let wrong = || format!("{json} is no {}", model.shape(shape).name);
    Ok(match (kind, json) {
        (Kind::Document, json) => Value::Document(json.clone()),
        (_, Json::Null) => Value::Null,
        (Kind::Boolean, Json::Bool(value)) => Value::Bool(*value),
        (Kind::Integer | Kind::Long, json) => Value::Integer(json.as_i64().ok_or_else(wrong)?),
        (Kind::Float, Json::String(text)) => Value::Float(text.parse().map_err(|_| wrong())?),
        (Kind::Float, json) => Value::Float(json.as_f64().ok_or_else(wrong)?),
        (Kind::Timestamp(_), json) => Value::Timestamp(json.as_f64().ok_or_else(wrong)?),
        (Kind::Text, Json::String(text)) => Value::Text(text.clone()),
        (Kind::Blob, Json::String(text)) => Value::Blob(text.clone().into()),
        (Kind::List(items), Json::Array(values)) => {
            Value::List(values.iter().map(|json| value(model, items.shape, json)).collect::<Result<_, _>>()?)
        }
        (Kind::Map(entries), Json::Object(values)) => {
            let entry = |(key, json): (&String, &Json)| Ok((key.clone(), value(model, entries.value, json)?));
            Value::Map(values.iter().map(entry).collect::<Result<_, String>>()?)
        }
        (Kind::Structure(structure), Json::Object(values)) => {
            let mut members = Vec::new();
            for (name, json) in values {
                let member = structure.member(name).ok_or_else(|| format!("no member {name}"))?;
                members.push((name.clone().into(), value(model, member.shape, json)?));
            }
            Value::Structure(members)
        }
        _ => return Err(wrong()),
    })
}

/// The members of an error that a fault can hold: texts and numbers beside the message, in order of name.
pub fn details(case: &Case) -> Vec<(Cow<'static, str>, Member)> {
    let mut details: Vec<(Cow<'static, str>, Member)> = Vec::new();
    for (name, json) in case.json["error"].as_object().into_iter().flatten() {
        let member = match json {
            Json::String(text) => Member::Text(text.clone()),
            Json::Number(number) => Member::Number(number.as_i64().expect("a number of an error is whole")),
            _ => continue,
        };
        if !name.eq_ignore_ascii_case("message") {
            details.push((Cow::Owned(name.clone()), member));
        }
    }
    details.sort_by(|(a, _), (b, _)| a.cmp(b));
    details
}

/// What headers and the query string show of a value: nothing of empty lists and maps, and in a map of all parameters nothing
/// certain of those that have members of their own, for a server sees them there too.
pub fn shown(structure: &Structure, value: Value) -> Value {
    let Value::Structure(mut members) = value else { return value };
    let query =
        |name: &str| structure.members.iter().any(|m| m.location == Location::Query && m.wire_name == name);
    for (name, value) in &mut members {
        let location = structure.member(name).map(|member| member.location);
        if let (Value::Map(entries), Some(Location::Query)) = (&mut *value, location) {
            entries.retain(|(key, _)| !query(key));
        }
        let is_empty = matches!(value, Value::Map(entries) if entries.is_empty())
            || matches!(value, Value::List(values) if values.is_empty());
        if is_empty && matches!(location, Some(Location::Query | Location::Header | Location::Headers)) {
            *value = Value::Null;
        }
    }
    members.retain(|(_, value)| !value.is_null());
    Value::Structure(members)
}

/// The value with members and entries in order of name, without absent members.
pub fn sorted(value: Value) -> Value {
    match value {
        Value::List(values) => Value::List(values.into_iter().map(sorted).collect()),
        Value::Map(mut entries) => {
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Map(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Structure(mut members) => {
            members.retain(|(_, value)| !value.is_null());
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Structure(members.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Document(json) => Value::Document(sorted_json(json)),
        other => other,
    }
}

fn sorted_json(json: Json) -> Json {
    match json {
        Json::Object(object) => {
            let mut entries: Vec<(String, Json)> = object.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Json::Object(entries.into_iter().map(|(key, json)| (key, sorted_json(json))).collect())
        }
        Json::Array(values) => Json::Array(values.into_iter().map(sorted_json).collect()),
        Json::Number(number) => number.as_f64().map_or(Json::Null, |number| json!(number)),
        other => other,
    }
}

/// The path of a target and its parameters in order.
pub fn target(uri: &str) -> (String, Vec<String>) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    // A name without a value is one with an empty value.
    let pairs = pairs(query).into_iter().map(|pair| pair.trim_end_matches('=').to_owned());
    (path.to_owned(), pairs.collect())
}

fn pairs(text: &str) -> Vec<String> {
    let mut pairs: Vec<String> = text.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
    pairs.sort();
    pairs
}

/// The bytes of a body, which CBOR's vectors give in base64.
pub fn bytes(protocol: Protocol, json: &Json) -> Vec<u8> {
    let text = json.as_str().unwrap_or_default();
    match protocol {
        Protocol::Cbor => STANDARD.decode(text).expect("a body is base64"),
        _ => text.as_bytes().to_vec(),
    }
}

/// A body so that what means the same is equal.
pub fn body(protocol: Protocol, bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    match (protocol, serde_json::from_slice::<Json>(bytes)) {
        (Protocol::Query, _) => pairs(&text),
        (Protocol::Cbor, _) if bytes.is_empty() => Vec::new(),
        (Protocol::Cbor, _) => vec![sorted_json(cbor(&mut &bytes[..])).to_string()],
        (Protocol::RestXml, _) => xml(&text),
        (_, Ok(json)) => vec![sorted_json(json).to_string()],
        (_, Err(_)) => vec![text.into_owned()],
    }
}

/// The elements of a document with their attributes and text, each under its path, in order; repeated ones keep theirs.
fn xml(text: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut lines, mut path, mut begun) = (Vec::new(), Vec::new(), false);
    loop {
        let event = reader.read_event();
        let was_begun = std::mem::replace(&mut begun, matches!(event, Ok(Event::Start(_))));
        match event {
            Ok(Event::Start(start)) => {
                path.push(tag(&start));
                lines.push(path.join("/"));
            }
            Ok(Event::Empty(start)) => {
                path.push(tag(&start));
                lines.push(path.join("/"));
                path.pop();
            }
            Ok(Event::End(_)) => drop(path.pop()),
            Ok(Event::Text(text)) => {
                let text = text.xml10_content();
                // Between elements white space means nothing.
                if !text.trim().is_empty() || was_begun && !text.contains('\n') {
                    lines.push(format!("{} = {text}", path.join("/")));
                }
            }
            Ok(Event::GeneralRef(reference)) => lines.push(format!("{} = &{reference:?}", path.join("/"))),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(_) => return vec![text.to_owned()],
        }
    }
    lines.sort();
    lines
}

fn tag(start: &BytesStart<'_>) -> String {
    let mut attributes: Vec<String> = start.attributes().flatten().map(|a| format!("{a:?}")).collect();
    attributes.sort();
    format!("{}{}", start.name().as_ref(), attributes.concat())
}

/// An item of CBOR as JSON: it reads what the vectors have, no more.
fn cbor(rest: &mut &[u8]) -> Json {
    let first = take(rest, 1)[0];
    let (major, info) = (first >> 5, first & 0x1f);
    if major == 7 {
        return match info {
            20 | 21 => json!(info == 21),
            26 => real(f32::from_be_bytes(take(rest, 4).try_into().expect("four bytes")).into()),
            27 => real(f64::from_be_bytes(take(rest, 8).try_into().expect("eight bytes"))),
            _ => Json::Null,
        };
    }
    let length = match info {
        0..=23 => Some(u64::from(info)),
        31 => None,
        _ => Some(take(rest, 1 << (info - 24)).iter().fold(0, |all, byte| all << 8 | u64::from(*byte))),
    };
    let more = |rest: &mut &[u8], done: u64| match length {
        Some(length) => done < length,
        None if rest[0] == 0xff => {
            take(rest, 1);
            false
        }
        None => true,
    };
    match major {
        0 => json!(length),
        1 => json!(-1 - length.map_or(0, |number| number as i64)),
        2 => json!(take(rest, length.expect("blobs are whole") as usize)),
        3 => json!(String::from_utf8_lossy(take(rest, length.expect("texts are whole") as usize))),
        4 => {
            let mut items = Vec::new();
            while more(rest, items.len() as u64) {
                items.push(cbor(rest));
            }
            Json::Array(items)
        }
        5 => {
            let mut entries = serde_json::Map::new();
            while more(rest, entries.len() as u64) {
                let key = cbor(rest).as_str().expect("keys are texts").to_owned();
                entries.insert(key, cbor(rest));
            }
            Json::Object(entries)
        }
        _ => json!({ "tag": length, "value": cbor(rest) }),
    }
}

/// Numbers that JSON lacks are written as words.
fn real(number: f64) -> Json {
    if number.is_finite() { json!(number) } else { json!(number.to_string()) }
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> &'b [u8] {
    let (taken, left) = rest.split_at(length);
    *rest = left;
    taken
}
