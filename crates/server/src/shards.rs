//! One thread a core, each with a single-threaded runtime that accepts, answers and owns the environments it starts.

use std::net::TcpListener;
use std::thread::JoinHandle;

use anyhow::Context as _;
use invoker::Invoker;
use tasks::{OnError, Shutdown};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

use crate::Assembled;

/// The shards beside the first, which the main thread is.
pub(crate) struct Shards {
    threads: Vec<JoinHandle<()>>,
    stop: Shutdown,
}

impl Shards {
    /// Starts a shard for each listener and waits until all of them serve.
    pub(crate) async fn start(
        listeners: Vec<TcpListener>,
        tls: &Option<TlsAcceptor>,
        assembled: &Assembled,
    ) -> anyhow::Result<Shards> {
        let stop = Shutdown::new();
        let (serving, mut told) = mpsc::channel(listeners.len().max(1));
        let mut threads = Vec::new();
        for (id, listener) in (1..).zip(listeners) {
            let shard = Shard {
                id,
                assembled: assembled.clone(),
                tls: tls.clone(),
                stop: stop.clone(),
                serving: serving.clone(),
            };
            let thread = assembled.tasks.thread(&format!("shard-{id}"), move || shard.run(listener));
            threads.push(thread.with_context(|| format!("start shard {id}"))?);
        }
        drop(serving);
        for _ in &threads {
            told.recv().await.context("a shard ended before it served")??;
        }
        Ok(Shards { threads, stop })
    }

    /// Ends the threads, whose work is done.
    pub(crate) fn join(self) {
        self.stop.begin();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a shard panicked");
            }
        }
    }
}

struct Shard {
    id: u32,
    assembled: Assembled,
    tls: Option<TlsAcceptor>,
    stop: Shutdown,
    serving: mpsc::Sender<anyhow::Result<()>>,
}

impl Shard {
    fn run(self, listener: TcpListener) {
        // Nothing works without a shard: however it ends, the others end too.
        let _ends = EndsAll(self.assembled.tasks.shutdown().clone());
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = self.serving.blocking_send(Err(error));
                return;
            }
        };
        LocalSet::new().block_on(&runtime, async {
            let accepting = accept(self.id, listener, self.tls, &self.assembled);
            let serves = accepting.is_ok();
            let _ = self.serving.send(accepting).await;
            if serves {
                self.stop.begun().await;
            }
        });
    }
}

struct EndsAll(Shutdown);

impl Drop for EndsAll {
    fn drop(&mut self) {
        self.0.begin();
    }
}

/// Takes connections from `listener` on the current thread's runtime until the shutdown begins.
pub(crate) fn accept(
    id: u32,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    assembled: &Assembled,
) -> anyhow::Result<()> {
    Invoker::enter_shard(id);
    listener.set_nonblocking(true).context("prepare a listener")?;
    let listener = tokio::net::TcpListener::from_std(listener).context("register a listener")?;
    let (gateway, connections) = (assembled.gateway.clone(), assembled.connections.clone());
    assembled.tasks.spawn("accept", OnError::Stop, async move {
        match tls {
            Some(acceptor) => gateway.serve_tls(listener, acceptor, connections).await,
            None => gateway.serve(listener, connections).await,
        }
        Ok(())
    });
    Ok(())
}

/// A runtime of one thread.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("make a runtime")
}
