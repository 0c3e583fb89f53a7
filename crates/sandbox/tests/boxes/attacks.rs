//! What a hostile function must not reach. Each attack runs in a real box.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;
use std::path::PathBuf;

use sandbox::slot::Request;
use sandbox::{Exit, KeepTmp};

use crate::rig::{Rig, exit_of, is_ready, watch};

/// Files of the host that a box must not see; removed at the end.
struct Canaries(Vec<PathBuf>);

impl Canaries {
    fn plant(rig: &Rig) -> Canaries {
        let name = format!("lambent-canary-{}", std::process::id());
        let folders = ["/etc", "/usr/local", "/root", "/var", "/tmp", "/run", "/"].map(PathBuf::from);
        let files = folders.into_iter().chain([rig.data().to_owned()]).map(|folder| folder.join(&name));
        let planted: Vec<_> = files.filter(|file| fs::write(file, "canary").is_ok()).collect();
        assert!(planted.len() >= 6, "{planted:?}");
        Canaries(planted)
    }
}

impl Drop for Canaries {
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = fs::remove_file(file);
        }
    }
}

#[test]
fn files_of_the_host_are_not_there() {
    let rig = Rig::shared();
    let canaries = Canaries::plant(&rig);
    let reads: String =
        canaries.0.iter().map(|file| format!("cat {} && echo LEAK\n", file.display())).collect();
    let outcome = rig.sh(&format!("{reads}find / -name 'lambent-canary*' 2>/dev/null; cat /etc/shadow && echo LEAK; wc -l </etc/passwd; exit 0"));
    assert_eq!(outcome.stdout.trim(), "2", "{outcome:?}");
}

#[test]
fn tools_of_the_host_are_not_there() {
    let outcome = Rig::shared().sh("ls /usr/bin | wc -l; for tool in gcc gdb nsenter mount su sudo perl apt dpkg ssh; do command -v $tool; done; ls /home /root");
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert!(lines[0].parse::<u32>().expect("a number") < 130, "{outcome:?}");
    assert_eq!(lines[1..].iter().filter(|line| line.starts_with("/usr/")).count(), 0, "{outcome:?}");
}

#[test]
fn only_its_own_processes_are_visible() {
    let outcome = Rig::shared().sh("cd /proc; echo [0-9]*; cat /proc/1/environ || echo hidden");
    assert_eq!(outcome.stdout, "2\nhidden\n", "{outcome:?}");
}

#[test]
fn signals_reach_nobody_else() {
    let rig = Rig::shared();
    let own = std::process::id();
    let outcome = rig.sh(&format!("kill -9 1; kill -9 {own}; kill -9 -1; kill -0 1 || echo alone"));
    assert_eq!(outcome.exit, Some(Exit::Status(0)), "init must survive to tell: {outcome:?}");
    assert_eq!(outcome.stdout, "alone\n");
}

#[test]
fn privileged_system_calls_are_refused() {
    let outcome = Rig::shared().act("call");
    assert_eq!(outcome.exit, Some(Exit::Status(0)), "{outcome:?}");
    let allowed: Vec<_> =
        outcome.stdout.lines().filter(|line| !line.ends_with(&format!(" {}", libc::EPERM))).collect();
    assert!(allowed.is_empty(), "not EPERM: {allowed:?}");
    assert_eq!(outcome.stdout.lines().count(), 44);
}

#[test]
fn it_has_no_privileges_at_all() {
    let outcome =
        Rig::shared().sh("cat /proc/self/status; ulimit -n; ulimit -l; cat /proc/self/oom_score_adj");
    let value = |name: &str| {
        let line = outcome.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or("none").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(value(set), "0000000000000000", "{set}");
    }
    assert_eq!((value("Seccomp").as_str(), value("NoNewPrivs").as_str()), ("2", "1"));
    assert_eq!((value("Uid").as_str(), value("Gid").as_str()), ("993 993 993 993", "993 993 993 993"));
    assert_eq!(value("Groups"), "");
    assert!(outcome.stdout.ends_with("1024\n64\n500\n"), "{outcome:?}");
}

