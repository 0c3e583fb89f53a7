//! The environment variables of the function's process (reference 3.5).

use sandbox::Command;

use crate::{Credentials, FunctionVersion, LogFormat, LogStream};

/// Everything that the variables are made of.
pub(crate) struct Variables<'a> {
    pub(crate) function: &'a FunctionVersion,
    pub(crate) stream: &'a LogStream,
    pub(crate) credentials: &'a Credentials,
    pub(crate) endpoint_url: &'a str,
}

impl Variables<'_> {
    /// The variables, complete: ours that customers may override, theirs, ours that they may not.
    pub(crate) fn all(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::with_capacity(40);
        let theirs = self.function.environment.iter().filter(|(name, _)| !name.starts_with('_'));
        let theirs = theirs.map(|(name, value)| (name.clone(), value.clone()));
        let ours = |pairs: Vec<(&str, String)>| {
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>()
        };
        for (name, value) in ours(self.overridable()).into_iter().chain(theirs).chain(ours(self.reserved())) {
            match all.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = value,
                None => all.push((name, value)),
            }
        }
        all
    }

    fn overridable(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<(&'static str, String)> = [
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
            ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
            (
                "LD_LIBRARY_PATH",
                "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
            ),
            ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
            ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000"),
            ("AWS_ENDPOINT_URL", self.endpoint_url),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into();
        pairs.extend(self.of_language());
        if self.function.log_format == LogFormat::Json {
            pairs.push(("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()));
            pairs.push(("AWS_LAMBDA_LOG_LEVEL", self.function.log_levels.application.name().to_owned()));
        }
        pairs
    }

    fn of_language(&self) -> Vec<(&'static str, String)> {
        let runtime = self.function.runtime.as_str();
        if runtime.starts_with("python") {
            return vec![("PYTHONPATH", "/var/runtime".to_owned()), ("LC_CTYPE", "C.UTF-8".to_owned())];
        }
        if let Some(version) = runtime.strip_prefix("nodejs") {
            let major = version.trim_end_matches(".x");
            return vec![(
                "NODE_PATH",
                format!(
                    "/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"
                ),
            )];
        }
        if let Some(version) = runtime.strip_prefix("ruby") {
            return vec![
                ("GEM_HOME", "/var/runtime".to_owned()),
                (
                    "GEM_PATH",
                    format!(
                        "/var/task/vendor/bundle/ruby/{version}.0:/opt/ruby/gems/{version}.0:/var/runtime:/var/runtime/ruby/{version}.0"
                    ),
                ),
            ];
        }
        if runtime.starts_with("dotnet") {
            return vec![("DOTNET_ROOT", "/var/lang/bin".to_owned())];
        }
        Vec::new()
    }

    fn reserved(&self) -> Vec<(&'static str, String)> {
        let FunctionVersion { name, version, handler, memory_mb, region, runtime, command, .. } =
            self.function;
        let mut pairs = vec![
            ("_HANDLER", handler.clone()),
            ("AWS_REGION", region.to_string()),
            ("AWS_DEFAULT_REGION", region.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", version.clone()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", self.stream.group.clone()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", self.stream.stream.clone()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001".to_owned()),
            ("AWS_ACCESS_KEY_ID", self.credentials.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.credentials.secret_key.clone()),
            ("AWS_SESSION_TOKEN", self.credentials.session_token.clone()),
            ("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1".to_owned()),
            ("_AWS_XRAY_DAEMON_PORT", "2000".to_owned()),
            ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
            ("PWD", "/var/task".to_owned()),
            ("SHLVL", "0".to_owned()),
        ];
        if *command == Command::Runtime {
            pairs.push(("AWS_EXECUTION_ENV", format!("AWS_Lambda_{runtime}")));
        }
        pairs
    }
}

/// A new log stream's name: the day, the version and 16 random bytes; the function too if the group is not its own.
pub(crate) fn stream_name(function: &FunctionVersion, now: aws::Millis, random: [u8; 16]) -> String {
    let (year, month, day, _) = now.civil();
    let FunctionVersion { name, version, log_group, .. } = function;
    let own = log_group.strip_prefix("/aws/lambda/") == Some(name.as_str());
    let owner = if own { "" } else { name.as_str() };
    let id = u128::from_be_bytes(random);
    format!("{year:04}/{month:02}/{day:02}/{owner}[{version}]{id:032x}")
}
