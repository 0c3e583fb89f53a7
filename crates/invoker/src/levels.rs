//! Which lines of a function with JSON logs are written at all (reference 3.8). Text logs have no levels.

use serde_json::Value;

use crate::{FunctionVersion, LogFormat, LogLevel, LogLevels};

/// The sieve of one function's log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sieve(Option<LogLevels>);

impl Sieve {
    /// The sieve of a function.
    pub(crate) fn of(function: &FunctionVersion) -> Sieve {
        Sieve((function.log_format == LogFormat::Json).then_some(function.log_levels))
    }

    /// Whether a line of the platform is written.
    pub(crate) fn keeps_system(self, line: &[u8]) -> bool {
        self.0.is_none_or(|levels| system_level(line) >= levels.system)
    }

    /// Whether a line of the function is written.
    pub(crate) fn keeps_output(self, line: &[u8]) -> bool {
        // Nothing is below TRACE, so nothing need be read.
        self.0.is_none_or(|levels| {
            levels.application == LogLevel::Trace || output_level(line) >= levels.application
        })
    }
}

/// Failures are warnings, everything else informs.
fn system_level(line: &[u8]) -> LogLevel {
    let event: Value = serde_json::from_slice(line).unwrap_or_default();
    match event["record"]["status"].as_str() {
        None | Some("success") => LogLevel::Info,
        Some(_) => LogLevel::Warn,
    }
}

/// What an object with a time says of itself; INFO for everything else, plain text above all.
fn output_level(line: &[u8]) -> LogLevel {
    if line.first() != Some(&b'{') {
        return LogLevel::Info;
    }
    let said: Value = serde_json::from_slice(line).unwrap_or_default();
    let dated = said["timestamp"].as_str().is_some_and(|time| time.as_bytes().get(10) == Some(&b'T'));
    // The runtimes say `log_level` of an uncaught error.
    let level = said["level"].as_str().or_else(|| said["log_level"].as_str());
    level.filter(|_| dated).and_then(LogLevel::parse).unwrap_or(LogLevel::Info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_the_level_it_says_and_all_else_informs() {
        let of = |line: &str| output_level(line.as_bytes());
        for (name, level) in [
            ("TRACE", LogLevel::Trace),
            ("DEBUG", LogLevel::Debug),
            ("info", LogLevel::Info),
            ("WARN", LogLevel::Warn),
            ("WARNING", LogLevel::Warn),
            ("ERROR", LogLevel::Error),
            ("CRITICAL", LogLevel::Fatal),
            ("FATAL", LogLevel::Fatal),
            ("LOUD", LogLevel::Info),
        ] {
            for key in ["level", "log_level"] {
                let line = format!(r#"{{"timestamp":"2026-01-01T00:00:00.000Z","{key}":"{name}"}}"#);
                assert_eq!(of(&line), level, "{line}");
            }
        }
        for plain in
            ["", "text", "DEBUG x", "{", "[1]", r#"{"level":"ERROR"}"#, r#"{"timestamp":1,"level":"ERROR"}"#]
        {
            assert_eq!(of(plain), LogLevel::Info, "{plain}");
        }
    }

    #[test]
    fn the_platform_informs_unless_something_failed() {
        let of = |line: &str| system_level(line.as_bytes());
        assert_eq!(of(r#"{"type":"platform.start","record":{"requestId":"x"}}"#), LogLevel::Info);
        assert_eq!(of(r#"{"type":"platform.report","record":{"status":"success"}}"#), LogLevel::Info);
        assert_eq!(of(r#"{"type":"platform.report","record":{"status":"timeout"}}"#), LogLevel::Warn);
        assert_eq!(of(r#"{"type":"platform.initReport","record":{"status":"error"}}"#), LogLevel::Warn);
    }

    #[test]
    fn text_is_never_sieved() {
        let sieve = Sieve(None);
        assert!(sieve.keeps_system(b"x") && sieve.keeps_output(b"x"));
        let quiet = Sieve(Some(LogLevels { application: LogLevel::Fatal, system: LogLevel::Warn }));
        assert!(!quiet.keeps_system(b"x") && !quiet.keeps_output(b"x"));
    }
}
