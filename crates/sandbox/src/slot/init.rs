//! Process 1 of a box. It builds the box step by step as the maker tells it, keeps the slot child's end, and goes when the
//! maker's end of the control socket is closed: then the kernel kills whatever else is in its PID namespace.
//!
//! It runs as root of the box's user namespace, outside the group that is frozen, and gives up its capabilities as soon
//! as the command runs. Allocates nothing: it may be the copy of a process that had other threads.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Pid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::child::{self, Child};
use super::control::{FDS, Received, Start, from_init, receive, send, to_init};
use super::inside::{self, At, Pieces, Steps, Trees, write_all};
use crate::kernel::exit_now;
use crate::{Exit, limits};

/// What init inherits from the maker, by number: descriptors of another process's copy are not its own to drop.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub run: &'a CStr,
    pub control: RawFd,
    pub status: RawFd,
    pub stdout: RawFd,
    pub stderr: RawFd,
    pub views: &'a [&'static CStr],
    pub program: &'a [libc::sock_filter],
    pub landlock: u32,
    pub ports: [u16; 2],
}

const CONTROL: RawFd = 3;
const STATUS: RawFd = 4;
const STDOUT: RawFd = 5;
const STDERR: RawFd = 6;

/// Runs init. Never returns into the maker's code.
pub(super) fn run(plan: &Plan<'_>) -> ! {
    if tidy_descriptors(plan).is_err() {
        exit_now(1);
    }
    // SAFETY: `tidy_descriptors` has put the control socket there, and nobody in this process closes it.
    let control = unsafe { BorrowedFd::borrow_raw(CONTROL) };
    let failure = match build(plan, control).and_then(|mut init| init.serve()) {
        Ok(()) => exit_now(0),
        Err(failure) => failure,
    };
    let errno = failure.errno.raw_os_error().to_ne_bytes();
    let head = [from_init::FAILED, errno[0], errno[1], errno[2], errno[3]];
    let _ = send(control, &[&head, failure.step.as_bytes()], &[]);
    exit_now(1)
}

/// Keeps the four descriptors that it needs and closes everything else of the maker's.
fn tidy_descriptors(plan: &Plan<'_>) -> Steps<()> {
    let wanted = [plan.control, plan.status, plan.stdout, plan.stderr];
    let mut high = [-1; 4];
    for (high, fd) in high.iter_mut().zip(wanted) {
        // SAFETY: takes no pointers.
        *high = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 64) };
        if *high < 0 {
            return Err(std::io::Error::last_os_error()).at("keep descriptors");
        }
    }
    for (target, fd) in (CONTROL..).zip(high) {
        // SAFETY: takes no pointers; whatever was at the target belonged to the maker's copy.
        if unsafe { libc::dup3(fd, target, libc::O_CLOEXEC) } < 0 {
            return Err(std::io::Error::last_os_error()).at("keep descriptors");
        }
    }
    close_from(STDERR + 1);
    Ok(())
}

/// Closes every descriptor from a number on.
pub(super) fn close_from(first: RawFd) {
    // SAFETY: takes no pointers; nothing in this process uses those descriptors any more.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
}

struct Init<'a> {
    control: BorrowedFd<'a>,
    status: OwnedFd,
    signals: OwnedFd,
    pieces: Pieces,
    child: Child,
}

fn build<'a>(plan: &Plan<'_>, control: BorrowedFd<'a>) -> Steps<Init<'a>> {
    // SAFETY: `tidy_descriptors` has put them there for these owners.
    let [status, stdout, stderr] = [STATUS, STDOUT, STDERR].map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    let signals = watch_children()?;
    let mut buffer = [0; 8];
    let mut message = expect(control, to_init::MAPPED, &mut buffer)?;
    become_root()?;
    inside::renew_keyring()?;
    name_host()?;
    inside::raise_loopback()?;
    let [runtime_api, endpoint] = [inside::listen(plan.ports[0])?, inside::listen(plan.ports[1])?];
    let tmp = message.fds[0].take().ok_or(Errno::BADMSG).at("receive /tmp")?;
    let views = message.fds[1..].iter_mut().map_while(Option::take);
    let mut views = plan.views.iter().copied().zip(views);
    let pieces = inside::assemble(plan.run, tmp, &mut views)?;
    let (child, pidfd) = child::spawn(plan, &stdout, &stderr)?;
    drop((stdout, stderr));
    let fds = [runtime_api.as_fd(), endpoint.as_fd(), pidfd.as_fd()];
    send(control, &[&[from_init::CHILD]], &fds).at("send listeners")?;
    drop((runtime_api, endpoint, pidfd));
    expect(control, to_init::GROUPED, &mut buffer)?;
    child.prepare()?;
    send(control, &[&[from_init::WAITS]], &[]).at("tell that the child waits")?;
    Ok(Init { control, status, signals, pieces, child })
}

