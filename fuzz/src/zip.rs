//! Code packages: a zip as it is, or entries from which a zip with the right sums is made.
//!
//! An entry is a byte of [`Oddity`] bits and kind, two of mode, a length and a name, a length and a content.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flate2::Crc;
use tempfile::TempDir;

/// Code may unpack to no more.
const QUOTA: u64 = 262_144_000;

pub(crate) fn run(input: &[u8]) {
    if input.starts_with(b"P") {
        unpack(input);
    } else {
        unpack(&made_of(input));
    }
}

/// A folder in memory, if the machine has one.
pub(crate) fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("there is room for a folder")
}

fn unpack(zip: &[u8]) {
    let top = scratch();
    // Deep, so that a path which climbs out is seen.
    let around = top.path().join("1/2/3");
    fs::create_dir_all(&around).expect("there is room for folders");
    let objects = around.join("objects");
    let kept = lambda::fuzzing::unpack(&objects, zip).expect("no zip makes the disk fail");
    for (level, only) in [
        (top.path().to_owned(), "1"),
        (top.path().join("1"), "2"),
        (top.path().join("1/2"), "3"),
        (around, "objects"),
    ] {
        let names: Vec<_> = names(&level);
        assert_eq!(names, [only], "outside of the tree");
    }
    let trees = names(&objects);
    assert_eq!(trees.len(), usize::from(kept), "{trees:?}");
    if let Some(tree) = trees.first() {
        let tree = objects.join(tree);
        assert!(check(&tree, &tree).expect("the tree can be read") <= QUOTA);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// Looks at all below `folder` and answers its bytes.
fn check(tree: &Path, folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_dir() {
            bytes += check(tree, &path)?;
        } else if metadata.is_symlink() {
            stays_inside(tree, &path)?;
        } else {
            assert!(metadata.is_file(), "{path:?} is no file");
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(metadata.permissions().mode() & 0o7000, 0, "{path:?} has a set-id bit");
            bytes += metadata.len();
        }
    }
    Ok(bytes)
}

/// A link may lead to nothing, but not to a file of the host.
fn stays_inside(tree: &Path, link: &Path) -> io::Result<()> {
    if let Ok(found) = fs::canonicalize(link) {
        let tree = fs::canonicalize(tree)?;
        let ours = ["/var/task", "/opt", "/tmp", "/var/lang", "/var/runtime"].map(PathBuf::from);
        assert!(
            found.starts_with(&tree) || ours.iter().any(|place| found.starts_with(place)),
            "{link:?} leads to {found:?}"
        );
    }
    Ok(())
}

/// What an entry says that is not so.
struct Oddity;

impl Oddity {
    const SIZE: u8 = 4;
    const SUM: u8 = 8;
    const DOS: u8 = 16;
}

fn made_of(input: &[u8]) -> Vec<u8> {
    let (mut files, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    let mut rest = input;
    while let [bits, low, high, length, after @ ..] = rest
        && count < 64
    {
        let (name, after) = after.split_at((usize::from(*length) % 96).min(after.len()));
        let (content, after) = match after {
            [length, after @ ..] => after.split_at(usize::from(*length).min(after.len())),
            [] => (&[][..], &[][..]),
        };
        rest = after;
        let mode = u16::from_le_bytes([*low, *high]);
        let mode = match bits % 4 {
            0 => 0o100_000 | mode & 0o7777,
            1 => 0o040_000 | mode & 0o7777,
            2 => 0o120_777,
            _ => mode,
        };
        let mut crc = Crc::new();
        crc.update(content);
        let sum = if bits & Oddity::SUM == 0 { crc.sum() } else { !crc.sum() };
        let size = content.len() as u32 + u32::from(bits & Oddity::SIZE != 0);
        let offset = files.len() as u32;
        // Version, flags, method, time, date, sum, both sizes, length of the name, of the rest.
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(sum.to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        files.extend(b"PK\x03\x04");
        files.extend(&common);
        files.extend(name);
        files.extend(content);
        let made_by = if bits & Oddity::DOS == 0 { 3 } else { 0 };
        directory.extend(b"PK\x01\x02");
        directory.extend([20, made_by]);
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((u32::from(mode) << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(name);
        count += 1;
    }
    let start = files.len() as u32;
    let size = directory.len() as u32;
    files.extend(directory);
    files.extend(b"PK\x05\x06\0\0\0\0");
    files.extend(count.to_le_bytes());
    files.extend(count.to_le_bytes());
    files.extend(size.to_le_bytes());
    files.extend(start.to_le_bytes());
    files.extend([0, 0]);
    files
}
