//! The server's settings as flags: made from the server's own list, so that there is one list.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};
use server::config::{Config, Problem, Root, Row, SETTINGS, Sources, machine_memory_bytes};

use crate::failure::{Exit, Failure};
use crate::session::{Session, is_root};
use crate::verbs::up::Arguments;

/// Flags of settings that were given, and the file.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    given: Vec<(String, String)>,
    file: Option<PathBuf>,
}

/// Settings that are options of every verb.
const GLOBAL: [&str; 2] = ["data", "region"];

impl clap::Args for Settings {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config").long("config").value_name("FILE");
        let file = file.value_parser(clap::value_parser!(PathBuf));
        let file =
            file.help("The file of settings [default: lambent.toml here, then /etc/lambent/lambent.toml]");
        let command = command.next_help_heading("Settings").arg(file);
        SETTINGS.iter().filter(|setting| !GLOBAL.contains(&setting.flag)).fold(command, |command, setting| {
            let usual = if setting.default.is_empty() { "none" } else { setting.default };
            let help = format!("{} [default: {usual}]", setting.help);
            let arg = Arg::new(setting.flag).long(setting.flag).value_name("VALUE").help(help);
            // What is true or false is true when its flag is given alone.
            command.arg(match setting.expects {
                "true or false" => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
                _ => arg,
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Settings::augment_args(command)
    }
}

impl clap::FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Settings, clap::Error> {
        let mut settings = Settings::default();
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.file = matches.get_one::<PathBuf>("config").cloned();
        for setting in SETTINGS.iter().filter(|setting| !GLOBAL.contains(&setting.flag)) {
            if let Some(value) = matches.get_one::<String>(setting.flag) {
                self.given.push((setting.flag.to_owned(), value.clone()));
            }
        }
        Ok(())
    }
}

/// The effective configuration with the origin of each value.
#[allow(clippy::disallowed_methods)] // The command line is where the environment comes in.
pub fn load(session: &Session, arguments: &Arguments) -> Result<(Config, Vec<Row>), Failure> {
    let mut flags = arguments.settings.given.clone();
    let mut add =
        |flag: &str, value: Option<String>| flags.extend(value.map(|value| (flag.to_owned(), value)));
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
    add("data", path(&session.options.data));
    add("region", session.options.region.clone());
    add("ready-file", path(&arguments.ready_file));
    add("root-access-key", arguments.root_access_key.clone());
    add("root-secret-key", arguments.root_secret_key.clone());
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let sources = Sources {
        flags,
        environment,
        file: arguments.settings.file.clone(),
        root: if is_root() { Root::Yes } else { Root::No },
        machine_memory_bytes: machine_memory_bytes()?,
    };
    server::config::load(&sources).map_err(failure)
}

fn failure(problem: Problem) -> Failure {
    Failure { why: problem.why, fix: problem.act, ..Failure::new(Exit::Usage, problem.what) }
}
