//! The data folder: opened by one instance at a time, and what it says about that instance.
//!
//! `lock` is held by warden, makers and server together (one open file), so it comes free when the last of them is gone. It
//! names the warden, and the server cannot change it: `status` and `stop` believe it and nothing else about who runs.

use std::fs::{self, DirBuilder, File};
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::Refused;
use super::limits::{DATA_OWNER, OLD_INSTANCE};

/// A server that runs on a data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The warden's process id.
    pub pid: u32,
    /// Where requests are served, once they are.
    pub endpoint: Option<String>,
}

/// How [`stop`] went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing ran.
    NothingRan,
    /// It has ended.
    Ended(Instance),
    /// It was told to end and has not within the time.
    StillRuns(Instance),
}

/// The instance that runs on a data folder, if one does.
///
/// # Errors
/// The folder cannot be read, which an ordinary user cannot if root's server owns it.
pub fn status(data: &Path) -> anyhow::Result<Option<Instance>> {
    let lock = match File::open(data.join("lock")) {
        Ok(lock) => lock,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(format!("open {}", data.join("lock").display())),
    };
    let Some(warden) = Holder::read(lock)?.filter(Holder::is_alive) else { return Ok(None) };
    Ok(Some(Instance { pid: warden.pid, endpoint: endpoint(data, warden.pid) }))
}

/// Tells the instance on a data folder to drain and end, and waits for its end.
///
/// # Errors
/// The folder cannot be read, or the process cannot be signalled.
pub fn stop(data: &Path, wait: Duration) -> anyhow::Result<Stopped> {
    let Some(instance) = status(data)? else { return Ok(Stopped::NothingRan) };
    let pid = i32::try_from(instance.pid).ok().and_then(Pid::from_raw).context("a process id")?;
    let Ok(process) = rustix::process::pidfd_open(pid, PidfdFlags::empty()) else {
        return Ok(Stopped::Ended(instance));
    };
    // Between reading the lock and opening the process the number may have gone to another.
    if status(data)?.as_ref().map(|now| now.pid) != Some(instance.pid) {
        return Ok(Stopped::Ended(instance));
    }
    rustix::process::pidfd_send_signal(&process, Signal::TERM)
        .with_context(|| format!("signal process {}", instance.pid))?;
    let mut poll = [PollFd::new(&process, PollFlags::IN)];
    let limit = wait.try_into().ok();
    Ok(match rustix::event::poll(&mut poll, limit.as_ref())? {
        0 => Stopped::StillRuns(instance),
        _ => Stopped::Ended(instance),
    })
}

/// A data folder that this process has locked.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) directory: OwnedFd,
    pub(crate) lock: File,
}

impl Folder {
    /// Opens or makes the folder (0700) and takes its lock; waits for the processes of an instance whose warden is dead.
    pub(crate) fn open(data: &Path) -> anyhow::Result<Folder> {
        let is_new = !data.exists();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .with_context(|| format!("make the folder {}", data.display()))?;
        let path = fs::canonicalize(data).with_context(|| format!("resolve {}", data.display()))?;
        if is_new && let Some(parent) = path.parent() {
            // What is acknowledged in it is lost with its name.
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .with_context(|| format!("make the name of {} durable", path.display()))?;
        }
        anyhow::ensure!(path.to_str().is_some(), "the data folder's path {} is not UTF-8", path.display());
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let directory = rustix::fs::open(&path, flags, Mode::empty())
            .with_context(|| format!("open {}", path.display()))?;
        give_to_server(&directory, &path)?;
        // NOFOLLOW: the server may write here, and must not turn our writes elsewhere.
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let lock = rustix::fs::openat(&directory, "lock", flags, Mode::from_raw_mode(0o600))
            .with_context(|| format!("open {}", path.join("lock").display()))?;
        let mut folder = Folder { path, directory, lock: File::from(lock) };
        folder.take()?;
        folder.make_inner_folders()?;
        Ok(folder)
    }

