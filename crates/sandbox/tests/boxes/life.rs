//! How boxes begin, live and end.

use std::os::fd::AsFd;

use sandbox::slot::{self, Request};
use sandbox::{Command, Exit, KeepTmp, StartError, TreeDigest};

use crate::rig::{Rig, environment, exit_of, is_ready, wait, watch};

#[test]
fn a_command_runs_and_its_end_is_told() {
    let outcome = Rig::shared().sh("echo out; echo err >&2; exit 7");
    assert_eq!(outcome.exit, Some(Exit::Status(7)), "{outcome:?}");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("out\n", "err\n"));
    assert_eq!(Rig::shared().sh("kill -SEGV $$").exit, Some(Exit::Signal(libc::SIGSEGV)));
}

#[test]
fn a_native_program_runs() {
    let outcome = Rig::shared().act("hello");
    assert_eq!(outcome.stdout, "hello from 2\n", "{outcome:?}");
}

#[test]
fn a_command_that_cannot_be_executed_says_why() {
    let rig = Rig::shared();
    let cases: [(&str, u32, &[u8], i32); 5] = [
        ("other", 0o755, b"", libc::ENOENT),
        ("bootstrap", 0o644, b"#!/bin/sh\n", libc::EACCES),
        ("bootstrap", 0o755, b"#!/no/such/interpreter\n", libc::ELIBACC),
        // A folder of that name.
        ("bootstrap/x", 0o755, b"", libc::ENOENT),
        ("bootstrap", 0o755, b"neither script nor program", libc::ENOEXEC),
    ];
    for (name, mode, content, errno) in cases {
        let task = rig.tree(&[(name, mode, content)]);
        assert_eq!(
            rig.run(&rig.request(Some(task))).exit,
            Some(Exit::NotStarted(errno)),
            "{name} {content:?}"
        );
    }
    assert_eq!(rig.run(&rig.request(None)).exit, Some(Exit::NotStarted(libc::ENOENT)));
    let runtime = Request { command: Command::Runtime, ..rig.request(None) };
    assert_eq!(rig.run(&runtime).exit, Some(Exit::NotStarted(libc::ENOENT)), "base has no runtime");
}

#[test]
fn it_gets_its_environment_its_directory_and_nothing_else() {
    let rig = Rig::shared();
    let task = rig.script("pwd; /usr/bin/env -u PWD -u SHLVL -u _ | sort; readlink /proc/self/fd/0; ls /proc/self/fd | wc -w; hostname; echo end >/dev/stdout");
    let variables = environment(&[("PATH", "/usr/bin"), ("WITH", "a=b c\nd"), ("EMPTY", "")]);
    let outcome = rig.run(&Request { environment: variables, ..rig.request(Some(task)) });
    let expected = "/var/task\nEMPTY=\nPATH=/usr/bin\nWITH=a=b c\nd\n/dev/null\n4\nlocalhost\nend\n";
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    // `ls` itself has a fourth descriptor open.
    assert_eq!(sorted(&outcome.stdout), sorted(expected), "{outcome:?}");
}

#[test]
fn an_environment_beyond_its_limits_is_refused() {
    let rig = Rig::shared();
    for variables in [
        vec![b'a'; 10],
        [b"a=b\0".repeat(1_025), Vec::new()].concat(),
        [vec![b'a'; 32 << 10], vec![0]].concat(),
    ] {
        let request = Request { environment: variables, ..rig.request(None) };
        let blank = rig.blank();
        let (number, tmp) = (blank.slot(), blank.tmp());
        assert!(matches!(slot::start(&rig.host, blank, &request), Err(StartError::Failed(_))));
        slot::clear(&rig.host, number, tmp, KeepTmp::No).expect("clear");
    }
}

#[test]
fn layers_are_merged_and_the_last_wins() {
    let rig = Rig::shared();
    let layer = |name: &str| {
        rig.tree(&[("shared/file", 0o644, name.as_bytes()), (&format!("own-{name}"), 0o644, name.as_bytes())])
    };
    let task = rig.script(
        "cat /opt/shared/file; echo; ls /opt; touch /opt/x || stat -c '%u %a' /opt/shared /opt/shared/file",
    );
    for count in 0..=5 {
        let layers: Vec<_> = (0..count).map(|at| layer(&format!("l{at}"))).collect();
        let outcome = rig.run(&Request { layers, ..rig.request(Some(task)) });
        let own: String = (0..count).map(|at| format!("own-l{at}\n")).collect();
        let expected = match count {
            0 => "\n".to_owned(),
            _ => format!("l{}\n{own}shared\n0 755\n0 644\n", count - 1),
        };
        assert_eq!(outcome.stdout, expected, "{count} layers: {outcome:?}");
    }
}

