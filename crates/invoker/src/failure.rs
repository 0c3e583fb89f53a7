//! AWS's error documents for what the runtime did not say itself (reference 2.2), and error types for log lines.

use std::time::Duration;

use aws::RequestId;
use bytes::Bytes;
use sandbox::{Command, Exit};

use crate::limits;

/// Why a call or an initialisation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The time ran out.
    TimedOut(Duration),
    /// The main process ended by itself.
    Exited(Exit, Command),
    /// The kernel killed it for want of memory.
    OutOfMemory(Exit),
    /// The runtime reported an error document of its own.
    Reported {
        /// The document, passed on unchanged.
        document: Bytes,
        /// Its type for log lines, already checked.
        error_type: String,
    },
    /// The response was larger than 6,291,556 bytes.
    ResponseTooLarge,
    /// The error document was larger than 64 KiB.
    ErrorTooLarge,
    /// The runtime asked for a response mode that does not exist.
    ResponseMode,
}

impl Failure {
    /// The answer's bytes.
    pub(crate) fn payload(&self, id: &RequestId) -> Bytes {
        let about = |message: String| format!("RequestId: {id} Error: {message}");
        let message = match self {
            Failure::Reported { document, .. } => return document.clone(),
            Failure::TimedOut(limit) => {
                about(format!("Task timed out after {:.2} seconds", limit.as_secs_f64()))
            }
            Failure::Exited(exit, command) => about(exit_text(*exit, *command)),
            Failure::OutOfMemory(exit) => about(exit_text(*exit, Command::Runtime)),
            Failure::ResponseMode => about("Invalid response mode".to_owned()),
            Failure::ResponseTooLarge => return too_large("Response", limits::RESPONSE_BYTES),
            Failure::ErrorTooLarge => return too_large("Error", limits::ERROR_BYTES),
        };
        let document = serde_json::json!({"errorType": self.error_type(), "errorMessage": message});
        Bytes::from(document.to_string())
    }

    /// The type for log lines and metrics.
    pub(crate) fn error_type(&self) -> &str {
        match self {
            Failure::TimedOut(_) => "Sandbox.Timedout",
            Failure::Exited(Exit::NotStarted(_), _) => "Runtime.InvalidEntrypoint",
            Failure::Exited(..) => "Runtime.ExitError",
            Failure::OutOfMemory(_) => "Runtime.OutOfMemory",
            Failure::Reported { error_type, .. } => error_type,
            Failure::ResponseTooLarge | Failure::ErrorTooLarge => "Function.ResponseSizeTooLarge",
            Failure::ResponseMode => "Runtime.InvalidResponseModeHeader",
        }
    }
}

fn too_large(what: &str, limit: usize) -> Bytes {
    Bytes::from(format!(
        "{{\"errorMessage\":\"{what} payload size exceeded maximum allowed payload size ({limit} bytes).\",\
         \"errorType\":\"Function.ResponseSizeTooLarge\"}}"
    ))
}

fn exit_text(exit: Exit, command: Command) -> String {
    match exit {
        Exit::Status(0) => "Runtime exited without providing a reason".to_owned(),
        Exit::Status(status) => format!("Runtime exited with error: exit status {status}"),
        Exit::Signal(signal) => format!("Runtime exited with error: signal: {}", signal_text(signal)),
        Exit::NotStarted(errno) => not_started_text(errno, command),
    }
}

/// ENOENT, the only errno that has a text of its own for a custom runtime.
const NO_ENTRY: i32 = 2;

fn not_started_text(errno: i32, command: Command) -> String {
    if errno == NO_ENTRY && command == Command::Custom {
        return "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]".to_owned();
    }
    let path = match command {
        Command::Runtime => "/var/runtime/bootstrap",
        Command::Custom => "/var/task/bootstrap",
    };
    let reason = match errno {
        // The sandbox's word for a missing interpreter.
        NO_ENTRY | 79 => "no such file or directory".to_owned(),
        7 => "argument list too long".to_owned(),
        8 => "exec format error".to_owned(),
        12 => "cannot allocate memory".to_owned(),
        13 => "permission denied".to_owned(),
        20 => "not a directory".to_owned(),
        40 => "too many levels of symbolic links".to_owned(),
        other => format!("errno {other}"),
    };
    format!("fork/exec {path}: {reason}")
}

