//! Where blobs above 32 KiB are: a folder of files, or memory under the simulated store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws::Millis;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tasks::{Clock, Tasks};
use tokio::sync::Notify;

use super::{BlobId, Chunks, missing, parse_sha256};
use crate::backend::Boxed;
use crate::disk::{Disk, must_sync};
use crate::limits::CHUNK_BYTES;
use crate::row::Hex;
use crate::{Broken, Options, Result};

/// Names of files that are still being written begin with this.
const UPLOAD: &str = "upload-";

/// At most this many discards are remembered; the rest wait for the sweep by age.
const RELEASED_MAX: usize = 100_000;

pub(crate) struct Shelf {
    kind: Kind,
    pub(super) clock: Clock,
    state: Mutex<State>,
    uploads: AtomicU64,
    pub(super) wake: Notify,
}

enum Kind {
    Folder { path: PathBuf, disk: Disk, tasks: Tasks },
    Memory(MemoryShelf),
}

/// The files of a simulated store; they outlive the store.
pub(crate) type MemoryShelf = Arc<Mutex<BTreeMap<[u8; 32], (Bytes, Millis)>>>;

#[derive(Default)]
struct State {
    /// How many `Staged` live, by body.
    held: HashMap<[u8; 32], usize>,
    /// Bodies whose last adoption of some home was given up.
    released: HashSet<[u8; 32]>,
    /// What the sweep wants to delete and nobody has staged since.
    sweeping: HashSet<[u8; 32]>,
}

/// Keeps a staged body from the sweep.
pub(crate) struct Held {
    shelf: Arc<Shelf>,
    sha256: [u8; 32],
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.shelf.state();
        if let Some(count) = state.held.get_mut(&self.sha256) {
            *count -= 1;
            if *count == 0 {
                state.held.remove(&self.sha256);
            }
        }
    }
}

impl Shelf {
    /// The blobs in the folder `blobs`. Uploads that a dead process left are deleted.
    pub(crate) fn folder(disk: &Disk, options: &Options) -> Result<Arc<Shelf>> {
        let path = disk.folder("blobs")?;
        let failed = |error| Broken::file(format!("read {}", path.display()), &error);
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with(UPLOAD) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        let kind = Kind::Folder { path, disk: disk.clone(), tasks: options.tasks.clone() };
        Ok(Arc::new(Shelf::new(kind, options.clock.clone())))
    }

    pub(crate) fn memory(files: MemoryShelf, clock: Clock) -> Arc<Shelf> {
        Arc::new(Shelf::new(Kind::Memory(files), clock))
    }

    fn new(kind: Kind, clock: Clock) -> Shelf {
        let state = Mutex::new(State::default());
        Shelf { kind, clock, state, uploads: AtomicU64::new(0), wake: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Millis {
        Millis(self.clock.wall_ms())
    }

    pub(super) async fn begin(self: &Arc<Shelf>) -> Result<Upload> {
        let sink = match &self.kind {
            Kind::Memory(_) => Sink::Memory(Vec::new()),
            Kind::Folder { path, tasks, .. } => {
                let number = self.uploads.fetch_add(1, Ordering::Relaxed);
                let path = path.join(format!("{UPLOAD}{number}"));
                blocking(tasks, move || match File::create_new(&path) {
                    Ok(file) => Ok(Sink::File(Temporary { file, path })),
                    Err(error) => Err(Broken::file(format!("create {}", path.display()), &error)),
                })
                .await?
            }
        };
        Ok(Upload { shelf: self.clone(), sink, hash: Sha256::new() })
    }

    pub(super) async fn open(&self, blob: &BlobId, range: Range<u64>) -> Result<Box<dyn Chunks + Send>> {
        let (path, tasks) = match &self.kind {
            Kind::Folder { path, tasks, .. } => (path.join(Hex(&blob.sha256).to_string()), tasks),
            Kind::Memory(files) => {
                let files = files.lock().unwrap_or_else(PoisonError::into_inner);
                let (body, _) = files.get(&blob.sha256).ok_or_else(|| missing(blob))?;
                let range = range.start as usize..range.end.max(range.start) as usize;
                return Ok(Box::new(body.slice(range)));
            }
        };
        let blob = *blob;
        let file = blocking(tasks, move || {
            let file = File::open(path).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => missing(&blob),
                _ => Broken::file(format!("open blob {blob}"), &error),
            })?;
            match file.metadata() {
                Ok(metadata) if metadata.len() == blob.size => Ok(file),
                _ => Err(Broken::Corrupt(format!("blob {blob} has not its size"))),
            }
        });
        let hash = (range == (0..blob.size)).then(Sha256::new);
        Ok(Box::new(FileChunks { file: Some(file.await?), tasks: tasks.clone(), blob, range, hash }))
    }

