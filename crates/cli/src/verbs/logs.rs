//! `logs`: what a function wrote, and how its invocations went; `-f` follows.

use std::collections::HashSet;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;
use wire::Value;

use crate::client::{Client, items_of, number_of, structure, text, text_of};
use crate::failure::{Exit, Failure};
use crate::figures::parse_span;
use crate::limits;
use crate::log_lines::{Event, Read, Streams, render};
use crate::session::Session;

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The function's name
    pub function: String,
    /// Follow
    #[arg(short, long)]
    pub follow: bool,
    /// Exactly the lines that CloudWatch has
    #[arg(long)]
    pub raw: bool,
    /// Only this request; the first characters of its id will do
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// How far back: 30s, 5m, 2h, 7d
    #[arg(long, value_name = "SPAN", default_value = "1d", value_parser = parse_span)]
    pub since: std::time::Duration,
    /// Only the last N lines
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<usize>,
}

/// Shows what there is, then follows if asked.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let client = session.client()?;
    let group = format!("/aws/lambda/{}", arguments.function);
    let since = session
        .clock
        .wall_ms()
        .saturating_sub(u64::try_from(arguments.since.as_millis()).unwrap_or(u64::MAX));
    let mut page = Pages { group, from_ms: since, seen: HashSet::new() };
    let mut streams = Streams::default();
    let first = match page.next(&client).await {
        Err(failure) if failure.is("ResourceNotFoundException") => {
            if crate::verbs::ls::find(&client, &arguments.function).await?.is_none() {
                return Err(super::rm::not_found(&client, &arguments.function).await);
            }
            // A function that has not run has no log group yet.
            Vec::new()
        }
        other => other?,
    };
    show(session, arguments, streams.read(first), arguments.lines)?;
    if !arguments.follow {
        return Ok(Exit::Done);
    }
    loop {
        session.clock.sleep(limits::FOLLOW).await;
        match page.next(&client).await {
            Ok(events) => show(session, arguments, streams.read(events), None)?,
            Err(failure) if failure.is("ResourceNotFoundException") => {}
            Err(failure) => return Err(failure),
        }
    }
}

/// Where reading has come to.
struct Pages {
    group: String,
    from_ms: u64,
    /// Ids of events at or after `from_ms` that were given already.
    seen: HashSet<String>,
}

impl Pages {
    /// Events that are new since the last time, in order of time.
    async fn next(&mut self, client: &Client) -> Result<Vec<Event>, Failure> {
        let mut new = Vec::new();
        let mut token = Value::Null;
        for _ in 0..limits::PAGES {
            let input = structure([
                ("logGroupName", text(&self.group)),
                ("startTime", Value::Integer(i64::try_from(self.from_ms).unwrap_or(i64::MAX))),
                ("nextToken", token),
            ]);
            let mut answer = client.call("logs", "FilterLogEvents", input).await?.value;
            new.extend(items_of(&answer, "events").iter().map(event));
            token = answer.take("nextToken");
            if token.is_null() {
                break;
            }
        }
        Ok(self.keep_new(new))
    }

    fn keep_new(&mut self, events: Vec<Event>) -> Vec<Event> {
        let new: Vec<Event> = events.into_iter().filter(|event| self.seen.insert(event.id.clone())).collect();
        // Events of one moment may arrive apart, so the last second is asked for again and ids decide.
        if let Some(latest) = new.iter().map(|event| event.at_ms).max() {
            let from_ms = latest.saturating_sub(1000).max(self.from_ms);
            if from_ms > self.from_ms && self.seen.len() > 100_000 {
                self.seen =
                    new.iter().filter(|event| event.at_ms >= from_ms).map(|event| event.id.clone()).collect();
            }
            self.from_ms = from_ms;
        }
        new
    }
}

fn event(value: &Value) -> Event {
    Event {
        id: text_of(value, "eventId").to_owned(),
        stream: text_of(value, "logStreamName").to_owned(),
        at_ms: number_of(value, "timestamp").and_then(|at| u64::try_from(at).ok()).unwrap_or(0),
        message: text_of(value, "message").to_owned(),
    }
}

fn show(
    session: &Session,
    arguments: &Arguments,
    read: Vec<Read>,
    last: Option<usize>,
) -> Result<(), Failure> {
    let wanted: Vec<Read> = match &arguments.request {
        Some(prefix) => read.into_iter().filter(|read| is_of(read, prefix)).collect(),
        None => read,
    };
    let mut lines = if session.screen.is_json() {
        wanted.iter().map(as_json).collect()
    } else if arguments.raw {
        wanted.iter().map(|read| read.event.message.trim_end_matches('\n').to_owned()).collect()
    } else {
        render(&wanted, &TimeZone::system())
    };
    if let Some(last) = last {
        lines.drain(..lines.len().saturating_sub(last));
    }
    let text: String = lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect();
    if text.is_empty() { Ok(()) } else { session.screen.answer(&text) }
}

fn is_of(read: &Read, prefix: &str) -> bool {
    read.request_id.as_deref().is_some_and(|id| id.starts_with(prefix))
}

fn as_json(read: &Read) -> String {
    json!({
        "Timestamp": aws::Millis(read.event.at_ms).rfc3339(),
        "RequestId": read.request_id,
        "LogStream": read.event.stream,
        "Message": read.event.message,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_gives_each_event_once() {
        let event =
            |id: &str, at_ms| Event { id: id.into(), stream: "s".into(), at_ms, message: String::new() };
        let mut pages = Pages { group: "g".into(), from_ms: 0, seen: HashSet::new() };
        assert_eq!(pages.keep_new(vec![event("a", 5_000), event("b", 5_000)]).len(), 2);
        assert_eq!(pages.from_ms, 4_000);
        let new = pages.keep_new(vec![event("a", 5_000), event("b", 5_000), event("c", 5_000)]);
        assert_eq!(new.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["c"]);
        assert!(pages.keep_new(Vec::new()).is_empty());
    }
}
