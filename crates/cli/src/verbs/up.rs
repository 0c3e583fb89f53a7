//! `up`: starts a server in the foreground, or with `-d` in the background.

use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use clap::Args;
use sandbox::warden::{self, Ready, Refused};
use server::tls::Tls;
use tasks::{Clock, Tick};

use crate::failure::{self, Exit, Failure};
use crate::figures::took;
use crate::limits;
use crate::screen::Screen;
use crate::session::{Session, is_root};
use crate::settings::{self, Settings};

mod keys;

/// Arguments of `up`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// In the background; returns once the server is ready
    #[arg(short, long)]
    pub detach: bool,
    /// Gets {"endpoint", "pid"} once requests are served
    #[arg(long, value_name = "PATH")]
    pub ready_file: Option<PathBuf>,
    /// The access key of the account's root [default: made at the first start]
    #[arg(long, value_name = "ID", requires = "root_secret_key")]
    pub root_access_key: Option<String>,
    /// Its secret key; LAMBENT_ROOT_SECRET_KEY keeps it out of the shell's history
    #[arg(long, value_name = "SECRET", requires = "root_access_key")]
    pub root_secret_key: Option<String>,
    /// Where keys come from that were given to the process that this one was
    #[arg(long, hide = true)]
    pub root_key_fd: Option<i32>,
    /// Where the greeting goes, for the process that `-d` starts
    #[arg(long, hide = true)]
    pub greeting: Option<PathBuf>,
    /// The settings.
    #[command(flatten)]
    pub settings: Settings,
}

/// Runs the server until its end, or starts it and returns.
pub fn run(session: &Session, mut arguments: Arguments) -> Result<Exit, Failure> {
    if arguments.detach && arguments.greeting.is_none() {
        return in_background(session, &arguments);
    }
    let start = session.clock.tick();
    if arguments.greeting.is_some() {
        // Signals of the terminal that started us are not for us.
        rustix::process::setsid()
            .map_err(|error| Failure::new(Exit::Failed, format!("leave the terminal: {error}")))?;
    }
    keys::hide(&mut arguments)?;
    foreground(session, arguments, start)
}

fn foreground(session: &Session, arguments: Arguments, start: Tick) -> Result<Exit, Failure> {
    let (config, _) = settings::load(session, &arguments)?;
    let is_new = !config.data.join("state.db").exists();
    let greeting = Greeting {
        start,
        clock: session.clock.clone(),
        screen: session.screen.clone(),
        folder: config.data.clone(),
        tls: config.tls.clone(),
        data: crate::folder::shown(&config.data, crate::session::home().as_deref()),
        data_note: note(is_new, config.root_key.is_some()),
        auth: config.auth,
        drain: config.drain,
        to: arguments.greeting,
    };
    let up = warden::Up {
        data: config.data.clone(),
        listen: config.listen,
        scheme: config.tls.scheme(),
        shards: std::thread::available_parallelism().map_or(1, usize::from).min(limits::SHARDS),
        drain: config.drain,
        ready_file: config.ready_file.clone(),
        config: serde_json::to_vec(&config)
            .map_err(|error| Failure::new(Exit::Failed, format!("write the configuration: {error}")))?,
        on_ready: Some(Box::new(move |ready| greeting.say(ready))),
    };
    match warden::run(up) {
        Ok(code) if code == ExitCode::SUCCESS => Ok(Exit::Done),
        Ok(_) => Ok(Exit::Failed),
        Err(error) => Err(refusal(error)),
    }
}

fn note(is_new: bool, is_given: bool) -> &'static str {
    match (is_new, is_given) {
        (true, false) => " (new; root key made, only you can read it)",
        (true, true) => " (new)",
        (false, _) => "",
    }
}

/// What is said once requests are served.
struct Greeting {
    start: Tick,
    clock: Clock,
    screen: Screen,
    folder: PathBuf,
    tls: Tls,
    data: String,
    data_note: &'static str,
    auth: server::config::Auth,
    drain: Duration,
    to: Option<PathBuf>,
}

