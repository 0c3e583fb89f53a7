use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::event::{EventfdFlags, eventfd};

use super::Handles;
use super::handles::{Kind, Version};
use super::layout::Layout;
use crate::limits;

/// The groups of one instance.
#[derive(Debug)]
pub struct Tree {
    layout: Layout,
    name: String,
}

/// A group for the instance's own processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Warden and server.
    Core,
    /// The makers.
    Makers,
}

/// Which hierarchy enforces memory, CPU and process limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Version 2.
    Two,
    /// Version 1; freezing and killing may still be version 2.
    One,
    /// Nothing.
    Nothing,
}

impl Tree {
    /// Finds the hierarchies of this host. Makes nothing.
    pub fn find(name: &str) -> Result<Tree> {
        let mountinfo = fs::read_to_string("/proc/self/mountinfo").context("read /proc/self/mountinfo")?;
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mut layout = Layout::read(&mountinfo, &own, name);
        // Containers show the host's hierarchies read-only.
        layout.one.retain(|(_, path)| path.parent().is_some_and(is_writable));
        layout.two = layout.two.filter(|_| is_writable(&layout.two_mount));
        let two = layout.two.as_deref().and_then(Path::parent).filter(|_| layout.one.is_empty());
        if two.is_some_and(|above| above != layout.two_mount && !can_delegate(above)) {
            // A login session's scope holds the shell too. Only root gets here, who may as well use the top.
            layout.two = Some(layout.two_mount.join(name));
        }
        Ok(Tree { layout, name: name.to_owned() })
    }

    /// Makes the instance's groups; on version 2 moves this process into `core` and hands the controllers down.
    /// The warden calls it once, before it starts anything.
    pub fn prepare(&self) -> Result<()> {
        for (_, path) in &self.layout.one {
            make(&path.join("env"))?;
        }
        let Some(base) = &self.layout.two else { return Ok(()) };
        for part in ["core", "makers", "env"] {
            make(&base.join(part))?;
        }
        self.adopt(std::process::id(), Group::Core)?;
        if self.layout.one.is_empty() {
            // No group with processes can hand controllers down, hence the move before this.
            let above = base.parent().unwrap_or(base);
            for group in [above, base.as_path(), &base.join("env")] {
                delegate(group)?;
            }
        }
        Ok(())
    }

    /// Moves a process into a group of the instance.
    pub fn adopt(&self, pid: u32, group: Group) -> Result<()> {
        let Some(base) = &self.layout.two else { return Ok(()) };
        let part = match group {
            Group::Core => "core",
            Group::Makers => "makers",
        };
        attach(&base.join(part), pid)
    }

    /// What enforces limits here.
    pub fn axis(&self) -> Axis {
        match self.one("memory") {
            Some(_) => Axis::One,
            None if self.offers("memory") => Axis::Two,
            None => Axis::Nothing,
        }
    }

    /// The root of the version 1 hierarchy of a controller.
    pub(crate) fn one(&self, controller: &str) -> Option<&Path> {
        self.layout.path_of(controller).and_then(Path::parent)
    }

    /// The mount point of version 2.
    pub(crate) fn unified(&self) -> Option<&Path> {
        self.layout.two.as_ref().map(|_| self.layout.two_mount.as_path())
    }

    /// Whether version 2 has a controller for us.
    pub(crate) fn offers(&self, controller: &str) -> bool {
        let Some(above) = self.layout.two.as_deref().and_then(Path::parent) else { return false };
        let list = fs::read_to_string(above.join("cgroup.controllers")).unwrap_or_default();
        list.split_whitespace().any(|name| name == controller)
    }

    /// Makes the groups of a slot, with the limits that hold for every box.
    pub(crate) fn create(&self, slot: u32) -> Result<Slot<'_>> {
        let slot = self.slot(slot);
        for (_, path) in &slot.one {
            make(path)?;
        }
        if let Some(path) = &slot.two {
            make(&path.join("box"))?;
        }
        let processes = limits::PROCESSES.to_string();
        if let Some(path) = slot.one_of("pids") {
            write(&path.join("pids.max"), &processes)?;
        }
        if let Some(path) = slot.one_of("cpu") {
            write(&path.join("cpu.cfs_period_us"), &limits::CPU_PERIOD_US.to_string())?;
        }
        if let Some(path) = slot.limits_two() {
            write(&path.join("pids.max"), &processes)?;
        }
        Ok(slot)
    }

    pub(crate) fn slot(&self, slot: u32) -> Slot<'_> {
        let below = |base: &Path| base.join("env").join(slot.to_string());
        Slot {
            two: self.layout.two.as_deref().map(below),
            one: self.layout.one.iter().map(|(names, base)| (names.as_slice(), below(base))).collect(),
        }
    }

    /// The slots that have groups, in any hierarchy.
    pub(crate) fn slots(&self) -> Vec<u32> {
        let bases = self.layout.one.iter().map(|(_, base)| base).chain(self.layout.two.iter());
        let mut found = Vec::new();
        for base in bases {
            let Ok(entries) = fs::read_dir(base.join("env")) else { continue };
            found.extend(
                entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()),
            );
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Kills what is left in every slot and removes the slots' groups.
    pub(crate) fn sweep(&self) -> Result<()> {
        for slot in self.slots() {
            let slot = self.slot(slot);
            slot.kill()?;
            slot.remove()?;
        }
        Ok(())
    }

    /// Removes the instance's groups. They must be empty.
    pub fn remove(&self) -> Result<()> {
        for (_, base) in &self.layout.one {
            remove(&base.join("env"))?;
            remove(base)?;
        }
        let Some(base) = &self.layout.two else { return Ok(()) };
        if self.is_inside(base) {
            let above = base.parent().unwrap_or(base);
            attach(above, std::process::id()).with_context(|| format!("leave {}", self.name))?;
        }
        for part in ["core", "makers", "env"] {
            remove(&base.join(part))?;
        }
        remove(base)
    }

    fn is_inside(&self, base: &Path) -> bool {
        let own = std::process::id().to_string();
        let listed = fs::read_to_string(base.join("core/cgroup.procs")).unwrap_or_default();
        listed.lines().any(|pid| pid == own)
    }
}

