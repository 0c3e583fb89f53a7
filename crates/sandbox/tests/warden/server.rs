//! A server for tests: it answers one line with one line a connection.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use sandbox::warden::{Client, ServerHandles};
use sandbox::{Command, Driver, KeepTmp, PackDigest, Slot, Spec, Tmp};
use tasks::{Clock, OnError, Shutdown, Tasks};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

#[derive(Clone)]
struct Server {
    client: Client,
    clock: Clock,
    boxes: Arc<Mutex<Vec<Slot>>>,
    slots: u32,
}

pub(crate) fn main(handles: ServerHandles) -> ExitCode {
    if handles.config == b"exit 7" {
        return ExitCode::from(7);
    }
    let stubborn = handles.config == b"stubborn";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a reactor");
    runtime.block_on(serve(handles, stubborn)).expect("the server works")
}

async fn serve(handles: ServerHandles, stubborn: bool) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::new();
    let tasks = Tasks::new(shutdown.clone());
    let clock = Clock::real();
    let client = Client::open(handles.warden, &tasks, &clock)?;
    let server = Server { client: client.clone(), clock, boxes: Arc::default(), slots: handles.slots };
    for listener in handles.listeners {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (server, running) = (server.clone(), tasks.clone());
        tasks.spawn("accept", OnError::Stop, async move {
            loop {
                let (stream, _) = listener.accept().await?;
                let server = server.clone();
                running.spawn("connection", OnError::Log, async move { server.connection(stream).await });
            }
        });
    }
    client.ready()?;
    shutdown.begun().await;
    if stubborn {
        std::future::pending::<()>().await;
    }
    std::fs::write(handles.data.join("drained"), "")?;
    Ok(ExitCode::SUCCESS)
}

impl Server {
    async fn connection(&self, stream: TcpStream) -> anyhow::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let (verb, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let answer = match self.answer(verb, rest).await {
            Ok(answer) => answer,
            Err(error) => format!("error: {error:#}"),
        };
        stream.write_all(answer.as_bytes()).await?;
        Ok(())
    }

    async fn answer(&self, verb: &str, rest: &str) -> anyhow::Result<String> {
        Ok(match verb {
            "ping" => "pong".into(),
            "read" => std::fs::read_to_string(rest)?,
            "list" => std::fs::read_dir(rest)?.count().to_string(),
            "write" => std::fs::write(rest, "x").map(|()| "ok".into())?,
            "exec" => std::process::Command::new(rest).status().map(|status| status.to_string())?,
            "kill" => {
                let pid = rustix::process::Pid::from_raw(rest.parse()?).context("a pid")?;
                rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
                "ok".into()
            }
            "crash" => std::process::abort(),
            "slots" => self.slots.to_string(),
            "packs" => self.packs().await?,
            "start" => {
                let slot = self.client.start(spec(1, None)).await?;
                let number = slot.number;
                self.boxes.lock().expect("no panic").push(slot);
                number.to_string()
            }
            "missing" => format!("{:#}", self.client.start(spec(0xff, None)).await.expect_err("no pack")),
            "life" => self.life().await?,
            "round" => self.round().await?,
            "memory" => self.memory(rest.parse()?).await?,
            _ => anyhow::bail!("no verb {verb}"),
        })
    }

    async fn packs(&self) -> anyhow::Result<String> {
        let mut packs = self.client.packs();
        let known = packs.wait_for(|packs| !packs.preparing);
        Ok(known.await?.installed.iter().map(|pack| pack.version.clone()).collect())
    }

    /// A box from its start to its end, and another that goes on with its `/tmp`.
    async fn life(&self) -> anyhow::Result<String> {
        let slot = self.client.start(spec(1, None)).await?;
        let mut stdout = slot.stdout.reading()?;
        let mut hello = [0; 5];
        stdout.read_exact(&mut hello).await?;
        anyhow::ensure!(&hello == b"hello", "standard output says {hello:?}");
        slot.runtime_api.accepting()?;
        let tmp = slot.control.close(KeepTmp::Yes).await.context("no /tmp was kept")?;
        let again = self.client.start(spec(1, Some(tmp))).await?;
        let tmp = again.control.close(KeepTmp::Yes).await.context("no /tmp was kept again")?;
        drop(tmp);
        let dropped = self.client.start(spec(1, None)).await?;
        drop(dropped);
        let mut killed = self.client.start(spec(1, None)).await?;
        let exit = {
            let ended = killed.control.exited();
            let waiting = self.clock.within(std::time::Duration::from_millis(1), ended).await;
            anyhow::ensure!(waiting.is_err(), "a running box has ended: {waiting:?}");
            self.client.clone()
        };
        drop(exit);
        anyhow::ensure!(killed.control.close(KeepTmp::No).await.is_none(), "a /tmp that was not asked for");
        Ok("ok".into())
    }

    async fn round(&self) -> anyhow::Result<String> {
        let slot = self.client.start(spec(1, None)).await?;
        slot.control.close(KeepTmp::No).await;
        Ok("ok".into())
    }

    /// Asks for a box of an impossible size, which is a breach of the protocol.
    async fn memory(&self, memory_mb: u32) -> anyhow::Result<String> {
        let slot = self.client.start(Spec { memory_mb, ..spec(1, None) }).await?;
        Ok(slot.number.to_string())
    }
}

fn spec(pack: u8, tmp: Option<Tmp>) -> Spec {
    Spec {
        pack: PackDigest([pack; 32]),
        task: None,
        layers: Vec::new(),
        command: Command::Custom,
        environment: vec![("A".into(), "1".into())],
        memory_mb: 128,
        tmp_mb: 512,
        tmp,
    }
}
