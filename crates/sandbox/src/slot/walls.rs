//! Landlock around a function: a second layer that needs no mount to be right. Writing is possible below `/tmp` only,
//! signals and abstract sockets stay inside. Allocates nothing.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, Result};

/// `LANDLOCK_ACCESS_FS_*`: everything that changes files. Reading and executing are left to the mounts.
mod access {
    pub(super) const WRITE_FILE: u64 = 1 << 1;
    /// Removing and making: bits 4 to 12.
    pub(super) const ENTRIES: u64 = 0x1ff0;
    pub(super) const REFER: u64 = 1 << 13;
    pub(super) const TRUNCATE: u64 = 1 << 14;
}

const SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS: u64 = 3;
const CREATE_RULESET_VERSION: u32 = 1;
const RULE_PATH_BENEATH: libc::c_int = 1;

/// `struct landlock_ruleset_attr`.
#[repr(C)]
struct Ruleset {
    file_system: u64,
    network: u64,
    scoped: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    parent: i32,
}

/// The version of Landlock that this kernel has; 0 without.
pub(crate) fn landlock_version() -> u32 {
    // SAFETY: without attributes the kernel only answers its version.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, CREATE_RULESET_VERSION)
    };
    u32::try_from(version).unwrap_or(0)
}

/// Puts the calling process behind the walls that this version has. Needs `no_new_privs`, and the final root.
pub(super) fn raise(version: u32) -> Result<()> {
    if version == 0 {
        return Ok(());
    }
    let handled = access::WRITE_FILE
        | access::ENTRIES
        | if version >= 2 { access::REFER } else { 0 }
        | if version >= 3 { access::TRUNCATE } else { 0 };
    let scoped = if version >= 6 { SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS } else { 0 };
    let attributes = Ruleset { file_system: handled, network: 0, scoped };
    // Older kernels know a shorter structure and refuse the longer one unless the rest is zero, as it is.
    // SAFETY: the structure lives across the call.
    let ruleset = unsafe {
        let size = size_of::<Ruleset>();
        match libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0) {
            fd if fd >= 0 => OwnedFd::from_raw_fd(fd as i32),
            _ => return Err(last_error()),
        }
    };
    let streams = handled & (access::WRITE_FILE | access::TRUNCATE);
    for (path, allowed) in [(c"/tmp", handled), (c"/dev", streams), (c"/proc", streams)] {
        allow(&ruleset, path, allowed)?;
    }
    // SAFETY: takes no pointers.
    match unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

fn allow(ruleset: &OwnedFd, path: &CStr, allowed: u64) -> Result<()> {
    let parent = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let rule = Beneath { allowed, parent: parent.as_raw_fd() };
    // SAFETY: the structure lives across the call.
    let added = unsafe {
        let ruleset = ruleset.as_raw_fd();
        libc::syscall(libc::SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &raw const rule, 0)
    };
    if added == 0 { Ok(()) } else { Err(last_error()) }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn behind_the_walls_only_tmp_can_be_changed() {
        let version = landlock_version();
        if version == 0 {
            println!("this kernel has no Landlock");
            return;
        }
        let inside = tempfile::tempdir_in("/tmp").expect("a directory");
        let outside = tempfile::tempdir_in("/var/tmp").expect("a directory");
        fs::write(outside.path().join("old"), "old").expect("write");
        let (within, beyond) = (inside.path().to_owned(), outside.path().to_owned());
        // Both hold for the calling thread alone.
        let walled = std::thread::spawn(move || {
            rustix::thread::set_no_new_privs(true).expect("no new privileges");
            raise(version).expect("raise the walls");
            fs::write(within.join("new"), "new").expect("/tmp is the function's");
            fs::remove_file(within.join("new")).expect("/tmp is the function's");
            let old = beyond.join("old");
            assert_eq!(fs::read(&old).expect("reading is left to the mounts"), b"old");
            let refused = [
                fs::write(beyond.join("new"), "new"),
                fs::OpenOptions::new().append(true).open(&old).map(drop),
                fs::remove_file(&old),
                fs::create_dir(beyond.join("folder")),
                std::os::unix::fs::symlink("/etc", beyond.join("link")),
            ];
            for result in refused {
                assert_eq!(result.expect_err("outside of /tmp").kind(), ErrorKind::PermissionDenied);
            }
        });
        walled.join().expect("the walls hold");
        assert_eq!(fs::read(outside.path().join("old")).expect("still there"), b"old");
    }
}
