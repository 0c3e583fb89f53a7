use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use crate::{Exit, Usage, limits};

/// Open files of one box's cgroups. Root opened them; whoever holds them may use them.
///
/// Absent files are features that the host lacks: their operation does nothing, or answers zero.
#[derive(Debug, Default)]
pub struct Handles {
    files: [Option<File>; Handles::KINDS],
    /// `status` in /proc of the processes that were there at the last look, kept open: it never becomes another's.
    statuses: Mutex<Vec<(u64, File)>>,
    memory_mb: u32,
    version_1: u8,
}

/// Which file; the order is the wire order of [`Parts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `cgroup.freeze` or `freezer.state`.
    Freeze,
    /// `cgroup.kill`.
    Kill,
    /// `cgroup.procs` of the function's processes, init excluded.
    Processes,
    /// `cpu.max` or `cpu.cfs_quota_us`.
    Quota,
    /// `cpu.max.burst` or `cpu.cfs_burst_us`.
    Burst,
    /// `cpu.stat` or `cpuacct.usage`.
    CpuUsage,
    /// `memory.events` or `memory.oom_control`.
    MemoryEvents,
    /// An eventfd that version 1 rings when the box is out of memory. Version 2 kills the whole box itself.
    Exhausted,
}

/// [`Handles`] taken apart to travel over a socket: the descriptors, and what each of them is.
#[derive(Debug)]
pub struct Parts {
    /// At most 8 descriptors.
    pub fds: Vec<OwnedFd>,
    /// Bit k: file k is among `fds`, which are in order.
    pub present: u8,
    /// Bit k: file k is one of cgroup version 1.
    pub version_1: u8,
    /// The memory size, from which the CPU share follows.
    pub memory_mb: u32,
}

impl Handles {
    pub(crate) const KINDS: usize = 8;

    pub(crate) fn new(memory_mb: u32) -> Handles {
        Handles { memory_mb, ..Handles::default() }
    }

    pub(crate) fn put(&mut self, kind: Kind, file: File, version: Version) {
        self.files[kind as usize] = Some(file);
        if version == Version::One {
            self.version_1 |= 1 << kind as u8;
        }
    }

    /// Takes the handles apart.
    pub fn into_parts(self) -> Parts {
        let mut present = 0;
        let mut fds = Vec::with_capacity(Handles::KINDS);
        for (at, file) in self.files.into_iter().enumerate() {
            if let Some(file) = file {
                present |= 1 << at;
                fds.push(OwnedFd::from(file));
            }
        }
        Parts { fds, present, version_1: self.version_1, memory_mb: self.memory_mb }
    }

