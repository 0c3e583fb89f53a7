//! `invoke`: calls a function, shows its answer and what it took; `--repeat` measures it.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use clap::Args;
use serde_json::json;
use wire::Value;

use crate::client::{Call, Client, structure, text, text_of};
use crate::failure::{Answer, Exit, Failure};
use crate::figures::{ms, thousands};
use crate::log_lines::short;
use crate::payload;
use crate::report::{self, Report};
use crate::screen::{Screen, Tone};
use crate::session::Session;

/// Arguments of `invoke`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The function's name or ARN
    pub function: String,
    /// The event: JSON, @FILE, or - for standard input
    #[arg(default_value = "{}")]
    pub payload: String,
    /// A version or alias
    #[arg(long, value_name = "VERSION")]
    pub qualifier: Option<String>,
    /// Call it so often, one after the other, and show what the calls took
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub repeat: Option<u32>,
}

/// One invocation as the caller saw it.
#[derive(Debug)]
struct Invoked {
    payload: Bytes,
    error: Option<String>,
    report: Option<Report>,
    request_id: Option<String>,
    total: Duration,
}

/// Invokes once or many times.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let client = session.client()?;
    let event = payload::read(&arguments.payload)?;
    if client.is_dry() {
        call(session, &client, arguments, &event).await?;
        return Ok(Exit::Done);
    }
    client.prepare("lambda").await?;
    match arguments.repeat {
        None => once(session, &client, arguments, &event).await,
        Some(count) => repeat(session, &client, arguments, &event, count).await,
    }
}

async fn call(
    session: &Session,
    client: &Client,
    arguments: &Arguments,
    event: &Bytes,
) -> Result<Invoked, Failure> {
    let input = structure([
        ("FunctionName", text(&arguments.function)),
        ("LogType", text("Tail")),
        ("Payload", Value::Blob(event.clone())),
        ("Qualifier", arguments.qualifier.as_deref().map_or(Value::Null, text)),
    ]);
    let file = payload::file(&arguments.payload);
    let start = session.clock.tick();
    let call = Call { service: "lambda", operation: "Invoke", input, file };
    let answer = client.send(call).await?;
    let total = session.clock.tick().since(start);
    let mut value = answer.value;
    let payload = match value.take("Payload") {
        Value::Blob(bytes) => bytes,
        _ => Bytes::new(),
    };
    let tail = BASE64_STANDARD.decode(text_of(&value, "LogResult")).unwrap_or_default();
    let tail = String::from_utf8_lossy(&tail).into_owned();
    let report = report::last(&tail);
    let error = value.member("FunctionError").as_text().map(str::to_owned);
    Ok(Invoked { payload, error, report, request_id: answer.request_id, total })
}

async fn once(
    session: &Session,
    client: &Client,
    arguments: &Arguments,
    event: &Bytes,
) -> Result<Exit, Failure> {
    let invoked = match call(session, client, arguments, event).await {
        Err(failure) if failure.is("ResourceNotFoundException") => {
            return Err(super::rm::not_found(client, &arguments.function).await);
        }
        other => other?,
    };
    let mut answer = invoked.payload.to_vec();
    if !answer.ends_with(b"\n") {
        answer.push(b'\n');
    }
    session.screen.answer_bytes(&answer)?;
    if invoked.error.is_none() {
        session.screen.say(&succeeded(&session.screen, &invoked));
        return Ok(Exit::Done);
    }
    if session.screen.is_json() {
        session.screen.fail(&as_failure(&arguments.function, &invoked));
    } else {
        for line in failed(&session.screen, &arguments.function, &invoked) {
            session.screen.say_always(&line);
        }
    }
    Ok(Exit::Function)
}

/// `ok cold 12.4 ms: init 10.1, run 1.1, lambent 1.2; billed 12 ms; 36/128 MB`
fn succeeded(screen: &Screen, invoked: &Invoked) -> String {
    let ok = screen.paint("ok", Tone::Good);
    let total_ms = invoked.total.as_secs_f64() * 1000.0;
    let Some(report) = &invoked.report else { return format!("{ok} {} ms", ms(total_ms)) };
    let ours = (total_ms - report.duration_ms - report.init_ms.unwrap_or(0.0)).max(0.0);
    let init = report.init_ms.map(|init_ms| format!("init {}, ", ms(init_ms))).unwrap_or_default();
    let run = ms(report.duration_ms);
    let Report { billed_ms, used_mb, memory_mb, .. } = report;
    format!(
        "{ok} {} {} ms: {init}run {run}, lambent {}; billed {} ms; {used_mb}/{memory_mb} MB",
        warmth(report),
        ms(total_ms),
        ms(ours),
        thousands(*billed_ms)
    )
}

