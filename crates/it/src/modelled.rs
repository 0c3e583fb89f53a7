//! Between a scenario's JSON and the model's values.

use std::borrow::Cow;
use std::io::{Cursor, Write};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value as Json, json};
use wire::model::{Kind, ShapeId};
use wire::{Model, Value};
use zip::write::SimpleFileOptions;

/// A scenario's input as the model's value. Names and kinds that the model does not have are errors of the scenario.
pub fn read(model: &'static Model, shape: ShapeId, json: &Json) -> anyhow::Result<Value> {
    let shape = model.shape(shape);
    let wrong = || format!("{json} is no {}", shape.name);
    Ok(match &shape.kind {
        Kind::Boolean => Value::Bool(json.as_bool().with_context(wrong)?),
        Kind::Integer | Kind::Long => Value::Integer(json.as_i64().with_context(wrong)?),
        Kind::Float => Value::Float(json.as_f64().with_context(wrong)?),
        Kind::Timestamp(_) => Value::Timestamp(json.as_f64().with_context(wrong)?),
        Kind::Text => Value::Text(json.as_str().with_context(wrong)?.to_owned()),
        Kind::Blob => Value::Blob(blob(json)?),
        Kind::Document => Value::Document(json.clone()),
        Kind::List(items) => {
            let list = json.as_array().with_context(wrong)?;
            Value::List(
                list.iter().map(|item| read(model, items.shape, item)).collect::<anyhow::Result<_>>()?,
            )
        }
        Kind::Map(entries) => {
            let mut map = Vec::new();
            for (name, value) in json.as_object().with_context(wrong)? {
                map.push((name.clone(), read(model, entries.value, value)?));
            }
            Value::Map(map)
        }
        Kind::Structure(structure) => {
            let mut members = Vec::new();
            for (name, value) in json.as_object().with_context(wrong)? {
                let member =
                    structure.member(name).with_context(|| format!("{} has no member {name}", shape.name))?;
                members.push((Cow::Borrowed(member.name.as_str()), read(model, member.shape, value)?));
            }
            Value::Structure(members)
        }
    })
}

fn blob(json: &Json) -> anyhow::Result<Bytes> {
    if let Some(text) = json.get("text").and_then(Json::as_str) {
        return Ok(Bytes::from(text.to_owned()));
    }
    if let Some(document) = json.get("json") {
        return Ok(Bytes::from(document.to_string()));
    }
    if let Some(files) = json.get("zip").and_then(Json::as_object) {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer.start_file(name.as_str(), SimpleFileOptions::default().unix_permissions(0o755))?;
            writer.write_all(content.as_str().context("a file's content is text")?.as_bytes())?;
        }
        return Ok(Bytes::from(writer.finish()?.into_inner()));
    }
    if let Some(text) = json.get("base64").and_then(Json::as_str) {
        return Ok(Bytes::from(STANDARD.decode(text)?));
    }
    bail!("{json} is no blob: text, json, zip or base64")
}

/// An answer as JSON: blobs that hold JSON or text show as such.
pub fn write(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => json!(flag),
        Value::Integer(number) => json!(number),
        Value::Float(number) | Value::Timestamp(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Blob(bytes) => write_blob(bytes),
        Value::Body(stream) => stream.whole().map_or(Json::Null, write_blob),
        Value::Events(events) => {
            let (events, fault) = events.clone().already();
            let fault = fault.map(|fault| json!({ "fault": fault.to_string() }));
            Json::Array(events.iter().map(write).chain(fault).collect())
        }
        Value::List(items) => Json::Array(items.iter().map(write).collect()),
        Value::Map(entries) => Json::Object(entries.iter().map(|(k, v)| (k.clone(), write(v))).collect()),
        Value::Structure(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.to_string(), write(value))).collect())
        }
        Value::Document(document) => document.clone(),
    }
}

fn write_blob(bytes: &Bytes) -> Json {
    match serde_json::from_slice::<Json>(bytes) {
        Ok(document) => json!({ "json": document }),
        Err(_) => match std::str::from_utf8(bytes) {
            Ok(text) => json!({ "text": text }),
            Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
        },
    }
}
