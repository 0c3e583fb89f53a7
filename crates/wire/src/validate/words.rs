//! The pieces of validation messages.

use std::borrow::Cow;

use crate::Value;
use crate::limits;
use crate::model::Pattern;

/// `Member must have length less than or equal to 64`.
pub(super) fn must_be_between(what: &str, side: &str, bound: f64) -> Cow<'static, str> {
    Cow::Owned(format!("Member must have {what} {side} than or equal to {bound}"))
}

/// `Member must satisfy regular expression pattern: [a-z]+`.
pub(super) fn must_match(pattern: &Pattern) -> Cow<'static, str> {
    Cow::Owned(format!("Member must satisfy regular expression pattern: {}", pattern.text()))
}

/// A value as Java prints it: `[a, b]`, `{k=v}`, a blob as the buffer that it is.
pub(super) fn shown(value: &Value) -> String {
    let mut out = String::new();
    show(&mut out, value);
    if out.len() > limits::SHOWN_VALUE {
        let end = (0..=limits::SHOWN_VALUE).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
        out.truncate(end);
        out.push_str("...");
    }
    out
}

fn show(out: &mut String, value: &Value) {
    if out.len() > limits::SHOWN_VALUE {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(&value.to_string()),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Float(number) | Value::Timestamp(number) => out.push_str(&format!("{number:?}")),
        Value::Text(text) => out.push_str(text),
        Value::Blob(bytes) => {
            let length = bytes.len();
            out.push_str(&format!("java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]"));
        }
        Value::List(values) => show_all(out, ['[', ']'], values, show),
        Value::Map(entries) => show_all(out, ['{', '}'], entries, |out, (key, value)| {
            out.push_str(key);
            out.push('=');
            show(out, value);
        }),
        Value::Structure(members) => show_all(out, ['{', '}'], members, |out, (name, value)| {
            out.push_str(name);
            out.push('=');
            show(out, value);
        }),
        Value::Document(json) => out.push_str(&json.to_string()),
        // Nobody constrains what is not read yet.
        Value::Body(_) | Value::Events(_) => out.push_str("..."),
    }
}

fn show_all<T>(out: &mut String, brackets: [char; 2], values: &[T], one: impl Fn(&mut String, &T)) {
    out.push(brackets[0]);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        one(out, value);
    }
    out.push(brackets[1]);
}
