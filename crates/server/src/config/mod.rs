//! Settings: a flag beats `LAMBENT_[SECTION_]KEY` in the environment, that beats one TOML file, that beats the default.
//!
//! [`SETTINGS`] is the only list of them; flags, environment, file, `lambent config` and its help all follow from it.
//! What nobody knows is an error that names the nearest setting, and so is a value without an effect so far.

mod file;
mod nearest;
mod settings;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use aws::{AccountId, Region};
use serde::{Deserialize, Serialize};
use wire::Hosts;

pub use settings::{SETTINGS, Setting};
use value::Bytes;
pub use value::Level;

use crate::RootKey;
use crate::tls::{Given as Certificate, Tls};

/// What a server runs with. It travels to the server's process as JSON, never over a command line.
#[derive(Clone, Serialize, Deserialize)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The first account.
    pub account_id: AccountId,
    /// The region of requests that name none.
    pub region: Region,
    /// The suffixes of host names that are read as AWS's are.
    pub hosts: Hosts,
    /// Web pages that may call from another origin.
    pub allowed_origins: Vec<String>,
    /// Whether signatures are demanded.
    pub auth: Auth,
    /// What is logged.
    pub log: Level,
    /// How long running calls get after the first SIGTERM.
    pub drain: Duration,
    /// The bearer token of scrapers, read from `metrics_token_file` while we may still read it.
    pub metrics_token: Option<String>,
    /// How TLS is spoken; given certificates are read while we may still read them.
    pub tls: Tls,
    /// What functions may use of the machine's memory, in bytes.
    pub functions_memory_bytes: u64,
    /// What the machine has, in bytes.
    pub machine_memory_bytes: u64,
    /// How functions are isolated.
    pub isolation: Isolation,
    /// Concurrent calls of an account.
    pub concurrency: u32,
    /// Open connections of an address.
    pub connections_per_address: u32,
    /// Free bytes of the disk below which new work is refused.
    pub disk_floor_bytes: u64,
    /// How long function output is kept.
    pub keep_logs: Duration,
    /// The root key, when it was given and not made.
    pub root_key: Option<RootKey>,
    /// Gets `{"endpoint": …, "pid": …}` once requests are served.
    pub ready_file: Option<PathBuf>,
    #[cfg(feature = "weaken")]
    #[doc(hidden)]
    pub weakness: store::weaken::Weakness,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the root key, not the token.
        write!(f, "Config({} at {})", self.data.display(), self.listen)
    }
}

/// `auth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Auth {
    /// Signatures are verified.
    On,
    /// Everybody is root: throw-away use.
    Off,
}

/// `functions.isolation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Isolation {
    /// `sandbox`, or refuse.
    Auto,
    /// Namespaces, cgroups, seccomp.
    Sandbox,
}

/// Where values come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Flags that were given: the flag without dashes, and its value.
    pub flags: Vec<(String, String)>,
    /// The environment, whole.
    pub environment: Vec<(String, String)>,
    /// The file, if `--config` named one.
    pub file: Option<PathBuf>,
    /// Whose server it is.
    pub root: Root,
    /// The memory of the machine, in bytes; [`machine_memory_bytes`] tells it.
    pub machine_memory_bytes: u64,
}

/// The memory of this machine in bytes.
///
/// # Errors
/// When `/proc` is not there or says something else.
pub fn machine_memory_bytes() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").context("read /proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).context("no MemTotal")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().context("MemTotal is no number")?;
    Ok(kib * 1024)
}

/// Whose server it is; it decides the default of `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Root {
    /// The machine's root.
    Yes,
    /// An ordinary user.
    #[default]
    No,
}

/// One line of `lambent config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// The setting, e.g. `limits.concurrency`.
    pub key: &'static str,
    /// The effective value.
    pub value: String,
    /// Where it comes from: `default`, `lambent.toml:3`, `LAMBENT_REGION`, `--region`.
    pub origin: String,
}

/// Why the configuration cannot be used, in the parts that messages have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub what: String,
    /// What was observed.
    pub why: Option<String>,
    /// What to run.
    pub act: Option<String>,
}

impl Problem {
    fn new(what: impl Into<String>) -> Problem {
        Problem { what: what.into(), why: None, act: Some("lambent help config".to_owned()) }
    }

    fn because(self, why: impl Into<String>) -> Problem {
        Problem { why: Some(why.into()), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.why.iter().try_for_each(|why| write!(f, "\n  why  {why}"))?;
        self.act.iter().try_for_each(|act| write!(f, "\n  do   {act}"))
    }
}

impl std::error::Error for Problem {}

/// A value with its origin.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    text: String,
    origin: String,
}

