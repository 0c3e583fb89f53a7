//! The system call filter of a box: an allow-list as a search tree.
//!
//! One table ([`table`]) names what is allowed, what needs a look at its arguments and what is known to be bad. Unknown
//! numbers answer ENOSYS, so that C libraries fall back; a foreign architecture or x32 kills. The tree keeps the program
//! short on every path: the kernel runs it once per number when it is loaded, which is what loading costs.

mod assemble;
mod table;

use std::io;
use std::sync::OnceLock;

pub(crate) use assemble::{Action, Check, Rule};

/// The program for this machine's architecture.
pub(crate) fn program() -> &'static [libc::sock_filter] {
    static PROGRAM: OnceLock<Vec<libc::sock_filter>> = OnceLock::new();
    PROGRAM.get_or_init(|| assemble::assemble(&table::rules()))
}

/// Puts the calling thread under a program. Needs `no_new_privs`. Allocates nothing.
pub(crate) fn load(program: &[libc::sock_filter]) -> io::Result<()> {
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program, which lives across the call, and writes nothing.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
