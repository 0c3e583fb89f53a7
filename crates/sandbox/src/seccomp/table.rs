//! What a function may ask of the kernel.
//!
//! Allowed is what Python, Node, the JVM, Go, .NET, Ruby and the shell use. An unknown number answers ENOSYS by default, so
//! a new system call of a new C library falls back; a row under [`FORBIDDEN`] only differs in saying EPERM, which tells a
//! program that asking again is no use.

use super::{Action, Check, Rule};

macro_rules! numbers {
    ($($name:ident)*) => { &[$(libc::$name as u32),*] };
}

/// Allowed without a look.
const ALLOWED: &[u32] = numbers![
    // Files.
    SYS_read SYS_write SYS_readv SYS_writev SYS_pread64 SYS_pwrite64 SYS_preadv SYS_pwritev SYS_preadv2 SYS_pwritev2
    SYS_openat SYS_openat2 SYS_close SYS_close_range SYS_lseek SYS_dup SYS_dup3 SYS_fcntl SYS_flock SYS_fstat
    SYS_newfstatat SYS_statx SYS_statfs SYS_fstatfs SYS_faccessat SYS_faccessat2 SYS_readlinkat SYS_getdents64 SYS_getcwd
    SYS_chdir SYS_fchdir SYS_mkdirat SYS_mknodat SYS_unlinkat SYS_renameat SYS_renameat2 SYS_linkat SYS_symlinkat
    SYS_truncate SYS_ftruncate SYS_fallocate SYS_fadvise64 SYS_readahead SYS_fsync SYS_fdatasync SYS_sync_file_range
    SYS_fchmod SYS_fchmodat SYS_fchown SYS_fchownat SYS_utimensat SYS_umask SYS_copy_file_range SYS_sendfile SYS_splice
    SYS_tee SYS_vmsplice SYS_memfd_create SYS_getxattr SYS_lgetxattr SYS_fgetxattr SYS_setxattr SYS_lsetxattr
    SYS_fsetxattr SYS_listxattr SYS_llistxattr SYS_flistxattr SYS_removexattr SYS_lremovexattr SYS_fremovexattr
    // Waiting for them.
    SYS_ppoll SYS_pselect6 SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2 SYS_eventfd2 SYS_signalfd4
    SYS_timerfd_create SYS_timerfd_settime SYS_timerfd_gettime SYS_inotify_init1 SYS_inotify_add_watch
    SYS_inotify_rm_watch SYS_pipe2 SYS_io_setup SYS_io_submit SYS_io_cancel SYS_io_getevents SYS_io_destroy
    // Sockets, once made.
    SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_connect SYS_getsockname SYS_getpeername SYS_sendto SYS_recvfrom
    SYS_sendmsg SYS_recvmsg SYS_sendmmsg SYS_recvmmsg SYS_shutdown SYS_setsockopt SYS_getsockopt
    // Memory.
    SYS_mmap SYS_munmap SYS_mprotect SYS_mremap SYS_madvise SYS_brk SYS_msync SYS_mincore SYS_mlock SYS_mlock2
    SYS_munlock SYS_mlockall SYS_munlockall SYS_pkey_alloc SYS_pkey_free SYS_pkey_mprotect SYS_membarrier SYS_get_mempolicy
    // Processes and threads.
    SYS_execve SYS_execveat SYS_exit SYS_exit_group SYS_wait4 SYS_waitid SYS_getpid SYS_getppid SYS_gettid SYS_getpgid
    SYS_setpgid SYS_getsid SYS_setsid SYS_set_tid_address SYS_set_robust_list SYS_get_robust_list SYS_futex SYS_futex_waitv
    SYS_rseq SYS_prctl SYS_seccomp SYS_landlock_create_ruleset SYS_landlock_add_rule SYS_landlock_restrict_self
    SYS_pidfd_open SYS_pidfd_send_signal SYS_restart_syscall
    // Who they are: without privileges these change nothing.
    SYS_getuid SYS_geteuid SYS_getgid SYS_getegid SYS_getresuid SYS_getresgid SYS_getgroups SYS_setuid SYS_setgid SYS_setreuid
    SYS_setregid SYS_setresuid SYS_setresgid SYS_setgroups SYS_setfsuid SYS_setfsgid SYS_capget SYS_capset
    // Signals and time.
    SYS_rt_sigaction SYS_rt_sigprocmask SYS_rt_sigpending SYS_rt_sigtimedwait SYS_rt_sigqueueinfo SYS_rt_sigsuspend
    SYS_rt_sigreturn SYS_rt_tgsigqueueinfo SYS_sigaltstack SYS_kill SYS_tkill SYS_tgkill SYS_nanosleep SYS_clock_nanosleep
    SYS_clock_gettime SYS_clock_getres SYS_gettimeofday SYS_getitimer SYS_setitimer SYS_timer_create SYS_timer_settime
    SYS_timer_gettime SYS_timer_getoverrun SYS_timer_delete
    // Scheduling and limits.
    SYS_sched_yield SYS_sched_getaffinity SYS_sched_setaffinity SYS_sched_getparam SYS_sched_setparam
    SYS_sched_getscheduler SYS_sched_setscheduler SYS_sched_get_priority_max SYS_sched_get_priority_min
    SYS_sched_rr_get_interval SYS_sched_getattr SYS_sched_setattr SYS_getpriority SYS_setpriority SYS_ioprio_get SYS_ioprio_set
    SYS_getrlimit SYS_setrlimit SYS_prlimit64 SYS_getrusage SYS_times SYS_getcpu SYS_uname SYS_sysinfo SYS_getrandom
    // System V and POSIX IPC, in a namespace of the box's own.
    SYS_shmget SYS_shmat SYS_shmdt SYS_shmctl SYS_semget SYS_semop SYS_semtimedop SYS_semctl SYS_msgget SYS_msgsnd SYS_msgrcv
    SYS_msgctl SYS_mq_open SYS_mq_unlink SYS_mq_timedsend SYS_mq_timedreceive SYS_mq_notify SYS_mq_getsetattr
];

