//! `soak`: libFuzzer looks for inputs that break the promises of `fuzz/`.
//!
//! Below `target/fuzz` are `corpus/` with what reached new places, `crashes/` with what broke a promise (tried first next time)
//! and `logs/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::Outcome;
use crate::process::{cargo, command, run as run_command, step};
use crate::tools::{read, target, text};

/// Seconds a target gets in `test`, and in `soak` when nobody says otherwise.
const QUICK: u32 = 10;
const LONG: u32 = 60;

/// `soak [SECONDS] [TARGET...]`.
pub fn run(root: &Path, arguments: &[String]) -> Outcome {
    let (seconds, wanted) = match arguments.split_first() {
        Some((first, rest)) if first.parse::<u32>().is_ok() => (first.parse().unwrap_or(LONG), rest),
        _ => (LONG, arguments),
    };
    let all = targets(root)?;
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(format!("no target {unknown}; known: {}", all.join(" ")));
    }
    let chosen = if wanted.is_empty() { all } else { wanted.to_vec() };
    soak(root, seconds, chosen)
}

/// Every target for a short time.
pub fn quick(root: &Path) -> Outcome {
    soak(root, QUICK, targets(root)?)
}

/// True when there is something to run.
pub fn exists(root: &Path) -> bool {
    root.join("fuzz/Cargo.toml").exists()
}

/// A test of the package keeps its list and the folders of seeds the same.
fn targets(root: &Path) -> Result<Vec<String>, String> {
    let seeds = root.join("fuzz/seeds");
    let failed = |error| format!("list {}: {error}", seeds.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&seeds).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn soak(root: &Path, seconds: u32, names: Vec<String>) -> Outcome {
    let folder = target(root).join("fuzz");
    step("build the fuzz targets", || build(root))?;
    let waiting = Mutex::new(names.into_iter().rev().collect::<Vec<_>>());
    let failed = Mutex::new(Vec::new());
    let next = || waiting.lock().expect("no worker panics").pop();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = next() {
                    if let Err(error) = one(root, &folder, &name, seconds) {
                        eprintln!("{error}");
                        failed.lock().expect("no worker panics").push(name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no worker panics");
    if failed.is_empty() { Ok(()) } else { Err(format!("found something: {}", failed.join(", "))) }
}

fn binary(root: &Path) -> PathBuf {
    target(root).join("debug/fuzz")
}

/// A debug build whose workspace crates have coverage; all others are those of the ordinary one.
fn build(root: &Path) -> Outcome {
    let mut build = cargo(root, &["build", "--quiet", "--package", "fuzz", "--features", "driver"]);
    run_command(build.env("RUSTC_WORKSPACE_WRAPPER", root.join("fuzz/coverage.sh")))
}

fn one(root: &Path, folder: &Path, name: &str, seconds: u32) -> Outcome {
    let [corpus, crashes, logs] = ["corpus", "crashes", "logs"].map(|kind| folder.join(kind).join(name));
    for made in [&corpus, &crashes, &folder.join("logs")] {
        fs::create_dir_all(made).map_err(|error| format!("make {}: {error}", made.display()))?;
    }
    let log = logs.with_extension("txt");
    let output = File::create(&log).map_err(|error| format!("make {}: {error}", log.display()))?;
    let mut fuzz = command(root, binary(root), &["-timeout=20", "-rss_limit_mb=2048", "-max_len=4096"]);
    fuzz.args(["-print_final_stats=1", &format!("-max_total_time={seconds}")])
        .arg(format!("-artifact_prefix={}/", text(&crashes)?))
        .args([&corpus, &crashes, &root.join("fuzz/seeds").join(name)])
        .env("FUZZ_TARGET", name)
        .stderr(output);
    let outcome = run_command(&mut fuzz);
    let log = read(&log)?;
    match outcome {
        Ok(()) => {
            eprintln!("{name}: {}", summary(&log));
            Ok(())
        }
        Err(_) => Err(complaint(root, folder, name, &log)),
    }
}

fn summary(log: &str) -> String {
    let after = |mark: &str| {
        log.rsplit_once(mark).map_or("?", |(_, rest)| rest.split_whitespace().next().unwrap_or("?"))
    };
    format!("{} inputs, {} places reached", after("stat::number_of_executed_units:"), after(" cov:"))
}

/// The end of the log, and how to see it again.
fn complaint(root: &Path, folder: &Path, name: &str, log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let end = lines[lines.len().saturating_sub(40)..].join("\n");
    let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let artifact = log.rsplit_once("Test unit written to ").and_then(|(_, rest)| rest.lines().next());
    let input =
        artifact.map_or_else(|| below(&folder.join("crashes").join(name)), |path| below(Path::new(path)));
    format!("{end}\n{name} broke its promise\n  replay: FUZZ_TARGET={name} {} {input}", below(&binary(root)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_shown_with_its_replay() {
        let log = "INFO: x\nthread panicked\nTest unit written to /top/target/fuzz/crashes/zip/crash-1\nBase64: x\n";
        let root = Path::new("/top");
        let text = complaint(root, &root.join("target/fuzz"), "zip", log);
        let replay = "  replay: FUZZ_TARGET=zip target/debug/fuzz target/fuzz/crashes/zip/crash-1";
        assert!(text.contains("thread panicked") && text.ends_with(replay), "{text}");
    }

    #[test]
    fn a_quiet_end_says_how_much_was_tried() {
        let log = "#2 INITED cov: 7 ft: 8\n#9 DONE   cov: 12 ft: 20\nstat::number_of_executed_units: 345\n";
        assert_eq!(summary(log), "345 inputs, 12 places reached");
    }
}
