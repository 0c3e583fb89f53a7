//! Scalars as text: in headers, labels, query strings, forms and XML.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::Value;
use crate::malformed::Malformed;
use crate::model::{Kind, TimestampFormat};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// [`RESERVED`] without the slash, for greedy labels.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Reads a scalar. `format` is that of timestamps whose shape prescribes none.
pub(crate) fn parse(kind: &Kind, format: TimestampFormat, text: &str) -> Result<Value, Malformed> {
    match kind {
        Kind::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(Malformed::text(kind)),
        },
        Kind::Integer | Kind::Long => text.parse().map(Value::Integer).map_err(|_| Malformed::text(kind)),
        Kind::Float => float(text).map(Value::Float).ok_or_else(|| Malformed::text(kind)),
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Blob => blob(text),
        Kind::Timestamp(own) => {
            timestamp(own.unwrap_or(format), text).map(Value::Timestamp).ok_or_else(|| Malformed::text(kind))
        }
        Kind::Document => serde_json::from_str(text).map(Value::Document).map_err(|_| Malformed::Syntax),
        Kind::List(_) | Kind::Map(_) | Kind::Structure(_) => Err(Malformed::text(kind)),
    }
}

/// Reads base64.
pub(crate) fn blob(text: &str) -> Result<Value, Malformed> {
    let bytes = STANDARD.decode(text).map_err(|_| Malformed::base64(text))?;
    Ok(Value::Blob(Bytes::from(bytes)))
}

/// Reads a float, with the words for what JSON cannot express.
pub(crate) fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust would also read `inf`, `nan` and their like.
        _ if text.bytes().any(|b| b.is_ascii_alphabetic() && b != b'e' && b != b'E') => None,
        _ => text.parse().ok(),
    }
}

/// Reads a timestamp as seconds since the epoch.
pub(crate) fn timestamp(format: TimestampFormat, text: &str) -> Option<f64> {
    match format {
        TimestampFormat::Epoch => text.parse().ok().filter(|seconds| is_time(*seconds)),
        TimestampFormat::Iso8601 => text.parse::<Timestamp>().ok().map(seconds),
        TimestampFormat::Http => rfc2822::parse(text).ok().map(|zoned| seconds(zoned.timestamp())),
    }
}

/// True for seconds that every format can say: those of the years -9999 to 9999.
pub(crate) fn is_time(seconds: f64) -> bool {
    (Timestamp::MIN.as_second() as f64..=Timestamp::MAX.as_second() as f64).contains(&seconds)
}

fn seconds(timestamp: Timestamp) -> f64 {
    // One division of an exact number is rounded once, as the text was when it was written.
    if timestamp.subsec_nanosecond() % 1_000_000 == 0 {
        timestamp.as_millisecond() as f64 / 1e3
    } else {
        timestamp.as_nanosecond() as f64 / 1e9
    }
}

/// Writes a scalar; `None` for lists, maps and structures. `format` is that of timestamps whose shape prescribes none.
pub(crate) fn write<'v>(kind: &Kind, format: TimestampFormat, value: &'v Value) -> Option<Cow<'v, str>> {
    let text = match value {
        Value::Null => Cow::Borrowed(""),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Text(text) => Cow::Borrowed(text.as_str()),
        Value::Blob(bytes) => Cow::Owned(STANDARD.encode(bytes)),
        Value::Integer(number) => match kind {
            Kind::Timestamp(own) => Cow::Owned(write_timestamp(own.unwrap_or(format), *number as f64)),
            _ => Cow::Owned(number.to_string()),
        },
        Value::Float(number) | Value::Timestamp(number) => match kind {
            Kind::Timestamp(own) => Cow::Owned(write_timestamp(own.unwrap_or(format), *number)),
            _ => Cow::Owned(write_float(*number)),
        },
        Value::Document(json) => Cow::Owned(json.to_string()),
        Value::List(_) | Value::Map(_) | Value::Structure(_) | Value::Body(_) | Value::Events(_) => {
            return None;
        }
    };
    Some(text)
}

/// Writes a float as text protocols and JSON strings do.
pub(crate) fn write_float(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        format!("{number:?}")
    }
}

