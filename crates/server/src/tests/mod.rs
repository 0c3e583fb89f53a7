//! The whole server with real clients, threads and sockets; only the boxes are simulated.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use sandbox::simulated::Simulated;
use tasks::Shutdown;

use crate::config::{Level, Root, Sources, load};
use crate::{Connected, Handles, RootKey, run};

/// A running server.
struct Running {
    endpoint: String,
    key: RootKey,
    shutdown: Shutdown,
    thread: JoinHandle<anyhow::Result<ExitCode>>,
}

/// Starts a server on a data folder and waits until it says that it is ready.
fn start(data: &Path) -> Running {
    let flags = [("data", data.to_str().unwrap()), ("drain", "20s")];
    let flags = flags.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let empty = data.join("empty.toml");
    std::fs::write(&empty, "").unwrap();
    let sources = Sources {
        flags,
        environment: Vec::new(),
        file: Some(empty),
        root: Root::No,
        machine_memory_bytes: 8 << 30,
    };
    let (mut config, _) = load(&sources).unwrap();
    config.log = Level::Error;
    let first = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", first.local_addr().unwrap());
    // The second shard shares the socket, as SO_REUSEPORT would have it share the port.
    let listeners = vec![first.try_clone().unwrap(), first];
    let (ready, told) = mpsc::channel();
    let data_folder = data.to_owned();
    let thread = std::thread::spawn(move || {
        run(Handles {
            listeners,
            data: data_folder,
            config,
            connect: Box::new(move |tasks, clock| {
                let driver = Arc::new(Simulated::new(clock.clone(), tasks.clone()));
                let shutdown = tasks.shutdown().clone();
                Ok(Connected { driver, ready: Box::new(move || Ok(ready.send(shutdown)?)) })
            }),
        })
    });
    let shutdown = told.recv_timeout(Duration::from_secs(20)).expect("the server becomes ready");
    let text = std::fs::read_to_string(data.join(crate::ROOT_KEY_FILE)).unwrap();
    Running { endpoint, key: serde_json::from_str(&text).unwrap(), shutdown, thread }
}

impl Running {
    fn client(&self, script: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("python3");
        command
            .args(["-c", script])
            .args(arguments)
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", self.key.access_key())
            .env("AWS_SECRET_ACCESS_KEY", self.key.secret_key())
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env_remove("AWS_SESSION_TOKEN")
            .env_remove("AWS_PROFILE");
        command
    }

    fn story(&self, part: &str) -> serde_json::Value {
        let output = self.client(include_str!("story.py"), &[part]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{part}: {error}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn health(&self) -> serde_json::Value {
        let address = self.endpoint.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /_lambent/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, document) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(document).unwrap()
    }

    fn stop(self) {
        self.shutdown.begin();
        assert_eq!(self.thread.join().unwrap().unwrap(), ExitCode::SUCCESS);
    }
}

#[test]
fn a_function_lives_through_restarts_and_is_read_logged_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let key = server.key.clone();
    assert_eq!(
        server.story("create"),
        serde_json::json!({
            "account": "000000000000",
            "state": "Active",
            "answer": {"name": "world"},
            "log tail": true,
            "wrong secret": "InvalidSignatureException",
            "code is the zip": true,
            "spoilt location": 403,
        })
    );
    server.stop();

    let server = start(folder.path());
    assert_eq!(server.key, key);
    assert_eq!(
        server.story("again"),
        serde_json::json!({
            "functions": ["hello"],
            "answer": {"name": "again"},
            "logged": true,
            "health": "ok",
            "counted": true,
            "deleted": "ResourceNotFoundException",
        })
    );
    server.stop();
}

#[test]
fn a_drain_waits_for_running_calls_and_takes_no_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    server.story("slow");
    let mut call = server.client(include_str!("story.py"), &["call-slow"]);
    let call = std::thread::spawn(move || call.output().unwrap());
    // A client of its own would take longer to start than the call takes.
    while server.health()["running"] == 0 {}
    let endpoint = server.endpoint.clone();
    server.stop();
    let output = call.join().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "{\"slow\": 1}");
    let address = endpoint.strip_prefix("http://").unwrap();
    assert!(TcpStream::connect(address).is_err());
}
