//! Kernel interfaces that no crate wraps: `clone3`, idmapped mounts, loop devices, user namespaces.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::process::{Signal, WaitId, WaitIdOptions};

/// `MOUNT_ATTR_*` of linux/mount.h.
pub(crate) mod attr {
    pub(crate) const RDONLY: u64 = 0x1;
    pub(crate) const NOSUID: u64 = 0x2;
    pub(crate) const NODEV: u64 = 0x4;
    pub(crate) const NOEXEC: u64 = 0x8;
    pub(crate) const NOATIME: u64 = 0x10;
    pub(super) const ATIMES: u64 = 0x70;
    pub(crate) const IDMAP: u64 = 0x0010_0000;
}

/// `struct mount_attr`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

/// Sets attributes of the mount that `mount` refers to; with [`attr::IDMAP`], by the given user namespace.
pub(crate) fn set_mount_attributes(
    mount: BorrowedFd<'_>,
    set: u64,
    userns: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let userns = userns.map_or(0, |fd| fd.as_raw_fd() as u64);
    // The three ways to keep access times are one field, which must be cleared to be set.
    let clear = if set & attr::NOATIME != 0 { attr::ATIMES } else { 0 };
    let attributes = MountAttributes { set, clear, propagation: 0, userns };
    // SAFETY: the path is a NUL-terminated literal and the structure lives across the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The C library's constant is too narrow.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Which side of a [`clone3`] this is.
pub(crate) enum Cloned {
    /// The new process.
    Child,
    /// The old one, with the new one's pid (as seen from here) and pidfd.
    Parent(u32, OwnedFd),
}

/// Makes a process that is a copy of this one, as `fork` does but without any of the C library's preparations.
///
/// # Safety
/// If this process has other threads, the child may call only async-signal-safe code: no allocation, no locks. It must
/// end with [`exit_now`] or exec, never return into code of the parent.
pub(crate) unsafe fn clone3(flags: u64, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Cloned> {
    let mut pidfd: RawFd = -1;
    // SAFETY: an all-zero `clone_args` is valid.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = flags | libc::CLONE_PIDFD as u64;
    args.pidfd = &raw mut pidfd as u64;
    if flags & libc::CLONE_PARENT as u64 == 0 {
        args.exit_signal = libc::SIGCHLD as u64;
    }
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: no CLONE_VM, so the child has its own copy of this stack; the rest is the caller's promise.
    match unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<libc::clone_args>()) } {
        0 => Ok(Cloned::Child),
        // SAFETY: the kernel has just made this descriptor for us.
        pid if pid > 0 => Ok(Cloned::Parent(pid as u32, unsafe { OwnedFd::from_raw_fd(pidfd) })),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends this process at once: no destructors, no exit handlers.
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: takes no pointers.
    unsafe { libc::_exit(status) }
}

/// Ends the process when a panic unwinds through its owner: a clone must never return into its parent's code.
pub(crate) struct ExitOnUnwind;

impl Drop for ExitOnUnwind {
    fn drop(&mut self) {
        exit_now(112);
    }
}

/// Kills a process and, if it is a child of this one, waits for it.
pub(crate) fn kill_and_reap(pidfd: BorrowedFd<'_>) {
    let _ = rustix::process::pidfd_send_signal(pidfd, Signal::KILL);
    reap(pidfd);
}

/// Waits for a child; returns at once if it is somebody else's.
pub(crate) fn reap(pidfd: BorrowedFd<'_>) {
    let _ =
        rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED));
}

/// The pid of a process by its pidfd, as this process's `/proc` numbers it.
pub(crate) fn pid_of(pidfd: BorrowedFd<'_>) -> Result<u32> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let pid = text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    pid.filter(|pid| *pid != 0).context("the process is gone")
}

/// One line of a uid and gid map: one id inside a namespace and the host's id that it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mapped {
    pub inside: u32,
    pub outside: u32,
}

/// Gives the user namespace of a process its ids.
pub(crate) fn write_maps(pid: u32, ids: &[Mapped]) -> Result<()> {
    let lines: String = ids.iter().map(|id| format!("{} {} 1\n", id.inside, id.outside)).collect();
    for file in ["uid_map", "gid_map"] {
        let path = format!("/proc/{pid}/{file}");
        std::fs::write(&path, &lines).with_context(|| format!("write {path}"))?;
    }
    Ok(())
}

