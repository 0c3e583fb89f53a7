//! How the server gives up what root gave it: own mounts, own uid, no capability, no exec, writes beneath the data folder
//! alone. Each step stands for itself, so that one that a kernel lacks leaves the others.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::Context;
use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope, path_beneath_rules};
use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount_change, move_mount, open_tree,
};
use rustix::process::{Gid, Resource, Rlimit, Signal, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};
use seccompiler::{SeccompAction, SeccompFilter, TargetArch};

use super::limits::DATA_OWNER;
use super::role::DATA;

/// What the server becomes.
pub(crate) struct Confinement<'a> {
    /// Its user and group.
    pub(crate) id: u32,
    /// Its parent.
    pub(crate) warden: u32,
    /// The data folder.
    pub(crate) data: &'a OwnedFd,
}

/// Gives everything up, for good. The process must have one thread.
pub(crate) fn enter(confinement: &Confinement<'_>) -> anyhow::Result<()> {
    let threads = fs::read_dir("/proc/self/task")?.count();
    anyhow::ensure!(threads == 1, "the server has {threads} threads before it is confined");
    mount_data(confinement).context("mount the data folder")?;
    limit_resources()?;
    drop_privileges(confinement).context("drop privileges")?;
    restrict_files().context("restrict files (Landlock)")?;
    restrict_calls().context("restrict system calls (seccomp)")
}

/// Binds the data folder to a path that the server can pass. On disk its files belong to one id, whichever block of ids this
/// instance has; here they are the server's own.
fn mount_data(confinement: &Confinement<'_>) -> anyhow::Result<()> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let tree = open_tree(confinement.data, "", flags).context("open_tree")?;
    let map = id_map(confinement.id).context("make the id map")?;
    let harmless = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    set_mount(&tree, harmless | libc::MOUNT_ATTR_IDMAP, Some(&map))
        .context("the data folder's file system has no id-mapped mounts; put it on ext4, xfs or btrfs")?;
    // SAFETY: nothing in this process, which has one thread, relies on sharing its mounts.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.context("unshare")?;
    // Downstream: what the host unmounts goes here too, nothing of ours goes there.
    mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
    move_mount(&tree, "", CWD, DATA, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).context(DATA)?;
    let hidden = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("none", format!("{DATA}/tmp"), "tmpfs", hidden, Some(c"size=4k,mode=0"))
        .context("hide tmp")?;
    for name in ["packs", "lock"] {
        let path = format!("{DATA}/{name}");
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let tree = open_tree(CWD, &path, flags).context("open_tree")?;
        set_mount(&tree, libc::MOUNT_ATTR_RDONLY, None)?;
        move_mount(&tree, "", CWD, &path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).context(name)?;
    }
    // The memory of boxes is read from /proc/<pid>/status, which a host may hide from others (hidepid). Where no
    // new instance can be mounted, the host's stays.
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let _ = rustix::mount::mount("proc", "/proc", "proc", flags, None);
    std::env::set_current_dir(DATA).context(DATA)
}

fn set_mount(tree: &OwnedFd, set: u64, map: Option<&OwnedFd>) -> std::io::Result<()> {
    let userns_fd = map.map_or(0, |map| u64::try_from(map.as_raw_fd()).unwrap_or(0));
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd };
    // SAFETY: the path is a C string, the structure outlives the call and its true size is given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// A user namespace with one id: as an id map, what [`DATA_OWNER`] has on disk is `id`'s.
fn id_map(id: u32) -> anyhow::Result<OwnedFd> {
    let (mut ready, is_ready) = std::io::pipe()?;
    let (wait, done) = std::io::pipe()?;
    // SAFETY: this process has one thread, so the child may do anything the parent may.
    let child = match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Child => {
            drop((ready, done));
            hold_user_namespace(wait, is_ready)
        }
        nix::unistd::ForkResult::Parent { child } => child,
    };
    drop((wait, is_ready));
    let made = ready.read_exact(&mut [0]).context("the namespace's process failed").and_then(|()| {
        for file in ["uid_map", "gid_map"] {
            fs::write(format!("/proc/{child}/{file}"), format!("{DATA_OWNER} {id} 1")).context(file)?;
        }
        Ok(fs::File::open(format!("/proc/{child}/ns/user"))?.into())
    });
    drop(done);
    nix::sys::wait::waitpid(child, None)?;
    made
}

fn hold_user_namespace(mut wait: std::io::PipeReader, mut is_ready: std::io::PipeWriter) -> ! {
    let made = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER).is_ok();
    if made && is_ready.write_all(&[1]).is_ok() {
        // Ends with the parent's other end.
        let _ = wait.read(&mut [0]);
    }
    // SAFETY: ends the forked child at once, without the parent's exit handlers.
    unsafe { libc::_exit(0) }
}

/// Lets this process and its children open as many files as the machine allows.
pub(crate) fn raise_open_files() -> anyhow::Result<()> {
    let files = rustix::process::getrlimit(Resource::Nofile);
    let all = Rlimit { current: files.maximum, maximum: files.maximum };
    rustix::process::setrlimit(Resource::Nofile, all).context("raise the limit of open files")
}

fn limit_resources() -> anyhow::Result<()> {
    // No secret of ours lands in a core file.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none).context("forbid core files")
}

fn drop_privileges(confinement: &Confinement<'_>) -> anyhow::Result<()> {
    // SAFETY: prctl with these numbers reads no memory. The kernel says EINVAL after its last capability.
    let drop_from_bounding =
        |number: libc::c_ulong| unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) };
    let dropped = (0..64).take_while(|number| drop_from_bounding(*number) == 0).count();
    anyhow::ensure!(dropped > 30, "only {dropped} capabilities could be dropped");
    rustix::thread::clear_ambient_capability_set()?;
    let (user, group) = (Uid::from_raw(confinement.id), Gid::from_raw(confinement.id));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(group, group, group)?;
    rustix::thread::set_thread_res_uid(user, user, user)?;
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, none)?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    // The change of the uid has cleared it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    anyhow::ensure!(parent == i32::try_from(confinement.warden).ok(), "the warden is gone");
    Ok(())
}

/// Reads what belongs to the system, writes beneath the data folder, executes nothing, signals nobody.
fn restrict_files() -> anyhow::Result<()> {
    let abi = ABI::V6;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let all = AccessFs::from_all(abi);
    let below_data =
        all & !(AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev);
    let system = ["/proc", "/sys", "/etc", "/usr", "/lib", "/lib64"];
    let devices = ["/dev/null", "/dev/urandom", "/dev/random"];
    Ruleset::default()
        .handle_access(all)?
        .scope(Scope::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules([DATA], below_data))?
        .add_rules(path_beneath_rules(system, read))?
        .add_rules(path_beneath_rules(devices, AccessFs::ReadFile | AccessFs::WriteFile))?
        .restrict_self()?;
    Ok(())
}

/// Calls that a server never makes and that an attacker inside one would.
const FORBIDDEN: [libc::c_long; 38] = [
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_mount_setattr,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_personality,
    libc::SYS_open_by_handle_at,
    libc::SYS_pidfd_getfd,
];

fn restrict_calls() -> anyhow::Result<()> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let rules: BTreeMap<i64, _> = FORBIDDEN.into_iter().map(|call| (call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_map_is_a_user_namespace() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let map = id_map(1_879_048_192).unwrap();
        let link = fs::read_link(format!("/proc/self/fd/{}", map.as_raw_fd())).unwrap();
        assert!(link.to_string_lossy().starts_with("user:["), "{link:?}");
    }
}