impl Greeting {
    fn say(self, ready: &Ready) {
        let runtimes = runtimes(&ready.packs);
        let iam = match self.auth {
            server::config::Auth::On => "IAM on",
            server::config::Auth::Off => "IAM OFF: everybody is root",
        };
        let mut lines = vec![
            format!(
                "lambent {} ready in {} at {}",
                env!("CARGO_PKG_VERSION"),
                took(self.clock.tick().since(self.start)),
                ready.endpoint
            ),
            format!("  data      {}{}", self.data, self.data_note),
            format!("  sandbox   {}; {iam}", crate::verbs::doctor::summary()),
            format!("  runtimes  {runtimes}; more: lambent runtime add"),
            "  clients   eval \"$(lambent env)\"     new here: lambent init hello".to_owned(),
        ];
        if let Tls::SelfSigned { .. } = self.tls {
            lines.insert(2, trust(&self.folder));
        }
        let drain = self.drain.as_secs();
        let stop = format!("Ctrl-C stops: running calls get {drain} s, accepted events are kept.");
        match self.to {
            Some(path) => {
                // The process that waits for this file shows it; without it, it will say that we are not ready.
                let text = format!("{}\n", lines.join("\n"));
                let new = path.with_extension("new");
                let _ = fs::write(&new, text).and_then(|()| fs::rename(&new, &path));
            }
            None => {
                lines.iter().map(String::as_str).chain([stop.as_str()]).for_each(|line| self.screen.say(line))
            }
        }
    }
}

/// Puts the certificate that clients must trust where they can read it, and says where that is.
fn trust(folder: &Path) -> String {
    match crate::folder::publish_authority(folder) {
        Ok(path) => {
            let shown = crate::folder::shown(&path, crate::session::home().as_deref());
            format!("  tls       made here; clients trust {shown} (AWS_CA_BUNDLE, set by lambent env)")
        }
        Err(error) => format!("  tls       made here, but clients cannot read whom to trust: {error}"),
    }
}

/// The runtimes in a few words: `python3.11 provided`.
fn runtimes(packs: &sandbox::Packs) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in packs.installed.iter().flat_map(|pack| &pack.runtimes) {
        let short = if name.starts_with("provided.") { "provided" } else { name };
        if !names.contains(&short) {
            names.push(short);
        }
    }
    names.sort_by_key(|name| *name == "provided");
    match (names.is_empty(), packs.preparing) {
        (true, true) => "being taken from this machine".into(),
        (true, false) => "none".into(),
        (false, true) => format!("{}, others being taken from this machine", names.join(" ")),
        (false, false) => names.join(" "),
    }
}

/// Starts this binary again in the background and waits until it is ready.
fn in_background(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    // What can be refused is refused here, where somebody reads it.
    let (config, _) = settings::load(session, arguments)?;
    if !is_root() {
        return Err(refusal(Refused::NotRoot.into()));
    }
    let log = log_path(&config.data);
    let greeting = log.with_extension("greeting");
    let write = |error| failure::file("write", &log, &error);
    if let Some(folder) = log.parent() {
        DirBuilder::new().recursive(true).create(folder).map_err(write)?;
    }
    let _ = fs::remove_file(&greeting);
    let _ = fs::rename(&log, log.with_extension("log.1"));
    let stderr = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&log).map_err(write)?;
    let this = std::env::current_exe()
        .map_err(|error| Failure::new(Exit::Failed, format!("find this program: {error}")))?;
    let mut command = Command::new(this);
    command.args(std::env::args_os().skip(1)).arg("--greeting").arg(&greeting);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn();
    let mut child =
        child.map_err(|error| Failure::new(Exit::Failed, format!("start the server: {error}")))?;
    let shown = crate::folder::shown(&log, crate::session::home().as_deref());
    let ready = crate::block_on(async {
        let deadline = session.clock.deadline(limits::READY);
        loop {
            if greeting.exists() {
                return Ok(true);
            }
            if child.try_wait().is_ok_and(|ended| ended.is_some()) || deadline.left().is_zero() {
                return Ok(false);
            }
            session.clock.sleep(limits::LOOK).await;
        }
    })?;
    if !ready {
        return Err(not_ready(&log, &shown));
    }
    let text = fs::read_to_string(&greeting).unwrap_or_default();
    let _ = fs::remove_file(&greeting);
    session.screen.say(text.trim_end());
    session.screen.say(&format!("lambent down stops it; its log: {shown}"));
    Ok(Exit::Done)
}

/// The log of a server in the background. Not in the data folder: the server may write there, so root must not.
fn log_path(data: &Path) -> PathBuf {
    if data == Path::new("/var/lib/lambent") {
        return "/var/log/lambent.log".into();
    }
    let mut path = data.as_os_str().to_owned();
    path.push(".log");
    path.into()
}

