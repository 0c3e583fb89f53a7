use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use aws::Millis;
use sandbox::Driver;
use sandbox::warden::{Client, ServerHandles};
use store::Store;
use tasks::{Clock, OnError, Random, Shutdown, Tasks};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::assemble::{Parts, assemble};
use crate::config::{Auth, Level};
use crate::shards::{self, Shards};
use crate::{Config, RootKey, log, tls};

/// What a server process is given.
pub struct Handles {
    /// One listening socket a shard, all on one address.
    pub listeners: Vec<TcpListener>,
    /// The data folder.
    pub data: PathBuf,
    /// The settings.
    pub config: Config,
    /// Makes the driver, on the first shard's runtime.
    pub connect: Connect,
}

/// Makes a driver on the current runtime.
pub type Connect = Box<dyn FnOnce(&Tasks, &Clock) -> anyhow::Result<Connected>>;

/// A driver that works, and how to tell its owner that requests are served.
pub struct Connected {
    /// Makes the boxes.
    pub driver: Arc<dyn Driver>,
    /// Called once, when requests are served.
    pub ready: Box<dyn FnOnce() -> anyhow::Result<()>>,
}

/// The server process of the warden: `sandbox::warden::Role::run(server::main)`.
pub fn main(handles: ServerHandles) -> ExitCode {
    let served =
        serde_json::from_slice(&handles.config).context("read the configuration").and_then(|config| {
            let warden = handles.warden;
            run(Handles {
                listeners: handles.listeners,
                data: handles.data,
                config,
                connect: Box::new(move |tasks, clock| {
                    let client = Client::open(warden, tasks, clock).context("connect to the warden")?;
                    let line = client.clone();
                    let ready = move || line.ready().context("tell the warden that requests are served");
                    Ok(Connected { driver: Arc::new(client), ready: Box::new(ready) })
                }),
            })
        });
    let code = served.unwrap_or_else(|error| {
        // The configuration may be what failed.
        log::start(Level::Info, &Tasks::new(Shutdown::new()));
        tracing::error!(error = format!("{error:#}"), "the server cannot run");
        ExitCode::FAILURE
    });
    log::flush();
    code
}

/// Serves until the shutdown begins (SIGTERM, or the driver's owner), then drains. A second SIGTERM ends the process at once.
///
/// # Errors
/// When it cannot start: the data folder, the store, the driver, a thread.
pub fn run(handles: Handles) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::new();
    let tasks = Tasks::new(shutdown.clone());
    log::start(handles.config.log, &tasks);
    let runtime = shards::runtime()?;
    LocalSet::new().block_on(&runtime, serve(handles, tasks))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(handles: Handles, tasks: Tasks) -> anyhow::Result<()> {
    let Handles { mut listeners, data, config, connect } = handles;
    let (clock, random) = (Clock::real(), Random::kernel());
    let begun = clock.tick();
    let first = listeners.pop().context("a server needs a listener")?;
    let listen = first.local_addr().context("ask where we listen")?;
    let endpoint = endpoint(config.tls.scheme(), listen);
    let acceptor = tls::acceptor(&config, &data, listen, Millis(clock.wall_ms()))?;
    let Connected { driver, ready } = connect(&tasks, &clock)?;
    let root_key = match &config.root_key {
        Some(given) => given.clone(),
        None => RootKey::of_folder(&data, &random)?.0,
    };
    let mut options = store::Options::new(tasks.clone(), clock.clone());
    options.disk_floor_bytes = config.disk_floor_bytes;
    #[cfg(feature = "weaken")]
    {
        options.weakness = config.weakness;
    }
    let store = Store::open(&data, options).context("open the store")?;
    let (drain, shutdown) = (config.drain, tasks.shutdown().clone());
    let objects = data.join("objects");
    if config.auth == Auth::Off {
        tracing::warn!("authentication is off: everybody who reaches this port is root");
    }
    let assembled = assemble(Parts {
        store,
        driver,
        clock: clock.clone(),
        random,
        tasks: tasks.clone(),
        config,
        root_key,
        objects,
        endpoint,
    })
    .await?;
    assembled.start_loops();
    watch_signals(&tasks)?;
    let shards = Shards::start(listeners, &acceptor, &assembled).await?;
    shards::accept(0, first, acceptor, &assembled)?;
    ready()?;
    tracing::info!(us = clock.tick().since(begun).as_micros() as u64, "requests are served");
    shutdown.begun().await;
    tracing::info!(calls = assembled.connections.running(), "draining");
    assembled.drain(drain).await;
    shards.join();
    tracing::info!("stopped");
    Ok(())
}

/// The first SIGTERM or SIGINT begins the drain, the second ends the process.
fn watch_signals(tasks: &Tasks) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("watch for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("watch for SIGINT")?;
    let shutdown = tasks.shutdown().clone();
    tasks.spawn("signals", OnError::Log, async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.has_begun() {
                tracing::warn!("a second signal: ending at once");
                log::flush();
                std::process::exit(1);
            }
            shutdown.begin();
        }
    });
    Ok(())
}

/// Our own URL; an address that means every interface is reached by loopback.
fn endpoint(scheme: &str, address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_can_be_called() {
        for (address, want) in [
            ("127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("10.0.0.5:1", "http://10.0.0.5:1"),
        ] {
            assert_eq!(endpoint("http", address.parse().unwrap()), want);
        }
    }
}
