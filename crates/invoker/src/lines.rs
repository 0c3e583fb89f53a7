//! The lines that the platform writes into a log stream, as text (reference 3.7) or JSON (3.8).

use std::time::Duration;

use aws::{Millis, RequestId};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{FunctionVersion, LogFormat, Report};

/// How a call or an initialisation ended, for its report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Well.
    Success,
    /// The runtime answered with an error: JSON shows it, text does not.
    Reported(String),
    /// The time ran out.
    Timeout,
    /// The environment failed.
    Error(String),
}

impl Ending {
    fn text(&self) -> String {
        match self {
            Ending::Success | Ending::Reported(_) => String::new(),
            Ending::Timeout => "Status: timeout".to_owned(),
            Ending::Error(error_type) => format!("Status: error\tError Type: {error_type}"),
        }
    }

    fn json(&self, record: &mut Value) {
        let (status, error_type) = match self {
            Ending::Success => ("success", None),
            Ending::Timeout => ("timeout", None),
            Ending::Reported(error_type) | Ending::Error(error_type) => ("error", Some(error_type)),
        };
        record["status"] = status.into();
        if let Some(error_type) = error_type {
            record["errorType"] = error_type.as_str().into();
        }
    }
}

/// Within which phase an initialisation ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Init,
    Invoke,
}

impl Phase {
    fn text(self) -> &'static str {
        match self {
            Phase::Init => "init",
            Phase::Invoke => "invoke",
        }
    }
}

/// Writes the system lines of one function version.
pub(crate) struct Lines<'a> {
    pub(crate) function: &'a FunctionVersion,
    pub(crate) at: Millis,
}

impl Lines<'_> {
    /// The first line of an environment.
    pub(crate) fn init_start(&self) -> Bytes {
        let FunctionVersion { runtime_version, runtime_version_arn, .. } = self.function;
        match self.function.log_format {
            LogFormat::Text => Bytes::from(format!(
                "INIT_START Runtime Version: {runtime_version}\tRuntime Version ARN: {runtime_version_arn}"
            )),
            LogFormat::Json => self.json(
                "platform.initStart",
                json!({
                    "initializationType": "on-demand",
                    "phase": "init",
                    "runtimeVersion": runtime_version,
                    "runtimeVersionArn": runtime_version_arn,
                    "functionName": self.function.name,
                    "functionVersion": self.function.version,
                }),
            ),
        }
    }

    /// The report of an initialisation that failed; those that succeed write none.
    pub(crate) fn init_report(&self, duration: Duration, phase: Phase, ending: &Ending) -> Bytes {
        match self.function.log_format {
            LogFormat::Text => Bytes::from(format!(
                "INIT_REPORT Init Duration: {} ms\tPhase: {}\t{}",
                two_decimals(duration),
                phase.text(),
                ending.text()
            )),
            LogFormat::Json => {
                let mut record = json!({"initializationType": "on-demand", "phase": phase.text()});
                ending.json(&mut record);
                record["metrics"] = json!({"durationMs": number(duration)});
                self.json("platform.initReport", record)
            }
        }
    }

    /// The line before a call's output.
    pub(crate) fn start(&self, id: &RequestId) -> Bytes {
        let version = &self.function.version;
        match self.function.log_format {
            LogFormat::Text => Bytes::from(format!("START RequestId: {id} Version: {version}")),
            LogFormat::Json => {
                self.json("platform.start", json!({"requestId": id.to_string(), "version": version}))
            }
        }
    }

    /// The line after a call's output; JSON has none at the level INFO.
    pub(crate) fn end(&self, id: &RequestId) -> Option<Bytes> {
        match self.function.log_format {
            LogFormat::Text => Some(Bytes::from(format!("END RequestId: {id}"))),
            LogFormat::Json => None,
        }
    }

    /// The figures of a call.
    pub(crate) fn report(&self, id: &RequestId, report: &Report, ending: &Ending) -> Bytes {
        match self.function.log_format {
            LogFormat::Text => self.report_text(id, report, ending),
            LogFormat::Json => self.report_json(id, report, ending),
        }
    }

    fn report_text(&self, id: &RequestId, report: &Report, ending: &Ending) -> Bytes {
        let mut line = format!(
            "REPORT RequestId: {id}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
            two_decimals(report.duration),
            report.billed_ms,
            self.function.memory_mb,
            report.max_memory_mb
        );
        if let Some(init) = report.init {
            line.push_str(&format!("Init Duration: {} ms\t", two_decimals(init)));
        }
        line.push_str(&ending.text());
        Bytes::from(line)
    }

    fn report_json(&self, id: &RequestId, report: &Report, ending: &Ending) -> Bytes {
        let mut metrics = json!({
            "durationMs": number(report.duration),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": self.function.memory_mb,
            "maxMemoryUsedMB": report.max_memory_mb,
        });
        if let Some(init) = report.init {
            metrics["initDurationMs"] = number(init).into();
        }
        let mut record = json!({"requestId": id.to_string(), "metrics": metrics});
        ending.json(&mut record);
        self.json("platform.report", record)
    }

    fn json(&self, kind: &str, record: Value) -> Bytes {
        Bytes::from(json!({"time": self.at.rfc3339(), "type": kind, "record": record}).to_string())
    }
}

/// What is billed: duration and, on a cold start, initialisation, rounded up to whole milliseconds, at least one.
pub(crate) fn billed_ms(duration: Duration, init: Duration) -> u64 {
    let nanos = (duration + init).as_nanos();
    u64::try_from(nanos.div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1)
}

/// Peak memory in whole MB, rounded up, at most the function's.
pub(crate) fn memory_mb(bytes: u64, limit_mb: u32) -> u64 {
    bytes.div_ceil(1024 * 1024).clamp(1, u64::from(limit_mb))
}

fn two_decimals(duration: Duration) -> String {
    let hundredths = (duration.as_nanos() + 5_000) / 10_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn number(duration: Duration) -> f64 {
    let micros = (duration.as_nanos() + 500) / 1_000;
    micros as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_billed_to_the_next_millisecond_together_with_its_init() {
        let ms = Duration::from_micros;
        assert_eq!(billed_ms(ms(3_010), ms(110_100)), 114);
        assert_eq!(billed_ms(ms(3_000), Duration::ZERO), 3);
        assert_eq!(billed_ms(ms(1), Duration::ZERO), 1);
        assert_eq!(billed_ms(Duration::ZERO, Duration::ZERO), 1);
    }

    #[test]
    fn figures_have_two_decimals_in_text() {
        assert_eq!(two_decimals(Duration::from_micros(3_010)), "3.01");
        assert_eq!(two_decimals(Duration::from_nanos(1_004_999)), "1.00");
        assert_eq!(two_decimals(Duration::from_nanos(1_005_000)), "1.01");
        assert_eq!(two_decimals(Duration::from_secs(10)), "10000.00");
        assert_eq!(number(Duration::from_micros(110_100)), 110.1);
    }

    #[test]
    fn memory_never_shows_more_than_the_function_has() {
        assert_eq!(memory_mb(0, 128), 1);
        assert_eq!(memory_mb(36 * 1024 * 1024, 128), 36);
        assert_eq!(memory_mb(36 * 1024 * 1024 + 1, 128), 37);
        assert_eq!(memory_mb(u64::MAX, 128), 128);
    }
}
