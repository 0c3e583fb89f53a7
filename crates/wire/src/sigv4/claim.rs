use std::borrow::Cow;
use std::fmt;

use http::header::{AUTHORIZATION, DATE};

use super::canonical::{Style, names, parameter, split};
use super::refusal::{BadExpires, Refusal};
use super::{ALGORITHM, LONGEST_EXPIRES, Parts, Stamp, TERMINATOR, X_AMZ_DATE, X_AMZ_SECURITY_TOKEN};

/// What a request says about who signed it, when and how. Nothing of it is believed yet.
///
/// It borrows from the request: reading a claim of the header form allocates nothing when its signed headers are sorted.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim<'a> {
    /// Where the signature sits.
    pub form: Form,
    /// When it was signed.
    pub stamp: Stamp,
    credential: Credential<'a>,
    token: Option<Cow<'a, str>>,
    /// Signed header names, lower case, sorted, joined by `;`.
    pub(super) signed: Cow<'a, str>,
    /// The signature as sent.
    pub(super) signature: Cow<'a, str>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope<'a> {
    /// `YYYYMMDD`.
    pub date: &'a str,
    /// The region.
    pub region: &'a str,
    /// The signing name of the service.
    pub service: &'a str,
}

impl Scope<'_> {
    /// `date/region/service/aws4_request`.
    pub fn text(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }
}

/// `key id/date/region/service/terminator`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credential<'a> {
    text: Cow<'a, str>,
    /// Where its slashes are.
    slashes: [usize; 4],
}

impl<'a> Credential<'a> {
    /// Gives the text back when it has not exactly five elements.
    pub(super) fn parse(text: Cow<'a, str>) -> Result<Credential<'a>, Cow<'a, str>> {
        let mut slashes = [0; 4];
        let mut found = 0;
        for at in memchr::memchr_iter(b'/', text.as_bytes()) {
            if let Some(slash) = slashes.get_mut(found) {
                *slash = at;
            }
            found += 1;
        }
        if found == slashes.len() { Ok(Credential { text, slashes }) } else { Err(text) }
    }

    pub(super) fn access_key(&self) -> &str {
        &self.text[..self.slashes[0]]
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        let [first, second, third, fourth] = self.slashes;
        Scope {
            date: &self.text[first + 1..second],
            region: &self.text[second + 1..third],
            service: &self.text[third + 1..fourth],
        }
    }

    /// The scope with its terminator, as it was sent.
    pub(super) fn scope_text(&self) -> &str {
        &self.text[self.slashes[0] + 1..]
    }

    /// The scope's last element, which must be `aws4_request`.
    pub(super) fn terminator(&self) -> &str {
        &self.text[self.slashes[3] + 1..]
    }
}