fn warmth(report: &Report) -> &'static str {
    if report.init_ms.is_some() { "cold" } else { "warm" }
}

/// Type and message of an error payload, `KeyError: 'name'`.
fn summary(invoked: &Invoked) -> String {
    let document: serde_json::Value = serde_json::from_slice(&invoked.payload).unwrap_or_default();
    let field = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
    match (field("errorType"), field("errorMessage")) {
        (kind, message) if kind.is_empty() && message.is_empty() => "no error document".into(),
        (kind, message) if kind.is_empty() => message,
        (kind, message) if message.is_empty() => kind,
        (kind, message) => format!("{kind}: {message}"),
    }
}

/// The innermost frame of a Python stack in the function's own code: `app.py:4 handler  return ...`.
fn frame(invoked: &Invoked) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(&invoked.payload).ok()?;
    let stack = document["stackTrace"].as_array()?;
    stack.iter().rev().filter_map(serde_json::Value::as_str).find_map(|entry| {
        let mut lines = entry.trim().lines();
        let place = lines.next()?.strip_prefix("File \"/var/task/")?;
        let (file, rest) = place.split_once("\", line ")?;
        let (line, function) = rest.split_once(", in ")?;
        let code = lines.next().map(|code| format!("  {}", code.trim())).unwrap_or_default();
        Some(format!("{file}:{line} {function}{code}"))
    })
}

fn failed(screen: &Screen, function: &str, invoked: &Invoked) -> Vec<String> {
    let error = screen.paint("error", Tone::Bad);
    let mut lines = vec![format!("{error}: {function} failed: {}", summary(invoked))];
    lines.extend(frame(invoked).map(|frame| format!("  {frame}")));
    let took = match &invoked.report {
        Some(report) => {
            let took = ms(report.duration_ms + report.init_ms.unwrap_or(0.0));
            format!("{} {took} ms; billed {} ms", warmth(report), thousands(report.billed_ms))
        }
        None => format!("{} ms", ms(invoked.total.as_secs_f64() * 1000.0)),
    };
    let id = invoked.request_id.as_deref();
    let all = id.map(|id| format!("   all: lambent logs {function} --request {}", short(id)));
    lines.push(format!("  {took}{}", all.unwrap_or_default()));
    lines
}

fn as_failure(function: &str, invoked: &Invoked) -> Failure {
    let mut failure = Failure::new(Exit::Function, format!("{function} failed: {}", summary(invoked)));
    let code = invoked.error.clone().unwrap_or_default();
    failure.answer = Some(Box::new(Answer { code, request_id: invoked.request_id.clone() }));
    let id = invoked.request_id.as_deref().map(short).unwrap_or_default();
    failure.fix(format!("lambent logs {function} --request {id}"))
}

/// What many calls took.
#[derive(Debug, Default)]
struct Series {
    total_ms: Vec<f64>,
    run_ms: Vec<f64>,
    init_ms: Vec<f64>,
    billed_ms: u64,
    failed: u32,
}

async fn repeat(
    session: &Session,
    client: &Client,
    arguments: &Arguments,
    event: &Bytes,
    count: u32,
) -> Result<Exit, Failure> {
    let mut series = Series::default();
    for _ in 0..count {
        let invoked = call(session, client, arguments, event).await?;
        series.total_ms.push(invoked.total.as_secs_f64() * 1000.0);
        series.failed += u32::from(invoked.error.is_some());
        if let Some(report) = invoked.report {
            series.run_ms.push(report.duration_ms);
            series.init_ms.extend(report.init_ms);
            series.billed_ms += report.billed_ms;
        }
    }
    let answer = if session.screen.is_json() { series.json() } else { series.text(&arguments.function) };
    session.screen.answer(&answer)?;
    Ok(if series.failed > 0 { Exit::Function } else { Exit::Done })
}

impl Series {
    fn text(&mut self, function: &str) -> String {
        let count = self.total_ms.len();
        let mut text = format!(
            "{function}: {} calls, {} cold, {} failed; billed {} ms\n",
            thousands(count as u64),
            self.init_ms.len(),
            self.failed,
            thousands(self.billed_ms)
        );
        let rows = [("total", &mut self.total_ms), ("run", &mut self.run_ms), ("init", &mut self.init_ms)];
        let mut table = Vec::new();
        for (name, values) in rows {
            if !values.is_empty() {
                let mut row = vec![name.to_owned()];
                row.extend(quantiles(values).map(ms));
                table.push(row);
            }
        }
        let columns = ["MS", "MIN", "P50", "P90", "P99", "MAX"];
        use crate::table::Align::{Left, Right};
        let columns: Vec<_> =
            columns.iter().map(|name| (*name, if *name == "MS" { Left } else { Right })).collect();
        text.push_str(&crate::table::render(&columns, &table));
        text
    }

