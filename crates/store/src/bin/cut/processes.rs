use std::collections::{BTreeSet, HashMap};
use std::fs;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// Stops a process and everything below it. What a stopped process had acknowledged stays so; nothing new begins.
pub fn stop(root: u32) -> Result<BTreeSet<u32>> {
    // At once, before the search for others takes its time.
    send(root, Signal::STOP);
    let mut stopped = BTreeSet::from([root]);
    loop {
        // A process may have started another one before it was stopped, so look again until nothing is new.
        let found = below(root)?;
        let fresh: Vec<u32> = found.difference(&stopped).copied().collect();
        if fresh.is_empty() {
            return Ok(stopped);
        }
        for process in fresh {
            send(process, Signal::STOP);
            stopped.insert(process);
        }
    }
}

/// Kills processes.
pub fn kill(processes: &BTreeSet<u32>) {
    for process in processes {
        send(*process, Signal::KILL);
    }
}

fn send(process: u32, signal: Signal) {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    // It may have ended by itself.
    let _ = pid.map(|pid| kill_process(pid, signal));
}

fn below(root: u32) -> Result<BTreeSet<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").context("read /proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended since.
        let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
        // The name, in brackets, may hold anything; the state and the parent follow it.
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = BTreeSet::from([root]);
    let mut next = vec![root];
    while let Some(process) = next.pop() {
        for child in children.get(&process).into_iter().flatten() {
            if found.insert(*child) {
                next.push(*child);
            }
        }
    }
    Ok(found)
}
