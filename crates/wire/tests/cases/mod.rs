//! The vectors' files as suites, cases and values.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value as Json, json};
use wire::model::{Kind, ShapeId};
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

/// A body so that what means the same is equal.
pub fn body(protocol: Protocol, text: &str) -> Vec<String> {
    match (protocol, serde_json::from_str::<Json>(text)) {
        (Protocol::Query, _) => pairs(text),
        (_, Ok(json)) => vec![sorted_json(json).to_string()],
        (_, Err(_)) => vec![text.to_owned()],
    }
}
