//! `Invocation → Outcome`: admission, pools, execution environments, the Runtime API.
//!
//! It knows no table and no AWS request: it is handed a complete, immutable [`FunctionVersion`] and a payload, and answers
//! with what the function said, or why it did not run.

mod contract;

pub use contract::{
    CredentialSource, Credentials, FunctionVersion, Inside, Invocation, LogFormat, LogLine, LogSink,
    LogStream, LogTail, NotMinted, Outcome, Refused, Report, Verdict,
};
