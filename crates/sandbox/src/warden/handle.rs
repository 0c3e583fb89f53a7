//! A running box in the server: used through its own descriptors, without the warden, until it is closed.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;

use anyhow::Context;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::unix::pipe::Receiver;

use crate::cgroup::{Handles, Parts};
use crate::{Control, Exit, KeepTmp, Listener, Output, Slot, Tmp, Usage};

use super::client::{Arrived, Owned};

/// Makes the slot of what arrived: the descriptors in the order in which a maker sends them.
pub(crate) fn slot(arrived: Arrived) -> anyhow::Result<Slot> {
    let Arrived { made, fds, owned } = arrived;
    let mut fds = fds.into_iter();
    let mut next = || fds.next().context("a box lacks a descriptor");
    let (lifeline, runtime_api, endpoint) = (next()?, next()?, next()?);
    let (stdout, stderr, status) = (next()?, next()?, next()?);
    for nonblocking in [&stdout, &stderr, &status] {
        let flags = rustix::fs::fcntl_getfl(nonblocking)?;
        rustix::fs::fcntl_setfl(nonblocking, flags | rustix::fs::OFlags::NONBLOCK)?;
    }
    let parts = Parts {
        fds: fds.collect(),
        present: made.present,
        version_1: made.version_1,
        memory_mb: made.memory_mb,
    };
    let mut cgroup = Handles::from_parts(parts).context("the cgroup files of a box")?;
    let memory = cgroup.take_exhausted().map_or(Memory::Unwatched, Memory::Unread);
    let life = Life { cgroup, lifeline: Some(lifeline) };
    let control = Running { life, status: Status::Unread(status), memory, peak_bytes: 0, owned };
    Ok(Slot {
        number: made.slot,
        runtime_api: Listener::Tcp(runtime_api.into()),
        endpoint: Listener::Tcp(endpoint.into()),
        stdout: Output::Pipe(stdout),
        stderr: Output::Pipe(stderr),
        control: Box::new(control),
    })
}

/// The fields are dropped in this order: the box is dead before its clearing is asked for.
struct Running {
    life: Life,
    status: Status,
    memory: Memory,
    /// What the main process had at its end.
    peak_bytes: u64,
    owned: Owned,
}

/// Dropping it kills every process of the box, without a word of the warden.
struct Life {
    cgroup: Handles,
    /// Its end is the end of init, and with init of the whole box.
    lifeline: Option<OwnedFd>,
}

impl Life {
    fn end(&mut self) {
        // A host without cgroup.kill needs the thaw: frozen processes of version 1 ignore even SIGKILL.
        if !matches!(self.cgroup.kill(), Ok(true)) {
            let _ = self.cgroup.thaw();
        }
        self.lifeline = None;
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether the kernel tells when the box is out of memory. Where it does, it kills one process, and we the others: half a
/// function is none.
enum Memory {
    Unwatched,
    /// Not yet part of a reactor.
    Unread(File),
    Watched(AsyncFd<File>),
    Exhausted,
}

impl Memory {
    /// Ready when the box is out of memory.
    async fn exhausted(&mut self) {
        if let Memory::Unread(_) = self
            && let Memory::Unread(file) = std::mem::replace(self, Memory::Unwatched)
        {
            // SAFETY: the descriptor is the file's own and stays open as long as the file, which is moved in.
            match unsafe { AsyncFd::register_with_interest(file, Interest::READABLE) } {
                Ok(watched) => *self = Memory::Watched(watched),
                Err(error) => tracing::warn!(%error, "watch the memory of a box"),
            }
        }
        match self {
            Memory::Watched(notice) if notice.readable().await.is_ok() => *self = Memory::Exhausted,
            _ => std::future::pending().await,
        }
    }
}

enum Status {
    /// Not yet part of a reactor: the first to wait decides whose.
    Unread(OwnedFd),
    Waiting(Receiver),
    Known(Exit),
}

impl Running {
    async fn wait(&mut self) -> Exit {
        loop {
            match &mut self.status {
                Status::Known(exit) => return *exit,
                Status::Waiting(pipe) => tokio::select! {
                    biased;
                    (exit, peak_bytes) = read_exit(pipe) => {
                        self.peak_bytes = peak_bytes;
                        self.status = Status::Known(exit);
                    }
                    () = self.memory.exhausted() => self.life.end(),
                },
                Status::Unread(_) => self.register(),
            }
        }
    }

    fn register(&mut self) {
        let killed = Status::Known(Exit::Signal(libc::SIGKILL));
        if let Status::Unread(fd) = std::mem::replace(&mut self.status, killed)
            && let Ok(pipe) = Receiver::from_owned_fd(fd)
        {
            self.status = Status::Waiting(pipe);
        }
    }
}

/// How the main process ended and its peak resident size. An end of the pipe without a message is that of a killed init.
async fn read_exit(pipe: &mut Receiver) -> (Exit, u64) {
    let mut bytes = [0; 16];
    let length = pipe.read(&mut bytes).await.unwrap_or(0);
    let (exit, peak) = bytes[..length].split_at(length.min(8));
    let exit = Exit::from_bytes(exit).unwrap_or(Exit::Signal(libc::SIGKILL));
    (exit, peak.try_into().map_or(0, u64::from_ne_bytes))
}

impl Control for Running {
    fn freeze(&mut self) -> io::Result<()> {
        self.life.cgroup.freeze()
    }

    fn thaw(&mut self) -> io::Result<()> {
        self.life.cgroup.thaw()
    }

    fn limit_cpu(&mut self) -> io::Result<()> {
        self.life.cgroup.limit_cpu()
    }

    fn usage(&mut self) -> io::Result<Usage> {
        let mut usage = self.life.cgroup.usage()?;
        // The main process is no longer seen once it has ended, and it was the largest, most likely.
        let most = self.life.cgroup.memory_bytes();
        usage.peak_memory_bytes = usage.peak_memory_bytes.max(self.peak_bytes.min(most));
        if matches!(self.memory, Memory::Exhausted) {
            // We may have been faster than the kernel.
            usage.oom_kills += 1;
        }
        Ok(usage)
    }

    fn exited(&mut self) -> Pin<Box<dyn Future<Output = Exit> + Send + '_>> {
        Box::pin(self.wait())
    }

    fn close(self: Box<Self>, keep: KeepTmp) -> Pin<Box<dyn Future<Output = Option<Tmp>> + Send>> {
        Box::pin(async move {
            let Running { life, owned, .. } = *self;
            drop(life);
            owned.close(keep).await
        })
    }
}
