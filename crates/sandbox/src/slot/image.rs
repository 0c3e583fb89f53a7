//! `/tmp` of a box: a sparse ext4 image below the data folder's `tmp`, mounted inside the box only, so that it goes with it.
//!
//! Not a tmpfs, because that would count as the function's memory. Images are copies of a template per size.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::fs::{AtFlags, Mode, OFlags, SeekFrom};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

use super::Host;
use crate::cgroup::wait_until;
use crate::kernel::{self, Loop, attr, open_beneath};

/// An image that is open.
#[derive(Debug)]
pub(super) struct Image {
    pub name: u32,
    file: OwnedFd,
}

impl Image {
    /// Makes a fresh one.
    pub(super) fn create(host: &Host, size_mb: u32) -> Result<Image> {
        let folder = host.folder("tmp")?;
        let template = template(folder.as_fd(), size_mb)?;
        let mut name = [0; 4];
        getrandom::fill(&mut name).context("choose a name for a /tmp image")?;
        let name = u32::from_ne_bytes(name);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let path = file_name(name);
        let file = open_beneath(folder.as_fd(), &path, flags, owner_only()).context("make a /tmp image")?;
        let image = Image { name, file };
        if let Err(error) = copy_sparse(template.as_fd(), image.file.as_fd()) {
            let _ = rustix::fs::unlinkat(&folder, &path, AtFlags::empty());
            return Err(error).context("copy the /tmp template");
        }
        Ok(image)
    }

    /// Opens one that a dead box left, once the kernel has let go of it: two mounts of one image would destroy it.
    pub(super) fn reopen(host: &Host, name: u32) -> Result<Image> {
        let folder = host.folder("tmp")?;
        let path = file_name(name);
        let file = open_beneath(folder.as_fd(), &path, OFlags::RDWR, Mode::empty());
        let file = file.with_context(|| format!("open /tmp image {path}"))?;
        let stat = rustix::fs::fstat(&file).context("look at a /tmp image")?;
        // Whoever can write an image can attack the kernel's ext4.
        ensure!(stat.st_uid == 0 && stat.st_mode & 0o077 == 0, "/tmp image {path} is not root's alone");
        wait_until(|| !Loop::uses(&stat)).with_context(|| format!("/tmp image {path} is still mounted"))?;
        Ok(Image { name, file })
    }

    /// Mounts it, attached nowhere, with ids as a user namespace shows them.
    pub(super) fn mount(&self, userns: BorrowedFd<'_>) -> Result<OwnedFd> {
        let mount = mount_detached(self.file.as_fd())?;
        let set = attr::IDMAP | attr::NOSUID | attr::NODEV | attr::NOATIME;
        kernel::set_mount_attributes(mount.as_fd(), set, Some(userns)).context("map the ids of /tmp")?;
        Ok(mount)
    }
}

/// Removes an image; whoever has it mounted keeps it until the end.
pub(super) fn remove(host: &Host, name: u32) -> Result<()> {
    let folder = host.folder("tmp")?;
    match rustix::fs::unlinkat(&folder, file_name(name), AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("remove /tmp image {}", file_name(name))),
    }
}

/// Removes all images; templates stay.
pub(super) fn remove_all(host: &Host) -> Result<()> {
    let folder = host.folder("tmp")?;
    for entry in rustix::fs::Dir::read_from(&folder).context("list /tmp images")? {
        let entry = entry.context("list /tmp images")?;
        let name = entry.file_name().to_bytes();
        if name.ends_with(b".img") || name.ends_with(b".new") {
            rustix::fs::unlinkat(&folder, entry.file_name(), AtFlags::empty())
                .context("remove a /tmp image")?;
        }
    }
    Ok(())
}

fn file_name(name: u32) -> String {
    format!("{name:08x}.img")
}

fn owner_only() -> Mode {
    Mode::RUSR | Mode::WUSR
}

