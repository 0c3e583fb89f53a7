//! The condition operators: which exist, and what their values must look like.

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    Text,
    Number,
    Date,
    Flag,
    Bytes,
    Address,
    Arn,
    Presence,
}

const OPERATORS: &[(&str, Operand)] = &[
    ("StringEquals", Operand::Text),
    ("StringNotEquals", Operand::Text),
    ("StringEqualsIgnoreCase", Operand::Text),
    ("StringNotEqualsIgnoreCase", Operand::Text),
    ("StringLike", Operand::Text),
    ("StringNotLike", Operand::Text),
    ("NumericEquals", Operand::Number),
    ("NumericNotEquals", Operand::Number),
    ("NumericLessThan", Operand::Number),
    ("NumericLessThanEquals", Operand::Number),
    ("NumericGreaterThan", Operand::Number),
    ("NumericGreaterThanEquals", Operand::Number),
    ("DateEquals", Operand::Date),
    ("DateNotEquals", Operand::Date),
    ("DateLessThan", Operand::Date),
    ("DateLessThanEquals", Operand::Date),
    ("DateGreaterThan", Operand::Date),
    ("DateGreaterThanEquals", Operand::Date),
    ("Bool", Operand::Flag),
    ("BinaryEquals", Operand::Bytes),
    ("IpAddress", Operand::Address),
    ("NotIpAddress", Operand::Address),
    ("ArnEquals", Operand::Arn),
    ("ArnLike", Operand::Arn),
    ("ArnNotEquals", Operand::Arn),
    ("ArnNotLike", Operand::Arn),
    ("Null", Operand::Presence),
];

/// What the operator of this name compares, `None` when there is no such operator. Letter case does not count.
pub(crate) fn operand(name: &str) -> Option<Operand> {
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_prefix("forallvalues:").or_else(|| lower.strip_prefix("foranyvalue:"));
    let bare = bare.unwrap_or(&lower);
    let known = |name: &str| OPERATORS.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, o)| *o);
    match bare.strip_suffix("ifexists") {
        Some(stem) => known(stem).filter(|operand| *operand != Operand::Presence),
        None => known(bare),
    }
}

/// True for an integer from 0 to 2^63-1, and for the W3C profile of ISO 8601: `2026`, `2026-01`, `2026-01-02`,
/// `2026-01-02T03:04Z` with optional seconds, fraction and offset.
pub(crate) fn is_date(text: &str) -> bool {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().is_ok();
    }
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let mut parts = day.split('-');
    let year = parts.next().is_some_and(|p| digits(p, 4, 0..=9999));
    let rest: Vec<&str> = parts.collect();
    let days = match rest.as_slice() {
        [] => true,
        [month] => digits(month, 2, 1..=12),
        [month, day] => digits(month, 2, 1..=12) && digits(day, 2, 1..=31),
        _ => false,
    };
    year && days && time.is_none_or(|time| rest.len() == 2 && is_time(time))
}

fn is_time(text: &str) -> bool {
    let clock = match text.strip_suffix('Z') {
        Some(clock) => clock,
        None => {
            let Some(at) = text.rfind(['+', '-']) else { return false };
            if !is_clock(&text[at + 1..]) || text[at + 1..].len() != 5 {
                return false;
            }
            &text[..at]
        }
    };
    is_clock(clock)
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.fraction`.
fn is_clock(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [hour, minute] => digits(hour, 2, 0..=23) && digits(minute, 2, 0..=59),
        [hour, minute, second] => {
            let (whole, fraction) = match second.split_once('.') {
                Some((whole, fraction)) => (whole, fraction),
                None => (*second, "0"),
            };
            let fraction = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
            digits(hour, 2, 0..=23) && digits(minute, 2, 0..=59) && digits(whole, 2, 0..=60) && fraction
        }
        _ => false,
    }
}

fn digits(text: &str, count: usize, range: std::ops::RangeInclusive<u32>) -> bool {
    text.len() == count
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.parse().is_ok_and(|n| range.contains(&n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_known_with_their_prefixes_and_suffix_in_any_letter_case() {
        for name in [
            "StringEquals",
            "stringlikeifexists",
            "ForAnyValue:StringLikeIfExists",
            "Null",
            "ForAllValues:ArnLike",
        ] {
            assert!(operand(name).is_some(), "{name}");
        }
        for name in ["", "IfExists", "NullIfExists", "StringMatches", "ForSomeValues:Bool", "ForAnyValue:"] {
            assert!(operand(name).is_none(), "{name}");
        }
        assert_eq!(operand("DateLessThanIfExists"), Some(Operand::Date));
    }

    #[test]
    fn dates_are_epoch_seconds_or_iso_8601() {
        let good = [
            "0",
            "2026",
            "9223372036854775807",
            "2026-01",
            "2026-01-02",
            "2026-01-02T03:04Z",
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.123Z",
            "2026-01-02T03:04:05+01:00",
        ];
        for text in good {
            assert!(is_date(text), "{text}");
        }
        let bad = [
            "",
            "-1",
            "9223372036854775808",
            "now",
            "2026-13",
            "2026-01-02T03",
            "2026-01T03:04Z",
            "2026-01-02T03:04",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05+1:00",
            "2026-01-02-03",
        ];
        for text in bad {
            assert!(!is_date(text), "{text}");
        }
    }
}
