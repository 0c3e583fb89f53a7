use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::mount::{MountAttrFlags, MountPropagationFlags};

use super::{Facts, Inside, Limits, Trial};
use crate::cgroup::{Axis, Tree};
use crate::kernel::{self, Cloned, ExitOnUnwind, Mapped, exit_now};
use crate::packs;
use crate::slot::{self, Host, Reaper, new_mount, raise_loopback};

/// The last block of ids that instances claim from: a box made here lives for milliseconds.
const PROBE_UIDS: u32 = 1_879_048_192 + 524_288 - 4_096;

/// Finds out what this machine gives, for a data folder that need not exist yet. Takes some tens of milliseconds and
/// leaves nothing. Needs a process without other threads that hold locks, as all cloning does.
pub fn probe(data: &Path) -> Facts {
    let root = rustix::process::geteuid().is_root();
    let user_namespace = trial(0, "make a user namespace", || Ok(()));
    let after =
        |flags, step, act| if user_namespace.works() { trial(flags, step, act) } else { Trial::NotTried };
    let mounts = after(libc::CLONE_NEWNS, "mount a tmpfs", || mount(c"tmpfs", &[]));
    let proc = after(libc::CLONE_NEWNS | libc::CLONE_NEWPID, "mount /proc", || {
        mount(c"proc", &[(c"hidepid", c"2")])
    });
    let overlay = after(libc::CLONE_NEWNS, "merge two directories", || {
        mount(c"overlay", &[(c"lowerdir", c"/usr:/etc")])
    });
    let network = after(libc::CLONE_NEWNET, "raise the loopback interface", || {
        raise_loopback().map_err(|failure| failure.errno)
    });
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Facts {
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
        architecture: std::env::consts::ARCH.to_owned(),
        cpus: std::thread::available_parallelism().map_or(1, |count| count.get() as u32),
        memory_bytes: kilobytes("MemTotal:"),
        inside: inside(),
        root,
        sandbox: match root && user_namespace.works() {
            true => ended(make_one(data)),
            false => Trial::NotTried,
        },
        user_namespace,
        mounts,
        proc,
        network,
        overlay,
        apparmor_restricts: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1),
        seccomp: has_seccomp(),
        landlock: slot::landlock_version(),
        limits: limits(),
        swap: kilobytes("SwapTotal:") > 0,
        open_files: limit.maximum.unwrap_or(u64::MAX),
        processes: number("/proc/sys/kernel/pid_max").unwrap_or(32_768),
        data_file_system: file_system(data),
        pythons: packs::pythons_on_this_host(),
    }
}

fn ended(result: Result<()>) -> Trial {
    match result {
        Ok(()) => Trial::Works,
        Err(error) => Trial::Fails(format!("{error:#}")),
    }
}

/// Lets a child in namespaces of its own do one thing.
fn trial(flags: libc::c_int, step: &str, act: fn() -> rustix::io::Result<()>) -> Trial {
    ended(attempt(flags, act).with_context(|| step.to_owned()))
}

fn attempt(flags: libc::c_int, act: fn() -> rustix::io::Result<()>) -> Result<()> {
    let (go, start) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    // SAFETY: the child makes system calls only, and ends with `exit_now`.
    match unsafe { kernel::clone3((libc::CLONE_NEWUSER | flags) as u64, None) }? {
        Cloned::Child => {
            let _never_return = ExitOnUnwind;
            drop(start);
            // Nothing comes: it waits for the end of the pipe, that is for its ids.
            let _ = rustix::io::read(&go, &mut [0u8; 1]);
            exit_now(match become_root().and_then(|()| act()) {
                Ok(()) => 0,
                Err(errno) => errno.raw_os_error(),
            })
        }
        Cloned::Parent(pid, pidfd) => {
            let mapped = map(pid);
            drop(start);
            let ended = rustix::io::retry_on_intr(|| {
                let id = rustix::process::WaitId::PidFd(pidfd.as_fd());
                rustix::process::waitid(id, rustix::process::WaitIdOptions::EXITED)
            })?;
            mapped?;
            match ended.and_then(|status| status.exit_status()) {
                Some(0) => Ok(()),
                Some(errno) => Err(std::io::Error::from_raw_os_error(errno).into()),
                None => anyhow::bail!("the child was killed"),
            }
        }
    }
}