    /// `objects` is the server's; what is mounted or executed by root is root's.
    fn make_inner_folders(&self) -> anyhow::Result<()> {
        for (name, mode) in [("objects", 0o700), ("packs", 0o755), ("tmp", 0o700)] {
            let failed = || format!("make {}", self.path.join(name).display());
            match rustix::fs::mkdirat(&self.directory, name, Mode::from_raw_mode(mode)) {
                Ok(()) if name == "objects" => {
                    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let made = rustix::fs::openat(&self.directory, name, flags, Mode::empty());
                    chown(&made.with_context(failed)?).with_context(failed)?;
                }
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error).with_context(failed),
            }
        }
        Ok(())
    }

    fn take(&mut self) -> anyhow::Result<()> {
        let mut waited = Duration::ZERO;
        while let Err(error) = rustix::fs::flock(&self.lock, FlockOperation::NonBlockingLockExclusive) {
            anyhow::ensure!(error == rustix::io::Errno::WOULDBLOCK, "lock {}: {error}", self.path.display());
            let warden = Holder::read(self.lock.try_clone()?)?;
            if waited >= OLD_INSTANCE || warden.as_ref().is_some_and(Holder::is_alive) {
                let pid = warden.map(|warden| warden.pid);
                let endpoint = pid.and_then(|pid| endpoint(&self.path, pid));
                return Err(Refused::FolderInUse { data: self.path.clone(), pid, endpoint }.into());
            }
            pause(Duration::from_millis(10));
            waited += Duration::from_millis(10);
        }
        let me = Holder::of(std::process::id()).context("read /proc/self/stat")?;
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        self.lock.write_all(format!("{} {}\n", me.pid, me.started).as_bytes())?;
        Ok(())
    }

    /// What tells this folder's cgroups and mounts from another's: 16 hexadecimal digits.
    pub(crate) fn name(&self) -> String {
        use sha2::Digest;
        let hash = sha2::Sha256::digest(self.path.as_os_str().as_encoded_bytes());
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Writes `server.json`, whole or not at all.
    pub(crate) fn announce(&self, endpoint: &str) -> anyhow::Result<()> {
        let text = announcement(endpoint);
        let temporary = "server.json.new";
        let _ = rustix::fs::unlinkat(&self.directory, temporary, rustix::fs::AtFlags::empty());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&self.directory, temporary, flags, Mode::from_raw_mode(0o644))?;
        File::from(file).write_all(text.as_bytes())?;
        rustix::fs::renameat(&self.directory, temporary, &self.directory, "server.json")?;
        Ok(())
    }

    /// Removes `server.json`.
    pub(crate) fn retract(&self) {
        let _ = rustix::fs::unlinkat(&self.directory, "server.json", rustix::fs::AtFlags::empty());
    }
}

/// Writes the file that `--ready-file` asked for, whole or not at all.
pub(crate) fn write_ready_file(path: &Path, endpoint: &str) -> anyhow::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let write = || {
        fs::write(&temporary, announcement(endpoint))?;
        fs::rename(&temporary, path)
    };
    write().with_context(|| format!("write {}", path.display()))
}

fn announcement(endpoint: &str) -> String {
    format!("{}\n", serde_json::json!({ "endpoint": endpoint, "pid": std::process::id() }))
}

fn endpoint(data: &Path, pid: u32) -> Option<String> {
    let text = fs::read(data.join("server.json")).ok()?;
    let document: serde_json::Value = serde_json::from_slice(&text).ok()?;
    // Left behind by a killed instance, it would name that one.
    (document["pid"].as_u64() == Some(u64::from(pid))).then_some(())?;
    document["endpoint"].as_str().map(str::to_owned)
}

