//! Patterns of the models: Java's regular expressions, run by the `regex` crate.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::{LazyLock, OnceLock};

use flate2::read::DeflateDecoder;
use regex::{Regex, RegexBuilder};

/// A pattern that is compiled when first needed and matches whole strings.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

/// Memory that one compiled pattern may take. Long bounded repetitions with Unicode classes need megabytes.
const COMPILED_BYTES: usize = 32 * 1024 * 1024;

impl Pattern {
    pub(super) fn new(text: String) -> Pattern {
        Pattern { text, compiled: OnceLock::new() }
    }

    /// The pattern as messages print it: without anchors.
    pub fn text(&self) -> &str {
        let text = self.text.strip_prefix('^').unwrap_or(&self.text);
        match text.strip_suffix('$') {
            Some(shorter) if !shorter.ends_with('\\') => shorter,
            _ => text,
        }
    }

    /// True when the whole value matches. A pattern that cannot be compiled refuses nothing; a test knows that there is none.
    pub fn matches(&self, value: &str) -> bool {
        self.regex().is_none_or(|regex| regex.is_match(value))
    }

    /// True when the pattern can be run.
    pub fn is_supported(&self) -> bool {
        self.regex().is_some()
    }

    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&self.text)).as_ref()
    }
}

fn compile(text: &str) -> Option<Regex> {
    let text = REWRITTEN.get(text).map_or(text, String::as_str);
    let text = format!(r"\A(?:{})\z", ascii_classes(text));
    RegexBuilder::new(&text).size_limit(COMPILED_BYTES).build().ok()
}

/// Patterns with lookaround and their equals without it, from `models/patches/patterns.json`.
static REWRITTEN: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let bytes = include_bytes!(concat!(env!("OUT_DIR"), "/patterns.bin"));
    let mut text = Vec::new();
    DeflateDecoder::new(&bytes[..]).read_to_end(&mut text).expect("the build deflated it");
    serde_json::from_slice(&text).expect("the build wrote a map of strings")
});

/// Java's `\d`, `\w` and `\s` know ASCII only, those of `regex` all of Unicode.
fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut in_class = false;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '[' => in_class = true,
            ']' => in_class = false,
            '\\' => {
                let Some(escaped) = chars.next() else { break };
                match class(escaped) {
                    Some((inside, false)) if in_class => out.push_str(inside),
                    Some((inside, negated)) => {
                        out.push_str(if negated { "[^" } else { "[" });
                        out.push_str(inside);
                        out.push(']');
                    }
                    None => {
                        out.push('\\');
                        out.push(escaped);
                    }
                }
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

fn class(escaped: char) -> Option<(&'static str, bool)> {
    const DIGIT: &str = "0-9";
    const WORD: &str = "a-zA-Z0-9_";
    const SPACE: &str = r" \t\n\x0B\x0C\r";
    match escaped {
        'd' => Some((DIGIT, false)),
        'D' => Some((DIGIT, true)),
        'w' => Some((WORD, false)),
        'W' => Some((WORD, true)),
        's' => Some((SPACE, false)),
        'S' => Some((SPACE, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_values_with_ascii_digits() {
        let pattern = Pattern::new(r"^\d{2}[\w-]*$".to_owned());
        assert_eq!(pattern.text(), r"\d{2}[\w-]*");
        for (value, expected) in
            [("12ab-", true), ("1a", false), ("\u{664}\u{664}", false), ("12 x", false), ("12\n", false)]
        {
            assert_eq!(pattern.matches(value), expected, "{value:?}");
        }
    }

    #[test]
    fn an_escaped_dollar_is_no_anchor() {
        assert_eq!(Pattern::new(r"a\$".to_owned()).text(), r"a\$");
    }

    #[test]
    fn a_negated_class_may_stand_in_a_class() {
        assert!(Pattern::new(r"[\s\S]*".to_owned()).matches("any\nthing \u{e9}"));
    }

    #[test]
    fn rewritten_patterns_match_what_the_models_mean() {
        let cases: [(&str, &str, &[&str], &[&str]); 9] = [
            ("ssm", "AlarmName", &["a", " a "], &["", " ", "\t ", "a\nb"]),
            ("stepfunctions", "CharacterRestrictedName", &["a", "1-", "1.2", "_"], &["", "12", "a b"]),
            (
                "scheduler",
                "Source",
                &["my.app", "a", "aw", "aws", "awsome", "abc", "$.a[0].b", "$"],
                &["", "aws.events", "!x", "$.a b"],
            ),
            ("pipes", "EventBridgeEventSource", &["my.app", "aws.x", "$.a", " a"], &["", "!", "\n"]),
            ("dynamodb", "AutoScalingPolicyName", &["a b~"], &["", "\u{e9}", "\t"]),
            ("dynamodb", "AutoScalingRoleArn", &["", "a\r\n\t\u{1f600}"], &["\u{1}", "\u{ffff}"]),
            (
                "ssm",
                "CloudConnectorIamRoleArn",
                &["arn:aws:iam::111122223333:role/a/b-c@d"],
                &["arn:aws:iam::111122223333:role/", "arn:aws:iam::1:role/a"],
            ),
            (
                "ssm",
                "StringDateTime",
                &[
                    "2024",
                    "2024-02",
                    "2024-02-29",
                    "20240229",
                    "2024-W05-1",
                    "2024-060",
                    "2024-02-29T10:11:12Z",
                    "2024-02-29 10:11:12.5-07:30",
                    "20240229T101112z",
                    "2024-02-29T24:00",
                ],
                &["", "24", "202402", "2024-13", "2024-02-29T10:1112", "2024-02-29T10:11.5:12", "x"],
            ),
            ("iam", "accountAliasType", &["abc", "a-b"], &["a--b", "-ab"]),
        ];
        for (service, shape, good, bad) in cases {
            let model = crate::Model::named(service).expect("the model is embedded");
            let shape = model.shapes().iter().find(|known| known.name == shape).expect("the shape exists");
            let pattern = shape.rules.pattern.as_ref().expect("it has a pattern");
            for value in good {
                assert!(pattern.matches(value), "{} {value:?}", shape.name);
            }
            for value in bad {
                assert!(!pattern.matches(value), "{} {value:?}", shape.name);
            }
        }
    }
}
