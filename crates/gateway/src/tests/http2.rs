//! The front door over HTTP/2 in the clear: a real client, and frames that no client would send.

use h2::client::{self, SendRequest};
use tasks::{OnError, Tasks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::sockets::{Listening, listening};
use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

pub(super) async fn client(listening: &Listening, window: u32) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(listening.address).await.unwrap();
    let mut builder = client::Builder::new();
    builder.initial_window_size(window).initial_connection_window_size(window.max(65_535));
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    Tasks::new(Shutdown::new()).spawn("client", OnError::Log, async move {
        let _ = connection.await;
        Ok(())
    });
    sender
}

/// A signed invocation whose target names the host, as HTTP/2 has it.
fn signed(function: &str, payload: &str) -> Request<()> {
    let mut request = invocation(function, payload.to_owned());
    let at = Millis(Clock::real().wall_ms());
    Signer { credentials: &root(), service: "lambda", region: "eu-west-1", at }.sign(&mut request).unwrap();
    request.headers_mut().remove("host");
    request.map(|_| ())
}

/// Sends a request with its body; the status and body of its answer.
async fn call(
    sender: &SendRequest<Bytes>,
    request: Request<()>,
    payload: &str,
) -> Result<(u16, String), h2::Error> {
    call_bytes(sender, request, vec![Bytes::from(payload.to_owned())]).await
}

/// The same with a body in pieces.
pub(super) async fn call_bytes(
    sender: &SendRequest<Bytes>,
    request: Request<()>,
    pieces: Vec<Bytes>,
) -> Result<(u16, String), h2::Error> {
    let mut sender = sender.clone().ready().await?;
    let (answer, mut body) = sender.send_request(request, false)?;
    for piece in pieces {
        body.send_data(piece, false)?;
    }
    // Whoever was answered already has no end to send.
    let _ = body.send_data(Bytes::new(), true);
    let (head, mut body) = answer.await?.into_parts();
    let mut all = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        all.extend_from_slice(&piece);
    }
    Ok((head.status.as_u16(), String::from_utf8(all).unwrap()))
}

#[tokio::test]
async fn the_same_port_speaks_http_2_and_many_requests_share_a_connection() {
    let listening = listening().await;
    let sender = client(&listening, 1 << 20).await;
    let slow = call(&sender, signed("slow", "{}"), "{}");
    let others = async {
        listening.house.state.started.notified().await;
        for _ in 0..3 {
            let (status, body) = call(&sender, signed("f", " {} "), " {} ").await.unwrap();
            assert_eq!((status, body.as_str()), (200, "\"eu-west-1 http://127.0.0.1:4566 4\""));
        }
        listening.house.state.go.notify_one();
    };
    let (slow, ()) = futures_util::future::join(slow, others).await;
    assert_eq!(slow.unwrap().0, 200);
}

#[tokio::test]
async fn limits_and_refusals_are_those_of_http_1() {
    let listening = listening().await;
    let sender = client(&listening, 1 << 20).await;
    let large = " ".repeat(limits::INVOKE_BODY_BYTES as usize);
    let whole = call(&sender, signed("f", &large), &large).await.unwrap();
    assert_eq!(whole, (200, format!("\"eu-west-1 http://127.0.0.1:4566 {}\"", large.len())));
    let larger = format!("{large} ");
    assert_eq!(call(&sender, signed("f", &larger), &larger).await.unwrap().0, 413);
    let mut tampered = signed("f", "{}");
    tampered.headers_mut().insert("x-amz-date", "20200101T000000Z".parse().unwrap());
    assert_eq!(call(&sender, tampered, "{}").await.unwrap().0, 403);
    let mut two_hosts = signed("f", "{}");
    two_hosts.headers_mut().insert("host", "other".parse().unwrap());
    assert_eq!(call(&sender, two_hosts, "{}").await.unwrap().0, 400);
    let mut long = signed("f", "{}");
    long.headers_mut().insert("x-long", "x".repeat(33_000).parse().unwrap());
    assert_eq!(call(&sender, long, "{}").await.unwrap().0, 431);
}

