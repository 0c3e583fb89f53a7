//! What it takes to be there: start, memory, size.

use std::path::Path;

use anyhow::Context as _;

use super::{Place, fresh, row};
use crate::instance::Instance;
use crate::limits::{IDLE, STARTS};
use crate::load::sleep;
use crate::peers::{Language, Peer};
use crate::procfs;
use crate::report::{Cell, Row, Unit};
use crate::sample::Sample;

const PART: &str = "footprint";

/// Start-up, idle memory, size.
pub(super) fn measure(place: &Place) -> anyhow::Result<Vec<Row>> {
    let (first, again, memory) = ours(place)?;
    let mut rows = vec![
        row(PART, "start", "start until requests are served, p50 / worst", Unit::Time, worst(again)),
        row(PART, "start-new", "the same on a new data folder, p50 / worst", Unit::Time, worst(first)),
        row(PART, "memory", "memory of all processes, idle, no environment", Unit::Bytes, Cell::one(memory)),
        row(PART, "size", "size of the program", Unit::Bytes, Cell::one(size(&place.lambent)?)),
    ];
    rows[0].aim = Some(100e6);
    rows[1].aim = Some(100e6);
    if let Some(peers) = &place.peers {
        let folder = tempfile::tempdir().context("make a folder")?;
        let rie = || peers.rie(&place.echo, Language::Native, folder.path());
        (rows[0].rie, rows[2].rie) = started(&rie)?;
        rows[3].rie = Cell::one(size(&peers.rie)?);
        let cargo_lambda = || peers.cargo_lambda(&place.echo, folder.path());
        (rows[0].cargo_lambda, rows[2].cargo_lambda) = started(&cargo_lambda)?;
        rows[3].cargo_lambda = Cell::one(size(&peers.cargo_lambda)?);
    }
    Ok(rows)
}

type Times = Vec<u64>;

/// Start-up on new folders and on used ones, and the idle memory of the last instance.
fn ours(place: &Place) -> anyhow::Result<(Times, Times, f64)> {
    let (mut first, mut again, mut memory) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..STARTS {
        let (folder, instance) = fresh(place)?;
        first.push(instance.ready.as_nanos() as u64);
        instance.python()?;
        instance.stop()?;
        let instance = Instance::start(&place.lambent, folder.path())?;
        again.push(instance.ready.as_nanos() as u64);
        instance.python()?;
        if again.len() == STARTS {
            sleep(IDLE);
            memory = 0.0;
            for process in instance.processes()? {
                memory += procfs::share_of_memory(process.pid)? as f64;
            }
        }
        instance.stop()?;
    }
    Ok((first, again, memory))
}

fn started(start: &dyn Fn() -> anyhow::Result<Peer>) -> anyhow::Result<(Cell, Cell)> {
    let mut times = Vec::new();
    for _ in 1..STARTS {
        times.push(start()?.ready.as_nanos() as u64);
    }
    let peer = start()?;
    times.push(peer.ready.as_nanos() as u64);
    sleep(IDLE);
    let memory = procfs::share_of_memory(peer.pid())? as f64;
    Ok((worst(times), Cell::one(memory)))
}

fn worst(times: Times) -> Cell {
    let sample = Sample::of(times);
    Cell::Figures(vec![sample.percentile(50.0), sample.percentile(100.0)])
}

fn size(program: &Path) -> anyhow::Result<f64> {
    let metadata = std::fs::metadata(program).with_context(|| format!("look at {}", program.display()))?;
    Ok(metadata.len() as f64)
}
