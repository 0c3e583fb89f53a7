//! Filter patterns over JSON messages: `{ $.level = "ERROR" && ($.ms > 75 || $.user.id NOT EXISTS) }`.

use aws::Fault;
use serde_json::Value;

use crate::limits::PATTERN_DEPTH;
use crate::rules;

/// A condition on the fields of a JSON object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fields {
    All(Vec<Fields>),
    Any(Vec<Fields>),
    Test { path: Vec<Step>, test: Test },
}

/// One step of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Member(String),
    Item(usize),
}

/// What is asked of a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Like(Operand),
    Unlike(Operand),
    Number(Comparison, f64),
    Null,
    Is(bool),
    Absent,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operand {
    text: String,
    /// The number that it stands for when it was not quoted.
    number: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Fields {
    /// Reads a pattern, braces included.
    pub(crate) fn read(text: &str) -> Result<Fields, Fault> {
        let inside =
            text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(invalid)?;
        let mut reader = Reader { rest: inside, depth: 0 };
        let fields = reader.any()?;
        if reader.peek().is_some() {
            return Err(invalid());
        }
        Ok(fields)
    }

    /// Whether the message is a JSON object that fits. Any other message never does.
    pub(crate) fn matches(&self, message: &str) -> bool {
        let message = message.trim();
        // Most lines are no JSON: that is seen without parsing.
        if !message.starts_with('{') {
            return false;
        }
        serde_json::from_str(message).is_ok_and(|document| self.fits(&document))
    }

    fn fits(&self, document: &Value) -> bool {
        match self {
            Fields::All(parts) => parts.iter().all(|part| part.fits(document)),
            Fields::Any(parts) => parts.iter().any(|part| part.fits(document)),
            Fields::Test { path, test } => {
                let field = path.iter().try_fold(document, |value, step| match step {
                    Step::Member(name) => value.get(name),
                    Step::Item(index) => value.get(index),
                });
                test.fits(field)
            }
        }
    }
}

impl Test {
    fn fits(&self, field: Option<&Value>) -> bool {
        let Some(field) = field else { return *self == Test::Absent };
        match self {
            Test::Absent => false,
            Test::Null => field.is_null(),
            Test::Is(flag) => field.as_bool() == Some(*flag),
            Test::Like(operand) => operand.equals(field) == Some(true),
            Test::Unlike(operand) => operand.equals(field) == Some(false),
            Test::Number(comparison, number) => field.as_f64().is_some_and(|value| match comparison {
                Comparison::Less => value < *number,
                Comparison::AtMost => value <= *number,
                Comparison::More => value > *number,
                Comparison::AtLeast => value >= *number,
            }),
        }
    }
}

impl Operand {
    /// `None` for what compares with nothing: objects, arrays and null.
    fn equals(&self, field: &Value) -> Option<bool> {
        let text = match field {
            Value::Object(_) | Value::Array(_) | Value::Null => return None,
            Value::String(text) => text.clone(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => match (self.number, number.as_f64()) {
                (Some(wanted), Some(found)) => return Some(wanted == found),
                _ => number.to_string(),
            },
        };
        Some(like(&self.text, &text))
    }
}

/// Compares with `*` for any run. As AWS does it: each part is taken where it first occurs, and not looked for again.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut open = false;
    for part in parts {
        open = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || open
}

fn invalid() -> Fault {
    rules::invalid("Invalid filter pattern")
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    /// Takes a sign or a word if it is next.
    fn take(&mut self, sign: &str) -> bool {
        self.peek();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> Result<Fields, Fault> {
        let mut parts = vec![self.all()?];
        while self.take("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Fields::Any(parts) })
    }

    fn all(&mut self) -> Result<Fields, Fault> {
        let mut parts = vec![self.one()?];
        while self.take("&&") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Fields::All(parts) })
    }

    fn one(&mut self) -> Result<Fields, Fault> {
        if !self.take("(") {
            let path = self.selector()?;
            return Ok(Fields::Test { path, test: self.test()? });
        }
        self.depth += 1;
        if self.depth > PATTERN_DEPTH {
            return Err(invalid());
        }
        let inside = self.any()?;
        self.depth -= 1;
        if self.take(")") { Ok(inside) } else { Err(invalid()) }
    }

    fn selector(&mut self) -> Result<Vec<Step>, Fault> {
        if !self.take("$") {
            return Err(invalid());
        }
        let mut path = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                let name = rest.len() - rest.trim_start_matches(is_name).len();
                if name == 0 {
                    let refused: String = self.rest.chars().take(2).collect();
                    return Err(rules::invalid(format!("Invalid character(s) in term '${refused}'")));
                }
                path.push(Step::Member(rest[..name].to_owned()));
                self.rest = &rest[name..];
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                let (index, rest) = rest.split_once(']').ok_or_else(invalid)?;
                path.push(Step::Item(index.trim().parse().map_err(|_| invalid())?));
                self.rest = rest;
            } else {
                return if path.is_empty() { Err(invalid()) } else { Ok(path) };
            }
        }
    }

    fn test(&mut self) -> Result<Test, Fault> {
        if self.take("!=") {
            return Ok(Test::Unlike(self.operand()?));
        }
        if self.take("=") {
            return Ok(Test::Like(self.operand()?));
        }
        let signs = [
            ("<=", Comparison::AtMost),
            ("<", Comparison::Less),
            (">=", Comparison::AtLeast),
            (">", Comparison::More),
        ];
        for (sign, comparison) in signs {
            if self.take(sign) {
                let operand = self.operand()?;
                let refused = || rules::invalid(format!("Invalid character(s) in term '{}'", operand.text));
                return Ok(Test::Number(comparison, operand.number.ok_or_else(refused)?));
            }
        }
        if self.take("NOT") && self.take("EXISTS") {
            return Ok(Test::Absent);
        }
        if self.take("IS") {
            for (word, test) in [("NULL", Test::Null), ("TRUE", Test::Is(true)), ("FALSE", Test::Is(false))] {
                if self.take(word) {
                    return Ok(test);
                }
            }
        }
        Err(invalid())
    }

    fn operand(&mut self) -> Result<Operand, Fault> {
        if self.take("\"") {
            let (text, rest) = rules::phrase(self.rest)?;
            self.rest = rest;
            return Ok(Operand { text, number: None });
        }
        self.peek();
        if self.rest.starts_with('%') {
            return Err(rules::not_implemented("a regular expression in a filter pattern"));
        }
        let ends = |c: char| c.is_whitespace() || "()&|\"{}=<>!".contains(c);
        let (text, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        if text.is_empty() {
            return Err(invalid());
        }
        self.rest = rest;
        Ok(Operand {
            text: text.to_owned(),
            number: text.parse().ok().filter(|number: &f64| number.is_finite()),
        })
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENT: &str = r#"{"level":"ERROR","ms":75.0,"ok":true,"gone":null,"code":"12.0","empty":"","n":-5,
        "user":{"id":1,"email":"x@example.com"},"list":["a",{"b":"c"}],"detail-type":"d","ip":"111.111.111.111"}"#;

    #[test]
    fn fields_are_compared_as_aws_compares_them() {
        let cases = [
            (r#"{ $.level = "ERROR" }"#, true),
            ("{$.level=ERROR}", true),
            ("{ $.level = error }", false),
            ("{ $.level != INFO }", true),
            ("{ $.level = ERR* }", true),
            (r#"{ $.level = "*ROR" }"#, true),
            ("{ $.level = E*R }", false),
            ("{ $.ms = 75 }", true),
            ("{ $.ms = 7.5e1 }", true),
            ("{ $.ms > 74.9 && $.ms <= 75 }", true),
            ("{ $.ms < 75 }", false),
            ("{ $.n = -5 }", true),
            ("{ $.level > 1 }", false),
            (r#"{ $.code = "12.0" }"#, true),
            (r#"{ $.n = "-5.0" }"#, false),
            ("{ $.ok IS TRUE }", true),
            ("{ $.ok IS FALSE }", false),
            ("{ $.ok = true }", true),
            ("{ $.gone IS NULL }", true),
            ("{ $.gone != x }", false),
            ("{ $.nothing NOT EXISTS }", true),
            ("{ $.gone NOT EXISTS }", false),
            ("{ $.nothing != x }", false),
            ("{ $.user != x }", false),
            ("{ $.list = * }", false),
            (r#"{ $.empty = "*" }"#, true),
            ("{ $.user.id = 1 && $.list[1].b = c }", true),
            ("{ $.list[0] = a }", true),
            ("{ $.list[7] = a }", false),
            ("{ $.detail-type = d }", true),
            ("{ $.level = INFO || ($.ms > 1 && $.user.email = x@*) }", true),
            ("{ ($.level = INFO || $.ms > 1) && $.user.id = 2 }", false),
            ("{ $.level = ERROR || $.level = A && $.level = B }", true),
            ("{ $.ip = 111*111 }", false),
            ("{ $.ip = *111.111.111 }", false),
            ("{ $.ip = *.111.111.111 }", true),
        ];
        for (pattern, expected) in cases {
            assert_eq!(Fields::read(pattern).unwrap().matches(EVENT), expected, "{pattern}");
        }
        let absent = Fields::read("{ $.x NOT EXISTS }").unwrap();
        for message in ["plain", "[1]", "1", "{", "RequestId {\"a\":1}", ""] {
            assert!(!absent.matches(message), "{message}");
        }
        assert!(absent.matches("{\"a\":1}\n"));
    }

    #[test]
    fn what_does_not_parse_is_refused() {
        let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(100), ")".repeat(100));
        let bad = [
            "{",
            "{}",
            "{ }",
            "{ $ = 1 }",
            "{ a = 1 }",
            "{ $.a }",
            "{ $.a = }",
            "{ $.a = 1",
            "{ $.a == 1 }",
            "{ $.a = 1 $.b = 2 }",
            "{ ($.a = 1 }",
            "{ $.a[x] = 1 }",
            "{ $.a EXISTS }",
            "{ $.a IS NOT NULL }",
            "{ $.a = \"x }",
            "{ $.a > b }",
            "{ $.a > \"1\" }",
            deep.as_str(),
        ];
        for pattern in bad {
            let fault = Fields::read(pattern).unwrap_err();
            assert_eq!(fault.code, "InvalidParameterException", "{pattern}");
        }
        assert_eq!(
            Fields::read("{ $.\"x-y\" = 1 }").unwrap_err().message,
            "Invalid character(s) in term '$.\"'"
        );
        assert_eq!(Fields::read("{ $.a = %x% }").unwrap_err().status, 501);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_pattern_and_no_message_panic(inside in "[$.a\\[\\]01(){}=!<>&|\"*% ISNULTEXOä-]{0,30}", message in ".{0,30}") {
            if let Ok(fields) = Fields::read(&format!("{{{inside}}}")) {
                let _ = (fields.matches(&message), fields.matches(EVENT));
            }
        }
    }
}
