use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wire::Hosts;

use super::{Auth, Isolation};

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bytes {
    /// So many hundredths of what the machine has.
    Percent(u8),
    /// So many bytes.
    Exactly(u64),
}

impl Bytes {
    /// Parses `75%` or `4GB`.
    pub(super) fn parse(text: &str) -> Option<Bytes> {
        match text.strip_suffix('%') {
            Some(percent) => {
                percent.trim().parse().ok().filter(|percent| (1..=100).contains(percent)).map(Bytes::Percent)
            }
            None => size(text).map(Bytes::Exactly),
        }
    }

    /// The amount on a machine with `all` bytes.
    pub(super) fn of(self, all: u64) -> u64 {
        match self {
            Bytes::Percent(percent) => all / 100 * u64::from(percent),
            Bytes::Exactly(bytes) => bytes,
        }
    }
}

/// Parses `true` or `false`.
pub(super) fn truth(text: &str) -> Option<bool> {
    text.parse().ok()
}

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// What failed.
    Error,
    /// And what looks wrong.
    Warn,
    /// And each request.
    Info,
    /// And what happens inside.
    Debug,
    /// And everything else.
    Trace,
}

impl Level {
    /// Parses the name of a level.
    pub fn parse(text: &str) -> Option<Level> {
        Some(match text {
            "error" => Level::Error,
            "warn" => Level::Warn,
            "info" => Level::Info,
            "debug" => Level::Debug,
            "trace" => Level::Trace,
            _ => return None,
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        })
    }
}

pub(super) fn auth(text: &str) -> Option<Auth> {
    match text {
        "on" => Some(Auth::On),
        "off" => Some(Auth::Off),
        _ => None,
    }
}

pub(super) fn isolation(text: &str) -> Option<Isolation> {
    match text {
        "auto" => Some(Isolation::Auto),
        "sandbox" => Some(Isolation::Sandbox),
        _ => None,
    }
}

pub(super) fn count(text: &str) -> Option<u32> {
    text.parse().ok().filter(|count| *count > 0)
}

/// Parses `500ms`, `30s`, `2m`, `1h`, `30d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(ms).map(Duration::from_millis)
}

/// Parses `1GB`, `512MiB`, `100`.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let bytes = match unit {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(bytes).filter(|bytes| *bytes > 0)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let unit = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..unit].parse().ok()?, text[unit..].trim()))
}

/// Parses suffixes of host names with commas between them.
pub(super) fn hosts(text: &str) -> Option<Hosts> {
    let suffixes = text.split(',').map(str::trim).filter(|suffix| !suffix.is_empty());
    Hosts::with(suffixes.map(str::to_owned)).ok()
}

/// Parses origins of web pages with commas between them, as browsers write them.
pub(super) fn origins(text: &str) -> Option<Vec<String>> {
    text.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(origin).collect()
}

fn origin(text: &str) -> Option<String> {
    let (scheme, authority) = text.split_once("://")?;
    let named = wire::host_name(authority)?;
    // A port that the scheme implies is left out by browsers, and so never matches.
    let usual = if scheme == "https" { ":443" } else { ":80" };
    let fits = matches!(scheme, "http" | "https") && !named.is_empty() && !authority.ends_with(usual);
    (fits && !text.bytes().any(|byte| byte.is_ascii_uppercase())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_an_unusual_port() {
        assert_eq!(origins(""), Some(Vec::new()));
        let two = ["https://console.example".to_owned(), "http://localhost:3000".to_owned()];
        assert_eq!(origins("https://console.example, http://localhost:3000"), Some(two.to_vec()));
        for bad in [
            "*",
            "console.example",
            "https://a/",
            "https://A",
            "https://a:443",
            "ftp://a",
            "null",
            "https://*.a",
        ] {
            assert_eq!(origins(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_and_sizes_have_units() {
        for (text, want) in
            [("30s", Some(30_000)), ("2m", Some(120_000)), ("0s", Some(0)), ("500ms", Some(500))]
        {
            assert_eq!(duration(text).map(|d| d.as_millis()), want, "{text}");
        }
        for bad in ["30", "s", "-1s", "1.5s", "1w", "", "99999999999999999999d"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        assert_eq!(Bytes::parse("75%").map(|bytes| bytes.of(1_000)), Some(750));
        assert_eq!(Bytes::parse("2 GiB"), Some(Bytes::Exactly(2 << 30)));
        for bad in ["0%", "101%", "%", "GB", "1TB", "0"] {
            assert_eq!(Bytes::parse(bad), None, "{bad}");
        }
    }
}
