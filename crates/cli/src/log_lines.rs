//! Events of a function's log as lines for people: time, request, word, what.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use crate::figures;
use crate::report::{Line, Report, parse};

/// One event of a log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id, unique.
    pub id: String,
    /// The stream: one environment.
    pub stream: String,
    /// Milliseconds since the epoch.
    pub at_ms: u64,
    /// The text.
    pub message: String,
}

/// What is known about streams between two batches: which request runs, whether it is the first.
#[derive(Debug, Default)]
pub struct Streams {
    running: HashMap<String, Running>,
}

#[derive(Debug, Default, Clone)]
struct Running {
    request_id: Option<String>,
    is_cold: bool,
}

/// An event with what it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The event.
    pub event: Event,
    /// Its meaning.
    pub line: Line,
    /// The request that it belongs to, when that is known.
    pub request_id: Option<String>,
    /// For START: the first of its environment.
    pub is_cold: bool,
}

impl Streams {
    /// Reads a batch in order.
    pub fn read(&mut self, events: Vec<Event>) -> Vec<Read> {
        events.into_iter().map(|event| self.one(event)).collect()
    }

    fn one(&mut self, event: Event) -> Read {
        let running = self.running.entry(event.stream.clone()).or_default();
        let line = parse(&event.message);
        let mut request_id = running.request_id.clone();
        let mut is_cold = false;
        match &line {
            Line::InitStart => running.is_cold = true,
            Line::Start(id) => {
                is_cold = std::mem::take(&mut running.is_cold);
                running.request_id = Some(id.clone());
                request_id = Some(id.clone());
            }
            // Lines after END, such as what a background thread writes, still belong to the last request.
            Line::End(id) => request_id = Some(id.clone()),
            Line::Report(report) => request_id = Some(report.request_id.clone()),
            Line::InitReport(_) | Line::Output(_) => {}
        }
        Read { event, line, request_id, is_cold }
    }
}

/// Renders a batch. `INIT_START` and `END` say nothing that START and REPORT do not, and are left out.
pub fn render(batch: &[Read], zone: &TimeZone) -> Vec<String> {
    batch.iter().filter_map(|read| one(read, batch, zone)).collect()
}

fn one(read: &Read, batch: &[Read], zone: &TimeZone) -> Option<String> {
    let (word, text) = match &read.line {
        Line::InitStart | Line::End(_) => return None,
        Line::Start(id) => ("START", start(read, report_of(batch, id))),
        Line::InitReport(text) => ("INIT", text.clone()),
        Line::Report(report) => ("REPORT", summary(report)),
        Line::Output(text) => output(text, read.request_id.as_deref()),
    };
    let id = read.request_id.as_deref().map_or("-", short);
    let time = figures::time_of_day(read.event.at_ms, zone);
    Some(format!("{time} {id:<4} {word:<7} {text}").trim_end().to_owned())
}

fn report_of<'a>(batch: &'a [Read], request_id: &str) -> Option<&'a Report> {
    batch.iter().find_map(|read| match &read.line {
        Line::Report(report) if report.request_id == request_id => Some(report),
        _ => None,
    })
}

fn start(read: &Read, report: Option<&Report>) -> String {
    match (read.is_cold, report.and_then(|report| report.init_ms)) {
        (_, Some(init_ms)) => format!("cold, init {} ms", figures::ms(init_ms)),
        (true, None) => "cold".into(),
        (false, None) => String::new(),
    }
}

fn summary(report: &Report) -> String {
    let Report { duration_ms, billed_ms, used_mb, memory_mb, .. } = report;
    let status = report.status.as_deref().map(|status| format!(", {status}")).unwrap_or_default();
    let ms = figures::ms(*duration_ms);
    format!("{ms} ms, billed {} ms, {used_mb}/{memory_mb} MB{status}", figures::thousands(*billed_ms))
}

/// The level and text of a line that a function wrote; `[INFO]\ttime\tid\ttext` is how Python's logging writes.
fn output(text: &str, request_id: Option<&str>) -> (&'static str, String) {
    let levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
    let Some((level, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return ("", text.to_owned());
    };
    let Some(level) = levels.iter().find(|known| **known == level) else { return ("", text.to_owned()) };
    let rest = rest.trim_start_matches(['\t', ' ']);
    let message = match rest.splitn(3, '\t').collect::<Vec<_>>()[..] {
        [_, id, message] if Some(id) == request_id => message,
        _ => rest,
    };
    (level, message.to_owned())
}

/// The first four characters of an id, enough to tell requests apart at a glance.
pub fn short(id: &str) -> &str {
    id.get(..4).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(stream: &str, messages: &[&str]) -> Vec<Event> {
        let at = 1_768_226_531_318;
        let event = |(index, message): (usize, &&str)| Event {
            id: format!("{stream}{index}"),
            stream: stream.into(),
            at_ms: at + index as u64,
            message: (*message).to_owned(),
        };
        messages.iter().enumerate().map(event).collect()
    }

    #[test]
    fn a_cold_invocation_reads_like_a_story() {
        let events = batch(
            "s",
            &[
                "INIT_START Runtime Version: python:3.11",
                "START RequestId: 3f9c1111 Version: $LATEST",
                "[INFO]\t2026-01-12T14:02:11.319Z\t3f9c1111\tgreeting world",
                "plain",
                "END RequestId: 3f9c1111",
                "REPORT RequestId: 3f9c1111\tDuration: 1.10 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\t\
                 Max Memory Used: 36 MB\tInit Duration: 10.10 ms\t",
                "[ERROR] KeyError: 'name'",
            ],
        );
        let lines = render(&Streams::default().read(events), &TimeZone::UTC);
        assert_eq!(
            lines,
            [
                "14:02:11.319 3f9c START   cold, init 10.1 ms",
                "14:02:11.320 3f9c INFO    greeting world",
                "14:02:11.321 3f9c         plain",
                "14:02:11.323 3f9c REPORT  1.1 ms, billed 12 ms, 36/128 MB",
                "14:02:11.324 3f9c ERROR   KeyError: 'name'",
            ]
        );
    }

    #[test]
    fn streams_are_told_apart_across_batches() {
        let mut streams = Streams::default();
        streams.read(batch("a", &["INIT_START x", "START RequestId: aaaa1 Version: 1"]));
        streams.read(batch("b", &["START RequestId: bbbb1 Version: 1"]));
        let read = streams.read([batch("a", &["from a"]), batch("b", &["from b"])].concat());
        assert_eq!(
            render(&read, &TimeZone::UTC),
            ["14:02:11.318 aaaa         from a", "14:02:11.318 bbbb         from b"]
        );
    }
}
