//! Inputs that read like HTTP, so that seeds can be read: a line of words, lines of headers, an empty line, a body.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) struct Message<'a> {
    /// The words of the first line.
    pub(crate) words: Vec<&'a str>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl<'a> Message<'a> {
    /// Reads an input; lines that cannot be headers are left out, as no front door would hand them on.
    pub(crate) fn read(input: &'a [u8]) -> Option<Message<'a>> {
        let (head, body) = match input.windows(2).position(|two| two == b"\n\n") {
            Some(end) => (&input[..end], &input[end + 2..]),
            None => (input, &[][..]),
        };
        let mut lines = head.split(|byte| *byte == b'\n');
        let words: Vec<&str> = std::str::from_utf8(lines.next()?).ok()?.split(' ').collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let name = HeaderName::from_bytes(&line[..colon]);
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        Some(Message { words, headers, body: Bytes::copy_from_slice(body) })
    }

    pub(crate) fn word(&self, index: usize) -> &'a str {
        self.words.get(index).copied().unwrap_or_default()
    }
}

/// Path and query of a target.
pub(crate) fn split(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}
