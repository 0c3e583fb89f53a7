//! The maker's half of a box: everything that needs the real root.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::OpenTreeFlags;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::control::{FDS, Received, Start, from_init, receive, send, to_init};
use super::host::FUNCTION;
use super::image::{self, Image};
use super::walls::landlock_version;
use super::{Blank, Host, Reaper, Request, Running, child, init};
use crate::cgroup;
use crate::kernel::{self, Cloned, ExitOnUnwind, attr, open_beneath};
use crate::{StartError, limits, seccomp};

/// Init of a box that is being made: dropping it kills it.
#[derive(Debug)]
pub(super) struct Init {
    pidfd: Option<OwnedFd>,
    pid: u32,
    reaper: Reaper,
}

impl Init {
    /// Asks its pidfd, without waiting.
    pub(super) fn is_alive(&self) -> bool {
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let poll = |pidfd| rustix::event::PollFd::new(pidfd, rustix::event::PollFlags::IN);
        let ended = |pidfd| rustix::event::poll(&mut [poll(pidfd)], Some(&now)) != Ok(0);
        !self.pidfd.as_ref().is_none_or(ended)
    }

    fn release(mut self) -> Result<OwnedFd> {
        self.pidfd.take().context("init was released twice")
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        let Some(pidfd) = &self.pidfd else { return };
        match self.reaper {
            Reaper::Caller => kernel::kill_and_reap(pidfd.as_fd()),
            Reaper::Parent => drop(rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL)),
        }
    }
}

const NAMESPACES: libc::c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS;

/// Ports of the two listeners: the Runtime API and the AWS endpoint.
const PORTS: [u16; 2] = [9001, 4566];

/// Where a cgroup view appears, relative to the skeleton.
fn view_place(name: &str) -> &'static CStr {
    match name {
        "memory" => c"sys/fs/cgroup/memory",
        "cpu" => c"sys/fs/cgroup/cpu",
        "cpuacct" => c"sys/fs/cgroup/cpuacct",
        "pids" => c"sys/fs/cgroup/pids",
        _ => c"sys/fs/cgroup",
    }
}

pub(super) fn blank(host: &Host, slot: u32) -> Result<Blank> {
    ensure!(slot < Host::SLOTS, "slot {slot} has no ids");
    let group = host.cgroups.create(slot)?;
    let image = Image::create(host, limits::BLANK_TMP_MB)?;
    let made = assemble(host, slot, &group, &image);
    if made.is_err() {
        // The next attempt makes another one.
        let _ = image::remove(host, image.name);
    }
    made
}

fn assemble(host: &Host, slot: u32, group: &cgroup::Slot<'_>, image: &Image) -> Result<Blank> {
    let views = group.views();
    let places: Vec<_> = views.iter().map(|(name, _)| view_place(name)).collect();
    let ends = Ends::make(host.ids(slot)[1].outside)?;
    let plan = ends.plan(host, &places);
    let directory = group.directory()?;
    let init = clone_init(host.reaper, directory.as_ref(), &plan)?;
    let control = ends.control.0;
    limit_wait(control.as_fd())?;

    kernel::write_maps(init.pid, &host.ids(slot))?;
    group.attach_init(init.pid)?;
    let userns = kernel::user_namespace_of(init.pid)?;
    let mut mounts = vec![image.mount(userns.as_fd())?];
    for (_, path) in &views {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let view = rustix::fs::open(*path, flags, Mode::empty()).context("open a cgroup view")?;
        let closed = attr::RDONLY | attr::NOSUID | attr::NODEV | attr::NOEXEC;
        mounts.push(clone_mount(view.as_fd(), closed, None).context("clone a cgroup view")?);
    }
    let fds: Vec<_> = mounts.iter().map(AsFd::as_fd).collect();
    send(control.as_fd(), &[&[to_init::MAPPED]], &fds).context("send the mounts")?;
    drop(mounts);

    let [runtime_api, endpoint, child, ..] = answer(control.as_fd(), from_init::CHILD)?.fds;
    let child = kernel::pid_of(child.context("init sent no child")?.as_fd())?;
    group.attach_child(child)?;
    // The function goes before the core when memory runs out. Not possible everywhere.
    let _ = std::fs::write(format!("/proc/{child}/oom_score_adj"), limits::OOM_SCORE);
    send(control.as_fd(), &[&[to_init::GROUPED]], &[]).context("send the groups")?;
    let trees = kernel::user_namespace(&host.tree_ids(slot))?;
    answer(control.as_fd(), from_init::WAITS)?;
    Ok(Blank {
        slot,
        tmp: image.name,
        init,
        userns,
        trees,
        control,
        runtime_api: runtime_api.context("init sent no listener")?,
        endpoint: endpoint.context("init sent no listener")?,
        stdout: ends.stdout.0,
        stderr: ends.stderr.0,
        status: ends.status.0,
    })
}

