//! A server for tests: it runs shell scripts in boxes.

use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use sandbox::warden::{Client, ServerHandles};
use sandbox::{Command, Driver, Exit, KeepTmp, Slot, Spec, Tmp, TreeDigest};
use tasks::{Clock, OnError, Shutdown, Tasks};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

#[derive(Clone)]
struct Server {
    client: Client,
    clock: Clock,
    boxes: Arc<Mutex<Vec<Slot>>>,
}

pub(crate) fn main(handles: ServerHandles) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a reactor");
    runtime.block_on(serve(handles)).expect("the server works")
}

async fn serve(handles: ServerHandles) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::new();
    let tasks = Tasks::new(shutdown.clone());
    let clock = Clock::real();
    let client = Client::open(handles.warden, &tasks, &clock)?;
    let server = Server { client: client.clone(), clock, boxes: Arc::default() };
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
    Ok(ExitCode::SUCCESS)
}

impl Server {
    async fn connection(&self, stream: TcpStream) -> anyhow::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let (verb, script) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let answer = self.answer(verb, script).await.unwrap_or_else(|error| format!("error: {error:#}"));
        stream.write_all(answer.as_bytes()).await?;
        Ok(())
    }

    async fn answer(&self, verb: &str, script: &str) -> anyhow::Result<String> {
        Ok(match verb {
            "ping" => "pong".into(),
            // What the script prints and how it ends.
            "run" => self.run(script, None).await?.0,
            // The script runs on and on.
            "hold" => {
                let mut slot = self.client.start(self.spec(script, None).await?).await?;
                slot.control.freeze()?;
                let number = slot.number;
                self.boxes.lock().expect("no panic").push(slot);
                number.to_string()
            }
            // Twice in boxes of one /tmp.
            "twice" => {
                let (first, tmp) = self.run(script, None).await?;
                let (second, tmp) = self.run(script, Some(tmp.context("no /tmp was kept")?)).await?;
                drop(tmp);
                format!("{first}, {second}")
            }
            "frozen" => self.frozen(script).await?,
            _ => anyhow::bail!("no verb {verb}"),
        })
    }

    async fn run(&self, script: &str, tmp: Option<Tmp>) -> anyhow::Result<(String, Option<Tmp>)> {
        let mut slot = self.client.start(self.spec(script, tmp).await?).await?;
        let mut output = String::new();
        let (mut stdout, mut stderr) = (slot.stdout.reading()?, slot.stderr.reading()?);
        let read = async {
            stdout.read_to_string(&mut output).await?;
            stderr.read_to_string(&mut output).await?;
            anyhow::Ok(())
        };
        let ended = async { tokio::join!(read, slot.control.exited()) };
        let (read, exit) =
            self.clock.within(Duration::from_secs(20), ended).await.context("the script goes on")?;
        read?;
        let usage = slot.control.usage()?;
        let tmp = slot.control.close(KeepTmp::Yes).await;
        let exit = match exit {
            _ if usage.oom_kills > 0 => " out of memory".into(),
            Exit::Status(0) => String::new(),
            other => format!(" {other:?}"),
        };
        Ok((format!("{}{exit}", output.trim_end()), tmp))
    }

    /// A box that is frozen makes no progress; thawed it goes on; it uses memory and time.
    async fn frozen(&self, script: &str) -> anyhow::Result<String> {
        let mut slot = self.client.start(self.spec(script, None).await?).await?;
        let mut output = BufReader::new(slot.stdout.reading()?);
        let mut line = String::new();
        output.read_line(&mut line).await?;
        slot.control.limit_cpu()?;
        let usage = slot.control.usage()?;
        anyhow::ensure!(usage.peak_memory_bytes > 100_000, "{usage:?}");
        slot.control.freeze()?;
        let drained = async { while output.read_line(&mut line).await.is_ok_and(|length| length > 0) {} };
        let _ = self.clock.within(Duration::from_millis(200), drained).await;
        let more = self.clock.within(Duration::from_millis(200), output.read_line(&mut line)).await;
        anyhow::ensure!(more.is_err(), "a frozen box goes on");
        slot.control.thaw()?;
        line.clear();
        output.read_line(&mut line).await?;
        slot.control.freeze()?;
        slot.control.close(KeepTmp::No).await;
        Ok(line.trim_end().to_owned())
    }

    /// A box that runs a shell script, from a tree of its own below `objects`.
    async fn spec(&self, script: &str, tmp: Option<Tmp>) -> anyhow::Result<Spec> {
        let mut packs = self.client.packs();
        let pack = {
            let packs = packs.wait_for(|packs| packs.serving("provided.al2023").is_some()).await?;
            packs.serving("provided.al2023").context("waited for it")?.digest
        };
        let mut digest = [0u8; 32];
        for (at, byte) in script.bytes().enumerate() {
            digest[at % 32] = digest[at % 32].wrapping_mul(31) ^ byte;
        }
        let task = TreeDigest(digest);
        let folder = format!("/run/lambent/data/objects/{task}");
        if std::fs::create_dir(&folder).is_ok() {
            let bootstrap = format!("{folder}/bootstrap");
            std::fs::write(&bootstrap, format!("#!/bin/sh\n{script}\n"))?;
            std::fs::set_permissions(&bootstrap, PermissionsExt::from_mode(0o755))?;
            std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755))?;
        }
        Ok(Spec {
            pack,
            task: Some(task),
            layers: Vec::new(),
            command: Command::Custom,
            environment: vec![("GREETING".into(), "hello".into())],
            memory_mb: 128,
            tmp_mb: 512,
            tmp,
        })
    }
}
