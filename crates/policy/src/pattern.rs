//! Wildcards: `*` stands for any run of characters, `?` for one. Matching takes at most pattern × text steps and no memory.

use crate::Version;

/// How patterns treat a policy variable, whose value is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It may stand for anything: the pattern matches as widely as it could.
    Widens,
    /// It stands for nothing: a pattern that has one does not match.
    Narrows,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Run,
    One,
    Just(char),
    Variable,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Glob {
    tokens: Vec<Token>,
    variables: bool,
}

impl Glob {
    /// A pattern in which `${…}` has no meaning.
    fn plain(text: &str) -> Glob {
        Glob { tokens: text.chars().map(token).collect(), variables: false }
    }

    /// A pattern with variables: `${*}`, `${?}` and `${$}` are those characters, any other `${…}` is a variable.
    fn with_variables(text: &str) -> Glob {
        let mut glob = Glob { tokens: Vec::with_capacity(text.len()), variables: false };
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let inside = rest.strip_prefix("${").and_then(|r| r.split_once('}'));
            let Some((name, after)) = inside else {
                glob.tokens.push(token(c));
                rest = &rest[c.len_utf8()..];
                continue;
            };
            glob.tokens.push(match name {
                "*" => Token::Just('*'),
                "?" => Token::Just('?'),
                "$" => Token::Just('$'),
                _ => {
                    glob.variables = true;
                    Token::Variable
                }
            });
            rest = after;
        }
        glob
    }

    fn matches(&self, text: &str, unknown: Unknown) -> bool {
        if self.variables && unknown == Unknown::Narrows {
            return false;
        }
        let (mut at, mut rest) = (0, text);
        // After a run: the next token, and the text that the run has not eaten yet.
        let mut retry: Option<(usize, &str)> = None;
        loop {
            let next = rest.chars().next();
            let fits = match (self.tokens.get(at), next) {
                (Some(Token::Run | Token::Variable), _) => {
                    at += 1;
                    retry = Some((at, rest));
                    continue;
                }
                (None, None) => return true,
                (Some(Token::One), Some(_)) => true,
                (Some(Token::Just(want)), Some(c)) => *want == c,
                (None, Some(_)) | (Some(_), None) => false,
            };
            if fits {
                at += 1;
                rest = tail(rest);
                continue;
            }
            let Some((after_run, from)) = retry else { return false };
            if from.is_empty() {
                return false;
            }
            retry = Some((after_run, tail(from)));
            (at, rest) = (after_run, tail(from));
        }
    }

    /// True when the pattern is made of wildcards alone.
    fn is_open(&self) -> bool {
        !self.tokens.is_empty() && self.tokens.iter().all(|t| matches!(t, Token::Run | Token::One))
    }
}

fn token(c: char) -> Token {
    match c {
        '*' => Token::Run,
        '?' => Token::One,
        c => Token::Just(c),
    }
}

fn tail(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}

/// An action pattern such as `lambda:Get*`. Letter case does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPattern {
    text: String,
    glob: Glob,
}

impl ActionPattern {
    /// Any text is a pattern; what AWS refuses is refused when the document is read.
    pub fn new(text: &str) -> ActionPattern {
        ActionPattern { text: text.to_owned(), glob: Glob::plain(&text.to_ascii_lowercase()) }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches an action such as `lambda:GetFunction`.
    pub fn matches(&self, action: &str) -> bool {
        self.matches_lower(&action.to_ascii_lowercase())
    }

    pub(crate) fn matches_lower(&self, action: &str) -> bool {
        self.glob.matches(action, Unknown::Narrows)
    }
}

/// A resource pattern: `*` or an ARN with wildcards in every part but the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourcePattern {
    text: String,
    shape: Shape,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// `*`, or wildcards alone: the only patterns that match operations without a resource.
    Open(Glob),
    /// An ARN's parts; those that are missing at the end match anything.
    Parts(Vec<Glob>),
}

/// `arn`, partition, service, region, account, resource.
const PARTS: usize = 6;
const SERVICE: usize = 2;