#[tokio::test]
async fn a_body_of_another_length_than_it_said_resets_its_stream_alone() {
    let listening = listening().await;
    let sender = client(&listening, 1 << 20).await;
    let with_length = |length: &str| {
        let mut request = signed("f", "{}");
        request.headers_mut().insert("content-length", length.parse().unwrap());
        request
    };
    assert_eq!(call(&sender, with_length("2"), "{}").await.unwrap().0, 200);
    for length in ["1", "3", "x"] {
        let answer = call(&sender, with_length(length), "{}").await;
        let refused = match &answer {
            Ok((status, _)) => *status == 400,
            Err(error) => error.is_reset(),
        };
        assert!(refused, "{length}: {answer:?}");
    }
    assert_eq!(call(&sender, with_length("2"), "{}").await.unwrap().0, 200);
}

#[tokio::test]
async fn a_shutdown_lets_streams_end() {
    let listening = listening().await;
    let sender = client(&listening, 1 << 20).await;
    let slow = call(&sender, signed("slow", "{}"), "{}");
    let ending = async {
        listening.house.state.started.notified().await;
        listening.house.shutdown.begin();
        listening.accepting.idle().await;
        listening.house.state.go.notify_one();
    };
    let (slow, ()) = futures_util::future::join(slow, ending).await;
    assert_eq!(slow.unwrap().0, 200);
    listening.open.idle().await;
}

#[tokio::test]
async fn an_answer_whose_source_fails_is_reset() {
    let listening = listening().await;
    let sender = client(&listening, 1 << 20).await;
    let get = |name: &str| {
        let target = format!("http://127.0.0.1:4566{}", location(name, "127.0.0.1:4566"));
        Request::get(target).body(()).unwrap()
    };
    assert_eq!(call(&sender, get("hello-1"), "").await.unwrap(), (200, "PKzip".to_owned()));
    assert!(call(&sender, get("broken-1"), "").await.unwrap_err().is_reset());
    assert_eq!(call(&sender, get("hello-1"), "").await.unwrap().0, 200);
}

/// A client of frames.
struct Frames(TcpStream);

impl Frames {
    async fn open(listening: &Listening) -> Frames {
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        stream.write_all(PREFACE).await.unwrap();
        let mut frames = Frames(stream);
        assert!(frames.send(SETTINGS, 0, 0, &[]).await);
        frames
    }

    /// False when the server has closed.
    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend_from_slice(&[kind, flags]);
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.0.write_all(&frame).await.is_ok()
    }

    /// The next frame: kind, stream, payload.
    async fn next(&mut self) -> Option<(u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some((head[3], stream & 0x7fff_ffff, payload))
    }

    /// Reads until a stream is reset, the connection is given up, or closed.
    async fn refusal(&mut self) -> &'static str {
        while let Some((kind, _, _)) = self.next().await {
            match kind {
                RST_STREAM => return "reset",
                GOAWAY => return "gone away",
                _ => {}
            }
        }
        "closed"
    }
}

/// A header that the compression leaves as it is.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0, name.len() as u8];
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(value.len() as u8);
    bytes.extend_from_slice(value.as_bytes());
    bytes
}

fn head(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| literal(name, value)).collect()
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const PATH: (&str, &str) = (":path", "/_lambent/health");
const AUTHORITY: (&str, &str) = (":authority", "h");

