//! A simulated function: the runtime's side of the Runtime API, by hand over an in-memory connection.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use tasks::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

use super::script::{Script, Step};
use super::{Vitals, connect};
use crate::Exit;

/// One byte more than a response may have.
const OVERSIZED_BYTES: usize = 6_291_556 + 1;
const RUNTIME: &str = "/2018-06-01/runtime";

pub(super) struct Player {
    pub(super) clock: Clock,
    pub(super) script: Script,
    pub(super) connect: mpsc::Sender<DuplexStream>,
    /// Keeps the listener of the endpoint inside open.
    pub(super) _endpoint: mpsc::Sender<DuplexStream>,
    pub(super) stdout: DuplexStream,
    pub(super) stderr: DuplexStream,
    pub(super) variables: HashMap<String, String>,
    pub(super) memory_mb: u32,
    pub(super) vitals: Vitals,
    /// How long it waits for an event, if it does not wait for ever.
    pub(super) idle_exit: Option<Duration>,
}

/// Why a script does not go on.
enum Stop {
    Exit(Exit),
    /// The connection broke: the box is being taken down.
    Broken,
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Stop {
        Stop::Broken
    }
}

/// The event that is being worked on.
struct Event {
    id: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    answered: Answered,
}

#[derive(PartialEq, Eq)]
enum Answered {
    Yes,
    No,
}

impl Player {
    /// Plays until the script ends it or the box is killed.
    pub(super) async fn run(mut self) -> anyhow::Result<()> {
        let mut ended = self.vitals.ended.subscribe();
        let sender = self.vitals.ended.clone();
        let exit = tokio::select! {
            _ = ended.wait_for(Option::is_some) => return Ok(()),
            exit = self.play() => exit,
        };
        // Dropping the player closes its connection and pipes, after which its end is seen.
        drop(self);
        sender.send_if_modified(|ended| {
            let running = ended.is_none();
            *ended = ended.or(Some(exit));
            running
        });
        Ok(())
    }

    async fn play(&mut self) -> Exit {
        match self.play_all().await {
            Ok(never) => match never {},
            Err(Stop::Exit(exit)) => exit,
            Err(Stop::Broken) => Exit::Status(1),
        }
    }

    async fn play_all(&mut self) -> Result<std::convert::Infallible, Stop> {
        let script = self.script.clone();
        if script.init.contains(&Step::Missing) {
            return Err(Stop::Exit(Exit::NotStarted(2)));
        }
        let mut client = Client { stream: connect(&self.connect).await?, buffer: Vec::new() };
        for step in &script.init {
            self.step(step, &mut client, None).await?;
        }
        loop {
            let reply = self.next(&mut client).await?;
            let id = reply.header("lambda-runtime-aws-request-id").unwrap_or_default().to_owned();
            let mut event = Event { id, headers: reply.headers, body: reply.body, answered: Answered::No };
            self.thawed().await;
            for step in &script.call {
                self.step(step, &mut client, Some(&mut event)).await?;
            }
            if event.answered == Answered::No {
                self.answer(&mut client, &mut event, b"null").await?;
            }
        }
    }

    async fn next(&self, client: &mut Client) -> Result<Reply, Stop> {
        let path = format!("{RUNTIME}/invocation/next");
        let next = client.request("GET", &path, &[], b"");
        match self.idle_exit {
            Some(wait) => match self.clock.within(wait, next).await {
                Ok(reply) => Ok(reply?),
                Err(_) => Err(Stop::Exit(Exit::Status(1))),
            },
            None => Ok(next.await?),
        }
    }

    /// Waits while the box is frozen.
    async fn thawed(&self) {
        let mut frozen = self.vitals.frozen.subscribe();
        // The sender lives in self, so it cannot be gone.
        let _ = frozen.wait_for(|frozen| !frozen).await;
    }

