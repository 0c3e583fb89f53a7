//! A reader of Rust that knows just enough: where strings and comments are, where functions begin and end.

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace, both counted.
    pub lines: usize,
}

/// The same text with comments and the contents of strings and characters blanked; line breaks stay.
pub fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut masked = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = span(bytes, at);
        if end == at {
            masked.push(bytes[at]);
            at += 1;
            continue;
        }
        masked.extend(bytes[at..end].iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
        at = end;
    }
    String::from_utf8_lossy(&masked).into_owned()
}

/// The end of the comment, string or character that begins at `at`; `at` itself when none does.
fn span(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let after_word = at > 0 && is_word(bytes[at - 1]);
    match rest {
        [b'/', b'/', ..] => at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => at + block_comment(rest),
        [b'"', ..] => at + quoted(rest, b'"'),
        [b'r', b'"' | b'#', ..] if !after_word => at + raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !after_word => at + raw_string(rest, 2),
        [b'\'', b'\\', ..] => at + quoted(rest, b'\''),
        [b'\'', ..] => at + character(rest),
        _ => at,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `prefix` letters, hashes, quote … quote, hashes. Zero when it is `r#name`.
fn raw_string(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let start = prefix + hashes;
    if rest.get(start) != Some(&b'"') {
        return 0;
    }
    let mut close = vec![b'"'];
    close.extend(std::iter::repeat_n(b'#', hashes));
    let body = &rest[start + 1..];
    body.windows(close.len())
        .position(|window| window == close)
        .map_or(rest.len(), |found| start + 1 + found + close.len())
}

/// `'x'` in any width of UTF-8. Zero for a lifetime.
fn character(rest: &[u8]) -> usize {
    let width = match rest.get(1) {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xFF) => 4,
        _ => 1,
    };
    if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The words of masked text with their byte offsets.
pub fn words(masked: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    masked.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter_map(move |word| {
        let start = at;
        at += word.len() + 1;
        (!word.is_empty()).then_some((start, word))
    })
}

/// Every function with a body in masked text, nested ones included.
pub fn functions(masked: &str) -> Vec<Function> {
    let mut found = Vec::new();
    let mut previous: Option<(usize, &str)> = None;
    for (start, word) in words(masked) {
        if let Some((at, "fn")) = previous
            && let Some(end) = body_end(masked.as_bytes(), start)
        {
            let line = line_of(masked, at);
            found.push(Function { name: word.to_owned(), line, lines: line_of(masked, end) - line + 1 });
        }
        previous = Some((start, word));
    }
    found
}

/// The offset of the brace that closes the body; `None` when a semicolon ends the declaration first.
fn body_end(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut braces, mut brackets) = (0usize, 0usize);
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets = brackets.saturating_sub(1),
            b';' if braces == 0 && brackets == 0 => return None,
            b'{' => braces += 1,
            b'}' => {
                braces = braces.checked_sub(1)?;
                if braces == 0 && brackets == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The line, from 1, of a byte offset.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Byte ranges of modules under `#[cfg(test)]`.
pub fn test_ranges(masked: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(found) = masked[from..].find("#[cfg(test)]") {
        let start = from + found;
        from = start + "#[cfg(test)]".len();
        if let Some(end) = body_end(masked.as_bytes(), from) {
            ranges.push(start..end);
            from = end;
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_or_said_in_comments_is_blank() {
        // Dots stand for blanks.
        for (text, masked) in [
            ("a // {\nb", "a ....\nb"),
            ("a /* { /* } */ { */ b", "a ................. b"),
            (r#"x("}\"{")"#, "x(......)"),
            (r##"x(r#"}"{"#)"##, "x(........)"),
            (r"x(b'{', '\'', '\u{7b}')", "x(b..., ...., ........)"),
            ("x('é')", "x(....)"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("r#fn for r#type", "r#fn for r#type"),
        ] {
            assert_eq!(mask(text), masked.replace('.', " "), "{text}");
        }
    }

    #[test]
    fn functions_are_counted_from_fn_to_brace() {
        let text = "trait T { fn none(&self) -> [u8; 2]; }\n\
                    pub fn one() {}\n\
                    async fn three(\n  x: u8,\n) { if x == 0 { \"}\"; } }\n\
                    fn outer() {\n  fn inner() {\n  }\n}\n\
                    type F = fn(u8) -> u8;\n";
        let found: Vec<_> = functions(&mask(text)).into_iter().map(|f| (f.name, f.line, f.lines)).collect();
        let expected = [("one", 2, 1), ("three", 3, 3), ("outer", 6, 4), ("inner", 7, 2)];
        assert_eq!(found, expected.map(|(name, line, lines)| (name.to_owned(), line, lines)));
    }

    #[test]
    fn test_modules_are_found_to_their_end() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { } }\nfn c() {}\n";
        let ranges = test_ranges(text);
        assert_eq!(ranges.len(), 1);
        assert!(text[ranges[0].clone()].contains("fn b") && !text[ranges[0].clone()].contains("fn c"));
    }
}