impl ResourcePattern {
    /// A pattern of a document of this version; `None` is the old version, without variables.
    pub fn new(text: &str, version: Option<Version>) -> ResourcePattern {
        let open = Glob::plain(text);
        if open.is_open() {
            return ResourcePattern { text: text.to_owned(), shape: Shape::Open(open) };
        }
        let parts = text.splitn(PARTS, ':').enumerate().map(|(index, part)| {
            // Variables have a meaning after the fifth colon only.
            if index == PARTS - 1 && version == Some(Version::V2012) {
                Glob::with_variables(part)
            } else if index == SERVICE {
                Glob { tokens: part.chars().map(Token::Just).collect(), variables: false }
            } else {
                Glob::plain(part)
            }
        });
        ResourcePattern { text: text.to_owned(), shape: Shape::Parts(parts.collect()) }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches a resource: an ARN, or `*` for operations without one. A pattern with variables does not.
    pub fn matches(&self, resource: &str) -> bool {
        self.matches_when(resource, Unknown::Narrows)
    }

    pub(crate) fn matches_when(&self, resource: &str, unknown: Unknown) -> bool {
        let parts = match &self.shape {
            Shape::Open(glob) => return glob.matches(resource, unknown),
            Shape::Parts(parts) => parts,
        };
        let mut texts = resource.splitn(PARTS, ':');
        for glob in parts {
            let Some(text) = texts.next() else { return false };
            if !glob.matches(text, unknown) {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resource(pattern: &str, text: &str) -> bool {
        ResourcePattern::new(pattern, Some(Version::V2012)).matches(text)
    }

    #[test]
    fn actions_match_in_any_letter_case_with_wildcards() {
        let cases = [
            ("*", "s3:GetObject", true),
            ("*:*", "s3:GetObject", true),
            ("lambda:*", "lambda:Invoke", true),
            ("LAMBDA:invoke", "lambda:Invoke", true),
            ("lambda:Get*", "lambda:GetFunction", true),
            ("lambda:Get*", "lambda:ListFunctions", false),
            ("lambda:?etFunction", "lambda:GetFunction", true),
            ("lambda:?etFunction", "lambda:etFunction", false),
            ("lambda:*Function*", "lambda:GetFunctionConfiguration", true),
            ("lambda", "lambda:Get", false),
            ("s3:*", "lambda:Get", false),
        ];
        for (pattern, action, expected) in cases {
            assert_eq!(ActionPattern::new(pattern).matches(action), expected, "{pattern} on {action}");
        }
    }

    #[test]
    fn resources_match_part_by_part_and_the_last_part_spans_everything() {
        let f = "arn:aws:lambda:eu-west-1:123456789012:function:fn";
        let cases = [
            ("*", f, true),
            ("**", f, true),
            ("*", "*", true),
            ("arn:aws:lambda:*:*:function:*", "*", false),
            (f, f, true),
            ("arn:aws:lambda:*:*:function:fn*", "arn:aws:lambda:r:1:function:fn:ALIAS", true),
            ("arn:aws:lambda:eu-west-?:123456789012:function:fn", f, true),
            ("arn:aws:lambda:*:function:fn", f, false),
            ("arn:aws:lambda:*", f, true),
            ("arn:aws:lambda", f, true),
            ("arn:aws:*:eu-west-1:123456789012:function:fn", f, false),
            ("arn:*:lambda:eu-west-1:123456789012:function:fn", f, true),
            ("arn:aws:lambda:eu-west-1:123456789012:function:FN", f, false),
            ("arn:aws:lambda:::function:fn", f, false),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/u/x", false),
            ("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*", true),
            ("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x", false),
            ("arn:aws:s3:::b/${$}${?}", "arn:aws:s3:::b/$?", true),
            ("arn:aws:s3:::b/${", "arn:aws:s3:::b/${", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(resource(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn an_unknown_variable_narrows_or_widens_as_asked() {
        let pattern = ResourcePattern::new("arn:aws:s3:::b/${aws:username}/x", Some(Version::V2012));
        assert!(pattern.matches_when("arn:aws:s3:::b/u/x", Unknown::Widens));
        assert!(!pattern.matches_when("arn:aws:s3:::b/u/y", Unknown::Widens));
        assert!(!pattern.matches_when("arn:aws:s3:::b/u/x", Unknown::Narrows));
        let old = ResourcePattern::new("arn:aws:s3:::b/${aws:username}", None);
        assert!(old.matches("arn:aws:s3:::b/${aws:username}"));
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = ActionPattern::new(&"*a".repeat(2_000));
        assert!(!pattern.matches(&"a".repeat(1_999)));
        assert!(pattern.matches(&"a".repeat(2_000)));
    }

    /// The definition of a glob, as simply as it can be said.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), None) => naive(&pattern[1..], text),
            (Some('*'), Some(_)) => naive(&pattern[1..], text) || naive(pattern, &text[1..]),
            (Some('?'), Some(_)) => naive(&pattern[1..], &text[1..]),
            (Some(p), Some(t)) if p == t => naive(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_matcher_agrees_with_the_definition(pattern in "[ab*?ä]{0,10}", text in "[abä]{0,12}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Glob::plain(&pattern).matches(&text, Unknown::Narrows), naive(&p, &t));
        }

        #[test]
        fn no_pattern_and_no_text_panic(pattern in ".{0,60}", text in ".{0,60}") {
            let action = ActionPattern::new(&pattern);
            let resource = ResourcePattern::new(&pattern, Some(Version::V2012));
            let _ = (action.matches(&text), resource.matches(&text));
            prop_assert!(ResourcePattern::new("*", None).matches(&text));
        }

        #[test]
        fn a_widened_pattern_matches_whatever_the_narrow_one_does(
            pattern in "arn:aws:s3:::[ab*?]{0,4}(\\$\\{[a-z*?$]{1,3}\\})?[ab*]{0,3}",
            text in "arn:aws:s3:::[ab*?$]{0,8}",
        ) {
            let pattern = ResourcePattern::new(&pattern, Some(Version::V2012));
            if pattern.matches_when(&text, Unknown::Narrows) {
                prop_assert!(pattern.matches_when(&text, Unknown::Widens));
            }
        }
    }
}
