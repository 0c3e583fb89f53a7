//! The arrows between our crates: every Cargo.toml against `layers.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::tools::read;

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Complains about arrows that `layers.toml` does not list, and about crates that it does not know.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let allowed = parse_layers(&read(&root.join("layers.toml"))?)?;
    let mut actual = Arrows::new();
    for manifest in manifests(root)? {
        let (name, needs) = parse_manifest(&read(&manifest)?);
        actual.insert(name, needs);
    }
    Ok(compare(&allowed, &actual))
}

/// The manifests of all members, `crates/*`, `fuzz` and `xtask`.
pub fn manifests(root: &Path) -> Result<Vec<std::path::PathBuf>, String> {
    let crates = root.join("crates");
    let mut found = vec![root.join("fuzz/Cargo.toml"), root.join("xtask/Cargo.toml")];
    for entry in fs::read_dir(&crates).map_err(|error| format!("list {}: {error}", crates.display()))? {
        let manifest = entry.map_err(|error| format!("list crates: {error}"))?.path().join("Cargo.toml");
        if manifest.exists() {
            found.push(manifest);
        }
    }
    found.sort();
    Ok(found)
}

fn compare(allowed: &Arrows, actual: &Arrows) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, needs) in actual {
        let Some(may) = allowed.get(name) else {
            complaints.push(format!("layers.toml: crate {name} has no line"));
            continue;
        };
        for need in needs.iter().filter(|need| actual.contains_key(*need) && !may.contains(*need)) {
            complaints.push(format!("layers.toml: {name} may not name {need}"));
        }
    }
    complaints
}

/// Reads lines of the form `name = ["a", "b"]`.
fn parse_layers(text: &str) -> Result<Arrows, String> {
    let mut arrows = Arrows::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let wrong = || format!("layers.toml:{}: not of the form name = [\"a\", \"b\"]", number + 1);
        let (name, list) = line.split_once('=').ok_or_else(wrong)?;
        let list = list.trim().strip_prefix('[').and_then(|list| list.strip_suffix(']')).ok_or_else(wrong)?;
        let names = list.split(',').map(|item| item.trim().trim_matches('"').to_owned());
        arrows.insert(name.trim().to_owned(), names.filter(|item| !item.is_empty()).collect());
    }
    Ok(arrows)
}

/// The package's name and everything that its dependency tables name, whatever the form.
pub fn parse_manifest(text: &str) -> (String, BTreeSet<String>) {
    let (mut name, mut needs) = (String::new(), BTreeSet::new());
    let mut section = String::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = header.trim_matches(['[', ']']).to_owned();
            // `[dependencies.x]` names x by its header.
            if let Some((table, need)) = section.rsplit_once('.')
                && table.ends_with("dependencies")
            {
                needs.insert(need.to_owned());
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim();
        if section == "package" && key == "name" {
            name = value.trim().trim_matches('"').to_owned();
        }
        if section.ends_with("dependencies") {
            needs.insert(key.split('.').next().unwrap_or(key).to_owned());
        }
    }
    (name, needs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(lines: &[(&str, &[&str])]) -> Arrows {
        lines
            .iter()
            .map(|(name, needs)| ((*name).to_owned(), needs.iter().map(|need| (*need).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn a_manifest_gives_its_name_and_needs_in_every_form() {
        let text = "[package]\nname = \"wire\"\nversion.workspace = true\n[dependencies]\naws.workspace = true\n\
                    bytes = \"1\" # why\n[dev-dependencies]\ntasks = { path = \"../tasks\" }\n\
                    [target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n[dependencies.store]\nworkspace = true\n\
                    [[bin]]\nname = \"x\"\n";
        let (name, needs) = parse_manifest(text);
        assert_eq!(name, "wire");
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        assert_eq!(needs, ["aws", "bytes", "libc", "store", "tasks"]);
    }

    #[test]
    fn an_arrow_that_is_not_listed_is_a_complaint() {
        let allowed = arrows(&[("aws", &[]), ("wire", &["aws"])]);
        let actual = arrows(&[("aws", &["wire", "bytes"]), ("wire", &["aws"]), ("new", &[])]);
        assert_eq!(
            compare(&allowed, &actual),
            ["layers.toml: aws may not name wire", "layers.toml: crate new has no line"]
        );
    }

    #[test]
    fn layers_are_read_with_comments_and_a_wrong_line_is_named() {
        let read = parse_layers("# top\naws = []\nwire = [\"aws\", \"tasks\"] # why\n").unwrap();
        assert_eq!(read, arrows(&[("aws", &[]), ("wire", &["aws", "tasks"])]));
        assert!(parse_layers("aws = []\nwire: aws\n").unwrap_err().starts_with("layers.toml:2:"));
    }
}
