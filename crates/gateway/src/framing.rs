//! Follows the bytes of an HTTP/1 connection ahead of hyper and refuses whatever two parsers could take for two different
//! requests: what is left is read by everybody in the same way (RFC 9112, sections 2.2, 3, 5.1, 6).
//!
//! hyper forgives a bare line feed, repeated lengths, a length beside `Transfer-Encoding`, white space after a chunk's
//! size; a proxy before us may read those in another way, and a request could hide in the difference. It knows where one
//! request ends and the next begins, no more: names, values and the request line stay hyper's business.

use crate::limits::{BUFFER_BYTES, CHUNK_LINE_BYTES};

/// Where a connection is in its bytes.
#[derive(Debug)]
pub struct Framing {
    state: State,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    head: Head,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In a request line or a header.
    Head,
    /// So many bytes of a body are to come.
    Body(u64),
    /// In the line of a chunk's size.
    ChunkSize,
    /// So many bytes of a chunk are to come.
    Chunk(u64),
    /// The end of a chunk's line is to come, so many bytes of it.
    ChunkEnd(u8),
    /// In the lines after the last chunk.
    Trailers,
}

/// What the head said about its body so far.
#[derive(Debug, Default)]
struct Head {
    begun: bool,
    length: Option<u64>,
    chunked: bool,
}

/// Why bytes are refused: the offset of the first byte that must not be read, and what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unclear {
    /// Offset of the first byte that must not be read.
    pub at: usize,
    /// What is wrong.
    pub why: &'static str,
}

impl Framing {
    /// Before the first byte of a connection.
    #[allow(clippy::new_without_default)] // It is made where a connection begins, and nowhere else.
    pub fn new() -> Framing {
        Framing { state: State::Head, line: Vec::new(), head: Head::default() }
    }

    /// Takes the next bytes of the connection.
    ///
    /// # Errors
    /// When they may mean two things. Nothing from that byte on may be read.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), Unclear> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            at += match self.state {
                State::Body(left) => self.pass(left, rest, State::Body, State::Head),
                State::Chunk(left) => self.pass(left, rest, State::Chunk, State::ChunkEnd(2)),
                State::ChunkEnd(left) => {
                    let expected = if left == 2 { b'\r' } else { b'\n' };
                    if rest[0] != expected {
                        return Err(Unclear { at, why: "a chunk is longer than it said" });
                    }
                    self.state = if left == 2 { State::ChunkEnd(1) } else { State::ChunkSize };
                    1
                }
                State::Head | State::ChunkSize | State::Trailers => {
                    let Some(end) = memchr(rest) else { return self.keep(rest, at) };
                    let taken = if self.line.is_empty() {
                        self.line(&rest[..end])
                    } else {
                        let mut line = std::mem::take(&mut self.line);
                        line.extend_from_slice(&rest[..end]);
                        self.line(&line)
                    };
                    // Everything up to the line feed may be read: without it the line has no end.
                    taken.map_err(|why| Unclear { at: at + end, why })?;
                    end + 1
                }
            };
        }
        Ok(())
    }

    /// Bytes of a body, which are not looked at.
    fn pass(&mut self, left: u64, rest: &[u8], on: fn(u64) -> State, then: State) -> usize {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
        let left = left - taken as u64;
        self.state = if left > 0 { on(left) } else { then };
        taken
    }

    fn keep(&mut self, rest: &[u8], at: usize) -> Result<(), Unclear> {
        let most = if self.state == State::ChunkSize { CHUNK_LINE_BYTES } else { BUFFER_BYTES };
        // hyper says so itself for a head, which fills its buffer at the same time.
        if self.line.len() + rest.len() > most {
            return Err(Unclear { at, why: "a line has no end" });
        }
        self.line.extend_from_slice(rest);
        Ok(())
    }

    /// A whole line without its line feed.
    fn line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let line = line.strip_suffix(b"\r").ok_or("a line ends in a bare line feed")?;
        match self.state {
            State::ChunkSize => {
                let size = chunk_size(line).ok_or("a chunk's size is none")?;
                self.state = if size == 0 { State::Trailers } else { State::Chunk(size) };
            }
            State::Trailers if line.is_empty() => self.state = State::Head,
            State::Trailers => {}
            _ if !line.is_empty() => {
                // The request line is not looked at, and can be no header by its colon: it begins with a method.
                if self.head.begun {
                    self.header(line)?;
                }
                self.head.begun = true;
            }
            // Empty lines before a request are no part of it.
            _ if !self.head.begun => {}
            _ => {
                let head = std::mem::take(&mut self.head);
                self.state = match head.length {
                    _ if head.chunked => State::ChunkSize,
                    Some(length) if length > 0 => State::Body(length),
                    _ => State::Head,
                };
            }
        }
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), &'static str> {
        // Only two names matter, and both are rare first letters.
        if !matches!(line[0] | 0x20, b'c' | b't') {
            return Ok(());
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Ok(()) };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.head.length.is_some() || self.head.chunked {
                return Err("a body has two lengths");
            }
            self.head.length = Some(decimal(value).ok_or("a length is no number")?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.head.length.is_some() || self.head.chunked {
                return Err("a body has two lengths");
            }
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err("a transfer coding is not chunked");
            }
            self.head.chunked = true;
        }
        Ok(())
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

