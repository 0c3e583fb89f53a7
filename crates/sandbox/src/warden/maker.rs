//! A maker: one thread that does the slow steps of making and removing boxes, one after another.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use anyhow::Context;

use crate::StartError;
use crate::slot::{Request, Running};

use super::boxes::Boxes;
use super::channel::{Channel, Packet};
use super::message::{FromMaker, Made, Message, Order, PackList, Refusal, ToMaker};
use super::role::read_environment;

/// Serves the warden until it is gone.
pub(crate) fn run<B: Boxes>(channel: &Channel) -> anyhow::Result<()> {
    let mut buffer = Vec::new();
    let Some(first) = channel.receive(&mut buffer)? else { return Ok(()) };
    let ToMaker::Hello(instance) = ToMaker::decode(&first.bytes)? else {
        anyhow::bail!("the warden's first message is no greeting")
    };
    // The descriptors are the locks, which come free with the last of warden, makers and server.
    let _locks = first.fds;
    let boxes = B::open(&instance)?;
    boxes.adopt_maker()?;
    let mut maker = Maker { boxes, blanks: BTreeMap::new() };
    while let Some(packet) = channel.receive(&mut buffer)? {
        let message = ToMaker::decode(&packet.bytes)?;
        if message == ToMaker::Packs {
            return maker.pack(channel);
        }
        let (answer, fds) = maker.serve(message, packet)?;
        channel.send(&answer.encode(), &fds)?;
    }
    Ok(())
}

struct Maker<B: Boxes> {
    boxes: B,
    blanks: BTreeMap<u32, B::Blank>,
}

impl<B: Boxes> Maker<B> {
    fn serve(&mut self, message: ToMaker, packet: Packet) -> anyhow::Result<(FromMaker, Vec<OwnedFd>)> {
        let answer = match message {
            ToMaker::Hello(_) | ToMaker::Packs => anyhow::bail!("a greeting or packs out of turn"),
            ToMaker::Blank { slot } => match self.boxes.blank(slot) {
                Ok(blank) => {
                    let tmp = B::tmp(&blank);
                    self.blanks.insert(slot, blank);
                    FromMaker::Blank { slot, tmp }
                }
                Err(error) => failed(slot, StartError::Failed(error)),
            },
            ToMaker::Start { slot, order } => {
                let environment = packet.fds.into_iter().next().context("no environment")?;
                match self.start(slot, order, environment) {
                    Ok(running) => return Ok(started(running)),
                    Err(error) => failed(slot, error),
                }
            }
            ToMaker::Clear { slot, tmp, keep } => {
                self.blanks.remove(&slot);
                match self.boxes.clear(slot, tmp, keep) {
                    Ok(()) => FromMaker::Cleared { slot },
                    Err(error) => FromMaker::Stuck { slot, why: format!("{error:#}") },
                }
            }
            ToMaker::Forget { tmp } => {
                // What stays behind is found by the sweep of the next start.
                let _ = self.boxes.forget(tmp);
                FromMaker::Forgotten { tmp }
            }
        };
        Ok((answer, Vec::new()))
    }

    fn start(&mut self, slot: u32, order: Order, environment: OwnedFd) -> Result<Running, StartError> {
        let environment = read_environment(environment)?;
        let blank = match self.blanks.remove(&slot) {
            Some(blank) if B::is_alive(&blank) => blank,
            Some(dead) => {
                // Somebody killed it while it waited; that is no reason to fail who comes now.
                let tmp = B::tmp(&dead);
                drop(dead);
                self.boxes.clear(slot, Some(tmp), crate::KeepTmp::No)?;
                self.boxes.blank(slot)?
            }
            None => self.boxes.blank(slot)?,
        };
        let request = Request {
            pack: order.pack,
            task: order.task,
            layers: order.layers,
            command: order.command,
            environment,
            memory_mb: order.memory_mb,
            tmp_mb: order.tmp_mb,
            tmp: order.tmp,
        };
        self.boxes.start(blank, &request)
    }

    /// Tells the packs that are there, and makes those that the host can give and that are not, or not as this build
    /// makes them: an upgrade's bootstrap must reach functions that are there already.
    fn pack(&self, channel: &Channel) -> anyhow::Result<()> {
        let mut runtimes = self.boxes.runtimes();
        let mut failures = Vec::new();
        loop {
            let packs = self.boxes.packs()?;
            let mut current = Vec::new();
            for pack in &packs {
                if self.boxes.is_current(pack)? {
                    current.extend(pack.runtimes.iter().cloned());
                }
            }
            runtimes.retain(|name| !current.contains(name));
            let list = PackList { preparing: !runtimes.is_empty(), packs };
            channel.send::<OwnedFd>(&FromMaker::Packs(list).encode(), &[])?;
            let Some(next) = (!runtimes.is_empty()).then(|| runtimes.remove(0)) else { break };
            if let Err(error) = self.boxes.make_pack(&next) {
                failures.push(format!("{next}: {error:#}"));
            }
        }
        anyhow::ensure!(failures.is_empty(), "packs cannot be made: {}", failures.join("; "));
        Ok(())
    }
}

fn failed(slot: u32, error: StartError) -> FromMaker {
    let why = match error {
        StartError::Full => Refusal::Full,
        StartError::Missing(what) => Refusal::Missing(what),
        StartError::Failed(error) => Refusal::Failed(format!("{error:#}")),
    };
    FromMaker::Failed { slot, why }
}

/// The order of the descriptors: init's pidfd for the warden, then what [`super::handle`] expects.
fn started(running: Running) -> (FromMaker, Vec<OwnedFd>) {
    let parts = running.cgroup.into_parts();
    let made = Made {
        slot: running.slot,
        present: parts.present,
        version_1: parts.version_1,
        memory_mb: parts.memory_mb,
    };
    let mut fds = vec![
        running.init,
        running.lifeline,
        running.runtime_api,
        running.endpoint,
        running.stdout,
        running.stderr,
        running.status,
    ];
    fds.extend(parts.fds);
    (FromMaker::Started { made, tmp: running.tmp }, fds)
}
