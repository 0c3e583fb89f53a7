//! Which server is talked to, with which key. The rule is pure; [`Surroundings`] is what it looks at.
//!
//! First hit wins: flags, `AWS_ENDPOINT_URL`, a profile with an endpoint, the data folder. Real AWS is never reached: no
//! `amazonaws.com`, and no keys without an endpoint.

use std::path::PathBuf;

use crate::failure::{Exit, Failure};
use crate::folder::{RootKey, Server};
use crate::profile::Profile;

/// The server and the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Scheme, host and port, without a slash at the end.
    pub endpoint: String,
    /// Where the endpoint comes from, for errors.
    pub origin: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The key that signs.
    pub keys: Keys,
    /// The file of certificates that are trusted when the endpoint speaks TLS; without one the system's are.
    pub authority: Option<PathBuf>,
}

/// A key pair, with the token of a session.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The access key id.
    pub id: String,
    /// The secret.
    pub secret: String,
    /// The session token.
    pub token: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.id)
    }
}

/// The flags that choose a target.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--endpoint`.
    pub endpoint: Option<String>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// `--data`, when it was given.
    pub data_given: Option<PathBuf>,
}

/// Everything that decides.
pub struct Surroundings<'a> {
    /// The flags.
    pub flags: &'a Flags,
    /// The process environment.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a profile of the AWS CLI by name.
    pub profile: &'a dyn Fn(&str) -> Option<Profile>,
    /// The data folder.
    pub folder: PathBuf,
    /// Reads the folder's server.
    pub server: &'a dyn Fn() -> Result<Option<Server>, Failure>,
    /// Reads the folder's root key.
    pub root_key: &'a dyn Fn() -> Result<Option<RootKey>, Failure>,
    /// The file with the certificate that vouches for the folder's server, if there is one.
    pub authority: &'a dyn Fn() -> Option<PathBuf>,
}

impl Target {
    /// True when the endpoint speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.endpoint.starts_with("https://")
    }
}

const ENV: &str = "eval \"$(lambent env)\"";

