//! Merges the models with their patches, deflates them and writes the index by which `Model` finds them.
//!
//! The index holds what is needed to recognise a request's service, so that a model is inflated and parsed only when a
//! request for it arrives.

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
    for name in names {
        let mut model = read(&models.join(format!("{name}.json")));
        let patch = models.join("patches").join(format!("{name}.json"));
        if patch.exists() {
            merge(&mut model, read(&patch));
        }
        deflate(&out.join(format!("{name}.bin")), &model);
        entry(&mut index, &name, &model["metadata"]);
    }
    index.push_str("];\n");
    fs::write(out.join("index.rs"), index).expect("write index.rs");
    deflate(&out.join("patterns.bin"), &read(&models.join("patches/patterns.json")));
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

fn deflate(path: &Path, model: &Value) {
    let text = serde_json::to_vec(model).expect("a JSON value can be written");
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&text).expect("write to memory");
    fs::write(path, encoder.finish().expect("write to memory")).expect("write to OUT_DIR");
}

fn entry(index: &mut String, name: &str, metadata: &Value) {
    let text = |key: &str| metadata[key].as_str().unwrap_or_default();
    let signing_name = match text("signingName") {
        "" => text("endpointPrefix"),
        name => name,
    };
    let rest = text("protocol").starts_with("rest-");
    writeln!(
        index,
        "Entry {{ name: {name:?}, signing_name: {signing_name:?}, target_prefix: {:?}, api_version: {:?}, rest: {rest}, \
         bytes: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.bin\")), model: OnceLock::new() }},",
        text("targetPrefix"),
        text("apiVersion"),
    )
    .expect("write to memory");
}
