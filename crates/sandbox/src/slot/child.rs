//! The slot child: process 2 of a box, made before there is a function. It gives up everything, then waits for the
//! environment and the word to execute. Allocates nothing.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Pid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

use super::host::FUNCTION;
use super::init::{Plan, close_from};
use super::inside::{self, At, Steps, read_all, write_all};
use super::walls;
use crate::kernel::{self, Cloned, exit_now};
use crate::{Command, limits, seccomp};

/// Init's side of the slot child.
pub(super) struct Child {
    pub pid: Pid,
    /// Orders to it.
    orders: OwnedFd,
    /// Its answers: a byte when it waits, an errno when it cannot execute.
    answers: OwnedFd,
}

/// The command of a START message.
pub(super) fn command_byte(command: Command) -> u8 {
    match command {
        Command::Runtime => b'r',
        Command::Custom => b'c',
    }
}

fn candidates(command: u8) -> &'static [&'static CStr] {
    match command {
        b'r' => &[c"/var/runtime/bootstrap"],
        _ => &[c"/var/task/bootstrap", c"/opt/bootstrap"],
    }
}

/// Makes the slot child. It inherits init's privileges until [`Child::prepare`].
pub(super) fn spawn(plan: &Plan<'_>, stdout: &OwnedFd, stderr: &OwnedFd) -> Steps<(Child, OwnedFd)> {
    let (orders_out, orders) = inside::pipe()?;
    let (answers, answers_in) = inside::pipe()?;
    // SAFETY: the child calls only allocation-free code and ends with exec or `exit_now`.
    match unsafe { kernel::clone3(0, None) }.at("make the slot child")? {
        Cloned::Parent(pid, pidfd) => {
            let pid = Pid::from_raw(pid as i32).ok_or(Errno::SRCH).at("make the slot child")?;
            Ok((Child { pid, orders, answers }, pidfd))
        }
        Cloned::Child => run(plan, [&orders_out, &answers_in, stdout, stderr].map(AsRawFd::as_raw_fd)),
    }
}

impl Child {
    /// Lets it give up its privileges, now that it is in its groups, and waits until it has.
    pub(super) fn prepare(&self) -> Steps<()> {
        write_all(self.orders.as_fd(), b"p").at("order the slot child")?;
        let mut answer = [0; 1];
        match read_all(self.answers.as_fd(), &mut answer) {
            Ok(1) if answer[0] == READY => {}
            Ok(1) => return Err(Errno::PERM).at(STEPS[usize::from(answer[0]) % STEPS.len()]),
            Ok(_) => return Err(Errno::CHILD).at("prepare the slot child"),
            Err(errno) => return Err(errno).at("prepare the slot child"),
        }
        rustix::fs::fcntl_setfl(&self.answers, OFlags::NONBLOCK).at("prepare the slot child")
    }

    /// Sends it the environment and the command. It must still be there to read.
    pub(super) fn execute(&self, command: u8, environment: &[u8]) -> Steps<()> {
        let length = (environment.len() as u32).to_ne_bytes();
        write_all(self.orders.as_fd(), &[command]).at("order the slot child")?;
        write_all(self.orders.as_fd(), &length).at("order the slot child")?;
        write_all(self.orders.as_fd(), environment).at("send the environment")
    }

    /// Why nothing was executed, once it ended.
    pub(super) fn refusal(&self) -> Option<i32> {
        let mut errno = [0; 4];
        match read_all(self.answers.as_fd(), &mut errno) {
            Ok(4) => Some(i32::from_ne_bytes(errno)),
            _ => None,
        }
    }
}

const READY: u8 = 0xff;

/// Steps of [`give_up`], by the number that the child answers.
const STEPS: [&str; 9] = [
    "take the child's streams",
    "give the child its cgroup namespace",
    "limit the child's resources",
    "drop the child's bounding set",
    "forbid new privileges",
    "change the child's ids",
    "drop the child's capabilities",
    "clear the child's signals",
    "filter the child's system calls",
];

const ORDERS: i32 = 3;
const ANSWERS: i32 = 4;