/// Writes a timestamp as S3 does in XML: with three digits after the second, zeros too.
pub(crate) fn write_milliseconds(seconds: f64) -> String {
    format!("{:.3}", clamped((seconds * 1000.0).round() as i64))
}

fn clamped(milliseconds: i64) -> Timestamp {
    let end = if milliseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(milliseconds).unwrap_or(end)
}

/// Writes a timestamp, to the millisecond. What is outside of the years -9999 to 9999 becomes their end.
pub(crate) fn write_timestamp(format: TimestampFormat, seconds: f64) -> String {
    let milliseconds = (seconds * 1000.0).round() as i64;
    match format {
        TimestampFormat::Epoch => epoch(milliseconds),
        TimestampFormat::Iso8601 => clamped(milliseconds).to_string(),
        TimestampFormat::Http => rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&clamped(milliseconds))
            .unwrap_or_else(|_| epoch(milliseconds)),
    }
}

fn epoch(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { "-" } else { "" };
    let (whole, fraction) = (milliseconds.unsigned_abs() / 1000, milliseconds.unsigned_abs() % 1000);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let text = format!("{sign}{whole}.{fraction:03}");
    text.trim_end_matches('0').to_owned()
}

/// Percent-encodes for a label or a form.
pub(crate) fn percent_encode(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, RESERVED).into()
}

/// Percent-encodes for a label that may hold slashes.
pub(crate) fn percent_encode_path(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, RESERVED_IN_PATH).into()
}

/// Decodes a label; a `+` stays.
pub(crate) fn percent_decode(text: &str) -> Result<Cow<'_, str>, Malformed> {
    percent_decode_str(text).decode_utf8().map_err(|_| Malformed::Syntax)
}

/// Decodes a name or value of a query string or form; a `+` is a space.
pub(crate) fn form_decode(text: &str) -> Result<Cow<'_, str>, Malformed> {
    if !text.contains('+') {
        return percent_decode(text);
    }
    let spaced = text.replace('+', " ");
    Ok(Cow::Owned(percent_decode(&spaced)?.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_written_to_the_millisecond_and_read_back() {
        let cases = [
            (1_398_796_238.0, "1398796238", "2014-04-29T18:30:38Z", "Tue, 29 Apr 2014 18:30:38 GMT"),
            (1_398_796_238.12, "1398796238.12", "2014-04-29T18:30:38.12Z", "Tue, 29 Apr 2014 18:30:38 GMT"),
            (-0.5, "-0.5", "1969-12-31T23:59:59.5Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ];
        for (seconds, epoch, iso, http) in cases {
            assert_eq!(write_timestamp(TimestampFormat::Epoch, seconds), epoch);
            assert_eq!(write_timestamp(TimestampFormat::Iso8601, seconds), iso);
            assert_eq!(timestamp(TimestampFormat::Epoch, epoch), Some(seconds));
            assert_eq!(timestamp(TimestampFormat::Iso8601, iso), Some(seconds));
            if seconds > 0.0 {
                assert_eq!(write_timestamp(TimestampFormat::Http, seconds), http);
                assert_eq!(timestamp(TimestampFormat::Http, http), Some(seconds.floor()));
            }
        }
    }

    #[test]
    fn timestamps_out_of_range_become_the_last_year() {
        assert!(write_timestamp(TimestampFormat::Iso8601, 1e300).starts_with("9999-12-30"));
        assert!(!write_timestamp(TimestampFormat::Http, f64::NAN).is_empty());
    }

    #[test]
    fn a_plus_is_a_space_in_forms_only() {
        assert_eq!(form_decode("a+b%2B").as_deref(), Ok("a b+"));
        assert_eq!(percent_decode("a+b").as_deref(), Ok("a+b"));
        assert_eq!(percent_decode("%ff"), Err(Malformed::Syntax));
    }

    #[test]
    fn floats_know_no_words_but_aws_s() {
        assert_eq!(float("1e3"), Some(1000.0));
        assert_eq!(float("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!([float("inf"), float("nan"), float("")], [None, None, None]);
    }
}