/// Digits and nothing else: no sign, no list, no white space.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The size in a chunk's line, whose extensions are ignored as everybody does, within bounds.
fn chunk_size(line: &[u8]) -> Option<u64> {
    if line.len() > CHUNK_LINE_BYTES {
        return None;
    }
    let digits = line.split(|byte| *byte == b';').next()?;
    let extension = &line[digits.len()..];
    let fits = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    if !fits || extension.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes bytes in pieces; how many were clear, and what was wrong with the next.
    fn taken(bytes: &[u8], piece: usize) -> (usize, Option<&'static str>) {
        let mut framing = Framing::new();
        let mut clear = 0;
        for piece in bytes.chunks(piece) {
            match framing.take(piece) {
                Ok(()) => clear += piece.len(),
                Err(unclear) => return (clear + unclear.at, Some(unclear.why)),
            }
        }
        (clear, None)
    }

    const CLEAR: [&str; 9] = [
        "GET / HTTP/1.1\r\nhost: h\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na\nbGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length:\t0 \r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\na\nb\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n00A;x=y\r\n0123456789\r\n0;z\r\na: b\r\n\r\n",
        "POST / HTTP/1.1\r\nx-content-length: x\r\nCookie: content-length: 3\r\n\r\n",
        "Content-Length: 3 HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 18446744073709551615\r\n\r\nabc",
    ];

    #[test]
    fn what_has_one_meaning_is_let_through_however_it_is_cut() {
        for text in CLEAR {
            for piece in [1, 2, 7, text.len()] {
                assert_eq!(taken(text.as_bytes(), piece), (text.len(), None), "{text:?} by {piece}");
            }
        }
    }

    #[test]
    fn what_has_two_meanings_is_refused_before_its_line_ends_however_it_is_cut() {
        let head = "POST / HTTP/1.1\r\nhost: h\r\n";
        let chunked = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
        let lengths = "a body has two lengths";
        let no_number = "a length is no number";
        let coding = "a transfer coding is not chunked";
        let bare = "a line ends in a bare line feed";
        let size = "a chunk's size is none";
        let cases = [
            (head, "content-length: 1\r\ncontent-length: 1\r", lengths),
            (head, "content-length: 1\r\nx: y\r\ncontent-length: 2\r", lengths),
            (head, "content-length: 1\r\ntransfer-encoding: chunked\r", lengths),
            (head, "transfer-encoding: chunked\r\nContent-Length: 1\r", lengths),
            (head, "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r", lengths),
            (head, "content-length: 1, 1\r", no_number),
            (head, "content-length: +1\r", no_number),
            (head, "content-length: -1\r", no_number),
            (head, "content-length: 0x1\r", no_number),
            (head, "content-length: 1 2\r", no_number),
            (head, "content-length:\r", no_number),
            (head, "content-length: 18446744073709551616\r", no_number),
            (head, "transfer-encoding: gzip, chunked\r", coding),
            (head, "transfer-encoding: chunked, chunked\r", coding),
            (head, "transfer-encoding: xchunked\r", coding),
            (head, "transfer-encoding: chunked;x\r", coding),
            (head, "transfer-encoding: \"chunked\"\r", coding),
            (head, "transfer-encoding: identity\r", coding),
            (head, "transfer-encoding:\r", coding),
            (head, "x: y", bare),
            (head, "", bare),
            ("", "GET / HTTP/1.1", bare),
            (chunked, "5 \r", size),
            (chunked, " 5\r", size),
            (chunked, "0x5\r", size),
            (chunked, "+5\r", size),
            (chunked, "-5\r", size),
            (chunked, "\r", size),
            (chunked, ";x\r", size),
            (chunked, "5;a\rb\r", size),
            (chunked, "5;a\0b\r", size),
            (chunked, "12345678901234567\r", size),
            (chunked, "1", bare),
            (chunked, "1\r\nx\r\n0\r\na: b", bare),
        ];
        for (before, text, why) in cases {
            let all = format!("{before}{text}\nGET / HTTP/1.1\r\n\r\n");
            for piece in [1, 3, all.len()] {
                let refused = taken(all.as_bytes(), piece);
                assert_eq!(refused, (before.len() + text.len(), Some(why)), "{all:?} by {piece}");
            }
        }
        let longer = format!("{chunked}1\r\nxy\r\n");
        assert_eq!(taken(longer.as_bytes(), 64), (longer.len() - 3, Some("a chunk is longer than it said")));
        let endless = format!("{chunked}{}", "0".repeat(2 * CHUNK_LINE_BYTES));
        assert_eq!(taken(endless.as_bytes(), 512).1, Some("a line has no end"));
    }

    /// Where the requests of some bytes begin, read as hyper reads heads; `None` when a head is none.
    fn beginnings(bytes: &[u8]) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut request = httparse::Request::new(&mut headers);
            let httparse::Status::Complete(length) = request.parse(&bytes[at..]).ok()? else { break };
            found.push(at);
            at += length;
            let value = |name: &str| {
                let mut named =
                    request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
                named.next().map(|header| String::from_utf8_lossy(header.value).into_owned())
            };
            if value("transfer-encoding").is_some() {
                loop {
                    let Ok(httparse::Status::Complete((line, size))) =
                        httparse::parse_chunk_size(&bytes[at..])
                    else {
                        return Some(found);
                    };
                    at += line;
                    if size == 0 {
                        break;
                    }
                    at = at.saturating_add(usize::try_from(size).ok()?).saturating_add(2);
                    if at > bytes.len() {
                        return Some(found);
                    }
                }
                while !bytes[at.min(bytes.len())..].starts_with(b"\r\n") {
                    let Some(end) = bytes[at.min(bytes.len())..].iter().position(|byte| *byte == b'\n')
                    else {
                        return Some(found);
                    };
                    at += end + 1;
                }
                at += 2;
            } else if let Some(length) = value("content-length") {
                at = at.saturating_add(length.trim().parse::<usize>().ok()?);
            }
        }
        Some(found)
    }

    /// Where the requests of some bytes begin as [`Framing`] sees it; `None` when they are refused.
    fn framed(bytes: &[u8]) -> Option<Vec<usize>> {
        let mut framing = Framing::new();
        let mut found = Vec::new();
        let mut fresh = true;
        for (at, byte) in bytes.iter().enumerate() {
            framing.take(std::slice::from_ref(byte)).ok()?;
            let between = framing.state == State::Head && !framing.head.begun && framing.line.is_empty();
            if fresh && !between && *byte != b'\r' {
                found.push(at);
                fresh = false;
            }
            fresh |= between;
        }
        Some(found)
    }

    proptest! {
        /// Whatever is let through, a reader of heads and lengths finds the same requests in it.
        #[test]
        fn what_is_let_through_is_read_in_one_way(
            picks in prop::collection::vec(0..CLEAR.len(), 1..4),
            changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"\r\n \t0a:;,x-".to_vec())), 0..3),
        ) {
            let mut bytes: Vec<u8> = picks.iter().flat_map(|pick| CLEAR[*pick].bytes()).collect();
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            if let (Some(ours), Some(theirs)) = (framed(&bytes), beginnings(&bytes)) {
                // An unfinished head at the end is begun for us and not there for a parser of whole heads.
                let common = ours.len().min(theirs.len());
                let skip = |at: &usize| bytes[*at..].iter().take_while(|byte| b"\r\n".contains(byte)).count() + at;
                let theirs: Vec<usize> = theirs.iter().map(skip).collect();
                prop_assert_eq!(&ours[..common], &theirs[..common], "{:?}", String::from_utf8_lossy(&bytes));
                prop_assert!(ours.len() <= theirs.len() + 1);
            }
        }

        #[test]
        fn any_bytes_are_taken_or_refused_and_nothing_grows_without_bound(
            bytes in prop::collection::vec(any::<u8>(), 0..512),
            piece in 1usize..64,
        ) {
            let mut framing = Framing::new();
            for piece in bytes.chunks(piece) {
                if framing.take(piece).is_err() {
                    break;
                }
            }
            prop_assert!(framing.line.len() <= BUFFER_BYTES);
        }
    }
}
