//! `bench`: the numbers of SPECIFICATION.md.

use std::path::Path;

use crate::Outcome;
use crate::process::{cargo, run as run_command, step};
use crate::run::as_root;
use crate::tools::target;

/// Builds the server, the load generator and its functions for release, and hands the arguments over. Sandboxes need root.
pub fn run(root: &Path, arguments: &[String]) -> Outcome {
    step("build for release", || {
        let build = ["build", "--quiet", "--release", "--package", "cli", "--package", "bench"];
        run_command(&mut cargo(root, &build))
    })?;
    let bench = target(root).join("release/bench");
    run_command(as_root(root, &bench, &[]).args(arguments))
}