/// All values that were given, by key.
type AllGiven = BTreeMap<&'static str, Given>;

/// The effective configuration and one row for each setting.
///
/// # Errors
/// Unknown settings, values that do not parse, values that have no effect so far, an unreadable file.
pub fn load(sources: &Sources) -> Result<(Config, Vec<Row>), Problem> {
    let mut given = AllGiven::new();
    if let Some(path) = file_of(sources) {
        file::read(&path, &mut given)?;
    }
    from_environment(&sources.environment, &mut given)?;
    from_flags(&sources.flags, &mut given)?;
    let home = lookup(&sources.environment, "HOME");
    for (key, value) in &given {
        settings::supported(key, value)?;
    }
    let effective = Effective { given, root: sources.root, home };
    let config = effective.config(sources)?;
    Ok((config, effective.rows()))
}

/// The file that is read: the named one, else `lambent.toml` here, else the machine's.
fn file_of(sources: &Sources) -> Option<PathBuf> {
    if let Some(path) = &sources.file {
        return Some(path.clone());
    }
    if let Some(path) = lookup(&sources.environment, "LAMBENT_CONFIG") {
        return Some(path.into());
    }
    ["lambent.toml", "/etc/lambent/lambent.toml"].iter().map(PathBuf::from).find(|path| path.is_file())
}

fn lookup(environment: &[(String, String)], name: &str) -> Option<String> {
    environment.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone())
}

/// Variables of ours that are no settings.
const OTHER_VARIABLES: [&str; 4] =
    ["LAMBENT_CONFIG", "LAMBENT_READY_FILE", "LAMBENT_ROOT_ACCESS_KEY", "LAMBENT_ROOT_SECRET_KEY"];

fn from_environment(environment: &[(String, String)], given: &mut AllGiven) -> Result<(), Problem> {
    for (name, value) in environment {
        if !name.starts_with("LAMBENT_") || OTHER_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == *name) else {
            let names = SETTINGS.iter().map(Setting::variable).collect::<Vec<_>>();
            let problem = Problem::new(format!("no setting {name}"));
            return Err(match nearest::of(name, names.iter().map(String::as_str)) {
                Some(near) => problem.because(format!("nearest: {near}")),
                None => problem,
            });
        };
        given.insert(setting.key, Given { text: value.clone(), origin: name.clone() });
    }
    Ok(())
}

/// Flags of `up` that are no settings.
const OTHER_FLAGS: [&str; 3] = ["ready-file", "root-access-key", "root-secret-key"];

fn from_flags(flags: &[(String, String)], given: &mut AllGiven) -> Result<(), Problem> {
    for (flag, value) in flags {
        if OTHER_FLAGS.contains(&flag.as_str()) {
            continue;
        }
        let Some(setting) = SETTINGS.iter().find(|setting| setting.flag == flag) else {
            return Err(Problem::new(format!("no flag --{flag}")));
        };
        given.insert(setting.key, Given { text: value.clone(), origin: format!("--{flag}") });
    }
    Ok(())
}

struct Effective {
    given: AllGiven,
    root: Root,
    home: Option<String>,
}

impl Effective {
    fn text(&self, key: &str) -> String {
        match self.given.get(key) {
            Some(given) => given.text.clone(),
            None if key == "data" && self.root == Root::Yes => "/var/lib/lambent".to_owned(),
            None => settings::named(key).default.to_owned(),
        }
    }

    fn rows(&self) -> Vec<Row> {
        let origin = |key| self.given.get(key).map_or("default".to_owned(), |given| given.origin.clone());
        SETTINGS
            .iter()
            .map(|setting| Row {
                key: setting.key,
                value: self.text(setting.key),
                origin: origin(setting.key),
            })
            .collect()
    }