/// Both ends of everything between maker and init: ours, init's.
struct Ends {
    control: (OwnedFd, OwnedFd),
    status: (OwnedFd, OwnedFd),
    stdout: (OwnedFd, OwnedFd),
    stderr: (OwnedFd, OwnedFd),
}

impl Ends {
    fn make(function: u32) -> Result<Ends> {
        use rustix::pipe::{PipeFlags, pipe_with};
        let output = || -> Result<_> {
            let pipe = pipe_with(PipeFlags::CLOEXEC).context("make an output pipe")?;
            // Or the function could not open its own /dev/stdout.
            let (user, group) = (rustix::fs::Uid::from_raw(function), rustix::fs::Gid::from_raw(function));
            rustix::fs::fchown(&pipe.1, Some(user), Some(group)).context("give away an output pipe")?;
            Ok(pipe)
        };
        let control =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        Ok(Ends {
            control: control.context("make the control socket")?,
            status: pipe_with(PipeFlags::CLOEXEC).context("make the status pipe")?,
            stdout: output()?,
            stderr: output()?,
        })
    }

    fn plan<'a>(&'a self, host: &'a Host, views: &'a [&'static CStr]) -> init::Plan<'a> {
        init::Plan {
            run: &host.run,
            control: self.control.1.as_raw_fd(),
            status: self.status.1.as_raw_fd(),
            stdout: self.stdout.1.as_raw_fd(),
            stderr: self.stderr.1.as_raw_fd(),
            views,
            program: seccomp::program(),
            landlock: landlock_version(),
            ports: PORTS,
        }
    }
}

fn clone_init(reaper: Reaper, directory: Option<&OwnedFd>, plan: &init::Plan<'_>) -> Result<Init> {
    let parent = match reaper {
        Reaper::Caller => 0,
        Reaper::Parent => libc::CLONE_PARENT,
    };
    // SAFETY: `init::run` allocates nothing, takes no locks, and never returns.
    match unsafe { kernel::clone3((NAMESPACES | parent) as u64, directory.map(AsFd::as_fd)) }
        .context("make init")?
    {
        Cloned::Child => {
            let _never_return = ExitOnUnwind;
            init::run(plan)
        }
        Cloned::Parent(pid, pidfd) => Ok(Init { pidfd: Some(pidfd), pid, reaper }),
    }
}

/// A box that hangs must not hang its maker.
fn limit_wait(control: BorrowedFd<'_>) -> Result<()> {
    let timeout = Some(std::time::Duration::from_millis(limits::STEP_MS));
    rustix::net::sockopt::set_socket_timeout(control, rustix::net::sockopt::Timeout::Recv, timeout)
        .context("limit the wait for init")
}

/// Waits for init's next message.
fn answer(control: BorrowedFd<'_>, kind: u8) -> Result<Received> {
    let mut buffer = [0; 256];
    let received = receive(control, &mut buffer).context("wait for init")?;
    match &buffer[..received.bytes] {
        [] => bail!("init died"),
        [first, ..] if *first == kind => Ok(received),
        [from_init::FAILED, errno @ ..] if errno.len() >= 4 => {
            let (errno, step) = errno.split_at(4);
            let errno = i32::from_ne_bytes(errno.try_into().unwrap_or_default());
            let error = Errno::from_raw_os_error(errno);
            Err(anyhow!(error).context(String::from_utf8_lossy(step).into_owned()))
        }
        _ => bail!("init answered out of turn"),
    }
}

fn clone_mount(of: BorrowedFd<'_>, attributes: u64, userns: Option<BorrowedFd<'_>>) -> Result<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let mount = rustix::mount::open_tree(of, c"", flags).context("clone a mount")?;
    kernel::set_mount_attributes(mount.as_fd(), attributes, userns).context("set a mount's attributes")?;
    Ok(mount)
}

