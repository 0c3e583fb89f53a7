use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use sandbox::{Control, Exit, KeepTmp, Slot, Tmp, Usage};
use tasks::{OnError, Task};

use super::Happening;
use crate::engine::Engine;
use crate::output::{Extent, Outputs};
use crate::runtime_api::RuntimeApi;

/// A box in use, with the connections to it.
pub(crate) struct Occupied {
    pub(crate) api: RuntimeApi,
    outputs: Outputs,
    control: Box<dyn Control>,
    endpoint: Task<()>,
    activity: Activity,
    /// What was used when it was last asked.
    usage: Usage,
    oom_kills_before: u64,
}

/// Whether the box's processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    Running,
    Frozen,
    /// Freezing failed once; it is left alone.
    Unfreezable,
}

/// Why the task went on.
pub(crate) enum Woken {
    Happening(Happening),
    Alarm,
}

impl Occupied {
    /// Takes a new box into the current runtime and serves its AWS endpoint, recorded as `environment`.
    pub(crate) fn new(engine: &Arc<Engine>, slot: Slot, environment: &str) -> std::io::Result<Occupied> {
        let parts = &engine.parts;
        let api = RuntimeApi::new(slot.runtime_api, parts.clock.clone(), engine.bodies_kib.clone())?;
        let outputs = Outputs::new(slot.stdout, slot.stderr)?;
        let serving = parts.inside.serve(slot.endpoint, environment);
        let endpoint = parts.tasks.spawn("endpoint inside", OnError::Log, async move {
            serving.await;
            Ok(())
        });
        Ok(Occupied {
            api,
            outputs,
            control: slot.control,
            endpoint,
            activity: Activity::Running,
            usage: Usage::default(),
            oom_kills_before: 0,
        })
    }

    /// Waits for whatever happens to the box.
    pub(crate) fn waiting(&mut self) -> Waiting<'_> {
        Waiting { api: &mut self.api, outputs: &mut self.outputs, exited: self.control.exited() }
    }

    /// Hands out everything that the function has written so far, unfinished lines too.
    pub(crate) async fn drain(&mut self, mut message: impl FnMut(Bytes)) {
        let outputs = &mut self.outputs;
        // Out of the runtime's budget, a read would claim that there is nothing.
        tokio::task::coop::unconstrained(std::future::poll_fn(|cx| {
            outputs.poll(cx, Extent::All, &mut message);
            Poll::Ready(())
        }))
        .await;
        outputs.flush(message);
    }

    /// Applies the share of CPU that goes with the memory size.
    pub(crate) fn limit_cpu(&mut self) {
        if let Err(error) = self.control.limit_cpu() {
            tracing::warn!(%error, "limit the CPU of an environment");
        }
    }

    pub(crate) fn may_freeze(&self) -> bool {
        self.activity == Activity::Running
    }

    /// Stops the processes.
    pub(crate) fn freeze(&mut self) {
        self.activity = match self.control.freeze() {
            Ok(()) => Activity::Frozen,
            Err(error) => {
                tracing::warn!(%error, "freeze an environment");
                Activity::Unfreezable
            }
        };
    }

    /// Lets the processes go on, if they were stopped.
    pub(crate) fn thaw(&mut self) {
        if self.activity != Activity::Frozen {
            return;
        }
        if let Err(error) = self.control.thaw() {
            // The call will run into its timeout, which takes the box down.
            tracing::error!(%error, "thaw an environment");
        }
        self.activity = Activity::Running;
    }

    /// Asks what the box has used; the last answer if it cannot be had.
    pub(crate) fn measure(&mut self) -> Usage {
        match self.control.usage() {
            Ok(now) => {
                self.usage = Usage {
                    // A process that has ended no longer counts, but the peak stays.
                    peak_memory_bytes: now.peak_memory_bytes.max(self.usage.peak_memory_bytes),
                    ..now
                };
            }
            Err(error) => tracing::debug!(%error, "measure an environment"),
        }
        self.usage
    }

    /// What was used when it was last asked.
    pub(crate) fn last_usage(&self) -> Usage {
        self.usage
    }

    /// True if the kernel killed a process for want of memory since the last call of `forgive`.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        self.usage.oom_kills > self.oom_kills_before
    }

    /// From here on only new kills count.
    pub(crate) fn forgive(&mut self) {
        self.oom_kills_before = self.usage.oom_kills;
    }

    /// Kills every process and waits until they are gone.
    pub(crate) fn close(self, keep: KeepTmp) -> impl Future<Output = Option<Tmp>> + Send + use<> {
        self.endpoint.abort();
        self.control.close(keep)
    }
}

/// One wait for a box. Dropping it forgets nothing.
pub(crate) struct Waiting<'a> {
    api: &'a mut RuntimeApi,
    outputs: &'a mut Outputs,
    exited: Pin<Box<dyn Future<Output = Exit> + Send + 'a>>,
}

impl Waiting<'_> {
    /// Ready when something happened; hands out output on the way.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, message: impl FnMut(Bytes)) -> Poll<Happening> {
        // The API first: a runtime answers before it exits, and its output is drained at the end of a call anyway.
        if let Poll::Ready(effect) = self.api.poll(cx) {
            return Poll::Ready(effect.into());
        }
        self.outputs.poll(cx, Extent::Turn, message);
        self.exited.as_mut().poll(cx).map(Happening::Exited)
    }
}
