//! Unpacks a hostile zip into a directory, or refuses it whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Cursor, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use zip::{CompressionMethod, ZipArchive};

use super::paths;
use crate::limits::{LINK_BYTES, UNZIPPED_BYTES, ZIP_ENTRIES};

/// Why a zip was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadZip {
    /// It is no zip, is damaged, or holds something that must not be made.
    #[error("not a usable zip: {0}")]
    Unusable(String),
    /// It unpacks to more than the quota.
    #[error("the zip unpacks to more than {UNZIPPED_BYTES} bytes")]
    TooLarge,
    /// The disk failed, which is not the zip's fault.
    #[error("unpack: {0}")]
    Disk(io::Error),
}

fn unusable(why: impl Into<String>) -> BadZip {
    BadZip::Unusable(why.into())
}

/// Unpacks `zip` into the existing empty directory `into`. Regular files and directories first, links last, so that nothing
/// is ever written through a link. Modes are honoured without set-id bits; the sum of all sizes is limited as bytes come.
pub(super) fn unpack(zip: &[u8], into: &Path) -> Result<(), BadZip> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|e| unusable(e.to_string()))?;
    if archive.is_empty() || archive.len() > ZIP_ENTRIES {
        return Err(unusable(format!("{} entries", archive.len())));
    }
    let mut tree =
        Tree { root: into, left: UNZIPPED_BYTES, directories: BTreeMap::new(), files: BTreeSet::new() };
    let mut links: BTreeMap<PathBuf, String> = BTreeMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|e| unusable(e.to_string()))?;
        if entry.encrypted()
            || !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated)
        {
            return Err(unusable("an entry is encrypted or compressed in another way than deflate"));
        }
        let name = entry.name().map_err(|e| unusable(e.to_string()))?.into_owned();
        let parts = paths::inside(&name);
        let Some(parts) = parts else {
            if entry.is_dir()
                && name.split('/').all(|part| part.is_empty() || part == ".")
                && !name.starts_with('/')
            {
                continue; // "./" names the tree itself.
            }
            return Err(unusable(format!("the path {name:?}")));
        };
        let mode = entry.unix_mode();
        if entry.is_dir() {
            tree.directory(&parts, mode)?;
        } else if entry.is_symlink() {
            let target = tree.link_target(&parts, &mut entry)?;
            links.insert(parts.iter().collect(), target);
        } else if mode.is_none_or(|mode| matches!(mode & 0o170_000, 0 | 0o100_000)) {
            tree.file(&parts, mode, entry.last_modified(), &mut entry)?;
        } else {
            return Err(unusable(format!("{name:?} is neither file, directory nor link")));
        }
    }
    tree.make_links(&links)?;
    tree.set_modes()
}

struct Tree<'a> {
    root: &'a Path,
    left: u64,
    /// Relative path → mode, for the end: a directory without write permission must be filled first.
    directories: BTreeMap<PathBuf, u32>,
    files: BTreeSet<PathBuf>,
}

