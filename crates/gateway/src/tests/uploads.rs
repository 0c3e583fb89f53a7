//! Bodies that an operation reads while they come, over both versions of HTTP, and what becomes of wrong ones.

use std::task::Poll;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wire::sigv4::checksum::{Algorithm, Sum};
use wire::sigv4::{BodyHash, Stamp};

use super::http2::{call_bytes, client};
use super::objects::described;
use super::sockets::{Listening, answer, listening, listening_at, listening_with};
use super::*;

const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// What is put, and how its client sends it.
struct Put {
    request: Request<Bytes>,
    body: Vec<u8>,
}

/// An object of that many bytes that are not all the same.
fn object(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 % 251) as u8).collect()
}

impl Put {
    /// Puts bytes with these headers; `x-amz-content-sha256` is that of `hashed` unless it is among them.
    fn new(house: &House, target: &str, headers: &[(&str, &str)], hashed: &[u8], body: &[u8]) -> Put {
        let mut request = Request::put(format!("http://127.0.0.1:4566{target}")).body(Bytes::new()).unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        *request.body_mut() = hashed.to_vec().into();
        let at = Millis(house.clock.wall_ms());
        Signer { credentials: &root(), service: "s3", region: "eu-west-1", at }.sign(&mut request).unwrap();
        Put { request, body: body.to_vec() }
    }

    /// Puts an object framed in chunks.
    fn framed(house: &House, target: &str, mode: &str, chunks: &[&[u8]], checksum: Option<Algorithm>) -> Put {
        let length = chunks.iter().map(|chunk| chunk.len()).sum::<usize>().to_string();
        let name = checksum.map(|algorithm| format!("x-amz-checksum-{}", algorithm.name()));
        let mut headers = vec![
            ("x-amz-content-sha256", mode),
            ("x-amz-decoded-content-length", &length),
            ("content-encoding", "aws-chunked"),
        ];
        headers.extend(name.as_deref().map(|name| ("x-amz-trailer", name)));
        let mut put = Put::new(house, target, &headers, b"", b"");
        let authorization = put.request.headers()["authorization"].to_str().unwrap();
        let signature = authorization.rsplit_once("Signature=").unwrap().1.to_owned();
        let mut seal = Seal { stamp: Stamp::at(Millis(house.clock.wall_ms())), previous: signature };
        let mut sum = checksum.map(Sum::new);
        for chunk in chunks.iter().copied().chain([&[][..]]) {
            let mut line = format!("{:x}", chunk.len());
            if mode != UNSIGNED_TRAILER {
                let hashes = [BodyHash::EMPTY.hex(), BodyHash::of(chunk).hex()];
                line.push_str(&format!(";chunk-signature={}", seal.sign("PAYLOAD", &hashes)));
            }
            put.body.extend_from_slice(format!("{line}\r\n").as_bytes());
            put.body.extend_from_slice(chunk);
            if !chunk.is_empty() {
                put.body.extend_from_slice(b"\r\n");
            }
            if let Some(sum) = &mut sum {
                sum.update(chunk);
            }
        }
        if let (Some(name), Some(sum)) = (name, sum) {
            let line = format!("{name}:{}", sum.finish().text());
            put.body.extend_from_slice(format!("{line}\r\n").as_bytes());
            if mode == SIGNED_TRAILER {
                let hash = BodyHash::of(format!("{line}\n").as_bytes()).hex();
                let signature = seal.sign("TRAILER", &[hash]);
                put.body.extend_from_slice(format!("x-amz-trailer-signature:{signature}\r\n").as_bytes());
            }
        }
        put.body.extend_from_slice(b"\r\n");
        put
    }

    fn replaced(mut self, from: &str, to: &str) -> Put {
        let at = self.body.windows(from.len()).rposition(|window| window == from.as_bytes()).unwrap();
        self.body.splice(at..at + from.len(), to.bytes());
        self
    }