impl Surroundings<'_> {
    /// Decides the target.
    pub fn resolve(&self) -> Result<Target, Failure> {
        if let Some(endpoint) = &self.flags.endpoint {
            let keys = self.keys_for(endpoint)?;
            return self.target(endpoint, "from --endpoint", keys, None);
        }
        if let Some(name) = &self.flags.profile {
            return self.of_profile(name, &format!("--profile {name}"));
        }
        if self.flags.data_given.is_some() {
            return self.of_folder();
        }
        if let Some(endpoint) = self.variable("AWS_ENDPOINT_URL") {
            let keys = self.keys_for(&endpoint)?;
            return self.target(&endpoint, "from AWS_ENDPOINT_URL", keys, None);
        }
        if let Some(name) = self.variable("AWS_PROFILE") {
            return self.of_profile(&name, &format!("AWS_PROFILE={name}"));
        }
        if self.variable("AWS_ACCESS_KEY_ID").is_some() {
            return Err(refuse("AWS_ACCESS_KEY_ID is set without AWS_ENDPOINT_URL"));
        }
        self.of_folder()
    }

    /// The target of the data folder, whatever else the surroundings say.
    pub fn of_folder(&self) -> Result<Target, Failure> {
        let Some(server) = (self.server)()? else {
            let what = format!("no server has the data folder {}", self.folder.display());
            return Err(Failure::new(Exit::NoServer, what).fix("lambent up"));
        };
        let Some(key) = (self.root_key)()? else {
            let what = format!("no root key in the data folder {}", self.folder.display());
            return Err(Failure::new(Exit::Failed, what).fix("lambent up"));
        };
        let keys = Keys { id: key.id, secret: key.secret, token: None };
        let endpoint = reachable(&server.endpoint);
        let mut target = self.target(&endpoint, "from server.json", keys, server.region.as_deref())?;
        if target.is_tls() {
            target.authority = (self.authority)().or(target.authority);
        }
        Ok(target)
    }

    fn of_profile(&self, name: &str, said: &str) -> Result<Target, Failure> {
        let Some(profile) = (self.profile)(name) else {
            return Err(Failure::new(Exit::Usage, format!("no profile {name} in ~/.aws"))
                .why(said)
                .fix("lambent env --save"));
        };
        let Some(endpoint) = profile.get("endpoint_url") else {
            return Err(refuse(&format!("{said} has no endpoint_url")));
        };
        let (Some(id), Some(secret)) =
            (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key"))
        else {
            return Err(
                Failure::new(Exit::Usage, format!("profile {name} has no keys")).fix("lambent env --save")
            );
        };
        let token = profile.get("aws_session_token").map(str::to_owned);
        let keys = Keys { id: id.to_owned(), secret: secret.to_owned(), token };
        let mut target = self.target(endpoint, &format!("from {said}"), keys, profile.get("region"))?;
        if target.is_tls() {
            target.authority = profile.get("ca_bundle").map(PathBuf::from).or(target.authority);
        }
        Ok(target)
    }

    /// Keys for an endpoint that was named without any: the profile's, the environment's, or the folder's root key.
    fn keys_for(&self, endpoint: &str) -> Result<Keys, Failure> {
        refuse_real_aws(endpoint)?;
        if let Some(name) = &self.flags.profile
            && let Some(profile) = (self.profile)(name)
            && let (Some(id), Some(secret)) =
                (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key"))
        {
            let token = profile.get("aws_session_token").map(str::to_owned);
            return Ok(Keys { id: id.to_owned(), secret: secret.to_owned(), token });
        }
        if let (Some(id), Some(secret)) =
            (self.variable("AWS_ACCESS_KEY_ID"), self.variable("AWS_SECRET_ACCESS_KEY"))
        {
            return Ok(Keys { id, secret, token: self.variable("AWS_SESSION_TOKEN") });
        }
        match (self.root_key)()? {
            Some(key) => Ok(Keys { id: key.id, secret: key.secret, token: None }),
            None => Err(Failure::new(Exit::Usage, format!("no keys for {endpoint}"))
                .why("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
                .fix(ENV)),
        }
    }

    fn target(
        &self,
        endpoint: &str,
        origin: &str,
        keys: Keys,
        region: Option<&str>,
    ) -> Result<Target, Failure> {
        refuse_real_aws(endpoint)?;
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let is_tls = endpoint.starts_with("https://");
        if !is_tls && !endpoint.starts_with("http://") {
            return Err(Failure::new(Exit::Usage, format!("{endpoint} is no http:// or https:// address")));
        }
        let bundle = self.variable("AWS_CA_BUNDLE").map(PathBuf::from);
        let authority = if is_tls { bundle.or_else(|| (self.authority)()) } else { None };
        let region = (self.flags.region.clone())
            .or_else(|| self.variable("AWS_REGION"))
            .or_else(|| self.variable("AWS_DEFAULT_REGION"))
            .or_else(|| region.map(str::to_owned))
            .unwrap_or_else(|| "us-east-1".into());
        Ok(Target { endpoint, origin: origin.to_owned(), region, keys, authority })
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }
}

/// The host of an endpoint: what is between the scheme and the port or path.
fn host(endpoint: &str) -> &str {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or(host),
    }
}

fn refuse_real_aws(endpoint: &str) -> Result<(), Failure> {
    let host = host(endpoint).trim_end_matches('.').to_ascii_lowercase();
    let real = ["amazonaws.com", "amazonaws.com.cn", "api.aws", "aws.amazon.com"];
    if real.iter().any(|domain| host == *domain || host.ends_with(&format!(".{domain}"))) {
        return Err(refuse(&format!("the endpoint is {endpoint}")));
    }
    Ok(())
}

fn refuse(why: &str) -> Failure {
    Failure::new(Exit::Denied, "will not talk to amazonaws.com").why(why).fix(ENV)
}

/// A server that listens on every address is reached by the loopback one.
fn reachable(endpoint: &str) -> String {
    endpoint.replace("://0.0.0.0:", "://127.0.0.1:").replace("://[::]:", "://[::1]:")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case<'a> {
        flags: Flags,
        environment: &'a [(&'a str, &'a str)],
        server: Option<&'a str>,
    }

    const CONFIG: &str = "[profile local]\nendpoint_url = http://10.0.0.7:1\nregion = eu-west-1\n\
                          aws_access_key_id = AKIAP\naws_secret_access_key = p\n[profile prod]\nregion = eu-west-1\n";

    fn resolve(case: &Case) -> Result<Target, Failure> {
        let variable = |name: &str| {
            case.environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Surroundings {
            flags: &case.flags,
            environment: &variable,
            profile: &|name| Profile::read(CONFIG, "", name),
            folder: "/data".into(),
            server: &|| {
                Ok(case.server.map(|endpoint| Server { endpoint: endpoint.into(), pid: 1, region: None }))
            },
            root_key: &|| Ok(case.server.map(|_| RootKey { id: "AKIAR".into(), secret: "r".into() })),
            authority: &|| case.server.map(|_| "/data.ca.pem".into()),
        }
        .resolve()
    }

    fn summary(case: &Case) -> String {
        match resolve(case) {
            Ok(target) => format!("{} {} {}", target.endpoint, target.keys.id, target.region),
            Err(failure) => format!("exit {}: {}", failure.exit.code(), failure.why.unwrap_or(failure.what)),
        }
    }

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIAE"), ("AWS_SECRET_ACCESS_KEY", "e")];

    #[test]
    fn the_first_that_is_named_wins() {
        let server = Some("http://0.0.0.0:4566");
        let none = Flags::default;
        let endpoint = [("AWS_ENDPOINT_URL", "http://h:2/"), KEYS[0], KEYS[1]];
        let flag = Flags { endpoint: Some("http://f:3".into()), ..none() };
        let profile = Flags { profile: Some("local".into()), ..none() };
        let data = Flags { data_given: Some("/data".into()), ..none() };
        let cases = [
            (Case { flags: flag, environment: &endpoint, server }, "http://f:3 AKIAE us-east-1"),
            (Case { flags: profile, environment: &endpoint, server }, "http://10.0.0.7:1 AKIAP eu-west-1"),
            (Case { flags: data, environment: &endpoint, server }, "http://127.0.0.1:4566 AKIAR us-east-1"),
            (Case { flags: none(), environment: &endpoint, server }, "http://h:2 AKIAE us-east-1"),
            (
                Case {
                    flags: none(),
                    environment: &[("AWS_PROFILE", "local"), ("AWS_REGION", "r-1")],
                    server,
                },
                "http://10.0.0.7:1 AKIAP r-1",
            ),
            (Case { flags: none(), environment: &[], server }, "http://127.0.0.1:4566 AKIAR us-east-1"),
            (
                Case { flags: none(), environment: &[], server: None },
                "exit 6: no server has the data folder /data",
            ),
        ];
        for (case, expected) in cases {
            assert_eq!(summary(&case), expected);
        }
    }

    #[test]
    fn who_is_trusted_is_said_where_the_server_is_named() {
        let server = Some("https://127.0.0.1:4566");
        let none = Flags::default;
        let https = ("AWS_ENDPOINT_URL", "https://h:2");
        let bundle = ("AWS_CA_BUNDLE", "/bundle.pem");
        let http = ("AWS_ENDPOINT_URL", "http://h:2");
        let cases = [
            (vec![bundle], server, Some("/data.ca.pem")),
            (vec![https, bundle, KEYS[0], KEYS[1]], server, Some("/bundle.pem")),
            (vec![https, KEYS[0], KEYS[1]], server, Some("/data.ca.pem")),
            (vec![https, KEYS[0], KEYS[1]], None, None),
            (vec![http, bundle, KEYS[0], KEYS[1]], server, None),
        ];
        for (environment, server, trusted) in cases {
            let target = resolve(&Case { flags: none(), environment: &environment, server }).unwrap();
            assert_eq!(target.authority, trusted.map(PathBuf::from), "{environment:?}");
        }
    }

    #[test]
    fn real_aws_is_never_reached() {
        let server = Some("http://127.0.0.1:4566");
        let none = Flags::default;
        for endpoint in [
            "https://lambda.us-east-1.amazonaws.com",
            "http://AMAZONAWS.com:80/x",
            "http://u@sqs.cn-north-1.amazonaws.com.cn.",
            "https://lambda.us-east-1.api.aws",
        ] {
            let environment = [("AWS_ENDPOINT_URL", endpoint), KEYS[0], KEYS[1]];
            let case = Case { flags: none(), environment: &environment, server };
            assert_eq!(summary(&case), format!("exit 4: the endpoint is {endpoint}"));
        }
        let prod = Case { flags: none(), environment: &[("AWS_PROFILE", "prod")], server };
        assert_eq!(summary(&prod), "exit 4: AWS_PROFILE=prod has no endpoint_url");
        let keys = Case { flags: none(), environment: &KEYS, server };
        assert_eq!(summary(&keys), "exit 4: AWS_ACCESS_KEY_ID is set without AWS_ENDPOINT_URL");
        let own = [("AWS_ENDPOINT_URL", "http://notamazonaws.com"), KEYS[0], KEYS[1]];
        let case = Case { flags: none(), environment: &own, server };
        assert_eq!(summary(&case), "http://notamazonaws.com AKIAE us-east-1");
    }
}
