//! The project's own commands, `cargo x VERB` or `./x VERB`. Standard library only, so that it builds in seconds.
//!
//! A verb is listed only when the thing that it runs exists in this checkout.

#![allow(clippy::disallowed_methods)] // A developer's tool: it reads the environment, the clock, and waits.

mod bench;
mod check;
mod cut;
mod process;
mod run;
mod soak;
mod test;
mod tidy;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a verb ends with: nothing, or the text of what went wrong.
type Outcome = Result<(), String>;

/// One verb: its name and arguments, what it does, when it exists, and the doing.
struct Verb {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    exists: fn(&Path) -> bool,
    run: fn(&Path, &[String]) -> Outcome,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "run",
        usage: "run [--once] [--debug]",
        about: "Build, start a server, deploy examples/hello-python, invoke it, keep serving (--once: stop after the answer)",
        exists: |root| root.join("crates/cli/Cargo.toml").exists(),
        run: run::run,
    },
    Verb {
        name: "test",
        usage: "test",
        about: "Set up everything and run every test, acceptance tests with real clients included",
        exists: |_| true,
        run: test::run,
    },
    Verb {
        name: "check",
        usage: "check",
        about: "Formatting, clippy, tidy, generated code, licences",
        exists: |_| true,
        run: check::run,
    },
    Verb {
        name: "build",
        usage: "build",
        about: "Leave the release build at target/release/lambent",
        exists: |root| root.join("crates/cli/Cargo.toml").exists(),
        run: run::build,
    },
    Verb {
        name: "api",
        usage: "api [--check]",
        about: "Generate the typed contract from models/ (--check: only compare)",
        exists: check::generator_exists,
        run: check::api,
    },
    Verb {
        name: "bench",
        usage: "bench [PART] [--write]",
        about: "Measure the numbers of SPECIFICATION.md with the release build",
        exists: |root| root.join("crates/bench/Cargo.toml").exists(),
        run: bench::run,
    },
    Verb {
        name: "cut",
        usage: "cut [--cuts N] [--seed N]",
        about: "Cut the power under store and server, 20 times each, and find everything that was acknowledged",
        exists: |root| root.join("crates/store/src/bin/cut").exists(),
        run: cut::run,
    },
    Verb {
        name: "soak",
        usage: "soak [SECONDS] [TARGET...]",
        about: "Fuzz everything that reads bytes of strangers, a minute a target unless said otherwise; then the slow clients",
        exists: soak::exists,
        run: soak::run,
    },
    Verb {
        name: "tidy",
        usage: "tidy",
        about: "Layers, sizes, names and documents",
        exists: |_| true,
        run: tidy::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = root();
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", help(&root));
        return ExitCode::SUCCESS;
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", help(&root));
        return ExitCode::SUCCESS;
    }
    if name == run::GREET {
        return finish(name, run::greet(&root, rest));
    }
    match VERBS.iter().find(|verb| verb.name == name && (verb.exists)(&root)) {
        Some(verb) => finish(name, (verb.run)(&root, rest)),
        None => {
            eprint!("error: no verb {name}\n{}", help(&root));
            ExitCode::from(2)
        }
    }
}

fn finish(name: &str, outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn help(root: &Path) -> String {
    let mut text = String::from("Usage: ./x VERB\n\n");
    for verb in VERBS.iter().filter(|verb| (verb.exists)(root)) {
        text.push_str(&format!("  {:<24} {}\n", verb.usage, verb.about));
    }
    text
}

/// The top of the checkout.
fn root() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&here).parent().expect("xtask lies below the top of the checkout").to_owned()
}

/// Refuses arguments that a verb does not know.
fn only(arguments: &[String], known: &[&str]) -> Outcome {
    match arguments.iter().find(|argument| !known.contains(&argument.as_str())) {
        Some(unknown) => Err(format!("unknown argument {unknown}; known: {}", known.join(" "))),
        None => Ok(()),
    }
}
