//! A data folder with a pack, and boxes that run something in it.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{WaitId, WaitIdOptions};
use sandbox::packs::Shelf;
use sandbox::slot::{self, Blank, Host, Reaper, Request, Running};
use sandbox::{Command, Exit, KeepTmp, PackDigest, TreeDigest};

/// First id of the range from which instances claim blocks; tests take theirs from its end.
const UIDS: u32 = 1_879_048_192 + 524_288;

static SHARED: OnceLock<Arc<Rig>> = OnceLock::new();

/// Statics are not dropped.
extern "C" fn clean() {
    if let Some(rig) = SHARED.get() {
        rig.clean();
    }
}

pub struct Rig {
    pub host: Host,
    pub base: PackDigest,
    pub uid_base: u32,
    data: PathBuf,
    pub run: PathBuf,
    slots: AtomicU32,
    attacker: OnceLock<TreeDigest>,
    trees: Mutex<u32>,
}

/// What a command did.
#[derive(Debug)]
pub struct Outcome {
    pub exit: Option<Exit>,
    pub stdout: String,
    pub stderr: String,
    pub oom_kills: u64,
}

impl Rig {
    /// The rig that all tests of this process share.
    pub fn shared() -> Arc<Rig> {
        Arc::clone(SHARED.get_or_init(|| {
            // SAFETY: the function takes no arguments and does not unwind.
            unsafe { libc::atexit(clean) };
            Arc::new(Rig::new("shared"))
        }))
    }

    /// A rig of its own.
    pub fn new(name: &str) -> Rig {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make real sandboxes and need root: run them through sudo"
        );
        static RIGS: AtomicU32 = AtomicU32::new(1);
        let block = std::process::id() % 32 * 4 + RIGS.fetch_add(1, Ordering::Relaxed) % 4;
        let uid_base = UIDS - 4_096 * (1 + block);
        let unique = format!("test-{name}-{}", std::process::id());
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&unique);
        let run = Path::new("/run/lambent-tests").join(&unique);
        for folder in [&data, &data.join("objects"), &run] {
            fs::create_dir_all(folder).expect("make a directory");
            fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("open a directory");
        }
        std::os::unix::fs::chown(&data, Some(uid_base), Some(uid_base)).expect("give the data folder away");
        let host = Host::open(&data, &run, uid_base, Reaper::Caller).expect("open the host");
        host.cgroups().prepare().expect("make the cgroups");
        let base =
            Shelf::open(&data).expect("open the packs").base_from_host().expect("make the base pack").digest;
        Rig {
            host,
            base,
            uid_base,
            data,
            run,
            slots: AtomicU32::new(0),
            attacker: OnceLock::new(),
            trees: Mutex::new(0),
        }
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn next_slot(&self) -> u32 {
        self.slots.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a code tree: paths, modes, contents.
    pub fn tree(&self, files: &[(&str, u32, &[u8])]) -> TreeDigest {
        let mut trees = self.trees.lock().expect("the lock");
        *trees += 1;
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&trees.to_be_bytes());
        let digest = TreeDigest(digest);
        let root = self.data.join("objects").join(digest.to_string());
        let own = |path: &Path| {
            std::os::unix::fs::chown(path, Some(self.uid_base), Some(self.uid_base))
                .expect("give a file away");
        };
        fs::create_dir(&root).expect("make a tree");
        fs::set_permissions(&root, Permissions::from_mode(0o755)).expect("open a tree");
        own(&root);
        for (path, mode, content) in files {
            let place = root.join(path);
            let mut folder = place.parent();
            while let Some(above) = folder.filter(|above| *above != root && !above.exists()) {
                fs::create_dir_all(above).expect("make a directory");
                own(above);
                folder = above.parent();
            }
            fs::write(&place, content).expect("write a file");
            fs::set_permissions(&place, Permissions::from_mode(*mode)).expect("set a mode");
            own(&place);
        }
        digest
    }

    /// A tree whose bootstrap is a shell script.
    pub fn script(&self, script: &str) -> TreeDigest {
        self.tree(&[("bootstrap", 0o755, format!("#!/bin/sh\n{script}\n").as_bytes())])
    }

    /// A request with the usual sizes.
    pub fn request(&self, task: Option<TreeDigest>) -> Request {
        Request {
            pack: self.base,
            task,
            layers: Vec::new(),
            command: Command::Custom,
            environment: environment(&[("PATH", "/usr/bin:/bin")]),
            memory_mb: 128,
            tmp_mb: 512,
            tmp: None,
        }
    }

    pub fn blank(&self) -> Blank {
        slot::blank(&self.host, self.next_slot()).expect("make a blank")
    }

    pub fn start(&self, request: &Request) -> Running {
        slot::start(&self.host, self.blank(), request).expect("start a box")
    }

    /// Runs a request to its end.
    pub fn run(&self, request: &Request) -> Outcome {
        let running = self.start(request);
        let outcome = watch(&running);
        self.end(running, KeepTmp::No);
        outcome
    }

    /// Runs a shell script to its end.
    pub fn sh(&self, script: &str) -> Outcome {
        self.run(&self.request(Some(self.script(script))))
    }

    /// Runs one of the attacker's acts to its end.
    pub fn act(&self, act: &str) -> Outcome {
        self.run(&self.acting(act))
    }

    /// A request for one of the attacker's acts.
    pub fn acting(&self, act: &str) -> Request {
        let task = self.attacker.get_or_init(|| {
            let this = fs::read("/proc/self/exe").expect("read this executable");
            self.tree(&[("bootstrap", 0o755, &this)])
        });
        Request { environment: environment(&[("LAMBENT_TEST_ACT", act)]), ..self.request(Some(*task)) }
    }

    fn clean(&self) {
        let swept = slot::sweep(&self.host).and_then(|()| self.host.cgroups().remove());
        if let Err(error) = swept {
            eprintln!("clean up: {error:#}");
        }
        let _ = fs::remove_dir_all(&self.data);
        let _ = fs::remove_dir(&self.run);
    }

    /// Every process of a box, as the host numbers them.
    pub fn processes(&self, running: &Running) -> Vec<u32> {
        let init =
            fs::read_to_string(format!("/proc/self/fdinfo/{}", running.init.as_raw_fd())).expect("the pidfd");
        let init =
            init.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok()).expect("a pid");
        let children =
            fs::read_to_string(format!("/proc/{init}/task/{init}/children")).expect("the children");
        std::iter::once(init)
            .chain(children.split_whitespace().map(|pid| pid.parse().expect("a pid")))
            .collect()
    }

    /// Ends a box as its owner would.
    pub fn end(&self, running: Running, keep: KeepTmp) {
        let (slot, tmp) = (running.slot, running.tmp);
        drop(running.lifeline);
        wait(&running.init);
        slot::clear(&self.host, slot, tmp, keep).expect("clear the slot");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.clean();
    }
}

