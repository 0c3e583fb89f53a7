use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws::{AccountId, Arn, Millis, Region, RequestId};
use bytes::Bytes;
use sandbox::{Command, Listener, PackDigest, TreeDigest};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One version of a function, complete and immutable. A new revision is a new value with another `revision`.
#[derive(Debug, Clone)]
pub struct FunctionVersion {
    /// The unqualified ARN: the identity of the pool together with `version` and `revision`.
    pub arn: Arn,
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// The function's name.
    pub name: String,
    /// `$LATEST` or a number.
    pub version: String,
    /// Changes with every change of code or configuration; environments of another revision are retired.
    pub revision: String,
    /// The runtime identifier, e.g. `python3.13`.
    pub runtime: String,
    /// The pack that serves it.
    pub pack: PackDigest,
    /// The runtime version as INIT_START shows it, e.g. `python:3.13.v1`.
    pub runtime_version: String,
    /// The ARN of the runtime version.
    pub runtime_version_arn: String,
    /// What the box executes.
    pub command: Command,
    /// The handler, e.g. `app.handler`.
    pub handler: String,
    /// The execution role.
    pub role: Arn,
    /// The code tree.
    pub task: TreeDigest,
    /// The layer trees, the last on top.
    pub layers: Vec<TreeDigest>,
    /// The customer's environment variables.
    pub environment: BTreeMap<String, String>,
    /// 128 to 10,240.
    pub memory_mb: u32,
    /// 1 to 900 s.
    pub timeout: Duration,
    /// 512 to 10,240.
    pub tmp_mb: u32,
    /// The log group, e.g. `/aws/lambda/NAME`.
    pub log_group: String,
    /// Text or JSON system lines.
    pub log_format: LogFormat,
    /// From which level on JSON lines are written.
    pub log_levels: LogLevels,
}

/// `LoggingConfig.LogFormat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Plain lines.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How much a log line matters, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Trace,
    Debug,
    #[default]
    Info,
    Warn,
    Error,
    Fatal,
}

impl LogLevel {
    /// Reads a level as AWS or a common logging library names it, in any case.
    pub fn parse(name: &str) -> Option<LogLevel> {
        Some(match name.to_ascii_uppercase().as_str() {
            "TRACE" => LogLevel::Trace,
            "DEBUG" => LogLevel::Debug,
            "INFO" => LogLevel::Info,
            "WARN" | "WARNING" => LogLevel::Warn,
            "ERROR" => LogLevel::Error,
            "FATAL" | "CRITICAL" => LogLevel::Fatal,
            _ => return None,
        })
    }

    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Trace => "TRACE",
            LogLevel::Debug => "DEBUG",
            LogLevel::Info => "INFO",
            LogLevel::Warn => "WARN",
            LogLevel::Error => "ERROR",
            LogLevel::Fatal => "FATAL",
        }
    }
}

/// `ApplicationLogLevel` and `SystemLogLevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogLevels {
    /// For what the function writes.
    pub application: LogLevel,
    /// For what the platform writes.
    pub system: LogLevel,
}

/// One call of a function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What to run.
    pub function: Arc<FunctionVersion>,
    /// The id that the function sees and the answer carries.
    pub request_id: RequestId,
    /// The event, valid JSON of at most 6,291,456 bytes.
    pub payload: Bytes,
    /// The ARN as the caller named it, with its qualifier.
    pub invoked_arn: String,
    /// `X-Amz-Client-Context`, decoded.
    pub client_context: Option<String>,
    /// `X-Amzn-Trace-Id`.
    pub trace: Option<String>,
    /// Whether the answer carries the last 4 KB of log.
    pub log_tail: LogTail,
}

/// `LogType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTail {
    /// `Tail`.
    Wanted,
    /// `None`.
    Unwanted,
}

/// What became of an invocation that ran.
///
/// The caller is answered when the response is complete. Unless the log tail was asked for, the figures are then those
/// of that moment; the REPORT line, written once the runtime has asked for the next event, may show slightly more.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Success or function error.
    pub verdict: Verdict,
    /// The answer's bytes: the function's, or the error document of reference 2.2.
    pub payload: Bytes,
    /// The last 4 KB of log, if asked for.
    pub log_tail: Option<Bytes>,
    /// Times and memory, as in the REPORT line.
    pub report: Report,
}

/// Whether the function succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It answered.
    Success,
    /// It failed: `X-Amz-Function-Error: Unhandled`.
    Unhandled,
}

/// The figures of a REPORT line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Report {
    /// From handing over the event until runtime and extensions asked for the next one.
    pub duration: Duration,
    /// Initialisation, on a cold start.
    pub init: Option<Duration>,
    /// What is billed, in whole milliseconds.
    pub billed_ms: u64,
    /// Peak memory of the environment in MB.
    pub max_memory_mb: u64,
}

/// Why an invocation did not run. `lambda` turns it into AWS's error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The account's concurrency is in use.
    #[error("the account's concurrency is in use")]
    AccountConcurrency,
    /// The queue in front of the function's pool is full.
    #[error("too many calls wait for this function")]
    Overloaded,
    /// The machine holds as many environments as it can.
    #[error("the machine holds as many environments as it can")]
    Capacity,
    /// The execution role could not be assumed; the text is AWS's.
    #[error("{0}")]
    Role(String),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// No environment could be started, for a reason of ours.
    #[error("{0}")]
    Internal(String),
}

/// Where function output and system lines go. Called on the shards: it must not block for longer than one buffered write.
pub trait LogSink: Send + Sync + 'static {
    /// Takes lines of one stream, in order.
    fn write(&self, stream: &LogStream, lines: &[LogLine]);
}

/// One environment's log stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogStream {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// The group, e.g. `/aws/lambda/NAME`.
    pub group: String,
    /// The stream, e.g. `2026/01/31/[$LATEST]0123456789abcdef0123456789abcdef`.
    pub stream: String,
}

/// One line of a log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was read.
    pub at: Millis,
    /// Its bytes without the newline; at most 256 KiB.
    pub message: Bytes,
}

/// Mints the temporary credentials of execution roles.
pub trait CredentialSource: Send + Sync + 'static {
    /// Assumes the function's role, checking its trust policy again.
    fn mint<'a>(&'a self, function: &'a FunctionVersion) -> Boxed<'a, Result<Credentials, NotMinted>>;
}

/// The credentials of a role session.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `ASIA…`.
    pub access_key: String,
    /// The secret key.
    pub secret_key: String,
    /// The session token.
    pub session_token: String,
    /// When they end.
    pub expires: Millis,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.access_key)
    }
}

/// The role could not be assumed; the text is AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotMinted(pub String);

/// Serves the AWS endpoint inside an environment; `server` plugs in the gateway.
pub trait Inside: Send + Sync + 'static {
    /// Serves `listener` until it ends, on the current shard. `environment` is recorded with each request.
    fn serve(&self, listener: Listener, environment: &str) -> Boxed<'static, ()>;
}
