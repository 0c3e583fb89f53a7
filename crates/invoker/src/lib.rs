//! `Invocation → Outcome`: admission, pools, execution environments, the Runtime API.
//!
//! It knows no table and no AWS request: it is handed a complete, immutable [`FunctionVersion`] and a payload, and answers
//! with what the function said, or why it did not run.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | [`Invoker`]: the way in; starts, evicts, retires, drains |
//! | `admission` | leases of an account's concurrency and of the machine's memory |
//! | `pool` | who is idle, who waits, how many are on their way: the rule for starting one more |
//! | `evict` | which idle environments go first |
//! | `life` | the transition table of an environment |
//! | `environment` | the one task that lives an environment's life |
//! | `runtime_api` | next, response, error, init/error for what runs in the box |
//! | `failure`, `lines`, `output`, `variables` | AWS's error documents, log lines, function output, environment variables |
//!
//! Every environment is one task on the shard (single-threaded runtime) that started it; the task owns the connections
//! of its Runtime API, the function's output and its box, so that a warm call crosses no thread.

mod admission;
mod alarm;
mod contract;
mod engine;
mod environment;
mod evict;
mod failure;
mod levels;
mod life;
mod limits;
mod lines;
mod output;
mod pool;
mod runtime_api;
mod variables;

pub use contract::{
    CredentialSource, Credentials, FunctionVersion, Inside, Invocation, LogFormat, LogLevel, LogLevels,
    LogLine, LogSink, LogStream, LogTail, NotMinted, Outcome, Refused, Report, Verdict,
};
pub use engine::{Invoker, Parts, Settings, Stats};
