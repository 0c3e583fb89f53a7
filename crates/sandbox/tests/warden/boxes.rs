//! Boxes for tests: an init in a PID namespace with one process beside it, and a file for its `/tmp`.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;

use sandbox::slot::{Request, Running};
use sandbox::warden::{Boxes, InstanceOrder};
use sandbox::{KeepTmp, Pack, PackDigest, StartError};

pub(crate) struct Plain {
    data: PathBuf,
    ids: u32,
}

pub(crate) struct Blank {
    slot: u32,
    tmp: u32,
}

impl Boxes for Plain {
    type Blank = Blank;

    fn open(instance: &InstanceOrder) -> anyhow::Result<Plain> {
        Ok(Plain { data: instance.data.clone(), ids: instance.ids })
    }

    fn prepare(&self) -> anyhow::Result<()> {
        Ok(())
    }

    fn adopt_maker(&self) -> anyhow::Result<()> {
        Ok(())
    }

    fn sweep(&self) -> anyhow::Result<()> {
        for image in fs::read_dir(self.data.join("tmp"))? {
            fs::remove_file(image?.path())?;
        }
        Ok(())
    }

    fn remove(&self) -> anyhow::Result<()> {
        Ok(())
    }

    fn blank(&self, slot: u32) -> anyhow::Result<Blank> {
        anyhow::ensure!(!self.data.ends_with("impossible"), "no namespaces here");
        let tmp = (0..).find(|tmp| fs::File::create_new(self.image(*tmp)).is_ok());
        Ok(Blank { slot, tmp: tmp.expect("a free number") })
    }

    fn tmp(blank: &Blank) -> u32 {
        blank.tmp
    }

    fn is_alive(_: &Blank) -> bool {
        true
    }

    fn start(&self, blank: Blank, request: &Request) -> Result<Running, StartError> {
        if request.pack == PackDigest([0xff; 32]) {
            return Err(StartError::Missing(request.pack.to_string()));
        }
        let tmp = match request.tmp {
            None => blank.tmp,
            Some(kept) => {
                fs::remove_file(self.image(blank.tmp)).map_err(anyhow::Error::from)?;
                fs::metadata(self.image(kept)).map_err(anyhow::Error::from)?;
                kept
            }
        };
        Ok(start(blank.slot, tmp, self.ids + 2 * blank.slot + 2).map_err(anyhow::Error::from)?)
    }

    fn clear(&self, slot: u32, tmp: Option<u32>, keep: KeepTmp) -> anyhow::Result<()> {
        let _ = slot;
        match (tmp, keep) {
            (Some(tmp), KeepTmp::No) => self.forget(tmp),
            (Some(_), KeepTmp::Yes) | (None, _) => Ok(()),
        }
    }

    fn forget(&self, tmp: u32) -> anyhow::Result<()> {
        match fs::remove_file(self.image(tmp)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn packs(&self) -> anyhow::Result<Vec<Pack>> {
        let made = self.data.join("packs/made").exists();
        let pack = Pack {
            digest: PackDigest([1; 32]),
            runtimes: vec!["provided.al2023".into()],
            version: "provided:al2023.v1".into(),
        };
        Ok(if made { vec![pack] } else { Vec::new() })
    }

    fn runtimes(&self) -> Vec<String> {
        vec!["provided.al2023".into(), "impossible".into()]
    }

    fn is_current(&self, _pack: &Pack) -> anyhow::Result<bool> {
        Ok(true)
    }

    fn make_pack(&self, runtime: &str) -> anyhow::Result<()> {
        anyhow::ensure!(runtime != "impossible", "this one cannot be made");
        Ok(fs::write(self.data.join("packs/made"), "")?)
    }
}

impl Plain {
    fn image(&self, tmp: u32) -> PathBuf {
        self.data.join("tmp").join(tmp.to_string())
    }
}

fn start(slot: u32, tmp: u32, uid: u32) -> io::Result<Running> {
    let (ending, lifeline) = io::pipe()?;
    let (status, tell) = io::pipe()?;
    let (stdout, out) = io::pipe()?;
    let (stderr, _) = io::pipe()?;
    let init = clone(|| init([ending.as_raw_fd(), tell.as_raw_fd(), out.as_raw_fd()], uid))?;
    Ok(Running {
        slot,
        init,
        lifeline: lifeline.into(),
        runtime_api: TcpListener::bind("127.0.0.1:0")?.into(),
        endpoint: TcpListener::bind("127.0.0.1:0")?.into(),
        stdout: stdout.into(),
        stderr: stderr.into(),
        status: status.into(),
        cgroup: sandbox::cgroup::Handles::default(),
        tmp,
    })
}

/// A child of the warden, as the init of a real box is, in a PID namespace.
fn clone(child: impl FnOnce()) -> io::Result<OwnedFd> {
    let mut pidfd: RawFd = -1;
    let flags = libc::CLONE_PARENT | libc::CLONE_PIDFD | libc::CLONE_NEWPID | libc::SIGCHLD;
    // SAFETY: like fork, in a process of one thread; the pidfd is written before the call returns.
    match unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, 0, 0) } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            child();
            // SAFETY: the child leaves without the parent's exit handlers.
            unsafe { libc::_exit(0) }
        }
        // SAFETY: the kernel has just made it, and it is nobody else's.
        _ => Ok(unsafe { OwnedFd::from_raw_fd(pidfd) }),
    }
}

/// Lives until the lifeline ends; what it started ends with it.
fn init(mut keep: [RawFd; 3], uid: u32) {
    let [ending, _, out] = keep;
    keep.sort_unstable();
    let mut from = 3;
    for fd in keep.into_iter().chain([RawFd::MAX]) {
        // SAFETY: closes copies that this process never uses.
        unsafe { libc::syscall(libc::SYS_close_range, from, fd - 1, 0) };
        from = fd.saturating_add(1);
    }
    // SAFETY: plain system calls in a process of one thread.
    unsafe {
        libc::setresgid(uid, uid, uid);
        libc::setresuid(uid + 1, uid + 1, uid + 1);
        if libc::fork() == 0 {
            libc::write(out, c"hello".as_ptr().cast(), 5);
            loop {
                libc::pause();
            }
        }
        libc::read(ending, [0u8; 1].as_mut_ptr().cast(), 1);
    }
}
