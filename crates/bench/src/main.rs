//! `bench [PART…]`: measures, shows a table, compares with the committed baseline, keeps JSON below `target/bench`.
//!
//! Needs root, since the sandboxes do. Started by `./x bench`, which builds everything for release first.

#![allow(clippy::disallowed_methods)] // A developer's tool: it reads the environment.

mod machine;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use bench::baseline::{self, Baseline};
use bench::parts::{PARTS, Place};
use bench::peers::{self, Peers};
use bench::report::{self, Row};
use bench::specification::replaced;
use clap::Parser;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// Measures the numbers of SPECIFICATION.md.
#[derive(Parser)]
struct Arguments {
    /// What to measure [default: everything]: warm, instructions, door, cold, calls, deploy, footprint
    parts: Vec<String>,
    /// Write what is known now into SPECIFICATION.md
    #[arg(long)]
    write: bool,
    /// Make what is known now the committed baseline
    #[arg(long)]
    accept: bool,
    /// Leave aws-lambda-rie and cargo-lambda out
    #[arg(long)]
    alone: bool,
}

/// One part as it was measured last.
#[derive(Serialize, Deserialize)]
struct Measured {
    machine: Machine,
    rows: Vec<Row>,
}

/// The latest measurement of each part.
type Results = BTreeMap<String, Measured>;

fn main() -> ExitCode {
    run(&Arguments::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let programs = programs()?;
    let target = programs.parent().context("programs lie below the target folder")?;
    let (rows, results) = measure(arguments, &programs, target)?;
    print!("{}", report::terminal(&rows));
    let baseline_path = root.join("bench/baseline.json");
    let baseline: Baseline = read(&baseline_path)?;
    let fine = compared(&rows, &baseline);
    if arguments.accept {
        let text = serde_json::to_string_pretty(&baseline::updated(baseline, &rows))? + "\n";
        fs::write(&baseline_path, text).context("write the baseline")?;
    }
    if arguments.write {
        write(&root.join("SPECIFICATION.md"), &results)?;
    }
    Ok(if fine || arguments.accept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The folder of the programs that were built with this one.
fn programs() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe().context("find this program")?;
    Ok(this.parent().context("a program lies in a folder")?.to_owned())
}

fn measure(arguments: &Arguments, programs: &Path, target: &Path) -> anyhow::Result<(Vec<Row>, Results)> {
    let kept = target.join("bench/results.json");
    fs::create_dir_all(target.join("bench")).context("make a folder for results")?;
    let mut results: Results = read(&kept)?;
    let lambent =
        std::env::var_os("BINARY_UNDER_TEST").map_or_else(|| programs.join("lambent"), PathBuf::from);
    let peers = if arguments.alone { None } else { Some(Peers::fetch(target)?) };
    let echo = programs.join("bench-echo");
    let in_process = programs.join("bench-in-process");
    let place = Place { lambent, echo, in_process, peers };
    let unknown = arguments.parts.iter().find(|name| !PARTS.iter().any(|part| part.name == **name));
    ensure!(unknown.is_none(), "there is no part {}", unknown.map_or("", String::as_str));
    let mut rows = Vec::new();
    for part in PARTS {
        if !arguments.parts.is_empty() && !arguments.parts.iter().any(|name| name == part.name) {
            continue;
        }
        eprintln!("== {}", part.name);
        let machine = Machine::now(&place.lambent)?;
        let measured = (part.measure)(&place).with_context(|| format!("measure {}", part.name))?;
        rows.extend(measured.iter().cloned());
        results.insert(part.name.to_owned(), Measured { machine, rows: measured });
        // What was measured is kept, whatever becomes of the rest.
        fs::write(&kept, serde_json::to_vec_pretty(&results)?).context("keep the results")?;
    }
    Ok((rows, results))
}

fn read<T: Default + for<'a> Deserialize<'a>>(path: &Path) -> anyhow::Result<T> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("read {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(T::default()),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

/// Says how the rows compare with the baseline; false when a gate is exceeded.
fn compared(rows: &[Row], baseline: &Baseline) -> bool {
    let mut fine = true;
    println!("\nagainst bench/baseline.json:");
    for compared in baseline::compare(rows, baseline) {
        let gate = match compared.most {
            Some(most) if compared.fails() => format!("  FAILED: more than {most:.2}"),
            Some(most) => format!("  (gate {most:.2})"),
            None => String::new(),
        };
        println!("  {:<30} {:.2}x{gate}", compared.key, compared.ratio);
        fine &= !compared.fails();
    }
    fine
}

fn write(path: &Path, results: &Results) -> anyhow::Result<()> {
    let mut document = fs::read_to_string(path).context("read SPECIFICATION.md")?;
    for part in PARTS {
        let Some(measured) = results.get(part.name) else { continue };
        let text = format!("{}\n{}\n", report::markdown(&measured.rows), measured.machine);
        document = replaced(&document, part.name, &text)?;
    }
    document = replaced(&document, "peers", &format!("Peers: {}.", peers::PACKAGES.join(", ")))?;
    fs::write(path, document).context("write SPECIFICATION.md")
}