#[test]
fn nothing_but_tmp_can_be_written() {
    let outcome = Rig::shared().sh(
        "for place in / /usr /usr/bin /etc /var /var/task /var/runtime /var/lang /opt /dev /proc /sys /sys/fs/cgroup /root /home /run /mnt; do
             touch $place/file 2>/dev/null && echo LEAK $place
         done
         for file in /proc/sys/kernel/hostname /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/self/uid_map; do
             (echo 1 >$file) 2>/dev/null && [ $file != /proc/sysrq-trigger ] && echo LEAK $file
         done
         for file in /var/task/bootstrap /etc/passwd /usr/bin/bash /dev/null; do
             chmod 777 $file 2>/dev/null && echo LEAK chmod $file
             rm -f $file 2>/dev/null && echo LEAK rm $file
         done
         touch /tmp/file && stat -c '%u %g %a' /tmp /tmp/file /var/task /var/task/bootstrap / /opt",
    );
    assert_eq!(outcome.stdout, "0 0 1777\n993 993 644\n0 0 755\n0 0 755\n0 0 755\n0 0 755\n", "{outcome:?}");
}

#[test]
fn devices_and_proc_are_minimal() {
    let outcome = Rig::shared().sh(
        "cd /dev; echo *; for file in kallsyms kcore keys timer_list sysrq-trigger; do head -c 64 /proc/$file; done; ls /proc/fs /proc/bus /proc/irq
         grep -c . /proc/mounts; cut -d' ' -f4 /proc/mounts | grep -vc '^ro'; ls /sys /sys/fs",
    );
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], "fd full null random stderr stdin stdout urandom zero", "{outcome:?}");
    assert!(outcome.stdout.contains("/proc/fs:\n") || outcome.stderr.contains("/proc/fs"), "{outcome:?}");
    assert!(outcome.stdout.ends_with("/sys:\nfs\n\n/sys/fs:\ncgroup\n"), "{outcome:?}");
}

#[test]
fn set_id_files_give_nothing() {
    let rig = Rig::shared();
    let id = fs::read("/usr/bin/id").expect("the host's id");
    let task = rig.tree(&[
        ("bootstrap", 0o755, b"#!/bin/sh\n/var/task/root -u; cp /usr/bin/id /tmp/id && chmod 6755 /tmp/id && /tmp/id -u; find / -xdev -perm /6000 2>/dev/null\n"),
        ("root", 0o6755, &id),
    ]);
    let outcome = rig.run(&rig.request(Some(task)));
    assert_eq!(outcome.stdout, "993\n993\n", "{outcome:?}");
}

#[test]
fn a_fork_bomb_stops_at_the_process_limit() {
    let rig = Rig::shared();
    // Enough memory for the kernel's part of a thousand processes.
    let outcome = rig.run(&Request { memory_mb: 1_024, ..rig.acting("bomb") });
    let (children, errno) = outcome.stdout.trim().split_once(" then ").expect("an answer");
    let children: u32 = children.parse().expect("a number");
    assert!((900..1024).contains(&children), "{outcome:?}");
    assert_eq!(errno, libc::EAGAIN.to_string());
    assert_eq!(rig.sh("echo on").stdout, "on\n", "another box starts as ever");
}

#[test]
fn memory_ends_at_the_limit() {
    let rig = Rig::shared();
    let outcome = rig.act("eat 4096");
    assert_eq!(
        (outcome.exit, outcome.stdout.as_str()),
        (Some(Exit::Signal(libc::SIGKILL)), ""),
        "{outcome:?}"
    );
    assert!(outcome.oom_kills > 0, "{outcome:?}");
    let outcome = rig.act("eat 90");
    assert_eq!((outcome.stdout.as_str(), outcome.oom_kills), ("ate 90\n", 0), "{outcome:?}");
}

