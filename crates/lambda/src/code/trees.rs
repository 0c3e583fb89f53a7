//! The folder of unpacked code trees, `objects/<sha256>/`: a cache of the packages in the store.
//!
//! Nobody waits until a tree is on the disk, so a power cut may leave one with empty files under its final name. A tree that
//! is known to be whole has an empty file `objects/.whole-<sha256>` beside it, made after the flush; a start removes the
//! others, and they are unpacked again when they are needed.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sandbox::TreeDigest;
use tasks::Random;

use super::archive::{self, BadZip};

/// Makes, finds and sweeps code trees. Blocking: call it from `Tasks::spawn_blocking`.
pub(crate) struct Trees {
    folder: PathBuf,
    random: Random,
    /// Held while a finished tree is moved into place or swept, so that a sweep cannot take what was just asked for.
    moving: Mutex<()>,
    /// Unpacked and not yet known to be on the disk.
    fresh: Mutex<BTreeSet<TreeDigest>>,
}

const STAGING: &str = ".staging-";
const WHOLE: &str = ".whole-";

impl Trees {
    /// The trees below `folder`, which is made if it is missing. What an earlier process left half unpacked is removed, and
    /// so is what it may have lost in a power cut.
    pub(crate) fn open(folder: PathBuf, random: Random) -> io::Result<Trees> {
        fs::create_dir_all(&folder)?;
        let trees = Trees { folder, random, moving: Mutex::default(), fresh: Mutex::default() };
        for entry in fs::read_dir(&trees.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let tree = TreeDigest::parse(&name);
            if name.starts_with(STAGING) || tree.is_some_and(|tree| !trees.mark(tree).exists()) {
                remove(&entry.path())?;
            } else if let Some(tree) = name.strip_prefix(WHOLE).and_then(TreeDigest::parse)
                && !trees.has(tree)
            {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(trees)
    }

    /// Flushes the trees unpacked since the last time to the disk and marks them as whole. Blocks for as long as the disk
    /// takes for everything that is dirty on it.
    pub(crate) fn keep(&self) -> io::Result<()> {
        let fresh = std::mem::take(&mut *self.fresh());
        if fresh.is_empty() {
            return Ok(());
        }
        // One flush instead of one for each of what may be thousands of files.
        rustix::fs::syncfs(fs::File::open(&self.folder)?)?;
        for tree in fresh {
            let _moving = self.moving();
            if self.has(tree) {
                fs::File::create(self.mark(tree))?;
            }
        }
        Ok(())
    }

    fn mark(&self, tree: TreeDigest) -> PathBuf {
        self.folder.join(format!("{WHOLE}{tree}"))
    }

    fn moving(&self) -> MutexGuard<'_, ()> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self) -> MutexGuard<'_, BTreeSet<TreeDigest>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unpacks `zip` as the tree `digest`, unless it is there already. A refused zip leaves nothing behind.
    pub(crate) fn unpack(&self, digest: TreeDigest, zip: &[u8]) -> Result<(), BadZip> {
        if self.has(digest) {
            return Ok(());
        }
        let staging = self.folder.join(format!("{STAGING}{:016x}", u64::from_le_bytes(self.random.bytes())));
        fs::create_dir(&staging).map_err(BadZip::Disk)?;
        let unpacked = archive::unpack(zip, &staging)
            .and_then(|()| fs::set_permissions(&staging, Permissions::from_mode(0o755)).map_err(BadZip::Disk))
            .and_then(|()| self.publish(&staging, digest));
        if unpacked.is_err() {
            remove(&staging).map_err(BadZip::Disk)?;
        }
        unpacked
    }

    fn publish(&self, staging: &Path, digest: TreeDigest) -> Result<(), BadZip> {
        let _moving = self.moving();
        let place = self.place(digest);
        if place.exists() {
            return remove(staging).map_err(BadZip::Disk); // Another call unpacked the same zip meanwhile.
        }
        fs::rename(staging, place).map_err(BadZip::Disk)?;
        self.fresh().insert(digest);
        Ok(())
    }

    /// Whether the tree is there.
    pub(crate) fn has(&self, digest: TreeDigest) -> bool {
        self.place(digest).is_dir()
    }

    fn place(&self, digest: TreeDigest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    /// Removes the trees among `doomed` that `named` still does not hold, and returns the other trees without a name: the
    /// doomed ones of the next sweep.
    pub(crate) fn sweep(
        &self,
        named: &BTreeSet<TreeDigest>,
        doomed: &BTreeSet<TreeDigest>,
    ) -> io::Result<BTreeSet<TreeDigest>> {
        let mut nameless = BTreeSet::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let Some(digest) = name.to_str().and_then(TreeDigest::parse) else { continue };
            if named.contains(&digest) {
                continue;
            }
            if doomed.contains(&digest) {
                self.remove(digest)?;
            } else {
                nameless.insert(digest);
            }
        }
        Ok(nameless)
    }

    fn remove(&self, digest: TreeDigest) -> io::Result<()> {
        let aside = self.folder.join(format!("{STAGING}{:016x}", u64::from_le_bytes(self.random.bytes())));
        {
            let _moving = self.moving();
            self.fresh().remove(&digest);
            match fs::remove_file(self.mark(digest)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::rename(self.place(digest), &aside)?;
        }
        remove(&aside)
    }
}

/// Removes a tree whose directories may lack permissions.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            fs::remove_dir_all(path)
        }
        other => other,
    }
}