#[test]
fn a_bootstrap_may_come_from_a_layer() {
    let rig = Rig::shared();
    let layer = rig.tree(&[("bootstrap", 0o755, b"#!/bin/sh\necho layer\n")]);
    let task = rig.tree(&[("handler.sh", 0o644, b"")]);
    let request = Request { layers: vec![layer], ..rig.request(Some(task)) };
    assert_eq!(rig.run(&request).stdout, "layer\n");
}

#[test]
fn what_is_not_installed_is_missing() {
    let rig = Rig::shared();
    let foreign = rig.tree(&[("bootstrap", 0o755, b"")]);
    let place = rig.data().join("objects").join(foreign.to_string());
    std::os::unix::fs::chown(&place, Some(0), Some(0)).expect("take the tree");
    let link = TreeDigest([0xab; 32]);
    std::os::unix::fs::symlink("/etc", rig.data().join("objects").join(link.to_string())).expect("link");
    for (task, missing) in [(TreeDigest([0xcd; 32]), true), (foreign, false), (link, false)] {
        let blank = rig.blank();
        let (number, tmp) = (blank.slot(), blank.tmp());
        match slot::start(&rig.host, blank, &rig.request(Some(task))) {
            Err(StartError::Missing(name)) => assert!(missing && name.contains("objects/cdcd"), "{name}"),
            Err(StartError::Failed(error)) => assert!(!missing, "{error:#}"),
            other => panic!("{other:?}"),
        }
        slot::clear(&rig.host, number, tmp, KeepTmp::No).expect("clear");
    }
}

#[test]
fn tmp_outlives_its_box_when_it_is_kept() {
    let rig = Rig::shared();
    let first = rig.start(
        &rig.request(Some(rig.script("echo kept >/tmp/file; mkdir /tmp/dir; exec 3>/tmp/open; echo x >&3"))),
    );
    assert_eq!(watch(&first).exit, Some(Exit::Status(0)));
    let tmp = first.tmp;
    rig.end(first, KeepTmp::Yes);
    let script = rig.script("cat /tmp/file; stat -c %u /tmp/file; echo more >>/tmp/file; ls /tmp");
    let second = rig.start(&Request { tmp: Some(tmp), ..rig.request(Some(script)) });
    assert_eq!(second.tmp, tmp);
    // Other ids on the host, the same function on the disk.
    assert_eq!(watch(&second).stdout, "kept\n993\ndir\nfile\nopen\n");
    rig.end(second, KeepTmp::Yes);
    slot::forget(&rig.host, tmp).expect("forget");
    let blank = rig.blank();
    let (number, spare) = (blank.slot(), blank.tmp());
    let request = Request { tmp: Some(tmp), ..rig.request(Some(script)) };
    assert!(slot::start(&rig.host, blank, &request).is_err(), "a forgotten image is gone");
    slot::clear(&rig.host, number, spare, KeepTmp::No).expect("clear");
}

#[test]
fn tmp_has_the_size_that_was_asked_for() {
    let rig = Rig::shared();
    let task = rig.script("df -B1M --output=avail /tmp | tail -1");
    for size in [512, 1024, 10_240] {
        let outcome = rig.run(&Request { tmp_mb: size, ..rig.request(Some(task)) });
        let available: u32 = outcome.stdout.trim().parse().expect("a number");
        assert!((size..size * 106 / 100).contains(&available), "{size}: {outcome:?}");
    }
}

#[test]
fn the_end_of_the_lifeline_ends_everything_even_frozen() {
    let rig = Rig::shared();
    for frozen in [false, true] {
        let task = rig.script("(sleep 1000) & (trap '' TERM INT HUP; sleep 1000) & echo ready; wait");
        let running = rig.start(&rig.request(Some(task)));
        assert!(is_ready(running.stdout.as_fd(), 10));
        let processes = rig.processes(&running);
        if frozen {
            running.cgroup.freeze().expect("freeze");
        }
        let (number, tmp) = (running.slot, running.tmp);
        drop(running.lifeline);
        wait(&running.init);
        for pid in processes {
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} lives, frozen: {frozen}");
        }
        assert!(is_ready(running.status.as_fd(), 0), "the status pipe is at its end");
        slot::clear(&rig.host, number, tmp, KeepTmp::No).expect("clear");
    }
}

