//! Boxes through the whole process tree, and what is left of them when somebody is killed.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use tasks::Random;

use crate::instance::{Instance, MAKER, SERVER, kill, of_block, wait_for};

pub(crate) const TESTS: [(&str, fn()); 5] = [
    (
        "a_script_runs_in_a_box_with_its_environment_and_tmp",
        a_script_runs_in_a_box_with_its_environment_and_tmp,
    ),
    ("limits_handed_down_by_sudo_do_not_matter", limits_handed_down_by_sudo_do_not_matter),
    ("out_of_memory_in_one_process_ends_the_box_at_once", out_of_memory_in_one_process_ends_the_box_at_once),
    ("a_frozen_box_stops_and_goes_on", a_frozen_box_stops_and_goes_on),
    ("random_kills_leave_no_box_group_mount_or_image", random_kills_leave_no_box_group_mount_or_image),
];

fn a_script_runs_in_a_box_with_its_environment_and_tmp() {
    let folder = tempfile::tempdir().unwrap();
    let mut instance = Instance::start(&folder.path().join("data"), "");
    assert_eq!(instance.ask("run echo $GREETING"), "hello");
    assert_eq!(instance.ask("run exit 3"), " Status(3)");
    assert_eq!(instance.ask("run kill -9 $$"), " Signal(9)");
    assert_eq!(instance.ask("run cat /etc/shadow 2>/dev/null || echo none"), "none");
    // The second box goes on with the first one's /tmp.
    assert_eq!(instance.ask("twice echo x >> /tmp/file; wc -l < /tmp/file"), "1, 2");
    instance.signal(Signal::TERM);
    assert_eq!(instance.exit_code(), Some(0));
    nothing_is_left(&folder.path().join("data"));
}

fn limits_handed_down_by_sudo_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    // sudo forbids core files, a service manager the rest.
    let mut shell = std::process::Command::new("sh");
    let script = "ulimit -c 0 && ulimit -l 8 && ulimit -p 100 && ulimit -r 0 && exec \"$0\" \"$@\"";
    shell.args(["-c", script]).arg(std::env::current_exe().unwrap());
    let instance = Instance::start_by(shell, &folder.path().join("data"), "");
    let said = instance.ask("run ulimit -Hc; ulimit -Hl");
    let limits: Vec<&str> = said.lines().collect();
    // In blocks of 512 bytes and KiB. Without CAP_SYS_RESOURCE nobody may raise them again.
    assert!(["0 64", "0 8"].contains(&limits.join(" ").as_str()), "{said}");
}

fn out_of_memory_in_one_process_ends_the_box_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let instance = Instance::start(&folder.path().join("data"), "");
    // `tail` keeps all of it and is killed; the shell would wait for a long time.
    let greedy = "head -c 400000000 /dev/zero | tail -c 390000000 | cat >/dev/null; sleep 1000";
    assert_eq!(instance.ask(&format!("run {greedy}")), " out of memory");
    assert_eq!(instance.ask("run echo on"), "on", "the next box is whole");
}

fn a_frozen_box_stops_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let instance = Instance::start(&folder.path().join("data"), "");
    assert_eq!(instance.ask("frozen while :; do echo on; done"), "on");
}

fn random_kills_leave_no_box_group_mount_or_image() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let random = Random::seeded(4_566);
    for round in 0..4 {
        let mut instance = Instance::start(&data, "");
        let id = instance.id().unwrap();
        for _ in 0..6 {
            // Frozen ones, too, must go.
            instance.ask_again("hold while :; do :; done");
            let victims = match random.below(3) {
                0 => instance.children(MAKER),
                1 => instance.inits(),
                _ => instance.children(SERVER),
            };
            if !victims.is_empty() {
                let at = usize::try_from(random.below(victims.len() as u64)).unwrap();
                kill(victims[at], Signal::KILL);
            }
            wait_for("a box that works", || instance.ask_again("run echo on") == "on");
        }
        let signal = if round % 2 == 0 { Signal::KILL } else { Signal::TERM };
        instance.signal(signal);
        instance.exit_code();
        wait_for("the end of every process", || of_block(id).is_empty());
        if signal == Signal::TERM {
            nothing_is_left(&data);
        }
    }
}

/// Of an instance that has ended: no group, no mount, no loop device, no image.
fn nothing_is_left(data: &Path) {
    let images = |name: &str| name.starts_with("box-") || name.ends_with(".img");
    let names = fs::read_dir(data.join("tmp")).unwrap().flatten();
    let left: Vec<_> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    assert!(!left.iter().any(|name| images(name)), "{left:?}");
    let text = data.to_str().unwrap();
    assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains(text));
    for device in fs::read_dir("/sys/block").unwrap().flatten() {
        let file = fs::read_to_string(device.path().join("loop/backing_file")).unwrap_or_default();
        assert!(!file.contains(text), "{file}");
    }
    let hash = sha2_name(data);
    assert!(!Path::new("/run/lambent").join(&hash).exists());
    let mut folders = vec![std::path::PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            assert!(!entry.file_name().to_string_lossy().contains(&hash), "{:?}", entry.path());
            folders.extend(entry.file_type().is_ok_and(|kind| kind.is_dir()).then(|| entry.path()));
        }
    }
}

fn sha2_name(data: &Path) -> String {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(data.as_os_str().as_encoded_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
