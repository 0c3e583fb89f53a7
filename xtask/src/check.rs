//! `check`: everything that can be said about the sources without running the product.

use std::path::Path;

use crate::process::{cargo, run as run_command, step};
use crate::{Outcome, only, tidy, tools};

/// Runs every check and names all that failed, so that one run shows everything.
pub fn run(root: &Path, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    let checks: [(&str, &dyn Fn() -> Outcome); 5] = [
        ("formatting", &|| run_command(&mut cargo(root, &["fmt", "--all", "--check"]))),
        ("tidy", &|| tidy::run(root, &[])),
        ("clippy", &|| clippy(root)),
        ("generated code", &|| generated(root)),
        ("licences, bans and sources", &|| tools::deny(root)),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        if let Err(error) = step(name, check) {
            eprintln!("{error}");
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn clippy(root: &Path) -> Outcome {
    run_command(&mut cargo(
        root,
        &["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"],
    ))
}

fn generated(root: &Path) -> Outcome {
    if !generator_exists(root) {
        return Err("crates/wire has no generator".into());
    }
    api(root, &["--check".into()])
}

/// True when `wire` has its generator.
pub fn generator_exists(root: &Path) -> bool {
    std::fs::read_to_string(root.join("crates/wire/Cargo.toml"))
        .is_ok_and(|text| text.contains("generate = ["))
}

/// `api`: writes the typed contract, or with `--check` compares it with what is committed.
pub fn api(root: &Path, arguments: &[String]) -> Outcome {
    only(arguments, &["--check"])?;
    let mut generator = cargo(
        root,
        &["run", "--quiet", "--package", "wire", "--features", "generate", "--bin", "generate", "--"],
    );
    run_command(generator.args(arguments))
}