#[test]
fn tcp_buffers_are_limited_too() {
    let outcome = Rig::shared().act("flood");
    let bytes: u64 = outcome.stdout.trim().parse().unwrap_or(0);
    assert!(bytes < 128 << 20, "{bytes} bytes in socket buffers: {outcome:?}");
}

#[test]
fn tmp_is_full_at_its_size_and_is_no_memory() {
    let outcome = Rig::shared().sh("dd if=/dev/zero of=/tmp/file bs=1M 2>&1 | tail -1; stat -c %s /tmp/file; rm /tmp/file && touch /tmp/again && echo again");
    let lines: Vec<_> = outcome.stdout.lines().collect();
    let size: u64 = lines[1].parse().expect("a size");
    // Never less than was promised.
    assert!(((512 << 20)..(540 << 20)).contains(&size), "{size}: {outcome:?}");
    assert_eq!((lines[2], outcome.oom_kills), ("again", 0), "{outcome:?}");
}

#[test]
fn the_network_holds_nothing_but_its_own_listeners() {
    let rig = Rig::shared();
    let host = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listen on the host");
    let port = host.local_addr().expect("the address").port();
    assert_eq!(rig.act(&format!("connect 127.0.0.1:{port}")).stdout, "ConnectionRefused\n");
    for address in ["169.254.169.254:80", "8.8.8.8:53", "10.0.0.1:80"] {
        assert_eq!(rig.act(&format!("connect {address}")).stdout, "NetworkUnreachable\n", "{address}");
    }
    let name = format!("lambent-test-{}", std::process::id());
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("a name");
    let _abstract = std::os::unix::net::UnixListener::bind_addr(&address).expect("bind");
    assert_eq!(rig.act(&format!("abstract {name}")).stdout, "ConnectionRefused\n");
}

#[test]
fn the_runtime_api_of_a_neighbour_is_out_of_reach() {
    let rig = Rig::shared();
    let neighbour = rig.start(&rig.acting("wait"));
    let own = rig.start(&rig.acting("connect 127.0.0.1:9001"));
    assert_eq!(watch(&own).stdout, "connected\n");
    assert!(is_ready(own.runtime_api.as_fd(), 0), "the connection arrives at its own listener");
    assert!(!is_ready(neighbour.runtime_api.as_fd(), 0), "and not at the neighbour's");
    let endpoint = rig.start(&rig.acting("connect 127.0.0.1:4566"));
    assert_eq!(watch(&endpoint).stdout, "connected\n");
    assert!(is_ready(endpoint.endpoint.as_fd(), 0));
    for running in [neighbour, own, endpoint] {
        rig.end(running, KeepTmp::No);
    }
}

#[test]
fn a_function_cannot_take_its_listeners_place() {
    let script = "exec 3<>/dev/tcp/127.0.0.1/9001 && echo connected";
    let outcome = Rig::shared().sh(&format!("bash -c '{script}'"));
    assert_eq!(outcome.stdout, "connected\n", "{outcome:?}");
}

#[test]
fn boxes_share_no_ids() {
    let rig = Rig::shared();
    let running: Vec<_> = (0..3).map(|_| rig.start(&rig.acting("wait"))).collect();
    let mut seen = BTreeSet::new();
    for running in &running {
        for pid in rig.processes(running) {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the status of a process");
            let uid = status
                .lines()
                .find_map(|line| line.strip_prefix("Uid:\t")?.split('\t').next()?.parse::<u32>().ok());
            let uid = uid.expect("a uid");
            assert!((rig.uid_base + 2..rig.uid_base + 4_096).contains(&uid), "{uid}");
            assert!(seen.insert(uid), "{uid} twice");
        }
    }
    assert_eq!(seen.len(), 6, "an init and a function each");
    for running in running {
        assert_eq!(exit_of_killed(&rig, running), None);
    }
}

fn exit_of_killed(rig: &Rig, running: sandbox::slot::Running) -> Option<Exit> {
    assert!(running.cgroup.kill().expect("kill"));
    let exit = exit_of(&running, 10);
    rig.end(running, KeepTmp::No);
    exit
}