#[tokio::test]
async fn heads_that_are_none_reset_their_stream_or_the_connection() {
    let listening = listening().await;
    let cases: &[&[(&str, &str)]] = &[
        &[SCHEME, PATH, AUTHORITY],
        &[METHOD, PATH, AUTHORITY, (":status", "200")],
        &[METHOD, METHOD, SCHEME, PATH, AUTHORITY],
        &[METHOD, SCHEME, PATH, PATH, AUTHORITY],
        &[METHOD, SCHEME, PATH, AUTHORITY, AUTHORITY],
        &[METHOD, SCHEME, (":path", ""), AUTHORITY],
        &[METHOD, SCHEME, PATH, (":authority", "u@h\u{7f}")],
        &[METHOD, SCHEME, AUTHORITY, ("x", "y"), PATH],
        &[METHOD, SCHEME, PATH, AUTHORITY, (":other", "x")],
        &[METHOD, SCHEME, PATH, AUTHORITY, ("Upper", "x")],
        &[METHOD, SCHEME, PATH, AUTHORITY, ("x", "a\r\nb: c")],
        &[METHOD, SCHEME, PATH, AUTHORITY, ("x", "a\0b")],
        &[METHOD, SCHEME, PATH, AUTHORITY, ("x y", "z")],
        &[METHOD, SCHEME, PATH, AUTHORITY, ("connection", "close")],
        &[METHOD, SCHEME, PATH, AUTHORITY, ("transfer-encoding", "chunked")],
        &[METHOD, SCHEME, PATH, AUTHORITY, ("upgrade", "h2c")],
        &[METHOD, SCHEME, PATH, AUTHORITY, ("te", "gzip")],
    ];
    for fields in cases {
        let mut frames = Frames::open(&listening).await;
        assert!(frames.send(HEADERS, END_STREAM | END_HEADERS, 1, &head(fields)).await);
        let refused = frames.refusal().await;
        assert!(matches!(refused, "reset" | "gone away"), "{fields:?}: {refused}");
    }
    let mut frames = Frames::open(&listening).await;
    let fields = head(&[METHOD, SCHEME, PATH, AUTHORITY]);
    assert!(frames.send(HEADERS, END_STREAM | END_HEADERS, 1, &fields).await);
    while frames.next().await.unwrap().0 != HEADERS {}
}

#[tokio::test]
async fn floods_end_their_connection_and_nothing_else() {
    let listening = listening().await;
    let request = head(&[METHOD, SCHEME, PATH, AUTHORITY]);
    let gives_up = async |name: &str, mut frames: Frames, round: &[(u8, u8, Vec<u8>)], rounds: u32| {
        'sending: for number in 0..rounds {
            for (kind, flags, payload) in round {
                let stream = if matches!(*kind, SETTINGS | PING) { 0 } else { 2 * number + 1 };
                let stream = if *kind == CONTINUATION { 1 } else { stream };
                if !frames.send(*kind, *flags, stream, payload).await {
                    break 'sending;
                }
            }
        }
        let refused = frames.refusal().await;
        assert!(matches!(refused, "gone away" | "closed"), "{name}: {refused}");
    };
    // Requests that are taken back at once.
    let cancel = 8u32.to_be_bytes().to_vec();
    let reset = [(HEADERS, END_HEADERS, request.clone()), (RST_STREAM, 0, cancel)];
    gives_up("rapid reset", Frames::open(&listening).await, &reset, 100_000).await;
    // A head without an end.
    let mut frames = Frames::open(&listening).await;
    assert!(frames.send(HEADERS, END_STREAM, 1, &request).await);
    let more = [(CONTINUATION, 0, literal("x", &"y".repeat(100)).repeat(100))];
    gives_up("continuation", frames, &more, 100_000).await;
    let mut frames = Frames::open(&listening).await;
    assert!(frames.send(HEADERS, END_STREAM, 1, &request).await);
    gives_up("empty continuation", frames, &[(CONTINUATION, 0, Vec::new())], 1_000_000).await;
    // A table of headers that is larger than we offered, and a frame that is.
    let table =
        [(HEADERS, END_STREAM | END_HEADERS, [&[0x3f, 0xff, 0xff, 0xff, 0x07][..], &request].concat())];
    gives_up("table", Frames::open(&listening).await, &table, 1).await;
    let frame = [(HEADERS, END_STREAM | END_HEADERS, vec![0; limits::HTTP2_FRAME_BYTES as usize + 1])];
    gives_up("frame", Frames::open(&listening).await, &frame, 1).await;
    let sender = client(&listening, 1 << 20).await;
    assert_eq!(call(&sender, signed("f", "{}"), "{}").await.unwrap().0, 200);
    assert_eq!(listening.house.gateway.inner.load.running(), 0);
}

#[tokio::test]
async fn a_request_too_many_on_one_connection_is_not_taken() {
    let listening = listening().await;
    let mut frames = Frames::open(&listening).await;
    // Heads whose bodies never come, one more than there may be.
    let fields = head(&[(":method", "POST"), SCHEME, (":path", "/x"), AUTHORITY]);
    for number in 0..=limits::HTTP2_STREAMS {
        assert!(frames.send(HEADERS, END_HEADERS, 2 * number + 1, &fields).await);
    }
    assert_eq!(frames.refusal().await, "reset");
    assert!(listening.house.gateway.inner.load.running() <= limits::HTTP2_STREAMS as usize);
}
