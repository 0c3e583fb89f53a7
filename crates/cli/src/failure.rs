//! What went wrong, in the words that people and scripts see, and the exit code that says so.

use serde_json::json;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Wrong usage or configuration.
    Usage,
    /// The function failed, not the call.
    Function,
    /// Denied, or a target that must not be talked to.
    Denied,
    /// What was named does not exist.
    NotFound,
    /// No server answered.
    NoServer,
    /// Throttled, or our own deadline passed.
    Throttled,
    /// The exit code of a command that `exec` ran.
    Of(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Function => 3,
            Exit::Denied => 4,
            Exit::NotFound => 5,
            Exit::NoServer => 6,
            Exit::Throttled => 7,
            Exit::Of(code) => code,
        }
    }
}

/// An error for people: what, and as far as known why and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// What failed: lower case unless these are AWS's words, names the thing, no full stop.
    pub what: String,
    /// What was observed.
    pub why: Option<String>,
    /// A command that can be pasted.
    pub fix: Option<String>,
    /// What AWS's error says beyond its words, which are in `what`.
    pub answer: Option<Box<Answer>>,
}

/// An error as a service answered it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The code, e.g. `ResourceNotFoundException`.
    pub code: String,
    /// The request that failed.
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure with nothing known but what failed.
    pub fn new(exit: Exit, what: impl Into<String>) -> Failure {
        Failure { exit, what: what.into(), why: None, fix: None, answer: None }
    }

    /// Adds what was observed.
    pub fn why(mut self, why: impl Into<String>) -> Failure {
        self.why = Some(why.into());
        self
    }

    /// Adds the command to paste.
    pub fn fix(mut self, fix: impl Into<String>) -> Failure {
        self.fix = Some(fix.into());
        self
    }

    /// True when this is AWS's error by this code.
    pub fn is(&self, code: &str) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.code == code)
    }

    /// The lines for people. `error` is the word to begin with, coloured or not.
    pub fn text(&self, error: &str) -> String {
        let mut text = format!("{error}: {}\n", self.what);
        for (name, value) in [("why", &self.why), ("do", &self.fix)] {
            if let Some(value) = value {
                text.push_str(&format!("  {name}: {value}\n"));
            }
        }
        text
    }

    /// The document for scripts: `{"Error": {Code, Message, Why, Do, RequestId}}`.
    pub fn json(&self) -> String {
        let mut error = serde_json::Map::new();
        let mut put = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                error.insert(name.to_owned(), value.into());
            }
        };
        let answer = self.answer.as_deref();
        put("Code", Some(answer.map_or(self.exit.word(), |answer| &answer.code)));
        put("Message", Some(&self.what));
        put("Why", self.why.as_deref());
        put("Do", self.fix.as_deref());
        put("RequestId", answer.and_then(|answer| answer.request_id.as_deref()));
        json!({ "Error": error }).to_string()
    }
}

impl Exit {
    /// The error code of failures that are not AWS's.
    fn word(self) -> &'static str {
        match self {
            Exit::Done => "Done",
            Exit::Failed | Exit::Of(_) => "Failed",
            Exit::Usage => "Usage",
            Exit::Function => "FunctionError",
            Exit::Denied => "Denied",
            Exit::NotFound => "NotFound",
            Exit::NoServer => "NoServer",
            Exit::Throttled => "Throttled",
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::new(Exit::Failed, format!("{error:#}"))
    }
}

/// A file that cannot be read or written, as a failure that names it.
pub fn file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("{doing} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port() -> Failure {
        Failure::new(Exit::Failed, "port 4566 is in use")
            .why("localstack, pid 812")
            .fix("lambent up --listen 127.0.0.1:4570")
    }

    #[test]
    fn a_failure_is_a_line_and_only_what_is_known() {
        assert_eq!(
            port().text("error"),
            "error: port 4566 is in use\n  why: localstack, pid 812\n  do: lambent up --listen 127.0.0.1:4570\n"
        );
        assert_eq!(Failure::new(Exit::Usage, "no such thing").text("error"), "error: no such thing\n");
    }

    #[test]
    fn scripts_get_one_document() {
        assert_eq!(
            port().json(),
            r#"{"Error":{"Code":"Failed","Message":"port 4566 is in use","Why":"localstack, pid 812","Do":"lambent up --listen 127.0.0.1:4570"}}"#
        );
    }
}
