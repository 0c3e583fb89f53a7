use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cgroup;

/// What is fixed for one instance: where its boxes come from and where they live.
#[derive(Debug)]
pub struct Host {
    pub(crate) data: OwnedFd,
    pub(crate) run: PathBuf,
    pub(crate) uid_base: u32,
    pub(crate) cgroups: cgroup::Tree,
    pub(crate) reaper: Reaper,
}

/// Whose child init becomes, that is who must wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaper {
    /// The process that calls [`crate::slot::blank`].
    Caller,
    /// Its parent (`CLONE_PARENT`): boxes outlive their maker.
    Parent,
}

impl Host {
    /// Opens the data folder and finds the instance's cgroups.
    ///
    /// `run` is the instance's own directory below `/run`, passable by others (0711). `uid_base` is the first id of the
    /// claimed block of 4,096: the server's own; slot n uses `uid_base + 2n + 2` for init and `+ 3` for the function.
    pub fn open(data: &Path, run: &Path, uid_base: u32, reaper: Reaper) -> Result<Host> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let folder = rustix::fs::open(data, flags, Mode::empty())
            .with_context(|| format!("open {}", data.display()))?;
        let name =
            run.file_name().and_then(|name| name.to_str()).context("the run directory needs a name")?;
        ensure!(uid_base >= 100_000, "uid block {uid_base} overlaps ordinary users");
        let cgroups = cgroup::Tree::find(&format!("lambent-{name}"))?;
        Ok(Host { data: folder, run: run.to_owned(), uid_base, cgroups, reaper })
    }

    /// How many slots the uid block has room for: slots are `0..Host::SLOTS`.
    pub const SLOTS: u32 = 2047;

    /// The cgroups of this instance.
    pub fn cgroups(&self) -> &cgroup::Tree {
        &self.cgroups
    }
}
