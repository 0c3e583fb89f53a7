//! What a `Host` header says: a service, a bucket, a function URL or an API.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::model::Entry;

/// Where AWS's hosts end, and the name by which loopback is reached.
const SUFFIXES: &[&str] =
    &["localhost", "amazonaws.com", "api.aws", "on.aws", "amazonaws.com.cn", "api.amazonwebservices.com.cn"];

/// Names of services in hosts that are not their endpoint prefixes, and those prefixes.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("queue", "sqs"),
    ("ddb", "dynamodb"),
    ("data-kinesis", "kinesis"),
    ("control-kinesis", "kinesis"),
    ("sync-states", "states"),
    ("stream-logs", "logs"),
    ("streaming-logs", "logs"),
    ("dkr.ecr", "api.ecr"),
];

/// The longest host that is looked at, in bytes.
const HOST_BYTES: usize = 255;

/// The suffixes after which hosts are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosts {
    /// Those of the settings, in lower case, without a dot before or after them.
    own: Vec<String>,
}

/// A suffix that is no host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSuffix(pub String);

impl std::fmt::Display for InvalidSuffix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is no host name", self.0)
    }
}

impl std::error::Error for InvalidSuffix {}

/// What a `Host` header says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host<'a> {
    /// What is meant.
    pub(crate) place: Place<'a>,
    /// The region, where the host names one.
    pub(crate) region: Option<&'a str>,
    /// Everything before a suffix that is ours (`localhost` or one of the settings): to S3 it is a bucket.
    pub(crate) prefix: Option<&'a str>,
}

/// What a host means.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Place<'a> {
    /// An address, or a name that says nothing.
    #[default]
    Anywhere,
    /// A service, by its endpoint prefix.
    Service(&'static str),
    /// A bucket of S3.
    Bucket(&'a str),
    /// A function URL, by its id.
    FunctionUrl(&'a str),
    /// A deployed API, by its id.
    Api(&'a str),
}

/// Reads a `Host` header: the name without its port. `None` when it is no host.
pub fn host_name(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            (name, port.strip_prefix(':').or(port.is_empty().then_some(""))?)
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let fits = !name.is_empty()
        && name.len() <= HOST_BYTES
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':'))
        && port.len() <= 5
        && port.bytes().all(|byte| byte.is_ascii_digit());
    fits.then_some(name)
}

impl Hosts {
    /// AWS's suffixes, `localhost`, and these.
    ///
    /// # Errors
    /// For a suffix that cannot end a host name.
    pub fn with(suffixes: impl IntoIterator<Item = String>) -> Result<Hosts, InvalidSuffix> {
        let mut own = Vec::new();
        for suffix in suffixes {
            let name = suffix.trim_matches('.').to_ascii_lowercase();
            if host_name(&name) != Some(name.as_str()) || name.parse::<IpAddr>().is_ok() {
                return Err(InvalidSuffix(suffix));
            }
            own.push(name);
        }
        Ok(Hosts { own })
    }

    /// The suffixes of the settings.
    pub fn suffixes(&self) -> impl Iterator<Item = &str> {
        self.own.iter().map(String::as_str)
    }

    /// True for `localhost`, the suffixes of the settings and every name below one of them.
    pub fn are_ours(&self, name: &str) -> bool {
        self.ours().any(|suffix| name.eq_ignore_ascii_case(suffix) || before(name, suffix).is_some())
    }

    fn ours(&self) -> impl Iterator<Item = &str> {
        self.own.iter().map(String::as_str).chain(SUFFIXES.first().copied())
    }

    /// Reads a `Host` header.
    pub fn read<'a>(&self, host: &'a str) -> Host<'a> {
        // The commonest host, and one that can mean nothing: an address.
        if host.as_bytes().last().is_some_and(u8::is_ascii_digit)
            && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b':')
        {
            return Host::default();
        }
        let Some(name) = host_name(host) else { return Host::default() };
        let name = name.strip_suffix('.').unwrap_or(name);
        let ours = self.ours().find_map(|suffix| before(name, suffix));
        let Some(prefix) = ours.or_else(|| SUFFIXES.iter().find_map(|suffix| before(name, suffix))) else {
            return Host::default();
        };
        Host { prefix: ours, ..read(prefix) }
    }
}

