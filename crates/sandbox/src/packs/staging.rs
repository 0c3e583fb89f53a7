//! A pack while it is written.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use super::shelf::{Manifest, Shelf};
use crate::{Pack, PackDigest};

/// A pack that has no name yet; dropped before [`Staging::finish`], it leaves nothing.
#[derive(Debug)]
pub(super) struct Staging<'a> {
    shelf: &'a Shelf,
    folder: PathBuf,
    entries: BTreeMap<String, Entry>,
    bytes: u64,
}

/// A path of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Folder,
    Link(String),
    File { executable: bool, sha256: [u8; 32] },
}

impl Entry {
    /// `755 <sha256> path`, `link path -> target`, `dir path`.
    fn line(&self, path: &str) -> String {
        match self {
            Entry::Folder => format!("dir {path}\n"),
            Entry::Link(target) => format!("link {path} -> {target}\n"),
            Entry::File { executable, sha256 } => {
                let mode = if *executable { 755 } else { 644 };
                format!("{mode} {} {path}\n", PackDigest(*sha256))
            }
        }
    }
}

/// The lines of a tree.
pub(super) fn listing(entries: &BTreeMap<String, Entry>) -> String {
    entries.iter().map(|(path, entry)| entry.line(path)).collect()
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// What the maker of a pack knows about it.
#[derive(Debug)]
pub(super) struct Head {
    pub name: String,
    pub runtimes: Vec<String>,
    pub version: String,
    pub environment: BTreeMap<String, String>,
    pub licences: Vec<String>,
}

impl<'a> Staging<'a> {
    pub(super) fn begin(shelf: &'a Shelf) -> Result<Staging<'a>> {
        let mut unique = [0; 8];
        getrandom::fill(&mut unique).context("choose a name for a new pack")?;
        let folder = shelf.path().join(format!(".new-{:016x}", u64::from_ne_bytes(unique)));
        fs::create_dir(&folder).context("make a new pack's directory")?;
        let mut staging = Staging { shelf, folder, entries: BTreeMap::new(), bytes: 0 };
        fs::create_dir(staging.folder.join("root")).context("make a new pack's root")?;
        fs::set_permissions(staging.folder.join("root"), fs::Permissions::from_mode(0o755))
            .context("open the root")?;
        for path in [
            "dev",
            "proc",
            "sys",
            "tmp",
            "opt",
            "var/task",
            "var/runtime",
            "var/lang",
            "usr/bin",
            "usr/sbin",
            "usr/lib",
            "usr/lib64",
        ] {
            staging.folder(path)?;
        }
        for path in ["bin", "sbin", "lib", "lib64"] {
            staging.link(path, &format!("usr/{path}"))?;
        }
        Ok(staging)
    }

    fn place(&self, path: &str) -> PathBuf {
        self.folder.join("root").join(path)
    }

    /// Whether the pack has a path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// Where the root is while it is written.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// Makes a directory and those above it.
    pub(super) fn folder(&mut self, path: &str) -> Result<()> {
        if self.has(path) {
            return Ok(());
        }
        if let Some((above, _)) = path.rsplit_once('/') {
            self.folder(above)?;
        }
        let place = self.place(path);
        fs::create_dir(&place).with_context(|| format!("make {path}"))?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("open {path}"))?;
        self.entries.insert(path.to_owned(), Entry::Folder);
        Ok(())
    }

    fn folder_of(&mut self, path: &str) -> Result<()> {
        path.rsplit_once('/').map_or(Ok(()), |(above, _)| self.folder(above))
    }

    /// Makes a symbolic link.
    pub(super) fn link(&mut self, path: &str, target: &str) -> Result<()> {
        if self.has(path) {
            return Ok(());
        }
        self.folder_of(path)?;
        std::os::unix::fs::symlink(target, self.place(path)).with_context(|| format!("link {path}"))?;
        self.entries.insert(path.to_owned(), Entry::Link(target.to_owned()));
        Ok(())
    }

    /// Writes a file that is not executable.
    pub(super) fn text(&mut self, path: &str, content: &str) -> Result<()> {
        self.write(path, content.as_bytes(), false)
    }

    /// Writes a file. The first of one path stays.
    pub(super) fn write(&mut self, path: &str, content: &[u8], executable: bool) -> Result<()> {
        if self.has(path) {
            return Ok(());
        }
        self.folder_of(path)?;
        let mode = if executable { 0o755 } else { 0o644 };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(self.place(path))
            .with_context(|| format!("make {path}"))?;
        file.write_all(content).with_context(|| format!("write {path}"))?;
        file.set_permissions(fs::Permissions::from_mode(mode)).with_context(|| format!("open {path}"))?;
        self.bytes += content.len() as u64;
        self.entries.insert(path.to_owned(), Entry::File { executable, sha256: sha256(content) });
        Ok(())
    }

    /// Copies a file of the host: content and the executable bit, nothing else.
    pub(super) fn copy(&mut self, from: &Path, path: &str) -> Result<()> {
        if self.has(path) {
            return Ok(());
        }
        let metadata = fs::metadata(from).with_context(|| format!("look at {}", from.display()))?;
        ensure!(metadata.is_file(), "{} is not a file", from.display());
        let content = fs::read(from).with_context(|| format!("read {}", from.display()))?;
        self.write(path, &content, metadata.permissions().mode() & 0o111 != 0)
    }

    /// Copies a directory of the host with what `keep` wants of it, by paths relative to it. Links that stay inside are
    /// kept as links; others are followed if they lead to files.
    pub(super) fn copy_tree(&mut self, from: &Path, path: &str, keep: &dyn Fn(&str) -> bool) -> Result<()> {
        self.folder(path)?;
        self.copy_below(from, "", path, keep)
    }

    fn copy_below(
        &mut self,
        from: &Path,
        below: &str,
        path: &str,
        keep: &dyn Fn(&str) -> bool,
    ) -> Result<()> {
        let folder = from.join(below);
        for entry in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let entry = entry.with_context(|| format!("list {}", folder.display()))?;
            let name = entry.file_name();
            // A name that is not UTF-8 cannot be listed.
            let Some(name) = name.to_str() else { continue };
            let relative = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            if !keep(&relative) {
                continue;
            }
            let (source, target) = (entry.path(), format!("{path}/{relative}"));
            let kind = entry.file_type().with_context(|| format!("look at {}", source.display()))?;
            if kind.is_dir() {
                self.folder(&target)?;
                self.copy_below(from, &relative, path, keep)?;
            } else if kind.is_symlink() {
                self.copy_link(&source, &target)?;
            } else if kind.is_file() {
                self.copy(&source, &target)?;
            }
        }
        Ok(())
    }

    fn copy_link(&mut self, source: &Path, target: &str) -> Result<()> {
        let to = fs::read_link(source).with_context(|| format!("read {}", source.display()))?;
        match to.to_str() {
            Some(name) if !name.contains('/') => self.link(target, name),
            _ if source.is_file() => self.copy(source, target),
            _ => Ok(()),
        }
    }

    /// The files below a directory that end so.
    pub(super) fn below(&self, folder: &str, ending: &str) -> Vec<String> {
        let below = format!("{folder}/");
        let wanted = |path: &&String| path.starts_with(&below) && path.ends_with(ending);
        self.entries.keys().filter(wanted).cloned().collect()
    }

    /// Adds a directory that something else made below [`Staging::root`].
    pub(super) fn adopt_folder(&mut self, path: &str) -> Result<()> {
        fs::set_permissions(self.place(path), fs::Permissions::from_mode(0o755))
            .with_context(|| format!("open {path}"))?;
        self.entries.insert(path.to_owned(), Entry::Folder);
        Ok(())
    }

    /// Adds a file that something else wrote below [`Staging::root`].
    pub(super) fn adopt(&mut self, path: &str) -> Result<()> {
        let place = self.place(path);
        let content = fs::read(&place).with_context(|| format!("read {path}"))?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o644))
            .with_context(|| format!("open {path}"))?;
        self.entries.insert(path.to_owned(), Entry::File { executable: false, sha256: sha256(&content) });
        Ok(())
    }

    /// Writes manifest and listing, makes everything durable and gives the pack its name.
    pub(super) fn finish(self, head: Head) -> Result<Pack> {
        let listing = listing(&self.entries);
        let manifest = Manifest {
            format: 1,
            name: head.name,
            runtimes: head.runtimes.clone(),
            version: head.version.clone(),
            architecture: std::env::consts::ARCH.to_owned(),
            libc: libc_version(),
            entry: "/var/runtime/bootstrap".to_owned(),
            environment: head.environment,
            provenance: provenance(),
            licences: head.licences,
            files: self.entries.len() as u64,
            bytes: self.bytes,
            tree: PackDigest(sha256(listing.as_bytes())).to_string(),
        };
        let json = serde_json::to_vec_pretty(&manifest).context("write the manifest")?;
        let digest = PackDigest(sha256(&json));
        fs::write(self.folder.join("files"), listing).context("write the listing")?;
        fs::write(self.folder.join("manifest.json"), &json).context("write the manifest")?;
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o755)).context("open the pack")?;
        let pack = Pack { digest, runtimes: head.runtimes, version: head.version };
        let target = self.shelf.path().join(digest.to_string());
        if target.exists() {
            return Ok(pack);
        }
        // One flush instead of one for each of some thousand files.
        let folder = fs::File::open(&self.folder).context("open the pack")?;
        rustix::fs::syncfs(&folder).context("make the pack durable")?;
        match fs::rename(&self.folder, &target) {
            // Another maker was quicker with the same pack.
            Err(_) if target.exists() => return Ok(pack),
            renamed => renamed.context("name the pack")?,
        }
        let shelf = fs::File::open(self.shelf.path()).context("open the packs")?;
        shelf.sync_all().context("make the pack durable")?;
        Ok(pack)
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // Gone after a rename.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `glibc 2.36`.
fn libc_version() -> String {
    // SAFETY: the C library answers a static string.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    format!("glibc {}", version.to_string_lossy())
}

/// Where the files come from: `host: Debian GNU/Linux 12 (bookworm)`.
fn provenance() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    format!("host: {}", name.unwrap_or("unknown").trim_matches('"'))
}
