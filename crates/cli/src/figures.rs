//! Numbers as people read them: milliseconds, bytes, ages, times of day.

use std::time::Duration;

/// `1.1`, `12.4`, `1,204`: one decimal below a hundred, thousands with commas.
pub fn ms(value: f64) -> String {
    if value < 99.95 { format!("{value:.1}") } else { thousands(value.round() as u64) }
}

/// A duration in whole or tenths of milliseconds, from `18 ms` to `2.1 s`.
pub fn took(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1000.0;
    if ms >= 1000.0 { format!("{:.1} s", ms / 1000.0) } else { format!("{} ms", ms.ceil() as u64) }
}

/// `84 bytes`, `1.2 KB`, `50 MB`.
pub fn bytes(count: u64) -> String {
    let units = ["KB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} bytes");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 9.95 { format!("{value:.1} {}", units[unit]) } else { format!("{value:.0} {}", units[unit]) }
}

/// `1204` as `1,204`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How long ago, in the largest unit that fits: `4s ago`, `3m ago`, `2h ago`, `5d ago`.
pub fn ago(now_ms: u64, then_ms: u64) -> String {
    let seconds = now_ms.saturating_sub(then_ms) / 1000;
    match seconds {
        0..60 => format!("{seconds}s ago"),
        60..3600 => format!("{}m ago", seconds / 60),
        3600..86_400 => format!("{}h ago", seconds / 3600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// Reads `250ms`, `30s`, `5m`, `2h`, `7d`.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let count: u64 =
        text[..digits].parse().map_err(|_| format!("{text} is no time span such as 30s or 2h"))?;
    let unit_ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(format!("{text} is no time span such as 30s or 2h")),
    };
    count.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| format!("{text} is too long"))
}

/// The milliseconds of Lambda's `LastModified`, `2026-01-12T15:32:14.000+0000`.
pub fn parse_modified(text: &str) -> Option<u64> {
    let timestamp: jiff::Timestamp = text.replace("+0000", "Z").parse().ok()?;
    u64::try_from(timestamp.as_millisecond()).ok()
}

/// The local time of day with milliseconds, `14:02:11.318`.
pub fn time_of_day(wall_ms: u64, zone: &jiff::tz::TimeZone) -> String {
    let ms = i64::try_from(wall_ms).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(timestamp) => {
            let time = timestamp.to_zoned(zone.clone()).time();
            let (hour, minute, second, ms) = (time.hour(), time.minute(), time.second(), time.millisecond());
            format!("{hour:02}:{minute:02}:{second:02}.{ms:03}")
        }
        Err(_) => "--:--:--.---".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact_enough() {
        let shown = [0.04, 1.06, 12.44, 99.94, 99.96, 1204.0].map(ms);
        assert_eq!(shown, ["0.0", "1.1", "12.4", "99.9", "100", "1,204"]);
        let shown = [84, 1_234, 9_960, 50_000_000, 999_999_999].map(bytes);
        assert_eq!(shown, ["84 bytes", "1.2 KB", "10 KB", "50 MB", "1.0 GB"]);
        assert_eq!([0, 999, 1_000, 1_248_000].map(thousands), ["0", "999", "1,000", "1,248,000"]);
        let shown = [Duration::from_micros(1_200), Duration::from_millis(2_140)].map(took);
        assert_eq!(shown, ["2 ms", "2.1 s"]);
    }

    #[test]
    fn ages_and_spans() {
        let now = 1_000_000_000;
        let ages = [4_000, 61_000, 7_200_000, 172_800_000].map(|age| ago(now, now - age));
        assert_eq!(ages, ["4s ago", "1m ago", "2h ago", "2d ago"]);
        assert_eq!(parse_span("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_span("2h"), Ok(Duration::from_secs(7_200)));
        for bad in ["", "h", "5", "5 m", "99999999999999999999d", "999999999999999d"] {
            assert!(parse_span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_of_functions_and_logs() {
        assert_eq!(parse_modified("2026-01-12T15:32:14.500+0000"), Some(1_768_231_934_500));
        assert_eq!(parse_modified("yesterday"), None);
        assert_eq!(time_of_day(1_768_231_934_005, &jiff::tz::TimeZone::UTC), "15:32:14.005");
    }
}
