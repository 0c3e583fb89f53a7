//! `exec`: runs a command that finds the server in its environment; `--fresh` gives it a server of its own.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use tasks::Clock;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{self, Exit, Failure};
use crate::folder;
use crate::limits;
use crate::session::{Session, is_root};
use crate::target::{Keys, Target};
use crate::verbs::env::{MISLEADING, variables};

/// Arguments of `exec`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Start a server of its own, empty, and leave nothing behind
    #[arg(long)]
    pub fresh: bool,
    /// The command
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Runs the command and passes on how it ended.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    // Ctrl-C goes to the command as well; it decides, and its server outlives it.
    let cannot = |error: std::io::Error| Failure::new(Exit::Failed, format!("catch signals: {error}"));
    let mut interrupts = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminations = signal(SignalKind::terminate()).map_err(cannot)?;
    let fresh = if arguments.fresh { Some(Fresh::start(session).await?) } else { None };
    let target = match &fresh {
        Some(fresh) => fresh.target.clone(),
        None => session.target()?,
    };
    let program = &arguments.command[0];
    let mut command = tokio::process::Command::new(program);
    command.args(&arguments.command[1..]).envs(variables(&target));
    MISLEADING.iter().filter(|name| **name != "AWS_SESSION_TOKEN" || target.keys.token.is_none()).for_each(
        |name| {
            command.env_remove(name);
        },
    );
    let mut child = command.spawn().map_err(|error| {
        Failure::new(Exit::NotFound, format!("cannot run {}: {error}", program.to_string_lossy()))
    })?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            _ = interrupts.recv() => {}
            _ = terminations.recv() => terminate(child.id()),
        }
    };
    if let Some(fresh) = fresh {
        fresh.end(&session.clock).await;
    }
    let status =
        status.map_err(|error| Failure::new(Exit::Failed, format!("wait for the command: {error}")))?;
    Ok(Exit::Of(code_of(status)))
}

/// The exit code as a shell has it: 128 and the signal for what was killed.
fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(1)
}

fn terminate(pid: Option<u32>) {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // A process that has ended in the meantime needs no signal.
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// A server with a folder of its own.
struct Fresh {
    server: Child,
    folder: PathBuf,
    target: Target,
}

impl Fresh {
    async fn start(session: &Session) -> Result<Fresh, Failure> {
        if !is_root() {
            return Err(
                Failure::new(Exit::Usage, "sandboxes need root").fix("sudo lambent exec --fresh -- COMMAND")
            );
        }
        let name = format!("lambent-{}-{}", std::process::id(), session.clock.wall_ms());
        let folder = std::env::temp_dir().join(name);
        let make = |error| failure::file("make folder", &folder, &error);
        DirBuilder::new().mode(0o700).create(&folder).map_err(make)?;
        let started = Fresh::start_in(session, &folder).await;
        if started.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_dir_all(&folder);
        }
        started
    }

    async fn start_in(session: &Session, folder: &Path) -> Result<Fresh, Failure> {
        let (data, ready, log) = (folder.join("data"), folder.join("ready.json"), folder.join("log"));
        let stderr = File::create(&log).map_err(|error| failure::file("write", &log, &error))?;
        let this = std::env::current_exe()
            .map_err(|error| Failure::new(Exit::Failed, format!("find this program: {error}")))?;
        let mut up = Command::new(this);
        up.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(&data).arg("--ready-file").arg(&ready);
        up.args(session.options.region.iter().flat_map(|region| ["--region", region.as_str()]));
        // A group of its own: Ctrl-C is for the command.
        up.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).process_group(0);
        let mut server =
            up.spawn().map_err(|error| Failure::new(Exit::Failed, format!("start the server: {error}")))?;
        let deadline = session.clock.deadline(limits::READY);
        while !ready.exists() {
            let ended = server.try_wait().ok().flatten();
            if ended.is_some() || deadline.left().is_zero() {
                terminate(Some(server.id()));
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(Failure::new(Exit::NoServer, "the fresh server did not start").why(said.trim()));
            }
            session.clock.sleep(limits::LOOK).await;
        }
        let (Some(about), Some(key)) = (folder::server(&data)?, folder::root_key(&data)?) else {
            terminate(Some(server.id()));
            return Err(Failure::new(Exit::NoServer, "the fresh server has no address or key"));
        };
        let region = session.options.region.clone().or(about.region).unwrap_or_else(|| "us-east-1".into());
        let keys = Keys { id: key.id, secret: key.secret, token: None };
        let authority = Some(folder::authority_path(&data)).filter(|path| path.exists());
        let target =
            Target { endpoint: about.endpoint, origin: "from --fresh".into(), region, keys, authority };
        Ok(Fresh { server, folder: folder.to_owned(), target })
    }

    /// Ends the server: asked once to drain, and when that takes long once more, which ends it at once.
    async fn end(mut self, clock: &Clock) {
        for _ in 0..2 {
            terminate(Some(self.server.id()));
            let deadline = clock.deadline(limits::CONNECT);
            while !deadline.left().is_zero() {
                if matches!(self.server.try_wait(), Ok(Some(_)) | Err(_)) {
                    let _ = fs::remove_dir_all(&self.folder);
                    return;
                }
                clock.sleep(limits::LOOK).await;
            }
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
        // What is left in the temporary folder is the system's to clean; the exit code is the command's.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_passed_on_as_a_shell_does() {
        assert_eq!(code_of(ExitStatus::from_raw(0)), 0);
        assert_eq!(code_of(ExitStatus::from_raw(3 << 8)), 3);
        assert_eq!(code_of(ExitStatus::from_raw(9)), 137);
    }
}
