//! The command line's grammar: `lambent VERB [FUNCTION]` for functions, `lambent NOUN VERB` for the rest.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::screen::Color;
use crate::verbs::{completions, deploy, env, exec, help, init, invoke, logs, runtime, up};

/// AWS Lambda and the services around it, on your own machines.
#[derive(Debug, Parser)]
#[command(
    name = "lambent",
    bin_name = "lambent",
    version,
    disable_help_subcommand = true,
    override_help = help::TOP,
    infer_long_args = false
)]
pub struct Line {
    /// Options that every verb takes.
    #[command(flatten)]
    pub options: Options,
    /// The verb; help is shown when there is none.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Options that every verb takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Options {
    /// The server to talk to, e.g. http://127.0.0.1:4566
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,
    /// A profile of ~/.aws that has an endpoint_url
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The region of requests; for `up`, of requests that name none
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// The data folder [LAMBENT_DATA]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Say errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show each call as an aws command
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Show the calls that would change something, do not make them
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Do not ask before destroying
    #[arg(long, global = true)]
    pub yes: bool,
    /// When to colour [default: auto]
    #[arg(long, global = true, value_name = "WHEN", value_enum, hide_possible_values = true)]
    pub color: Option<Color>,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start the server (-d: in the background)
    Up(up::Arguments),
    /// Stop it; accepted work is kept
    Down,
    /// Make a function from a template
    Init(init::Arguments),
    /// Check this machine and show the fixes
    Doctor,
    /// Variables for AWS clients (--save: a profile)
    Env(env::Arguments),
    /// Run a command with a server (--fresh: its own)
    Exec(exec::Arguments),
    /// Create or update a function from a folder or zip
    Deploy(deploy::Arguments),
    /// Call a function (--repeat N: measure it)
    Invoke(invoke::Arguments),
    /// Show logs (-f: follow)
    Logs(logs::Arguments),
    /// List functions
    Ls {
        /// Only their names, quickly or not at all: for completions
        #[arg(long, hide = true)]
        names: bool,
    },
    /// Remove a function and what was made for it
    Rm {
        /// The function's name
        function: String,
    },
    /// Health of the server and what it has
    Status,
    /// Effective settings and their origin
    Config(up::Arguments),
    /// Runtimes of this server
    #[command(subcommand)]
    Runtime(runtime::Verb),
    /// The version
    Version,
    /// A script that completes lambent's command line
    Completions(completions::Arguments),
    /// Help on a command or topic
    Help(help::Arguments),
}