fn open_up(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::SimpleFileOptions;

    use super::*;

    fn trees() -> (tempfile::TempDir, Trees) {
        let folder = tempfile::tempdir().unwrap();
        let trees = Trees::open(folder.path().join("objects"), Random::seeded(1)).unwrap();
        (folder, trees)
    }

    enum Entry<'a> {
        File(&'a str, &'a [u8], u32),
        Link(&'a str, &'a str),
        Directory(&'a str),
    }

    fn zip_of(entries: &[Entry<'_>]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for entry in entries {
            match entry {
                Entry::File(name, content, mode) => {
                    writer.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
                    writer.write_all(content).unwrap();
                }
                Entry::Link(name, target) => {
                    writer.add_symlink(*name, *target, SimpleFileOptions::default()).unwrap();
                }
                Entry::Directory(name) => {
                    writer.add_directory(*name, SimpleFileOptions::default()).unwrap();
                }
            }
        }
        writer.finish().unwrap().into_inner()
    }

    const DIGEST: TreeDigest = TreeDigest([7; 32]);

    fn left_in(trees: &Trees) -> usize {
        fs::read_dir(&trees.folder).unwrap().count()
    }

    #[test]
    fn a_package_keeps_its_files_modes_and_inner_links() {
        let (_folder, trees) = trees();
        let zip = zip_of(&[
            Entry::File("app.py", b"x = 1\n", 0o644),
            Entry::File("bin/tool", b"#!/bin/sh\n", 0o4755),
            Entry::Directory("empty/"),
            Entry::Link("bin/alias", "../app.py"),
        ]);
        trees.unpack(DIGEST, &zip).unwrap();
        let root = trees.place(DIGEST);
        assert_eq!(fs::read(root.join("bin/alias")).unwrap(), b"x = 1\n");
        assert_eq!(fs::metadata(root.join("bin/tool")).unwrap().permissions().mode() & 0o7777, 0o755);
        assert!(root.join("empty").is_dir());
        assert_eq!(left_in(&trees), 1);
    }

    #[test]
    fn a_hostile_package_is_refused_and_leaves_nothing() {
        let (folder, trees) = trees();
        let good = zip_of(&[Entry::File("a", &[5; 4096], 0o644)]);
        let mut damaged = good.clone();
        damaged[33] ^= 0xff;
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("not a zip", b"hello".to_vec()),
            ("empty", Vec::new()),
            ("no entries", zip_of(&[])),
            ("truncated", good[..good.len() / 2].to_vec()),
            ("damaged content", damaged),
            ("traversal", zip_of(&[Entry::File("../evil", b"x", 0o644)])),
            ("inner traversal", zip_of(&[Entry::File("a/../../evil", b"x", 0o644)])),
            ("absolute", zip_of(&[Entry::File("/evil", b"x", 0o644)])),
            ("link out", zip_of(&[Entry::Link("l", "../../etc/passwd")])),
            ("absolute link out", zip_of(&[Entry::Link("l", "/etc/passwd")])),
            (
                "link out through a link",
                zip_of(&[
                    Entry::Directory("a/b/"),
                    Entry::Link("a/b/up", "../.."),
                    Entry::Link("l", "a/b/up/../etc"),
                ]),
            ),
            ("write through a link", zip_of(&[Entry::Link("l", "sub"), Entry::File("l/evil", b"x", 0o644)])),
            ("file as directory", zip_of(&[Entry::File("a", b"x", 0o644), Entry::File("a/b", b"x", 0o644)])),
        ];
        for (case, zip) in cases {
            let refused = trees.unpack(DIGEST, &zip);
            assert!(matches!(refused, Err(BadZip::Unusable(_))), "{case}: {refused:?}");
            assert_eq!(left_in(&trees), 0, "{case}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the objects folder");
    }

    #[test]
    fn a_bomb_stops_at_the_quota() {
        let (_folder, trees) = trees();
        let block = vec![0; 8 << 20];
        let names: Vec<String> = (0..33).map(|n| format!("zeros{n}")).collect();
        let entries: Vec<Entry<'_>> = names.iter().map(|name| Entry::File(name, &block, 0o644)).collect();
        let zip = zip_of(&entries);
        assert!(zip.len() < 1 << 20);
        assert!(matches!(trees.unpack(DIGEST, &zip), Err(BadZip::TooLarge)));
        assert_eq!(left_in(&trees), 0);
    }

    #[test]
    fn only_trees_that_were_flushed_are_there_after_a_start() {
        let (folder, trees) = trees();
        let again = || Trees::open(folder.path().join("objects"), Random::seeded(2)).unwrap();
        let zip = zip_of(&[Entry::File("a", b"x", 0o644)]);
        trees.unpack(DIGEST, &zip).unwrap();
        trees.keep().unwrap();
        trees.unpack(TreeDigest([8; 32]), &zip).unwrap();
        let trees = again();
        assert!(trees.has(DIGEST));
        assert!(!trees.has(TreeDigest([8; 32])), "a power cut may have emptied its files");
        // What lost its tree is not taken for whole when the tree comes back.
        fs::remove_dir_all(trees.place(DIGEST)).unwrap();
        let trees = again();
        trees.unpack(DIGEST, &zip).unwrap();
        assert!(!again().has(DIGEST));
    }

    #[test]
    fn a_swept_tree_leaves_no_mark() {
        let (_folder, trees) = trees();
        trees.unpack(DIGEST, &zip_of(&[Entry::File("a", b"x", 0o644)])).unwrap();
        trees.keep().unwrap();
        trees.sweep(&BTreeSet::new(), &BTreeSet::from([DIGEST])).unwrap();
        assert_eq!(left_in(&trees), 0);
    }

    #[test]
    fn a_sweep_removes_what_nobody_names() {
        let (_folder, trees) = trees();
        let zip = zip_of(&[Entry::File("a", b"x", 0o644)]);
        trees.unpack(DIGEST, &zip).unwrap();
        trees.unpack(TreeDigest([8; 32]), &zip).unwrap();
        let named = BTreeSet::from([DIGEST]);
        let nameless = trees.sweep(&named, &BTreeSet::new()).unwrap();
        assert!(
            trees.has(TreeDigest([8; 32])),
            "a tree is removed at the second sweep that finds it nameless"
        );
        assert_eq!(trees.sweep(&named, &nameless).unwrap(), BTreeSet::new());
        assert!(trees.has(DIGEST) && !trees.has(TreeDigest([8; 32])));
    }
}
