#![allow(clippy::disallowed_methods)] // This is the door through which tasks start.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::Shutdown;

/// What happens when a task of its own ends with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The error is logged and the rest goes on.
    Log,
    /// The error is logged and the shutdown begins: nothing works without this task.
    Stop,
}

/// Starts tasks on the current tokio runtime, counts them and can wait for their end. Cloning shares it.
#[derive(Clone)]
pub struct Tasks {
    shutdown: Shutdown,
    running: Arc<Running>,
}

#[derive(Debug, Default)]
struct Running {
    count: AtomicUsize,
    blocking: AtomicUsize,
    idle: Notify,
}

/// A started task. Dropping the handle leaves it running.
#[derive(Debug)]
pub struct Task<T> {
    handle: tokio::task::JoinHandle<T>,
    /// Held until whoever waits for blocking work has its value: the thread's own end comes a moment earlier.
    _blocking: Option<Blocking>,
}

impl<T> Task<T> {
    /// Ends the task at its next await.
    pub fn abort(&self) {
        self.handle.abort();
    }

    /// Waits for the task's value; `None` when it was aborted or panicked.
    pub async fn join(self) -> Option<T> {
        self.handle.await.ok()
    }
}

struct Counted(Arc<Running>);

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

#[derive(Debug)]
struct Blocking(Arc<Running>);

impl Drop for Blocking {
    fn drop(&mut self) {
        self.0.blocking.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Tasks {
    /// Tasks that end with `shutdown`.
    pub fn new(shutdown: Shutdown) -> Tasks {
        Tasks { shutdown, running: Arc::default() }
    }

    /// The shutdown that these tasks watch.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    fn count(&self) -> Counted {
        self.running.count.fetch_add(1, Ordering::AcqRel);
        Counted(self.running.clone())
    }

    /// Starts `future` under `name`; an error is treated as `on_error` says.
    pub fn spawn<F>(&self, name: &'static str, on_error: OnError, future: F) -> Task<()>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let counted = self.count();
        let shutdown = self.shutdown.clone();
        let handle = tokio::spawn(async move {
            let _counted = counted;
            if let Err(error) = future.await {
                report(name, &error, on_error, &shutdown);
            }
        });
        Task { handle, _blocking: None }
    }

    /// Starts a future that is not `Send` on the current `LocalSet` or local runtime.
    pub fn spawn_local<F>(&self, name: &'static str, on_error: OnError, future: F) -> Task<()>
    where
        F: Future<Output = anyhow::Result<()>> + 'static,
    {
        let counted = self.count();
        let shutdown = self.shutdown.clone();
        let handle = tokio::task::spawn_local(async move {
            let _counted = counted;
            if let Err(error) = future.await {
                report(name, &error, on_error, &shutdown);
            }
        });
        Task { handle, _blocking: None }
    }

    /// Runs `work`, which may block, on a thread of its own pool.
    pub fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        let counted = self.count();
        self.running.blocking.fetch_add(1, Ordering::AcqRel);
        let blocking = Blocking(self.running.clone());
        let handle = tokio::task::spawn_blocking(move || {
            let _counted = counted;
            work()
        });
        Task { handle, _blocking: Some(blocking) }
    }

    /// How much blocking work is awaited: a test in virtual time waits for it in real time.
    pub fn blocking(&self) -> usize {
        self.running.blocking.load(Ordering::Acquire)
    }

    /// Starts an operating system thread under `name`.
    pub fn thread<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<std::thread::JoinHandle<T>> {
        std::thread::Builder::new().name(name.to_owned()).spawn(work)
    }

    /// How many tasks run.
    pub fn running(&self) -> usize {
        self.running.count.load(Ordering::Acquire)
    }

    /// Waits until no task runs.
    pub async fn idle(&self) {
        loop {
            let notified = self.running.idle.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.running() == 0 {
                return;
            }
            notified.await;
        }
    }
}

fn report(name: &'static str, error: &anyhow::Error, on_error: OnError, shutdown: &Shutdown) {
    match on_error {
        OnError::Log => tracing::error!(task = name, error = format!("{error:#}"), "task failed"),
        OnError::Stop => {
            tracing::error!(task = name, error = format!("{error:#}"), "task failed, stopping");
            shutdown.begin();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn idle_waits_for_every_task_and_a_fatal_error_begins_the_shutdown() {
        let tasks = Tasks::new(Shutdown::new());
        let (go, gate) = tokio::sync::oneshot::channel::<()>();
        tasks.spawn("waits", OnError::Log, async move { Ok(gate.await?) });
        assert_eq!(tasks.running(), 1);
        go.send(()).unwrap();
        tasks.idle().await;
        tasks.spawn("fails", OnError::Stop, async { anyhow::bail!("broken") });
        tasks.shutdown().begun().await;
        tasks.idle().await;
        assert!(tasks.shutdown().has_begun());
    }
}