/// Signals by the names that AWS's supervisor shows.
fn signal_text(signal: i32) -> String {
    let name = match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        10 => "user defined signal 1",
        11 => "segmentation fault",
        12 => "user defined signal 2",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        24 => "CPU time limit exceeded",
        25 => "file size limit exceeded",
        31 => "bad system call",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// The error type that a runtime reported, if it has the allowed form, else the one for unknown errors of `side`.
pub(crate) fn reported_type(header: Option<&str>, document: &[u8], side: Side) -> String {
    let named = header.filter(|name| well_formed(name)).map(str::to_owned);
    named.or_else(|| type_within(document)).unwrap_or_else(|| {
        match side {
            Side::Init => "Runtime.Unknown",
            Side::Call => "Function.Unknown",
        }
        .to_owned()
    })
}

/// Whose error it is when nothing better is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The initialisation's.
    Init,
    /// The handler's.
    Call,
}

fn type_within(document: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Document {
        #[serde(rename = "errorType")]
        error_type: String,
    }
    let document: Document = serde_json::from_slice(document).ok()?;
    well_formed(&document.error_type).then_some(document.error_type)
}

/// `(Runtime|Function)\.[A-Z][a-zA-Z]+`.
fn well_formed(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("Runtime.").or_else(|| name.strip_prefix("Function.")) else {
        return false;
    };
    rest.len() >= 2
        && rest.len() <= 128
        && rest.starts_with(|c: char| c.is_ascii_uppercase())
        && rest.bytes().all(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(failure: &Failure) -> String {
        let id = RequestId::parse("8f507cfc-xmpl-4697-b07a-ac58fc914c95".replace("xmpl", "4a1b").as_str())
            .unwrap();
        String::from_utf8(failure.payload(&id).to_vec()).unwrap()
    }

    #[test]
    fn every_document_is_aws_to_the_letter() {
        let id = "8f507cfc-4a1b-4697-b07a-ac58fc914c95";
        let exited = |exit, command| Failure::Exited(exit, command);
        let cases = [
            (
                Failure::TimedOut(Duration::from_secs(1)),
                "Sandbox.Timedout",
                "Task timed out after 1.00 seconds",
            ),
            (
                exited(Exit::Status(0), Command::Runtime),
                "Runtime.ExitError",
                "Runtime exited without providing a reason",
            ),
            (
                exited(Exit::Status(127), Command::Custom),
                "Runtime.ExitError",
                "Runtime exited with error: exit status 127",
            ),
            (
                exited(Exit::Signal(9), Command::Runtime),
                "Runtime.ExitError",
                "Runtime exited with error: signal: killed",
            ),
            (
                exited(Exit::Signal(11), Command::Runtime),
                "Runtime.ExitError",
                "Runtime exited with error: signal: segmentation fault",
            ),
            (
                Failure::OutOfMemory(Exit::Signal(9)),
                "Runtime.OutOfMemory",
                "Runtime exited with error: signal: killed",
            ),
            (
                exited(Exit::NotStarted(2), Command::Custom),
                "Runtime.InvalidEntrypoint",
                "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
            ),
            (
                exited(Exit::NotStarted(79), Command::Custom),
                "Runtime.InvalidEntrypoint",
                "fork/exec /var/task/bootstrap: no such file or directory",
            ),
            (
                exited(Exit::NotStarted(13), Command::Custom),
                "Runtime.InvalidEntrypoint",
                "fork/exec /var/task/bootstrap: permission denied",
            ),
        ];
        for (failure, error_type, message) in cases {
            let expected = format!(
                r#"{{"errorType":"{error_type}","errorMessage":"RequestId: {id} Error: {message}"}}"#
            );
            assert_eq!(payload(&failure), expected);
        }
    }

    #[test]
    fn what_is_too_large_is_told_its_limit() {
        assert_eq!(
            payload(&Failure::ResponseTooLarge),
            r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#
        );
    }

    #[test]
    fn a_reported_type_must_have_the_allowed_form() {
        let of = |header, body: &str, side| reported_type(header, body.as_bytes(), side);
        assert_eq!(of(Some("Runtime.ImportModuleError"), "", Side::Init), "Runtime.ImportModuleError");
        assert_eq!(of(Some("Function.Custom"), "", Side::Call), "Function.Custom");
        assert_eq!(of(None, r#"{"errorType":"Runtime.Own"}"#, Side::Call), "Runtime.Own");
        for bad in
            ["", "Exception", "Runtime.", "Runtime.lower", "Runtime.A\r\nX: y", "Other.Kind", "Runtime.A1"]
        {
            assert_eq!(of(Some(bad), "{}", Side::Call), "Function.Unknown", "{bad:?}");
            assert_eq!(of(Some(bad), "not json", Side::Init), "Runtime.Unknown", "{bad:?}");
        }
    }
}
