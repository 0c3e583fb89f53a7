//! The real boxes: [`crate::slot`] behind the seam of the process tree.

use std::path::{Path, PathBuf};

use crate::cgroup::Group;
use crate::packs::{self, Shelf};
use crate::slot::{self, Blank, Host, Reaper, Request, Running};
use crate::{KeepTmp, Pack, StartError};

use super::boxes::Boxes;
use super::limits::DATA_OWNER;
use super::message::Instance;
use super::up::RUN;

/// The runtime that the base pack serves.
const BASE: &str = "provided.al2023";

/// An instance's slots.
#[derive(Debug)]
pub struct Slots {
    host: Host,
    data: PathBuf,
}

impl Slots {
    fn shelf(&self) -> anyhow::Result<Shelf> {
        Shelf::open(&self.data)
    }
}

impl Boxes for Slots {
    type Blank = Blank;

    fn open(instance: &Instance) -> anyhow::Result<Slots> {
        let run = Path::new(RUN).join(&instance.name);
        // The warden reaps: boxes outlive the maker that made them.
        let host = Host::open(&instance.data, &run, instance.ids, Reaper::Parent)?;
        let host = host.with_trees_of(DATA_OWNER);
        Ok(Slots { host, data: instance.data.clone() })
    }

    fn prepare(&self) -> anyhow::Result<()> {
        self.host.cgroups().prepare()
    }

    fn adopt_maker(&self) -> anyhow::Result<()> {
        self.host.cgroups().adopt(std::process::id(), Group::Makers)
    }

    fn sweep(&self) -> anyhow::Result<()> {
        slot::sweep(&self.host)?;
        self.shelf()?.sweep()
    }

    fn remove(&self) -> anyhow::Result<()> {
        self.host.cgroups().remove()
    }

    fn blank(&self, number: u32) -> anyhow::Result<Blank> {
        slot::blank(&self.host, number)
    }

    fn tmp(blank: &Blank) -> u32 {
        blank.tmp()
    }

    fn is_alive(blank: &Blank) -> bool {
        blank.is_alive()
    }

    fn start(&self, blank: Blank, request: &Request) -> Result<Running, StartError> {
        slot::start(&self.host, blank, request)
    }

    fn clear(&self, number: u32, tmp: Option<u32>, keep: KeepTmp) -> anyhow::Result<()> {
        match tmp {
            Some(tmp) => slot::clear(&self.host, number, tmp, keep),
            // Nobody knows its name: the next sweep removes it.
            None => slot::clear(&self.host, number, 0, KeepTmp::Yes),
        }
    }

    fn forget(&self, tmp: u32) -> anyhow::Result<()> {
        slot::forget(&self.host, tmp)
    }

    fn packs(&self) -> anyhow::Result<Vec<Pack>> {
        self.shelf()?.list()
    }

    fn is_current(&self, pack: &Pack) -> anyhow::Result<bool> {
        Ok(self.shelf()?.is_current(pack.digest))
    }

    fn runtimes(&self) -> Vec<String> {
        let mut runtimes = vec![BASE.to_owned()];
        runtimes.extend(packs::pythons_on_this_host());
        runtimes
    }

    fn make_pack(&self, runtime: &str) -> anyhow::Result<()> {
        let shelf = self.shelf()?;
        let made = match runtime {
            BASE => shelf.base_from_host(),
            python => shelf.python_from_host(python),
        };
        made.map(|_| ())
    }
}
