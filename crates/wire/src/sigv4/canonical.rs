use std::borrow::Cow;

use http::HeaderMap;
use percent_encoding::percent_decode_str;

use super::{Parts, Refusal};

/// How a service's canonical request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The path is normalised and encoded once more; the body's hash is always signed.
    Plain,
    /// The path is taken as it was sent; the header `x-amz-content-sha256` says what was signed of the body.
    S3,
}

impl Style {
    /// The style of a signing name.
    pub fn of(service: &str) -> Style {
        match service {
            "s3" | "s3express" | "s3-object-lambda" | "s3-outposts" => Style::S3,
            _ => Style::Plain,
        }
    }
}

/// What is hashed into the string to sign.
pub(super) struct Canonical<'a> {
    pub(super) parts: Parts<'a>,
    pub(super) style: Style,
    /// Lower case, sorted, joined by `;`.
    pub(super) signed: &'a str,
    /// The last line: a hash in hexadecimal, or a literal.
    pub(super) payload: &'a [u8],
    /// Parameters of the query that take no part.
    pub(super) left_out: &'a [&'a str],
}

impl Canonical<'_> {
    /// The canonical request. Refuses when a signed header is not there.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        let Parts { method, path, query, headers } = self.parts;
        let mut out = Vec::with_capacity(768 + 2 * path.len() + 2 * query.len());
        out.extend_from_slice(method.as_bytes());
        out.push(b'\n');
        write_path(path, self.style, &mut out);
        out.push(b'\n');
        write_query(query, self.left_out, &mut out);
        out.push(b'\n');
        for name in names(self.signed) {
            self.header(name, headers, &mut out)?;
        }
        out.push(b'\n');
        out.extend_from_slice(self.signed.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(self.payload);
        Ok(out)
    }

    fn header(&self, name: &str, headers: &HeaderMap, out: &mut Vec<u8>) -> Result<(), Refusal> {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        // What HTTP/2 calls the authority is our host.
        let mut values = headers.get_all(if name == ":authority" { "host" } else { name }).iter();
        if let Some(first) = values.next() {
            fold(first.as_bytes(), out);
        } else {
            // SDKs for browsers move x-amz-* headers into a presigned query and still name them as signed.
            let moved = (self.style == Style::S3 && name.starts_with("x-amz-"))
                .then(|| hoisted(self.parts.query, name))
                .flatten();
            let Some(value) = moved else { return Err(Refusal::SignedHeaderAbsent(name.to_owned())) };
            fold(value.as_bytes(), out);
        }
        for value in values {
            out.push(b',');
            fold(value.as_bytes(), out);
        }
        out.push(b'\n');
        Ok(())
    }
}

/// The names of a list `a;b`.
pub(super) fn names(signed: &str) -> impl Iterator<Item = &str> {
    split(signed, b';')
}

/// Splits at an ASCII character; on short texts several times as fast as what the standard library has for any pattern.
pub(super) fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(at) = memchr::memchr(separator, text.as_bytes()) else { return rest.take() };
        rest = Some(&text[at + 1..]);
        Some(&text[..at])
    })
}

/// Appends a header value, trimmed, with each inner run of white space as one space.
fn fold(value: &[u8], out: &mut Vec<u8>) {
    // Without an exit in the middle this is a vector instruction per sixteen bytes.
    if !value.iter().fold(false, |found, byte| found | matches!(byte, b' ' | b'\t')) {
        out.extend_from_slice(value);
        return;
    }
    let mut first = true;
    for word in value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()) {
        if !first {
            out.push(b' ');
        }
        out.extend_from_slice(word);
        first = false;
    }
}

/// Appends the canonical path.
pub(super) fn write_path(path: &str, style: Style, out: &mut Vec<u8>) {
    match style {
        Style::S3 if path.is_empty() => out.push(b'/'),
        Style::S3 => out.extend_from_slice(path.as_bytes()),
        Style::Plain => write_normalised(path, out),
    }
}

/// Appends the path without dot segments and repeated slashes, each segment encoded (once more).
fn write_normalised(path: &str, out: &mut Vec<u8>) {
    let start = out.len();
    for segment in split(path, b'/') {
        match segment {
            "" | "." => {}
            ".." => {
                let slash = out[start..].iter().rposition(|byte| *byte == b'/');
                out.truncate(start + slash.unwrap_or(0));
            }
            segment => {
                out.push(b'/');
                encode(segment.as_bytes(), out);
            }
        }
    }
    if out.len() == start || path.ends_with('/') {
        out.push(b'/');
    }
}

