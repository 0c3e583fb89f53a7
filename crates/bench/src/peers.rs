//! The peers: aws-lambda-rie and cargo-lambda, each with the functions that we measure on ourselves.
//!
//! Both come inside Python packages. Neither isolates, authenticates or keeps anything: they are what a developer runs
//! today, and a lower bound for what a call through HTTP costs.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tasks::Clock;

use crate::function::{EVENT, HELLO_PYTHON};
use crate::instance::end;
use crate::limits::{LOOK, START};
use crate::load::sleep;

/// What is fetched: the versions that SPECIFICATION.md names.
pub const PACKAGES: [&str; 3] = ["aws-sam-cli==1.170.0", "cargo-lambda==1.9.2", "awslambdaric==4.2.2"];

/// The peers' programs.
pub struct Peers {
    venv: PathBuf,
    /// aws-lambda-rie.
    pub rie: PathBuf,
    /// cargo-lambda.
    pub cargo_lambda: PathBuf,
}

/// What a peer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `bench-echo`.
    Native,
    /// The Python function, by AWS's runtime client.
    Python,
}

/// A running peer; its processes end when this is dropped.
pub struct Peer {
    processes: Vec<Child>,
    /// Where it is called.
    pub address: SocketAddr,
    /// From its start until it listened.
    pub ready: Duration,
    path: &'static str,
}

impl Peers {
    /// Fetches the packages into `target/venv-bench`, once.
    ///
    /// # Errors
    /// When Python or the network are not there.
    pub fn fetch(target: &Path) -> anyhow::Result<Peers> {
        let venv = target.join("venv-bench");
        let stamp = venv.join("packages");
        let wanted = PACKAGES.join("\n");
        if fs::read_to_string(&stamp).unwrap_or_default() != wanted {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
            // aws-sam-cli is wanted for one file in it, not for what it depends on.
            for (package, more) in PACKAGES.iter().zip([&["--no-deps"][..], &[], &[]]) {
                let mut pip = Command::new(venv.join("bin/python"));
                run(pip.args(["-m", "pip", "install", "--quiet", "--no-input", package]).args(more))?;
            }
            fs::write(&stamp, wanted).context("note what was fetched")?;
        }
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        let rie = format!("samcli/local/rapid/aws-lambda-rie-{architecture}");
        let rie = packages_folder(&venv)?.join(rie);
        make_executable(&rie)?;
        let cargo_lambda = venv.join("bin/cargo-lambda");
        Ok(Peers { venv, rie, cargo_lambda })
    }

    /// aws-lambda-rie with a function in `place`. The function is started by the first call.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn rie(&self, echo: &Path, language: Language, place: &Path) -> anyhow::Result<Peer> {
        let address = free_address()?;
        let mut rie = Command::new(&self.rie);
        rie.args(["--log-level", "error", "--runtime-interface-emulator-address", &address.to_string()]);
        rie.args(["--runtime-api-address", &free_address()?.to_string()]);
        match language {
            Language::Native => rie.arg(echo),
            Language::Python => {
                fs::write(place.join("app.py"), HELLO_PYTHON).context("write the function")?;
                rie.arg(self.venv.join("bin/python")).args(["-m", "awslambdaric", "app.handler"])
            }
        };
        // Awslambdaric finds the handler from where it runs.
        rie.current_dir(place).env("AWS_LAMBDA_FUNCTION_TIMEOUT", "30");
        Peer::start(rie, address, "/2015-03-31/functions/function/invocations")
    }

    /// `cargo lambda watch` with the native function, which is started beside it: by itself it would compile one.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn cargo_lambda(&self, echo: &Path, place: &Path) -> anyhow::Result<Peer> {
        // It wants to be in a package, though with --only-lambda-apis it builds nothing.
        fs::create_dir_all(place.join("src")).context("make a package")?;
        fs::write(
            place.join("Cargo.toml"),
            "[package]\nname = \"none\"\nversion = \"0.1.0\"\n[workspace]\n",
        )?;
        fs::write(place.join("src/main.rs"), "fn main() {}\n")?;
        let address = free_address()?;
        let mut watch = Command::new(&self.cargo_lambda);
        watch.args(["lambda", "watch", "--only-lambda-apis", "--quiet", "--invoke-address", "127.0.0.1"]);
        watch.args(["--invoke-port", &address.port().to_string()]).current_dir(place);
        let mut peer = Peer::start(watch, address, "/2015-03-31/functions/_/invocations")?;
        let mut function = Command::new(echo);
        function.env("AWS_LAMBDA_RUNTIME_API", format!("http://{address}/.rt")).env("ONE_BY_ONE", "1");
        peer.processes.push(quietly(&mut function).spawn().context("start the function")?);
        Ok(peer)
    }
}

impl Peer {
    fn start(mut command: Command, address: SocketAddr, path: &'static str) -> anyhow::Result<Peer> {
        let clock = Clock::real();
        let begun = clock.tick();
        let child = quietly(&mut command).spawn().with_context(|| format!("start {command:?}"))?;
        let mut peer = Peer { processes: vec![child], address, ready: Duration::ZERO, path };
        while TcpStream::connect(address).is_err() {
            ensure!(clock.tick().since(begun) < START, "{command:?} does not listen");
            if let Some(status) = peer.processes[0].try_wait().context("ask for a peer")? {
                bail!("{command:?} ended with {status}");
            }
            sleep(LOOK);
        }
        peer.ready = clock.tick().since(begun);
        Ok(peer)
    }

    /// The process that answers calls.
    pub fn pid(&self) -> u32 {
        self.processes[0].id()
    }

    /// A call with the event of all measurements.
    pub fn request(&self) -> Vec<u8> {
        self.request_with(EVENT)
    }

    /// A call.
    pub fn request_with(&self, payload: &[u8]) -> Vec<u8> {
        let Peer { path, address, .. } = self;
        let length = payload.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(payload);
        request
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // What a peer started itself is found before its parent is gone.
        let below: Vec<u32> = self
            .processes
            .iter()
            .flat_map(|child| crate::procfs::tree(child.id()).unwrap_or_default())
            .map(|process| process.pid)
            .collect();
        for child in &mut self.processes {
            let _ = child.kill();
            end(child);
        }
        for pid in below.into_iter().filter_map(|pid| rustix::process::Pid::from_raw(pid as i32)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// A port that is free now.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    listener.local_addr().context("find a free port")
}

fn quietly(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("start {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

fn packages_folder(venv: &Path) -> anyhow::Result<PathBuf> {
    for entry in fs::read_dir(venv.join("lib")).context("look into the environment")? {
        let folder = entry.context("look into the environment")?.path().join("site-packages");
        if folder.exists() {
            return Ok(folder);
        }
    }
    bail!("{} has no packages", venv.display())
}

fn make_executable(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("make {} executable", path.display()))
}