fn become_root() -> rustix::io::Result<()> {
    use rustix::process::{Gid, Uid};
    rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT)?;
    rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT)
}

/// Root gives the child an id of its own; an ordinary user can only give his.
fn map(pid: u32) -> Result<()> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    if user.is_root() {
        return kernel::write_maps(pid, &[Mapped { inside: 0, outside: PROBE_UIDS }]);
    }
    fs::write(format!("/proc/{pid}/setgroups"), "deny").context("forbid setgroups")?;
    fs::write(format!("/proc/{pid}/uid_map"), format!("0 {} 1", user.as_raw())).context("map the user")?;
    fs::write(format!("/proc/{pid}/gid_map"), format!("0 {} 1", group.as_raw())).context("map the group")
}

fn mount(kind: &std::ffi::CStr, options: &[(&std::ffi::CStr, &std::ffi::CStr)]) -> rustix::io::Result<()> {
    rustix::mount::mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    new_mount(kind, options, MountAttrFlags::empty()).map(drop)
}

/// Makes a whole box and removes it.
fn make_one(data: &Path) -> Result<()> {
    let name = format!("probe-{}", std::process::id());
    let near = data.ancestors().find(|folder| folder.is_dir()).context("no such data folder")?;
    let folders = Scratch(vec![near.join(format!(".{name}")), PathBuf::from("/run/lambent").join(&name)]);
    for folder in &folders.0 {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).context("open a directory")?;
    }
    let host = Host::open(&folders.0[0], &folders.0[1], PROBE_UIDS, Reaper::Caller)?;
    let made = slot::blank(&host, 0).map(drop);
    let swept = slot::sweep(&host).and_then(|()| host.cgroups().remove());
    made.and(swept)
}

/// Directories that go with it.
struct Scratch(Vec<PathBuf>);

impl Drop for Scratch {
    fn drop(&mut self) {
        for folder in &self.0 {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn limits() -> Limits {
    let Ok(tree) = Tree::find("lambent-probe") else {
        return Limits { axis: Axis::Nothing, cpu: false, swap: false, tcp: false, kill: false };
    };
    let axis = tree.axis();
    let two = axis == Axis::Two;
    let one = |controller, file: &str| tree.one(controller).is_some_and(|group| group.join(file).exists());
    Limits {
        axis,
        cpu: if two { tree.offers("cpu") } else { one("cpu", "cpu.cfs_quota_us") },
        swap: two || one("memory", "memory.memsw.limit_in_bytes"),
        tcp: two || one("memory", "memory.kmem.tcp.limit_in_bytes"),
        kill: tree.unified().is_some_and(|root| root.join("cgroup.procs").exists()),
    }
}

fn inside() -> Inside {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().to_lowercase();
    if Path::new("/var/run/secrets/kubernetes.io").exists() {
        Inside::Kubernetes
    } else if Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists() {
        Inside::Docker
    } else if release.contains("microsoft") {
        Inside::Wsl
    } else {
        Inside::Nothing
    }
}

fn has_seccomp() -> bool {
    const SECCOMP_GET_ACTION_AVAIL: libc::c_int = 2;
    let action = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the kernel reads one number.
    unsafe { libc::syscall(libc::SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) == 0 }
}

/// The file system type of the nearest directory that exists, from the mount table.
fn file_system(data: &Path) -> String {
    let near = data.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    let near = fs::canonicalize(near).unwrap_or_else(|_| near.to_owned());
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounts = table.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let point = PathBuf::from(words.next()?.replace("\\040", " "));
        near.starts_with(&point).then_some((point.components().count(), words.next()?))
    });
    // The last of the deepest: later mounts cover earlier ones.
    mounts.max_by_key(|(depth, _)| *depth).map_or("unknown", |(_, kind)| kind).to_owned()
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn kilobytes(name: &str) -> u64 {
    let table = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let value =
        table.lines().find_map(|line| line.strip_prefix(name)?.trim().split(' ').next()?.parse::<u64>().ok());
    value.unwrap_or(0) * 1024
}