    /// The head over HTTP/1.1, with further lines.
    fn head(&self, lines: &str) -> Vec<u8> {
        let target = self.request.uri().path_and_query().unwrap();
        let mut text = format!("{} {target} HTTP/1.1\r\n", self.request.method());
        for (name, value) in self.request.headers() {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        format!("{text}{lines}\r\n").into_bytes()
    }

    fn length(&self) -> String {
        format!("content-length: {}\r\n", self.body.len())
    }

    /// Sends all over HTTP/1.1 and gives the answer's head and body.
    async fn send(&self, listening: &Listening) -> (String, String) {
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        stream.write_all(&[self.head(&self.length()), self.body.clone()].concat()).await.unwrap();
        answer(&mut stream).await
    }

    /// The same over HTTP/2, in pieces.
    async fn send_2(&self, listening: &Listening, piece: usize) -> Result<(u16, String), h2::Error> {
        let mut request = self.request.clone().map(|_| ());
        request.headers_mut().remove("host");
        let pieces = self.body.chunks(piece).map(Bytes::copy_from_slice).collect();
        call_bytes(&client(listening, 1 << 20).await, request, pieces).await
    }
}

/// Signs chunks as a client does.
struct Seal {
    stamp: Stamp,
    previous: String,
}

impl Seal {
    fn sign(&mut self, what: &str, hashes: &[String]) -> String {
        let keyed = |key: &[u8], text: &str| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
            mac.update(text.as_bytes());
            mac.finalize().into_bytes().to_vec()
        };
        let stamp = self.stamp.text();
        let date = &stamp[..8];
        let words = [date, "eu-west-1", "s3", "aws4_request"];
        let key = words.iter().fold(b"AWS4secret".to_vec(), |key, word| keyed(&key, word));
        let text = format!(
            "AWS4-HMAC-SHA256-{what}\n{stamp}\n{date}/eu-west-1/s3/aws4_request\n{}\n{}",
            self.previous,
            hashes.join("\n")
        );
        let signature = keyed(&key, &text);
        self.previous = BodyHash(signature.try_into().unwrap()).hex();
        self.previous.clone()
    }
}