    fn hold(self: &Arc<Shelf>, sha256: [u8; 32]) -> Held {
        let mut state = self.state();
        *state.held.entry(sha256).or_default() += 1;
        state.sweeping.remove(&sha256);
        drop(state);
        Held { shelf: self.clone(), sha256 }
    }

    /// Notes bodies that may have no adoption left, for the next sweep.
    pub(crate) fn release(&self, discarded: &[[u8; 32]]) {
        if discarded.is_empty() {
            return;
        }
        let mut state = self.state();
        if state.released.len() < RELEASED_MAX {
            state.released.extend(discarded);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Every body with the time of its last staging.
    pub(super) async fn list(&self) -> Result<Vec<([u8; 32], Millis)>> {
        let (path, tasks) = match &self.kind {
            Kind::Folder { path, tasks, .. } => (path.clone(), tasks),
            Kind::Memory(files) => {
                let files = files.lock().unwrap_or_else(PoisonError::into_inner);
                return Ok(files.iter().map(|(sha256, (_, at))| (*sha256, *at)).collect());
            }
        };
        let listed = move || {
            let mut found = Vec::new();
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                if let Some(sha256) = entry.file_name().to_str().and_then(parse_sha256) {
                    let since = entry.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
                    found.push((sha256, Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))));
                }
            }
            Ok(found)
        };
        blocking(tasks, move || listed().map_err(|error: std::io::Error| Broken::file("list blobs", &error)))
            .await
    }

    /// Chooses what may be deleted if nothing names it: what was released, and what is `old`.
    pub(super) fn choose(
        &self,
        bodies: &[([u8; 32], Millis)],
        old: impl Fn(Millis) -> bool,
    ) -> Vec<[u8; 32]> {
        let mut state = self.state();
        let released = std::mem::take(&mut state.released);
        let mut chosen = Vec::new();
        for (sha256, at) in bodies {
            if !(released.contains(sha256) || old(*at)) {
                continue;
            }
            if state.held.contains_key(sha256) {
                if released.contains(sha256) {
                    state.released.insert(*sha256);
                }
            } else {
                chosen.push(*sha256);
            }
        }
        state.sweeping = chosen.iter().copied().collect();
        chosen
    }

    /// Deletes a chosen body unless someone has staged it since. Answers its size, 0 if it stays.
    pub(super) async fn delete(self: &Arc<Shelf>, sha256: [u8; 32]) -> Result<u64> {
        let (path, tasks) = match &self.kind {
            Kind::Folder { path, tasks, .. } => (path.join(Hex(&sha256).to_string()), tasks.clone()),
            Kind::Memory(files) => {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                let chosen = self.state().sweeping.remove(&sha256);
                let gone = if chosen { files.remove(&sha256) } else { None };
                return Ok(gone.map_or(0, |(body, _)| body.len() as u64));
            }
        };
        let shelf = self.clone();
        blocking(&tasks, move || {
            // The lock orders this deletion against the rename of an upload of the same body.
            let mut state = shelf.state();
            if !state.sweeping.remove(&sha256) {
                return Ok(0);
            }
            let gone =
                fs::metadata(&path).and_then(|metadata| fs::remove_file(&path).map(|()| metadata.len()));
            gone.map_err(|error| Broken::file(format!("delete {}", path.display()), &error))
        })
        .await
    }
}

/// A body that is being written.
pub(super) struct Upload {
    shelf: Arc<Shelf>,
    sink: Sink,
    hash: Sha256,
}

enum Sink {
    File(Temporary),
    Memory(Vec<u8>),
}

