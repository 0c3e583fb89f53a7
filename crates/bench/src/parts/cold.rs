//! Cold starts: the first call of a function that nobody has called before, alone, with everything else as usual.

use anyhow::Context as _;

use super::{Place, fresh, native, python, row};
use crate::client::Client;
use crate::function::{self, Function};
use crate::limits::{COLD_NATIVE, COLD_PYTHON, COLD_REST};
use crate::load::{Crowd, sleep};
use crate::peers::{Language, Peers};
use crate::report::{Cell, Row, Unit};
use crate::sample::Sample;

const PART: &str = "cold";

/// Native and Python, whole call and `Init Duration`.
pub(super) fn measure(place: &Place) -> anyhow::Result<Vec<Row>> {
    let (_folder, instance) = fresh(place)?;
    let mut client = instance.client()?;
    function::create_role(&mut client)?;
    let runtime = instance.python()?;
    let native = |name: &str| native(place, name, 512);
    let python = |name: &str| python(&runtime, name, 512);
    let (native, native_init) = starts(&mut client, &native, COLD_NATIVE)?;
    let (python, python_init) = starts(&mut client, &python, COLD_PYTHON)?;
    instance.stop()?;
    let mut rows = [
        ("cold-native", "cold call, native, p50 / p99", native),
        ("init-native", "of this, Init Duration in the report, native, p50 / p99", native_init),
        ("cold-python", "cold call, Python, p50 / p99", python),
        ("init-python", "of this, Init Duration in the report, Python, p50 / p99", python_init),
    ]
    .map(|(key, what, sample)| row(PART, key, what, Unit::Time, Cell::Figures(sample.middle_and_tail())));
    rows[0].aim = Some(10e6);
    rows[2].aim = Some(60e6);
    if let Some(peers) = &place.peers {
        for (row, language, count) in [(0, Language::Native, COLD_NATIVE), (2, Language::Python, COLD_PYTHON)]
        {
            rows[row].rie = Cell::Figures(on_rie(peers, place, language, count)?.middle_and_tail());
            rows[row].cargo_lambda = Cell::because("compiles first");
        }
    }
    Ok(rows.into())
}

fn starts(
    client: &mut Client,
    function: &dyn Fn(&str) -> anyhow::Result<Function>,
    count: usize,
) -> anyhow::Result<(Sample, Sample)> {
    let (mut whole, mut init) = (Vec::new(), Vec::new());
    for number in 0..count {
        let function = function(&format!("cold-{number}"))?;
        function.create(client)?;
        sleep(COLD_REST);
        let (answered, init_ns) = function.invoke(client)?;
        whole.push(answered.took.as_nanos() as u64);
        init.push(init_ns.context("a first call was no cold start")?);
        function.delete(client)?;
    }
    Ok((Sample::of(whole), Sample::of(init)))
}

/// A new emulator each time: it starts its function at the first call and never again.
fn on_rie(peers: &Peers, place: &Place, language: Language, count: usize) -> anyhow::Result<Sample> {
    let mut latencies = Vec::new();
    for _ in 0..count {
        let folder = tempfile::tempdir().context("make a folder")?;
        let peer = peers.rie(&place.echo, language, folder.path())?;
        // It listens before it can start a function, and answers 502 to whoever is too early.
        sleep(COLD_REST);
        let run = Crowd::open(peer.address, 1)?.once(&peer.request())?;
        latencies.push(run.sample.percentile(50.0) as u64);
    }
    Ok(Sample::of(latencies))
}