fn tag(head: &str) -> Option<&str> {
    head.lines().find_map(|line| line.strip_prefix("etag: "))
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

fn code(body: &str) -> &str {
    body.split_once("<Code>").and_then(|(_, rest)| rest.split('<').next()).unwrap_or(body)
}

const MODES: [(&str, Option<Algorithm>); 4] = [
    (SIGNED, None),
    (SIGNED_TRAILER, Some(Algorithm::Crc32c)),
    (UNSIGNED_TRAILER, Some(Algorithm::Crc64Nvme)),
    (UNSIGNED_TRAILER, None),
];

/// The object in every form that clients send.
fn puts(house: &House, object: &[u8]) -> Vec<Put> {
    let middle = object.len() * 2 / 3;
    let chunks = [&object[..middle], &object[middle..]];
    let mut puts = vec![
        Put::new(house, "/bucket/a%20key", &[], object, object),
        Put::new(house, "/bucket/key", &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")], b"", object),
    ];
    for (mode, checksum) in MODES {
        puts.push(Put::framed(house, "/bucket/key", mode, &chunks, checksum));
    }
    puts
}

#[tokio::test]
async fn every_form_of_upload_reaches_its_operation_over_both_versions() {
    let listening = listening().await;
    let object = object(100_000);
    let seen = &listening.house.state.objects;
    for put in puts(&listening.house, &object) {
        let (head, body) = put.send(&listening).await;
        assert_eq!((status(&head), tag(&head)), ("200", Some(&*described(&object))), "{head} {body}");
        assert!(!head.contains("connection: close"), "{head}");
        for piece in [1 << 20, 9_999] {
            let answer = put.send_2(&listening, piece).await.unwrap();
            assert_eq!(answer.0, 200, "{answer:?}");
        }
        let framed = put.request.headers().contains_key("x-amz-decoded-content-length");
        // Over HTTP/2 our client says no length.
        let length = if framed { "Some(100000)" } else { "None" };
        let of_2 = format!("100000 of {length}, none");
        assert_eq!(seen.take(), ["100000 of Some(100000), none".to_owned(), of_2.clone(), of_2]);
    }
    let text = listening.house.metrics.text();
    assert!(text.contains("service=\"s3\",operation=\"PutObject\",status=\"200\"} 18"), "{text}");
    assert_eq!(listening.house.gateway.inner.load.running(), 0);
}

#[tokio::test]
async fn it_does_not_matter_where_a_body_is_cut() {
    let listening = listening().await;
    let object = object(9_000);
    for (mode, checksum) in MODES {
        let put =
            Put::framed(&listening.house, "/b/k", mode, &[&object[..8_500], &object[8_500..]], checksum);
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let head = put.head("transfer-encoding: chunked\r\n");
        // Each cut around what is not data in a chunk of HTTP of its own; all of the rest in one.
        let edges = |at: usize| at < 100 || (8_500..8_800).contains(&at) || at > put.body.len() - 300;
        let cuts: Vec<usize> = (1..put.body.len()).filter(|at| edges(*at)).collect();
        for round in 0..7 {
            stream.write_all(&head).await.unwrap();
            let mut from = 0;
            let ends = cuts.iter().copied().filter(|at| at % 7 == round).chain([put.body.len()]);
            for to in ends {
                let chunk = &put.body[from..to];
                let sent = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
                stream.write_all(&sent).await.unwrap();
                from = to;
            }
            stream.write_all(b"0\r\n\r\n").await.unwrap();
            let (head, body) = answer(&mut stream).await;
            assert_eq!(tag(&head), Some(&*described(&object)), "{mode}: {head} {body}");
        }
    }
}

/// Uploads of an object that are wrong, each with its name and its refusal.
fn wrong(house: &House, object: &[u8]) -> Vec<(&'static str, Put, &'static str)> {
    const SIGNATURE: &str = "SignatureDoesNotMatch";
    const INCOMPLETE: &str = "IncompleteBody";
    let chunks = [&object[..10_000], &object[10_000..]];
    let framed = |mode, checksum| Put::framed(house, "/b/k", mode, &chunks, checksum);
    let crc = Some(Algorithm::Crc32);
    let with = |headers: &[(&str, &str)], body: &[u8]| Put::new(house, "/b/k", headers, object, body);
    let mut tampered = object.to_vec();
    tampered[0] ^= 1;
    let sum = "x-amz-checksum-crc32:AAAAAA==";
    let another = framed(UNSIGNED_TRAILER, crc);
    let at = another.body.windows(21).rposition(|window| window == &sum.as_bytes()[..21]).unwrap();
    let right = String::from_utf8(another.body[at..at + sum.len()].to_vec()).unwrap();
    let mut open = framed(SIGNED, None);
    open.body.truncate(open.body.len() - 2);
    let mut longer = framed(UNSIGNED_TRAILER, None);
    longer.body.extend_from_slice(b"more");
    let signed = |from, to| framed(SIGNED, None).replaced(from, to);
    let unsigned = |to| framed(UNSIGNED_TRAILER, None).replaced("\r\n0\r\n\r\n", to);
    let trailer = framed(SIGNED_TRAILER, crc).replaced("trailer-signature:", "trailer-signature:0");
    vec![
        ("hash", with(&[], &tampered), "XAmzContentSHA256Mismatch"),
        ("checksum", with(&[("x-amz-checksum-crc32", "AAAAAA==")], object), "BadDigest"),
        ("checksums", with(&[("x-amz-checksum-crc32", "!")], object), "InvalidRequest"),
        ("first chunk", signed("\r\n\u{0}\u{7}", "\r\n\u{1}\u{7}"), SIGNATURE),
        ("last chunk", signed("\r\n0;chunk-signature=", "\r\n0;chunk-signature=0"), SIGNATURE),
        ("trailer", another.replaced(&right, sum), "BadDigest"),
        ("signature of the trailer", trailer, SIGNATURE),
        ("no end", open, INCOMPLETE),
        ("too long", longer, INCOMPLETE),
        ("too short", unsigned("\r\n"), INCOMPLETE),
        ("more data", unsigned("\r\n1\r\nx\r\n0\r\n\r\n"), INCOMPLETE),
    ]
}

#[tokio::test]
async fn a_wrong_body_is_refused_at_its_end_and_its_operation_never_sees_a_clean_one() {
    let listening = listening().await;
    let house = &listening.house;
    let object = object(20_000);
    for (name, put, want) in wrong(house, &object) {
        let (head, body) = put.send(&listening).await;
        assert_eq!(code(&body), want, "{name}: {head} {body}");
        let seen = house.state.objects.take();
        // What is wrong from the head on does not even begin.
        assert!(seen.iter().all(|seen| seen.ends_with(&format!("then {want}"))), "{name}: {seen:?}");
        assert!(seen.iter().all(|seen| !seen.starts_with("20000")), "{name}: {seen:?}");
        assert_eq!(seen.is_empty(), name == "checksums", "{name}");
        let (status, body) = put.send_2(&listening, 4_096).await.unwrap();
        assert_eq!((status >= 400, code(&body)), (true, want), "{name}: {body}");
        house.state.objects.take();
    }
    // An operation that does not care about the fault cannot hide it.
    let careless = Put::new(house, "/b/careless", &[], &object, &object[1..]);
    assert_eq!(code(&careless.send(&listening).await.1), "XAmzContentSHA256Mismatch");
    // Everything that was held is given back.
    assert_eq!(house.gateway.inner.bodies.left(), 64 << 20);
}

#[tokio::test]
async fn a_client_that_ends_too_early_or_goes_away_breaks_its_upload_off() {
    let listening = listening().await;
    let object = object(50_000);
    let state = &listening.house.state;
    // It ends what it sends, and reads.
    let put = Put::new(&listening.house, "/b/k", &[], &object, &object);
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(&put.head(&put.length())).await.unwrap();
    stream.write_all(&object[..30_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    listening.open.idle().await;
    let seen = state.objects.take();
    assert!(seen.len() == 1 && seen[0].ends_with("then IncompleteBody"), "{seen:?}");
}

#[tokio::test]
async fn an_upload_whose_client_is_gone_breaks_off() {
    for version in [1, 2] {
        let listening = listening().await;
        let (state, object) = (&listening.house.state, object(50_000));
        let put = Put::new(&listening.house, "/b/stops", &[], &object, &object);
        if version == 1 {
            let mut stream = TcpStream::connect(listening.address).await.unwrap();
            stream.write_all(&[put.head(&put.length()), object[..40_000].to_vec()].concat()).await.unwrap();
            state.started.notified().await;
        } else {
            let mut sender = client(&listening, 1 << 20).await.ready().await.unwrap();
            let mut request = put.request.clone().map(|_| ());
            request.headers_mut().remove("host");
            let (_answer, mut body) = sender.send_request(request, false).unwrap();
            for piece in object[..30_000].chunks(10_000) {
                body.send_data(Bytes::copy_from_slice(piece), false).unwrap();
            }
            state.started.notified().await;
            body.send_reset(h2::Reason::CANCEL);
        }
        while state.objects.is_empty() {
            state.go.notify_one();
            tokio::task::yield_now().await;
        }
        let seen = state.objects.take();
        assert!(seen.len() == 1 && seen[0].ends_with("then IncompleteBody"), "{version}: {seen:?}");
    }
}

#[tokio::test]
async fn a_slow_client_is_told_so_and_dropped_while_a_slow_operation_may_take_its_time() {
    let listening = listening_at(Clock::virtual_at(NOW)).await;
    let clock = &listening.house.clock;
    let state = &listening.house.state;
    let object = object(50_000);
    let put = Put::new(&listening.house, "/b/stops", &[], &object, &object);
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(&put.head(&put.length())).await.unwrap();
    stream.write_all(&object[..40_000]).await.unwrap();
    state.started.notified().await;
    // It is ours to go on.
    clock.advance(Duration::from_secs(3_600)).await;
    while state.objects.is_empty() {
        state.go.notify_one();
        clock.advance(Duration::from_secs(1)).await;
        tokio::task::yield_now().await;
    }
    let (head, body) = answer(&mut stream).await;
    assert_eq!((status(&head), code(&body)), ("400", "RequestTimeout"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    assert!(clock.tick().0 / 1_000_000_000 >= 3_600 + limits::BODY.as_secs());
    assert!(state.objects.take()[0].ends_with("then RequestTimeout"));
}

#[tokio::test]
async fn an_early_answer_goes_out_and_nobody_waits_for_the_rest() {
    let listening = listening_at(Clock::virtual_at(NOW)).await;
    let large = vec![7; 40 << 20];
    // Little is taken, and the connection goes on.
    let little = Put::new(&listening.house, "/b/early", &[], &large[..200_000], &large[..200_000]);
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    for _ in 0..2 {
        stream.write_all(&[little.head(&little.length()), little.body.clone()].concat()).await.unwrap();
        let (head, body) = answer(&mut stream).await;
        assert_eq!((status(&head), code(&body)), ("404", "NoSuchBucket"), "{head}");
        assert!(!head.contains("connection: close"), "{head}");
    }
    // A client that asks before it sends is not told to.
    stream.write_all(&little.head(&format!("{}expect: 100-continue\r\n", little.length()))).await.unwrap();
    let (head, _) = answer(&mut stream).await;
    assert!(status(&head) == "404" && head.contains("connection: close"), "{head}");
    // Whoever is let in is.
    let read = Put::new(&listening.house, "/b/k", &[], b"abc", b"abc");
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(&read.head(&format!("{}expect: 100-continue\r\n", read.length()))).await.unwrap();
    assert_eq!(status(&answer(&mut stream).await.0), "100");
    stream.write_all(b"abc").await.unwrap();
    assert_eq!(tag(&answer(&mut stream).await.0), Some(&*described(b"abc")));
    // The answer to a large one comes before its end, and then the connection ends, whether or not it is sent.
    let put = Put::new(&listening.house, "/b/early", &[], &large, &large);
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(&put.head(&put.length())).await.unwrap();
    stream.write_all(&large[..100_000]).await.unwrap();
    let (head, body) = answer(&mut stream).await;
    assert_eq!((status(&head), code(&body)), ("404", "NoSuchBucket"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    let mut sent = 100_000;
    while sent < large.len() && stream.write_all(&large[sent..sent + 100_000]).await.is_ok() {
        sent = (sent + 100_000).min(large.len() - 100_000);
    }
    // Over HTTP/2 only the stream ends.
    let answer = put.send_2(&listening, 1 << 20).await;
    assert!(answer.is_err() || answer.is_ok_and(|(status, _)| status == 404));
    listening.house.shutdown.begin();
    listening.open.idle().await;
}

#[tokio::test]
async fn a_large_upload_goes_through_little_memory_and_waits_for_its_reader() {
    const LENGTH: usize = 200_000_000;
    let house_of = |settings: &mut Settings| settings.body_budget_bytes = 4 << 20;
    let listening = listening_with(Clock::real(), house_of).await;
    let state = listening.house.state.clone();
    let put = Put::new(&listening.house, "/b/k", &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")], b"", b"");
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(&put.head(&format!("content-length: {LENGTH}\r\n"))).await.unwrap();
    let piece = vec![1; 1_000_000];
    for _ in 0..LENGTH / piece.len() {
        stream.write_all(&piece).await.unwrap();
    }
    let (head, body) = answer(&mut stream).await;
    assert_eq!(status(&head), "200", "{head} {body}");
    assert_eq!(state.objects.take(), [format!("{LENGTH} of Some({LENGTH}), none")]);
    // A reader that stops stops its client, but for what the kernel and a connection hold.
    let put =
        Put::new(&listening.house, "/b/stops", &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")], b"", b"");
    let mut request = put.request.clone().map(|_| ());
    request.headers_mut().remove("host");
    let connection = client(&listening, 1 << 20).await;
    let (_answer, mut body) = connection.clone().ready().await.unwrap().send_request(request, false).unwrap();
    body.reserve_capacity(LENGTH);
    let (mut sent, mut quiet) = (0, 0);
    while sent < LENGTH && quiet < 8 {
        match std::future::poll_fn(|cx| Poll::Ready(body.poll_capacity(cx))).await {
            Poll::Ready(capacity) => {
                let capacity = capacity.unwrap().unwrap();
                body.send_data(Bytes::from(vec![1; capacity]), false).unwrap();
                (sent, quiet) = (sent + capacity, 0);
            }
            // Whatever the server has to say of its window comes before this answer.
            Poll::Pending => {
                let small = Put::new(&listening.house, "/b/k", &[], b"small", b"small").request.map(|_| ());
                let (mut small, other) = (small, connection.clone());
                small.headers_mut().remove("host");
                let answer = call_bytes(&other, small, vec![Bytes::from_static(b"small")]).await;
                assert_eq!(answer.unwrap().0, 200);
                quiet += 1;
            }
        }
    }
    assert!(sent <= 4 << 20, "{sent} bytes were taken of a client whose reader had stopped");
}

#[tokio::test]
async fn framed_bodies_of_other_operations_are_taken_out_of_their_frames() {
    let listening = listening().await;
    let house = &listening.house;
    let policy = "{\"Version\":\"2012-10-17\"}";
    for (mode, checksum) in MODES {
        let put = Put::framed(house, "/bucket?policy", mode, &[policy.as_bytes()], checksum);
        let (head, body) = put.send(&listening).await;
        assert!(status(&head).starts_with("20"), "{head} {body}");
        assert_eq!(house.state.objects.take(), [policy]);
        let wrong = put.replaced("2012", "2008");
        let (_, body) = wrong.send(&listening).await;
        let want = if mode == UNSIGNED_TRAILER { "BadDigest" } else { "SignatureDoesNotMatch" };
        // Without any signature or checksum nothing can be told.
        if mode != UNSIGNED_TRAILER || checksum.is_some() {
            assert_eq!((code(&body), house.state.objects.take()), (want, Vec::new()));
        }
        house.state.objects.take();
    }
    let stated = [("x-amz-checksum-crc32", "AAAAAA==")];
    let put = Put::new(house, "/bucket?policy", &stated, policy.as_bytes(), policy.as_bytes());
    assert_eq!(code(&put.send(&listening).await.1), "BadDigest");
}

#[tokio::test]
async fn without_authentication_frames_are_taken_off_as_well() {
    let off = |settings: &mut Settings| settings.authentication = Authentication::Off;
    let listening = listening_with(Clock::real(), off).await;
    let object = object(30_000);
    for mut put in puts(&listening.house, &object) {
        for signed in [true, false] {
            if !signed {
                put.request.headers_mut().remove("authorization");
            }
            put.request.headers_mut().insert("host", "localhost:4566".parse().unwrap());
            let (head, body) = put.send(&listening).await;
            assert_eq!(tag(&head), Some(&*described(&object)), "{head} {body}");
        }
    }
}

#[tokio::test]
async fn who_may_not_is_refused_before_the_body_comes() {
    let listening = listening().await;
    let object = object(1_000);
    let mut put = Put::new(&listening.house, "/b/k", &[], &object, &object);
    *put.request.uri_mut() = "/b/another".parse().unwrap();
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(&put.head("content-length: 6000000000\r\n")).await.unwrap();
    let (head, _) = answer(&mut stream).await;
    assert_eq!(status(&head), "403");
    let put = Put::new(&listening.house, "/b/k", &[], &object, &object);
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(&put.head("content-length: 6000000000\r\n")).await.unwrap();
    let (_, body) = answer(&mut stream).await;
    assert_eq!(code(&body), "EntityTooLarge");
    assert!(listening.house.state.objects.is_empty());
}

#[tokio::test]
async fn an_answer_of_unknown_length_ends_where_it_ends_and_breaks_where_it_breaks() {
    let listening = listening().await;
    for (key, whole) in [("good", true), ("broken", false)] {
        let mut put = Put::new(&listening.house, &format!("/b/{key}"), &[], b"", b"");
        *put.request.method_mut() = http::Method::GET;
        let at = Millis(listening.house.clock.wall_ms());
        Signer { credentials: &root(), service: "s3", region: "eu-west-1", at }
            .sign(&mut put.request)
            .unwrap();
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        stream.write_all(&put.head("connection: close\r\n")).await.unwrap();
        let mut all = Vec::new();
        while stream.read_buf(&mut all).await.is_ok_and(|read| read > 0) {}
        let text = String::from_utf8_lossy(&all);
        if whole {
            assert!(text.contains("transfer-encoding: chunked"), "{text}");
        }
        let ends = text.ends_with("4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n");
        assert_eq!(ends, whole, "{text}");
        assert_eq!(text.ends_with("0\r\n\r\n"), whole, "{text}");
        let answer = put.send_2(&listening, 1).await;
        match answer {
            Ok(answer) => assert!(whole && answer == (200, "one two three".to_owned()), "{answer:?}"),
            Err(error) => assert!(!whole && error.is_reset(), "{error}"),
        }
    }
}
