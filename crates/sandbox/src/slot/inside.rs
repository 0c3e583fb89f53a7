//! What init does inside its namespaces: network, and the pieces of the root tree. Allocates nothing.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags,
};
use rustix::net::{AddressFamily, SocketAddrV4, SocketFlags, SocketType};

use crate::kernel::{attr, set_mount_attributes};
use crate::limits;

/// A step that failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    pub step: &'static str,
    pub errno: Errno,
}

pub(crate) type Steps<T> = Result<T, Failure>;

/// Names the step that a result belongs to.
pub(super) trait At<T> {
    fn at(self, step: &'static str) -> Steps<T>;
}

impl<T> At<T> for rustix::io::Result<T> {
    fn at(self, step: &'static str) -> Steps<T> {
        self.map_err(|errno| Failure { step, errno })
    }
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, step: &'static str) -> Steps<T> {
        self.map_err(|error| Failure { step, errno: Errno::from_io_error(&error).unwrap_or(Errno::IO) })
    }
}

/// Turns the loopback interface on.
pub(crate) fn raise_loopback() -> Steps<()> {
    let step = "raise the loopback interface";
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
        .at(step)?;
    // SAFETY: all-zero is a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: the request reads one `ifreq`, which lives across the call.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()).at(step),
    }
}

/// Binds a listener. Never with SO_REUSEADDR or SO_REUSEPORT: the function must not be able to bind beside it.
pub(super) fn listen(port: u16) -> Steps<OwnedFd> {
    let step = "listen inside the box";
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).at(step)?;
    rustix::net::bind(&socket, &SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port)).at(step)?;
    rustix::net::listen(&socket, limits::BACKLOG).at(step)?;
    Ok(socket)
}

/// The mounts that wait for their root.
pub(super) struct Pieces {
    pub proc: OwnedFd,
    pub dev: OwnedFd,
    pub sys: OwnedFd,
    pub tmp: OwnedFd,
}

/// What a function has no business to read in `/proc`: files become empty devices, directories empty directories.
const HIDDEN_FILES: [&CStr; 12] = [
    c"proc/kcore",
    c"proc/keys",
    c"proc/key-users",
    c"proc/kallsyms",
    c"proc/kmsg",
    c"proc/timer_list",
    c"proc/sched_debug",
    c"proc/latency_stats",
    c"proc/sysrq-trigger",
    c"proc/config.gz",
    c"proc/interrupts",
    c"proc/modules",
];
const HIDDEN_FOLDERS: [&CStr; 6] =
    [c"proc/acpi", c"proc/scsi", c"proc/fs", c"proc/bus", c"proc/irq", c"proc/driver"];

const DEVICES: [(&CStr, &CStr); 5] = [
    (c"/dev/null", c"dev/null"),
    (c"/dev/zero", c"dev/zero"),
    (c"/dev/full", c"dev/full"),
    (c"/dev/random", c"dev/random"),
    (c"/dev/urandom", c"dev/urandom"),
];

/// Builds the pieces below a tmpfs at `run`, which becomes the working directory. `views` are cgroup directories.
pub(super) fn assemble(
    run: &CStr,
    tmp: OwnedFd,
    views: &mut dyn Iterator<Item = (&CStr, OwnedFd)>,
) -> Steps<Pieces> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change(c"/", private).at("make mounts private")?;
    let skeleton = new_mount(c"tmpfs", &[(c"mode", c"755"), (c"size", c"64k")], MountAttrFlags::empty());
    let skeleton = skeleton.at("mount the skeleton")?;
    attach(skeleton.as_fd(), run).at("attach the skeleton")?;
    rustix::process::chdir(run).at("enter the skeleton")?;
    for name in [
        c"root", c"proc", c"dev", c"sys", c"tmp", c"empty", c"layer0", c"layer1", c"layer2", c"layer3",
        c"layer4",
    ] {
        folder(name).at("fill the skeleton")?;
    }
    let dev = devices()?;
    let proc = processes()?;
    let sys = system(views)?;
    attach(tmp.as_fd(), c"tmp").at("attach /tmp")?;
    Ok(Pieces { proc, dev, sys, tmp })
}

