//! Hostile code against its Runtime API: it harms its own call at most, never the server or a neighbour.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use invoker::{Invoker, Outcome, Parts, Refused, Settings, Verdict};
use sandbox::simulated::Simulated;
use sandbox::{Control, Driver, Exit, KeepTmp, Listener, Output, Packs, Slot, Spec, StartError, Tmp, Usage};
use tasks::{OnError, Random};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};

use crate::stage::{NoEndpoint, Stage, function, id, named, text};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

const BACKLOG: usize = 2_000;
pub const NEXT: &str = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";

/// Hands the boxes of functions with the variable `HOSTILE` to the test; the others are simulated.
#[derive(Clone)]
pub struct Rig {
    simulated: Simulated,
    pub boxes: Arc<Mutex<Vec<Hostile>>>,
}

/// The inside of a box, in the hands of the test.
pub struct Hostile {
    pub connect: mpsc::Sender<DuplexStream>,
    pub stdout: DuplexStream,
    pub ended: watch::Sender<Option<Exit>>,
}

impl Driver for Rig {
    fn start(&self, spec: Spec) -> Boxed<'_, Result<Slot, StartError>> {
        if !spec.environment.iter().any(|(name, _)| name == "HOSTILE") {
            return self.simulated.start(spec);
        }
        let (connect, runtime_api) = mpsc::channel(BACKLOG);
        let (_, endpoint) = mpsc::channel(1);
        let (stdout, stdout_read) = tokio::io::duplex(1 << 9);
        let (_, stderr_read) = tokio::io::duplex(1);
        let ended = watch::Sender::new(None);
        let slot = Slot {
            number: 1,
            runtime_api: Listener::Memory(runtime_api),
            endpoint: Listener::Memory(endpoint),
            stdout: Output::Memory(stdout_read),
            stderr: Output::Memory(stderr_read),
            control: Box::new(Handle(ended.clone())),
        };
        self.boxes.lock().unwrap().push(Hostile { connect, stdout, ended });
        Box::pin(async move { Ok(slot) })
    }

    fn packs(&self) -> watch::Receiver<Packs> {
        self.simulated.packs()
    }
}

struct Handle(watch::Sender<Option<Exit>>);

impl Control for Handle {
    fn freeze(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn thaw(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn limit_cpu(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn usage(&mut self) -> io::Result<Usage> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn exited(&mut self) -> Boxed<'_, Exit> {
        let mut ended = self.0.subscribe();
        Box::pin(async move { ended.wait_for(Option::is_some).await.unwrap().unwrap() })
    }
    fn close(self: Box<Self>, _: KeepTmp) -> Boxed<'static, Option<Tmp>> {
        Box::pin(async { None })
    }
}

/// A stage whose function `f` is hostile, with one call of it under way.
pub struct Attack {
    pub stage: Stage,
    pub rig: Rig,
    answer: Arc<Mutex<Option<Result<Outcome, Refused>>>>,
}

impl Attack {
    pub async fn begin() -> Attack {
        Attack::begin_with(Settings::default()).await
    }

    async fn begin_with(settings: Settings) -> Attack {
        let mut stage = Stage::new();
        let rig = Rig { simulated: stage.driver.clone(), boxes: Arc::default() };
        stage.invoker = Invoker::new(Parts {
            driver: Arc::new(rig.clone()),
            logs: stage.logs.clone(),
            credentials: stage.mint.clone(),
            inside: Arc::new(NoEndpoint),
            clock: stage.clock.clone(),
            random: Random::seeded(1),
            tasks: stage.tasks.clone(),
            settings,
        });
        let attack = Attack { stage, rig, answer: Arc::default() };
        attack.call();
        attack.stage.pass(0).await;
        attack
    }

    pub fn call(&self) {
        let mut f = function("echo");
        f.environment.insert("HOSTILE".to_owned(), "yes".to_owned());
        let kept = self.answer.clone();
        let call = self.stage.call(&Arc::new(f));
        self.stage.begin_and(call, move |ran| *kept.lock().unwrap() = Some(ran));
    }

    pub fn connect_to(&self) -> mpsc::Sender<DuplexStream> {
        self.rig.boxes.lock().unwrap().last().unwrap().connect.clone()
    }

    async fn connect(&self) -> Wire {
        self.connect_with(1 << 16).await
    }

