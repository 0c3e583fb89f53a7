use std::borrow::Cow;
use std::fmt;

/// An error that a client sees: AWS's code, status and words. `wire` turns it into each protocol's bytes.
///
/// Services make faults with the generated constructors of `api` (`api::lambda::fault::resource_not_found(…)`), never by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The error code on the wire, e.g. `ResourceNotFoundException`.
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// The text that the client sees, unchanged.
    pub message: String,
    /// Further members of the error shape, by their wire name (`Reason`, `Type`, `retryAfterSeconds`, …).
    pub members: Vec<(Cow<'static, str>, Member)>,
}

/// A further member of an error shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// A string.
    Text(String),
    /// An integer.
    Number(i64),
}

impl Fault {
    /// A fault by code, status and message. Prefer the generated constructors.
    pub fn new(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Fault {
        Fault { code: code.into(), status, message: message.into(), members: Vec::new() }
    }

    /// Adds a member of the error shape.
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, member: Member) -> Fault {
        self.members.push((name.into(), member));
        self
    }

    /// True when the server is to blame (status 5xx).
    pub fn is_server(&self) -> bool {
        self.status >= 500
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}
