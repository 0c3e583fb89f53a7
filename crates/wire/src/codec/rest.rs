//! Members that travel as HTTP's own parts: labels, query strings, headers and the status.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Members, form, put, text};
use crate::limits;
use crate::malformed::Malformed;
use crate::model::{Kind, Location, Member, Operation, Segment, Structure, TimestampFormat};
use crate::{Model, Value};

/// Reads the labels of a path that was matched to the operation.
pub(crate) fn read_labels(
    model: &'static Model,
    operation: &'static Operation,
    structure: &'static Structure,
    path: &str,
    members: &mut Members,
) -> Result<(), Malformed> {
    let path = path.strip_prefix('/').unwrap_or(path);
    // A label that takes the rest of the path takes its last slash too.
    let is_greedy = matches!(operation.path.last(), Some(Segment::Greedy(_)));
    let mut rest = path.strip_suffix('/').filter(|_| !is_greedy).unwrap_or(path);
    for (index, segment) in operation.path.iter().enumerate() {
        let (part, after) = match segment {
            Segment::Literal(_) | Segment::Label(_) => rest.split_once('/').unwrap_or((rest, "")),
            Segment::Greedy(_) => greedy(rest, operation.path.len() - index - 1),
        };
        rest = after;
        let (Segment::Label(label) | Segment::Greedy(label)) = segment else { continue };
        let of_label = |member: &&Member| member.location == Location::Uri && member.wire_name == *label;
        let Some(member) = structure.members.iter().find(of_label) else { continue };
        let kind = &model.shape(member.shape).kind;
        let format = member.format.unwrap_or(TimestampFormat::Iso8601);
        put(members, member, text::parse(kind, format, &text::percent_decode(part)?)?);
    }
    Ok(())
}

/// Splits so that `kept` segments remain after the label.
fn greedy(path: &str, kept: usize) -> (&str, &str) {
    let mut end = path.len();
    for _ in 0..kept {
        end = path[..end].rfind('/').unwrap_or(0);
    }
    (&path[..end], path[end..].strip_prefix('/').unwrap_or(&path[end..]))
}

/// Reads the parameters of a query string.
pub(crate) fn read_query(
    model: &'static Model,
    structure: &'static Structure,
    query: &str,
    members: &mut Members,
) -> Result<(), Malformed> {
    let of_query = |member: &&Member| member.location == Location::Query;
    if query.is_empty() || !structure.members.iter().any(|member| of_query(&member)) {
        return Ok(());
    }
    let pairs = form::pairs(query)?;
    for member in structure.members.iter().filter(of_query) {
        let format = member.format.unwrap_or(TimestampFormat::Iso8601);
        match &model.shape(member.shape).kind {
            Kind::Map(entries) => {
                // All parameters, those that have members of their own too.
                let value = query_map(&model.shape(entries.value).kind, model, &pairs)?;
                put(members, member, value);
            }
            kind => {
                let mut values =
                    pairs.iter().filter(|(name, _)| *name == member.wire_name).map(|(_, value)| value);
                let value = match kind {
                    Kind::List(items) => {
                        let item = &model.shape(items.shape).kind;
                        let format = items.format.unwrap_or(format);
                        let values: Vec<Value> =
                            values.map(|value| text::parse(item, format, value)).collect::<Result<_, _>>()?;
                        if values.is_empty() { Value::Null } else { Value::List(values) }
                    }
                    kind => match values.next() {
                        Some(value) => text::parse(kind, format, value)?,
                        None => Value::Null,
                    },
                };
                put(members, member, value);
            }
        }
    }
    Ok(())
}

