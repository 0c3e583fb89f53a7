//! Filter patterns: of terms (`ERROR`, `"exact phrase"`, `-excluded`, `?any ?of`), or of JSON fields.

use aws::Fault;

use crate::fields::Fields;
use crate::limits::PATTERN_CHARS;
use crate::rules;

/// A filter pattern.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pattern {
    Terms(Terms),
    Fields(Fields),
}

/// Terms that a message must have or lack. None at all match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// Patterns of words in their places (`[a, b]`) and regular expressions answer NotImplemented.
    pub(crate) fn read(text: &str) -> Result<Pattern, Fault> {
        if text.chars().count() > PATTERN_CHARS {
            return Err(rules::invalid("Invalid filter pattern"));
        }
        let text = text.trim_start();
        match text.chars().next() {
            Some('{') => Fields::read(text).map(Pattern::Fields),
            Some('[') => Err(rules::not_implemented("a filter pattern of words in their places")),
            _ => Terms::read(text).map(Pattern::Terms),
        }
    }

    /// Whether a message fits.
    pub(crate) fn matches(&self, message: &str) -> bool {
        match self {
            Pattern::Terms(terms) => terms.matches(message),
            Pattern::Fields(fields) => fields.matches(message),
        }
    }
}

impl Terms {
    fn read(text: &str) -> Result<Terms, Fault> {
        let mut rest = text;
        let mut terms = Terms::default();
        while let Some(first) = rest.chars().next() {
            let list = match first {
                '?' => &mut terms.any,
                '-' => &mut terms.none,
                _ => &mut terms.all,
            };
            let body = if matches!(first, '?' | '-') { &rest[1..] } else { rest };
            let (term, after) = term(body)?;
            // An empty phrase is in every message.
            if !term.is_empty() {
                list.push(term);
            }
            rest = after.trim_start();
        }
        // AWS ignores optional terms that stand beside others.
        if !terms.all.is_empty() || !terms.none.is_empty() {
            terms.any.clear();
        }
        Ok(terms)
    }

    /// Whether a message has all plain terms, none of the excluded ones and, if there are optional ones, one of these.
    fn matches(&self, message: &str) -> bool {
        self.all.iter().all(|term| message.contains(term))
            && !self.none.iter().any(|term| message.contains(term))
            && (self.any.is_empty() || self.any.iter().any(|term| message.contains(term)))
    }
}

/// The term at the front of `text`, and what follows it.
fn term(text: &str) -> Result<(String, &str), Fault> {
    if let Some(quoted) = text.strip_prefix('"') {
        return rules::phrase(quoted);
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    if word.starts_with('%') {
        return Err(rules::not_implemented("a regular expression in a filter pattern"));
    }
    if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(rules::invalid(format!("Invalid character(s) in term '{word}'")));
    }
    Ok((word.to_owned(), after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, message: &str) -> bool {
        Pattern::read(pattern).unwrap().matches(message)
    }

    #[test]
    fn terms_are_found_as_aws_finds_them() {
        let cases = [
            ("", "anything", true),
            ("  ", "anything", true),
            ("\"\"", "anything", true),
            ("\" \"", "two words", true),
            ("ERROR", "an ERROR here", true),
            ("ERROR", "an error here", false),
            ("ERROR Timeout", "Timeout after ERROR", true),
            ("ERROR Timeout", "ERROR alone", false),
            ("\"Internal Server Error\"", "500 Internal Server Error", true),
            ("\"Internal Server Error\"", "Internal  Server Error", false),
            ("\"say \\\"hi\\\"\"", "they say \"hi\" now", true),
            ("\"RequestId: 7-8\"", "START RequestId: 7-8 Version", true),
            ("\"RequestId: 7-8\"x", "START RequestId: 7-8 x", true),
            ("?ERROR ?WARN", "a WARN", true),
            ("?ERROR ?WARN", "an INFO", false),
            ("ERROR -Timeout", "ERROR of another kind", true),
            ("ERROR -Timeout", "ERROR Timeout", false),
            ("-\"some phrase\"", "else", true),
            ("-\"some phrase\"", "has some phrase", false),
            ("?A ?B C -D", "C only", true),
            ("?A ?B C -D", "A C D", false),
            ("wörter_1", "die wörter_1", true),
            ("ERROR", "{\"level\":\"ERROR\"}", true),
            (" { $.level = ERROR }", "{\"level\":\"ERROR\"}", true),
        ];
        for (pattern, message, expected) in cases {
            assert_eq!(matches(pattern, message), expected, "{pattern} on {message}");
        }
    }

    #[test]
    fn what_must_be_quoted_is_refused_bare() {
        for (pattern, term) in [
            (":", ":"),
            ("a:b", "a:b"),
            ("x (y", "(y"),
            ("a,b", "a,b"),
            ("?", ""),
            ("- a", ""),
            ("\"open", "\"open"),
        ] {
            let fault = Pattern::read(pattern).unwrap_err();
            assert_eq!(
                fault.to_string(),
                format!("InvalidParameterException: Invalid character(s) in term '{term}'"),
                "{pattern}"
            );
        }
        for pattern in [" [a, b]", "%re%", "?%re%"] {
            assert_eq!(Pattern::read(pattern).unwrap_err().status, 501, "{pattern}");
        }
        assert_eq!(Pattern::read(&"x".repeat(1_025)).unwrap_err().status, 400);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_pattern_panics_and_a_quoted_message_finds_itself(pattern in ".{0,40}", message in ".{0,40}") {
            if let Ok(pattern) = Pattern::read(&pattern) {
                let _ = pattern.matches(&message);
            }
            let quoted = format!("\"{}\"", message.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert!(Pattern::read(&quoted).unwrap().matches(&message));
        }
    }
}
