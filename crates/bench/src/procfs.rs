//! What the kernel says about processes: CPU time, wake-ups, memory, parents.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of all living threads, in nanoseconds.
    pub cpu_ns: u64,
    /// Times that a thread gave the CPU up to wait: one for each wake-up.
    pub waits: u64,
    /// Times that a thread was made to give the CPU up.
    pub preemptions: u64,
}

impl Usage {
    /// What was used since `earlier`.
    pub fn since(self, earlier: Usage) -> Usage {
        Usage {
            cpu_ns: self.cpu_ns.saturating_sub(earlier.cpu_ns),
            waits: self.waits.saturating_sub(earlier.waits),
            preemptions: self.preemptions.saturating_sub(earlier.preemptions),
        }
    }
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its command line.
    pub command: String,
}

/// What process `pid` has used so far.
///
/// # Errors
/// When it is gone.
pub fn usage(pid: u32) -> anyhow::Result<Usage> {
    let mut usage = Usage::default();
    let threads = format!("/proc/{pid}/task");
    for thread in fs::read_dir(&threads).with_context(|| format!("list {threads}"))? {
        let thread = thread.with_context(|| format!("list {threads}"))?.path();
        // A thread that ended meanwhile is left out.
        let (Some(stat), Some(status)) = (text(&thread.join("schedstat")), text(&thread.join("status")))
        else {
            continue;
        };
        usage.cpu_ns += cpu_ns(&stat);
        usage.waits += field(&status, "voluntary_ctxt_switches");
        usage.preemptions += field(&status, "nonvoluntary_ctxt_switches");
    }
    Ok(usage)
}

/// The share of memory of process `pid`, in bytes: its own pages, and its part of those it shares.
///
/// # Errors
/// When it is gone or not ours to see.
pub fn share_of_memory(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    Ok(field(&text, "Pss") * 1024)
}

/// Process `root` and everything below it.
///
/// # Errors
/// When /proc cannot be read.
pub fn tree(root: u32) -> anyhow::Result<Vec<Process>> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("list /proc")? {
        let path = entry.context("list /proc")?.path();
        let pid = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok());
        if let (Some(pid), Some(stat)) = (pid, text(&path.join("stat"))) {
            parents.insert(pid, parent(&stat));
        }
    }
    Ok(below(root, &parents).into_iter().map(|pid| Process { pid, command: command(pid) }).collect())
}

fn command(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim().to_owned()
}

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The first number of `schedstat`.
fn cpu_ns(schedstat: &str) -> u64 {
    schedstat.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The number on the line `NAME: NUMBER`.
fn field(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|line| line.split_once(':').filter(|(known, _)| *known == name));
    value.and_then(|(_, value)| value.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// The parent named in `stat`, whose second field may hold spaces and parentheses.
fn parent(stat: &str) -> u32 {
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn below(root: u32, parents: &BTreeMap<u32, u32>) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, of)| **of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_the_kernel_writes_them() {
        assert_eq!(cpu_ns("48157236 113 17\n"), 48_157_236);
        assert_eq!(cpu_ns(""), 0);
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";
        assert_eq!(field(status, "voluntary_ctxt_switches"), 150);
        assert_eq!(field(status, "nonvoluntary_ctxt_switches"), 545);
        let rollup = "55d0-7ffd ---p 00000000 00:00 0    [rollup]\nRss:     2048 kB\nPss:      1234 kB\nPss_Dirty: 9 kB\n";
        assert_eq!(field(rollup, "Pss"), 1234);
        assert_eq!(field(rollup, "Swap"), 0);
    }

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent("42 (a) b (c)) S 7 42 42 0"), 7);
        assert_eq!(parent("42 (sh) S 1 42"), 1);
        assert_eq!(parent("broken"), 0);
    }

    #[test]
    fn a_tree_is_everything_below_its_root() {
        let parents = BTreeMap::from([(1, 0), (2, 1), (3, 1), (4, 3), (5, 9), (6, 4)]);
        assert_eq!(below(3, &parents), [3, 4, 6]);
        assert_eq!(below(1, &parents), [1, 2, 3, 4, 6]);
        assert_eq!(below(7, &parents), [7]);
    }

    #[test]
    fn this_process_can_be_read() {
        let me = std::process::id();
        let before = usage(me).unwrap();
        assert!(share_of_memory(me).unwrap() > 100_000);
        assert!(tree(me).unwrap()[0].command.contains("bench"));
        assert!(usage(me).unwrap().cpu_ns >= before.cpu_ns);
    }
}