    async fn connect_with(&self, buffer: usize) -> Wire {
        let (ours, theirs) = tokio::io::duplex(buffer);
        self.connect_to().send(theirs).await.unwrap();
        Wire(ours)
    }

    /// A connection that has the event of the first call.
    async fn with_event(&self) -> Wire {
        let mut wire = self.connect().await;
        assert_eq!(wire.ask(NEXT).await, 200);
        wire
    }

    fn answered(&self) -> Option<Outcome> {
        self.answer.lock().unwrap().take().map(|ran| ran.unwrap())
    }

    /// The neighbour is served at once, whatever goes on.
    pub async fn neighbour_is_well(&self) {
        let neighbour = Arc::new(named("neighbour", "echo"));
        let outcome = self.stage.run(self.stage.call(&neighbour), 0).await.unwrap();
        assert_eq!(outcome.verdict, Verdict::Success);
    }
}

/// The client's side of a connection.
pub struct Wire(pub DuplexStream);

impl Wire {
    async fn ask(&mut self, request: &str) -> u16 {
        self.0.write_all(request.as_bytes()).await.unwrap();
        self.reply().await.0
    }

    /// Status and body of the next reply.
    async fn reply(&mut self) -> (u16, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        (head[9..12].parse().unwrap(), String::from_utf8(body).unwrap())
    }

    async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.is_ok()
    }
}