/// The groups of one slot.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    two: Option<PathBuf>,
    one: Vec<(&'a [&'static str], PathBuf)>,
}

impl Slot<'_> {
    fn one_of(&self, controller: &str) -> Option<&Path> {
        self.one.iter().find(|(names, _)| names.contains(&controller)).map(|(_, path)| path.as_path())
    }

    /// The version 2 group, if that is where limits are.
    fn limits_two(&self) -> Option<&Path> {
        self.two.as_deref().filter(|path| self.one.is_empty() && path.join("memory.max").exists())
    }

    /// The group to clone init into, on version 2.
    pub(crate) fn directory(&self) -> Result<Option<OwnedFd>> {
        let open = |path: &PathBuf| File::open(path).with_context(|| format!("open {}", path.display()));
        Ok(self.two.as_ref().map(open).transpose()?.map(OwnedFd::from))
    }

    /// Puts init into the groups of version 1, all but the freezer.
    pub(crate) fn attach_init(&self, pid: u32) -> Result<()> {
        for (names, path) in &self.one {
            if *names != ["freezer"] {
                attach(path, pid)?;
            }
        }
        Ok(())
    }

    /// Puts the slot child where freezing works: init stays outside, so that it can always notice its end.
    pub(crate) fn attach_child(&self, pid: u32) -> Result<()> {
        if let Some(path) = &self.two {
            return attach(&path.join("box"), pid);
        }
        self.one_of("freezer").map_or(Ok(()), |path| attach(path, pid))
    }

    /// Applies the memory size.
    pub(crate) fn limit_memory(&self, memory_mb: u32) -> Result<()> {
        let bytes = (u64::from(memory_mb) << 20).to_string();
        if let Some(path) = self.one_of("memory") {
            write(&path.join("memory.limit_in_bytes"), &bytes)?;
            // Absent without swap accounting and, for TCP, on kernels to come: the probes say so to the operator.
            write_if_there(&path.join("memory.memsw.limit_in_bytes"), &bytes)?;
            write_if_there(&path.join("memory.kmem.tcp.limit_in_bytes"), &limits::TCP_BYTES.to_string())?;
        }
        if let Some(path) = self.limits_two() {
            write(&path.join("memory.max"), &bytes)?;
            write_if_there(&path.join("memory.swap.max"), "0")?;
            // Half a function is none: the kernel kills all of it.
            write_if_there(&path.join("memory.oom.group"), "1")?;
        }
        Ok(())
    }

    /// Opens what the server needs while the box runs.
    pub(crate) fn handles(&self, memory_mb: u32) -> Result<Handles> {
        let mut handles = Handles::new(memory_mb);
        let one = |name| self.one_of(name).map(Path::to_owned);
        let limits_two = self.limits_two().map(Path::to_owned);
        let boxed = self.two.as_ref().map(|path| path.join("box"));
        let rows = [
            (Kind::Freeze, boxed.clone(), "cgroup.freeze", one("freezer"), "freezer.state"),
            (Kind::Kill, self.two.clone(), "cgroup.kill", None, ""),
            (Kind::Processes, boxed, "cgroup.procs", one("freezer"), "cgroup.procs"),
            (Kind::Quota, limits_two.clone(), "cpu.max", one("cpu"), "cpu.cfs_quota_us"),
            (Kind::Burst, limits_two.clone(), "cpu.max.burst", one("cpu"), "cpu.cfs_burst_us"),
            (Kind::CpuUsage, limits_two.clone(), "cpu.stat", one("cpuacct"), "cpuacct.usage"),
            (Kind::MemoryEvents, limits_two, "memory.events", one("memory"), "memory.oom_control"),
        ];
        for (kind, two, two_name, one, one_name) in rows {
            let found = two.map(|path| (path.join(two_name), Version::Two)).filter(|(path, _)| path.exists());
            let found = found.or_else(|| one.map(|path| (path.join(one_name), Version::One)));
            let Some((path, version)) = found.filter(|(path, _)| path.exists()) else { continue };
            let mut options = OpenOptions::new();
            match kind {
                Kind::Freeze | Kind::Kill | Kind::Quota | Kind::Burst => options.write(true),
                Kind::Processes | Kind::CpuUsage | Kind::MemoryEvents | Kind::Exhausted => options.read(true),
            };
            let file = options.open(&path).with_context(|| format!("open {}", path.display()))?;
            handles.put(kind, file, version);
        }
        if let Some(notice) = self.one_of("memory").and_then(exhausted) {
            handles.put(Kind::Exhausted, notice, Version::One);
        }
        Ok(handles)
    }

    /// The directories that the box may see read-only below `/sys/fs/cgroup`, by the names they have there. The first
    /// without a name is the whole of it.
    pub(crate) fn views(&self) -> Vec<(&'static str, &Path)> {
        match self.limits_two() {
            Some(path) => vec![("", path)],
            None => {
                let wanted = ["memory", "cpu", "cpuacct", "pids"];
                let view = |name: &'static str| self.one_of(name).map(|path| (name, path));
                wanted.into_iter().filter_map(view).collect()
            }
        }
    }

    /// Kills every process of the slot and waits until they are gone.
    pub(crate) fn kill(&self) -> Result<()> {
        if let Some(path) = &self.two {
            write_if_there(&path.join("cgroup.kill"), "1")?;
        }
        let groups = || self.one.iter().map(|(_, path)| path).chain(self.two.iter());
        wait_until(|| {
            let mut empty = true;
            for path in groups() {
                for pid in fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default().lines() {
                    empty = false;
                    if let Some(pid) = pid.parse().ok().and_then(rustix::process::Pid::from_raw) {
                        // It may be gone by now; a pid is not used again while its group still lists it.
                        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                    }
                }
            }
            // Version 1: frozen processes ignore even SIGKILL until they are thawed.
            if let (None, Some(path)) = (&self.two, self.one_of("freezer")) {
                let _ = write_if_there(&path.join("freezer.state"), "THAWED");
            }
            empty
        })
        .context("processes of a dead box survive SIGKILL")
    }

    /// Removes the groups. They must be empty.
    pub(crate) fn remove(&self) -> Result<()> {
        if let Some(path) = &self.two {
            remove(&path.join("box"))?;
            remove(path)?;
        }
        for (_, path) in &self.one {
            remove(path)?;
        }
        Ok(())
    }
}

