//! The binary `lambent`: the command line, and the entrance to the processes of a server.
//!
//! A verb exists only where it joins calls, watches or explains; each call is one that the AWS CLI could make (`-v` shows
//! it). Answers go to standard output, everything else to standard error, and the exit code says how it went.

mod advice;
mod args;
mod client;
mod detect;
mod failure;
mod figures;
mod folder;
mod limits;
mod log_lines;
mod package;
mod payload;
mod profile;
mod report;
mod screen;
mod session;
mod settings;
mod shown;
mod table;
mod target;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use args::{Line, Verb};
use failure::{Exit, Failure};
use session::Session;
use verbs::{
    completions, config, deploy, doctor, down, env, exec, help, init, invoke, logs, ls, rm, runtime, status,
    up,
};

fn main() -> ExitCode {
    // First of all, before any thread: the warden starts this binary again for the other processes of a server.
    if let Some(role) = sandbox::warden::role() {
        return role.run(server::main);
    }
    let Line { options, verb } = Line::parse();
    let session = Session::new(options);
    let verb = verb.unwrap_or(Verb::Help(help::Arguments { topic: Vec::new() }));
    match run(&session, verb) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            session.screen.fail(&failure);
            ExitCode::from(failure.exit.code())
        }
    }
}

fn run(session: &Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Up(arguments) => up::run(session, arguments),
        Verb::Down => down::run(session),
        Verb::Init(arguments) => init::run(session, &arguments),
        Verb::Doctor => doctor::run(session),
        Verb::Env(arguments) => env::run(session, &arguments),
        Verb::Exec(arguments) => block_on(exec::run(session, &arguments)),
        Verb::Deploy(arguments) => block_on(deploy::run(session, &arguments)),
        Verb::Invoke(arguments) => block_on(invoke::run(session, &arguments)),
        Verb::Logs(arguments) => block_on(logs::run(session, &arguments)),
        Verb::Ls { names: true } => block_on(ls::complete(session)),
        Verb::Ls { names: false } => block_on(ls::run(session)),
        Verb::Rm { function } => block_on(rm::run(session, &function)),
        Verb::Status => block_on(status::run(session)),
        Verb::Runtime(runtime::Verb::Ls) => block_on(runtime::ls(session)),
        Verb::Config(arguments) => config::run(session, &arguments),
        Verb::Runtime(runtime::Verb::Add(_)) => runtime::add(session),
        Verb::Version => {
            session.screen.answer(concat!("lambent ", env!("CARGO_PKG_VERSION"), "\n")).map(|()| Exit::Done)
        }
        Verb::Completions(arguments) => completions::run(session, &arguments),
        Verb::Help(arguments) => help::run(session, &arguments),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("start the event loop: {error}")))?;
    runtime.block_on(work)
}
