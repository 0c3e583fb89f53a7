use super::{Given, Problem};

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its place in the file, e.g. `limits.concurrency`.
    pub key: &'static str,
    /// Its flag without dashes.
    pub flag: &'static str,
    /// Its value when none is given.
    pub default: &'static str,
    /// What it is, in a few words.
    pub help: &'static str,
    /// What a value must be.
    pub expects: &'static str,
    /// Which values have an effect so far.
    support: Support,
}

#[derive(Debug, Clone, Copy)]
enum Support {
    /// All.
    Full,
    /// Only the default.
    DefaultOnly,
    /// Only these.
    Only(&'static [&'static str]),
}

impl Setting {
    const fn new(key: &'static str, flag: &'static str, default: &'static str) -> Setting {
        Setting { key, flag, default, help: "", expects: "", support: Support::Full }
    }

    const fn help(self, help: &'static str, expects: &'static str) -> Setting {
        Setting { help, expects, ..self }
    }

    const fn later(self) -> Setting {
        Setting { support: Support::DefaultOnly, ..self }
    }

    const fn only(self, values: &'static [&'static str]) -> Setting {
        Setting { support: Support::Only(values), ..self }
    }

    /// Its environment variable, e.g. `LAMBENT_LIMITS_CONCURRENCY`.
    pub fn variable(&self) -> String {
        format!("LAMBENT_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// The section of the file, and the name in it.
    pub(super) fn place(&self) -> (Option<&'static str>, &'static str) {
        match self.key.split_once('.') {
            Some((section, name)) => (Some(section), name),
            None => (None, self.key),
        }
    }
}

/// Every setting, in the order of the file.
pub static SETTINGS: [Setting; 28] = [
    Setting::new("data", "data", "~/.local/share/lambent").help("The data folder", "a path"),
    Setting::new("listen", "listen", "127.0.0.1:4566")
        .help("Where to listen; port 0 takes a free one", "an address such as 127.0.0.1:4566"),
    Setting::new("account_id", "account-id", "000000000000").help("The first account", "twelve digits"),
    Setting::new("region", "region", "us-east-1")
        .help("If a request names none", "a region such as us-east-1"),
    Setting::new("host_suffixes", "host-suffixes", "")
        .help("Read *.suffix as *.amazonaws.com", "host names such as lambent.example"),
    Setting::new("allowed_origins", "allowed-origins", "")
        .help("Web pages that may call from elsewhere", "origins such as https://console.example"),
    Setting::new("auth", "auth", "on").help("off: throw-away use", "on or off"),
    Setting::new("log", "log", "info").help("What is logged", "error, warn, info, debug or trace"),
    Setting::new("drain", "drain", "30s")
        .help("What running calls get after SIGTERM", "a duration such as 30s or 2m"),
    Setting::new("clock", "clock", "real").help("real, or virtual", "real or virtual").later(),
    Setting::new("metrics_token_file", "metrics-token-file", "")
        .help("Holds the scrapers' token; else loopback only", "a path"),
    Setting::new("tls.cert", "tls-cert", "").help("The certificate and its chain, PEM", "a path"),
    Setting::new("tls.key", "tls-key", "").help("Its key, PEM", "a path"),
    Setting::new("tls.self_signed", "tls", "false")
        .help("Speak TLS with a certificate made here", "true or false"),
    Setting::new("store.url", "store-url", "").help("postgres://... for many nodes", "a URL").later(),
    Setting::new("store.blobs", "store-blobs", "").help("s3://... for many nodes", "a URL").later(),
    Setting::new("store.disk_floor", "disk-floor", "1GB")
        .help("Below it new work answers 503", "a size such as 1GB"),
    Setting::new("functions.memory", "functions-memory", "75%")
        .help("Of the machine, in all", "a share such as 75% or a size such as 4GB"),
    Setting::new("functions.isolation", "isolation", "auto")
        .help("Sandbox or refuse", "auto, sandbox, process or none")
        .only(&["auto", "sandbox"]),
    Setting::new("functions.egress", "egress", "none")
        // A box has no way out but the AWS endpoint, so nothing else may be promised.
        .help("What functions reach beside AWS", "nat, none or host")
        .later(),
    Setting::new("functions.retry_delays", "retry-delays", "60, 60")
        .help("Seconds between the tries of events", "seconds such as 60, 120")
        .later(),
    Setting::new("functions.runtimes", "runtimes", "").help("More folders to look in", "paths").later(),
    Setting::new("limits.concurrency", "concurrency", "1000")
        .help("Concurrent calls of an account", "a number above 0"),
    Setting::new("limits.connections_per_address", "connections-per-address", "1000")
        .help("Open connections of an address", "a number above 0"),
    Setting::new("keep.logs", "keep-logs", "30d").help("How long logs are kept", "a duration such as 30d"),
    Setting::new("keep.audit", "keep-audit", "90d")
        .help("How long the audit trail is kept", "a duration such as 90d")
        .later(),
    Setting::new("prices.gb_second", "price-gb-second", "0.0000166667")
        .help("AWS's unless set", "a price")
        .later(),
    Setting::new("prices.million_requests", "price-million-requests", "0.20")
        .help("AWS's unless set", "a price")
        .later(),
];

pub(super) fn named(key: &str) -> &'static Setting {
    SETTINGS.iter().find(|setting| setting.key == key).expect("only settings of the list are asked for")
}

/// Refuses a value that would have no effect: being ignored would be worse.
pub(super) fn supported(key: &str, given: &Given) -> Result<(), Problem> {
    let setting = named(key);
    let works = match setting.support {
        Support::Full => true,
        Support::DefaultOnly => given.text == setting.default,
        Support::Only(values) => values.contains(&given.text.as_str()),
    };
    if works {
        return Ok(());
    }
    let problem = Problem::new(format!("{}: {key} = {:?} is not supported yet", given.origin, given.text));
    Err(match setting.support {
        Support::Only(values) => problem.because(format!("supported: {}", values.join(", "))),
        Support::Full | Support::DefaultOnly => problem.because(format!("supported: {:?}", setting.default)),
    })
}
