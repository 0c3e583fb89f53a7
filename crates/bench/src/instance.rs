//! A server of ours for the time of a measurement.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value as Json;
use tasks::Clock;
use wire::sigv4::Credentials;

use crate::client::Client;
use crate::connection::Connection;
use crate::limits::{LOOK, START, STOP};
use crate::load::sleep;
use crate::procfs::{self, Process};

/// A running server; it is stopped when this is dropped.
pub struct Instance {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start until the ready file was there.
    pub ready: Duration,
    data: PathBuf,
}

impl Instance {
    /// Starts `binary` on the data folder `place/data`.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub fn start(binary: &Path, place: &Path) -> anyhow::Result<Instance> {
        let (data, ready_file) = (place.join("data"), place.join("ready.json"));
        let log = fs::File::create(place.join("log")).context("create a file for the log")?;
        match fs::remove_file(&ready_file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut command = Command::new(binary);
        // The settings of whoever runs the bench are not what is measured.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LAMBENT_"))
        {
            command.env_remove(name);
        }
        let clock = Clock::real();
        let begun = clock.tick();
        let mut child = command
            .args(["up", "--listen", "127.0.0.1:0", "--log", "warn", "--data"])
            .arg(&data)
            .arg("--ready-file")
            .arg(&ready_file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let document = loop {
            if let Ok(document) = serde_json::from_slice::<Json>(&fs::read(&ready_file).unwrap_or_default()) {
                break document;
            }
            let ended = child.try_wait().context("ask for the server")?;
            if ended.is_some() || clock.tick().since(begun) > START {
                let _ = child.kill();
                let log = fs::read_to_string(place.join("log")).unwrap_or_default();
                bail!("{} is not ready: {log}", binary.display());
            }
            sleep(LOOK);
        };
        let ready = clock.tick().since(begun);
        let endpoint = document["endpoint"].as_str().context("the ready file names no endpoint")?;
        let address = endpoint.trim_start_matches("http://").parse().context("read the endpoint")?;
        Ok(Instance { child, address, ready, data })
    }

    /// A connection that signs with root's key.
    ///
    /// # Errors
    /// When there is no key or no server.
    pub fn client(&self) -> anyhow::Result<Client> {
        let path = self.data.join(server::ROOT_KEY_FILE);
        let key: Json = serde_json::from_slice(&fs::read(&path).context("read root's key")?)?;
        let field = |name: &str| key[name].as_str().map(str::to_owned).context("root's key is not whole");
        let credentials = Credentials {
            access_key: field("AccessKeyId")?,
            secret_key: field("SecretAccessKey")?,
            session_token: None,
        };
        Client::open(self.address, credentials)
    }

    /// Waits until the packs taken from this machine are there, and returns the newest Python's runtime.
    ///
    /// # Errors
    /// When there is none.
    pub fn python(&self) -> anyhow::Result<String> {
        let clock = Clock::real();
        let begun = clock.tick();
        loop {
            let health = self.health()?;
            let empty = Vec::new();
            let names = |field: &str| health[field].as_array().unwrap_or(&empty).clone();
            if names("preparing").is_empty() {
                let runtimes = names("runtimes");
                let pythons =
                    runtimes.iter().filter_map(Json::as_str).filter(|name| name.starts_with("python"));
                if let Some(newest) = pythons.max_by_key(|name| minor(name)) {
                    return Ok(newest.to_owned());
                }
            }
            ensure!(clock.tick().since(begun) < START, "there is no Python runtime: {health}");
            sleep(Duration::from_millis(20));
        }
    }

    fn health(&self) -> anyhow::Result<Json> {
        let mut connection = Connection::open(self.address).context("connect")?;
        connection
            .send(format!("GET /_lambent/health HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).as_bytes())?;
        Ok(connection.receive(|answer| serde_json::from_slice(&answer.body))??)
    }

    /// All its processes.
    ///
    /// # Errors
    /// When /proc cannot be read.
    pub fn processes(&self) -> anyhow::Result<Vec<Process>> {
        procfs::tree(self.child.id())
    }

    /// The id of the process that serves requests.
    ///
    /// # Errors
    /// When there is none.
    pub fn server(&self) -> anyhow::Result<u32> {
        let processes = self.processes()?;
        let server = processes.iter().find(|process| process.command == "lambent: server");
        server.map(|process| process.pid).context("there is no server process")
    }

    /// Asks it to end and waits for that.
    ///
    /// # Errors
    /// When it does not end, or ends badly.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let status = end(&mut self.child).context("the server does not end")?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a process: asked first, killed when it does not listen.
pub(crate) fn end(child: &mut Child) -> Option<std::process::ExitStatus> {
    if let Ok(Some(status)) = child.try_wait() {
        return Some(status);
    }
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    let clock = Clock::real();
    let begun = clock.tick();
    while clock.tick().since(begun) < STOP {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn minor(runtime: &str) -> u32 {
    runtime.rsplit('.').next().and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_python_has_the_largest_minor_version() {
        let newest = ["python3.9", "python3.13", "python3.11"].into_iter().max_by_key(|name| minor(name));
        assert_eq!(newest, Some("python3.13"));
    }
}
