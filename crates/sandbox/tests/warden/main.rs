//! The process tree with real processes: its own `main`, since the warden executes this binary again as server and makers.
//!
//! The boxes are cheap ones (a process in a PID namespace); real boxes have tests of their own.

#![allow(clippy::unwrap_used)] // Whoever unwraps here is a test.

mod boxes;
mod crashes;
mod instance;
mod life;
mod server;

use std::process::ExitCode;

use sandbox::warden;

type Test = (&'static str, fn());

fn main() -> ExitCode {
    if let Some(role) = warden::role() {
        return role.run_with::<boxes::Plain>(server::main);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [up, data, config] = arguments.as_slice()
        && up == "up"
    {
        return instance::up(data, config, warden::run_with::<boxes::Plain>);
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    if !rustix::process::geteuid().is_root() {
        println!("the process tree needs root: nothing tested");
        return ExitCode::SUCCESS;
    }
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    let tests = life::TESTS.iter().chain(&crashes::TESTS);
    let mut failed = 0;
    for (name, test) in tests.filter(|(name, _)| wanted.is_none_or(|wanted| name.contains(wanted.as_str()))) {
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
