//! Words that do not stay in a finished file: open ends, skipped tests, sleeping tests.

use super::Source;
use super::scan::{line_of, mask, test_ranges};

/// Marks of unfinished work, wherever they stand. Split, so that this file does not complain about itself.
const OPEN_ENDS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
/// Ways to sleep in Rust that need no clock of ours.
const SLEEPS: [&str; 2] = ["thread::sleep(", "time::sleep("];
/// Functions for acceptance tests: what they do inside a sandbox, sleeping included, is what is tested.
const FUNCTIONS: &str = "tests/functions/";

/// Complains about each such word with its line.
pub fn check(sources: &[Source]) -> Vec<String> {
    sources.iter().flat_map(in_source).collect()
}

fn in_source(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let place = format!("{}:{}", source.path, index + 1);
        for mark in OPEN_ENDS.iter().filter(|mark| holds_word(line, mark)) {
            complaints.push(format!("{place}: {mark}: do it now or open an issue"));
        }
        let sleeps = source.path.starts_with("tests/") && !source.path.starts_with(FUNCTIONS);
        if sleeps && source.path.ends_with(".py") && line.contains(concat!("time.", "sleep(")) {
            complaints.push(format!("{place}: a test waits for the thing itself, not for time"));
        }
    }
    if source.path.ends_with(".rs") {
        complaints.extend(in_rust(source));
    }
    complaints
}

fn in_rust(source: &Source) -> Vec<String> {
    let masked = mask(&source.text);
    let mut complaints = Vec::new();
    let ignored = masked.match_indices("#[ignore").map(|(at, _)| (at, "a test that is skipped is no test"));
    let ranges = test_ranges(&masked);
    let all_test = source.path.contains("/tests/") || source.path.starts_with("crates/it/");
    let sleeps = SLEEPS
        .iter()
        .flat_map(|sleep| masked.match_indices(sleep))
        .filter(|(at, _)| all_test || ranges.iter().any(|range| range.contains(at)))
        .map(|(at, _)| (at, "a test waits for the thing itself, not for time"));
    for (at, what) in ignored.chain(sleeps) {
        complaints.push(format!("{}:{}: {what}", source.path, line_of(&masked, at)));
    }
    complaints
}

fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> usize {
        check(&[Source { path: path.into(), text: text.into() }]).len()
    }

    #[test]
    fn open_ends_are_found_in_code_and_comments() {
        let open = OPEN_ENDS[0];
        assert_eq!(complaints("crates/a/src/a.rs", &format!("// {open}: later\nlet x = 1;\n")), 1);
        assert_eq!(complaints("crates/a/src/a.rs", &format!("let {open}LIST = 1;\n")), 0);
    }

    #[test]
    fn skipped_and_sleeping_tests_are_found() {
        let sleeping =
            "fn a() { thread::sleep(x); }\n#[cfg(test)]\nmod tests { fn b() { thread::sleep(x); } }\n";
        assert_eq!(complaints("crates/a/src/a.rs", sleeping), 1);
        assert_eq!(complaints("crates/a/tests/a.rs", sleeping), 2);
        assert_eq!(complaints("crates/a/src/a.rs", "#[ignore]\nfn a() {}\n// #[ignore]\n"), 1);
        let python = concat!("time.", "sleep(1)\n");
        assert_eq!(complaints("tests/test_a.py", python), 1);
        assert_eq!(complaints("tests/functions/slow/app.py", python), 0);
    }
}
