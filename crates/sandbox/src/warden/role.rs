//! The hidden roles: this binary, executed again by the warden as server or maker, with its channel as standard input.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::Context;
use rustix::process::Signal;

use crate::limits::ENVIRONMENT_BYTES;

use super::boxes::Boxes;
use super::channel::Channel;
use super::confine::{self, Confinement};
use super::maker;
use super::message::{Message, ToServer};
use super::slots::Slots;

/// Where the server finds its data folder.
pub const DATA: &str = "/run/lambent/data";

const SERVER: &str = "lambent: server";
const MAKER: &str = "lambent: maker";

/// Which hidden role a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    Maker,
}

/// A process that the warden has started for a purpose.
#[derive(Debug)]
pub struct Role {
    kind: Kind,
    channel: Channel,
}

/// What the server is given by the warden.
#[derive(Debug)]
pub struct ServerHandles {
    /// One listening socket a shard, all on one address.
    pub listeners: Vec<std::net::TcpListener>,
    /// The bytes that [`super::Up::config`] was given.
    pub config: Vec<u8>,
    /// The data folder as the server sees it.
    pub data: PathBuf,
    /// How many boxes can be had at a time.
    pub slots: u32,
    /// The line to the warden, for [`super::Client::open`].
    pub warden: Line,
}

/// A connection to the warden that is not yet part of a reactor.
#[derive(Debug)]
pub struct Line(pub(crate) Channel);

/// The role that the warden has started this process for. To be called first thing in `main`, before any thread.
pub fn role() -> Option<Role> {
    let name = std::env::args_os().next()?;
    let (kind, short) = match name.to_str()? {
        SERVER => (Kind::Server, c"lambent-server"),
        MAKER => (Kind::Maker, c"lambent-maker"),
        _ => return None,
    };
    // Somebody who calls us by that name without being the warden gets the ordinary command line.
    let fd = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3).ok()?;
    let channel = Channel::from_fd(fd).ok()?;
    let null = std::fs::File::open("/dev/null").ok()?;
    rustix::stdio::dup2_stdin(null).ok()?;
    // Else `ps` would show the file's name in /proc, which is "exe".
    let _ = rustix::thread::set_name(short);
    Some(Role { kind, channel })
}

impl Role {
    /// Plays the role until its end. The server's `main` runs confined: no root, no capability, no exec.
    pub fn run(self, server: fn(ServerHandles) -> ExitCode) -> ExitCode {
        self.run_with::<Slots>(server)
    }

    /// [`Role::run`] with other boxes than the real ones, for tests of the process tree.
    #[doc(hidden)]
    pub fn run_with<B: Boxes>(self, server: fn(ServerHandles) -> ExitCode) -> ExitCode {
        let played = match self.kind {
            Kind::Maker => maker::run::<B>(&self.channel).map(|()| ExitCode::SUCCESS),
            Kind::Server => enter(self.channel).map(server),
        };
        played.unwrap_or_else(|error| {
            // No subscriber for tracing is set in these processes yet.
            let _ = writeln!(io::stderr(), "lambent: {error:#}");
            ExitCode::FAILURE
        })
    }
}

/// Reads the warden's first message and gives up every privilege.
fn enter(channel: Channel) -> anyhow::Result<ServerHandles> {
    let mut buffer = Vec::new();
    let packet = channel.receive(&mut buffer)?.context("the warden is gone")?;
    let ToServer::Hello(hello) = ToServer::decode(&packet.bytes)? else {
        anyhow::bail!("the warden's first message is no greeting")
    };
    let mut fds = packet.fds.into_iter();
    let mut next = || fds.next().context("the warden's greeting lacks a descriptor");
    let (data, locks, config) = (next()?, [next()?, next()?], next()?);
    let listeners = fds.map(std::net::TcpListener::from).collect::<Vec<_>>();
    anyhow::ensure!(listeners.len() == hello.listeners as usize, "the warden's greeting lacks listeners");
    block_signals()?;
    confine::enter(&Confinement { id: hello.id, warden: hello.warden, data: &data })?;
    // Folder and ids come free with the last of warden, makers and server: held until the end of this process.
    std::mem::forget(locks);
    let config = read_memfd(config)?;
    Ok(ServerHandles { listeners, config, data: DATA.into(), slots: hello.slots, warden: Line(channel) })
}

/// A service manager signals every process of a service: the server drains when the warden says so, and whatever handler
/// it installs later is not called.
fn block_signals() -> anyhow::Result<()> {
    use nix::sys::signal::{SigSet, Signal};
    let mut set = SigSet::empty();
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().for_each(|signal| set.add(signal));
    Ok(set.thread_block()?)
}

/// Executes this binary again in a role. The child has no descriptor but the channel and the standard output and error.
pub(crate) fn spawn(kind: Kind) -> anyhow::Result<(Child, Channel)> {
    let (ours, theirs) = Channel::pair()?;
    ours.set_nonblocking()?;
    let name = match kind {
        Kind::Server => SERVER,
        Kind::Maker => MAKER,
    };
    let mut command = Command::new("/proc/self/exe");
    // Keys that came by the environment stay with the warden.
    command.arg0(name).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/");
    command.stdin(Stdio::from(theirs.into_fd()));
    // SAFETY: the closure only makes system calls; the warden has one thread, so no lock can be held here.
    unsafe {
        command.pre_exec(|| {
            // A terminal's Ctrl-C is for the warden alone, which then tells us.
            rustix::process::setsid()?;
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            nix::sys::signal::SigSet::empty().thread_set_mask()?;
            Ok(())
        });
    }
    let child = command.spawn().with_context(|| format!("start {name}"))?;
    Ok((child, ours))
}

/// A memfd that can no longer be changed.
pub(crate) fn sealed_memfd(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    use rustix::fs::{MemfdFlags, SealFlags};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = std::fs::File::from(rustix::fs::memfd_create(name, flags)?);
    file.write_all(bytes)?;
    rustix::fs::fcntl_add_seals(
        &file,
        SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
    )?;
    Ok(file.into())
}

/// Reads an environment that the server sent: a memfd, sealed so that it cannot change under us, and not too large.
pub(crate) fn read_environment(fd: OwnedFd) -> anyhow::Result<Vec<u8>> {
    use rustix::fs::SealFlags;
    let seals = rustix::fs::fcntl_get_seals(&fd).context("the environment is no memfd")?;
    anyhow::ensure!(
        seals.contains(SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK),
        "the environment is not sealed"
    );
    let length = rustix::fs::fstat(&fd)?.st_size;
    anyhow::ensure!(
        usize::try_from(length).is_ok_and(|length| length <= ENVIRONMENT_BYTES),
        "the environment has {length} bytes"
    );
    Ok(read_memfd(fd)?)
}

fn read_memfd(fd: OwnedFd) -> io::Result<Vec<u8>> {
    let file = std::fs::File::from(fd);
    let length = file.metadata()?.len();
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    // By position: the offset is shared with whoever wrote it.
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_must_be_sealed_and_small() {
        let text = b"A=1\0B=2\0";
        assert_eq!(read_environment(sealed_memfd("e", text).unwrap()).unwrap(), text);
        let large = vec![b'x'; ENVIRONMENT_BYTES + 1];
        assert!(read_environment(sealed_memfd("e", &large).unwrap()).is_err());
        let open = rustix::fs::memfd_create("e", rustix::fs::MemfdFlags::ALLOW_SEALING).unwrap();
        assert!(read_environment(open).is_err());
        assert!(read_environment(std::fs::File::open("/etc/passwd").unwrap().into()).is_err());
    }
}