    fn json(&mut self) -> String {
        let figures = |values: &mut Vec<f64>| {
            let [min, p50, p90, p99, max] = quantiles(values);
            json!({ "Min": min, "P50": p50, "P90": p90, "P99": p99, "Max": max })
        };
        let mut document = json!({
            "Calls": self.total_ms.len(),
            "Cold": self.init_ms.len(),
            "Failed": self.failed,
            "BilledMs": self.billed_ms,
            "TotalMs": figures(&mut self.total_ms),
            "RunMs": figures(&mut self.run_ms),
        });
        if !self.init_ms.is_empty() {
            document["InitMs"] = figures(&mut self.init_ms);
        }
        format!("{document}\n")
    }
}

/// Minimum, median, 90th and 99th percentile and maximum by nearest rank; zeros for nothing.
fn quantiles(values: &mut [f64]) -> [f64; 5] {
    values.sort_by(f64::total_cmp);
    let rank = |share: f64| {
        let rank = (share * values.len() as f64).ceil() as usize;
        values.get(rank.clamp(1, values.len().max(1)) - 1).copied().unwrap_or(0.0)
    };
    [rank(0.0), rank(0.5), rank(0.9), rank(0.99), rank(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::{Color, Form, Talk};

    fn invoked(payload: &str, report: &str, total_us: u64) -> Invoked {
        Invoked {
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            error: None,
            report: report::last(report),
            request_id: Some("a41e0000-1111".into()),
            total: Duration::from_micros(total_us),
        }
    }

    fn screen() -> Screen {
        Screen::new(Form::Text, Talk::Normal, Color::Never, |_| None)
    }

    const COLD: &str = "REPORT RequestId: a\tDuration: 1.10 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\t\
                        Max Memory Used: 36 MB\tInit Duration: 10.10 ms\t";
    const WARM: &str = "REPORT RequestId: a\tDuration: 1.10 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t\
                        Max Memory Used: 36 MB\t";

    #[test]
    fn an_answer_says_where_its_time_went() {
        assert_eq!(
            succeeded(&screen(), &invoked("{}", COLD, 12_400)),
            "ok cold 12.4 ms: init 10.1, run 1.1, lambent 1.2; billed 12 ms; 36/128 MB"
        );
        assert_eq!(
            succeeded(&screen(), &invoked("{}", WARM, 1_200)),
            "ok warm 1.2 ms: run 1.1, lambent 0.1; billed 2 ms; 36/128 MB"
        );
        assert_eq!(succeeded(&screen(), &invoked("{}", "", 1_200)), "ok 1.2 ms");
    }

    #[test]
    fn a_failure_names_error_place_and_the_way_to_the_log() {
        let payload = r#"{"errorMessage":"'name'","errorType":"KeyError","requestId":"a41e",
            "stackTrace":["  File \"/var/runtime/bootstrap.py\", line 9, in run\n    x\n",
            "  File \"/var/task/app.py\", line 4, in handler\n    return {\"greeting\": event[\"name\"]}\n"]}"#;
        assert_eq!(
            failed(&screen(), "hello", &invoked(payload, WARM, 1_600)),
            [
                "error: hello failed: KeyError: 'name'",
                "  app.py:4 handler  return {\"greeting\": event[\"name\"]}",
                "  warm 1.1 ms; billed 2 ms   all: lambent logs hello --request a41e",
            ]
        );
        assert_eq!(summary(&invoked(r#"{"errorMessage":"boom"}"#, "", 0)), "boom");
        assert_eq!(summary(&invoked("nonsense", "", 0)), "no error document");
    }

    #[test]
    fn many_calls_are_a_table() {
        let mut series = Series {
            total_ms: (1..=100).map(f64::from).collect(),
            run_ms: vec![1.0; 100],
            init_ms: vec![10.0],
            billed_ms: 1_210,
            failed: 0,
        };
        assert_eq!(
            series.text("hello"),
            "hello: 100 calls, 1 cold, 0 failed; billed 1,210 ms\n\
             MS      MIN   P50   P90   P99   MAX\n\
             total   1.0  50.0  90.0  99.0   100\n\
             run     1.0   1.0   1.0   1.0   1.0\n\
             init   10.0  10.0  10.0  10.0  10.0\n"
        );
        assert_eq!(quantiles(&mut []), [0.0; 5]);
    }
}
