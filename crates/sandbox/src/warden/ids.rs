//! Which user ids an instance may use: a block of 4,096 of a range that belongs to us on every machine.
//!
//! The range is claimed in /etc/subuid and /etc/subgid: ids below a login user's sub-uid range could be entered from that
//! account through `newuidmap`, and then kill or read what runs here.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use rustix::fs::FlockOperation;

use super::Refused;
use super::limits::{IDS, IDS_FROM, IDS_PER_INSTANCE};

const OWNER: &str = "lambent";

/// A block of ids that is this instance's until every holder of the file is gone.
#[derive(Debug)]
pub(crate) struct Block {
    /// The first id: the server's.
    pub(crate) first: u32,
    pub(crate) lock: File,
}

/// Claims the range in `/etc/subuid` and `/etc/subgid`.
///
/// # Errors
/// [`Refused::IdsTaken`] when the range is another's.
pub(crate) fn claim_range(etc: &Path) -> anyhow::Result<()> {
    for name in ["subuid", "subgid"] {
        let path = etc.join(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).context(format!("read {}", path.display())),
        };
        match claim(&text) {
            Claim::Ours => {}
            Claim::Taken(owner) => return Err(Refused::IdsTaken { file: path, owner }.into()),
            Claim::Add(line) => {
                let appended = OpenOptions::new()
                    .append(true)
                    .create(true)
                    .mode(0o644)
                    .open(&path)
                    .and_then(|mut file| file.write_all(line.as_bytes()));
                if let Err(error) = appended {
                    // On a machine with a read-only /etc nobody else adds a range there either.
                    tracing::warn!(file = %path.display(), %error, "the range of user ids is not claimed");
                }
            }
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Claim {
    Ours,
    Taken(String),
    /// What to append.
    Add(String),
}

/// What a subordinate id file says about our range.
fn claim(text: &str) -> Claim {
    let mut ours = false;
    for line in text.lines() {
        let mut fields = line.trim().split(':');
        let (Some(owner), Some(from), Some(count)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let (Ok(from), Ok(count)) = (from.parse::<u64>(), count.parse::<u64>()) else { continue };
        let (our_from, our_end) = (u64::from(IDS_FROM), u64::from(IDS_FROM) + u64::from(IDS));
        let overlaps = from < our_end && from.saturating_add(count) > our_from;
        if overlaps && owner != OWNER {
            return Claim::Taken(owner.to_owned());
        }
        ours |= owner == OWNER && from <= our_from && from.saturating_add(count) >= our_end;
    }
    if ours {
        return Claim::Ours;
    }
    let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Claim::Add(format!("{separator}{OWNER}:{IDS_FROM}:{IDS}\n"))
}

/// Takes the first block that no instance holds and no process uses.
pub(crate) fn take_block(below: &Path) -> anyhow::Result<Block> {
    fs::create_dir_all(below).with_context(|| format!("make {}", below.display()))?;
    let used = ids_in_use();
    for number in 0..IDS / IDS_PER_INSTANCE {
        let first = IDS_FROM + number * IDS_PER_INSTANCE;
        let path = below.join(number.to_string());
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("open {}", path.display()))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => continue,
            Err(error) => return Err(error).with_context(|| format!("lock {}", path.display())),
        }
        // The last sandboxes of a killed instance may still be dying.
        if !used.iter().any(|id| (first..first + IDS_PER_INSTANCE).contains(id)) {
            return Ok(Block { first, lock });
        }
    }
    anyhow::bail!("all {} blocks of user ids are in use", IDS / IDS_PER_INSTANCE)
}

/// The ids of our range under which processes run.
fn ids_in_use() -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let uid = |process: fs::DirEntry| -> Option<u32> {
        let name = process.file_name();
        name.to_str()?.parse::<u32>().ok()?;
        let status = fs::read_to_string(process.path().join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let ours = |id: &u32| (IDS_FROM..IDS_FROM + IDS).contains(id);
    processes.flatten().filter_map(uid).filter(ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_claimed_once_and_never_from_another() {
        let ours = "lambent:1879048192:524288\n";
        let cases = [
            ("", Claim::Add(ours.into())),
            (ours, Claim::Ours),
            ("ann:100000:65536\n", Claim::Add(ours.into())),
            ("ann:100000:65536", Claim::Add(format!("\n{ours}"))),
            ("lambent:1879048192:4096\n", Claim::Add(ours.into())),
            ("ann:1879048191:1\n", Claim::Add(ours.into())),
            ("ann:1879048191:2\n", Claim::Taken("ann".into())),
            ("ann:1879572479:1\n", Claim::Taken("ann".into())),
            ("ann:1879572480:9\n", Claim::Add(ours.into())),
            ("ann:0:4294967295\n", Claim::Taken("ann".into())),
            ("# comment\n\nann:x:1\nann:1\n", Claim::Add(ours.into())),
            ("ann:1:18446744073709551615\n", Claim::Taken("ann".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(claim(text), expected, "{text:?}");
        }
    }

    #[test]
    fn two_instances_get_different_blocks_and_a_block_comes_free_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = take_block(folder.path()).unwrap();
        let second = take_block(folder.path()).unwrap();
        assert_ne!(first.first, second.first);
        let freed = first.first;
        drop(first);
        assert_eq!(take_block(folder.path()).unwrap().first, freed);
    }

    #[test]
    fn claiming_adds_one_line_to_each_file() {
        let etc = tempfile::tempdir().unwrap();
        fs::write(etc.path().join("subuid"), "ann:100000:65536").unwrap();
        for _ in 0..2 {
            claim_range(etc.path()).unwrap();
        }
        let text = fs::read_to_string(etc.path().join("subuid")).unwrap();
        assert_eq!(text, "ann:100000:65536\nlambent:1879048192:524288\n");
        assert!(etc.path().join("subgid").exists());
        fs::write(etc.path().join("subgid"), "bob:1879048192:65536").unwrap();
        let refused = claim_range(etc.path()).unwrap_err();
        assert!(matches!(refused.downcast_ref(), Some(Refused::IdsTaken { owner, .. }) if owner == "bob"));
    }
}
