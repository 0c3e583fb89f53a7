use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of a request or invocation: a version 4 UUID, shown in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Makes an id of sixteen random bytes (from `tasks::Random`).
    pub fn from_random(bytes: [u8; 16]) -> RequestId {
        RequestId(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Parses the hyphenated form.
    pub fn parse(text: &str) -> Option<RequestId> {
        if text.len() != 36 {
            return None;
        }
        Uuid::try_parse(text).ok().map(RequestId)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
