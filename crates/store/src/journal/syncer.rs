use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use tasks::Tasks;

use super::{Segments, lock};
use crate::disk::{Disk, die, must_sync};
use crate::limits::SYNC_WITHIN;
use crate::{Broken, Result};

/// Syncs journals that were written to, within 100 ms. Asleep while nobody writes.
pub(super) struct Syncer {
    state: Mutex<State>,
    changed: Condvar,
    disk: Disk,
}

#[derive(Default)]
struct State {
    dirty: Vec<Arc<Mutex<Segments>>>,
    closing: Closing,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default, PartialEq)]
enum Closing {
    #[default]
    No,
    Yes,
}

impl Syncer {
    pub(super) fn start(tasks: &Tasks, disk: Disk) -> Result<Arc<Syncer>> {
        let syncer = Arc::new(Syncer { state: Mutex::default(), changed: Condvar::new(), disk });
        let running = syncer.clone();
        let thread = tasks.thread("store.journal", move || running.run());
        let thread = thread.map_err(|error| Broken::file("start a thread", &error))?;
        lock(&syncer.state).thread = Some(thread);
        Ok(syncer)
    }

    pub(super) fn dirty(&self, segments: &Arc<Mutex<Segments>>) {
        let mut state = lock(&self.state);
        if state.dirty.iter().all(|known| !Arc::ptr_eq(known, segments)) {
            state.dirty.push(segments.clone());
            self.changed.notify_one();
        }
    }

    /// Syncs what is left and ends the thread.
    pub(super) fn close(&self) {
        let thread = {
            let mut state = lock(&self.state);
            state.closing = Closing::Yes;
            self.changed.notify_all();
            state.thread.take()
        };
        // The thread ends the process when a sync fails; it does not panic.
        let _ = thread.map(JoinHandle::join);
    }

    fn run(&self) {
        let mut state = lock(&self.state);
        loop {
            while state.dirty.is_empty() && state.closing == Closing::No {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.closing == Closing::No {
                // Half of the promise is for gathering writes, half for the sync.
                let gather = |state: &mut State| state.closing == Closing::No;
                let waited = self.changed.wait_timeout_while(state, SYNC_WITHIN / 2, gather);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            let dirty = std::mem::take(&mut state.dirty);
            if dirty.is_empty() {
                return;
            }
            drop(state);
            for segments in dirty {
                self.sync(&segments);
            }
            state = lock(&self.state);
        }
    }

    fn sync(&self, segments: &Mutex<Segments>) {
        let dirty = lock(segments).take_dirty();
        for file in dirty.files {
            must_sync(file.sync_data(), std::path::Path::new("a journal"));
        }
        if let Some(folder) = dirty.folder
            && let Err(error) = self.disk.sync_folder(&folder)
        {
            // The folder was removed or closed to us: nothing that is noted there can be kept.
            die(&format!("sync a journal: {error}"));
        }
    }
}