/// Opens a tree of the data folder as a read-only mount, whose owner appears as the box's root.
fn tree(host: &Host, path: &str, owner: u32, userns: &OwnedFd) -> Result<OwnedFd, StartError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let opened = match open_beneath(host.data.as_fd(), path, flags, Mode::empty()) {
        Ok(opened) => opened,
        Err(Errno::NOENT) => return Err(StartError::Missing(path.to_owned())),
        Err(error) => return Err(anyhow!(error).context(format!("open {path}")).into()),
    };
    let stat = rustix::fs::fstat(&opened).with_context(|| format!("look at {path}"))?;
    if stat.st_uid != owner {
        return Err(anyhow!("{path} belongs to {}, not to {owner}", stat.st_uid).into());
    }
    let attributes = attr::RDONLY | attr::NOSUID | attr::NODEV | attr::NOATIME | attr::IDMAP;
    Ok(clone_mount(opened.as_fd(), attributes, Some(userns.as_fd()))
        .with_context(|| format!("mount {path}"))?)
}

/// The environment as NUL-ended strings, within its limits.
fn check_environment(environment: &[u8]) -> Result<()> {
    let variables = environment.iter().filter(|byte| **byte == 0).count();
    ensure!(environment.last().is_none_or(|last| *last == 0), "the environment does not end with a NUL");
    ensure!(environment.len() <= limits::ENVIRONMENT_BYTES, "{} bytes of environment", environment.len());
    ensure!(variables <= limits::ENVIRONMENT_VARIABLES, "{variables} environment variables");
    Ok(())
}

pub(super) fn start(host: &Host, mut blank: Blank, request: &Request) -> Result<Running, StartError> {
    check_environment(&request.environment)?;
    if request.layers.len() > limits::LAYERS {
        return Err(anyhow!("{} layers", request.layers.len()).into());
    }
    let memory_mb = request.memory_mb.clamp(*limits::MEMORY_MB.start(), *limits::MEMORY_MB.end());
    let mut fds = Vec::with_capacity(FDS);
    fds.push(tree(host, &format!("packs/{}/root", request.pack), 0, &blank.userns)?);
    let tmp = exchange_tmp(host, &mut blank, request)?;
    let exchanged = tmp.is_some();
    fds.extend(tmp);
    for digest in request.task.iter().chain(&request.layers) {
        fds.push(tree(host, &format!("objects/{digest}"), host.trees, &blank.trees)?);
    }
    let group = host.cgroups.slot(blank.slot);
    group.limit_memory(memory_mb)?;
    let handles = group.handles(memory_mb)?;
    let head = Start {
        command: child::command_byte(request.command),
        tmp: exchanged,
        task: request.task.is_some(),
        layers: request.layers.len() as u8,
    };
    let borrowed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    let sent = send(blank.control.as_fd(), &[&head.to_bytes(), &request.environment], &borrowed);
    sent.context("send the start to init")?;
    answer(blank.control.as_fd(), from_init::STARTED)?;
    Ok(Running {
        slot: blank.slot,
        init: blank.init.release()?,
        lifeline: blank.control,
        runtime_api: blank.runtime_api,
        endpoint: blank.endpoint,
        stdout: blank.stdout,
        stderr: blank.stderr,
        status: blank.status,
        cgroup: handles,
        tmp: blank.tmp,
    })
}

/// Mounts another `/tmp` than the blank's, if the request needs one.
fn exchange_tmp(host: &Host, blank: &mut Blank, request: &Request) -> Result<Option<OwnedFd>> {
    let size_mb = request.tmp_mb.clamp(*limits::TMP_MB.start(), *limits::TMP_MB.end());
    let image = match request.tmp {
        Some(name) => Image::reopen(host, name)?,
        None if size_mb == limits::BLANK_TMP_MB => return Ok(None),
        None => Image::create(host, size_mb)?,
    };
    image::remove(host, blank.tmp)?;
    blank.tmp = image.name;
    image.mount(blank.userns.as_fd()).map(Some)
}

const _: () = assert!(FUNCTION != 0 && limits::LAYERS + 3 <= FDS);
