use aws::Millis;

use super::canonical::{Style, parameter};
use super::refusal::{BadExpires, Refusal};
use super::{ALGORITHM, LONGEST_EXPIRES, Parts, TERMINATOR};

/// What a request says about who signed it, when and how. Nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Where the signature sits.
    pub form: Form,
    /// The access key id.
    pub access_key: String,
    /// Day, region and service of the signing key.
    pub scope: Scope,
    /// When it was signed.
    pub stamp: Stamp,
    /// The session token, if one came along.
    pub token: Option<String>,
    /// The scope's last element, which must be `aws4_request`.
    pub(super) terminator: String,
    /// Signed header names, lower case, sorted.
    pub(super) signed: Vec<String>,
    /// The signature as sent.
    pub(super) signature: String,
}

/// The two places for a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The `Authorization` header.
    Header,
    /// The query string: a presigned URL, which lives for so many seconds.
    Query {
        /// `X-Amz-Expires`.
        expires_s: u64,
    },
}

/// The credential scope without its terminator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// `YYYYMMDD`.
    pub date: String,
    /// The region.
    pub region: String,
    /// The signing name of the service.
    pub service: String,
}

impl Scope {
    /// `date/region/service/aws4_request`.
    pub fn text(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }
}

/// The time of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds since the epoch.
    pub seconds: u64,
    /// `YYYYMMDDTHHMMSSZ`.
    pub text: String,
}

impl Stamp {
    /// The stamp of a moment.
    pub fn at(at: Millis) -> Stamp {
        Stamp { seconds: at.seconds(), text: at.basic() }
    }

    /// Parses `YYYYMMDDTHHMMSSZ`.
    pub fn parse(text: &str) -> Option<Stamp> {
        let bytes = text.as_bytes();
        let shape = bytes.len() == 16
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                8 => *byte == b'T',
                15 => *byte == b'Z',
                _ => byte.is_ascii_digit(),
            });
        if !shape {
            return None;
        }
        let number = |from: usize, to: usize| text[from..to].parse::<i16>().ok();
        let small = |from: usize| text[from..from + 2].parse::<i8>().ok();
        let moment = jiff::civil::DateTime::new(
            number(0, 4)?,
            small(4)?,
            small(6)?,
            small(9)?,
            small(11)?,
            small(13)?,
            0,
        );
        let seconds = moment.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
        Some(Stamp { seconds: u64::try_from(seconds).ok()?, text: text.to_owned() })
    }

    /// Parses the date of a `Date` header, `Tue, 05 Nov 2024 12:00:00 GMT`.
    fn parse_http(text: &str) -> Option<Stamp> {
        let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second();
        Some(Stamp::at(Millis(u64::try_from(moment).ok()?.checked_mul(1000)?)))
    }
}

impl Claim {
    /// Reads the claim of a request; refuses what is missing or malformed. [`Refusal::Missing`]: it is not signed at all.
    pub fn of(parts: &Parts<'_>) -> Result<Claim, Refusal> {
        let header = parts.headers.get("authorization");
        let query = parameter(parts.query, "X-Amz-Algorithm");
        match (header, query) {
            (Some(_), Some(_)) => Err(Refusal::TwoMechanisms),
            (Some(value), None) => Claim::of_header(parts, &String::from_utf8_lossy(value.as_bytes())),
            (None, Some(algorithm)) => Claim::of_query(parts, &algorithm),
            (None, None) => Err(Refusal::Missing),
        }
    }

    fn of_header(parts: &Parts<'_>, header: &str) -> Result<Claim, Refusal> {
        let (algorithm, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for word in rest.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
            let Some((key, value)) = word.split_once('=') else {
                return Err(Refusal::NotPair { word: word.to_owned(), header: header.to_owned() });
            };
            match key {
                "Credential" => credential = Some(value),
                "SignedHeaders" => signed = Some(value),
                "Signature" => signature = Some(value),
                _ => {}
            }
        }
        let date = parts.header("x-amz-date").or_else(|| parts.header("date"));
        if let (Some(credential), Some(signed), Some(signature), Some(date)) =
            (credential, signed, signature, date)
        {
            if algorithm != ALGORITHM {
                return Err(Refusal::Algorithm(algorithm.to_owned()));
            }
            let token = parts.header("x-amz-security-token").map(str::to_owned);
            let read = Read { form: Form::Header, credential, signed, signature, date, token };
            return read.claim();
        }
        let missing = [
            ("Credential", credential.is_none()),
            ("Signature", signature.is_none()),
            ("SignedHeaders", signed.is_none()),
        ];
        Err(Refusal::HeaderIncomplete {
            missing: missing.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect(),
            dated: date.is_some(),
            header: header.to_owned(),
        })
    }

    fn of_query(parts: &Parts<'_>, algorithm: &str) -> Result<Claim, Refusal> {
        const REQUIRED: [&str; 5] =
            ["X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"];
        let values = REQUIRED.map(|name| parameter(parts.query, name));
        let [Some(credential), Some(signature), Some(date), Some(signed), Some(expires)] = &values else {
            let absent = REQUIRED.iter().zip(&values).filter(|(_, value)| value.is_none());
            return Err(Refusal::QueryIncomplete(absent.map(|(name, _)| *name).collect()));
        };
        if algorithm != ALGORITHM {
            return Err(Refusal::QueryAlgorithm(algorithm.to_owned()));
        }
        let expires_s = match expires.parse::<i64>() {
            Err(_) => return Err(Refusal::Expires(BadExpires::NotANumber)),
            Ok(seconds) => u64::try_from(seconds).map_err(|_| Refusal::Expires(BadExpires::Negative))?,
        };
        if expires_s > LONGEST_EXPIRES {
            return Err(Refusal::Expires(BadExpires::TooLong));
        }
        let token = parameter(parts.query, "X-Amz-Security-Token");
        Read { form: Form::Query { expires_s }, credential, signed, signature, date, token }.claim()
    }

    /// How the canonical request of this claim's service is made.
    pub fn style(&self) -> Style {
        Style::of(&self.scope.service)
    }
}

/// The parts of either form, not yet parsed.
struct Read<'a> {
    form: Form,
    credential: &'a str,
    signed: &'a str,
    signature: &'a str,
    date: &'a str,
    token: Option<String>,
}

impl Read<'_> {
    fn claim(self) -> Result<Claim, Refusal> {
        let elements: Vec<&str> = self.credential.split('/').collect();
        let [access_key, date, region, service, terminator] = elements[..] else {
            return Err(Refusal::Credential { text: self.credential.to_owned(), form: self.form });
        };
        let stamp = match self.form {
            Form::Header => Stamp::parse(self.date).or_else(|| Stamp::parse_http(self.date)),
            Form::Query { .. } => Stamp::parse(self.date),
        };
        let Some(stamp) = stamp else {
            return Err(Refusal::Date { text: self.date.to_owned(), form: self.form });
        };
        let mut signed: Vec<String> =
            self.signed.split(';').filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect();
        signed.sort_unstable();
        signed.dedup();
        if !signed.iter().any(|name| name == "host") {
            return Err(Refusal::HostUnsigned);
        }
        Ok(Claim {
            form: self.form,
            access_key: access_key.to_owned(),
            scope: Scope { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() },
            stamp,
            token: self.token.filter(|token| !token.is_empty()),
            terminator: terminator.to_owned(),
            signed,
            signature: self.signature.to_owned(),
        })
    }
}