/// The older forms, which only x86-64 has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[u32] = numbers![
    SYS_open SYS_creat SYS_stat SYS_lstat SYS_access SYS_pipe SYS_select SYS_poll SYS_dup2 SYS_fork SYS_vfork SYS_getdents
    SYS_rename SYS_mkdir SYS_rmdir SYS_link SYS_unlink SYS_symlink SYS_readlink SYS_chmod SYS_chown SYS_lchown SYS_utime
    SYS_utimes SYS_futimesat SYS_mknod SYS_epoll_create SYS_epoll_wait SYS_epoll_wait_old SYS_epoll_ctl_old SYS_eventfd
    SYS_signalfd SYS_inotify_init SYS_arch_prctl SYS_alarm SYS_pause SYS_time SYS_getpgrp
];
#[cfg(target_arch = "aarch64")]
const ALLOWED_HERE: &[u32] = &[];

/// Known to be bad: EPERM.
const FORBIDDEN: &[u32] = numbers![
    // Other views of the file system.
    SYS_mount SYS_umount2 SYS_pivot_root SYS_chroot SYS_open_tree SYS_move_mount SYS_fsopen SYS_fsconfig SYS_fsmount
    SYS_fspick SYS_mount_setattr SYS_setns SYS_unshare SYS_name_to_handle_at SYS_open_by_handle_at SYS_fanotify_init
    SYS_fanotify_mark SYS_quotactl SYS_quotactl_fd SYS_swapon SYS_swapoff SYS_nfsservctl
    // Other processes.
    SYS_ptrace SYS_process_vm_readv SYS_process_vm_writev SYS_process_madvise SYS_process_mrelease SYS_pidfd_getfd
    SYS_kcmp SYS_migrate_pages SYS_move_pages SYS_mbind SYS_set_mempolicy
    // The kernel itself.
    SYS_bpf SYS_perf_event_open SYS_userfaultfd SYS_io_uring_setup SYS_io_uring_enter SYS_io_uring_register SYS_keyctl
    SYS_add_key SYS_request_key SYS_init_module SYS_finit_module SYS_delete_module SYS_kexec_load SYS_reboot SYS_syslog
    SYS_acct SYS_settimeofday SYS_clock_settime SYS_clock_adjtime SYS_adjtimex SYS_sethostname SYS_setdomainname
    SYS_vhangup SYS_lookup_dcookie
];

/// Bits of `clone` that make namespaces.
const NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32;

/// Typing into a terminal: TIOCSTI and TIOCLINUX.
const TYPING: &[u32] = &[0x5412, 0x541C];

/// The execution domain: the normal one, and the question for it.
const PERSONALITIES: &[u32] = &[0, 0xffff_ffff];

/// All rows, sorted by number.
pub(super) fn rules() -> Vec<Rule> {
    let every =
        |numbers: &'static [u32], action| numbers.iter().map(move |number| Rule { number: *number, action });
    let one = |number: libc::c_long, action| Rule { number: number as u32, action };
    let mut rules: Vec<Rule> = every(ALLOWED, Action::Allow)
        .chain(every(ALLOWED_HERE, Action::Allow))
        .chain(every(FORBIDDEN, Action::Errno(libc::EPERM)))
        .collect();
    rules.extend([
        one(libc::SYS_clone, Action::Check(Check::Clear { argument: 0, mask: NAMESPACES })),
        // Its flags lie in memory, where a filter cannot look: C libraries fall back to clone.
        one(libc::SYS_clone3, Action::Errno(libc::ENOSYS)),
        one(libc::SYS_socket, Action::Check(Check::Socket)),
        one(
            libc::SYS_socketpair,
            Action::Check(Check::OneOf { argument: 0, values: &[libc::AF_UNIX as u32] }),
        ),
        one(libc::SYS_ioctl, Action::Check(Check::NoneOf { argument: 1, values: TYPING })),
        one(libc::SYS_personality, Action::Check(Check::OneOf { argument: 0, values: PERSONALITIES })),
        // They would flush the disks of the whole machine; nothing in a box has to survive a crash of it.
        one(libc::SYS_sync, Action::Errno(0)),
        one(libc::SYS_syncfs, Action::Errno(0)),
    ]);
    #[cfg(target_arch = "x86_64")]
    rules.extend(
        numbers![SYS_iopl SYS_ioperm SYS_modify_ldt SYS_kexec_file_load SYS_uselib SYS_ustat SYS_sysfs]
            .iter()
            .map(|number| Rule { number: *number, action: Action::Errno(libc::EPERM) }),
    );
    rules.sort_unstable_by_key(|rule| rule.number);
    rules
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_system_call_has_two_rows() {
        let rules = super::rules();
        for pair in rules.windows(2) {
            assert_ne!(pair[0].number, pair[1].number);
        }
        assert!(rules.len() > 300);
    }
}