/// What stands before the suffix and its dot, letter case aside.
fn before<'a>(name: &'a str, suffix: &str) -> Option<&'a str> {
    let length = name.len().checked_sub(suffix.len() + 1)?;
    let (prefix, rest) = (name.get(..length)?, name.get(length..)?);
    let ends = rest.strip_prefix('.')?.eq_ignore_ascii_case(suffix);
    (ends && !prefix.is_empty()).then_some(prefix)
}

/// What the part before the suffix means.
fn read(prefix: &str) -> Host<'_> {
    let (rest, last) = split_last(prefix);
    if is_region(last) {
        return Host { region: Some(last), ..named(rest) };
    }
    // `us-east-1.queue` is the oldest form of all.
    match split_last(prefix) {
        (region, name) if name.eq_ignore_ascii_case("queue") && is_region(region) => {
            Host { region: Some(region), ..named(name) }
        }
        _ => named(prefix),
    }
}

/// `a.b.c` as `a.b` and `c`; a name without a dot is all last.
fn split_last(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// A region as AWS names them: `us-east-1`, `us-gov-west-1`. Other regions are for credential scopes alone: a bucket may have their name.
fn is_region(label: &str) -> bool {
    let mut words = label.split('-');
    let all = |word: &str, kind: fn(&u8) -> bool| !word.is_empty() && word.bytes().all(|byte| kind(&byte));
    let number = words.next_back().is_some_and(|word| all(word, u8::is_ascii_digit));
    let area =
        words.next().is_some_and(|word| (2..=4).contains(&word.len()) && all(word, u8::is_ascii_alphabetic));
    number
        && area
        && (1..=2).contains(&words.clone().count())
        && words.all(|word| all(word, u8::is_ascii_alphabetic))
}

/// What stands before the region.
fn named(name: &str) -> Host<'_> {
    if let Some(found) = storage(name) {
        return found;
    }
    let at = |place| Host { place, ..Host::default() };
    if let (id, last) = split_last(name)
        && !id.is_empty()
        && !id.contains('.')
    {
        if last.eq_ignore_ascii_case("lambda-url") {
            return at(Place::FunctionUrl(id));
        }
        if last.eq_ignore_ascii_case("execute-api") {
            return at(Place::Api(id));
        }
    }
    match service(name).or_else(|| service(without_account(name)?)) {
        Some(prefix) => at(Place::Service(prefix)),
        None => Host::default(),
    }
}

/// `111122223333.ddb` is an account's own endpoint.
fn without_account(name: &str) -> Option<&str> {
    let (account, rest) = name.split_once('.')?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
}

fn service(name: &str) -> Option<&'static str> {
    let name = name.strip_suffix("-fips").unwrap_or(name);
    let known = |name: &str| {
        let entry = Entry::all().iter().find(|entry| entry.endpoint_prefix.eq_ignore_ascii_case(name));
        entry.map(|entry| entry.endpoint_prefix)
    };
    let other =
        || OTHER_NAMES.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, own)| *own);
    known(name).or_else(other)
}

/// S3's forms: `[BUCKET.]s3[-fips|-accelerate|-REGION][.dualstack]`.
fn storage(name: &str) -> Option<Host<'_>> {
    let (before, last) = split_last(name);
    let name = if last.eq_ignore_ascii_case("dualstack") { before } else { name };
    let (bucket, last) = split_last(name);
    let after = last.get(..2).filter(|start| start.eq_ignore_ascii_case("s3")).map(|_| &last[2..])?;
    let region = match after.strip_prefix('-') {
        None if after.is_empty() => None,
        Some(kind) if kind.eq_ignore_ascii_case("fips") || kind.eq_ignore_ascii_case("accelerate") => None,
        Some(region) if is_region(region) => Some(region),
        _ => return None,
    };
    let place = if bucket.is_empty() { Place::Service("s3") } else { Place::Bucket(bucket) };
    Some(Host { place, region, prefix: None })
}
