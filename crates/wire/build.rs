//! Merges the models with their patches, deflates them and writes the index by which `Model` finds them.
//!
//! The index holds what is needed to recognise a request's service, so that a model is inflated and parsed only when a
//! request for it arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

fn main() {
    let models = PathBuf::from("../../models");
    println!("cargo:rerun-if-changed={}", models.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let names = services(&models);
    let mut index = format!("static INDEX: [Entry; {}] = [\n", names.len());
    let (mut signed, mut hosted) = (Places::new(), Places::new());
    for (place, name) in names.iter().enumerate() {
        let mut model = read(&models.join(format!("{name}.json")));
        let patch = models.join("patches").join(format!("{name}.json"));
        if patch.exists() {
            merge(&mut model, read(&patch));
        }
        let inflated_bytes = deflate(&out.join(format!("{name}.bin")), &model);
        signed.entry(signing_name(&model)).or_default().push(place);
        hosted.entry(text(&model, "endpointPrefix").to_owned()).or_default().push(place);
        entry(&mut index, name, &model, inflated_bytes);
    }
    index.push_str("];\n");
    places(&mut index, "SIGNED", &signed);
    places(&mut index, "HOSTED", &hosted);
    fs::write(out.join("index.rs"), index).expect("write index.rs");
    deflate(&out.join("patterns.bin"), &read(&models.join("patches/patterns.json")));
}

/// Places in the index by a name that several services may share.
type Places = BTreeMap<String, Vec<usize>>;

fn places(index: &mut String, table: &str, places: &Places) {
    writeln!(index, "static {table}: [(&str, &[usize]); {}] = [", places.len()).expect("write to memory");
    for (name, places) in places {
        writeln!(index, "({name:?}, &{places:?}),").expect("write to memory");
    }
    index.push_str("];\n");
}

fn services(models: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for file in fs::read_dir(models).expect("models/ exists") {
        let path = file.expect("models/ can be listed").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            names.push(path.file_stem().expect("a file has a name").to_string_lossy().into_owned());
        }
    }
    names.sort();
    names
}

fn read(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("parse {}: {error}", path.display()))
}

/// JSON merge patch, RFC 7396.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let target = target.as_object_mut().expect("made an object above");
    for (key, value) in patch {
        if value.is_null() {
            target.remove(&key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// Writes the compressed model; the size of what was compressed.
fn deflate(path: &Path, model: &Value) -> usize {
    let text = serde_json::to_vec(model).expect("a JSON value can be written");
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&text).expect("write to memory");
    fs::write(path, encoder.finish().expect("write to memory")).expect("write to OUT_DIR");
    text.len()
}

fn text<'a>(model: &'a Value, key: &str) -> &'a str {
    model["metadata"][key].as_str().unwrap_or_default()
}

fn signing_name(model: &Value) -> String {
    match text(model, "signingName") {
        "" => text(model, "endpointPrefix"),
        name => name,
    }
    .to_owned()
}

fn entry(index: &mut String, name: &str, model: &Value, inflated_bytes: usize) {
    writeln!(
        index,
        "Entry {{ name: {name:?}, endpoint_prefix: {:?}, target_prefix: {:?}, api_version: {:?}, \
         protocols: &[{}], heads: &{:?}, bytes: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.bin\")), \
         inflated_bytes: {inflated_bytes}, model: OnceLock::new() }},",
        text(model, "endpointPrefix"),
        text(model, "targetPrefix"),
        text(model, "apiVersion"),
        protocols(model).join(", "),
        heads(model),
    )
    .expect("write to memory");
}

/// The protocols as variants of `Protocol`, the preferred one first.
fn protocols(model: &Value) -> Vec<&'static str> {
    let listed = model["metadata"]["protocols"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut protocols = Vec::new();
    for protocol in [text(model, "protocol")].into_iter().chain(listed) {
        let variant = match (protocol, text(model, "jsonVersion")) {
            ("rest-json", _) => "Protocol::RestJson",
            ("rest-xml", _) => "Protocol::RestXml",
            ("json", "1.0") => "Protocol::Json10",
            ("json", _) => "Protocol::Json11",
            ("query", _) => "Protocol::Query",
            ("smithy-rpc-v2-cbor", _) => "Protocol::Cbor",
            (other, _) => panic!("protocol {other} is not spoken"),
        };
        if !protocols.contains(&variant) {
            protocols.push(variant);
        }
    }
    protocols
}

/// The first segments of a REST service's paths, sorted, without labels.
fn heads(model: &Value) -> Vec<&str> {
    if !text(model, "protocol").starts_with("rest-") {
        return Vec::new();
    }
    let operations = model["operations"].as_object().into_iter().flat_map(|operations| operations.values());
    let paths = operations.filter_map(|operation| operation["http"]["requestUri"].as_str());
    let heads = paths.map(|path| path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default());
    heads
        .filter(|head| !head.is_empty() && !head.starts_with('{'))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}