/// Appends the query with every name and value decoded, encoded anew and sorted, without what is left out.
fn write_query(query: &str, left_out: &[&str], out: &mut Vec<u8>) {
    let mut pairs = pairs(query).filter(|(name, _)| !left_out.contains(name));
    let Some(first) = pairs.next() else { return };
    let Some(second) = pairs.next() else { return write_pair(&anew(first), out) };
    let mut all: Vec<_> = [first, second].into_iter().chain(pairs).map(anew).collect();
    all.sort_unstable();
    for (at, pair) in all.iter().enumerate() {
        if at > 0 {
            out.push(b'&');
        }
        write_pair(pair, out);
    }
}

type Pair<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

fn write_pair((name, value): &Pair<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.push(b'=');
    out.extend_from_slice(value);
}

fn anew<'a>((name, value): (&'a str, &'a str)) -> Pair<'a> {
    (encoded_anew(name), encoded_anew(value))
}

fn encoded_anew(text: &str) -> Cow<'_, [u8]> {
    if text.bytes().all(is_unreserved) {
        return Cow::Borrowed(text.as_bytes());
    }
    let decoded: Cow<'_, [u8]> = percent_decode_str(text).into();
    let mut out = Vec::with_capacity(text.len() + 8);
    encode(&decoded, &mut out);
    Cow::Owned(out)
}

/// Appends bytes with everything but `A-Za-z0-9-_.~` percent-encoded.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        if is_unreserved(*byte) {
            out.push(*byte);
        } else {
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}

fn is_unreserved(byte: u8) -> bool {
    const UNRESERVED: [bool; 256] = {
        let mut table = [false; 256];
        let mut at = 0;
        while at < 256 {
            table[at] =
                matches!(at as u8, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~');
            at += 1;
        }
        table
    };
    UNRESERVED[usize::from(byte)]
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    split(query, b'&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The decoded value of the first query parameter of this name.
pub(super) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    pairs(query).find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
}

/// The same for a header that was moved into the query: case does not matter.
pub(super) fn hoisted<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    pairs(query).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| decoded(value))
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str, style: Style) -> String {
        let mut out = b"..".to_vec();
        write_path(path, style, &mut out);
        String::from_utf8(out.split_off(2)).unwrap()
    }

    #[test]
    fn a_plain_path_is_normalised_and_encoded_once_more() {
        for (sent, want) in [
            ("", "/"),
            ("/", "/"),
            ("//a///b", "/a/b"),
            ("/a/./b/../c/", "/a/c/"),
            ("/..", "/"),
            ("/../../a", "/a"),
            ("/a/..", "/"),
            ("/a/../", "/"),
            ("/a/b/..", "/a"),
            ("/...", "/..."),
            ("/a%20b", "/a%2520b"),
            ("/a%2F..", "/a%252F.."),
            ("/functions/arn%3Aaws%3Alambda", "/functions/arn%253Aaws%253Alambda"),
            ("/x:y@z", "/x%3Ay%40z"),
        ] {
            assert_eq!(path(sent, Style::Plain), want, "{sent}");
        }
    }

    #[test]
    fn an_s3_path_stays_as_it_was_sent() {
        for (sent, want) in [("", "/"), ("//a/../b%20c", "//a/../b%20c"), ("/x:y", "/x:y")] {
            assert_eq!(path(sent, Style::S3), want);
        }
    }

    #[test]
    fn a_query_is_encoded_anew_and_sorted_by_name_then_value() {
        for (query, want) in [
            ("", ""),
            ("&&", ""),
            ("b=2&a=1&a=0", "a=0&a=1&b=2"),
            ("flag", "flag="),
            ("a=x%2fy&A=z", "A=z&a=x%2Fy"),
            ("a=b+c", "a=b%2Bc"),
            ("a=%zz", "a=%25zz"),
            ("k=v&X-Amz-Signature=00", "k=v"),
            ("q=a=b", "q=a%3Db"),
            ("a%2d=1&a!=0&a-=0", "a%21=0&a-=0&a-=1"),
        ] {
            let mut out = Vec::new();
            write_query(query, &["X-Amz-Signature"], &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want, "{query}");
        }
    }

    #[test]
    fn header_values_are_trimmed_and_folded() {
        for (value, want) in [
            ("  a   b ", "a b"),
            ("", ""),
            ("   ", ""),
            ("a", "a"),
            ("a\t b", "a b"),
            ("\"a   b\"", "\"a b\""),
        ] {
            let mut out = Vec::new();
            fold(value.as_bytes(), &mut out);
            assert_eq!(out, want.as_bytes());
        }
    }
}
