use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use super::staging::{Entry, Staging, listing, sha256};
use super::{base, python};
use crate::kernel::open_beneath;
use crate::{Pack, PackDigest};

/// `manifest.json` of a pack. Its bytes are what the pack's digest is the hash of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1.
    pub format: u32,
    /// For people: `python3.11`, `base`.
    pub name: String,
    /// The runtime identifiers that it serves.
    pub runtimes: Vec<String>,
    /// As INIT_START shows it.
    pub version: String,
    /// `x86_64` or `aarch64`.
    pub architecture: String,
    /// The C library.
    pub libc: String,
    /// The program that starts, inside the root.
    pub entry: String,
    /// Variables that it wants, unless the function has its own.
    pub environment: BTreeMap<String, String>,
    /// Where the files come from.
    pub provenance: String,
    /// What they are licensed under.
    pub licences: Vec<String>,
    /// Paths in the tree.
    pub files: u64,
    /// Bytes in its files.
    pub bytes: u64,
    /// The SHA-256 of the file `files`.
    pub tree: String,
}

/// The `packs` directory of a data folder.
#[derive(Debug)]
pub struct Shelf {
    folder: OwnedFd,
    path: PathBuf,
}

impl Shelf {
    /// Opens it, making it if need be. Only root may: the data folder's owner is trusted no further than its own files.
    pub fn open(data: &Path) -> Result<Shelf> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let data_folder = rustix::fs::open(data, flags, Mode::empty());
        let data_folder = data_folder.with_context(|| format!("open {}", data.display()))?;
        match rustix::fs::mkdirat(&data_folder, "packs", Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error).with_context(|| format!("make {}/packs", data.display())),
        }
        let folder =
            open_beneath(data_folder.as_fd(), "packs", flags, Mode::empty()).context("open packs")?;
        let stat = rustix::fs::fstat(&folder).context("look at packs")?;
        ensure!(stat.st_uid == 0 && stat.st_mode & 0o022 == 0, "packs in the data folder is not root's");
        // Through the descriptor, so that nobody can exchange the directory from here on.
        let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
        Ok(Shelf { folder, path })
    }

    pub(super) fn path(&self) -> &Path {
        debug_assert!(self.folder.as_raw_fd() >= 0);
        &self.path
    }

    /// The packs that are there, newest first. What is no pack is left out.
    pub fn list(&self) -> Result<Vec<Pack>> {
        let mut packs = Vec::new();
        for entry in fs::read_dir(&self.path).context("list packs")? {
            let entry = entry.context("list packs")?;
            let Some(digest) = entry.file_name().to_str().and_then(PackDigest::parse) else { continue };
            let Ok(manifest) = self.manifest(digest) else { continue };
            let made =
                entry.path().join("manifest.json").metadata().and_then(|metadata| metadata.modified()).ok();
            packs.push((made, Pack { digest, runtimes: manifest.runtimes, version: manifest.version }));
        }
        packs.sort_by(|(a, left), (b, right)| b.cmp(a).then(left.digest.cmp(&right.digest)));
        Ok(packs.into_iter().map(|(_, pack)| pack).collect())
    }

    /// The manifest of a pack, if it is what the digest says.
    pub fn manifest(&self, digest: PackDigest) -> Result<Manifest> {
        let path = self.path.join(digest.to_string()).join("manifest.json");
        let json = fs::read(path).with_context(|| format!("read the manifest of {digest}"))?;
        ensure!(sha256(&json) == digest.0, "the manifest of {digest} was changed");
        serde_json::from_slice(&json).with_context(|| format!("read the manifest of {digest}"))
    }

    /// False for a pack that another build took from the host, with another bootstrap than ours: it is to be made again.
    pub fn is_current(&self, digest: PackDigest) -> bool {
        if !self.manifest(digest).is_ok_and(|manifest| manifest.provenance.starts_with("host:")) {
            return true;
        }
        let path = self.path.join(digest.to_string()).join("root").join(python::BOOTSTRAP_PATH);
        match fs::read(path) {
            Ok(found) => found == python::BOOTSTRAP,
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }

    /// Hashes a pack again and names the paths that differ; none means that it is whole.
    pub fn verify(&self, digest: PackDigest) -> Result<Vec<String>> {
        let manifest = self.manifest(digest)?;
        let folder = self.path.join(digest.to_string());
        let listed = fs::read_to_string(folder.join("files"))
            .with_context(|| format!("read the listing of {digest}"))?;
        ensure!(
            PackDigest(sha256(listed.as_bytes())).to_string() == manifest.tree,
            "the listing of {digest} was changed"
        );
        let mut entries = BTreeMap::new();
        walk(&folder.join("root"), "", &mut entries)?;
        let found = listing(&entries);
        let (found, listed): (Vec<_>, Vec<_>) = (found.lines().collect(), listed.lines().collect());
        let path = |line: &&&str| match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["dir" | "link", path, ..] | [_, _, path, ..] => (*path).to_owned(),
            _ => (**line).to_owned(),
        };
        let missing =
            listed.iter().filter(|line| found.binary_search_by(|other| order(other, line)).is_err());
        let added = found.iter().filter(|line| listed.binary_search_by(|other| order(other, line)).is_err());
        let mut differing: Vec<String> = missing.chain(added).map(|line| path(&line)).collect();
        differing.sort();
        differing.dedup();
        Ok(differing)
    }

    /// Removes a pack. Boxes that run on it keep it.
    pub fn remove(&self, digest: PackDigest) -> Result<()> {
        // Renamed first: half a pack must not look like one.
        let gone = self.path.join(format!(".new-gone-{digest}"));
        fs::rename(self.path.join(digest.to_string()), &gone)
            .with_context(|| format!("remove pack {digest}"))?;
        fs::remove_dir_all(&gone).with_context(|| format!("remove pack {digest}"))
    }

    /// Removes what was being written when a maker died.
    pub fn sweep(&self) -> Result<()> {
        for entry in fs::read_dir(&self.path).context("list packs")?.flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(".new-")) {
                fs::remove_dir_all(entry.path()).context("remove half a pack")?;
            }
        }
        Ok(())
    }

    /// Makes the pack of `provided.al2023` and `provided.al2` from this host's shell, C library and certificates.
    pub fn base_from_host(&self) -> Result<Pack> {
        let mut staging = Staging::begin(self)?;
        base::fill(&mut staging)?;
        staging.finish(base::head())
    }

    /// Makes the pack of a `python3.N` from this host's interpreter of that version. Under two seconds.
    pub fn python_from_host(&self, runtime: &str) -> Result<Pack> {
        let python = python::find(runtime)?;
        let mut staging = Staging::begin(self)?;
        python::fill(&mut staging, &python)?;
        base::fill(&mut staging)?;
        staging.finish(python.head())
    }
}