    /// Parses a value; the problem names it, its origin and what it should be.
    fn parse<T>(&self, key: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Problem> {
        let text = self.text(key);
        parse(&text).ok_or_else(|| {
            let what = format!("{key} = {text:?} is not {}", settings::named(key).expects);
            match self.given.get(key) {
                Some(given) => Problem::new(format!("{}: {what}", given.origin)),
                None => Problem::new(what),
            }
        })
    }

    fn path(&self, key: &str) -> Result<PathBuf, Problem> {
        self.parse(key, |text| match text.strip_prefix("~/") {
            Some(rest) => self.home.as_ref().map(|home| Path::new(home).join(rest)),
            None => (!text.is_empty()).then(|| PathBuf::from(text)),
        })
    }

    fn metrics_token(&self) -> Result<Option<String>, Problem> {
        if self.text("metrics_token_file").is_empty() {
            return Ok(None);
        }
        let path = self.path("metrics_token_file")?;
        let token = file::token(&path).map_err(|error| {
            Problem::new(format!("cannot read metrics_token_file {}", path.display()))
                .because(error.to_string())
        })?;
        if token.is_empty() {
            return Err(Problem::new(format!("metrics_token_file {} is empty", path.display())));
        }
        Ok(Some(token))
    }

    fn tls(&self) -> Result<Tls, Problem> {
        let made = self.parse("tls.self_signed", value::truth)?;
        let given = |key| !self.text(key).is_empty();
        match (given("tls.cert"), given("tls.key")) {
            (false, false) if made => Ok(Tls::SelfSigned { host: file::host_name() }),
            (false, false) => Ok(Tls::Off),
            (true, true) if made => Err(Problem::new("a certificate is either given or made")
                .because("tls.cert and tls.self_signed are both set")),
            (true, true) => {
                let read = |key| {
                    let path = self.path(key)?;
                    file::pem(&path).map_err(|error| {
                        Problem::new(format!("cannot read {key} {}", path.display()))
                            .because(error.to_string())
                    })
                };
                let certificate = Certificate { chain: read("tls.cert")?, key: read("tls.key")? };
                certificate.check().map_err(|error| {
                    Problem::new("tls.cert and tls.key cannot be used").because(format!("{error:#}"))
                })?;
                Ok(Tls::Given(certificate))
            }
            (true, false) | (false, true) => {
                Err(Problem::new("tls.cert and tls.key go together").because("only one of them is set"))
            }
        }
    }

    fn config(&self, sources: &Sources) -> Result<Config, Problem> {
        let config = Config {
            data: self.path("data")?,
            listen: self.parse("listen", |text| text.parse().ok())?,
            account_id: self.parse("account_id", |text| AccountId::parse(text).ok())?,
            region: self.parse("region", |text| Region::parse(text).ok())?,
            hosts: self.parse("host_suffixes", value::hosts)?,
            allowed_origins: self.parse("allowed_origins", value::origins)?,
            auth: self.parse("auth", value::auth)?,
            log: self.parse("log", Level::parse)?,
            drain: self.parse("drain", value::duration)?,
            metrics_token: self.metrics_token()?,
            tls: self.tls()?,
            functions_memory_bytes: self
                .parse("functions.memory", Bytes::parse)?
                .of(sources.machine_memory_bytes),
            machine_memory_bytes: sources.machine_memory_bytes,
            isolation: self.parse("functions.isolation", value::isolation)?,
            concurrency: self.parse("limits.concurrency", value::count)?,
            connections_per_address: self.parse("limits.connections_per_address", value::count)?,
            disk_floor_bytes: self.parse("store.disk_floor", value::size)?,
            keep_logs: self.parse("keep.logs", value::duration)?,
            root_key: given_root_key(sources)?,
            ready_file: flag_or_variable(sources, "ready-file", "LAMBENT_READY_FILE").map(PathBuf::from),
            #[cfg(feature = "weaken")]
            weakness: store::weaken::Weakness::None,
        };
        if config.auth == Auth::Off && !config.listen.ip().is_loopback() {
            return Err(Problem::new(format!(
                "auth = \"off\" works on loopback only, not on {}",
                config.listen
            )));
        }
        Ok(config)
    }
}

fn flag_or_variable(sources: &Sources, flag: &str, variable: &str) -> Option<String> {
    let flags = sources.flags.iter().rev();
    flags
        .filter(|(name, _)| name == flag)
        .map(|(_, value)| value.clone())
        .next()
        .or_else(|| lookup(&sources.environment, variable))
}

fn given_root_key(sources: &Sources) -> Result<Option<RootKey>, Problem> {
    let access = flag_or_variable(sources, "root-access-key", "LAMBENT_ROOT_ACCESS_KEY");
    let secret = flag_or_variable(sources, "root-secret-key", "LAMBENT_ROOT_SECRET_KEY");
    match (access, secret) {
        (None, None) => Ok(None),
        (Some(access), Some(secret)) => RootKey::given(&access, &secret).map(Some).map_err(Problem::new),
        _ => Err(Problem::new("a root key is an access key and a secret key")
            .because("only one of --root-access-key and --root-secret-key is given")),
    }
}