fn query_map(kind: &Kind, model: &Model, pairs: &[form::Pair<'_>]) -> Result<Value, Malformed> {
    let mut entries: Vec<(String, Value)> = Vec::new();
    for (name, value) in pairs {
        let Kind::List(items) = kind else {
            entries.push((name.to_string(), text::parse(kind, TimestampFormat::Iso8601, value)?));
            continue;
        };
        let value = text::parse(&model.shape(items.shape).kind, TimestampFormat::Iso8601, value)?;
        match entries.iter_mut().find(|(known, _)| known == name) {
            Some((_, Value::List(values))) => values.push(value),
            _ => entries.push((name.to_string(), Value::List(vec![value]))),
        }
    }
    Ok(if entries.is_empty() { Value::Null } else { Value::Map(entries) })
}

/// Reads members from headers, of requests and responses alike.
pub(crate) fn read_headers(
    model: &'static Model,
    structure: &'static Structure,
    headers: &HeaderMap,
    members: &mut Members,
) -> Result<(), Malformed> {
    for member in &structure.members {
        let value = match member.location {
            Location::Header => match &member.header {
                Some(name) if headers.contains_key(name) => header(model, member, name, headers)?,
                _ => Value::Null,
            },
            Location::Headers => prefixed(&member.wire_name, headers),
            Location::Body | Location::Uri | Location::Query | Location::Status => Value::Null,
        };
        put(members, member, value);
    }
    Ok(())
}

fn header(
    model: &'static Model,
    member: &Member,
    name: &HeaderName,
    headers: &HeaderMap,
) -> Result<Value, Malformed> {
    let line = joined(name, headers);
    let format = member.format.unwrap_or(TimestampFormat::Http);
    match &model.shape(member.shape).kind {
        Kind::List(items) => {
            let kind = &model.shape(items.shape).kind;
            let format = items.format.unwrap_or(format);
            let of_http_dates =
                matches!(kind, Kind::Timestamp(own) if own.unwrap_or(format) == TimestampFormat::Http);
            let mut values = Vec::new();
            for part in split_list(&line, of_http_dates) {
                values.push(text::parse(kind, format, &part)?);
            }
            Ok(if values.is_empty() { Value::Null } else { Value::List(values) })
        }
        kind @ Kind::Text if member.json_value => {
            let bytes = STANDARD.decode(line.as_bytes()).map_err(|_| Malformed::base64(&line))?;
            text::parse(kind, format, &String::from_utf8(bytes).map_err(|_| Malformed::Syntax)?)
        }
        kind => text::parse(kind, format, line.trim()),
    }
}

/// The header's lines as one. Most have one line of ASCII, which is not copied.
fn joined<'h>(name: &HeaderName, headers: &'h HeaderMap) -> Cow<'h, str> {
    let mut lines = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    let mut joined = lines.next().unwrap_or_default();
    for line in lines {
        let joined = joined.to_mut();
        joined.push(',');
        joined.push_str(&line);
    }
    joined
}

/// Splits a header's list at commas that are not quoted; an HTTP date holds one itself.
fn split_list(line: &str, of_http_dates: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let (mut quoted, mut commas) = (false, 0);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => part.extend(chars.next()),
            ',' if !quoted => {
                commas += 1;
                if of_http_dates && commas % 2 == 1 {
                    part.push(c);
                } else {
                    parts.push(std::mem::take(&mut part).trim().to_owned());
                }
            }
            _ => part.push(c),
        }
    }
    let last = part.trim();
    if !last.is_empty() || !parts.is_empty() {
        parts.push(last.to_owned());
    }
    parts
}

fn prefixed(prefix: &str, headers: &HeaderMap) -> Value {
    let prefix = prefix.to_ascii_lowercase();
    let mut entries = Vec::new();
    for name in headers.keys().take(limits::HEADERS) {
        if let Some(key) = name.as_str().strip_prefix(&prefix) {
            entries.push((key.to_owned(), Value::Text(joined(name, headers).into_owned())));
        }
    }
    if entries.is_empty() { Value::Null } else { Value::Map(entries) }
}

/// Writes members into headers; the status member's value is handed back.
pub(crate) fn write_headers(
    model: &Model,
    structure: &Structure,
    value: &Value,
    headers: &mut HeaderMap,
) -> Option<u16> {
    let Value::Structure(members) = value else { return None };
    let mut status = None;
    for (name, value) in members {
        let Some(member) = structure.member(name) else { continue };
        match member.location {
            Location::Status => {
                if let Value::Integer(number) = value {
                    status = u16::try_from(*number).ok().filter(|number| (100..=599).contains(number));
                }
            }
            Location::Header => {
                if let (Some(name), Some(text)) = (&member.header, header_text(model, member, value)) {
                    set(headers, name.clone(), &text);
                }
            }
            Location::Headers => {
                let Value::Map(entries) = value else { continue };
                for (key, value) in entries {
                    if let Some(text) = value.as_text() {
                        insert(headers, &format!("{}{key}", member.wire_name), text);
                    }
                }
            }
            Location::Body | Location::Uri | Location::Query => {}
        }
    }
    status
}