/// Opens the user namespace of a process.
pub(crate) fn user_namespace_of(pid: u32) -> Result<OwnedFd> {
    let path = format!("/proc/{pid}/ns/user");
    Ok(File::open(&path).with_context(|| format!("open {path}"))?.into())
}

/// Makes a user namespace without processes, for an idmapped mount.
pub(crate) fn user_namespace(ids: &[Mapped]) -> Result<OwnedFd> {
    // SAFETY: the child calls `pause` and nothing else.
    match unsafe { clone3(libc::CLONE_NEWUSER as u64, None) }.context("make a user namespace")? {
        Cloned::Child => loop {
            // SAFETY: takes no pointers.
            unsafe { libc::pause() };
        },
        Cloned::Parent(pid, pidfd) => {
            let opened = write_maps(pid, ids).and_then(|()| user_namespace_of(pid));
            kill_and_reap(pidfd.as_fd());
            opened
        }
    }
}

/// Opens a path below a directory: no symbolic links, no way out.
pub(crate) fn open_beneath(
    folder: BorrowedFd<'_>,
    path: &str,
    flags: OFlags,
    mode: Mode,
) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(folder, path, flags | OFlags::CLOEXEC, mode, resolve)
}

/// A loop device over a file. The device goes with its last user: this value, later the mount.
#[derive(Debug)]
pub(crate) struct Loop {
    _device: OwnedFd,
    pub number: u32,
}

/// `struct loop_config`, with the fields of `struct loop_info64` that are used by name.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    before_flags: [u32; 13],
    flags: u32,
    names: [u8; 64 + 64 + 32],
    init: [u64; 2],
    reserved: [u64; 8],
}

const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4C82;
const LOOP_CONFIGURE: libc::Ioctl = 0x4C0A;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

impl Loop {
    /// Attaches a file to a free loop device.
    pub(crate) fn attach(file: BorrowedFd<'_>) -> Result<Loop> {
        let control = File::open("/dev/loop-control").context("open /dev/loop-control")?;
        for _ in 0..64 {
            // SAFETY: this request takes no argument.
            let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
            let number = u32::try_from(number)
                .map_err(|_| io::Error::last_os_error())
                .context("find a loop device")?;
            let path = format!("/dev/loop{number}");
            let device = std::fs::OpenOptions::new().read(true).write(true).open(&path);
            let device = device.with_context(|| format!("open {path}"))?;
            let config = LoopConfig {
                fd: file.as_raw_fd() as u32,
                block_size: 4096,
                before_flags: [0; 13],
                flags: LO_FLAGS_AUTOCLEAR,
                names: [0; 160],
                init: [0; 2],
                reserved: [0; 8],
            };
            // SAFETY: the structure has the layout of `struct loop_config` and lives across the call.
            if unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const config) } == 0 {
                return Ok(Loop { _device: device.into(), number });
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::ResourceBusy {
                return Err(error).with_context(|| format!("attach {path}"));
            }
            // Another maker was quicker.
        }
        anyhow::bail!("attach a loop device: 64 others were quicker")
    }

    /// Whether some loop device still uses a file.
    pub(crate) fn uses(inode: &rustix::fs::Stat) -> bool {
        let Ok(entries) = std::fs::read_dir("/sys/block") else { return false };
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let used = name.to_str().is_some_and(|name| name.starts_with("loop"));
            used && entry.path().join("loop/backing_file").exists()
                && backs(&Path::new("/dev").join(&name), inode)
        })
    }
}

/// `struct loop_info64`, of which only the identity of the file is used.
#[repr(C)]
struct LoopStatus {
    device: u64,
    inode: u64,
    rest: [u64; 27],
}

fn backs(device: &Path, file: &rustix::fs::Stat) -> bool {
    const LOOP_GET_STATUS64: libc::Ioctl = 0x4C05;
    let Ok(device) = File::open(device) else { return false };
    let mut status = LoopStatus { device: 0, inode: 0, rest: [0; 27] };
    // SAFETY: the structure has the size of `struct loop_info64`, 232 bytes, and lives across the call.
    let known = unsafe { libc::ioctl(device.as_raw_fd(), LOOP_GET_STATUS64, &raw mut status) } == 0;
    known && status.inode == file.st_ino && status.device == file.st_dev
}

const _: () = assert!(size_of::<LoopConfig>() == 304 && size_of::<LoopStatus>() == 232);
