//! Warm calls: latency, throughput, and what the server spends on each.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;

use super::{Place, fresh, native, python, row};
use crate::client::Client;
use crate::function::{self, EVENT, Function};
use crate::instance::Instance;
use crate::limits;
use crate::load::{Crowd, Run};
use crate::peers::{Language, Peer, Peers};
use crate::procfs::{self, Usage};
use crate::report::{Cell, Row, Unit};

const PART: &str = "warm";
/// Concurrent calls, and the memory of the function: enough CPU that its quota is not what is measured, and little enough
/// that all environments fit.
const CONCURRENCY: [(usize, i64); 3] = [(1, 1769), (16, 512), (64, 128)];
const PACE: Duration = Duration::from_millis(2);

/// A closed loop and what the server spent meanwhile.
struct Loop {
    run: Run,
    spent: Usage,
}

impl Loop {
    fn latency(&self) -> Cell {
        Cell::Figures(self.run.sample.middle_and_tail())
    }

    fn rate(&self) -> Cell {
        Cell::one(self.run.rate())
    }

    fn each(&self, total: u64) -> f64 {
        total as f64 / self.run.sample.count() as f64
    }

    fn cpu(&self) -> Cell {
        Cell::one(self.each(self.spent.cpu_ns))
    }

    fn waits(&self) -> Cell {
        Cell::Figures(vec![self.each(self.spent.waits), self.each(self.spent.preemptions)])
    }
}

/// Latency, throughput, CPU and wake-ups.
pub(super) fn measure(place: &Place) -> anyhow::Result<Vec<Row>> {
    let (_folder, instance) = fresh(place)?;
    let mut client = instance.client()?;
    function::create_role(&mut client)?;
    let runtime = instance.python()?;
    let mut rows = Vec::new();
    for (concurrency, memory_mb) in CONCURRENCY {
        let function = native(place, &format!("echo-{concurrency}"), memory_mb)?;
        let target = Target::ours(&instance, &mut client, &function)?;
        let ours = target.closed(concurrency)?;
        rows.extend(of_loop(place, concurrency, &ours)?);
        if concurrency == 1 {
            rows.extend(paced(place, &target)?);
        }
    }
    let function = python(&runtime, "hello", 1769)?;
    let ours = Target::ours(&instance, &mut client, &function)?.closed(1)?;
    let mut hello =
        row(PART, "warm-python", "warm call, Python, closed loop, p50 / p99", Unit::Time, ours.latency());
    if let Some(peers) = &place.peers {
        let folder = tempfile::tempdir().context("make a folder")?;
        let peer = peers.rie(&place.echo, Language::Python, folder.path())?;
        hello.rie = Target::peer(&peer).closed(1)?.latency();
        hello.cargo_lambda = Cell::because("Rust only");
    }
    rows.push(hello);
    instance.stop()?;
    rows.sort_by_key(|row| ORDER.iter().position(|start| row.key.starts_with(start)));
    Ok(rows)
}

const ORDER: [&str; 6] = ["warm-", "paced", "thawed", "rate", "cpu", "waits"];

fn of_loop(place: &Place, concurrency: usize, ours: &Loop) -> anyhow::Result<Vec<Row>> {
    let at = if concurrency == 1 { "one at a time".to_owned() } else { format!("{concurrency} at once") };
    let mut rows = [
        ("warm", format!("warm call, native, closed loop, {at}, p50 / p99"), Unit::Time, ours.latency()),
        ("rate", format!("calls per second, {at}"), Unit::PerSecond, ours.rate()),
        ("cpu", format!("CPU time of the server a call, {at}"), Unit::Time, ours.cpu()),
        ("waits", format!("wake-ups / preemptions of the server a call, {at}"), Unit::Count, ours.waits()),
    ]
    .map(|(key, what, unit, cell)| row(PART, &format!("{key}-{concurrency}"), &what, unit, cell));
    if concurrency == 1 {
        rows[0].aim = Some(100_000.0);
    }
    let Some(peers) = &place.peers else { return Ok(rows.into()) };
    let rie = if concurrency == 1 { Some(native_on_rie(peers, place)?) } else { None };
    let cargo_lambda = native_on_cargo_lambda(peers, place, concurrency)?;
    let read: [fn(&Loop) -> Cell; 4] = [Loop::latency, Loop::rate, Loop::cpu, Loop::waits];
    for (row, read) in rows.iter_mut().zip(read) {
        row.rie = rie.as_ref().map_or_else(|| Cell::because("one call at a time"), read);
        row.cargo_lambda = read(&cargo_lambda);
    }
    Ok(rows.into())
}

fn native_on_rie(peers: &Peers, place: &Place) -> anyhow::Result<Loop> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let peer = peers.rie(&place.echo, Language::Native, folder.path())?;
    Target::peer(&peer).closed(1)
}

fn native_on_cargo_lambda(peers: &Peers, place: &Place, concurrency: usize) -> anyhow::Result<Loop> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let peer = peers.cargo_lambda(&place.echo, folder.path())?;
    Target::peer(&peer).closed(concurrency)
}

fn paced(place: &Place, ours: &Target) -> anyhow::Result<Vec<Row>> {
    let latency = |run: &Run| Cell::Figures(run.sample.middle_and_tail());
    let what = "warm call, native, one every 2 ms, p50 / p99";
    let mut paced = row(PART, "paced", what, Unit::Time, latency(&ours.paced(PACE, limits::PACED_CALLS)?));
    let what = "warm call, native, after its environment was frozen, p50 / p99";
    let thawed = ours.paced(limits::THAWED_EVERY, limits::THAWED_CALLS)?;
    let mut thawed = row(PART, "thawed", what, Unit::Time, latency(&thawed));
    if let Some(peers) = &place.peers {
        let folder = tempfile::tempdir().context("make a folder")?;
        let rie = peers.rie(&place.echo, Language::Native, folder.path())?;
        paced.rie = latency(&Target::peer(&rie).paced(PACE, limits::PACED_CALLS)?);
        drop(rie);
        let watch = peers.cargo_lambda(&place.echo, folder.path())?;
        paced.cargo_lambda = latency(&Target::peer(&watch).paced(PACE, limits::PACED_CALLS)?);
        thawed.rie = Cell::because("never frozen");
        thawed.cargo_lambda = Cell::because("never frozen");
    }
    Ok(vec![paced, thawed])
}

/// Something that answers one request.
struct Target {
    address: SocketAddr,
    pid: u32,
    request: Vec<u8>,
}

impl Target {
    fn ours(instance: &Instance, client: &mut Client, function: &Function) -> anyhow::Result<Target> {
        function.create(client)?;
        let request = client.signed("lambda", "Invoke", function.invocation(Bytes::from_static(EVENT)))?;
        Ok(Target { address: instance.address, pid: instance.server()?, request })
    }

    fn peer(peer: &Peer) -> Target {
        Target { address: peer.address, pid: peer.pid(), request: peer.request() }
    }

    fn closed(&self, concurrency: usize) -> anyhow::Result<Loop> {
        let mut crowd = Crowd::open(self.address, concurrency)?;
        crowd.closed(&self.request, limits::WARM_UP)?;
        let before = procfs::usage(self.pid)?;
        let run = crowd.closed(&self.request, limits::CLOSED)?;
        Ok(Loop { run, spent: procfs::usage(self.pid)?.since(before) })
    }

    fn paced(&self, every: Duration, calls: usize) -> anyhow::Result<Run> {
        let mut crowd = Crowd::open(self.address, 1)?;
        crowd.paced(&self.request, every, calls / 10)?;
        crowd.paced(&self.request, every, calls)
    }
}