fn run(plan: &Plan<'_>, streams: [i32; 4]) -> ! {
    let taken = take_streams(streams);
    // SAFETY: `take_streams` has put them there, and nobody in this process closes them.
    let (orders, answers) = unsafe { (BorrowedFd::borrow_raw(ORDERS), BorrowedFd::borrow_raw(ANSWERS)) };
    let mut order = [0; 1];
    if !matches!(read_all(orders, &mut order), Ok(1)) {
        exit_now(0);
    }
    let answer = match taken.and_then(|()| give_up(plan.program)) {
        Ok(()) => READY,
        Err(step) => step,
    };
    if write_all(answers, &[answer]).is_err() || answer != READY {
        exit_now(126);
    }
    let errno = wait_and_execute(orders, plan.landlock);
    let _ = write_all(answers, &errno.raw_os_error().to_ne_bytes());
    exit_now(127)
}

/// Streams 0 to 2, then orders and answers; nothing else stays open.
fn take_streams([orders, answers, stdout, stderr]: [i32; 4]) -> Result<(), u8> {
    let null =
        rustix::fs::openat(CWD, c"dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).map_err(|_| 0)?;
    let mut high = [null.as_raw_fd(), stdout, stderr, orders, answers];
    for fd in &mut high {
        // SAFETY: takes no pointers.
        *fd = unsafe { libc::fcntl(*fd, libc::F_DUPFD_CLOEXEC, 64) };
    }
    for (target, fd) in high.into_iter().enumerate() {
        let flags = if target < 3 { 0 } else { libc::O_CLOEXEC };
        // SAFETY: takes no pointers; what was there was a copy of init's.
        if unsafe { libc::dup3(fd, target as i32, flags) } < 0 {
            return Err(0);
        }
    }
    std::mem::forget(null);
    close_from(ANSWERS + 1);
    Ok(())
}

/// Resource limits: soft and hard alike.
const LIMITS: [(libc::__rlimit_resource_t, u64); 8] = [
    (libc::RLIMIT_NOFILE, limits::OPEN_FILES),
    (libc::RLIMIT_NPROC, limits::PROCESSES as u64),
    // Not 0, which would not stop a core_pattern that is a pipe.
    (libc::RLIMIT_CORE, 1),
    (libc::RLIMIT_MEMLOCK, limits::LOCKED_BYTES),
    (libc::RLIMIT_MSGQUEUE, limits::QUEUE_BYTES),
    (libc::RLIMIT_SIGPENDING, limits::PENDING_SIGNALS),
    (libc::RLIMIT_NICE, 0),
    (libc::RLIMIT_RTPRIO, 0),
];

/// Raises what bounds the limits of functions: sudo and service managers hand down less (sudo forbids core files), and
/// the child, root of its own namespace only, may not raise what it inherits. Where this process may not either, in
/// a container without `CAP_SYS_RESOURCE`, functions get what there is.
///
/// # Errors
/// Core dumps could then not be kept from a program of the host that takes them.
pub fn raise_limits() -> io::Result<()> {
    for (resource, value) in LIMITS {
        let inherited = hard_limit(resource)?;
        if inherited >= value {
            continue;
        }
        let mut limit = libc::rlimit { rlim_cur: inherited, rlim_max: value };
        if resource == libc::RLIMIT_NOFILE {
            limit.rlim_cur = value;
        }
        // SAFETY: the structure lives across the call.
        let raised = unsafe { libc::setrlimit(resource, &raw const limit) } == 0;
        if !raised && resource == libc::RLIMIT_CORE && core_dumps_go_to_a_program()? {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

fn hard_limit(resource: libc::__rlimit_resource_t) -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure lives across the call.
    match unsafe { libc::getrlimit(resource, &raw mut limit) } {
        0 => Ok(limit.rlim_max),
        _ => Err(io::Error::last_os_error()),
    }
}

fn core_dumps_go_to_a_program() -> io::Result<bool> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/core_pattern")?.starts_with('|'))
}

/// Gives up everything; an error is the number of the step.
fn give_up(program: &[libc::sock_filter]) -> Result<(), u8> {
    // SAFETY: a namespace of cgroups shares nothing with other threads.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWCGROUP) }.map_err(|_| 1)?;
    let _ = rustix::process::setsid();
    for (resource, value) in LIMITS {
        let value = value.min(hard_limit(resource).map_err(|_| 2)?);
        let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
        // SAFETY: the structure lives across the call.
        if unsafe { libc::setrlimit(resource, &raw const limit) } != 0 {
            return Err(2);
        }
    }
    for capability in 0..64 {
        // SAFETY: takes no pointers. EINVAL: the kernel knows no more capabilities.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } != 0 {
            if capability == 0 {
                return Err(3);
            }
            break;
        }
    }
    rustix::thread::set_no_new_privs(true).map_err(|_| 4)?;
    let (group, user) = (Gid::from_raw(FUNCTION), Uid::from_raw(FUNCTION));
    rustix::thread::set_thread_groups(&[]).map_err(|_| 5)?;
    rustix::thread::set_thread_res_gid(group, group, group).map_err(|_| 5)?;
    rustix::thread::set_thread_res_uid(user, user, user).map_err(|_| 5)?;
    let nothing = CapabilitySet::empty();
    let sets = CapabilitySets { effective: nothing, permitted: nothing, inheritable: nothing };
    rustix::thread::set_capabilities(None, sets).map_err(|_| 6)?;
    rustix::thread::clear_ambient_capability_set().map_err(|_| 6)?;
    clear_signals()?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    seccomp::load(program).map_err(|_| 8)
}

/// Signals as a fresh program expects them: the maker's runtime ignores SIGPIPE, init blocks SIGCHLD.
fn clear_signals() -> Result<(), u8> {
    // SAFETY: all-zero is an empty set and the default action; pointers live across the calls.
    unsafe {
        let action: libc::sigaction = std::mem::zeroed();
        for signal in 1..=libc::SIGRTMAX() {
            // Fails for SIGKILL, SIGSTOP and the C library's own two.
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
        let empty: libc::sigset_t = std::mem::zeroed();
        match libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut()) {
            0 => Ok(()),
            _ => Err(7),
        }
    }
}

/// Waits for the order to execute, then executes. Returns only if that fails.
fn wait_and_execute(orders: BorrowedFd<'_>, landlock: u32) -> Errno {
    let mut head = [0; 5];
    let mut environment = [0; limits::ENVIRONMENT_BYTES];
    match read_all(orders, &mut head) {
        Ok(5) => {}
        // Init is gone; so is this process, any moment.
        Ok(_) => exit_now(0),
        Err(errno) => return errno,
    }
    let [command, length @ ..] = head;
    let length = u32::from_ne_bytes(length) as usize;
    let Some(environment) = environment.get_mut(..length) else { return Errno::TOOBIG };
    match read_all(orders, environment) {
        Ok(count) if count == length => {}
        Ok(_) => return Errno::IO,
        Err(errno) => return errno,
    }
    let mut variables = [std::ptr::null(); limits::ENVIRONMENT_VARIABLES + 1];
    let mut start = 0;
    let mut count = 0;
    for (at, byte) in environment.iter().enumerate() {
        if *byte == 0 {
            if count == limits::ENVIRONMENT_VARIABLES {
                return Errno::TOOBIG;
            }
            variables[count] = environment[start..].as_ptr().cast::<libc::c_char>();
            count += 1;
            start = at + 1;
        }
    }
    if let Err(errno) = walls::raise(landlock).and_then(|()| rustix::process::chdir(c"/var/task")) {
        return errno;
    }
    let mut errno = Errno::NOENT;
    for path in candidates(command) {
        let arguments = [path.as_ptr(), std::ptr::null()];
        // SAFETY: both arrays end with a null pointer, every string in them with a NUL, and all live across the call.
        unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), variables.as_ptr()) };
        errno = Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO);
        match (errno, rustix::fs::stat(*path)) {
            // The file is there: what is missing is the interpreter that it names.
            (Errno::NOENT, Ok(_)) => return Errno::LIBACC,
            (Errno::NOENT, Err(_)) => {}
            // A folder of that name is no bootstrap.
            (Errno::ACCESS, Ok(found)) if FileType::from_raw_mode(found.st_mode).is_dir() => {
                errno = Errno::NOENT;
            }
            _ => break,
        }
    }
    errno
}
