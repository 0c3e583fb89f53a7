//! The data folder: its free space, its reserve, and what happens when the disk no longer tells the truth.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::limits::RESERVE_BYTES;
use crate::{Broken, Options, Result};

/// The folder that holds a store.
#[derive(Clone)]
pub(crate) struct Disk {
    root: PathBuf,
    floor_bytes: u64,
    #[cfg(feature = "weaken")]
    weakness: crate::weaken::Weakness,
}

impl Disk {
    pub(crate) fn prepare(data: &Path, options: &Options) -> Result<Disk> {
        let disk = Disk {
            root: data.to_owned(),
            floor_bytes: options.disk_floor_bytes,
            #[cfg(feature = "weaken")]
            weakness: options.weakness,
        };
        disk.folder("")?;
        disk.hold_reserve();
        Ok(disk)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The folder `name`, made durable in its parent when it is new.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        let made = match fs::create_dir(&path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(Broken::file(format!("create {}", path.display()), &error)),
        };
        if made && let Some(parent) = path.parent() {
            self.sync_folder(parent)?;
        }
        Ok(path)
    }

    /// Makes names in a folder durable: creations, renames, deletions. Fails when it cannot be opened.
    pub(crate) fn sync_folder(&self, path: &Path) -> Result<()> {
        #[cfg(feature = "weaken")]
        if self.weakness == crate::weaken::Weakness::NoFolderSync {
            return Ok(());
        }
        let named = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let folder = File::open(named)
            .map_err(|error| Broken::file(format!("open folder {}", named.display()), &error))?;
        must_sync(folder.sync_all(), named);
        Ok(())
    }

    /// How SQLite syncs: always fully.
    pub(crate) fn synchronous(&self) -> &'static str {
        #[cfg(feature = "weaken")]
        return self.weakness.synchronous();
        #[cfg(not(feature = "weaken"))]
        "FULL"
    }

    /// True when there is more free space than the floor. An unreadable answer counts as room: the write itself fails
    /// when there is none.
    pub(crate) fn has_room(&self) -> bool {
        self.floor_bytes == 0 || self.free_bytes().is_none_or(|free| free >= self.floor_bytes)
    }

    fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.root).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn reserve(&self) -> PathBuf {
        self.path("reserve")
    }

    /// Takes the reserve from the disk unless it is held already: min(256 MiB, 2 % of what is free). There is none
    /// without a floor, none below it, and none where the file system cannot allocate.
    pub(crate) fn hold_reserve(&self) {
        let Some(free) = self.free_bytes() else { return };
        let wanted = RESERVE_BYTES.min(free / 50);
        if self.floor_bytes == 0 || free < self.floor_bytes.saturating_add(wanted) || self.reserve().exists()
        {
            return;
        }
        let held = File::create(self.reserve()).and_then(|file| {
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, wanted)?;
            Ok(())
        });
        if let Err(error) = held {
            tracing::warn!(%error, "no reserve on this disk");
            self.release_reserve();
        }
    }

    /// Gives the reserve back, so that deletes can be written on a full disk.
    pub(crate) fn release_reserve(&self) {
        match fs::remove_file(self.reserve()) {
            Ok(()) | Err(_) => {} // Gone, or it was not there: both leave all the space there is.
        }
    }
}

/// Ends the process when a sync failed: the kernel may have dropped the pages, so what is read back may not be what is
/// on the disk, and nothing acknowledged from here on would be true. Abort, not an orderly shutdown, because that
/// would go on answering; the warden starts the server again.
pub(crate) fn must_sync(synced: io::Result<()>, what: &Path) {
    if let Err(error) = synced {
        die(&format!("sync of {} failed: {error}", what.display()));
    }
}

/// Ends the process at once; see [`must_sync`].
pub(crate) fn die(why: &str) -> ! {
    tracing::error!(why, "the store cannot trust its disk, ending the process");
    std::process::abort()
}