/// Listings are sorted by path, not by line.
fn order(a: &str, b: &str) -> std::cmp::Ordering {
    fn key(line: &str) -> (&str, &str) {
        let rest = line.split_once(' ').map_or("", |(_, rest)| rest);
        let path = match line.split(' ').next() {
            Some("dir") => rest,
            Some("link") => rest.split(" -> ").next().unwrap_or(rest),
            _ => rest.split_once(' ').map_or("", |(_, path)| path),
        };
        (path, line)
    }
    key(a).cmp(&key(b))
}

fn walk(root: &Path, below: &str, entries: &mut BTreeMap<String, Entry>) -> Result<()> {
    for entry in fs::read_dir(root.join(below)).with_context(|| format!("list {below}"))? {
        let entry = entry.with_context(|| format!("list {below}"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.file_type().with_context(|| format!("look at {path}"))?;
        let found = if kind.is_dir() {
            walk(root, &path, entries)?;
            Entry::Folder
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path()).with_context(|| format!("read {path}"))?;
            Entry::Link(target.to_string_lossy().into_owned())
        } else {
            let mode = entry.metadata().with_context(|| format!("look at {path}"))?.permissions().mode();
            let content = fs::read(entry.path()).with_context(|| format!("read {path}"))?;
            Entry::File { executable: mode & 0o111 != 0, sha256: sha256(&content) }
        };
        entries.insert(path, found);
    }
    Ok(())
}