impl<'a> Claim<'a> {
    /// Reads the claim of a request; refuses what is missing or malformed. [`Refusal::Missing`]: it is not signed at all.
    pub fn of(parts: &Parts<'a>) -> Result<Claim<'a>, Refusal> {
        let header = parts.headers.get(AUTHORIZATION);
        let query = parameter(parts.query, "X-Amz-Algorithm");
        match (header, query) {
            (Some(_), Some(_)) => Err(Refusal::TwoMechanisms),
            (Some(value), None) => match std::str::from_utf8(value.as_bytes()) {
                Ok(header) => Claim::of_header(parts, header),
                Err(_) => Err(Refusal::HeaderIncomplete {
                    missing: vec!["Credential", "Signature", "SignedHeaders"],
                    dated: true,
                    header: String::from_utf8_lossy(value.as_bytes()).into_owned(),
                }),
            },
            (None, Some(algorithm)) => Claim::of_query(parts, &algorithm),
            (None, None) => Err(version_two(parts.query).unwrap_or(Refusal::Missing)),
        }
    }

    fn of_header(parts: &Parts<'a>, header: &'a str) -> Result<Claim<'a>, Refusal> {
        let (algorithm, rest) = header.trim_ascii().split_once(' ').unwrap_or((header.trim_ascii(), ""));
        let mut words = Words::default();
        for piece in split(rest, b',').map(str::trim_ascii) {
            // The space after a comma is optional, and one without a comma separates too.
            if memchr::memchr2(b' ', b'\t', piece.as_bytes()).is_some() {
                for word in piece.split_ascii_whitespace() {
                    words.take(word, header)?;
                }
            } else if !piece.is_empty() {
                words.take(piece, header)?;
            }
        }
        let date = parts.header(&X_AMZ_DATE).or_else(|| parts.header(DATE));
        let Words { credential, signed, signature } = words;
        if let (Some(credential), Some(signed), Some(signature), Some(date)) =
            (credential, signed, signature, date)
        {
            if algorithm != ALGORITHM {
                return Err(Refusal::Algorithm(algorithm.to_owned()));
            }
            let token = parts.header(&X_AMZ_SECURITY_TOKEN).map(Cow::Borrowed);
            let [credential, signed, signature] = [credential, signed, signature].map(Cow::Borrowed);
            return Read { form: Form::Header, credential, signed, signature, date, token }.claim();
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

    fn of_query(parts: &Parts<'a>, algorithm: &str) -> Result<Claim<'a>, Refusal> {
        const REQUIRED: [&str; 5] =
            ["X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"];
        if algorithm == ALGORITHM_V4A {
            return Err(Refusal::QueryAlgorithm(algorithm.to_owned()));
        }
        let values = REQUIRED.map(|name| parameter(parts.query, name));
        let [Some(credential), Some(signature), Some(date), Some(signed), Some(expires)] = values else {
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
        Read { form: Form::Query { expires_s }, credential, signed, signature, date: &date, token }.claim()
    }

    /// The access key id.
    pub fn access_key(&self) -> &str {
        self.credential.access_key()
    }

    /// Day, region and service of the signing key.
    pub fn scope(&self) -> Scope<'_> {
        self.credential.scope()
    }

    /// The session token, if one came along.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// How the canonical request of this claim's service is made.
    pub fn style(&self) -> Style {
        Style::of(self.scope().service)
    }

    /// Whether a header takes part in the signature; `name` in lower case.
    pub fn signs(&self, name: &str) -> bool {
        names(&self.signed).any(|signed| signed == name)
    }

    pub(super) fn credential(&self) -> &Credential<'a> {
        &self.credential
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("form", &self.form)
            .field("access_key", &self.access_key())
            .field("scope", &self.scope())
            .field("stamp", &self.stamp)
            .field("signed", &self.signed)
            .finish_non_exhaustive()
    }
}

/// The algorithm of signatures for several regions.
const ALGORITHM_V4A: &str = "AWS4-ECDSA-P256-SHA256";

/// What a query says that bears parameters of Signature Version 2.
fn version_two(query: &str) -> Option<Refusal> {
    if query.is_empty() {
        return None;
    }
    const NAMES: [&str; 3] = ["AWSAccessKeyId", "Signature", "Expires"];
    let [key, signature, expires] = NAMES.map(|name| parameter(query, name).is_some());
    let named = parameter(query, "SignatureVersion").is_some();
    // `Expires` alone is an ordinary word.
    (key || signature).then_some(Refusal::VersionTwo { complete: key && signature && (expires || named) })
}

/// The words of an `Authorization` header.
#[derive(Default)]
struct Words<'a> {
    credential: Option<&'a str>,
    signed: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> Words<'a> {
    fn take(&mut self, word: &'a str, header: &str) -> Result<(), Refusal> {
        let Some(equals) = memchr::memchr(b'=', word.as_bytes()) else {
            return Err(Refusal::NotPair { word: word.to_owned(), header: header.to_owned() });
        };
        let value = &word[equals + 1..];
        match &word[..equals] {
            "Credential" => self.credential = Some(value),
            "SignedHeaders" => self.signed = Some(value),
            "Signature" => self.signature = Some(value),
            _ => {}
        }
        Ok(())
    }
}

/// The parts of either form, not yet parsed.
struct Read<'a, 'd> {
    form: Form,
    credential: Cow<'a, str>,
    signed: Cow<'a, str>,
    signature: Cow<'a, str>,
    date: &'d str,
    token: Option<Cow<'a, str>>,
}

impl<'a> Read<'a, '_> {
    fn claim(self) -> Result<Claim<'a>, Refusal> {
        let form = self.form;
        let credential = Credential::parse(self.credential)
            .map_err(|text| Refusal::Credential { text: text.into_owned(), form })?;
        let stamp = match form {
            Form::Header => Stamp::parse(self.date).or_else(|| Stamp::parse_http(self.date)),
            Form::Query { .. } => Stamp::parse(self.date),
        };
        let Some(stamp) = stamp else { return Err(Refusal::Date { text: self.date.to_owned(), form }) };
        let (signed, names_host) = in_order(self.signed);
        if !names_host {
            return Err(Refusal::HostUnsigned);
        }
        let token = self.token.filter(|token| !token.is_empty());
        Ok(Claim { form, stamp, credential, token, signed, signature: self.signature })
    }
}

/// The names of signed headers in lower case, sorted, each once; as they came when they came like that. Second: whether the
/// host is among them, by either of its names.
fn in_order(signed: Cow<'_, str>) -> (Cow<'_, str>, bool) {
    let is_host = |name: &str| matches!(name, "host" | ":authority");
    let (mut last, mut sorted, mut names_host) = ("", true, false);
    for name in names(&signed) {
        sorted &= last < name;
        names_host |= is_host(name);
        last = name;
    }
    if sorted && !signed.bytes().fold(false, |found, byte| found | byte.is_ascii_uppercase()) {
        return (signed, names_host);
    }
    let mut all: Vec<String> =
        names(&signed).filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect();
    all.sort_unstable();
    all.dedup();
    let names_host = all.iter().any(|name| is_host(name));
    (Cow::Owned(all.join(";")), names_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_headers_are_put_in_order_only_when_they_are_not() {
        for (sent, want, borrowed) in [
            ("host;x-amz-date", "host;x-amz-date", true),
            ("host", "host", true),
            ("x-amz-date;host", "host;x-amz-date", false),
            ("Host;x-amz-date", "host;x-amz-date", false),
            ("host;host", "host", false),
            (";host;", "host", false),
            ("", "", false),
        ] {
            let (found, names_host) = in_order(Cow::Borrowed(sent));
            assert_eq!(names_host, !want.is_empty());
            assert_eq!((&*found, matches!(found, Cow::Borrowed(_))), (want, borrowed), "{sent}");
        }
    }

    #[test]
    fn a_credential_has_five_elements() {
        let credential = Credential::parse("AK/20240101/us-east-1/s3/aws4_request".into()).unwrap();
        assert_eq!(credential.access_key(), "AK");
        assert_eq!(credential.scope(), Scope { date: "20240101", region: "us-east-1", service: "s3" });
        assert_eq!(credential.scope_text(), "20240101/us-east-1/s3/aws4_request");
        assert_eq!(credential.terminator(), "aws4_request");
        let empty = Credential::parse("////".into()).unwrap();
        assert_eq!((empty.access_key(), empty.terminator()), ("", ""));
        assert_eq!(Credential::parse("a/b/c/d".into()).err().as_deref(), Some("a/b/c/d"));
        assert!(Credential::parse("a/b/c/d/e/f".into()).is_err());
    }
}