impl Tree<'_> {
    fn directory(&mut self, parts: &[&str], mode: Option<u32>) -> Result<(), BadZip> {
        self.parents(parts)?;
        let path: PathBuf = parts.iter().collect();
        self.one_directory(&path)?;
        if let Some(mode) = mode {
            // The server must be able to remove the tree again, hence the owner's bits.
            self.directories.insert(path, mode & 0o777 | 0o700);
        }
        Ok(())
    }

    fn parents(&mut self, parts: &[&str]) -> Result<(), BadZip> {
        let mut path = PathBuf::new();
        for part in &parts[..parts.len() - 1] {
            path.push(part);
            self.one_directory(&path)?;
        }
        Ok(())
    }

    fn one_directory(&mut self, path: &Path) -> Result<(), BadZip> {
        if self.directories.contains_key(path) {
            return Ok(());
        }
        if self.files.contains(path) {
            return Err(unusable(format!("{path:?} is both a file and a directory")));
        }
        fs::create_dir(self.root.join(path)).map_err(|e| made_by_entry(path, e))?;
        self.directories.insert(path.to_owned(), 0o755);
        Ok(())
    }

    fn file(
        &mut self,
        parts: &[&str],
        mode: Option<u32>,
        modified: Option<zip::DateTime>,
        content: &mut impl Read,
    ) -> Result<(), BadZip> {
        self.parents(parts)?;
        let path: PathBuf = parts.iter().collect();
        if self.directories.contains_key(&path) {
            return Err(unusable(format!("{path:?} is both a file and a directory")));
        }
        // Archives without Unix modes get the permissions that unzip would give. A later entry of a name wins.
        let mode = mode.map_or(0o644, |mode| mode & 0o777);
        let full = self.root.join(&path);
        if !self.files.insert(path.clone()) {
            fs::remove_file(&full).map_err(BadZip::Disk)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&full)
            .map_err(|e| made_by_entry(&path, e))?;
        self.copy(content, &mut file)?;
        if let Some(time) = modified.and_then(unix_seconds) {
            // Compiled Python compares the source's time, so it must survive.
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(time))
                .map_err(BadZip::Disk)?;
        }
        file.set_permissions(Permissions::from_mode(mode)).map_err(BadZip::Disk)
    }

    fn copy(&mut self, content: &mut impl Read, file: &mut File) -> Result<(), BadZip> {
        let mut buffer = [0; 64 * 1024];
        loop {
            let read = content.read(&mut buffer).map_err(|e| unusable(e.to_string()))?;
            if read == 0 {
                return Ok(());
            }
            self.left = self.left.checked_sub(read as u64).ok_or(BadZip::TooLarge)?;
            file.write_all(&buffer[..read]).map_err(BadZip::Disk)?;
        }
    }

    fn link_target(&mut self, parts: &[&str], content: &mut impl Read) -> Result<String, BadZip> {
        let mut target = String::new();
        let read =
            content.take(LINK_BYTES + 1).read_to_string(&mut target).map_err(|e| unusable(e.to_string()))?;
        if read as u64 > LINK_BYTES || !paths::link_stays_inside(&parts[..parts.len() - 1], &target) {
            return Err(unusable(format!("a link to {target:?}")));
        }
        self.parents(parts)?;
        Ok(target)
    }

    fn make_links(&mut self, links: &BTreeMap<PathBuf, String>) -> Result<(), BadZip> {
        if !paths::links_stay_inside(links) {
            return Err(unusable("links that lead out of the tree through each other"));
        }
        for (path, target) in links {
            if self.files.contains(path) || self.directories.contains_key(path) {
                return Err(unusable(format!("{path:?} is both a link and something else")));
            }
            symlink(target, self.root.join(path)).map_err(|e| made_by_entry(path, e))?;
        }
        Ok(())
    }

    fn set_modes(&self) -> Result<(), BadZip> {
        for (path, mode) in self.directories.iter().rev() {
            fs::set_permissions(self.root.join(path), Permissions::from_mode(*mode)).map_err(BadZip::Disk)?;
        }
        Ok(())
    }
}

/// Errors that an entry's name provokes are the zip's fault, the others the disk's.
fn made_by_entry(path: &Path, error: io::Error) -> BadZip {
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            unusable(format!("the path {path:?}: {error}"))
        }
        _ => BadZip::Disk(error),
    }
}

fn unix_seconds(time: zip::DateTime) -> Option<u64> {
    let date = jiff::civil::DateTime::new(
        i16::try_from(time.year()).ok()?,
        i8::try_from(time.month()).ok()?,
        i8::try_from(time.day()).ok()?,
        i8::try_from(time.hour()).ok()?,
        i8::try_from(time.minute()).ok()?,
        i8::try_from(time.second()).ok()?,
        0,
    )
    .ok()?;
    u64::try_from(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second()).ok()
}
