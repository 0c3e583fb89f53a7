//! An instance's life: start, refusals, confinement, boxes, end.

use std::fs;

use rustix::process::Signal;
use sandbox::warden::{self, Stopped};

use crate::Test;
use crate::instance::{Instance, of_block, uid, wait_for};

pub(crate) const TESTS: [Test; 10] = [
    ("a_second_instance_is_refused_by_name", a_second_instance_is_refused_by_name),
    ("the_server_has_given_up_every_privilege", the_server_has_given_up_every_privilege),
    (
        "the_data_folder_is_the_servers_and_on_disk_never_roots",
        the_data_folder_is_the_servers_and_on_disk_never_roots,
    ),
    ("boxes_start_end_and_hand_their_tmp_on", boxes_start_end_and_hand_their_tmp_on),
    ("sigterm_drains_and_leaves_nothing", sigterm_drains_and_leaves_nothing),
    ("a_second_signal_ends_at_once", a_second_signal_ends_at_once),
    ("stop_ends_the_instance_that_status_names", stop_ends_the_instance_that_status_names),
    ("a_server_that_cannot_start_ends_the_instance", a_server_that_cannot_start_ends_the_instance),
    ("a_machine_without_sandboxes_is_refused", a_machine_without_sandboxes_is_refused),
    ("a_server_that_breaks_the_protocol_is_replaced", a_server_that_breaks_the_protocol_is_replaced),
];

fn a_second_instance_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let first = Instance::start(&data, "");
    let mut second = Instance::start(&data, "");
    assert!(second.said.starts_with("refused: data folder"), "{}", second.said);
    assert!(second.said.contains(&format!("pid: Some({})", first.warden.id())), "{}", second.said);
    assert!(second.said.contains(&first.said), "{}", second.said);
    assert_eq!(second.exit_code(), Some(2));
    assert_eq!(first.ask("ping"), "pong");
    let ready = fs::read_to_string(folder.path().join("data.ready")).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    assert_eq!(ready, serde_json::json!({ "endpoint": first.said, "pid": first.warden.id() }));
}

fn the_server_has_given_up_every_privilege() {
    let folder = tempfile::tempdir().unwrap();
    let instance = Instance::start(&folder.path().join("data"), "");
    let status = instance.ask("read /proc/self/status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let id = field("Uid:")[0].clone();
    assert!(id.parse::<u32>().unwrap() >= 1_879_048_192);
    assert_eq!(field("Uid:"), [id.as_str(); 4]);
    assert_eq!(field("Gid:"), [id.as_str(); 4]);
    assert!(field("Groups:").is_empty());
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(set), ["0000000000000000"], "{set}");
    }
    assert_eq!(field("NoNewPrivs:"), ["1"]);
    assert_eq!(field("Seccomp:"), ["2"]);
    let denied = [
        "read /etc/shadow",
        "list /root",
        "list /run/lambent/uids",
        "list /var/tmp",
        "write /var/tmp/lambent-was-here",
        "write /run/lambent/data/packs/x",
        "write /run/lambent/data/tmp/x",
        "write /run/lambent/data/lock",
        "exec /bin/true",
    ];
    for line in denied {
        assert!(instance.ask(line).starts_with("error:"), "{line} is allowed");
    }
    let warden = format!("kill {}", instance.warden.id());
    assert!(instance.ask(&warden).starts_with("error:"));
    // The memory of boxes is read there.
    assert!(instance.ask("read /proc/1/status").contains("VmHWM:"));
}

fn the_data_folder_is_the_servers_and_on_disk_never_roots() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let instance = Instance::start(&data, "");
    assert_eq!(instance.ask("write /run/lambent/data/state.db"), "ok");
    assert_eq!(instance.ask("write /run/lambent/data/objects/x"), "ok");
    let made = fs::metadata(data.join("state.db")).unwrap();
    // One id whichever block the instance has, so that the next one finds its files.
    assert_eq!((made.uid(), made.gid()), (1_879_048_192, 1_879_048_192));
    let itself = fs::metadata(&data).unwrap();
    assert_eq!((itself.uid(), itself.mode() & 0o777), (1_879_048_192, 0o700));
    for roots in ["packs", "tmp", "lock", "server.json"] {
        assert_eq!(fs::metadata(data.join(roots)).unwrap().uid(), 0, "{roots}");
    }
    assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains("/run/lambent/data"));
}

