use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;

use crate::{Listener, Output};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes boxes. The real one asks the warden; [`crate::simulated`] plays functions in process.
pub trait Driver: Send + Sync + 'static {
    /// Makes a box and starts its command. The listeners are bound before the command runs.
    fn start(&self, spec: Spec) -> Boxed<'_, Result<Slot, StartError>>;

    /// The packs that are installed, now and as they change.
    fn packs(&self) -> watch::Receiver<Packs>;
}

/// What to run and within which limits. Names only: digests, numbers, never paths or descriptors.
#[derive(Debug)]
pub struct Spec {
    /// The root tree.
    pub pack: PackDigest,
    /// The tree mounted read-only at `/var/task`; an empty directory without one.
    pub task: Option<TreeDigest>,
    /// The trees merged read-only at `/opt`, the last on top; at most 5.
    pub layers: Vec<TreeDigest>,
    /// What to execute.
    pub command: Command,
    /// The environment variables of the command, complete.
    pub environment: Vec<(String, String)>,
    /// 128 to 10,240.
    pub memory_mb: u32,
    /// Size of `/tmp`, 512 to 10,240.
    pub tmp_mb: u32,
    /// The `/tmp` image of a box that ended, to go on with.
    pub tmp: Option<Tmp>,
}

/// The commands that a box may execute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The pack's own `/var/runtime/bootstrap`.
    Runtime,
    /// `/var/task/bootstrap`, else `/opt/bootstrap`.
    Custom,
}

/// The SHA-256 of a pack's manifest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackDigest(pub [u8; 32]);

/// The SHA-256 of the zip from which a code tree `objects/<hex>/` was unpacked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeDigest(pub [u8; 32]);

macro_rules! hex_digest {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl $name {
            /// Parses 64 lower-case hexadecimal digits.
            pub fn parse(text: &str) -> Option<$name> {
                if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                    return None;
                }
                let mut bytes = [0; 32];
                for (at, byte) in bytes.iter_mut().enumerate() {
                    *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
                }
                Some($name(bytes))
            }
        }
    )*};
}
hex_digest!(PackDigest TreeDigest);

/// A `/tmp` that outlives its box: an opaque name that only the driver reads. Dropping it lets the driver remove the image.
pub struct Tmp(pub Box<dyn std::any::Any + Send + Sync>);

impl fmt::Debug for Tmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tmp")
    }
}

/// A running box.
pub struct Slot {
    /// The slot's number, for log lines.
    pub number: u32,
    /// `127.0.0.1:9001` inside the box.
    pub runtime_api: Listener,
    /// `127.0.0.1:4566` inside the box.
    pub endpoint: Listener,
    /// The command's standard output.
    pub stdout: Output,
    /// The command's standard error.
    pub stderr: Output,
    /// Freezing, limits, usage, end.
    pub control: Box<dyn Control>,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({})", self.number)
    }
}

/// The handle of a running box. Dropping it kills the box; nothing here goes through the warden except `close`.
pub trait Control: Send + 'static {
    /// Stops every process until [`Control::thaw`]. Microseconds.
    fn freeze(&mut self) -> std::io::Result<()>;
    /// Lets the processes go on.
    fn thaw(&mut self) -> std::io::Result<()>;
    /// Applies the CPU share that goes with the memory size; initialisation runs without it.
    fn limit_cpu(&mut self) -> std::io::Result<()>;
    /// What the box has needed of memory so far. Asked at every call, so it reads no more than that takes.
    fn usage(&mut self) -> std::io::Result<Usage>;
    /// Waits for the end of the command's main process. May be awaited again after it resolved.
    fn exited(&mut self) -> Boxed<'_, Exit>;
    /// Kills every process, waits until they are gone and hands back `/tmp` if `keep_tmp` was asked for.
    fn close(self: Box<Self>, keep: KeepTmp) -> Boxed<'static, Option<Tmp>>;
}

/// Whether a closed box hands back its `/tmp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepTmp {
    /// The next box of the same environment goes on with it.
    Yes,
    /// It is removed.
    No,
}

/// What a box has needed of memory since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Peak memory in bytes: the sum of VmHWM over its processes, or what the main process had if that is ended and was
    /// larger, at most the limit.
    pub peak_memory_bytes: u64,
    /// How often the kernel killed a process of the box for want of memory.
    pub oom_kills: u64,
}

/// How the command's main process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It called exit with this status.
    Status(i32),
    /// A signal killed it.
    Signal(i32),
    /// Nothing could be executed: this errno. ENOENT when there is no bootstrap, ELIBACC when there is one and the
    /// interpreter that it names is missing.
    NotStarted(i32),
}

/// Why a box could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Every slot that this machine can hold is in use.
    #[error("every slot is in use")]
    Full,
    /// The pack or a tree is not there (any more).
    #[error("{0} is not installed")]
    Missing(String),
    /// The machine failed: no memory, no process, a kernel error.
    #[error("start a sandbox: {0:#}")]
    Failed(#[from] anyhow::Error),
}

/// An installed runtime pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// The SHA-256 of its manifest: the hash in `RuntimeVersionArn`.
    pub digest: PackDigest,
    /// The runtime identifiers that it serves, e.g. `["provided.al2", "provided.al2023"]`.
    pub runtimes: Vec<String>,
    /// The version as INIT_START shows it, e.g. `python:3.11.v2`.
    pub version: String,
}

/// The installed packs.
#[derive(Debug, Clone, Default)]
pub struct Packs {
    /// All packs.
    pub installed: Arc<Vec<Pack>>,
    /// True while the first packs are being made: functions created meanwhile stay `Pending`.
    pub preparing: bool,
}

impl Packs {
    /// The pack that serves a runtime identifier.
    pub fn serving(&self, runtime: &str) -> Option<&Pack> {
        self.installed.iter().find(|pack| pack.runtimes.iter().any(|name| name == runtime))
    }
}
