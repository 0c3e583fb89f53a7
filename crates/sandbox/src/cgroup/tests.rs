//! Both versions on directories that look like groups: only the kernel's part is missing.

use super::*;
use crate::Usage;

const TWO: &[(&str, &str)] = &[
    ("memory.max", ""),
    ("memory.swap.max", ""),
    ("memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n"),
    ("cpu.max", ""),
    ("cpu.max.burst", ""),
    ("cpu.stat", "usage_usec 1234\nuser_usec 1000\n"),
    ("pids.max", ""),
    ("cgroup.kill", ""),
    ("cgroup.procs", ""),
    ("box/cgroup.freeze", ""),
    ("box/cgroup.procs", ""),
];

const ONE: &[(&str, &[(&str, &str)])] = &[
    (
        "memory",
        &[
            ("memory.limit_in_bytes", ""),
            ("memory.memsw.limit_in_bytes", ""),
            ("memory.kmem.tcp.limit_in_bytes", ""),
            ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
        ],
    ),
    ("cpu", &[("cpu.cfs_period_us", ""), ("cpu.cfs_quota_us", ""), ("cpu.cfs_burst_us", "")]),
    ("cpuacct", &[("cpuacct.usage", "5678901\n")]),
    ("pids", &[("pids.max", "")]),
    ("freezer", &[("freezer.state", ""), ("cgroup.procs", "")]),
];

fn fill(group: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = group.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("make a group");
        fs::write(path, content).expect("make a file");
    }
}

fn content(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn version_2_limits_by_its_own_files() {
    let top = tempfile::tempdir().expect("a directory");
    let base = top.path().join("lambent-x");
    let group = base.join("env/3");
    fill(&group, TWO);
    let layout = Layout { two: Some(base), two_mount: top.path().to_owned(), one: Vec::new() };
    let tree = Tree { layout, name: "lambent-x".to_owned() };
    let slot = tree.create(3).expect("make the groups");
    slot.limit_memory(256).expect("limit the memory");
    let read = |name: &str| content(group.join(name));
    assert_eq!((read("memory.max").as_str(), read("memory.swap.max").as_str()), ("268435456", "0"));
    assert_eq!(read("pids.max"), "1024");
    let handles = Handles::from_parts(slot.handles(256).expect("open").into_parts()).expect("put together");
    handles.limit_cpu().expect("limit the CPU");
    assert_eq!((read("cpu.max").as_str(), read("cpu.max.burst").as_str()), ("2894 20000", "2894"));
    handles.freeze().expect("freeze");
    assert_eq!(read("box/cgroup.freeze"), "1");
    handles.thaw().expect("thaw");
    assert_eq!(read("box/cgroup.freeze"), "0");
    assert_eq!(handles.usage().expect("usage"), Usage { peak_memory_bytes: 0, oom_kills: 2 });
    assert_eq!(handles.cpu_us().expect("the time"), 1234);
    assert!(handles.kill().expect("kill"));
    assert_eq!(read("cgroup.kill"), "1");
    assert_eq!(slot.views(), [("", group.as_path())]);
    assert_eq!(tree.slots(), [3]);
}

#[test]
fn version_1_limits_by_one_hierarchy_each() {
    let top = tempfile::tempdir().expect("a directory");
    let mut layout = Layout::default();
    for (controller, files) in ONE {
        let base = top.path().join(controller).join("lambent-x");
        fill(&base.join("env/3"), files);
        layout.one.push((vec![*controller], base));
    }
    let tree = Tree { layout, name: "lambent-x".to_owned() };
    assert_eq!(tree.axis(), Axis::One);
    let slot = tree.create(3).expect("make the groups");
    slot.limit_memory(128).expect("limit the memory");
    let read = |controller: &str, name: &str| {
        content(top.path().join(controller).join("lambent-x/env/3").join(name))
    };
    assert_eq!(read("memory", "memory.limit_in_bytes"), "134217728");
    assert_eq!(read("memory", "memory.memsw.limit_in_bytes"), "134217728");
    assert_eq!(read("memory", "memory.kmem.tcp.limit_in_bytes"), "16777216");
    assert_eq!(
        (read("pids", "pids.max").as_str(), read("cpu", "cpu.cfs_period_us").as_str()),
        ("1024", "20000")
    );
    let handles = Handles::from_parts(slot.handles(128).expect("open").into_parts()).expect("put together");
    handles.limit_cpu().expect("limit the CPU");
    assert_eq!(
        (read("cpu", "cpu.cfs_quota_us").as_str(), read("cpu", "cpu.cfs_burst_us").as_str()),
        ("1447", "1447")
    );
    handles.freeze().expect("freeze");
    assert_eq!(read("freezer", "freezer.state"), "FROZEN");
    assert_eq!(handles.usage().expect("usage"), Usage { peak_memory_bytes: 0, oom_kills: 3 });
    assert_eq!(handles.cpu_us().expect("the time"), 5678);
    assert!(!handles.kill().expect("nothing to kill with"), "version 1 alone has no such file");
}

#[test]
fn a_host_without_groups_limits_nothing_and_still_runs() {
    let tree = Tree { layout: Layout::default(), name: "lambent-x".to_owned() };
    assert_eq!(tree.axis(), Axis::Nothing);
    tree.prepare().expect("nothing to prepare");
    let slot = tree.create(3).expect("nothing to make");
    slot.limit_memory(128).expect("nothing to limit");
    let handles = slot.handles(128).expect("nothing to open");
    handles.freeze().and_then(|()| handles.limit_cpu()).expect("nothing to do");
    assert_eq!(handles.usage().expect("nothing used"), Usage::default());
    slot.remove().and_then(|()| tree.remove()).expect("nothing to remove");
}

#[test]
fn handles_refuse_parts_that_do_not_match() {
    use super::super::Parts;
    let fd = || OwnedFd::from(File::open("/dev/null").expect("a descriptor"));
    let parts = |present, count: usize| Parts {
        fds: (0..count).map(|_| fd()).collect(),
        present,
        version_1: 0,
        memory_mb: 128,
    };
    assert!(Handles::from_parts(parts(0b11, 2)).is_ok());
    for (present, count) in [(0b11, 1), (0b11, 3), (0b1000_0000, 0), (0, 1)] {
        assert!(Handles::from_parts(parts(present, count)).is_err(), "{present:b} {count}");
    }
}

#[test]
fn a_group_delegates_if_it_already_does_or_is_only_ours() {
    let group = tempfile::tempdir().expect("a directory");
    let put = |name: &str, text: &str| fs::write(group.path().join(name), text).expect("write");
    put("cgroup.subtree_control", "cpu memory pids\n");
    put("cgroup.procs", "1\n2\n");
    assert!(can_delegate(group.path()));
    put("cgroup.subtree_control", "");
    assert!(!can_delegate(group.path()), "a shell sits in it");
    put("cgroup.procs", &format!("{}\n", std::process::id()));
    assert!(can_delegate(group.path()));
}