fn header_text<'v>(model: &Model, member: &Member, value: &'v Value) -> Option<Cow<'v, str>> {
    let format = member.format.unwrap_or(TimestampFormat::Http);
    match (&model.shape(member.shape).kind, value) {
        (_, Value::Null) => None,
        (Kind::Text, Value::Text(text)) if member.json_value => Some(Cow::Owned(STANDARD.encode(text))),
        (Kind::List(items), Value::List(values)) => {
            let kind = &model.shape(items.shape).kind;
            let format = items.format.unwrap_or(format);
            let mut parts = Vec::with_capacity(values.len());
            for value in values {
                let part = text::write(kind, format, value)?;
                let quoted = matches!(kind, Kind::Text) && part.contains([',', '"']);
                parts.push(if quoted { quote(&part) } else { part.into_owned() });
            }
            Some(Cow::Owned(parts.join(", ")))
        }
        (kind, value) => text::write(kind, format, value),
    }
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Sets a header; what HTTP cannot carry is left out, for a service's value must not break the answer.
pub(crate) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

/// [`set`] by a name that is not known to be one.
fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let Ok(name) = HeaderName::try_from(name) {
        set(headers, name, value);
    }
}

/// Writes the path and query string of a request.
pub(crate) fn write_path(
    model: &Model,
    operation: &Operation,
    structure: Option<&Structure>,
    value: &Value,
) -> String {
    let mut path = String::new();
    for segment in &operation.path {
        path.push('/');
        let (Segment::Literal(label) | Segment::Label(label) | Segment::Greedy(label)) = segment;
        let of_label = |member: &&Member| member.location == Location::Uri && member.wire_name == *label;
        let member = structure.and_then(|structure| structure.members.iter().find(of_label));
        match (segment, member) {
            (Segment::Literal(text), _) => path.push_str(text),
            (_, None) => {}
            (_, Some(member)) => {
                let kind = &model.shape(member.shape).kind;
                let format = member.format.unwrap_or(TimestampFormat::Iso8601);
                let text = text::write(kind, format, value.member(&member.name)).unwrap_or_default();
                let is_greedy = matches!(segment, Segment::Greedy(_));
                path.push_str(&if is_greedy {
                    text::percent_encode_path(&text)
                } else {
                    text::percent_encode(&text)
                });
            }
        }
    }
    if path.is_empty() {
        path.push('/');
    }
    let pairs = query_pairs(model, operation, structure, value);
    for (index, (name, value)) in pairs.iter().enumerate() {
        path.push(if index == 0 { '?' } else { '&' });
        path.push_str(&text::percent_encode(name));
        path.push('=');
        path.push_str(&text::percent_encode(value));
    }
    path
}

fn query_pairs(
    model: &Model,
    operation: &Operation,
    structure: Option<&Structure>,
    value: &Value,
) -> Vec<(String, String)> {
    let mut pairs = operation.constants.clone();
    let Some(structure) = structure else { return pairs };
    for member in structure.members.iter().filter(|member| member.location == Location::Query) {
        let format = member.format.unwrap_or(TimestampFormat::Iso8601);
        match (&model.shape(member.shape).kind, value.member(&member.name)) {
            (_, Value::Null) => {}
            (Kind::List(items), Value::List(values)) => {
                let kind = &model.shape(items.shape).kind;
                let format = items.format.unwrap_or(format);
                let texts = values.iter().filter_map(|value| text::write(kind, format, value));
                pairs.extend(texts.map(|text| (member.wire_name.clone(), text.into_owned())));
            }
            (Kind::Map(_), Value::Map(entries)) => {
                for (key, value) in entries {
                    let values = match value {
                        Value::List(values) => values.as_slice(),
                        one => std::slice::from_ref(one),
                    };
                    let texts = values.iter().filter_map(Value::as_text);
                    let known = |pairs: &[(String, String)]| pairs.iter().any(|(name, _)| name == key);
                    if !known(&pairs) {
                        pairs.extend(texts.map(|text| (key.clone(), text.to_owned())));
                    }
                }
            }
            (kind, value) => {
                if let Some(text) = text::write(kind, format, value) {
                    pairs.push((member.wire_name.clone(), text.into_owned()));
                }
            }
        }
    }
    pairs
}