    /// Puts the handles together again; an error if the number of descriptors does not match.
    pub fn from_parts(parts: Parts) -> io::Result<Handles> {
        let mut handles =
            Handles { memory_mb: parts.memory_mb, version_1: parts.version_1, ..Handles::default() };
        let mut fds = parts.fds.into_iter();
        for (at, file) in handles.files.iter_mut().enumerate() {
            if parts.present & (1 << at) != 0 {
                *file = Some(File::from(fds.next().ok_or(io::ErrorKind::InvalidInput)?));
            }
        }
        match fds.next() {
            None => Ok(handles),
            Some(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Stops the function's processes. Microseconds; they stop a little later.
    pub fn freeze(&self) -> io::Result<()> {
        self.write_either(Kind::Freeze, "1", "FROZEN")
    }

    /// Lets them go on.
    pub fn thaw(&self) -> io::Result<()> {
        self.write_either(Kind::Freeze, "0", "THAWED")
    }

    /// Kills every process of the box, init included, frozen or not. False where the host has no such file: then close
    /// the lifeline, after a thaw.
    pub fn kill(&self) -> io::Result<bool> {
        match &self.files[Kind::Kill as usize] {
            None => Ok(false),
            Some(file) => file.write_all_at(b"1", 0).map(|()| true),
        }
    }

    /// Applies the CPU share of the memory size: `memory / 1,769` per 20 ms, with as much saved up for bursts.
    pub fn limit_cpu(&self) -> io::Result<()> {
        let quota = limits::cpu_quota_us(self.memory_mb);
        self.write_either(Kind::Quota, &format!("{quota} {}", limits::CPU_PERIOD_US), &quota.to_string())?;
        self.write_either(Kind::Burst, &quota.to_string(), &quota.to_string())
    }

    /// What the box has needed of memory so far.
    pub fn usage(&self) -> io::Result<Usage> {
        Ok(Usage { peak_memory_bytes: self.peak_memory_bytes()?, oom_kills: self.oom_kills()? })
    }

    /// Takes what becomes readable when the box is out of memory, where the kernel kills but one process of it.
    pub(crate) fn take_exhausted(&mut self) -> Option<File> {
        self.files[Kind::Exhausted as usize].take()
    }

    /// CPU time in microseconds.
    pub fn cpu_us(&self) -> io::Result<u64> {
        self.read(Kind::CpuUsage, |text| match self.version(Kind::CpuUsage) {
            Version::One => number(text) / 1000,
            Version::Two => field(text, "usage_usec"),
        })
    }

    /// How often the kernel killed a process of the box for want of memory.
    pub fn oom_kills(&self) -> io::Result<u64> {
        self.read(Kind::MemoryEvents, |text| field(text, "oom_kill"))
    }

    /// The memory size in bytes.
    pub fn memory_bytes(&self) -> u64 {
        u64::from(self.memory_mb) << 20
    }

    /// The sum of the peak resident sizes of the living processes, at most the memory size.
    pub fn peak_memory_bytes(&self) -> io::Result<u64> {
        let mut kept = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *kept);
        let sum = self.read(Kind::Processes, |text| {
            let pids = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            pids.map(|line| {
                let pid = number(line);
                let known = before.iter().position(|(of, _)| *of == pid).map(|at| before.swap_remove(at).1);
                let (peak, file) = peak_bytes(pid, known);
                if let Some(file) = file.filter(|_| kept.len() < limits::STATUS_FILES) {
                    kept.push((pid, file));
                }
                peak
            })
            .sum::<u64>()
        })?;
        Ok(sum.min(self.memory_bytes()))
    }

    fn version(&self, kind: Kind) -> Version {
        if self.version_1 & (1 << kind as u8) != 0 { Version::One } else { Version::Two }
    }

    fn write_either(&self, kind: Kind, two: &str, one: &str) -> io::Result<()> {
        let Some(file) = &self.files[kind as usize] else { return Ok(()) };
        let text = match self.version(kind) {
            Version::One => one,
            Version::Two => two,
        };
        file.write_all_at(text.as_bytes(), 0)
    }

    fn read<T>(&self, kind: Kind, read: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        match &self.files[kind as usize] {
            Some(file) => whole(file, read),
            None => Ok(read(b"")),
        }
    }
}

/// The peak resident size of a process, and its `status`. A process that ended meanwhile counts nothing; one whose
/// number was used again is opened again.
fn peak_bytes(pid: u64, known: Option<File>) -> (u64, Option<File>) {
    let read = |file: File| Some((1024 * whole(&file, |text| field(text, "VmHWM:")).ok()?, file));
    let opened = || File::open(format!("/proc/{pid}/status")).ok().and_then(read);
    known.and_then(read).or_else(opened).map_or((0, None), |(peak, file)| (peak, Some(file)))
}

/// Reads a kernel's file from its start, in one read when it is short: this runs at every call.
fn whole<T>(file: &File, read: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
    let mut buffer = [0; 4096];
    let mut count = file.read_at(&mut buffer, 0)?;
    // The kernel fills a page but for a record that does not fit, and records are short: half a page is the end.
    if count < buffer.len() / 2 {
        return Ok(read(&buffer[..count]));
    }
    let mut bytes = Vec::new();
    while count > 0 {
        bytes.extend_from_slice(&buffer[..count]);
        count = file.read_at(&mut buffer, bytes.len() as u64)?;
    }
    Ok(read(&bytes))
}

/// The version of a cgroup hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

/// The number after a word at the start of a line; 0 without one.
fn field(text: &[u8], name: &str) -> u64 {
    let of_line = |line: &[u8]| {
        let rest = line.strip_prefix(name.as_bytes())?;
        rest.first().filter(|byte| byte.is_ascii_whitespace())?;
        Some(number(rest))
    };
    text.split(|byte| *byte == b'\n').find_map(of_line).unwrap_or(0)
}

/// The number that a text begins with, after white space; 0 without one.
fn number(text: &[u8]) -> u64 {
    let digits = text.trim_ascii_start().iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |sum: u64, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

impl Exit {
    /// How init reports an end on its status pipe: a kind, then a number, both `u32` in native order.
    pub fn to_bytes(self) -> [u8; 8] {
        let (kind, value) = match self {
            Exit::Status(value) => (1u32, value),
            Exit::Signal(value) => (2, value),
            Exit::NotStarted(value) => (3, value),
        };
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&kind.to_ne_bytes());
        bytes[4..].copy_from_slice(&value.to_ne_bytes());
        bytes
    }

    /// Reads what [`Exit::to_bytes`] wrote; nothing for anything else, an empty read above all (init was killed).
    pub fn from_bytes(bytes: &[u8]) -> Option<Exit> {
        let (kind, value) = bytes.split_first_chunk::<4>()?;
        let value = i32::from_ne_bytes(value.try_into().ok()?);
        match u32::from_ne_bytes(*kind) {
            1 => Some(Exit::Status(value)),
            2 => Some(Exit::Signal(value)),
            3 => Some(Exit::NotStarted(value)),
            _ => None,
        }
    }
}
