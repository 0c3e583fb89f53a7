use std::collections::VecDeque;
use std::future::pending;

use tasks::{OnError, Tasks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A house that listens.
pub(super) struct Listening {
    pub(super) house: House,
    pub(super) address: std::net::SocketAddr,
    /// The tasks of its connections.
    pub(super) open: Tasks,
    /// The task that accepts.
    pub(super) accepting: Tasks,
}

pub(super) async fn listening() -> Listening {
    listening_at(Clock::real()).await
}

/// The same by a clock of the test's own.
pub(super) async fn listening_at(clock: Clock) -> Listening {
    listening_with(clock, |_| {}).await
}

/// The same with settings of its own.
pub(super) async fn listening_with(clock: Clock, change: impl FnOnce(&mut Settings)) -> Listening {
    let house = house_with(clock, change);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (open, accepting) = (Tasks::new(house.shutdown.clone()), Tasks::new(house.shutdown.clone()));
    let (gateway, connections) = (house.gateway.clone(), open.clone());
    accepting.spawn("serve", OnError::Stop, async move {
        gateway.serve(listener, connections).await;
        Ok(())
    });
    Listening { house, address, open, accepting }
}

/// The bytes of a signed invocation over HTTP/1.1.
pub(super) fn bytes_of(function: &str, payload: &str) -> Vec<u8> {
    let mut request = invocation(function, payload.to_owned());
    let at = Millis(Clock::real().wall_ms());
    Signer { credentials: &root(), service: "lambda", region: "eu-west-1", at }.sign(&mut request).unwrap();
    let mut text = format!("POST {} HTTP/1.1\r\ncontent-length: {}\r\n", request.uri().path(), payload.len());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    format!("{text}\r\n{payload}").into_bytes()
}

/// Reads one answer: its head and body.
pub(super) async fn answer(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> (String, String) {
    let mut all = Vec::new();
    loop {
        if let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&all[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if all.len() >= end + 4 + length {
                return (head, String::from_utf8_lossy(&all[end + 4..end + 4 + length]).into_owned());
            }
        }
        if stream.read_buf(&mut all).await.unwrap() == 0 {
            return (String::from_utf8_lossy(&all).into_owned(), "closed".into());
        }
    }
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.is_err() || rest.is_empty()
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let listening = listening().await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    for round in 1..4 {
        stream.write_all(&bytes_of("f", &" ".repeat(round))).await.unwrap();
        let (head, body) = answer(&mut stream).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("date: "), "{head}");
        assert!(body.ends_with(&format!(" {round}\"")), "{body}");
    }
}

#[tokio::test]
async fn head_answers_without_a_body_and_expectations_are_met() {
    let listening = listening().await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(b"HEAD /_lambent/health HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    stream.write_all(b"GET /_lambent/nothing HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains("no such route") {
        assert!(stream.read_buf(&mut all).await.unwrap() > 0);
    }
    let text = String::from_utf8_lossy(&all).into_owned();
    let (first, second) = text.split_once("\r\n\r\n").unwrap();
    assert!(first.starts_with("HTTP/1.1 200") && second.starts_with("HTTP/1.1 404"), "{text}");

    let request = String::from_utf8(bytes_of("f", "{}")).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    stream.write_all(format!("{head}\r\nexpect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
    let (interim, _) = answer(&mut stream).await;
    assert!(interim.starts_with("http/1.1 100"), "{interim}");
    stream.write_all(body.as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.0.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn an_address_gets_its_share_of_connections() {
    let listening = listening().await;
    let mut kept = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        stream.write_all(&bytes_of("f", "{}")).await.unwrap();
        assert!(answer(&mut stream).await.0.starts_with("http/1.1 200"));
        kept.push(stream);
    }
    for (request, answered) in [
        (bytes_of("f", "{}"), "http/1.1 503"),
        (b"GET /_lambent/health HTTP/1.1\r\nhost: h\r\n\r\n".to_vec(), "http/1.1 200"),
    ] {
        let mut fifth = TcpStream::connect(listening.address).await.unwrap();
        fifth.write_all(&request).await.unwrap();
        let (head, _) = answer(&mut fifth).await;
        assert!(head.starts_with(answered) && head.contains("connection: close"), "{head}");
        assert!(is_closed(&mut fifth).await);
    }
    assert!(listening.house.metrics.text().contains("lambent_connections 4"));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let listening = listening().await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    let many: String = (0..limits::HEADERS + 1).map(|at| format!("x-{at}: 1\r\n")).collect();
    stream.write_all(format!("GET / HTTP/1.1\r\nhost: h\r\n{many}\r\n").as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.0.starts_with("http/1.1 431"));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_after_it_was_sent() {
    let listening = listening().await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    let payload = " ".repeat(limits::INVOKE_BODY_BYTES as usize + 1);
    stream.write_all(&bytes_of("f", &payload)).await.unwrap();
    let (head, body) = answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 413"), "{head}");
    assert!(body.contains("for the InvokeFunction operation"), "{body}");
    stream.write_all(&bytes_of("f", "{}")).await.unwrap();
    assert!(answer(&mut stream).await.0.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_shutdown_lets_running_calls_end_and_closes_idle_connections() {
    let listening = listening().await;
    let mut idle = TcpStream::connect(listening.address).await.unwrap();
    idle.write_all(&bytes_of("f", "{}")).await.unwrap();
    answer(&mut idle).await;
    let mut busy = TcpStream::connect(listening.address).await.unwrap();
    busy.write_all(&bytes_of("slow", "{}")).await.unwrap();
    listening.house.state.started.notified().await;
    listening.house.shutdown.begin();
    assert!(is_closed(&mut idle).await);
    listening.accepting.idle().await;
    listening.house.state.go.notify_one();
    let (head, _) = answer(&mut busy).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("connection: close"), "{head}");
    listening.open.idle().await;
    assert!(TcpStream::connect(listening.address).await.is_err());
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_cancel_what_it_asked_for() {
    let listening = listening().await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(&bytes_of("slow", "{}")).await.unwrap();
    let state = &listening.house.state;
    state.started.notified().await;
    drop(stream);
    state.go.notify_one();
    listening.open.idle().await;
    assert_eq!(state.running.load(Ordering::SeqCst), 0);
    let text = listening.house.metrics.text();
    assert!(text.contains("operation=\"Invoke\",status=\"200\"} 1"), "{text}");
}

struct Memory(VecDeque<DuplexStream>);

impl AcceptFrom<DuplexStream> for Memory {
    async fn accept(&mut self) -> io::Result<DuplexStream> {
        match self.0.pop_front() {
            Some(stream) => Ok(stream),
            None => pending().await,
        }
    }
}

#[tokio::test]
async fn an_environment_calls_aws_and_its_connections_end_with_it() {
    let house = house_with(Clock::real(), |_| {});
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let tasks = Tasks::new(house.shutdown.clone());
    let (gateway, handling) = (house.gateway.clone(), tasks.clone());
    let environment = tasks.spawn("environment", OnError::Log, async move {
        gateway.serve_environment(Memory(VecDeque::from([server])), "env-1", handling).await;
        Ok(())
    });
    house.shutdown.begin();
    client.write_all(&bytes_of("f", "{}")).await.unwrap();
    assert!(answer(&mut client).await.0.starts_with("http/1.1 200"));
    client.write_all(b"GET /_lambent/health HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    assert!(!answer(&mut client).await.0.starts_with("http/1.1 200"));
    environment.abort();
    assert_eq!(client.read_buf(&mut Vec::new()).await.unwrap(), 0);
}

#[tokio::test]
async fn an_answer_whose_source_fails_is_cut_off_where_the_client_sees_it() {
    let listening = listening().await;
    for (name, whole) in [("hello-1", true), ("broken-1", false)] {
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        let request = format!("GET {} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n", location(name, "h"));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        while stream.read_buf(&mut all).await.is_ok_and(|read| read > 0) {}
        let text = String::from_utf8_lossy(&all);
        // How much of a broken one comes before the end of the connection is the kernel's business.
        let is_whole = text.starts_with("HTTP/1.1 200") && text.ends_with("\r\n\r\nPKzip");
        assert_eq!(is_whole, whole, "{text}");
    }
}
