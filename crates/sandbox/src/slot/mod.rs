//! One box from namespaces to exec, as the root side sees it. Synchronous and single-threaded: a maker process calls it.
//!
//! A box comes in two steps. [`blank`] makes everything that depends on no function: init with its namespaces, cgroups,
//! listeners, `/proc`, `/dev`, a 512 MB `/tmp` and the *slot child*, already without privileges and filtered. [`start`]
//! adds root, code and limits and lets the slot child execute the command. Between the two a box may wait for minutes.
//!
//! Who ends a box: EOF of [`Running::lifeline`] makes init exit, and with init the kernel kills the whole PID namespace,
//! frozen or not (init itself is never frozen). `SIGKILL` to [`Running::init`] or a write to the cgroup's kill file do the
//! same. The end of the main process is only told, on [`Running::status`]: what it left behind goes on until then. After
//! init's death somebody reaps it (who, says [`Reaper`]) and calls [`clear`].

mod child;
mod control;
mod host;
mod image;
mod init;
mod inside;
mod make;
mod walls;

use std::os::fd::OwnedFd;

use anyhow::Result;

use crate::{Command, KeepTmp, PackDigest, StartError, TreeDigest, cgroup};

pub use child::raise_limits;
pub use host::{Host, Reaper};
pub(crate) use inside::{new_mount, raise_loopback};
pub(crate) use walls::landlock_version;

/// What to put into a blank and run. Names and numbers only; checked and clamped here.
#[derive(Debug, Clone)]
pub struct Request {
    /// The root tree, `packs/<digest>/root`.
    pub pack: PackDigest,
    /// The tree at `/var/task`, `objects/<digest>`; an empty directory without one.
    pub task: Option<TreeDigest>,
    /// The trees merged at `/opt`, the last on top; at most 5.
    pub layers: Vec<TreeDigest>,
    /// What to execute.
    pub command: Command,
    /// `NAME=value` strings, each ended by a NUL byte; at most 32 KiB.
    pub environment: Vec<u8>,
    /// 128 to 10,240.
    pub memory_mb: u32,
    /// Size of `/tmp`, 512 to 10,240.
    pub tmp_mb: u32,
    /// The `/tmp` image of a box that ended, to go on with: an earlier [`Running::tmp`].
    pub tmp: Option<u32>,
}

/// A box that waits for its [`Request`]. Dropping it ends it; its cgroups and its image go with [`clear`].
#[derive(Debug)]
pub struct Blank {
    slot: u32,
    tmp: u32,
    init: make::Init,
    userns: OwnedFd,
    trees: OwnedFd,
    control: OwnedFd,
    runtime_api: OwnedFd,
    endpoint: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
    status: OwnedFd,
}

/// A box whose command runs. Every descriptor is close-on-exec and may be sent over a socket.
#[derive(Debug)]
pub struct Running {
    /// The slot's number.
    pub slot: u32,
    /// The pidfd of init; readable when the whole box is dead. Its parent is chosen by [`Reaper`].
    pub init: OwnedFd,
    /// End of this descriptor (the last copy closed) makes init exit. It carries nothing else.
    pub lifeline: OwnedFd,
    /// The bound, listening socket of 127.0.0.1:9001 inside the box.
    pub runtime_api: OwnedFd,
    /// The bound, listening socket of 127.0.0.1:4566 inside the box.
    pub endpoint: OwnedFd,
    /// The reading end of the command's standard output.
    pub stdout: OwnedFd,
    /// The reading end of the command's standard error.
    pub stderr: OwnedFd,
    /// The reading end of a pipe: once the main process ended it holds 8 bytes, see [`crate::Exit::from_bytes`], and
    /// the process's peak resident size in bytes, a `u64` in native order.
    pub status: OwnedFd,
    /// Freezing, CPU share, usage: works without privileges.
    pub cgroup: cgroup::Handles,
    /// The name of its `/tmp` image, for [`Request::tmp`] of a later box and for [`clear`].
    pub tmp: u32,
}

/// Makes a box that waits: 3 ms, 10 ms for the first after a pause.
pub fn blank(host: &Host, slot: u32) -> Result<Blank> {
    make::blank(host, slot)
}

impl Blank {
    /// The slot's number.
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// The name of its `/tmp` image, for [`clear`] when the blank is given up.
    pub fn tmp(&self) -> u32 {
        self.tmp
    }

    /// False once its init has been killed by somebody.
    pub fn is_alive(&self) -> bool {
        self.init.is_alive()
    }
}

/// Puts root, code, limits and environment into a blank and executes its command: 0.3 ms, 5 ms with a `/tmp` that is not
/// a fresh one of 512 MB. On an error the box is dead or dying; [`clear`] the slot.
pub fn start(host: &Host, blank: Blank, request: &Request) -> Result<Running, StartError> {
    make::start(host, blank, request)
}

/// Removes what a dead box leaves: its cgroups, and its `/tmp` image unless it is kept. Init must have been reaped.
/// Some milliseconds; five seconds at most, if the kernel does not let go of it.
pub fn clear(host: &Host, slot: u32, tmp: u32, keep: KeepTmp) -> Result<()> {
    let group = host.cgroups.slot(slot);
    group.kill()?;
    group.remove()?;
    match keep {
        KeepTmp::Yes => Ok(()),
        KeepTmp::No => forget(host, tmp),
    }
}

/// Removes a `/tmp` image that was kept and is not wanted any more.
pub fn forget(host: &Host, tmp: u32) -> Result<()> {
    image::remove(host, tmp)
}

/// Kills and removes every box that a dead instance of the same name left behind, with all `/tmp` images.
pub fn sweep(host: &Host) -> Result<()> {
    host.cgroups.sweep()?;
    image::remove_all(host)
}