/// The failure of a server in the background: what it said itself, if that is one of our errors.
fn not_ready(log: &Path, shown: &str) -> Failure {
    let said = fs::read_to_string(log).unwrap_or_default();
    let mut failure = Failure::new(Exit::Failed, "the server did not get ready");
    for line in said.lines() {
        if let Some(what) = line.strip_prefix("error: ") {
            failure.what = what.to_owned();
        } else if let Some(why) = line.strip_prefix("  why: ") {
            failure.why = Some(why.to_owned());
        } else if let Some(fix) = line.strip_prefix("  do: ") {
            failure.fix = Some(fix.to_owned());
        }
    }
    if failure.fix.is_none() { failure.fix(format!("less {shown}")) } else { failure }
}

/// Why a server does not start, with what to do about it.
fn refusal(error: anyhow::Error) -> Failure {
    let Some(refused) = error.downcast_ref::<Refused>() else { return error.into() };
    let failure = Failure::new(Exit::Failed, refused.to_string());
    match refused {
        Refused::NotRoot => failure.fix("sudo lambent up"),
        Refused::FolderInUse { data, pid, endpoint } => {
            let port = endpoint.as_deref().and_then(|endpoint| endpoint.rsplit(':').next());
            let who = match (pid, port) {
                (Some(pid), Some(port)) => format!("lambent, pid {pid}, :{port}"),
                (Some(pid), None) => format!("lambent, pid {pid}"),
                (None, _) => "an instance that is ending".into(),
            };
            failure.why(who).fix(format!("lambent down --data {}", data.display()))
        }
        Refused::PortInUse { listen, holder } => {
            let mut free = *listen;
            free.set_port(listen.port().saturating_add(4));
            let failure = failure.fix(format!("lambent up --listen {free}"));
            match holder {
                Some(holder) => failure.why(format!("{}, pid {}", holder.name, holder.pid)),
                None => failure,
            }
        }
        Refused::NotOurs { data } => failure
            .why("it has files that are not lambent's")
            .fix(format!("lambent up --data {}/lambent", data.display())),
        Refused::IdsTaken { .. } | Refused::NoSandbox(_) => failure.fix("lambent doctor"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sandbox::{Pack, Packs};

    use super::*;

    #[test]
    fn refusals_say_who_is_in_the_way_and_what_to_do() {
        let port = Refused::PortInUse {
            listen: "127.0.0.1:4566".parse().unwrap(),
            holder: Some(warden::Holder { name: "localstack".into(), pid: 812 }),
        };
        assert_eq!(
            refusal(port.into()).text("error"),
            "error: port 4566 is in use\n  why: localstack, pid 812\n  do: lambent up --listen 127.0.0.1:4570\n"
        );
        let folder = Refused::FolderInUse {
            data: "/d".into(),
            pid: Some(4121),
            endpoint: Some("http://127.0.0.1:4566".into()),
        };
        assert_eq!(
            refusal(folder.into()).text("error"),
            "error: data folder /d is in use\n  why: lambent, pid 4121, :4566\n  do: lambent down --data /d\n"
        );
        let user = refusal(Refused::NotRoot.into());
        assert_eq!(user.text("error"), "error: sandboxes need root\n  do: sudo lambent up\n");
    }

    #[test]
    fn runtimes_are_said_in_a_few_words() {
        let pack = |runtimes: &[&str]| Pack {
            digest: sandbox::PackDigest([0; 32]),
            runtimes: runtimes.iter().map(|name| (*name).to_owned()).collect(),
            version: String::new(),
        };
        let packs = |installed: Vec<Pack>, preparing| Packs { installed: Arc::new(installed), preparing };
        let both = vec![pack(&["provided.al2", "provided.al2023"]), pack(&["python3.11"])];
        assert_eq!(runtimes(&packs(both, false)), "python3.11 provided");
        assert_eq!(runtimes(&packs(Vec::new(), true)), "being taken from this machine");
        assert_eq!(runtimes(&packs(Vec::new(), false)), "none");
    }

    #[test]
    fn a_background_servers_own_error_is_passed_on() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("lambent.log");
        fs::write(&log, "error: port 1 is in use\n  why: x, pid 2\n  do: lambent up\n").unwrap();
        let failure = not_ready(&log, "~/lambent.log");
        assert_eq!(failure.text("error"), "error: port 1 is in use\n  why: x, pid 2\n  do: lambent up\n");
        fs::write(&log, "panic\n").unwrap();
        assert_eq!(not_ready(&log, "~/lambent.log").fix.as_deref(), Some("less ~/lambent.log"));
    }
}
