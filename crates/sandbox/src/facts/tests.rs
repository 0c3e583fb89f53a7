use super::*;

/// A server as it should be: Debian, root, version 2.
fn server() -> Facts {
    Facts {
        kernel: "6.12.48+deb13-amd64".to_owned(),
        architecture: "x86_64".to_owned(),
        cpus: 2,
        memory_bytes: 4_080_218_931,
        inside: Inside::Nothing,
        root: true,
        user_namespace: Trial::Works,
        mounts: Trial::Works,
        proc: Trial::Works,
        network: Trial::Works,
        overlay: Trial::Works,
        sandbox: Trial::Works,
        apparmor_restricts: false,
        seccomp: true,
        landlock: 7,
        limits: Limits { axis: Axis::Two, cpu: true, swap: true, tcp: true, kill: true },
        swap: false,
        open_files: 1_048_576,
        processes: 4_194_304,
        data_file_system: "ext4".to_owned(),
        pythons: vec!["python3.13".to_owned()],
    }
}

fn no_limits() -> Limits {
    Limits { axis: Axis::Nothing, cpu: false, swap: false, tcp: false, kill: false }
}

fn refused(what: &str) -> Trial {
    Trial::Fails(format!("{what}: Operation not permitted (os error 1)"))
}

/// The one failure of a host.
fn failure(facts: &Facts) -> Finding {
    let findings = judge(facts);
    let mut failures = findings.into_iter().filter(|finding| finding.level == Level::Fail);
    let failure = failures.next().expect("a failure");
    assert_eq!(failures.next(), None, "one failure hides what follows from it");
    assert!(failure.text.ends_with("\nno sandbox, so no function will start"), "{failure:?}");
    failure
}

fn warnings(facts: &Facts) -> Vec<Finding> {
    let findings = judge(facts);
    assert!(findings.iter().all(|finding| finding.level != Level::Fail), "{findings:?}");
    findings.into_iter().filter(|finding| finding.level == Level::Warn).collect()
}

#[test]
fn a_server_is_as_it_should_be() {
    let findings = judge(&server());
    assert!(findings.iter().all(|finding| finding.level == Level::Ok), "{findings:?}");
    assert_eq!(
        findings[0].text,
        "Linux 6.12 x86_64, 2 CPUs, 3.8 GB; seccomp, Landlock, overlayfs, cgroup v2"
    );
}

#[test]
fn a_hybrid_host_is_as_good() {
    let limits = Limits { axis: Axis::One, ..server().limits };
    let facts = Facts { limits, ..server() };
    assert!(warnings(&facts).is_empty());
    assert!(judge(&facts)[0].text.ends_with("cgroup v1 (v2 freezes and kills)"));
}

#[test]
fn ubuntu_as_an_ordinary_user_gets_sudo_and_never_a_sysctl() {
    let facts = Facts {
        root: false,
        apparmor_restricts: true,
        mounts: refused("mount a tmpfs"),
        proc: refused("mount /proc"),
        overlay: refused("merge two directories"),
        sandbox: Trial::NotTried,
        ..server()
    };
    let failure = failure(&facts);
    assert!(failure.text.starts_with("user namespaces: AppArmor forbids them"), "{failure:?}");
    assert_eq!(failure.fix.as_deref(), Some("sudo lambent up"));
}

#[test]
fn a_laptop_without_root_gets_sudo() {
    let facts = Facts { root: false, sandbox: Trial::NotTried, ..server() };
    assert_eq!(failure(&facts).fix.as_deref(), Some("sudo lambent up"));
}

#[test]
fn a_default_container_gets_the_docker_lines() {
    let facts = Facts {
        inside: Inside::Docker,
        user_namespace: refused("make a user namespace"),
        mounts: Trial::NotTried,
        proc: Trial::NotTried,
        network: Trial::NotTried,
        overlay: Trial::NotTried,
        sandbox: Trial::NotTried,
        limits: no_limits(),
        ..server()
    };
    let fix = failure(&facts).fix.expect("a fix");
    assert!(fix.starts_with("docker run --privileged") && fix.contains("systempaths=unconfined"), "{fix}");
}

