//! Answers of an HTTP/1.1 server, read from bytes: only what a load generator needs, so that it costs next to nothing.

use std::borrow::Cow;

/// What the bytes read so far are.
#[derive(Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// Not yet a whole answer.
    Partial,
    /// An answer, and how many bytes it took.
    Whole(Answer<'a>, usize),
}

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The header lines, without the status line.
    pub head: &'a str,
    /// The body, without the framing of chunks.
    pub body: Cow<'a, [u8]>,
}

impl<'a> Answer<'a> {
    /// The value of a header; its name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        header(self.head, name)
    }

    /// All headers in order.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.head.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
    }
}

/// The bytes are no HTTP answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this is no HTTP answer")
    }
}

impl std::error::Error for Malformed {}

/// Reads the first answer of `bytes`.
///
/// # Errors
/// When the bytes cannot become an answer.
pub fn read(bytes: &[u8]) -> Result<Read<'_>, Malformed> {
    let Some(end) = find(bytes, b"\r\n\r\n") else { return Ok(Read::Partial) };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| Malformed)?;
    let (line, head) = text.split_once("\r\n").unwrap_or((text, ""));
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(Malformed)?;
    let body_at = end + 4;
    if let Some(length) = header(head, "content-length") {
        let length: usize = length.parse().map_err(|_| Malformed)?;
        let Some(body) = bytes.get(body_at..body_at + length) else { return Ok(Read::Partial) };
        return Ok(Read::Whole(Answer { status, head, body: Cow::Borrowed(body) }, body_at + length));
    }
    if header(head, "transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return Ok(match chunks(&bytes[body_at..])? {
            None => Read::Partial,
            Some((body, taken)) => {
                Read::Whole(Answer { status, head, body: Cow::Owned(body) }, body_at + taken)
            }
        });
    }
    Ok(Read::Whole(Answer { status, head, body: Cow::Borrowed(&[]) }, body_at))
}

/// Joins the chunks up to the last one, which is empty; trailers are not expected.
fn chunks(mut bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Malformed> {
    let (mut body, mut taken) = (Vec::new(), 0);
    loop {
        let Some(line) = find(bytes, b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&bytes[..line]).map_err(|_| Malformed)?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or(size).trim(), 16);
        let size = size.map_err(|_| Malformed)?;
        let whole = line + 2 + size + 2;
        let Some(chunk) = bytes.get(line + 2..whole) else { return Ok(None) };
        body.extend_from_slice(&chunk[..size]);
        taken += whole;
        if size == 0 {
            return Ok(Some((body, taken)));
        }
        bytes = &bytes[whole..];
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], status: u16, body: &[u8]) {
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), Ok(Read::Partial), "{length} bytes");
        }
        let mut more = bytes.to_vec();
        more.extend_from_slice(b"HTTP/1.1 500 later\r\n\r\n");
        let Ok(Read::Whole(answer, taken)) = read(&more) else { panic!("it is whole") };
        assert_eq!((answer.status, &*answer.body, taken), (status, body, bytes.len()));
    }

    #[test]
    fn an_answer_is_whole_at_its_last_byte_and_not_before() {
        check(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello", 200, b"hello");
        check(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", 202, b"");
        check(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
            200,
            b"hello world",
        );
        check(b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", 204, b"");
    }

    #[test]
    fn headers_are_found_in_any_case() {
        let text = b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 7\r\nContent-Length: 0\r\n\r\n";
        let Ok(Read::Whole(answer, _)) = read(text) else { panic!("it is whole") };
        assert_eq!(answer.header("lambda-runtime-aws-request-id"), Some("7"));
        assert_eq!(answer.header("x"), None);
        assert_eq!(answer.headers().count(), 2);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for bytes in
            [&b"hello\r\n\r\n"[..], b"HTTP/1.1 two\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
        {
            assert_eq!(read(bytes), Err(Malformed));
        }
    }
}
