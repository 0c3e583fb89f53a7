//! The platform's log lines of an invocation, read back: REPORT with its figures, START, INIT_START, END.

/// The figures of a REPORT line.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The request.
    pub request_id: String,
    /// Milliseconds that the handler ran.
    pub duration_ms: f64,
    /// Milliseconds that are billed.
    pub billed_ms: u64,
    /// The function's memory.
    pub memory_mb: u64,
    /// The most memory that the environment used.
    pub used_mb: u64,
    /// Milliseconds of initialisation, for a cold start.
    pub init_ms: Option<f64>,
    /// `timeout` or `error`, when the invocation did not end well.
    pub status: Option<String>,
}

/// A line of a function's log.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// An environment begins.
    InitStart,
    /// An initialisation that failed or took too long.
    InitReport(String),
    /// An invocation begins.
    Start(String),
    /// An invocation ended.
    End(String),
    /// The figures of an invocation.
    Report(Report),
    /// What the function wrote.
    Output(String),
}

/// Reads one line.
pub fn parse(line: &str) -> Line {
    let line = line.trim_end_matches(['\n', '\r', '\t']);
    let word_after = |prefix: &str| {
        line.strip_prefix(prefix).and_then(|rest| rest.split([' ', '\t']).next()).map(str::to_owned)
    };
    if line.starts_with("INIT_START ") {
        return Line::InitStart;
    }
    if let Some(rest) = line.strip_prefix("INIT_REPORT ") {
        return Line::InitReport(rest.replace('\t', "  "));
    }
    if let Some(id) = word_after("START RequestId: ") {
        return Line::Start(id);
    }
    if let Some(id) = word_after("END RequestId: ") {
        return Line::End(id);
    }
    match parse_report(line) {
        Some(report) => Line::Report(report),
        None => Line::Output(line.to_owned()),
    }
}

fn parse_report(line: &str) -> Option<Report> {
    let rest = line.strip_prefix("REPORT RequestId: ")?;
    let mut parts = rest.split('\t');
    let mut report = Report {
        request_id: parts.next()?.trim().to_owned(),
        duration_ms: 0.0,
        billed_ms: 0,
        memory_mb: 0,
        used_mb: 0,
        init_ms: None,
        status: None,
    };
    let mut seen = false;
    for part in parts {
        let Some((name, value)) = part.split_once(": ") else { continue };
        let number = value.split(' ').next().unwrap_or_default();
        match name {
            "Duration" => {
                report.duration_ms = number.parse().ok()?;
                seen = true;
            }
            "Billed Duration" => report.billed_ms = number.parse().ok()?,
            "Memory Size" => report.memory_mb = number.parse().ok()?,
            "Max Memory Used" => report.used_mb = number.parse().ok()?,
            "Init Duration" => report.init_ms = Some(number.parse().ok()?),
            "Status" => report.status = Some(value.to_owned()),
            _ => {}
        }
    }
    seen.then_some(report)
}

/// The last report in a log tail.
pub fn last(tail: &str) -> Option<Report> {
    tail.lines().rev().find_map(|line| match parse(line) {
        Line::Report(report) => Some(report),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLD: &str = "REPORT RequestId: a41e\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t\
                        Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t";

    #[test]
    fn reports_are_read_cold_warm_and_timed_out() {
        let cold =
            last(&format!("START RequestId: a41e Version: $LATEST\nhi\nEND RequestId: a41e\n{COLD}\n"))
                .unwrap();
        assert_eq!((cold.request_id.as_str(), cold.duration_ms, cold.billed_ms), ("a41e", 3.01, 114));
        assert_eq!((cold.memory_mb, cold.used_mb, cold.init_ms), (128, 36, Some(110.1)));
        let timeout = "REPORT RequestId: b\tDuration: 1000.00 ms\tBilled Duration: 1000 ms\tMemory Size: 128 MB\t\
                       Max Memory Used: 36 MB\tStatus: timeout";
        let timeout = last(timeout).unwrap();
        assert_eq!((timeout.init_ms, timeout.status.as_deref()), (None, Some("timeout")));
    }

    #[test]
    fn what_is_not_the_platforms_is_the_functions() {
        assert_eq!(parse("START RequestId: a Version: $LATEST\n"), Line::Start("a".into()));
        assert_eq!(parse("END RequestId: a"), Line::End("a".into()));
        assert_eq!(parse("INIT_START Runtime Version: python:3.11"), Line::InitStart);
        for mine in ["REPORT RequestId: x", "REPORT nothing", "STARTED", ""] {
            assert_eq!(parse(mine), Line::Output(mine.into()));
        }
        assert_eq!(last("nothing here"), None);
    }
}