/// A file that is deleted unless it gets its final name.
struct Temporary {
    file: File,
    path: PathBuf,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is nothing at this path. A failure leaves a file for the next start to delete.
        let _ = fs::remove_file(&self.path);
    }
}

impl Upload {
    pub(super) async fn append(mut self, chunk: Bytes) -> Result<Upload> {
        let tasks = match (&mut self.sink, &self.shelf.kind) {
            (Sink::File(_), Kind::Folder { tasks, .. }) => tasks.clone(),
            (Sink::Memory(body), _) => {
                body.extend_from_slice(&chunk);
                self.hash.update(&chunk);
                return Ok(self);
            }
            (Sink::File(_), Kind::Memory(_)) => return Ok(self),
        };
        blocking(&tasks, move || {
            if let Sink::File(temporary) = &mut self.sink {
                let wrote = temporary.file.write_all(&chunk);
                wrote.map_err(|error| Broken::file("write a blob", &error))?;
            }
            self.hash.update(&chunk);
            Ok(self)
        })
        .await
    }

    /// Gives the body its name, durably.
    pub(super) async fn finish(self) -> Result<([u8; 32], Held)> {
        let Upload { shelf, sink, hash } = self;
        let sha256: [u8; 32] = hash.finalize().into();
        match (sink, &shelf.kind) {
            (Sink::File(temporary), Kind::Folder { path, disk, tasks }) => {
                let (path, disk, now) = (path.clone(), disk.clone(), shelf.now());
                let shelf = shelf.clone();
                blocking(tasks, move || {
                    let at: SystemTime = UNIX_EPOCH + Duration::from_millis(now.0);
                    let failed = |error| Broken::file("write a blob", &error);
                    temporary.file.set_modified(at).map_err(failed)?;
                    must_sync(temporary.file.sync_all(), &temporary.path);
                    let held = shelf.hold(sha256);
                    fs::rename(&temporary.path, path.join(Hex(&sha256).to_string())).map_err(failed)?;
                    disk.sync_folder(&path)?;
                    Ok((sha256, held))
                })
                .await
            }
            (Sink::Memory(body), Kind::Memory(files)) => {
                let held = shelf.hold(sha256);
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                files.insert(sha256, (Bytes::from(body), shelf.now()));
                Ok((sha256, held))
            }
            (Sink::File(_), Kind::Memory(_)) | (Sink::Memory(_), Kind::Folder { .. }) => {
                Err(Broken::Unavailable("an upload of another store".to_owned()))
            }
        }
    }
}

struct FileChunks {
    file: Option<File>,
    tasks: Tasks,
    blob: BlobId,
    range: Range<u64>,
    hash: Option<Sha256>,
}

impl Chunks for FileChunks {
    fn next(&mut self) -> Boxed<'_, Result<Option<Bytes>>> {
        Box::pin(async move {
            let left = self.range.end.saturating_sub(self.range.start);
            let Some(file) = self.file.take().filter(|_| left > 0) else { return Ok(None) };
            let (at, length, mut hash) = (self.range.start, left.min(CHUNK_BYTES as u64), self.hash.take());
            let blob = self.blob;
            let read = blocking(&self.tasks, move || {
                let mut chunk = vec![0; length as usize];
                let read = file.read_exact_at(&mut chunk, at);
                read.map_err(|error| Broken::file(format!("read blob {blob}"), &error))?;
                if let Some(hash) = &mut hash {
                    hash.update(&chunk);
                }
                Ok((file, chunk, hash))
            });
            let (file, chunk, hash) = read.await?;
            self.range.start += length;
            self.file = Some(file);
            match hash {
                Some(hash) if self.range.start == self.range.end => {
                    if hash.finalize()[..] != blob.sha256[..] {
                        return Err(Broken::Corrupt(format!("blob {blob} does not match its hash")));
                    }
                }
                other => self.hash = other,
            }
            Ok(Some(Bytes::from(chunk)))
        })
    }
}

async fn blocking<T: Send + 'static>(
    tasks: &Tasks,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tasks.spawn_blocking(work).join().await;
    done.unwrap_or_else(|| Err(Broken::Unavailable("work on a blob was stopped".to_owned())))
}