    async fn step(
        &mut self,
        step: &Step,
        client: &mut Client,
        event: Option<&mut Event>,
    ) -> Result<(), Stop> {
        match step {
            Step::Print(text) => self.stdout.write_all(format!("{text}\n").as_bytes()).await?,
            Step::PrintError(text) => self.stderr.write_all(format!("{text}\n").as_bytes()).await?,
            Step::Write(text) => self.stdout.write_all(text.as_bytes()).await?,
            Step::Sleep(ms) => self.clock.sleep(Duration::from_millis(*ms)).await,
            Step::Memory(mb) => self.vitals.usage().peak_memory_bytes = mb * 1024 * 1024,
            Step::Exit(status) => return Err(Stop::Exit(Exit::Status(*status))),
            Step::Signal(number) => return Err(Stop::Exit(Exit::Signal(*number))),
            Step::Missing => return Err(Stop::Exit(Exit::NotStarted(2))),
            Step::OutOfMemory => {
                self.kill_for_memory();
                return Err(Stop::Exit(Exit::Signal(9)));
            }
            Step::LoseChild => self.kill_for_memory(),
            Step::IdleExit(ms) => self.idle_exit = Some(Duration::from_millis(*ms)),
            Step::Stall => std::future::pending().await,
            Step::First(step) => {
                if self.vitals.tmp().boots == 1 {
                    Box::pin(self.step(step, client, event)).await?;
                }
            }
            Step::Error(kind, message) => return self.error(client, event, (kind, message)).await,
            answering => {
                if let Some(event) = event {
                    self.answering(answering, client, event).await?;
                }
            }
        }
        Ok(())
    }

    async fn answering(&mut self, step: &Step, client: &mut Client, event: &mut Event) -> Result<(), Stop> {
        let body = match step {
            Step::Echo => event.body.clone(),
            Step::Return(json) => json.clone().into_bytes(),
            Step::Variables => serde_json::json!(self.variables).to_string().into_bytes(),
            Step::Variable(name) => serde_json::json!(self.variables.get(name)).to_string().into_bytes(),
            Step::Headers => {
                let headers: serde_json::Map<String, serde_json::Value> =
                    event.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
                serde_json::Value::Object(headers).to_string().into_bytes()
            }
            Step::Tmp => {
                let mut files = self.vitals.tmp();
                files.calls += 1;
                files.calls.to_string().into_bytes()
            }
            Step::Oversized => vec![b'x'; OVERSIZED_BYTES],
            Step::Twice => {
                let body = event.body.clone();
                self.answer(client, event, &body).await?;
                let status = self.answer(client, event, &body).await?;
                self.stdout.write_all(format!("{status}\n").as_bytes()).await?;
                return Ok(());
            }
            // All others were played by `step`.
            _ => return Ok(()),
        };
        self.answer(client, event, &body).await?;
        Ok(())
    }

    async fn answer(&self, client: &mut Client, event: &mut Event, body: &[u8]) -> Result<u16, Stop> {
        event.answered = Answered::Yes;
        let path = format!("{RUNTIME}/invocation/{}/response", event.id);
        let reply = client.request("POST", &path, &[], body).await?;
        if reply.closes() {
            client.stream = connect(&self.connect).await?;
            client.buffer.clear();
        }
        Ok(reply.status)
    }

    async fn error(
        &mut self,
        client: &mut Client,
        event: Option<&mut Event>,
        (kind, message): (&str, &str),
    ) -> Result<(), Stop> {
        let body = serde_json::json!({"errorMessage": message, "errorType": kind}).to_string();
        let header = [("Lambda-Runtime-Function-Error-Type", kind)];
        match event {
            Some(event) => {
                event.answered = Answered::Yes;
                let path = format!("{RUNTIME}/invocation/{}/error", event.id);
                client.request("POST", &path, &header, body.as_bytes()).await?;
                Ok(())
            }
            None => {
                let path = format!("{RUNTIME}/init/error");
                client.request("POST", &path, &header, body.as_bytes()).await?;
                Err(Stop::Exit(Exit::Status(1)))
            }
        }
    }

    fn kill_for_memory(&self) {
        let mut usage = self.vitals.usage();
        usage.oom_kills += 1;
        usage.peak_memory_bytes = u64::from(self.memory_mb) * 1024 * 1024;
    }
}

/// A keep-alive HTTP connection, just good enough for our own server.
struct Client {
    stream: DuplexStream,
    buffer: Vec<u8>,
}

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }
}

impl Client {
    async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request).await?;
        self.reply().await
    }

    async fn reply(&mut self) -> io::Result<Reply> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut reply = Reply { status: status.unwrap_or_default(), headers, body: Vec::new() };
        let length = reply.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while self.buffer.len() < length {
            self.more().await?;
        }
        reply.body = self.buffer.drain(..length).collect();
        Ok(reply)
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}