fn devices() -> Steps<OwnedFd> {
    let dev = new_mount(c"tmpfs", &[(c"mode", c"755"), (c"size", c"64k")], MountAttrFlags::MOUNT_ATTR_NOSUID);
    let dev = dev.at("mount /dev")?;
    attach(dev.as_fd(), c"dev").at("attach /dev")?;
    for (host, here) in DEVICES {
        rustix::fs::openat(
            CWD,
            here,
            OFlags::CREATE | OFlags::CLOEXEC | OFlags::WRONLY,
            Mode::from_raw_mode(0o666),
        )
        .at("make a device's place")?;
        let device = clone_tree(host).at("clone a device")?;
        set_mount_attributes(device.as_fd(), attr::NOSUID | attr::NOEXEC, None).at("bind a device")?;
        attach(device.as_fd(), here).at("bind a device")?;
    }
    let links = [
        (c"/proc/self/fd", c"dev/fd"),
        (c"/proc/self/fd/0", c"dev/stdin"),
        (c"/proc/self/fd/1", c"dev/stdout"),
        (c"/proc/self/fd/2", c"dev/stderr"),
    ];
    for (target, link) in links {
        rustix::fs::symlinkat(target, CWD, link).at("link a stream")?;
    }
    set_mount_attributes(dev.as_fd(), attr::RDONLY | attr::NOSUID | attr::NOEXEC, None).at("close /dev")?;
    Ok(dev)
}

fn processes() -> Steps<OwnedFd> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    // Fails with EPERM where the host's own /proc is masked: what default containers do.
    let proc = new_mount(c"proc", &[(c"hidepid", c"2")], attributes).at("mount /proc")?;
    attach(proc.as_fd(), c"proc").at("attach /proc")?;
    for file in HIDDEN_FILES {
        cover(c"dev/null", file, 0).at("hide a file of /proc")?;
    }
    for folder in HIDDEN_FOLDERS {
        cover(c"empty", folder, attr::RDONLY).at("hide a directory of /proc")?;
    }
    let all = attr::RDONLY | attr::NOSUID | attr::NODEV | attr::NOEXEC;
    cover(c"proc/sys", c"proc/sys", all).at("close /proc/sys")?;
    Ok(proc)
}

fn system(views: &mut dyn Iterator<Item = (&CStr, OwnedFd)>) -> Steps<OwnedFd> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let sys = new_mount(c"tmpfs", &[(c"mode", c"755"), (c"size", c"64k")], attributes).at("mount /sys")?;
    attach(sys.as_fd(), c"sys").at("attach /sys")?;
    folder(c"sys/fs").and_then(|()| folder(c"sys/fs/cgroup")).at("fill /sys")?;
    for (place, view) in views {
        if place != c"sys/fs/cgroup" {
            folder(place).at("fill /sys/fs/cgroup")?;
        }
        attach(view.as_fd(), place).at("attach a cgroup view")?;
    }
    set_mount_attributes(sys.as_fd(), attr::RDONLY | attr::NOSUID | attr::NODEV | attr::NOEXEC, None)
        .at("close /sys")?;
    Ok(sys)
}

/// The trees of one function, as the maker opened them.
pub(super) struct Trees<'a> {
    pub root: OwnedFd,
    pub tmp: Option<OwnedFd>,
    pub task: Option<OwnedFd>,
    pub layers: &'a mut dyn Iterator<Item = OwnedFd>,
}

