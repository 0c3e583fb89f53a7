//! Writes the typed contract of the operations that `models/operations.toml` lists, and the page of what is covered.
//!
//! ```text
//! generate            writes crates/api/src/generated/ and docs/coverage.md
//! generate --check    exits with 1 and names the files that are stale
//! ```
//!
//! It runs in the root of the workspace. The output depends on the models and `operations.toml` alone.

mod contract;
mod coverage;
mod names;
mod rust;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use wire::Model;

/// What `operations.toml` says about one service.
#[derive(Deserialize)]
struct Listed {
    operations: Vec<String>,
    #[serde(default)]
    actions: BTreeMap<String, String>,
}

const CONTRACT: &str = "crates/api/src/generated";
const COVERAGE: &str = "docs/coverage.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => files().and_then(|files| write(&files)),
        ["--check"] => files().and_then(|files| check(&files)),
        _ => Err(anyhow::anyhow!("usage: generate [--check]")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Every generated file with its text.
fn files() -> Result<Vec<(PathBuf, String)>> {
    let text = fs::read_to_string("models/operations.toml").context("read models/operations.toml")?;
    let listed: BTreeMap<String, Listed> = toml::from_str(&text).context("parse models/operations.toml")?;
    let mut files = Vec::new();
    for (service, listed) in &listed {
        let Some(model) = Model::named(service) else {
            bail!("operations.toml names {service}, which has no model")
        };
        for name in listed.operations.iter().chain(listed.actions.keys()) {
            ensure!(model.operation(name).is_some(), "{service} has no operation {name}");
        }
        let text = contract::module(model, &listed.operations, &listed.actions)?;
        files.push((Path::new(CONTRACT).join(format!("{service}.rs")), formatted(&text)?));
    }
    let services: Vec<&str> = listed.keys().map(String::as_str).collect();
    files.push((Path::new(CONTRACT).join("mod.rs"), formatted(&rust::modules(&services))?));
    let operations = |service: &str| listed.get(service).map_or(&[][..], |listed| &listed.operations);
    files.push((PathBuf::from(COVERAGE), coverage::page(&operations)));
    Ok(files)
}

fn formatted(text: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path", "rustfmt.toml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start rustfmt")?;
    let mut input = rustfmt.stdin.take().context("rustfmt has a standard input")?;
    let text = text.to_owned();
    let feed = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = rustfmt.wait_with_output().context("wait for rustfmt")?;
    feed.join()
        .map_err(|_| anyhow::anyhow!("the thread that feeds rustfmt failed"))?
        .context("feed rustfmt")?;
    ensure!(output.status.success(), "rustfmt refuses the generated code");
    String::from_utf8(output.stdout).context("rustfmt writes UTF-8")
}

fn write(files: &[(PathBuf, String)]) -> Result<()> {
    for (path, text) in files {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        }
        if fs::read_to_string(path).is_ok_and(|before| before == *text) {
            continue;
        }
        fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    for path in leftovers(files)? {
        fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        println!("removed {}", path.display());
    }
    Ok(())
}

fn check(files: &[(PathBuf, String)]) -> Result<()> {
    let mut stale = leftovers(files)?;
    for (path, text) in files {
        if !fs::read_to_string(path).is_ok_and(|before| before == *text) {
            stale.push(path.clone());
        }
    }
    let names: Vec<String> = stale.iter().map(|path| path.display().to_string()).collect();
    ensure!(stale.is_empty(), "stale: {}\ndo: cargo x api", names.join(", "));
    Ok(())
}

/// Generated modules of services that are no longer listed.
fn leftovers(files: &[(PathBuf, String)]) -> Result<Vec<PathBuf>> {
    let mut leftovers = Vec::new();
    let Ok(folder) = fs::read_dir(CONTRACT) else { return Ok(leftovers) };
    for file in folder {
        let path = file.with_context(|| format!("list {CONTRACT}"))?.path();
        if !files.iter().any(|(known, _)| *known == path) {
            leftovers.push(path);
        }
    }
    Ok(leftovers)
}