/// Waits for one message; the end of the connection is the end of the box.
fn expect(control: BorrowedFd<'_>, kind: u8, buffer: &mut [u8]) -> Steps<Received> {
    let received = receive(control, buffer).at("receive a message")?;
    match received.bytes {
        0 => exit_now(0),
        _ if buffer[0] == kind => Ok(received),
        _ => Err(Errno::BADMSG).at("receive a message"),
    }
}

fn become_root() -> Steps<()> {
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    set_thread_groups(&[]).at("drop the maker's groups")?;
    set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT).at("become root of the box")?;
    set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).at("become root of the box")
}

fn name_host() -> Steps<()> {
    let name = b"localhost";
    // SAFETY: pointer and length describe the literal.
    match unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()).at("name the host"),
    }
}

/// Blocks SIGCHLD and makes it readable.
fn watch_children() -> Steps<OwnedFd> {
    // SAFETY: an all-zero set is valid; every call gets a pointer to it.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
        match libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(std::io::Error::last_os_error()).at("watch children"),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

impl Init<'_> {
    /// Starts the command when it is told to, reaps, and returns at the end of the control connection.
    fn serve(&mut self) -> Steps<()> {
        let mut started = false;
        loop {
            let mut fds =
                [PollFd::new(&self.control, PollFlags::IN), PollFd::new(&self.signals, PollFlags::IN)];
            match rustix::event::poll(&mut fds, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno).at("wait"),
            }
            let [control, signals] = [fds[0].revents(), fds[1].revents()];
            if !signals.is_empty() {
                self.reap()?;
            }
            if control.is_empty() {
                continue;
            }
            let mut buffer = [0; Start::BYTES + limits::ENVIRONMENT_BYTES];
            let received = receive(self.control, &mut buffer).at("receive a message")?;
            if received.bytes == 0 {
                return Ok(());
            }
            if !started {
                started = true;
                self.start(&buffer[..received.bytes], received.fds)?;
            }
        }
    }

    fn start(&mut self, message: &[u8], mut fds: [Option<OwnedFd>; FDS]) -> Steps<()> {
        let start = Start::from_bytes(message).ok_or(Errno::BADMSG).at("read the start")?;
        let mut fds = fds.iter_mut().map_while(Option::take);
        let root = fds.next().ok_or(Errno::BADMSG).at("receive the root")?;
        let tmp = if start.tmp { fds.next() } else { None };
        let task = if start.task { fds.next() } else { None };
        let mut layers = fds.take(usize::from(start.layers));
        inside::enter(&mut self.pieces, Trees { root, tmp, task, layers: &mut layers })?;
        self.child.execute(start.command, &message[Start::BYTES..])?;
        send(self.control, &[&[from_init::STARTED]], &[]).at("tell the start")?;
        // From here on it only reaps.
        let nothing = CapabilitySet::empty();
        let sets = CapabilitySets { effective: nothing, permitted: nothing, inheritable: nothing };
        rustix::thread::set_capabilities(None, sets).at("give up capabilities")
    }

    /// Reaps every process that ended; the end of the slot child is reported.
    fn reap(&mut self) -> Steps<()> {
        let mut drain = [0; 256];
        while rustix::io::read(&self.signals, &mut drain).is_ok() {}
        loop {
            match wait_any() {
                Ok(Some(ended)) if ended.pid == self.child.pid => self.report(&ended),
                Ok(Some(_)) => {}
                Ok(None) | Err(Errno::CHILD) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno).at("reap"),
            }
        }
    }

    fn report(&self, ended: &Ended) {
        let Ended { status, .. } = ended;
        let exit = match self.child.refusal() {
            Some(errno) => Exit::NotStarted(errno),
            None if libc::WIFEXITED(*status) => Exit::Status(libc::WEXITSTATUS(*status)),
            None => Exit::Signal(libc::WTERMSIG(*status)),
        };
        let mut message = [0; 16];
        message[..8].copy_from_slice(&exit.to_bytes());
        message[8..].copy_from_slice(&ended.peak_bytes.to_ne_bytes());
        // The pipe is empty, so this cannot block; nobody may be there to read it.
        let _ = write_all(self.status.as_fd(), &message);
    }
}

/// A process that was reaped.
struct Ended {
    pid: Pid,
    status: i32,
    /// The largest resident size that it or a child of its had.
    peak_bytes: u64,
}

/// Reaps one process that has ended, if there is any.
fn wait_any() -> Result<Option<Ended>, Errno> {
    let mut status = 0;
    // SAFETY: all-zero is a valid value; both pointers live across the call.
    let (pid, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(-1, &raw mut status, libc::WNOHANG, &raw mut usage), usage)
    };
    if pid < 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    }
    let peak_bytes = 1024 * u64::try_from(usage.ru_maxrss).unwrap_or(0);
    Ok(Pid::from_raw(pid).map(|pid| Ended { pid, status, peak_bytes }))
}
