//! Functions played in process: a [`Driver`] for tests, in real or virtual time, without privileges.
//!
//! What a function does is a [`Script`]: that of the variable `SCRIPT` in the box's environment, else the one set with
//! [`Simulated::play`] for its code tree, else an echo. The player speaks the Runtime API over in-memory connections like
//! any runtime, so what is tested is everything but the kernel.

mod player;
mod script;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tasks::{Clock, OnError, Tasks};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};

use crate::{
    Control, Driver, Exit, KeepTmp, Listener, Output, Pack, PackDigest, Packs, Slot, Spec, StartError, Tmp,
    TreeDigest, Usage,
};

pub use script::{BadScript, Script, Step};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Connections that may wait to be accepted, as a listener's backlog.
const BACKLOG: usize = 64;
/// What an output holds until it is read, as a pipe.
const PIPE_BYTES: usize = 64 * 1024;
/// What a runtime without a `memory` step uses.
const MEMORY_BYTES: u64 = 36 * 1024 * 1024;

/// Plays functions in process. Cloning shares it.
#[derive(Clone)]
pub struct Simulated {
    clock: Clock,
    tasks: Tasks,
    packs: watch::Sender<Packs>,
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
struct World {
    scripts: HashMap<TreeDigest, Script>,
    capacity: Option<usize>,
    failing_starts: usize,
    seen: Seen,
}

/// What a simulated driver has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Boxes started.
    pub started: usize,
    /// Boxes that exist now.
    pub alive: usize,
    /// The most that existed at once.
    pub most_alive: usize,
    /// Boxes that are frozen now.
    pub frozen: usize,
    /// How often a box was frozen.
    pub freezes: usize,
    /// How often a box was given its share of CPU.
    pub cpu_limits: usize,
    /// Boxes that went on with the `/tmp` of another.
    pub kept_tmp: usize,
    /// Configured memory of the boxes that exist now.
    pub memory_mb: u64,
}

impl Simulated {
    /// A driver whose boxes sleep on `clock` and run as tasks of `tasks`. One pack serves the usual identifiers.
    pub fn new(clock: Clock, tasks: Tasks) -> Simulated {
        let pack = Pack {
            digest: Simulated::PACK,
            runtimes: ["python3.11", "python3.13", "nodejs22.x", "provided.al2", "provided.al2023"]
                .map(str::to_owned)
                .into(),
            version: "simulated:1.v1".to_owned(),
        };
        let packs = Packs { installed: Arc::new(vec![pack]), preparing: false };
        Simulated { clock, tasks, packs: watch::Sender::new(packs), world: Arc::default() }
    }

    /// The digest of the one pack.
    pub const PACK: PackDigest = PackDigest([7; 32]);

    /// Functions with this code tree do what `script` says.
    pub fn play(&self, task: TreeDigest, script: Script) {
        self.world().scripts.insert(task, script);
    }

    /// At most this many boxes exist at once; further starts are refused as full.
    pub fn hold_at_most(&self, boxes: usize) {
        self.world().capacity = Some(boxes);
    }

    /// The next `count` starts fail.
    pub fn fail_starts(&self, count: usize) {
        self.world().failing_starts = count;
    }

    /// Changes the installed packs.
    pub fn install(&self, packs: Packs) {
        self.packs.send_replace(packs);
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.world().seen
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, spec: &Spec) -> Result<Script, StartError> {
        let mut world = self.world();
        if world.capacity.is_some_and(|capacity| world.seen.alive >= capacity) {
            return Err(StartError::Full);
        }
        if world.failing_starts > 0 {
            world.failing_starts -= 1;
            return Err(StartError::Failed(anyhow::anyhow!("a start that was told to fail")));
        }
        if self.packs.borrow().installed.iter().all(|pack| pack.digest != spec.pack) {
            return Err(StartError::Missing(format!("pack {}", spec.pack)));
        }
        let variable = spec.environment.iter().find(|(name, _)| name == "SCRIPT");
        let script = match variable {
            Some((_, text)) => Script::parse(text).map_err(|error| StartError::Failed(error.into()))?,
            None => spec.task.and_then(|task| world.scripts.get(&task).cloned()).unwrap_or_else(Script::echo),
        };
        let seen = &mut world.seen;
        seen.started += 1;
        seen.alive += 1;
        seen.most_alive = seen.most_alive.max(seen.alive);
        seen.memory_mb += u64::from(spec.memory_mb);
        seen.kept_tmp += usize::from(spec.tmp.is_some());
        Ok(script)
    }