pub fn post(what: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /2018-06-01/runtime/{what} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

pub fn response(number: u128, body: &str) -> String {
    post(&format!("invocation/{}/response", id(number)), "", body)
}

#[tokio::test]
async fn of_a_thousand_connections_five_are_taken_and_the_call_goes_on() {
    let attack = Attack::begin().await;
    let mut first = attack.with_event().await;
    let connect = attack.connect_to();
    let mut held = Vec::new();
    for _ in 0..1_000 {
        let (ours, theirs) = tokio::io::duplex(64);
        connect.try_send(theirs).unwrap();
        held.push(ours);
    }
    attack.stage.pass(0).await;
    assert_eq!(BACKLOG - connect.capacity(), 1_000 - 4, "the others wait outside");
    attack.neighbour_is_well().await;
    assert_eq!(first.ask(&response(1, "7")).await, 202);
    attack.stage.pass(0).await;
    assert_eq!(text(&attack.answered().unwrap()), "7");
    held.clear();
    attack.stage.pass(0).await;
    assert_eq!(connect.capacity(), BACKLOG, "as some end, others are taken");
}

#[tokio::test]
async fn a_head_has_five_seconds_and_silence_has_for_ever() {
    let attack = Attack::begin().await;
    let mut silent = attack.connect().await;
    let mut slow = attack.connect().await;
    for byte in NEXT.bytes().take(4) {
        slow.0.write_all(&[byte]).await.unwrap();
        attack.stage.pass(1_249).await;
    }
    slow.0.write_all(b"2").await.unwrap();
    attack.stage.pass(5).await;
    assert!(slow.is_closed().await, "one byte a second does not keep it open");
    assert_eq!(silent.ask(NEXT).await, 200, "the other one has all its time");
}

#[tokio::test]
async fn a_body_without_progress_is_given_up_and_the_runtime_may_answer_again() {
    let attack = Attack::begin().await;
    let mut wire = attack.with_event().await;
    let request = response(1, "0123456789");
    wire.0.write_all(&request.as_bytes()[..request.len() - 5]).await.unwrap();
    attack.stage.pass(1_000).await;
    wire.0.write_all(b"5").await.unwrap();
    attack.stage.pass(1_000).await;
    let mut second = attack.connect().await;
    assert_eq!(second.ask(&response(1, "2")).await, 403, "an answer is arriving");
    drop(wire);
    attack.stage.pass(0).await;
    assert_eq!(second.ask(&response(1, "2")).await, 202);
    attack.stage.pass(0).await;
    assert_eq!(text(&attack.answered().unwrap()), "2");
}

#[tokio::test]
async fn a_body_that_stands_still_for_ten_seconds_ends_its_connection() {
    let attack = Attack::begin().await;
    let mut wire = attack.connect().await;
    // Before the first `next` there is no function timeout that would end it sooner; init has ten seconds.
    wire.0
        .write_all(b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 9\r\n\r\n1")
        .await
        .unwrap();
    let mut other = attack.connect().await;
    assert_eq!(other.ask(NEXT).await, 200);
    assert_eq!(other.ask(&response(1, "1")).await, 202);
    let asked = attack.stage.tasks.spawn("next", OnError::Log, async move {
        other.0.write_all(NEXT.as_bytes()).await?;
        let _ = other.0.read_u8().await;
        Ok(())
    });
    attack.stage.pass(9_999).await;
    wire.0.write_all(b"2").await.unwrap();
    attack.stage.pass(9_999).await;
    assert!(!asked_closed(&mut wire).await, "it moved");
    attack.stage.pass(1).await;
    assert!(wire.is_closed().await);
    asked.abort();
}

async fn asked_closed(wire: &mut Wire) -> bool {
    tokio::select! {
        biased;
        read = wire.0.read_u8() => read.is_err(),
        () = tokio::task::yield_now() => false,
    }
}

#[tokio::test]
async fn a_gigabyte_is_refused_after_eight_megabytes() {
    for head in ["Content-Length: 1073741824", "Transfer-Encoding: chunked"] {
        let attack = Attack::begin().await;
        let wire = attack.with_event().await;
        let (mut read, mut write) = tokio::io::split(wire.0);
        let request =
            format!("POST /2018-06-01/runtime/invocation/{}/response HTTP/1.1\r\n{head}\r\n\r\n", id(1));
        let sent = Arc::new(Mutex::new(0usize));
        let counted = sent.clone();
        attack.stage.tasks.spawn("flood", OnError::Log, async move {
            write.write_all(request.as_bytes()).await?;
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            while write.write_all(chunk.as_bytes()).await.is_ok() {
                *counted.lock().unwrap() += chunk.len();
            }
            Ok(())
        });
        attack.stage.pass(0).await;
        let mut reply = Vec::new();
        read.read_to_end(&mut reply).await.unwrap();
        let reply = String::from_utf8(reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
        let message = "Exceeded maximum allowed payload size (6291556 bytes).";
        let document = format!(r#"{{"errorMessage":"{message}","errorType":"RequestEntityTooLarge"}}"#);
        assert!(reply.ends_with(&document), "{reply}");
        let read = *sent.lock().unwrap();
        assert!(read < 15 * 1024 * 1024, "{head}: {read} bytes");
        let outcome = attack.answered().unwrap();
        assert!(text(&outcome).contains("Function.ResponseSizeTooLarge"));
        attack.neighbour_is_well().await;
    }
}

#[tokio::test]
async fn an_answer_of_exactly_the_limit_passes() {
    let attack = Attack::begin().await;
    let mut wire = attack.with_event().await;
    let body = "x".repeat(6_291_556);
    assert_eq!(wire.ask(&response(1, &body)).await, 202);
    attack.stage.pass(0).await;
    let outcome = attack.answered().unwrap();
    assert_eq!((outcome.verdict, outcome.payload.len()), (Verdict::Success, 6_291_556));
}

#[tokio::test]
async fn an_error_document_has_64_kib() {
    let attack = Attack::begin().await;
    let mut wire = attack.with_event().await;
    let path = format!("invocation/{}/error", id(1));
    assert_eq!(wire.ask(&post(&path, "", &"x".repeat(65_537))).await, 413);
    attack.stage.pass(0).await;
    assert!(text(&attack.answered().unwrap()).contains("(65536 bytes)"));
}

#[tokio::test]
async fn ten_thousand_pipelined_nexts_take_no_memory_and_end_with_the_call() {
    let attack = Attack::begin().await;
    let wire = attack.connect_with(4_096).await;
    let (mut read, mut write) = tokio::io::split(wire.0);
    let written = Arc::new(Mutex::new(0usize));
    let counted = written.clone();
    attack.stage.tasks.spawn("flood", OnError::Log, async move {
        for _ in 0..10_000 {
            if write.write_all(NEXT.as_bytes()).await.is_err() {
                break;
            }
            *counted.lock().unwrap() += 1;
        }
        Ok(())
    });
    attack.stage.pass(100).await;
    // Nobody reads the events, so the server stops reading requests.
    assert!(*written.lock().unwrap() < 3_000, "{}", written.lock().unwrap());
    attack.neighbour_is_well().await;
    attack.stage.pass(3_000).await;
    assert!(text(&attack.answered().unwrap()).contains("Sandbox.Timedout"));
    let mut rest = Vec::new();
    read.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() < 1 << 20);
}

#[tokio::test]
async fn foreign_ids_wrong_times_and_wrong_paths_are_refused_with_aws_words() {
    let attack = Attack::begin().await;
    let mut wire = attack.connect().await;
    wire.0.write_all(response(1, "1").as_bytes()).await.unwrap();
    let unknown = r#"{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#;
    assert_eq!(wire.reply().await, (400, unknown.to_owned()));
    assert_eq!(wire.ask(NEXT).await, 200);
    wire.0.write_all(response(2, "1").as_bytes()).await.unwrap();
    assert_eq!(wire.reply().await, (400, unknown.to_owned()));
    wire.0.write_all(post("init/error", "", "{}").as_bytes()).await.unwrap();
    let refused = |from: &str, to: &str| {
        let message = format!(
            "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
        );
        (403, format!(r#"{{"errorMessage":"{message}","errorType":"InvalidStateTransition"}}"#))
    };
    assert_eq!(wire.reply().await, refused("Running", "InitError"));
    wire.0.write_all(response(1, "1").as_bytes()).await.unwrap();
    assert_eq!(wire.reply().await, (202, "{\"status\":\"OK\"}\n".to_owned()));
    wire.0.write_all(response(1, "1").as_bytes()).await.unwrap();
    assert_eq!(wire.reply().await, refused("ResponseSent", "InvocationResponse"));
    for (request, status) in [
        (post("invocation/next", "", ""), 405),
        (NEXT.replace("runtime/invocation/next", "ping"), 200),
        (post("nowhere", "", ""), 404),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 404),
        (NEXT.replace("2018-06-01/runtime/invocation/next", "2020-01-01/extension/event/next"), 404),
        (NEXT.replace("Host: x", &"A: b\r\n".repeat(33)), 431),
        (NEXT.replace("next", &"n".repeat(2_048)), 414),
    ] {
        let mut wire = attack.connect().await;
        assert_eq!(wire.ask(&request).await, status, "{request}");
    }
    for (request, status) in [
        (NEXT.replace("Host: x", &format!("A: {}", "b".repeat(17_000))), 431),
        ("HELLO\r\n\r\n".to_owned(), 400),
        (NEXT.replace("Host: x", "A\0: b"), 400),
    ] {
        let mut wire = attack.connect().await;
        assert_eq!(wire.ask(&request).await, status);
        assert!(wire.is_closed().await);
    }
}

#[tokio::test]
async fn a_next_while_running_gets_the_same_event_again() {
    let attack = Attack::begin().await;
    let mut lost = attack.with_event().await;
    let mut wire = attack.connect().await;
    for _ in 0..3 {
        wire.0.write_all(NEXT.as_bytes()).await.unwrap();
        assert_eq!(wire.reply().await, (200, "{\"n\":1}".to_owned()));
    }
    assert_eq!(wire.ask(&response(1, "9")).await, 202);
    assert_eq!(lost.ask(&response(1, "8")).await, 403);
    attack.stage.pass(0).await;
    assert_eq!(text(&attack.answered().unwrap()), "9");
}

#[tokio::test]
async fn a_body_that_ends_early_is_no_answer() {
    let attack = Attack::begin().await;
    let mut wire = attack.with_event().await;
    let request = response(1, "0123456789");
    wire.0.write_all(&request.as_bytes()[..request.len() - 1]).await.unwrap();
    wire.0.shutdown().await.unwrap();
    attack.stage.pass(0).await;
    assert!(attack.answered().is_none());
    let mut again = attack.connect().await;
    assert_eq!(again.ask(&response(1, "2")).await, 202);
}

#[tokio::test]
async fn streamed_answers_are_joined_and_their_trailers_may_carry_an_error() {
    let path = format!("/2018-06-01/runtime/invocation/{}/response", id(1));
    let head = format!(
        "POST {path} HTTP/1.1\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\
         Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n3\r\n\"a,\r\n2\r\nb\"\r\n0\r\n"
    );
    let attack = Attack::begin().await;
    let mut wire = attack.with_event().await;
    assert_eq!(wire.ask(&format!("{head}\r\n")).await, 202);
    attack.stage.pass(0).await;
    let outcome = attack.answered().unwrap();
    assert_eq!((outcome.verdict, text(&outcome)), (Verdict::Success, "\"a,b\""));

    let attack = Attack::begin().await;
    let mut wire = attack.with_event().await;
    // {"errorType":"Oops"}
    let trailers = "Lambda-Runtime-Function-Error-Type: Function.Oops\r\n\
                    Lambda-Runtime-Function-Error-Body: eyJlcnJvclR5cGUiOiJPb3BzIn0=\r\n\r\n";
    assert_eq!(wire.ask(&format!("{head}{trailers}")).await, 202);
    attack.stage.pass(0).await;
    let outcome = attack.answered().unwrap();
    assert_eq!((outcome.verdict, text(&outcome)), (Verdict::Unhandled, r#"{"errorType":"Oops"}"#));

    let attack = Attack::begin().await;
    let mut wire = attack.with_event().await;
    let mode = "Lambda-Runtime-Function-Response-Mode: torrent\r\n";
    let request = post(&format!("invocation/{}/response", id(1)), mode, "1");
    assert_eq!(wire.ask(&request).await, 400);
    attack.stage.pass(0).await;
    assert!(text(&attack.answered().unwrap()).contains("Runtime.InvalidResponseModeHeader"));
}

#[tokio::test]
async fn expect_continue_is_answered_as_curl_wants_it() {
    let attack = Attack::begin().await;
    let mut wire = attack.with_event().await;
    let path = format!("invocation/{}/response", id(1));
    let request = post(&path, "Expect: 100-continue\r\n", "1234");
    let (head, body) = request.split_at(request.len() - 4);
    assert_eq!(wire.ask(head).await, 100);
    assert_eq!(wire.ask(body).await, 202);
}

#[tokio::test]
async fn the_budget_of_bodies_makes_large_answers_wait_for_each_other() {
    let settings = Settings { body_budget_bytes: 0, ..Settings::default() };
    let attack = Attack::begin_with(settings).await;
    let mut wire = attack.with_event().await;
    let body = "x".repeat(6_000_000);
    let request = response(1, &body);
    wire.0.write_all(&request.as_bytes()[..1_000]).await.unwrap();
    attack.stage.pass(0).await;
    let neighbour = Arc::new(named("neighbour", "oversized"));
    let large = Arc::new(named("large", &format!("return {body}")));
    let outcome = attack.stage.run(attack.stage.call(&neighbour), 0).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Unhandled, "what is refused needs no room");
    let waiting = Arc::new(Mutex::new(None));
    let kept = waiting.clone();
    attack.stage.begin_and(attack.stage.call(&large), move |ran| *kept.lock().unwrap() = Some(ran));
    attack.stage.pass(0).await;
    assert!(waiting.lock().unwrap().is_none());
    wire.0.write_all(&request.as_bytes()[1_000..]).await.unwrap();
    assert_eq!(wire.reply().await.0, 202);
    attack.stage.pass(0).await;
    let outcome = waiting.lock().unwrap().take().unwrap().unwrap();
    assert_eq!(outcome.payload.len(), body.len());
}

#[tokio::test]
async fn a_flood_of_output_holds_up_neither_the_neighbour_nor_the_end() {
    let attack = Attack::begin().await;
    let mut wire = attack.with_event().await;
    let mut stdout = {
        let mut boxes = attack.rig.boxes.lock().unwrap();
        std::mem::replace(&mut boxes.last_mut().unwrap().stdout, tokio::io::duplex(1).0)
    };
    let flood = attack.stage.tasks.spawn("flood", OnError::Log, async move {
        let chunk = [&[b'x'; 511][..], b"\n"].concat();
        while stdout.write_all(&chunk).await.is_ok() {}
        Ok(())
    });
    attack.neighbour_is_well().await;
    assert_eq!(wire.ask(&response(1, "1")).await, 202);
    wire.0.write_all(NEXT.as_bytes()).await.unwrap();
    attack.stage.pass(0).await;
    assert_eq!(text(&attack.answered().unwrap()), "1");
    assert_eq!(attack.stage.invoker.stats().idle, 2, "the call is over");
    flood.abort();
}
