use std::fmt;

use aws::Millis;

/// The time of a signature, to the second.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds since the epoch.
    pub seconds: u64,
    text: [u8; 16],
}

impl Stamp {
    /// The stamp of a moment before the year 10000.
    pub fn at(at: Millis) -> Stamp {
        let (year, month, day, second) = at.civil();
        let mut text = *b"00000000T000000Z";
        digits(&mut text[..4], year.unsigned_abs());
        digits(&mut text[4..6], u64::from(month));
        digits(&mut text[6..8], u64::from(day));
        digits(&mut text[9..11], second / 3600);
        digits(&mut text[11..13], second / 60 % 60);
        digits(&mut text[13..15], second % 60);
        Stamp { seconds: at.seconds(), text }
    }

    /// Parses `YYYYMMDDTHHMMSSZ`.
    pub fn parse(text: &str) -> Option<Stamp> {
        let text: [u8; 16] = text.as_bytes().try_into().ok()?;
        if text[8] != b'T' || text[15] != b'Z' {
            return None;
        }
        let (year, month, day) = (number(&text[..4])?, number(&text[4..6])?, number(&text[6..8])?);
        let (hour, minute, second) = (number(&text[9..11])?, number(&text[11..13])?, number(&text[13..15])?);
        let real = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        if !real || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = days_before(year, month, day).checked_sub(EPOCH_DAYS)?;
        Some(Stamp { seconds: ((days * 24 + hour) * 60 + minute) * 60 + second, text })
    }

    /// Parses the date of a `Date` header, `Tue, 05 Nov 2024 12:00:00 GMT`.
    pub(super) fn parse_http(text: &str) -> Option<Stamp> {
        let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second();
        Some(Stamp::at(Millis(u64::try_from(moment).ok()?.checked_mul(1000)?)))
    }

    /// `YYYYMMDDTHHMMSSZ`.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.text).expect("digits and two letters")
    }

    /// `YYYYMMDD`.
    pub fn date(&self) -> &str {
        &self.text()[..8]
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Days from the first of March of the year 0 to 1970-01-01.
const EPOCH_DAYS: u64 = 719_468;

/// Days from the first of March of the year 0; years begin in March, so that the leap day is the last one.
fn days_before(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.saturating_sub(1), month + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1
}

fn days_in(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u64::from(digit - b'0');
    }
    Some(number)
}

fn digits(out: &mut [u8], mut number: u64) {
    for place in out.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_what_a_calendar_says() {
        for days in (0..2_932_896_u64).step_by(89) {
            let at = Millis((days * 86_400 + days % 86_400) * 1000);
            let stamp = Stamp::at(at);
            assert_eq!(stamp.text(), at.basic());
            assert_eq!(Stamp::parse(stamp.text()), Some(stamp));
        }
    }

    #[test]
    fn what_no_calendar_holds_is_no_stamp() {
        for text in [
            "20240230T000000Z",
            "20230229T000000Z",
            "21000229T000000Z",
            "20241301T000000Z",
            "20240001T000000Z",
            "20240100T000000Z",
            "20240431T000000Z",
            "20240101T240000Z",
            "20240101T006000Z",
            "20240101T000060Z",
            "19691231T235959Z",
            "00000101T000000Z",
            "20240101t000000Z",
            "20240101T000000z",
            "2024-101T000000Z",
            "20240101T000000",
            "20240101T0000000Z",
            "",
        ] {
            assert_eq!(Stamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_header_is_read_too() {
        let stamp = Stamp::parse_http("Tue, 05 Nov 2024 12:00:00 GMT").unwrap();
        assert_eq!(stamp.text(), "20241105T120000Z");
        assert_eq!(Stamp::parse_http("yesterday"), None);
    }
}
