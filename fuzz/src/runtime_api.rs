//! Bytes of a function on its Runtime API, through the real listener, connections and environment, in virtual time.
//!
//! Inputs are steps: one byte what, one byte how much, then that many bytes if they are to be sent or written.

mod stage;

use std::time::Duration;

use invoker::LogFormat;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Builder;

use stage::{Stage, id};

/// Connections that an input may hold open.
const CONNECTIONS: usize = 8;
/// Longer than initialisation, timeout and one reset together, twice.
const AT_LAST: Duration = Duration::from_secs(120);

pub(crate) fn run(input: &[u8]) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(play(input));
}

async fn play(input: &[u8]) {
    // What is written to standard output is read in two ways.
    let format = if input.len().is_multiple_of(2) { LogFormat::Text } else { LogFormat::Json };
    let stage = Stage::new(format);
    stage.call();
    stage.pass(Duration::ZERO).await;
    let mut wires: Vec<DuplexStream> = Vec::new();
    let mut rest = input;
    let mut steps = 0;
    while let [what, much, after @ ..] = rest
        && steps < 24
    {
        rest = after;
        steps += 1;
        let wire = usize::from(what / 8) % CONNECTIONS;
        match what % 8 {
            0..=2 => {
                let (bytes, after) = rest.split_at(usize::from(*much).min(rest.len()));
                rest = after;
                send(&stage, &mut wires, wire, bytes).await;
            }
            3 | 4 => send(&stage, &mut wires, wire, &spoken(*much, steps)).await,
            5 => stage.pass(Duration::from_millis(u64::from(*much) * 50)).await,
            6 if wire < wires.len() => drop(wires.swap_remove(wire)),
            6 => stage.end(),
            _ => {
                let (bytes, after) = rest.split_at(usize::from(*much).min(rest.len()));
                rest = after;
                stage.write_output(bytes);
            }
        }
        stage.settle().await;
        listen(&mut wires);
    }
    stage.neighbour_is_well().await;
    stage.pass(AT_LAST).await;
    assert_eq!(stage.open_calls(), 0, "a call without an answer");
    stage.neighbour_is_well().await;
}

/// What a runtime may say, in and out of its turn.
fn spoken(which: u8, step: usize) -> Vec<u8> {
    let own = id(1);
    let other = id(step as u128);
    let post = |what: &str, more: &str, body: &str| {
        let length = body.len();
        format!(
            "POST /2018-06-01/runtime/{what} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {length}\r\n\r\n{body}"
        )
    };
    let text = match which % 10 {
        0 | 1 => "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        2 => post(&format!("invocation/{own}/response"), "", "{}"),
        3 => post(&format!("invocation/{other}/response"), "", "not json"),
        4 => post(
            &format!("invocation/{own}/error"),
            "Lambda-Runtime-Function-Error-Type: a.b\r\n",
            "{\"errorMessage\":1}",
        ),
        5 => post("init/error", "", "{\"errorType\":\"\",\"stackTrace\":[]}"),
        6 => format!(
            "POST /2018-06-01/runtime/invocation/{own}/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\
             Trailer: Lambda-Runtime-Function-Error-Type\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n\r\n3\r\nabc\r\n"
        ),
        7 => "0\r\nLambda-Runtime-Function-Error-Type: X\r\nLambda-Runtime-Function-Error-Body: !\r\n\r\n"
            .to_owned(),
        8 => format!(
            "POST /2018-06-01/runtime/invocation/{own}/response HTTP/1.1\r\nHost: x\r\nContent-Length: 6291557\r\n\r\n"
        ),
        _ => "GET /2020-01-01/extension/register HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n"
            .to_owned(),
    };
    text.into_bytes()
}

async fn send(stage: &Stage, wires: &mut Vec<DuplexStream>, wire: usize, bytes: &[u8]) {
    if wire >= wires.len() {
        match stage.connect().await {
            Some(connected) => wires.push(connected),
            None => return,
        }
    }
    let wire = wire.min(wires.len() - 1);
    // A peer that no longer reads must not stop the input: what does not fit is lost.
    let clock = stage.clock.clone();
    let wire = &mut wires[wire];
    let _ = clock.within(Duration::ZERO, wire.write_all(bytes)).await;
}

/// Reads what has come, as far as it has.
fn listen(wires: &mut [DuplexStream]) {
    let mut seen = [0; 4096];
    for wire in wires {
        let mut reading = std::pin::pin!(wire.read(&mut seen));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = reading.as_mut().poll(&mut cx);
    }
}
