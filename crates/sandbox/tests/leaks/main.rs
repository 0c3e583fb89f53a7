//! A machine is as before, however many boxes it ran; and what a box costs.

#[path = "../boxes/attacker.rs"]
mod attacker;
#[allow(dead_code, reason = "the other test program uses more of it")]
#[path = "../boxes/rig.rs"]
mod rig;

use std::fs;
use std::io::Write;
use std::path::Path;

use sandbox::KeepTmp;
use sandbox::slot;

use crate::rig::{Rig, is_ready, watch};

/// Inside a box this executable is the function: it acts before the test harness would start.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = attacker::act_if_inside;

/// What a box could leave behind, counted.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    mounts: usize,
    groups: usize,
    loops: usize,
    images: usize,
    children: usize,
    descriptors: usize,
}

impl Traces {
    fn count(rig: &Rig) -> Traces {
        let lines = |path: &str| fs::read_to_string(path).expect("read").lines().count();
        let entries = |path: &str| fs::read_dir(path).expect("list").count();
        let own = format!("{}/tmp", rig.data().display());
        let backs = |entry: &fs::DirEntry| {
            let file = fs::read_to_string(entry.path().join("loop/backing_file")).unwrap_or_default();
            file.starts_with(&own)
        };
        let children = format!("/proc/self/task/{}/children", rustix::thread::gettid().as_raw_nonzero());
        Traces {
            mounts: lines("/proc/self/mountinfo"),
            groups: groups(rig),
            loops: fs::read_dir("/sys/block").expect("list").flatten().filter(backs).count(),
            images: entries(&own),
            children: fs::read_to_string(children).expect("read").split_whitespace().count(),
            descriptors: entries("/proc/self/fd"),
        }
    }
}

/// How many control groups the instance has.
fn groups(rig: &Rig) -> usize {
    fn below(folder: &Path) -> usize {
        let Ok(entries) = fs::read_dir(folder) else { return 0 };
        let folders = entries.flatten().filter(|entry| entry.path().is_dir());
        folders.map(|entry| 1 + below(&entry.path())).sum()
    }
    let name = format!("lambent-{}", rig.run.file_name().and_then(|name| name.to_str()).expect("a name"));
    let hierarchies = fs::read_dir("/sys/fs/cgroup").expect("list").flatten();
    hierarchies.map(|entry| below(&entry.path().join(&name))).sum()
}

/// The middle and the ninth tenth.
fn percentiles(mut times: Vec<u64>) -> (u64, u64) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 9 / 10])
}

/// Microseconds of the machine's clock.
fn moment() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1_000
}

#[test]
fn two_hundred_boxes_leave_nothing() {
    use std::os::fd::AsFd;
    let rig = Rig::new("leaks");
    let request = rig.acting("hello");
    rig.run(&request);
    let before = Traces::count(&rig);
    let (mut blanks, mut starts, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..200 {
        let begin = moment();
        let blank = slot::blank(&rig.host, 7).expect("make a blank");
        let made = moment();
        let running = slot::start(&rig.host, blank, &request).expect("start");
        let started = moment();
        // The first instruction of main is followed by this line.
        assert!(is_ready(running.stdout.as_fd(), 10));
        let said = moment();
        assert_eq!(watch(&running).stdout, "hello from 2\n");
        rig.end(running, KeepTmp::No);
        blanks.push(made - begin);
        starts.push(started - made);
        firsts.push(said - made);
    }
    assert_eq!(Traces::count(&rig), before);
    // Straight to the terminal: numbers are worth seeing even when nothing fails.
    let mut out = std::io::stderr();
    for (name, times) in [("blank", blanks), ("start", starts), ("request to first output", firsts)] {
        let (half, most) = percentiles(times);
        writeln!(out, "{name}: p50 {half} µs, p90 {most} µs").expect("print");
    }
}
