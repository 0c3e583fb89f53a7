//! A whole instance with real boxes: packs of this host, images, control groups, and what killing leaves of them.

#![allow(clippy::unwrap_used)] // Whoever unwraps here is a test.

#[path = "../warden/instance.rs"]
#[allow(dead_code)] // The other test binary uses the rest.
mod instance;
mod life;
mod server;

use std::process::ExitCode;

use sandbox::warden;

fn main() -> ExitCode {
    if let Some(role) = warden::role() {
        return role.run(server::main);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [up, data, config] = arguments.as_slice()
        && up == "up"
    {
        return instance::up(data, config, warden::run);
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    if !rustix::process::geteuid().is_root() {
        println!("boxes need root: nothing tested");
        return ExitCode::SUCCESS;
    }
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    let mut failed = 0;
    for (name, test) in life::TESTS {
        if wanted.is_some_and(|wanted| !name.contains(wanted.as_str())) {
            continue;
        }
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
