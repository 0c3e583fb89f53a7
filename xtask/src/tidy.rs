//! `tidy`: the rules of the house that a machine can check, as one list of complaints.
//!
//! It also runs as a test of this package, so that `cargo test` alone keeps the house tidy.

mod documents;
mod layers;
mod names;
mod scan;
mod sizes;
mod words;

use std::fs;
use std::path::Path;

use crate::{Outcome, only};

/// A file of ours with its text.
pub struct Source {
    /// The path below the top of the checkout, with slashes.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Prints every complaint; an error when there is one.
pub fn run(root: &Path, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    let complaints = complaints(root)?;
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        count => Err(format!("{count} complaints")),
    }
}

/// Everything that is not as the house wants it, each as `place: what and what instead`.
pub fn complaints(root: &Path) -> Result<Vec<String>, String> {
    let sources = sources(root)?;
    let mut complaints = layers::check(root)?;
    complaints.extend(sizes::check(root, &sources)?);
    complaints.extend(names::check(&sources));
    complaints.extend(words::check(&sources));
    complaints.extend(documents::check(root)?);
    complaints.sort();
    Ok(complaints)
}

/// Folders that hold what people write. `models` is data, `target` is built.
const PLACES: [&str; 7] = ["crates", "fuzz", "xtask", "tests", "runtimes", "examples", ".ci"];

/// Endings that are read as text.
const ENDINGS: [&str; 6] = ["rs", "py", "sh", "toml", "js", "mjs"];

fn sources(root: &Path) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    for place in PLACES {
        collect(root, &root.join(place), &mut sources)?;
    }
    Ok(sources)
}

fn collect(root: &Path, folder: &Path, into: &mut Vec<Source>) -> Outcome {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(|error| format!("list {}: {error}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() {
            if !is_generated(&name) {
                collect(root, &path, into)?;
            }
            continue;
        }
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if !ENDINGS.contains(&ending.as_str()) {
            continue;
        }
        // Another program may be writing the tree; what vanished or is half a character is not ours to judge.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        into.push(Source { path, text });
    }
    Ok(())
}

/// Folders that nobody edits.
fn is_generated(folder: &str) -> bool {
    ["generated", "__pycache__", "target", "vectors", "node_modules"].contains(&folder)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        let complaints = super::complaints(&crate::root()).expect("the checkout can be read");
        assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    }
}
