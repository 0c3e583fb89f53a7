use percent_encoding::percent_decode_str;

/// What a part's `Content-Disposition` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Disposition {
    pub(super) name: String,
    /// Without any path.
    pub(super) filename: Option<String>,
}

impl Disposition {
    /// Parses `form-data; name="…"; filename="…"`.
    pub(super) fn parse(text: &str) -> Option<Disposition> {
        let (kind, mut rest) = text.split_once(';').unwrap_or((text, ""));
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return None;
        }
        let (mut name, mut filename, mut encoded) = (None, None, None);
        loop {
            rest = rest.trim_start_matches([' ', '\t', ';']);
            if rest.is_empty() {
                break;
            }
            let (key, after) = rest.split_once('=')?;
            let (value, after) = value(after.trim_start())?;
            match key.trim().to_ascii_lowercase().as_str() {
                "name" => name = Some(value),
                "filename" => filename = Some(value),
                "filename*" => encoded = extended(&value),
                _ => {}
            }
            rest = after;
        }
        let filename = encoded.or(filename).map(|path| last_element(&path).to_owned());
        Some(Disposition { name: name?, filename })
    }
}

/// A quoted or bare value, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return Some((text[..end].trim_end().to_owned(), &text[end..]));
    };
    let mut out = String::new();
    let mut escaped = false;
    for (at, char) in quoted.char_indices() {
        match char {
            '"' if !escaped => return Some((out, &quoted[at + 1..])),
            // Old browsers send paths with plain backslashes: only a quote can be escaped.
            '\\' if !escaped && quoted[at + 1..].starts_with('"') => escaped = true,
            char => {
                out.push(char);
                escaped = false;
            }
        }
    }
    None
}

/// `UTF-8''percent-encoded`.
fn extended(text: &str) -> Option<String> {
    let (charset, rest) = text.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let known = charset.eq_ignore_ascii_case("utf-8");
    known.then(|| percent_decode_str(encoded).decode_utf8().ok().map(|text| text.into_owned())).flatten()
}

/// Browsers may send a whole path; what follows its last slash or backslash is the name.
fn last_element(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disposition_is_read_as_browsers_and_libraries_write_it() {
        for (text, name, filename) in [
            ("form-data; name=\"key\"", "key", None),
            ("form-data; name=key", "key", None),
            ("Form-Data;name=\"a;b=c\"", "a;b=c", None),
            ("form-data; name=\"file\"; filename=\"a b.txt\"", "file", Some("a b.txt")),
            ("form-data; filename=\"C:\\dir\\x.txt\"; name=\"file\"", "file", Some("x.txt")),
            ("form-data; name=\"file\"; filename=\"/tmp/x\"", "file", Some("x")),
            ("form-data; name=\"a\\\"b\"", "a\"b", None),
            ("form-data; name=\"file\"; filename=\"?\"; filename*=UTF-8''gr%C3%BCn", "file", Some("grün")),
            ("form-data; name=\"file\"; filename=\"\"", "file", Some("")),
        ] {
            let filename = filename.map(str::to_owned);
            let want = Disposition { name: name.to_owned(), filename };
            assert_eq!(Disposition::parse(text), Some(want), "{text}");
        }
        for text in ["", "attachment; name=\"a\"", "form-data", "form-data; name=\"a", "form-data; name"] {
            assert_eq!(Disposition::parse(text), None, "{text}");
        }
    }
}