/// Makes a new folder the server's. One that has something in it and is not the server's is somebody else's.
fn give_to_server(directory: &OwnedFd, path: &Path) -> anyhow::Result<()> {
    let stat = rustix::fs::fstat(directory)?;
    if stat.st_uid == DATA_OWNER {
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(|| format!("list {}", path.display()))?;
    if entries.count() > 0 {
        return Err(Refused::NotOurs { data: path.to_owned() }.into());
    }
    chown(directory).with_context(|| format!("give {} to the server", path.display()))?;
    Ok(rustix::fs::fchmod(directory, Mode::from_raw_mode(0o700))?)
}

fn chown(file: &OwnedFd) -> rustix::io::Result<()> {
    let (user, group) = (rustix::fs::Uid::from_raw(DATA_OWNER), rustix::fs::Gid::from_raw(DATA_OWNER));
    rustix::fs::fchown(file, Some(user), Some(group))
}

/// A process that a file names: its number may be another's by now, its start time tells.
#[derive(Debug, PartialEq, Eq)]
struct Holder {
    pid: u32,
    /// Clock ticks since the machine's start.
    started: u64,
}

impl Holder {
    fn read(mut lock: File) -> anyhow::Result<Option<Holder>> {
        let mut text = String::new();
        lock.rewind()?;
        lock.take(64).read_to_string(&mut text)?;
        Ok(Holder::parse(&text))
    }

    fn parse(text: &str) -> Option<Holder> {
        let (pid, started) = text.trim_end().split_once(' ')?;
        Some(Holder { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }

    fn of(pid: u32) -> Option<Holder> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command's name is in parentheses and may contain some itself.
        let mut fields = stat[stat.rfind(')')? + 2..].split(' ');
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        (state != "Z" && state != "X").then_some(Holder { pid, started })
    }

    fn is_alive(&self) -> bool {
        Holder::of(self.pid).as_ref() == Some(self)
    }
}

/// Waits. The warden has no reactor, and where this is called nothing can be waited for instead.
pub(crate) fn pause(time: Duration) {
    let limit = time.try_into().ok();
    // Poll without descriptors ends at the limit or at a signal; either will do.
    let _ = rustix::event::poll(&mut [], limit.as_ref());
}

/// True once the process behind a pidfd has ended, waiting for it no longer than `limit`.
pub(crate) fn has_ended(process: impl AsFd, limit: Duration) -> bool {
    let limit = limit.try_into().ok();
    let mut poll = [PollFd::new(&process, PollFlags::IN)];
    matches!(rustix::event::poll(&mut poll, limit.as_ref()), Ok(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_names_its_holder_and_a_dead_holder_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(status(folder.path()).unwrap(), None);
        let first = Folder::open(folder.path()).unwrap();
        let refused = Folder::open(folder.path()).unwrap_err();
        let Some(Refused::FolderInUse { pid, endpoint, .. }) = refused.downcast_ref() else {
            panic!("{refused:#}")
        };
        assert_eq!((*pid, endpoint.as_deref()), (Some(std::process::id()), None));
        first.announce("http://127.0.0.1:1").unwrap();
        let instance = status(folder.path()).unwrap().unwrap();
        assert_eq!(instance.endpoint.as_deref(), Some("http://127.0.0.1:1"));
        let me = Holder::of(std::process::id()).unwrap();
        fs::write(folder.path().join("lock"), format!("{} {}\n", me.pid, me.started + 1)).unwrap();
        assert_eq!(status(folder.path()).unwrap(), None);
    }

    #[test]
    fn a_lock_of_a_dead_instance_that_stays_held_is_refused_after_a_wait() {
        let folder = tempfile::tempdir().unwrap();
        let held = Folder::open(folder.path()).unwrap();
        fs::write(folder.path().join("lock"), "1 0\n").unwrap();
        assert!(Folder::open(folder.path()).is_err());
        drop(held);
        assert!(Folder::open(folder.path()).is_ok());
    }

    #[test]
    fn a_folder_with_something_else_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("letter"), "").unwrap();
        let refused = Folder::open(folder.path()).unwrap_err();
        assert!(matches!(refused.downcast_ref(), Some(Refused::NotOurs { .. })), "{refused:#}");
        assert!(!folder.path().join("lock").exists());
    }

    #[test]
    fn nothing_in_the_lock_file_panics() {
        for text in ["", " ", "1", "1 ", "x 1", "1 2 3", "99999999999 1"] {
            assert_eq!(Holder::parse(text), None, "{text:?}");
        }
        assert_eq!(Holder::parse("12 34\n"), Some(Holder { pid: 12, started: 34 }));
    }
}