#[test]
fn a_masked_proc_is_named_as_the_cause() {
    let facts = Facts { proc: refused("mount /proc"), sandbox: refused("mount /proc"), ..server() };
    let failure = failure(&facts);
    assert!(failure.text.contains("masked"), "{failure:?}");
    assert!(failure.fix.expect("a fix").contains("systempaths=unconfined"));
}

#[test]
fn a_privileged_container_works() {
    let facts = Facts { inside: Inside::Docker, data_file_system: "ext4".to_owned(), ..server() };
    assert!(warnings(&facts).is_empty());
}

#[test]
fn a_pod_gets_a_pod_spec() {
    let facts = Facts {
        inside: Inside::Kubernetes,
        proc: refused("mount /proc"),
        sandbox: Trial::NotTried,
        limits: no_limits(),
        ..server()
    };
    let fix = failure(&facts).fix.expect("a fix");
    assert!(fix.contains("procMount: Unmasked") && fix.contains("hostUsers: false"), "{fix}");
    let unmasked = Facts { proc: Trial::Works, sandbox: Trial::Works, ..facts };
    let [warning] = &warnings(&unmasked)[..] else { panic!("one warning") };
    assert!(warning.text.contains("MemorySize cannot be enforced"));
    assert_eq!(warning.fix, None, "the pod's own limit is the hard one");
}

#[test]
fn wsl_keeps_its_data_on_a_linux_disk() {
    let facts = Facts { inside: Inside::Wsl, data_file_system: "9p".to_owned(), ..server() };
    let [warning] = &warnings(&facts)[..] else { panic!("one warning") };
    assert!(warning.fix.as_deref().expect("a fix").contains("/mnt/c"));
}

#[test]
fn each_missing_part_is_one_warning_with_a_fix() {
    let limits = server().limits;
    let cases = [
        (Facts { limits: no_limits(), ..server() }, "systemd-run --scope -p Delegate=yes lambent up"),
        (Facts { limits: Limits { cpu: false, ..limits }, ..server() }, "Delegate=yes"),
        (Facts { swap: true, limits: Limits { swap: false, ..limits }, ..server() }, "swapoff -a"),
        (Facts { limits: Limits { tcp: false, ..limits }, ..server() }, "unified_cgroup_hierarchy=1"),
        (Facts { overlay: refused("merge"), ..server() }, "modprobe overlay"),
        (Facts { open_files: 1_024, ..server() }, "LimitNOFILE"),
        (Facts { data_file_system: "tmpfs".to_owned(), ..server() }, "on a disk"),
        (Facts { data_file_system: "nfs4".to_owned(), ..server() }, "local disk"),
        (Facts { pythons: Vec::new(), ..server() }, "python3"),
    ];
    for (facts, fix) in cases {
        let warnings = warnings(&facts);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].fix.as_deref().is_some_and(|text| text.contains(fix)), "{warnings:?}");
    }
    let swap_counted = Facts { swap: true, ..server() };
    assert!(warnings(&swap_counted).is_empty());
}

#[test]
fn a_box_that_cannot_be_made_names_its_step() {
    for (why, fix) in [
        ("mke2fs is not installed (package e2fsprogs)", "apt-get install e2fsprogs"),
        ("attach a loop device: open /dev/loop-control: No such file", "modprobe loop"),
        ("map the ids of /tmp: Invalid argument", "--data DIR"),
    ] {
        let failure = failure(&Facts { sandbox: Trial::Fails(why.to_owned()), ..server() });
        assert!(failure.text.contains(why) && failure.fix.is_some_and(|text| text.contains(fix)), "{why}");
    }
}

#[test]
fn a_kernel_without_filters_cannot_run_functions() {
    assert!(failure(&Facts { seccomp: false, ..server() }).text.contains("SECCOMP"));
}

#[test]
fn the_scarcest_resource_bounds_the_environments() {
    assert_eq!(server().environments(), (2_047, "user ids"));
    let (most, by) = Facts { open_files: 20_000, processes: 32_768, ..server() }.environments();
    assert!((800..1_500).contains(&most), "{most}");
    assert_eq!(by, "open files");
    assert_eq!(Facts { processes: 4_096, ..server() }.environments(), (1, "processes"));
}
