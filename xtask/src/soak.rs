//! `soak`: libFuzzer looks for inputs that break the promises of `fuzz/`, then the clients that take minutes to build are tested.
//!
//! Below `target/fuzz` are `corpus/` with what reached new places, `crashes/` with what broke a promise (tried first next time)
//! and `logs/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::process::{cargo, command, run as run_command, step};
use crate::tools::{python, read, target, text};
use crate::{Outcome, test};

/// Seconds a target gets in `test`, and in `soak` when nobody says otherwise.
const QUICK: u32 = 10;
const LONG: u32 = 60;

/// What stands among the targets for the SDKs of `tests/clients`.
const CLIENTS: &str = "clients";

/// `soak [SECONDS] [TARGET...]`.
pub fn run(root: &Path, arguments: &[String]) -> Outcome {
    let wanted = wanted(arguments, targets(root)?)?;
    if !wanted.targets.is_empty() {
        soak(root, wanted.seconds, wanted.targets)?;
    }
    if wanted.clients { clients(root) } else { Ok(()) }
}

/// What the arguments ask for.
#[derive(Debug, PartialEq)]
struct Wanted {
    seconds: u32,
    targets: Vec<String>,
    clients: bool,
}

/// Without names everything is wanted.
fn wanted(arguments: &[String], known: Vec<String>) -> Result<Wanted, String> {
    let (seconds, names) = match arguments.split_first() {
        Some((first, rest)) if first.parse::<u32>().is_ok() => (first.parse().unwrap_or(LONG), rest),
        _ => (LONG, arguments),
    };
    if names.is_empty() {
        return Ok(Wanted { seconds, targets: known, clients: true });
    }
    if let Some(unknown) = names.iter().find(|name| *name != CLIENTS && !known.contains(name)) {
        return Err(format!("no target {unknown}; known: {} {CLIENTS}", known.join(" ")));
    }
    let clients = names.iter().any(|name| name == CLIENTS);
    let targets = names.iter().filter(|name| *name != CLIENTS).cloned().collect();
    Ok(Wanted { seconds, targets, clients })
}

/// The acceptance tests that `test` leaves out.
fn clients(root: &Path) -> Outcome {
    let python = python(root)?;
    step("clients", || test::clients(root, &python, &[]))?;
    step("acceptance tests of the clients", || {
        test::acceptance(root, &python, &["-m", "soak", "tests/test_clients.py"])
    })
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
    fn names_choose_among_targets_and_clients() {
        let asked = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
            wanted(&arguments, vec!["json".into(), "zip".into()])
        };
        let wanted = |seconds, targets: &[&str], clients| {
            let targets = targets.iter().map(|&name| name.to_owned()).collect();
            Ok(Wanted { seconds, targets, clients })
        };
        assert_eq!(asked(&[]), wanted(LONG, &["json", "zip"], true));
        assert_eq!(asked(&["5"]), wanted(5, &["json", "zip"], true));
        assert_eq!(asked(&["5", "zip"]), wanted(5, &["zip"], false));
        assert_eq!(asked(&["clients"]), wanted(LONG, &[], true));
        assert_eq!(asked(&["zip", "clients"]), wanted(LONG, &["zip"], true));
        assert_eq!(asked(&["zap"]), Err("no target zap; known: json zip clients".to_owned()));
    }

    #[test]
    fn a_quiet_end_says_how_much_was_tried() {
        let log = "#2 INITED cov: 7 ft: 8\n#9 DONE   cov: 12 ft: 20\nstat::number_of_executed_units: 345\n";
        assert_eq!(summary(log), "345 inputs, 12 places reached");
    }
}
