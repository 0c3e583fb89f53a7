//! From the command to a running instance: everything that can be refused is refused here, before anything is started.

use std::fmt;
use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::process::Resource;

use crate::Packs;

use super::boxes::Boxes;
use super::confine;
use super::folder::Folder;
use super::ids;
use super::listen::{self, Holder};
use super::message::Instance;
use super::role::{DATA, sealed_memfd};
use super::slots::Slots;
use super::supervise::{Held, Warden};

/// Below it everything that an instance needs while it runs and that does not outlive the machine.
pub(crate) const RUN: &str = "/run/lambent";

/// A call back.
pub type Tell = Box<dyn FnOnce(&Ready)>;

/// What to run.
pub struct Up {
    /// The data folder; made if it is not there.
    pub data: PathBuf,
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What URLs of this instance begin with: `http`, or `https` when the server speaks TLS.
    pub scheme: &'static str,
    /// How many listening sockets the server gets, 1 to 64.
    pub shards: usize,
    /// Handed to the server as it is.
    pub config: Vec<u8>,
    /// How long the server drains; a little later it is killed.
    pub drain: Duration,
    /// Gets `{"endpoint", "pid"}` once requests are served.
    pub ready_file: Option<PathBuf>,
    /// Called once, when requests are served and the installed packs are known.
    pub on_ready: Option<Tell>,
}

impl fmt::Debug for Up {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the configuration: it has the root key.
        write!(f, "Up({} at {})", self.data.display(), self.listen)
    }
}

/// An instance that serves requests.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Where it serves them.
    pub endpoint: String,
    /// The warden's process id.
    pub pid: u32,
    /// The packs, as far as they are made.
    pub packs: Packs,
    /// How many boxes it can hold at a time.
    pub slots: u32,
}

/// Why an instance does not start, where the user can do something about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Only root can make sandboxes.
    #[error("sandboxes need root")]
    NotRoot,
    /// Another instance has the data folder.
    #[error("data folder {} is in use", data.display())]
    FolderInUse {
        /// The folder.
        data: PathBuf,
        /// The warden that has it; nothing if that has died and its children have not.
        pid: Option<u32>,
        /// Where it serves.
        endpoint: Option<String>,
    },
    /// The folder has something in it that is not an instance's.
    #[error("{} is not empty and no data folder", data.display())]
    NotOurs {
        /// The folder.
        data: PathBuf,
    },
    /// Somebody listens there already.
    #[error("port {} is in use", listen.port())]
    PortInUse {
        /// The address.
        listen: SocketAddr,
        /// Who, as far as it can be seen.
        holder: Option<Holder>,
    },
    /// Somebody else has our range of user ids.
    #[error("the user ids of sandboxes belong to {owner} in {}", file.display())]
    IdsTaken {
        /// `/etc/subuid` or `/etc/subgid`.
        file: PathBuf,
        /// Whose they are.
        owner: String,
    },
    /// The machine cannot make sandboxes.
    #[error("this machine cannot make sandboxes: {0}")]
    NoSandbox(String),
}

/// Runs an instance until it ends: in the foreground, as the process that calls it, which must have one thread.
///
/// # Errors
/// A [`Refused`] where the user can do something; else what failed.
pub fn run(up: Up) -> anyhow::Result<ExitCode> {
    run_with::<Slots>(up)
}

/// [`run`] with other boxes than the real ones, for tests of the process tree.
#[doc(hidden)]
pub fn run_with<B: Boxes>(up: Up) -> anyhow::Result<ExitCode> {
    if !rustix::process::geteuid().is_root() {
        return Err(Refused::NotRoot.into());
    }
    let threads = fs::read_dir("/proc/self/task")?.count();
    anyhow::ensure!(threads == 1, "the warden has {threads} threads");
    close_inherited_on_exec()?;
    confine::raise_open_files()?;
    crate::slot::raise_limits().context("keep core dumps from the program in kernel.core_pattern")?;
    let folder = Folder::open(&up.data)?;
    // Of an instance that was killed; it must not speak for this one.
    folder.retract();
    up.ready_file.iter().for_each(|path| drop(fs::remove_file(path)));
    let name = folder.name();
    make_run_folders(&name)?;
    let (address, listeners) = listen::bind(up.listen, up.shards)?;
    ids::claim_range(Path::new("/etc"))?;
    let block = ids::take_block(&Path::new(RUN).join("uids"))?;
    let instance = Instance { name, data: folder.path.clone(), ids: block.first, slots: slots()? };
    let boxes = B::open(&instance)?;
    boxes.sweep().context("remove what a killed instance left")?;
    boxes.prepare().context("prepare the control groups")?;
    let config = sealed_memfd("config", &up.config).context("pass the configuration on")?;
    let signals = take_signals()?;
    // Whatever loses its parent comes to us and is reaped.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let endpoint = listen::endpoint(up.scheme, address);
    let held = Held { folder, block, listeners, endpoint, instance, boxes, config, signals };
    Warden::new(held, up).run()
}

/// What a shell or a service manager left open is nobody's business below us.
fn close_inherited_on_exec() -> std::io::Result<()> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: sets a flag on descriptors; none is closed.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, flags) };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

fn make_run_folders(name: &str) -> anyhow::Result<()> {
    let run = Path::new(RUN);
    let own = run.join(name);
    // The server's data appears at one place below, in its own mounts; others may pass but not look.
    let folders = [(run, 0o711), (Path::new(DATA), 0o711), (own.as_path(), 0o711)];
    for (path, mode) in folders.into_iter().chain([(run.join("uids").as_path(), 0o700)]) {
        let made = DirBuilder::new().mode(mode).create(path);
        if let Err(error) = made
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(error).context(format!("make {}", path.display()));
        }
    }
    Ok(())
}

/// How many boxes this machine can hold.
fn slots() -> anyhow::Result<u32> {
    let files = rustix::process::getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let processes = fs::read_to_string("/proc/sys/kernel/pid_max").context("read pid_max")?;
    let processes = processes.trim().parse().context("read pid_max")?;
    Ok(crate::facts::environments(files, processes).0)
}

fn take_signals() -> anyhow::Result<SignalFd> {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGCHLD] {
        set.add(signal);
    }
    set.thread_block()?;
    Ok(SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?)
}
