//! The newest commit number in a file of its own, once a second: a database that was restored, rolled back or cut short
//! behind our back is older than the note and refuses to start.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tasks::Tasks;

use crate::disk::{Disk, must_sync};
use crate::limits::NOTE_EVERY;
use crate::{Broken, Result};

pub(super) struct Noted {
    file: File,
    path: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    newest: u64,
    noted: u64,
    open: bool,
    thread: Option<JoinHandle<()>>,
}

/// The number and its checksum; one write within a sector.
fn text(number: u64) -> String {
    format!("{number:020} {:08x}\n", crc32c::crc32c(&number.to_be_bytes()))
}

fn parse(noted: &str) -> Option<u64> {
    let number = noted.split(' ').next()?.parse().ok()?;
    (text(number) == noted).then_some(number)
}

impl Noted {
    /// Refuses a database whose newest commit is older than the note.
    pub(super) fn check(disk: &Disk, commits: u64) -> Result<Arc<Noted>> {
        let path = disk.path("state.noted");
        let failed = |error| Broken::file(format!("open {}", path.display()), &error);
        let there = fs::read_to_string(&path);
        let noted = match &there {
            Ok(text) => parse(text),
            Err(_) => None,
        };
        match (&there, noted) {
            (Err(error), _) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Broken::Unavailable(format!("read {}: {error}", path.display())));
            }
            (Ok(text), None) if !text.is_empty() => {
                tracing::warn!(path = %path.display(), "the noted commit number is unreadable, noting it again");
            }
            (_, Some(noted)) if noted > commits => {
                return Err(Broken::Corrupt(format!(
                    "{} ends at commit {commits}, but commit {noted} was acknowledged (noted in {}): it is an older \
                     copy or lost its write-ahead log; restore the newest, or remove {} to accept the loss",
                    disk.path(super::open::DATABASE).display(),
                    path.display(),
                    path.display(),
                )));
            }
            _ => {}
        }
        let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        if there.is_err()
            && let Some(folder) = path.parent()
        {
            disk.sync_folder(folder)?;
        }
        let state = State { newest: commits, noted: noted.unwrap_or(0), open: true, thread: None };
        Ok(Arc::new(Noted { file, path, state: Mutex::new(state), changed: Condvar::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A commit is durable.
    pub(super) fn committed(&self, number: u64) {
        let mut state = self.state();
        let idle = state.newest == state.noted;
        state.newest = number;
        if idle {
            self.changed.notify_one();
        }
    }

    pub(super) fn start(self: &Arc<Noted>, tasks: &Tasks) -> Result<()> {
        let noted = self.clone();
        let thread = tasks.thread("store.noted", move || noted.run());
        self.state().thread = Some(thread.map_err(|error| Broken::file("start a thread", &error))?);
        Ok(())
    }

    /// Notes the newest number a last time and ends the thread.
    pub(super) fn close(&self) {
        let thread = {
            let mut state = self.state();
            state.open = false;
            self.changed.notify_one();
            state.thread.take()
        };
        // The thread ends the process when a sync fails; it does not panic.
        let _ = thread.map(JoinHandle::join);
    }

    /// Notes the newest number at most once a second; asleep while nothing commits.
    fn run(&self) {
        let mut state = self.state();
        loop {
            let quiet = |state: &mut State| state.open && state.newest == state.noted;
            state = self.changed.wait_while(state, quiet).unwrap_or_else(PoisonError::into_inner);
            if state.newest != state.noted {
                let number = state.newest;
                drop(state);
                self.write(number);
                state = self.state();
                state.noted = number;
            }
            let open = |state: &mut State| state.open;
            let waited = self.changed.wait_timeout_while(state, NOTE_EVERY, open);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if !state.open && state.newest == state.noted {
                return;
            }
        }
    }

    fn write(&self, number: u64) {
        match self.file.write_all_at(text(number).as_bytes(), 0) {
            Ok(()) => must_sync(self.file.sync_data(), &self.path),
            // On a full disk the note stays behind, which is only less strict.
            Err(error) => tracing::warn!(%error, path = %self.path.display(), "note the commit number"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_and_a_torn_one_is_no_note() {
        assert_eq!(parse(&text(0)), Some(0));
        assert_eq!(parse(&text(u64::MAX)), Some(u64::MAX));
        let whole = text(123_456);
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length]), None);
        }
        assert_eq!(parse(&whole.replace('6', "7")), None);
    }
}
