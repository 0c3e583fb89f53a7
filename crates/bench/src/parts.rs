//! The measurements. Each part starts what it measures, and returns rows.

mod calls;
mod cold;
mod deploy;
mod footprint;
mod warm;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;

use crate::counted;
use crate::door::{DOORS, Door};
use crate::function::{self, Function};
use crate::instance::Instance;
use crate::peers::Peers;
use crate::report::{Cell, Row, Unit};

/// Where the measured things are.
pub struct Place {
    /// The server's program.
    pub lambent: PathBuf,
    /// The native function.
    pub echo: PathBuf,
    /// The program whose instructions are counted.
    pub in_process: PathBuf,
    /// The peers, unless they are left out.
    pub peers: Option<Peers>,
}

/// A part: its name, what it measures, how.
pub struct Part {
    /// Its name on the command line and in SPECIFICATION.md.
    pub name: &'static str,
    /// Measures.
    pub measure: fn(&Place) -> anyhow::Result<Vec<Row>>,
}

/// All parts, in the order of the document.
pub const PARTS: [Part; 7] = [
    Part { name: "warm", measure: warm::measure },
    Part { name: "instructions", measure: instructions },
    Part { name: "door", measure: door },
    Part { name: "cold", measure: cold::measure },
    Part { name: "calls", measure: calls::measure },
    Part { name: "deploy", measure: deploy::measure },
    Part { name: "footprint", measure: footprint::measure },
];

fn instructions(place: &Place) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (what, about) in [
        (
            "invoke",
            "instructions of a warm call, sockets and sandbox left out, the function's side of the Runtime API included",
        ),
        ("identity", "instructions of GetCallerIdentity: the front door alone"),
    ] {
        let count = counted::per_call(&place.in_process, what)?;
        let key = format!("instructions-{what}");
        rows.push(row("instructions", &key, about, Unit::Count, Cell::one(count)));
    }
    Ok(rows)
}

/// What a small request of each protocol costs from its bytes to those of its answer, dispatch and sockets left out.
fn door(place: &Place) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for Door { name, .. } in &DOORS {
        let cpu = Cell::one(counted::cpu_per_call(&place.in_process, name)?.as_nanos() as f64);
        let about = format!("{name}: CPU time to find, verify, decode, validate and encode");
        let cpu = row("door", &format!("door-{name}"), &about, Unit::Time, cpu);
        rows.push(Row { aim: Some(25_000.0), ..cpu });
        let count = Cell::one(counted::per_call(&place.in_process, name)?);
        let (key, about) = (format!("instructions-door-{name}"), format!("{name}: instructions of the same"));
        rows.push(row("door", &key, &about, Unit::Count, count));
    }
    Ok(rows)
}

/// A row without aim and peers.
fn row(part: &str, key: &str, what: &str, unit: Unit, ours: Cell) -> Row {
    let (key, part, what) = (key.to_owned(), part.to_owned(), what.to_owned());
    Row { key, part, what, unit, aim: None, ours, rie: Cell::nothing(), cargo_lambda: Cell::nothing() }
}

/// A fresh instance in a folder of its own.
fn fresh(place: &Place) -> anyhow::Result<(tempfile::TempDir, Instance)> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let instance = Instance::start(&place.lambent, folder.path())?;
    Ok((folder, instance))
}

fn native(place: &Place, name: &str, memory_mb: i64) -> anyhow::Result<Function> {
    function_of(name, "provided.al2023", function::native_package(&place.echo)?, memory_mb)
}

fn python(runtime: &str, name: &str, memory_mb: i64) -> anyhow::Result<Function> {
    function_of(name, runtime, function::python_package()?, memory_mb)
}

fn function_of(name: &str, runtime: &str, package: Bytes, memory_mb: i64) -> anyhow::Result<Function> {
    let (name, runtime) = (name.to_owned(), runtime.to_owned());
    Ok(Function { name, runtime, package, memory_mb, sleep: Duration::ZERO })
}