fn is_writable(group: &Path) -> bool {
    rustix::fs::access(group, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Whether a group hands controllers down, or would once this process has moved.
fn can_delegate(group: &Path) -> bool {
    let words = |file: &str| fs::read_to_string(group.join(file)).unwrap_or_default();
    let own = std::process::id().to_string();
    words("cgroup.subtree_control").split_whitespace().any(|name| name == "memory")
        || words("cgroup.procs").split_whitespace().all(|pid| pid == own)
}

fn delegate(group: &Path) -> Result<()> {
    let offered = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    for controller in ["memory", "cpu", "pids", "io"] {
        if offered.split_whitespace().any(|name| name == controller) {
            write(&group.join("cgroup.subtree_control"), &format!("+{controller}"))?;
        }
    }
    Ok(())
}

fn attach(group: &Path, pid: u32) -> Result<()> {
    write(&group.join("cgroup.procs"), &pid.to_string())
}

fn make(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("make {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let open = || OpenOptions::new().write(true).open(path);
    let write = |mut file: File| io::Write::write_all(&mut file, text.as_bytes());
    open().and_then(write).with_context(|| format!("write {text} to {}", path.display()))
}

fn write_if_there(path: &Path, text: &str) -> Result<()> {
    if path.exists() { write(path, text) } else { Ok(()) }
}

/// Removes a group; the kernel may take a moment after the last process.
fn remove(path: &Path) -> Result<()> {
    let mut last = Ok(());
    let waited = wait_until(|| {
        last = match fs::remove_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        !matches!(&last, Err(error) if error.kind() == io::ErrorKind::ResourceBusy)
    });
    last.and(waited).with_context(|| format!("remove {}", path.display()))
}

/// Asks until it is so, each millisecond, for as long as a dead box may take.
pub(crate) fn wait_until(mut done: impl FnMut() -> bool) -> io::Result<()> {
    for _ in 0..limits::CLEAR_MS {
        if done() {
            return Ok(());
        }
        let pause = rustix::event::Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        let _ = rustix::event::poll(&mut [], Some(&pause));
    }
    Err(io::ErrorKind::TimedOut.into())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

/// An eventfd that rings when the version 1 group is out of memory. A kernel without it (it is deprecated) leaves that to be
/// found at the end of the call.
fn exhausted(memory: &Path) -> Option<File> {
    let control = File::open(memory.join("memory.oom_control")).ok()?;
    let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
    let notice = File::from(eventfd(0, flags).ok()?);
    let order = format!("{} {}", notice.as_raw_fd(), control.as_raw_fd());
    let mut listeners = OpenOptions::new().write(true).open(memory.join("cgroup.event_control")).ok()?;
    listeners.write_all(order.as_bytes()).ok()?;
    Some(notice)
}
