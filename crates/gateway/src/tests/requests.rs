//! What is refused of HTTP/1 as it arrives: whatever could be read in two ways, and what is too much.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::sockets::{answer, bytes_of, listening};
use super::*;

/// Sends bytes and a second request behind them; the statuses of all answers until the connection ends.
async fn statuses(address: std::net::SocketAddr, bytes: &[u8]) -> Vec<u16> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let _ = stream.write_all(b"GET /_lambent/hidden HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    let mut all = Vec::new();
    while stream.read_buf(&mut all).await.is_ok_and(|read| read > 0) {}
    let text = String::from_utf8_lossy(&all).into_owned();
    let status = |line: &str| line.get(9..12).and_then(|status| status.parse().ok());
    text.split("HTTP/1.").skip(1).filter_map(|rest| status(&format!("HTTP/1.{rest}"))).collect()
}

const GET: &str = "GET /_lambent/health HTTP/1.1\r\n";
const POST: &str = "POST /_lambent/health HTTP/1.1\r\n";
const CHUNKED: &str = "POST /_lambent/health HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";

/// Each could be read in two ways: a request line, and the rest.
const TWO_MEANINGS: &[(&str, &str)] = &[
    (POST, "host: h\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    (POST, "host: h\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n"),
    (POST, "host: h\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx"),
    (POST, "host: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx"),
    (POST, "host: h\r\ncontent-length: 1, 1\r\n\r\nx"),
    (POST, "host: h\r\ncontent-length: +1\r\n\r\nx"),
    (POST, "host: h\r\ncontent-length: -1\r\n\r\nx"),
    (POST, "host: h\r\ncontent-length: 0x1\r\n\r\nx"),
    (POST, "host: h\r\ncontent-length:\r\n\r\n"),
    (POST, "host: h\r\ncontent-length: 99999999999999999999\r\n\r\n"),
    (POST, "host: h\r\ncontent-length : 1\r\n\r\nx"),
    (POST, "host: h\r\ncontent-\tlength: 1\r\n\r\nx"),
    (POST, "host: h\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    (POST, "host: h\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    (POST, "host: h\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n"),
    (POST, "host: h\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
    (POST, "host: h\r\ntransfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n"),
    (POST, "host: h\r\ntransfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    (POST, "host: h\r\nx: a\r\n b\r\n\r\n"),
    (GET, "host: h\nx: y\r\n\r\n"),
    (GET, "host: h\r\nx: y\n\r\n"),
    (GET, "host: h\r\n\n"),
    (GET, "host: h\r\nx: a\rb\r\n\r\n"),
    (GET, "host: h\r\nx: a\0b\r\n\r\n"),
    (GET, "host: h\r\nx\0: a\r\n\r\n"),
    (GET, "host: h\r\n: a\r\n\r\n"),
    (GET, "host: h\r\nno colon\r\n\r\n"),
    (GET, " host: h\r\n\r\n"),
    (GET, "\r\n"),
    (GET, "host: h\r\nhost: h\r\n\r\n"),
    (GET, "host: h\r\nHost: i\r\n\r\n"),
    (GET, "host: h/i\r\n\r\n"),
    (GET, "host: u@h\r\n\r\n"),
    ("GET http://other/_lambent/health HTTP/1.1\r\n", "host: h\r\n\r\n"),
    ("GET  /_lambent/health HTTP/1.1\r\n", "host: h\r\n\r\n"),
    ("GET /_lambent/health  HTTP/1.1\r\n", "host: h\r\n\r\n"),
    ("GET /_lambent/health HTTP/1.1\n", "host: h\r\n\r\n"),
    ("GET /_lambent/health HTTP/1.1 \r\n", "host: h\r\n\r\n"),
    ("GET /_lambent/health HTTP/1.2\r\n", "host: h\r\n\r\n"),
    ("GET /_lambent/health HTTP/2.0\r\n", "host: h\r\n\r\n"),
    ("GET /_lambent/health\r\n", "host: h\r\n\r\n"),
    ("GET /_lambent/he\0alth HTTP/1.1\r\n", "host: h\r\n\r\n"),
    ("G(T /_lambent/health HTTP/1.1\r\n", "host: h\r\n\r\n"),
    ("POST /_lambent/health HTTP/1.0\r\n", "transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    (CHUNKED, "5 \r\nabcde\r\n0\r\n\r\n"),
    (CHUNKED, " 5\r\nabcde\r\n0\r\n\r\n"),
    (CHUNKED, "0x5\r\nabcde\r\n0\r\n\r\n"),
    (CHUNKED, "+5\r\nabcde\r\n0\r\n\r\n"),
    (CHUNKED, "g\r\n\r\n"),
    (CHUNKED, "5\nabcde\r\n0\r\n\r\n"),
    (CHUNKED, "5\r\nabcdef\r\n0\r\n\r\n"),
    (CHUNKED, "5\r\nabcde0\r\n\r\n"),
    (CHUNKED, "5;\0\r\nabcde\r\n0\r\n\r\n"),
    (CHUNKED, "fffffffffffffffff\r\n"),
    (CHUNKED, "0\r\na: b\n\r\n"),
];

#[tokio::test]
async fn a_request_that_could_be_read_in_two_ways_is_refused_and_what_follows_is_not_served() {
    let listening = listening().await;
    for (line, rest) in TWO_MEANINGS {
        let text = format!("{line}{rest}");
        let statuses = statuses(listening.address, text.as_bytes()).await;
        assert_eq!(statuses, [400], "{text:?}");
    }
}

#[tokio::test]
async fn what_every_parser_reads_alike_is_served_and_so_is_what_follows() {
    let listening = listening().await;
    let get = "GET /_lambent/health HTTP/1.1\r\nhost: h\r\n";
    let cases = [
        (format!("{get}\r\n"), 200),
        (format!("\r\n{get}\r\n"), 200),
        (format!("{get}content-length: 3\r\n\r\nabc"), 200),
        (format!("{get}x:\r\n\r\n"), 200),
        ("GET http://h/_lambent/health HTTP/1.1\r\nhost: H\r\n\r\n".to_owned(), 200),
        ("GET /_lambent/health HTTP/1.0\r\nconnection: keep-alive\r\n\r\n".to_owned(), 200),
        (format!("{CHUNKED}3\r\nabc\r\n0\r\n\r\n"), 405),
        (format!("{CHUNKED}3;a=\"b\"\r\nabc\r\n0\r\nx-trailer: y\r\n\r\n"), 405),
        ("CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\n\r\n".to_owned(), 405),
        (format!("{get}expect: 200-ok\r\ncontent-length: 1\r\n\r\nx"), 417),
    ];
    for (text, status) in cases {
        let statuses = statuses(listening.address, text.as_bytes()).await;
        let closes = matches!(status, 417) || text.starts_with("CONNECT");
        let want: &[u16] = if closes { &[status] } else { &[status, 404] };
        assert_eq!(statuses, want, "{text:?}");
    }
}

#[tokio::test]
async fn the_version_before_is_answered_and_closed() {
    let listening = listening().await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(b"GET /_lambent/health HTTP/1.0\r\n\r\n").await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    assert!(all.starts_with("HTTP/1.0 200") && all.contains("\"status\":\"ok\""), "{all}");
}

#[tokio::test]
async fn a_body_is_asked_for_only_when_its_head_is_acceptable() {
    let listening = listening().await;
    let good = String::from_utf8(bytes_of("f", "{}")).unwrap();
    let (good, _) = good.split_once("\r\n\r\n").unwrap();
    let long = format!("{good}\r\nx-long: {}", "x".repeat(40_000));
    let unreadable = good.replace("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 what ");
    let large = good.replace("content-length: 2", "content-length: 99999999");
    for (head, status) in [(good, "100"), (&unreadable, "403"), (&large, "413"), (&long, "431")] {
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        stream.write_all(format!("{head}\r\nexpect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
        let (answered, _) = answer(&mut stream).await;
        assert!(answered.starts_with(&format!("http/1.1 {status}")), "{status}: {answered}");
    }
}

#[tokio::test]
async fn requests_that_are_sent_ahead_wait_outside() {
    let listening = listening().await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(&bytes_of("slow", "{}")).await.unwrap();
    listening.house.state.started.notified().await;
    // As much as the kernel takes: none of it is read while the first is under way, beyond one buffer.
    let ahead = bytes_of("f", "{}").repeat(64);
    let mut sent = 0;
    let enough = 64 << 20;
    while sent < enough {
        match stream.try_write(&ahead) {
            Ok(written) => sent += written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
        tokio::task::yield_now().await;
    }
    assert!(sent < enough, "{sent} bytes were read ahead");
    assert_eq!(listening.house.gateway.inner.load.running(), 1);
    listening.house.state.go.notify_one();
    let mut all = Vec::new();
    while String::from_utf8_lossy(&all).matches("HTTP/1.1 200").count() < 64 {
        assert!(stream.read_buf(&mut all).await.unwrap() > 0);
    }
}
