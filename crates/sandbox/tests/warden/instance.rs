//! An instance as tests see it: a warden that is a child of theirs, and whoever belongs to it.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use sandbox::warden::{self, Up};
use tasks::Clock;

/// The longest wait for anything; only a broken build reaches it.
const PATIENCE: Duration = Duration::from_secs(20);

/// The names of the processes, as `ps` shows them.
pub(crate) const SERVER: &str = "lambent: server";
pub(crate) const MAKER: &str = "lambent: maker";

/// Runs an instance in this process and says on standard output where it serves, or why it does not.
pub(crate) fn up(data: &str, config: &str, run: fn(Up) -> anyhow::Result<ExitCode>) -> ExitCode {
    let up = Up {
        data: data.into(),
        listen: "127.0.0.1:0".parse().expect("an address"),
        scheme: "http",
        shards: 2,
        config: config.into(),
        drain: Duration::from_secs(if config == "stubborn" { 600 } else { 5 }),
        ready_file: Some(Path::new(data).with_extension("ready")),
        on_ready: Some(Box::new(|ready| println!("{}", ready.endpoint))),
    };
    run(up).unwrap_or_else(|error| {
        println!("refused: {error:#} {:?}", error.downcast_ref::<warden::Refused>());
        ExitCode::from(2)
    })
}

pub(crate) struct Instance {
    pub(crate) warden: Child,
    pub(crate) endpoint: String,
    /// The first line of its output.
    pub(crate) said: String,
}

impl Instance {
    pub(crate) fn start(data: &Path, config: &str) -> Instance {
        Instance::start_by(Command::new(std::env::current_exe().expect("this binary")), data, config)
    }

    /// Starts it by a command that executes what follows.
    pub(crate) fn start_by(mut command: Command, data: &Path, config: &str) -> Instance {
        let mut warden = command
            .args(["up", data.to_str().expect("UTF-8"), config])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut said = String::new();
        BufReader::new(warden.stdout.take().expect("piped")).read_line(&mut said).expect("a line");
        let said = said.trim_end().to_owned();
        let endpoint = said.trim_start_matches("http://").to_owned();
        Instance { warden, endpoint, said }
    }

    pub(crate) fn ask(&self, line: &str) -> String {
        ask(&self.endpoint, line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Asks until the server that answers lives to the end of its answer.
    pub(crate) fn ask_again(&self, line: &str) -> String {
        let mut answer = None;
        wait_for(line, || {
            answer = match ask(&self.endpoint, line) {
                Ok(text) => Some(text),
                Err(error) => {
                    assert_ne!(error.kind(), io::ErrorKind::ConnectionRefused, "the port refuses");
                    None
                }
            };
            answer.is_some()
        });
        answer.expect("waited for it")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.warden.id(), signal);
    }

    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        self.warden.wait().expect("a child").code()
    }

    /// The warden's children of a kind. An init has the name of the maker that made it, but ids of its own.
    pub(crate) fn children(&self, role: &str) -> Vec<u32> {
        let is_maker = |pid: &u32| role != MAKER || uid(*pid) == Some(0);
        let children = children_of(self.warden.id()).into_iter();
        children.filter(|pid| command_line(*pid) == role && is_maker(pid)).collect()
    }

    pub(crate) fn server(&self) -> u32 {
        let mut found = None;
        wait_for("a server", || {
            found = self.children(SERVER).first().copied();
            found.is_some()
        });
        found.expect("waited for it")
    }

    /// Inits of boxes: children of the warden that have its boxes' ids.
    pub(crate) fn inits(&self) -> Vec<u32> {
        let of_box = |pid: &u32| uid(*pid) > Some(0) && command_line(*pid) != SERVER;
        children_of(self.warden.id()).into_iter().filter(of_box).collect()
    }

    /// The first id of its block.
    pub(crate) fn id(&self) -> Option<u32> {
        self.children(SERVER).first().and_then(|server| uid(*server))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Twice, so that nobody drains for long; not by SIGKILL, which would leave its control groups to nobody.
        for signal in [Signal::TERM, Signal::INT] {
            if matches!(self.warden.try_wait(), Ok(None)) {
                self.signal(signal);
            }
        }
        let _ = self.warden.wait();
    }
}

pub(crate) fn ask(endpoint: &str, line: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(endpoint)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{line}\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    // A server that died while it answered is no answer.
    if answer.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
}

pub(crate) fn kill(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    let _ = rustix::process::kill_process(pid, signal);
}

/// Waits until it is so.
pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let clock = Clock::real();
    let start = clock.tick();
    while !done() {
        assert!(clock.tick().since(start) < PATIENCE, "waited in vain for {what}");
        let pause = rustix::event::Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
        let _ = rustix::event::poll(&mut [], Some(&pause));
    }
}

fn processes() -> Vec<u32> {
    let names = fs::read_dir("/proc").expect("/proc").flatten();
    names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn status_line(pid: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next().map(str::to_owned)
}

pub(crate) fn uid(pid: u32) -> Option<u32> {
    status_line(pid, "Uid:")?.parse().ok()
}

pub(crate) fn is_alive(pid: u32) -> bool {
    status_line(pid, "State:").is_some_and(|state| state != "Z")
}

pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let is_child = |pid: &u32| status_line(*pid, "PPid:") == Some(parent.to_string());
    processes().into_iter().filter(is_child).collect()
}

/// Processes with ids of a block.
pub(crate) fn of_block(first: u32) -> Vec<u32> {
    let within = |pid: &u32| uid(*pid).is_some_and(|uid| (first..first + 4096).contains(&uid));
    processes().into_iter().filter(within).collect()
}

pub(crate) fn command_line(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(line.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}
