//! How long files and functions may be. What is over is listed in `xtask/ratchet.txt`, which may only shrink.

use std::collections::BTreeMap;
use std::path::Path;

use super::Source;
use super::scan::{functions, mask};
use crate::tools::read;

/// Lines of a file.
const FILE: usize = 600;
/// Lines of a function.
const FUNCTION: usize = 60;

/// Complains about what is longer than allowed, and about lines of the ratchet that are no longer true.
pub fn check(root: &Path, sources: &[Source]) -> Result<Vec<String>, String> {
    let ratchet = parse(&read(&root.join("xtask/ratchet.txt"))?)?;
    let mut long = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.path.ends_with(".toml")) {
        measure(source, &mut long);
    }
    Ok(compare(&ratchet, &long))
}

/// Adds what is too long in one file: `path` or `path::function` with its lines.
fn measure(source: &Source, long: &mut BTreeMap<String, usize>) {
    let lines = source.text.lines().count();
    if lines > FILE {
        long.insert(source.path.clone(), lines);
    }
    if !source.path.ends_with(".rs") {
        return;
    }
    for function in functions(&mask(&source.text)) {
        if function.lines > FUNCTION {
            let longest = long.entry(format!("{}::{}", source.path, function.name)).or_default();
            *longest = function.lines.max(*longest);
        }
    }
}

fn compare(ratchet: &BTreeMap<String, usize>, long: &BTreeMap<String, usize>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (what, lines) in long {
        let allowed = if what.contains("::") { FUNCTION } else { FILE };
        match ratchet.get(what) {
            None => complaints.push(format!("{what}: {lines} lines, allowed are {allowed}")),
            Some(listed) if lines > listed => {
                complaints
                    .push(format!("{what}: grew from {listed} to {lines} lines, allowed are {allowed}"));
            }
            Some(listed) if lines < listed => {
                complaints.push(format!("xtask/ratchet.txt: {what} shrank to {lines} lines; write that"));
            }
            Some(_) => {}
        }
    }
    for what in ratchet.keys().filter(|what| !long.contains_key(*what)) {
        complaints.push(format!("xtask/ratchet.txt: {what} is short enough; take the line out"));
    }
    complaints
}

/// Reads lines of the form `path[::function] lines`.
fn parse(text: &str) -> Result<BTreeMap<String, usize>, String> {
    let mut listed = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (what, lines) = line
            .rsplit_once(' ')
            .and_then(|(what, lines)| Some((what.trim(), lines.parse().ok()?)))
            .ok_or_else(|| format!("xtask/ratchet.txt: not of the form PATH LINES: {line}"))?;
        listed.insert(what.to_owned(), lines);
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratchet_only_turns_one_way() {
        let ratchet = parse("# why\na.rs 700\nb.rs::f 90\nc.rs 650\nd.rs 601\n").unwrap();
        let long = BTreeMap::from([
            ("a.rs".to_owned(), 701),
            ("b.rs::f".to_owned(), 80),
            ("d.rs".to_owned(), 601),
            ("e.rs::g".to_owned(), 61),
        ]);
        assert_eq!(
            compare(&ratchet, &long),
            [
                "a.rs: grew from 700 to 701 lines, allowed are 600",
                "xtask/ratchet.txt: b.rs::f shrank to 80 lines; write that",
                "e.rs::g: 61 lines, allowed are 60",
                "xtask/ratchet.txt: c.rs is short enough; take the line out",
            ]
        );
    }

    #[test]
    fn long_files_and_functions_are_measured() {
        let body = "    x;\n".repeat(60);
        let text = format!("fn short() {{}}\nfn long() {{\n{body}}}\n{}", "\n".repeat(600));
        let mut long = BTreeMap::new();
        measure(&Source { path: "a.rs".into(), text }, &mut long);
        assert_eq!(long, BTreeMap::from([("a.rs".to_owned(), 663), ("a.rs::long".to_owned(), 62)]));
    }
}
