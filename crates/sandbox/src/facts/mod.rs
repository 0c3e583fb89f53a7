//! What a machine gives, found out by doing each thing once, and what follows from it.
//!
//! [`probe`] records [`Facts`]; [`judge`] is pure and says what works, what does not and what to do about it. Three axes
//! come out: isolation (a sandbox or nothing), limits ([`Axis`]) and snapshots (off).

mod judge;
mod probe;

pub use judge::judge;
pub use probe::probe;

use crate::cgroup::Axis;
use crate::limits;

/// What was found on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `6.18.44`.
    pub kernel: String,
    /// `x86_64`.
    pub architecture: String,
    /// Online processors.
    pub cpus: u32,
    /// Memory of the machine.
    pub memory_bytes: u64,
    /// What the machine is inside of.
    pub inside: Inside,
    /// Effective uid 0.
    pub root: bool,
    /// A user namespace can be made.
    pub user_namespace: Trial,
    /// A file system can be mounted inside it.
    pub mounts: Trial,
    /// A full, fresh `/proc` can be mounted inside it.
    pub proc: Trial,
    /// A network namespace works inside it.
    pub network: Trial,
    /// Layers can be merged inside it.
    pub overlay: Trial,
    /// A whole box could be made: images, id maps, cgroups and all. Tried as root only.
    pub sandbox: Trial,
    /// AppArmor restricts user namespaces of ordinary users.
    pub apparmor_restricts: bool,
    /// System call filters work.
    pub seccomp: bool,
    /// The version of Landlock, 0 without.
    pub landlock: u32,
    /// Control groups.
    pub limits: Limits,
    /// The machine has swap space.
    pub swap: bool,
    /// The hard limit of open files.
    pub open_files: u64,
    /// The largest number of processes.
    pub processes: u64,
    /// The file system of the data folder: `ext4`, `9p`.
    pub data_file_system: String,
    /// Runtimes that the host's interpreters can serve.
    pub pythons: Vec<String>,
}

/// How something that was tried ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// It works.
    Works,
    /// It does not: the step and the kernel's words.
    Fails(String),
    /// It was not tried, because something before it failed or root is missing.
    NotTried,
}

impl Trial {
    /// Whether it works.
    pub fn works(&self) -> bool {
        *self == Trial::Works
    }
}

/// What the machine is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inside {
    /// Nothing that we noticed: hardware or a virtual machine.
    Nothing,
    /// A Docker or Podman container.
    Docker,
    /// A pod.
    Kubernetes,
    /// The Windows Subsystem for Linux.
    Wsl,
}

/// Control groups of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Which version limits memory.
    pub axis: Axis,
    /// CPU shares can be given.
    pub cpu: bool,
    /// Swap is counted or switched off for a group.
    pub swap: bool,
    /// TCP buffers are counted or limited.
    pub tcp: bool,
    /// Groups can be frozen and killed by version 2.
    pub kill: bool,
}

/// How bad a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Something is missing that functions can do without.
    Warn,
    /// No function will start.
    Fail,
}

/// One line of `lambent doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was found and what it means; lines are separated by newlines.
    pub text: String,
    /// What to do: a command, ready to paste.
    pub fix: Option<String>,
}

impl Facts {
    /// How many execution environments this machine can hold at once, and what bounds them.
    pub fn environments(&self) -> (u32, &'static str) {
        environments(self.open_files, self.processes)
    }
}

/// How many boxes there can be under limits of open files and processes, and which of the bounds it is.
pub(crate) fn environments(open_files: u64, processes: u64) -> (u32, &'static str) {
    let bounds = [
        (open_files.saturating_sub(1_024) / limits::FILES_PER_ENVIRONMENT, "open files"),
        (processes.saturating_sub(4_096) / limits::PROCESSES_PER_ENVIRONMENT, "processes"),
        (u64::from(crate::slot::Host::SLOTS), "user ids"),
    ];
    let (most, by) = bounds.into_iter().min_by_key(|(most, _)| *most).unwrap_or((0, "nothing"));
    (u32::try_from(most).unwrap_or(u32::MAX).max(1), by)
}

#[cfg(test)]
mod tests;
