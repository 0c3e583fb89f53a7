//! Names that say nothing.

use super::Source;
use super::scan::{line_of, mask, words};

/// Words that no type may carry: they say that a thing is a thing.
const TYPE_WORDS: [&str; 9] =
    ["Manager", "Helper", "Helpers", "Util", "Utils", "Common", "Base", "Info", "Impl"];
/// `Data` alone as a word; inside a longer word such as `Database` it means something.
const DATA: &str = "Data";
/// Names that no module or crate may have.
const MODULES: [&str; 6] = ["common", "types", "util", "utils", "helper", "helpers"];

/// Complains about types and modules with empty names.
pub fn check(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        if source.path.ends_with(".rs") {
            complaints.extend(in_source(source));
        }
        let stem = source.path.rsplit('/').next().unwrap_or_default();
        let stem = stem.split('.').next().unwrap_or_default();
        let crate_name = source.path.strip_prefix("crates/").and_then(|path| path.split('/').next());
        if MODULES.contains(&stem) || crate_name.is_some_and(|name| MODULES.contains(&name)) {
            complaints.push(format!("{}: name it after what is in it", source.path));
        }
    }
    complaints
}

fn in_source(source: &Source) -> Vec<String> {
    let masked = mask(&source.text);
    let mut complaints = Vec::new();
    let mut keyword = "";
    for (at, word) in words(&masked) {
        let bad = match keyword {
            "struct" | "enum" | "trait" | "union" => camel_words(word).any(is_empty_word),
            // Inside an impl the trait chose the name.
            "type" => starts_its_line(&masked, at) && camel_words(word).any(is_empty_word),
            "mod" => MODULES.contains(&word),
            _ => false,
        };
        if bad {
            complaints.push(format!("{}:{}: {word} says nothing", source.path, line_of(&masked, at)));
        }
        keyword = word;
    }
    complaints
}

/// True when the line of this word begins without a blank.
fn starts_its_line(masked: &str, at: usize) -> bool {
    let line = masked[..at].rfind('\n').map_or(0, |end| end + 1);
    !masked[line..].starts_with([' ', '\t'])
}

fn is_empty_word(word: &str) -> bool {
    word == DATA || TYPE_WORDS.contains(&word)
}

/// `QueueManager` as `Queue`, `Manager`.
fn camel_words(name: &str) -> impl Iterator<Item = &str> {
    let mut starts: Vec<usize> =
        name.char_indices().filter(|(_, c)| c.is_ascii_uppercase()).map(|(at, _)| at).collect();
    starts.push(name.len());
    let pairs: Vec<(usize, usize)> = starts.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.into_iter().map(move |(from, to)| &name[from..to])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_names_are_found_and_full_ones_pass() {
        let text = "struct QueueManager;\nenum Information {}\npub trait StoreImpl {}\nstruct Database;\n\
                    type RowData = u8;\nimpl Body for X {\n    type Data = u8;\n}\nmod util;\ntype Data = u8;\n\
                    mod tests { struct Helper; }\n// struct BaseThing\n";
        let source = Source { path: "crates/a/src/x.rs".into(), text: text.into() };
        assert_eq!(
            check(&[source]),
            [
                "crates/a/src/x.rs:1: QueueManager says nothing",
                "crates/a/src/x.rs:3: StoreImpl says nothing",
                "crates/a/src/x.rs:5: RowData says nothing",
                "crates/a/src/x.rs:9: util says nothing",
                "crates/a/src/x.rs:10: Data says nothing",
                "crates/a/src/x.rs:11: Helper says nothing",
            ]
        );
    }

    #[test]
    fn files_and_crates_with_empty_names_are_found() {
        let source = |path: &str| Source { path: path.into(), text: String::new() };
        assert_eq!(check(&[source("crates/common/src/a.rs"), source("crates/a/src/utils.rs")]).len(), 2);
        assert!(check(&[source("crates/a/src/queue.rs")]).is_empty());
    }
}