    fn start_now(&self, spec: Spec) -> Result<Slot, StartError> {
        let script = self.admit(&spec)?;
        let (connect, runtime_api) = mpsc::channel(BACKLOG);
        let (endpoint_held, endpoint) = mpsc::channel(1);
        let (stdout, stdout_read) = tokio::io::duplex(PIPE_BYTES);
        let (stderr, stderr_read) = tokio::io::duplex(PIPE_BYTES);
        let memory = Arc::new(Mutex::new(Usage { peak_memory_bytes: MEMORY_BYTES, ..Usage::default() }));
        let vitals = Vitals {
            frozen: watch::Sender::new(false),
            ended: watch::Sender::new(None),
            usage: memory,
            tmp: Arc::new(Mutex::new(spec.tmp.and_then(files_of).unwrap_or_default())),
        };
        vitals.tmp().boots += 1;
        let player = player::Player {
            clock: self.clock.clone(),
            script,
            connect,
            _endpoint: endpoint_held,
            stdout,
            stderr,
            variables: spec.environment.into_iter().collect(),
            memory_mb: spec.memory_mb,
            vitals: vitals.clone(),
            idle_exit: None,
        };
        self.tasks.spawn("simulated function", OnError::Log, player.run());
        let number = u32::try_from(self.seen().started).unwrap_or(u32::MAX);
        let control = Handle { driver: self.clone(), vitals, memory_mb: spec.memory_mb };
        Ok(Slot {
            number,
            runtime_api: Listener::Memory(runtime_api),
            endpoint: Listener::Memory(endpoint),
            stdout: Output::Memory(stdout_read),
            stderr: Output::Memory(stderr_read),
            control: Box::new(control),
        })
    }
}

impl Driver for Simulated {
    fn start(&self, spec: Spec) -> Boxed<'_, Result<Slot, StartError>> {
        Box::pin(async move { self.start_now(spec) })
    }

    fn packs(&self) -> watch::Receiver<Packs> {
        self.packs.subscribe()
    }
}

/// What a box and its handle share.
#[derive(Clone)]
struct Vitals {
    frozen: watch::Sender<bool>,
    /// How the main process ended; set by the player, or by the handle when it kills.
    ended: watch::Sender<Option<Exit>>,
    usage: Arc<Mutex<Usage>>,
    tmp: Arc<Mutex<Files>>,
}

/// What `/tmp` holds.
#[derive(Debug, Clone, Copy, Default)]
struct Files {
    /// Boxes that used it.
    boots: u64,
    /// Calls that wrote to it.
    calls: u64,
}

fn files_of(tmp: Tmp) -> Option<Files> {
    tmp.0.downcast::<Files>().ok().map(|files| *files)
}

impl Vitals {
    fn tmp(&self) -> MutexGuard<'_, Files> {
        self.tmp.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Handle {
    driver: Simulated,
    vitals: Vitals,
    memory_mb: u32,
}

impl Handle {
    fn set_frozen(&self, frozen: bool) {
        if self.vitals.frozen.send_replace(frozen) != frozen {
            let mut world = self.driver.world();
            if frozen {
                world.seen.frozen += 1;
                world.seen.freezes += 1;
            } else {
                world.seen.frozen -= 1;
            }
        }
    }
}

impl Control for Handle {
    fn freeze(&mut self) -> io::Result<()> {
        self.set_frozen(true);
        Ok(())
    }

    fn thaw(&mut self) -> io::Result<()> {
        self.set_frozen(false);
        Ok(())
    }

    fn limit_cpu(&mut self) -> io::Result<()> {
        self.driver.world().seen.cpu_limits += 1;
        Ok(())
    }

    fn usage(&mut self) -> io::Result<Usage> {
        Ok(*self.vitals.usage())
    }

    fn exited(&mut self) -> Boxed<'_, Exit> {
        let mut ended = self.vitals.ended.subscribe();
        Box::pin(async move {
            match ended.wait_for(Option::is_some).await.map(|exit| *exit) {
                Ok(Some(exit)) => exit,
                // The sender lives in self, so it cannot be gone.
                _ => std::future::pending().await,
            }
        })
    }

    fn close(self: Box<Self>, keep: KeepTmp) -> Boxed<'static, Option<Tmp>> {
        let files = *self.vitals.tmp();
        drop(self);
        Box::pin(async move {
            match keep {
                KeepTmp::Yes => Some(Tmp(Box::new(files))),
                KeepTmp::No => None,
            }
        })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.set_frozen(false);
        self.vitals.ended.send_if_modified(|ended| {
            let running = ended.is_none();
            *ended = ended.or(Some(Exit::Signal(9)));
            running
        });
        let mut world = self.driver.world();
        world.seen.alive -= 1;
        world.seen.memory_mb -= u64::from(self.memory_mb);
    }
}

/// A connection to a listener of a box, made from outside: what hostile code inside would do.
pub async fn connect(listener: &mpsc::Sender<DuplexStream>) -> io::Result<DuplexStream> {
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    listener.send(theirs).await.map_err(|_| io::ErrorKind::ConnectionRefused)?;
    Ok(ours)
}
