use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustix::fs::{Mode, OFlags};

use crate::cgroup;
use crate::kernel::{Mapped, open_beneath};

/// What is fixed for one instance: where its boxes come from and where they live.
#[derive(Debug)]
pub struct Host {
    pub(super) data: OwnedFd,
    pub(super) run: CString,
    pub(super) server: u32,
    /// Who owns the code trees on disk.
    pub(super) trees: u32,
    pub(super) cgroups: cgroup::Tree,
    pub(super) reaper: Reaper,
}

/// Whose child init becomes, that is who must wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaper {
    /// The process that calls [`crate::slot::blank`].
    Caller,
    /// Its parent (`CLONE_PARENT`): boxes outlive their maker.
    Parent,
}

/// The id of the function inside its box, as AWS has it.
pub(super) const FUNCTION: u32 = 993;

impl Host {
    /// How many slots the uid block has room for: slots are `0..Host::SLOTS`.
    pub const SLOTS: u32 = 2_047;

    /// Opens the data folder, makes `tmp` and `packs` in it and finds the instance's cgroups.
    ///
    /// `run` is the instance's own directory below `/run`, passable by others (0711); inside each box it is the place
    /// where the new root is put together. Its name makes the name of the cgroups. `uid_base` is the first id of the
    /// claimed block of 4,096: the server's own; slot n uses `uid_base + 2n + 2` for init and `+ 3` for the function.
    pub fn open(data: &Path, run: &Path, uid_base: u32, reaper: Reaper) -> Result<Host> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let folder = rustix::fs::open(data, flags, Mode::empty());
        let folder = folder.with_context(|| format!("open {}", data.display()))?;
        for (name, mode) in [("tmp", 0o700), ("packs", 0o755)] {
            match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(mode)) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error).with_context(|| format!("make {}/{name}", data.display())),
            }
        }
        let name =
            run.file_name().and_then(|name| name.to_str()).context("the run directory needs a name")?;
        ensure!((100_000..u32::MAX - 4_096).contains(&uid_base), "uid block {uid_base} is not ours");
        let cgroups = cgroup::Tree::find(&format!("lambent-{name}"))?;
        let run = CString::new(run.as_os_str().as_bytes()).context("the run directory has a strange name")?;
        Ok(Host { data: folder, run, server: uid_base, trees: uid_base, cgroups, reaper })
    }

    /// The same for a server that sees its data folder through an id map: on disk its code trees belong to `owner`.
    #[must_use]
    pub fn with_trees_of(self, owner: u32) -> Host {
        Host { trees: owner, ..self }
    }

    /// The cgroups of this instance.
    pub fn cgroups(&self) -> &cgroup::Tree {
        &self.cgroups
    }

    /// The user namespace of a slot: root, the function, nobody else.
    pub(super) fn ids(&self, slot: u32) -> [Mapped; 2] {
        let init = self.server + 2 + 2 * slot;
        [Mapped { inside: 0, outside: init }, Mapped { inside: FUNCTION, outside: init + 1 }]
    }

    /// How trees that the server owns are shown as root's.
    pub(super) fn tree_ids(&self, slot: u32) -> [Mapped; 1] {
        [Mapped { inside: self.trees, outside: self.ids(slot)[0].outside }]
    }

    /// Opens one of root's own directories in the data folder. The folder is the server's, which could have put another
    /// directory there.
    pub(super) fn folder(&self, name: &str) -> Result<OwnedFd> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY;
        let folder = open_beneath(self.data.as_fd(), name, flags, Mode::empty());
        let folder = folder.with_context(|| format!("open {name} in the data folder"))?;
        let stat = rustix::fs::fstat(&folder).with_context(|| format!("look at {name}"))?;
        ensure!(stat.st_uid == 0 && stat.st_mode & 0o022 == 0, "{name} in the data folder is not root's");
        Ok(folder)
    }
}
