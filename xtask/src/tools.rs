//! Tools that are fetched once: a Python environment with the real clients, cargo-deny, protocol vectors.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::process::{cargo, command, output, run, step};

/// The version of cargo-deny that is installed when none is found.
const DENY: &str = "0.20.2";

/// The folder for build products, `target` unless CARGO_TARGET_DIR says otherwise.
pub fn target(root: &Path) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    }
}

/// The Python of an environment that has what `tests/requirements.txt` pins; made on first use and when the pins change.
pub fn python(root: &Path) -> Result<PathBuf, String> {
    let venv = target(root).join("venv");
    let python = venv.join("bin/python");
    let pins = read(&root.join("tests/requirements.txt"))?;
    let stamp = venv.join("lambent-pins");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == pins) && python.exists() {
        return Ok(python);
    }
    step("Python environment with boto3, the AWS CLI and pytest", || {
        run(&mut command(root, "python3", &["-m", "venv", "--clear", text(&venv)?]))?;
        run(&mut command(
            root,
            &python,
            &["-m", "pip", "install", "--quiet", "--no-input", "--requirement", "tests/requirements.txt"],
        ))?;
        fs::write(&stamp, &pins).map_err(|error| format!("write {}: {error}", stamp.display()))
    })?;
    Ok(python)
}

/// Licences, bans and sources of all packages. Advisories need a database from the network and are left out.
pub fn deny(root: &Path) -> Outcome {
    let tool = deny_tool(root)?;
    run(&mut command(
        root,
        tool,
        &["--log-level", "error", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"],
    ))
}

fn deny_tool(root: &Path) -> Result<PathBuf, String> {
    let cached = target(root).join("tools");
    let mut places = vec![cached.join("bin/cargo-deny")];
    let path = std::env::var_os("PATH").unwrap_or_default();
    places.extend(std::env::split_paths(&path).map(|folder| folder.join("cargo-deny")));
    if let Some(home) = std::env::var_os("HOME") {
        places.push(Path::new(&home).join(".cargo/bin/cargo-deny"));
    }
    let works = |tool: &PathBuf| tool.exists() && output(&mut command(root, tool, &["--version"])).is_ok();
    if let Some(found) = places.into_iter().find(works) {
        return Ok(found);
    }
    step("install cargo-deny (two minutes, once)", || {
        // A target folder of its own that is thrown away: its objects are of no use to anyone else.
        let objects = cached.join("objects");
        let mut install = cargo(
            root,
            &["install", "--quiet", "--locked", "--version", DENY, "cargo-deny", "--root", text(&cached)?],
        );
        run(install.env("CARGO_TARGET_DIR", &objects))?;
        fs::remove_dir_all(&objects).map_err(|error| format!("remove {}: {error}", objects.display()))
    })?;
    Ok(cached.join("bin/cargo-deny"))
}

/// Fetches what the tests of `wire` read: the protocol vectors that botocore publishes.
pub fn vectors(root: &Path) -> Outcome {
    let script = root.join("crates/wire/fetch-vectors.sh");
    if !script.exists() {
        return Ok(());
    }
    step("protocol vectors", || run(&mut command(root, "bash", &[text(&script)?])))
}

/// The file's text; the error names the file.
pub fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("read {}: {error}", path.display()))
}

/// The path as text, which command lines need.
pub fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()))
}