fn mount_detached(file: BorrowedFd<'_>) -> Result<OwnedFd> {
    use rustix::mount::{fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen};
    // The device stays ours until the file system has it: it would go with its last user.
    let device = Loop::attach(file)?;
    let context = fsopen("ext4", FsOpenFlags::FSOPEN_CLOEXEC).context("ask for ext4")?;
    fsconfig_set_string(&context, "source", format!("/dev/loop{}", device.number))
        .context("name the loop device")?;
    // Nothing in /tmp has to survive a crash of the machine, so no flush may cost the disk anything.
    for option in ["nobarrier", "noinit_itable"] {
        fsconfig_set_flag(&context, option).with_context(|| format!("set {option}"))?;
    }
    fsconfig_create(&context).context("mount ext4")?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).context("mount ext4")
}

/// Opens the template of a size, made at first use.
fn template(folder: BorrowedFd<'_>, size_mb: u32) -> Result<OwnedFd> {
    let path = format!("template-{size_mb}");
    match open_beneath(folder, &path, OFlags::RDONLY, Mode::empty()) {
        Ok(file) => return Ok(file),
        Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error).context("open the /tmp template"),
    }
    let mut unique = [0; 8];
    getrandom::fill(&mut unique).context("choose a name for a /tmp template")?;
    let fresh = format!("{:016x}.new", u64::from_ne_bytes(unique));
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
    let file = open_beneath(folder, &fresh, flags, owner_only()).context("make a /tmp template")?;
    let made = make_file_system(folder, &fresh, file.as_fd(), size_mb)
        // Two makers may do this at once: both templates are good, the last one stays.
        .and_then(|()| rustix::fs::renameat(folder, &fresh, folder, &path).context("name the /tmp template"));
    if made.is_err() {
        let _ = rustix::fs::unlinkat(folder, &fresh, AtFlags::empty());
    }
    made.map(|()| file)
}

fn make_file_system(folder: BorrowedFd<'_>, name: &str, file: BorrowedFd<'_>, size_mb: u32) -> Result<()> {
    // Inodes and bitmaps take their part: 4 % more than what the function may fill.
    let bytes = (u64::from(size_mb) << 20) / 100 * 104 / 4096 * 4096;
    rustix::fs::ftruncate(file, bytes).context("size the /tmp template")?;
    // The child process resolves this path: it has its own /proc/self.
    let path = format!("/proc/{}/fd/{}/{name}", std::process::id(), folder.as_raw_fd());
    let tool =
        ["/sbin/mke2fs", "/usr/sbin/mke2fs"].into_iter().find(|tool| std::path::Path::new(tool).exists());
    let output = Command::new(tool.context("mke2fs is not installed (package e2fsprogs)")?)
        .args(["-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-O", "^has_journal,^resize_inode"])
        .args(["-E", "lazy_itable_init=1,nodiscard", "-L", "tmp"])
        .arg(&path)
        .stdin(Stdio::null())
        .output()
        .context("run mke2fs")?;
    ensure!(output.status.success(), "mke2fs: {}", String::from_utf8_lossy(&output.stderr).trim());
    let mount = mount_detached(file)?;
    rustix::fs::unlinkat(&mount, "lost+found", AtFlags::REMOVEDIR).context("empty the /tmp template")?;
    rustix::fs::chmodat(&mount, ".", Mode::from_raw_mode(0o1777), AtFlags::empty())
        .context("open /tmp to all")?;
    drop(mount);
    let stat = rustix::fs::fstat(file).context("look at the /tmp template")?;
    wait_until(|| !Loop::uses(&stat)).context("the /tmp template is still mounted")
}

/// Copies the parts of a file that hold data.
fn copy_sparse(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    let size = rustix::fs::fstat(from)?.st_size as u64;
    rustix::fs::ftruncate(to, size)?;
    let mut at = 0;
    while at < size {
        let start = match rustix::fs::seek(from, SeekFrom::Data(at)) {
            Ok(start) => start,
            Err(rustix::io::Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let end = rustix::fs::seek(from, SeekFrom::Hole(start))?;
        let (mut read, mut write) = (start, start);
        while read < end {
            let left = usize::try_from(end - read)?;
            let count = rustix::fs::copy_file_range(from, Some(&mut read), to, Some(&mut write), left)?;
            ensure!(count > 0, "the template shrank");
        }
        at = end;
    }
    Ok(())
}
