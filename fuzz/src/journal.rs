//! A journal whose files are torn and rot between starts. Inputs are steps: one byte what, one byte how much, and more.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use store::fuzzing::Journal;

use crate::zip::scratch;

pub(crate) fn run(input: &[u8]) {
    let folder = scratch();
    let open = || Journal::open(folder.path().to_owned()).expect("a journal opens");
    let mut journal = open();
    let mut noted: BTreeMap<u64, Bytes> = BTreeMap::new();
    let mut damaged = false;
    for step in input.chunks(4).take(64) {
        let [what, a, b, c] = [0, 1, 2, 3].map(|at| step.get(at).copied().unwrap_or_default());
        match what % 8 {
            0..=3 => {
                let record = Bytes::from(vec![b; usize::from(a) * usize::from(c % 4)]);
                let position = journal.note(&record).expect("the disk is well");
                assert!(noted.last_key_value().is_none_or(|(last, _)| *last < position));
                noted.insert(position, record);
            }
            4 => journal = open(),
            5..=7 => {
                // Files rot while nobody has them open.
                drop(journal);
                damaged |= damage(folder.path(), [what, a, b, c]);
                journal = open();
            }
            _ => unreachable!("a remainder of 8"),
        }
    }
    let read = journal.read(1 << 20).expect("the disk is well");
    assert_eq!(journal.read(1).expect("the disk is well"), read, "in small portions");
    assert!(read.is_sorted_by(|(a, _), (b, _)| a < b), "out of order");
    for (position, record) in &read {
        assert_eq!(noted.get(position), Some(record), "at {position}");
    }
    assert!(damaged || read.len() == noted.len(), "{} of {} records", read.len(), noted.len());
}

/// Changes, cuts or lengthens one of the files. True when one was there.
fn damage(folder: &Path, [what, which, place, how]: [u8; 4]) -> bool {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder is there").path())
        .collect();
    files.sort();
    if files.is_empty() {
        return false;
    }
    let path = &files[usize::from(which) % files.len()];
    let mut bytes = fs::read(path).expect("the file is there");
    match what % 8 {
        5 => bytes.truncate(bytes.len().saturating_sub(usize::from(place))),
        6 => bytes.extend_from_slice(&[how; 64][..usize::from(place % 64)]),
        _ => {
            let at = usize::from(place) % bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= how;
            }
        }
    }
    fs::write(path, bytes).expect("the disk is well");
    true
}