#[test]
fn a_frozen_box_does_nothing_until_it_is_thawed() {
    let rig = Rig::shared();
    let running = rig.start(&rig.acting("spin"));
    let used = || running.cgroup.cpu_us().expect("read the CPU time");
    let advanced = || {
        let before = used();
        (0..200).any(|_| {
            wait_a_moment();
            used() > before + 1_000
        })
    };
    assert!(advanced(), "it spins");
    running.cgroup.freeze().expect("freeze");
    wait_a_moment();
    // Freezing takes some microseconds: what matters is that it then stays where it is.
    let frozen = used();
    for _ in 0..20 {
        wait_a_moment();
    }
    assert!(used() < frozen + 20_000, "{} µs used while frozen", used() - frozen);
    running.cgroup.thaw().expect("thaw");
    assert!(advanced(), "it spins again");
    running.cgroup.freeze().expect("freeze");
    assert!(running.cgroup.kill().expect("kill"), "frozen or not");
    assert_eq!(exit_of(&running, 10), None, "init died with it");
    rig.end(running, KeepTmp::No);
}

#[test]
fn the_cpu_share_follows_the_memory_size() {
    let rig = Rig::shared();
    let running = rig.start(&rig.acting("spin"));
    running.cgroup.limit_cpu().expect("limit");
    let used = || running.cgroup.cpu_us().expect("read the CPU time");
    let (start, from) = (used(), moment());
    while moment() < from + 1_000_000 {
        wait_a_moment();
    }
    let share = (used() - start) as f64 / (moment() - from) as f64;
    // 128 of 1,769 MB is 7.2 %; one burst comes on top, a busy machine takes from it.
    assert!(share < 0.12, "{share}");
    rig.end(running, KeepTmp::No);
}

#[test]
fn usage_is_what_the_function_used() {
    let rig = Rig::shared();
    let task = rig.script("head -c 50000000 /dev/zero | tail -c 40000000 >/dev/null; echo done; sleep 1000");
    let running = rig.start(&rig.request(Some(task)));
    assert!(is_ready(running.stdout.as_fd(), 10));
    let usage = running.cgroup.usage().expect("read the usage");
    assert!(running.cgroup.cpu_us().expect("read the time") > 1_000, "{usage:?}");
    assert!((1 << 20..128 << 20).contains(&usage.peak_memory_bytes), "{usage:?}");
    assert_eq!(usage.oom_kills, 0);
    let parts = running.cgroup.into_parts();
    assert!(parts.fds.len() >= 6, "{parts:?}");
    let again = sandbox::cgroup::Handles::from_parts(parts).expect("put together");
    assert_eq!(again.usage().expect("read the usage").oom_kills, 0);
    again.kill().expect("kill");
    wait(&running.init);
    slot::clear(&rig.host, running.slot, running.tmp, KeepTmp::No).expect("clear");
}

#[test]
fn the_box_sees_its_own_limits() {
    let rig = Rig::shared();
    let outcome = rig.sh("cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; cat /proc/self/cgroup | grep -vc ':/$'");
    assert_eq!(outcome.stdout, "134217728\n0\n", "{outcome:?}");
}

#[test]
fn dropped_blanks_and_a_sweep_leave_nothing() {
    let rig = Rig::new("sweep");
    let held: Vec<_> = (0..3).map(|_| rig.start(&rig.acting("wait"))).collect();
    let blanks: Vec<_> = (0..2).map(|_| rig.blank()).collect();
    drop(blanks);
    let processes: Vec<_> = held.iter().flat_map(|running| rig.processes(running)).collect();
    slot::sweep(&rig.host).expect("sweep");
    for running in &held {
        wait(&running.init);
    }
    for pid in processes {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} lives");
    }
    let images = std::fs::read_dir(rig.data().join("tmp")).expect("list images").flatten();
    let images: Vec<_> = images.filter(|entry| entry.path().extension().is_some()).collect();
    assert!(images.is_empty(), "{images:?}");
}

/// A millisecond.
fn wait_a_moment() {
    let pause = rustix::event::Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
    let _ = rustix::event::poll(&mut [], Some(&pause));
}

/// Microseconds of the machine's clock.
fn moment() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1_000
}
