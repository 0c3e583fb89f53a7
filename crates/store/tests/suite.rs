//! The suite over both back ends.

use std::cell::RefCell;
use std::path::Path;

use store::suite::Ground;
use store::{Options, Simulated, Store};
use tasks::{Clock, Shutdown, Tasks};

const START_MS: u64 = 1_764_000_000_000;

struct InMemory {
    disk: Simulated,
    clock: Clock,
}

impl Ground for InMemory {
    fn open(&self) -> anyhow::Result<Store> {
        Ok(self.disk.open())
    }

    fn crash(&mut self) -> anyhow::Result<()> {
        self.disk.crash();
        Ok(())
    }

    fn clock(&self) -> Clock {
        self.clock.clone()
    }
}

/// A folder. A crash copies it while it is open, as a process that dies leaves it, and goes on with the copy.
struct OnDisk {
    folders: RefCell<Vec<tempfile::TempDir>>,
    clock: Clock,
}

impl OnDisk {
    fn new() -> anyhow::Result<OnDisk> {
        let clock = Clock::virtual_at(START_MS);
        Ok(OnDisk { folders: RefCell::new(vec![tempfile::tempdir()?]), clock })
    }

    fn options(&self) -> Options {
        let tasks = Tasks::new(Shutdown::new());
        Options { disk_floor_bytes: 0, ..Options::new(tasks, self.clock.clone()) }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            let modified = entry.metadata()?.modified()?;
            std::fs::copy(entry.path(), &target)?;
            std::fs::File::options().write(true).open(&target)?.set_modified(modified)?;
        }
    }
    Ok(())
}

impl Ground for OnDisk {
    fn open(&self) -> anyhow::Result<Store> {
        let folders = self.folders.borrow();
        let folder = folders.last().expect("there is always one");
        Ok(Store::open(folder.path(), self.options())?)
    }

    fn crash(&mut self) -> anyhow::Result<()> {
        let next = tempfile::tempdir()?;
        let mut folders = self.folders.borrow_mut();
        // The shared-memory index is rebuilt from the log; a dead machine has none.
        copy(folders.last().expect("there is always one").path(), next.path())?;
        let _ = std::fs::remove_file(next.path().join("state.db-shm"));
        folders.push(next);
        Ok(())
    }

    fn clock(&self) -> Clock {
        self.clock.clone()
    }
}

#[tokio::test]
async fn the_simulated_store_keeps_every_promise() {
    for seed in 0..8 {
        let make = || {
            let clock = Clock::virtual_at(START_MS);
            Ok(InMemory { disk: Simulated::new(seed, clock.clone()), clock })
        };
        store::suite(seed, make).await.unwrap();
    }
}

#[tokio::test]
async fn the_store_on_disk_keeps_every_promise() {
    store::suite(1, OnDisk::new).await.unwrap();
}