fn boxes_start_end_and_hand_their_tmp_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let instance = Instance::start(&data, "");
    assert_eq!(instance.ask("packs"), "provided:al2023.v1");
    assert!(instance.ask("missing").contains("is not installed"));
    assert_eq!(instance.ask("life"), "ok");
    let slots: Vec<String> = (0..10).map(|_| instance.ask("start")).collect();
    assert_eq!(slots.iter().collect::<std::collections::BTreeSet<_>>().len(), 10, "{slots:?}");
    wait_for("ten boxes and no image but theirs and those of two blanks", || {
        instance.inits().len() == 10 && fs::read_dir(data.join("tmp")).unwrap().count() == 12
    });
}

fn sigterm_drains_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut instance = Instance::start(&data, "");
    instance.ask("start");
    let id = instance.id().unwrap();
    wait_for("a server and a box of two processes", || of_block(id).len() == 3);
    // A service manager tells everybody; the server listens to the warden alone.
    crate::instance::kill(instance.server(), Signal::TERM);
    assert_eq!(instance.ask("ping"), "pong");
    instance.signal(Signal::TERM);
    assert_eq!(instance.exit_code(), Some(0));
    assert!(data.join("drained").exists());
    assert_eq!(of_block(id), [0; 0]);
    assert_eq!(fs::read_dir(data.join("tmp")).unwrap().count(), 0);
    assert!(!data.join("server.json").exists());
    assert!(!data.with_extension("ready").exists());
    assert_eq!(warden::status(&data).unwrap(), None);
}

fn a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut instance = Instance::start(&folder.path().join("data"), "stubborn");
    instance.ask("start");
    let id = instance.id().unwrap();
    instance.signal(Signal::TERM);
    // It drains for ten minutes, so it still answers.
    assert_eq!(instance.ask("ping"), "pong");
    instance.signal(Signal::INT);
    assert_eq!(instance.exit_code(), Some(130));
    wait_for("the end of every process", || of_block(id).is_empty());
}

fn stop_ends_the_instance_that_status_names() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert_eq!(warden::stop(&data, std::time::Duration::from_secs(1)).unwrap(), Stopped::NothingRan);
    let mut instance = Instance::start(&data, "");
    let running = warden::status(&data).unwrap().unwrap();
    assert_eq!((running.pid, running.endpoint.as_ref()), (instance.warden.id(), Some(&instance.said)));
    let stopped = warden::stop(&data, std::time::Duration::from_secs(20)).unwrap();
    assert_eq!(stopped, Stopped::Ended(running));
    assert_eq!(instance.exit_code(), Some(0));
}

fn a_server_that_cannot_start_ends_the_instance() {
    let folder = tempfile::tempdir().unwrap();
    let mut instance = Instance::start(&folder.path().join("data"), "exit 7");
    assert_eq!(instance.exit_code(), Some(7));
    assert_eq!(instance.said, "");
}

fn a_machine_without_sandboxes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("impossible");
    let mut instance = Instance::start(&data, "");
    assert!(
        instance.said.starts_with("refused: this machine cannot make sandboxes: no namespaces"),
        "{}",
        instance.said
    );
    assert_eq!(instance.exit_code(), Some(2));
    assert!(!data.join("server.json").exists());
}

fn a_server_that_breaks_the_protocol_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let instance = Instance::start(&folder.path().join("data"), "");
    let before = instance.server();
    assert!(crate::instance::ask(&instance.endpoint, "memory 1").is_err());
    assert_eq!(instance.ask_again("ping"), "pong");
    assert_ne!(instance.server(), before);
    assert!(uid(before).is_none());
}
