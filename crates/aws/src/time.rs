use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// Seconds since the epoch.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// This moment plus `ms` milliseconds, saturating.
    pub fn plus(self, ms: u64) -> Millis {
        Millis(self.0.saturating_add(ms))
    }

    /// Milliseconds since `earlier`, 0 when it is later.
    pub fn since(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Lambda's `LastModified` form, e.g. `2026-01-12T15:32:14.000+0000`.
    pub fn lambda_text(self) -> String {
        let (y, m, d, s) = self.civil();
        format!(
            "{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{:03}+0000",
            s / 3600,
            s / 60 % 60,
            s % 60,
            self.0 % 1000
        )
    }

    /// RFC 3339 with milliseconds, e.g. `2026-01-12T15:32:14.000Z`.
    pub fn rfc3339(self) -> String {
        let (y, m, d, s) = self.civil();
        format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{:03}Z", s / 3600, s / 60 % 60, s % 60, self.0 % 1000)
    }

    /// SigV4's basic form, e.g. `20260112T153214Z`.
    pub fn basic(self) -> String {
        let (y, m, d, s) = self.civil();
        format!("{y:04}{m:02}{d:02}T{:02}{:02}{:02}Z", s / 3600, s / 60 % 60, s % 60)
    }

    /// Year, month, day and second of the day in the proleptic Gregorian calendar.
    pub fn civil(self) -> (i64, u32, u32, u64) {
        let days = (self.seconds() / 86_400) as i64;
        // Days are counted from 0000-03-01, so that the leap day is the last day of a year.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month as u32, day as u32, self.seconds() % 86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_show_as_aws_writes_them() {
        let leap = Millis(1_709_210_096_789);
        assert_eq!(leap.lambda_text(), "2024-02-29T12:34:56.789+0000");
        assert_eq!(leap.rfc3339(), "2024-02-29T12:34:56.789Z");
        assert_eq!(leap.basic(), "20240229T123456Z");
        assert_eq!(Millis(0).rfc3339(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Millis(951_868_800_000).rfc3339(), "2000-03-01T00:00:00.000Z");
    }
}