/// Puts the root together and leaves the host's tree for good. The working directory must be the skeleton's.
pub(super) fn enter(pieces: &mut Pieces, trees: Trees<'_>) -> Steps<()> {
    if let Some(tmp) = trees.tmp {
        rustix::mount::unmount(c"tmp", UnmountFlags::DETACH).at("drop the spare /tmp")?;
        attach(tmp.as_fd(), c"tmp").at("attach /tmp")?;
        pieces.tmp = tmp;
    }
    let opt = merge(trees.layers)?;
    attach(trees.root.as_fd(), c"root").at("attach the root")?;
    rustix::process::chdir(c"root").at("enter the root")?;
    // The old root ends up on top of the new one; this directory still is the new one.
    rustix::process::pivot_root(c".", c".").at("pivot to the root")?;
    for (piece, place) in
        [(&pieces.proc, c"/proc"), (&pieces.dev, c"/dev"), (&pieces.sys, c"/sys"), (&pieces.tmp, c"/tmp")]
    {
        attach(piece.as_fd(), place).at("attach /proc, /dev, /sys, /tmp")?;
    }
    if let Some(task) = trees.task {
        attach(task.as_fd(), c"/var/task").at("attach /var/task")?;
    }
    if let Some(opt) = opt {
        attach(opt.as_fd(), c"/opt").at("attach /opt")?;
    }
    rustix::mount::unmount(c".", UnmountFlags::DETACH).at("leave the old root")?;
    rustix::process::chdir(c"/").at("enter the root")
}

/// The places of layers, as overlayfs wants them named: from the upmost down.
const LAYERS: [&CStr; limits::LAYERS] = [c"layer0", c"layer1", c"layer2", c"layer3", c"layer4"];
const MERGED: [&CStr; limits::LAYERS + 1] = [
    c"",
    c"layer0",
    c"layer1:layer0",
    c"layer2:layer1:layer0",
    c"layer3:layer2:layer1:layer0",
    c"layer4:layer3:layer2:layer1:layer0",
];

fn merge(layers: &mut dyn Iterator<Item = OwnedFd>) -> Steps<Option<OwnedFd>> {
    let mut first = None;
    let mut count = 0;
    for (layer, place) in layers.zip(LAYERS) {
        attach(layer.as_fd(), place).at("attach a layer")?;
        first.get_or_insert(layer);
        count += 1;
    }
    if count < 2 {
        return Ok(first);
    }
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV;
    new_mount(c"overlay", &[(c"lowerdir", MERGED[count])], attributes).at("merge the layers").map(Some)
}

/// Makes a mount that is attached nowhere.
pub(crate) fn new_mount(
    kind: &CStr,
    options: &[(&CStr, &CStr)],
    attributes: MountAttrFlags,
) -> rustix::io::Result<OwnedFd> {
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        rustix::mount::fsconfig_set_string(&context, *key, *value)?;
    }
    rustix::mount::fsconfig_create(&context)?;
    rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

fn clone_tree(path: &CStr) -> rustix::io::Result<OwnedFd> {
    rustix::mount::open_tree(CWD, path, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)
}

/// Attaches a mount, new or moved.
fn attach(mount: BorrowedFd<'_>, place: &CStr) -> rustix::io::Result<()> {
    rustix::mount::move_mount(mount, c"", CWD, place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// Binds something over a path, if that exists.
fn cover(with: &CStr, path: &CStr, attributes: u64) -> std::io::Result<()> {
    let mount = clone_tree(with)?;
    if attributes != 0 {
        set_mount_attributes(mount.as_fd(), attributes, None)?;
    }
    match attach(mount.as_fd(), path) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn folder(path: &CStr) -> rustix::io::Result<()> {
    rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(0o755))
}

/// Joins a new, empty session keyring: the maker's must not be reachable.
pub(super) fn renew_keyring() -> Steps<()> {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_int = 1;
    // SAFETY: a null name asks for an anonymous keyring.
    let result =
        unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<u8>()) };
    match result {
        // A kernel without keys has none to hide.
        -1 if Errno::from_io_error(&std::io::Error::last_os_error()) != Some(Errno::NOSYS) => {
            Err(std::io::Error::last_os_error()).at("renew the session keyring")
        }
        _ => Ok(()),
    }
}

/// Makes a pipe whose ends close at exec.
pub(super) fn pipe() -> Steps<(OwnedFd, OwnedFd)> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).at("make a pipe")
}

/// Reads until the buffer is full or the other end is closed; answers how much.
pub(super) fn read_all(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> rustix::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::retry_on_intr(|| rustix::io::read(fd, &mut buffer[filled..]))? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// Writes all of it.
pub(super) fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        let count = rustix::io::retry_on_intr(|| rustix::io::write(fd, bytes))?;
        bytes = &bytes[count..];
    }
    Ok(())
}