/// Waits for a child.
pub fn wait(pidfd: &OwnedFd) {
    assert!(is_ready(pidfd.as_fd(), 10), "init does not end");
    rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED).expect("reap init");
}

/// Waits until a descriptor is readable or at its end.
pub fn is_ready(fd: std::os::fd::BorrowedFd<'_>, seconds: i64) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    let limit = Timespec { tv_sec: seconds, tv_nsec: 0 };
    rustix::event::poll(&mut fds, Some(&limit)).expect("poll") > 0
}

/// Reads what the command writes until it is over.
pub fn watch(running: &Running) -> Outcome {
    let text = |fd: &OwnedFd| {
        let mut file = fs::File::from(fd.try_clone().expect("copy a descriptor"));
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("read the output");
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let (stdout, stderr) = (text(&running.stdout), text(&running.stderr));
    let exit = exit_of(running, 60);
    // What the main process left behind may hold the pipes.
    let oom_kills = running.cgroup.oom_kills().expect("read the oom kills");
    assert!(running.cgroup.kill().expect("kill"), "this host cannot kill groups");
    Outcome {
        exit,
        stdout: stdout.join().expect("stdout"),
        stderr: stderr.join().expect("stderr"),
        oom_kills,
    }
}

/// How the main process ended.
pub fn exit_of(running: &Running, seconds: i64) -> Option<Exit> {
    assert!(is_ready(running.status.as_fd(), seconds), "the command does not end");
    let mut bytes = [0; 8];
    let count = rustix::io::read(&running.status, &mut bytes).expect("read the status");
    Exit::from_bytes(&bytes[..count])
}

/// Variables as a request wants them.
pub fn environment(variables: &[(&str, &str)]) -> Vec<u8> {
    variables.iter().flat_map(|(name, value)| format!("{name}={value}\0").into_bytes()).collect()
}
