use std::borrow::Cow;

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::{Parts, Refusal};

/// Everything but `A-Za-z0-9-_.~` is encoded.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same for a path, whose slashes stay.
pub(super) const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

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
            "s3" | "s3express" | "s3-object-lambda" => Style::S3,
            _ => Style::Plain,
        }
    }
}

/// What is hashed into the string to sign.
pub(super) struct Canonical<'a> {
    pub(super) parts: Parts<'a>,
    pub(super) style: Style,
    /// Lower case and sorted.
    pub(super) signed: &'a [String],
    /// The last line: a hash in hexadecimal, or a literal.
    pub(super) payload: &'a str,
}

impl Canonical<'_> {
    /// The canonical request. Refuses when a signed header is not there.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        let Parts { method, path, query, headers } = self.parts;
        let mut out = Vec::with_capacity(512 + path.len() + query.len());
        out.extend_from_slice(method.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(canonical_path(path, self.style).as_bytes());
        out.push(b'\n');
        out.extend_from_slice(canonical_query(query).as_bytes());
        out.push(b'\n');
        for name in self.signed {
            self.header(name, headers, &mut out)?;
        }
        out.push(b'\n');
        out.extend_from_slice(self.signed.join(";").as_bytes());
        out.push(b'\n');
        out.extend_from_slice(self.payload.as_bytes());
        Ok(out)
    }

    fn header(&self, name: &str, headers: &HeaderMap, out: &mut Vec<u8>) -> Result<(), Refusal> {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        let mut values = headers.get_all(name).iter().peekable();
        if values.peek().is_none() {
            // SDKs for browsers move x-amz-* headers into a presigned query and still name them as signed.
            let moved = (self.style == Style::S3 && name.starts_with("x-amz-"))
                .then(|| hoisted(self.parts.query, name))
                .flatten();
            let Some(value) = moved else { return Err(Refusal::SignedHeaderAbsent(name.to_owned())) };
            fold(value.as_bytes(), out);
        }
        for (at, value) in values.enumerate() {
            if at > 0 {
                out.push(b',');
            }
            fold(value.as_bytes(), out);
        }
        out.push(b'\n');
        Ok(())
    }
}

/// Appends a header value, trimmed, with each inner run of white space as one space.
fn fold(value: &[u8], out: &mut Vec<u8>) {
    let mut first = true;
    for word in value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()) {
        if !first {
            out.push(b' ');
        }
        out.extend_from_slice(word);
        first = false;
    }
}

pub(super) fn canonical_path(path: &str, style: Style) -> Cow<'_, str> {
    match style {
        Style::S3 if path.is_empty() => Cow::Borrowed("/"),
        Style::S3 => Cow::Borrowed(path),
        Style::Plain => Cow::Owned(percent_encode(normalised(path).as_bytes(), RESERVED_IN_PATH).to_string()),
    }
}

/// The path without dot segments and repeated slashes.
fn normalised(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len() + 1);
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if kept.is_empty() || path.ends_with('/') {
        out.push('/');
    }
    out
}

/// The query with every name and value decoded, encoded anew and sorted; without the signature itself.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = pairs(query)
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| (encoded_anew(name), encoded_anew(value)))
        .collect();
    pairs.sort_unstable();
    let mut out = String::with_capacity(query.len() + 8);
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&name);
        out.push('=');
        out.push_str(&value);
    }
    out
}

fn encoded_anew(text: &str) -> String {
    let decoded: Cow<'_, [u8]> = percent_decode_str(text).into();
    percent_encode(&decoded, RESERVED).to_string()
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The decoded value of the first query parameter of this name.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    pairs(query).find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
}

/// The same for a header that was moved into the query: case does not matter.
fn hoisted(query: &str, name: &str) -> Option<String> {
    pairs(query).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| decoded(value))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_is_normalised_and_encoded_once_more() {
        for (path, want) in [
            ("", "/"),
            ("/", "/"),
            ("//a///b", "/a/b"),
            ("/a/./b/../c/", "/a/c/"),
            ("/..", "/"),
            ("/a/..", "/"),
            ("/a%20b", "/a%2520b"),
            ("/functions/arn%3Aaws%3Alambda", "/functions/arn%253Aaws%253Alambda"),
            ("/x:y@z", "/x%3Ay%40z"),
        ] {
            assert_eq!(canonical_path(path, Style::Plain), want, "{path}");
        }
    }

    #[test]
    fn an_s3_path_stays_as_it_was_sent() {
        for (path, want) in [("", "/"), ("//a/../b%20c", "//a/../b%20c"), ("/x:y", "/x:y")] {
            assert_eq!(canonical_path(path, Style::S3), want);
        }
    }

    #[test]
    fn a_query_is_encoded_anew_and_sorted_by_name_then_value() {
        for (query, want) in [
            ("", ""),
            ("b=2&a=1&a=0", "a=0&a=1&b=2"),
            ("flag", "flag="),
            ("a=x%2fy&A=z", "A=z&a=x%2Fy"),
            ("a=b+c", "a=b%2Bc"),
            ("a=%zz", "a=%25zz"),
            ("k=v&X-Amz-Signature=00", "k=v"),
            ("q=a=b", "q=a%3Db"),
        ] {
            assert_eq!(canonical_query(query), want, "{query}");
        }
    }

    #[test]
    fn header_values_are_trimmed_and_folded() {
        for (value, want) in [("  a   b ", "a b"), ("", ""), ("a\t b", "a b"), ("\"a   b\"", "\"a b\"")] {
            let mut out = Vec::new();
            fold(value.as_bytes(), &mut out);
            assert_eq!(out, want.as_bytes());
        }
    }
}
