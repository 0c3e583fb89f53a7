//! `test`: sets up what tests need and runs all of them.

use std::path::Path;

use crate::process::{cargo, command, is_root, run as run_command, step};
use crate::tools::{python, target, text, vectors};
use crate::{Outcome, only, soak};

/// Runs the tests of every crate, then the acceptance tests with real clients against the real binary.
pub fn run(root: &Path, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    let python = python(root)?;
    vectors(root)?;
    step("tests of the crates", || crates(root))?;
    if soak::exists(root) {
        step("fuzz targets, ten seconds each", || soak::quick(root))?;
    }
    if !root.join("tests/conftest.py").exists() {
        return Ok(());
    }
    step("clients", || clients(root, &python, &["--quick"]))?;
    step("acceptance tests", || acceptance(root, &python, &["tests"]))
}

fn crates(root: &Path) -> Outcome {
    // Doctests are off in every crate; `--all-targets` leaves them out and still builds examples and benches.
    let mut tests = cargo(root, &["test", "--quiet", "--workspace", "--no-fail-fast"]);
    if !is_root() {
        // Sandboxes need root: the build stays the user's, what it built runs through sudo.
        for triple in ["X86_64_UNKNOWN_LINUX_GNU", "AARCH64_UNKNOWN_LINUX_GNU"] {
            tests.env(format!("CARGO_TARGET_{triple}_RUNNER"), "sudo -E");
        }
    }
    run_command(&mut tests)
}

/// Builds the programs of `tests/clients` as the user who runs us: the tests may run as root. `--quick` leaves out the slow ones.
pub fn clients(root: &Path, python: &Path, arguments: &[&str]) -> Outcome {
    run_command(command(root, python, &["tests/clients/build.py"]).args(arguments))
}

/// Runs pytest with these arguments against a debug build.
pub fn acceptance(root: &Path, python: &Path, arguments: &[&str]) -> Outcome {
    run_command(&mut cargo(root, &["build", "--quiet", "--package", "cli"]))?;
    let binary = target(root).join("debug/lambent");
    let mut tests = if is_root() {
        command(root, python, &[])
    } else {
        command(root, "sudo", &["--preserve-env=BINARY_UNDER_TEST,CARGO_TARGET_DIR", text(python)?])
    };
    tests.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "tests/pytest.ini"]).args(arguments);
    run_command(tests.env("BINARY_UNDER_TEST", binary))
}
