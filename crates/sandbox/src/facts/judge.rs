use super::{Facts, Finding, Inside, Level, Trial};
use crate::cgroup::Axis;

const DOCKER: &str = "docker run --privileged …\nor: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
    --security-opt systempaths=unconfined …";

const POD: &str = "spec: {hostUsers: false, containers: [{securityContext: {procMount: Unmasked, seccompProfile: {type: Unconfined}}}]}";

/// Says what the facts mean: the summary first, then what fails, then what is missing.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![summary(facts)];
    findings.extend(isolation(facts));
    findings.extend(limits(facts));
    findings.extend(capacity(facts));
    findings.extend(data(facts));
    findings.extend(runtimes(facts));
    findings.push(Finding {
        level: Level::Ok,
        text: "snapshots: off, nothing here makes them".to_owned(),
        fix: None,
    });
    // Stable: within a level the order above stays.
    findings[1..].sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings
}

fn finding(level: Level, text: impl Into<String>, fix: Option<&str>) -> Finding {
    Finding { level, text: text.into(), fix: fix.map(str::to_owned) }
}

fn summary(facts: &Facts) -> Finding {
    let release: Vec<_> = facts.kernel.split(['.', '-']).take(2).collect();
    let mut parts = Vec::new();
    parts.extend(facts.seccomp.then_some("seccomp"));
    parts.extend((facts.landlock > 0).then_some("Landlock"));
    parts.extend(facts.overlay.works().then_some("overlayfs"));
    parts.push(match (facts.limits.axis, facts.limits.kill) {
        (Axis::Two, _) => "cgroup v2",
        (Axis::One, true) => "cgroup v1 (v2 freezes and kills)",
        (Axis::One, false) => "cgroup v1",
        (Axis::Nothing, _) => "no cgroup limits",
    });
    let plural = if facts.cpus == 1 { "" } else { "s" };
    let gigabytes = facts.memory_bytes as f64 / f64::from(1 << 30);
    let text = format!(
        "Linux {} {}, {} CPU{plural}, {gigabytes:.1} GB; {}",
        release.join("."),
        facts.architecture,
        facts.cpus,
        parts.join(", ")
    );
    finding(Level::Ok, text, None)
}

/// What keeps functions apart. One failure hides those that follow from it.
fn isolation(facts: &Facts) -> Vec<Finding> {
    let lost = "\nno sandbox, so no function will start";
    let fail = |text: String, fix: Option<&str>| vec![finding(Level::Fail, text + lost, fix)];
    let container = match facts.inside {
        Inside::Docker => Some(DOCKER),
        Inside::Kubernetes => Some(POD),
        Inside::Nothing | Inside::Wsl => None,
    };
    if !facts.seccomp {
        return fail("system call filters: this kernel has none (CONFIG_SECCOMP_FILTER)".to_owned(), None);
    }
    let steps = [&facts.user_namespace, &facts.mounts, &facts.network];
    let failed = steps.into_iter().find(|trial| matches!(trial, Trial::Fails(_)));
    if failed.is_some() && !facts.root && facts.apparmor_restricts {
        let text = "user namespaces: AppArmor forbids them to ordinary users (Ubuntu 24.04 default)";
        return fail(text.to_owned(), Some("sudo lambent up"));
    }
    if let Trial::Fails(why) = &facts.user_namespace {
        let fix = container.or((!facts.root).then_some("sudo lambent up"));
        let fix = fix.or(Some("sysctl -w user.max_user_namespaces=28633"));
        return fail(format!("user namespaces: {why}"), fix);
    }
    if let Trial::Fails(why) = &facts.mounts {
        return fail(format!("mounts in a user namespace: {why}"), container);
    }
    if let Trial::Fails(why) = &facts.proc {
        let text = format!("a fresh /proc: {why}; the machine's own is masked, as in a default container");
        return fail(text, container.or(Some(DOCKER)));
    }
    if let Trial::Fails(why) = &facts.network {
        return fail(format!("network namespaces: {why}"), container);
    }
    if !facts.root {
        return fail(
            "root: control groups, images of /tmp and id maps need it".to_owned(),
            Some("sudo lambent up"),
        );
    }
    if let Trial::Fails(why) = &facts.sandbox {
        let fix = match why {
            why if why.contains("mke2fs") => Some("apt-get install e2fsprogs"),
            why if why.contains("loop") => Some("modprobe loop"),
            why if why.contains("ids") => Some("lambent up --data DIR on ext4, xfs or btrfs"),
            _ => container,
        };
        return fail(format!("sandbox: {why}"), fix);
    }
    let mut findings = vec![finding(Level::Ok, "sandbox: one was made and removed", None)];
    findings.extend(lesser_walls(facts));
    findings
}

/// What a sandbox lacks without failing.
fn lesser_walls(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Trial::Fails(why) = &facts.overlay {
        let text = format!("overlayfs: {why}\nfunctions with more than one layer will not start");
        findings.push(finding(Level::Warn, text, Some("modprobe overlay")));
    }
    if facts.landlock == 0 {
        findings.push(finding(
            Level::Warn,
            "Landlock: this kernel has none; the server has one wall less",
            None,
        ));
    }
    findings
}

fn limits(facts: &Facts) -> Vec<Finding> {
    let delegate = match facts.inside {
        Inside::Nothing | Inside::Wsl => Some("systemd-run --scope -p Delegate=yes lambent up"),
        Inside::Docker => Some("docker run --privileged --cgroupns=private …"),
        // The pod's own limit is the hard one.
        Inside::Kubernetes => None,
    };
    if facts.limits.axis == Axis::Nothing {
        let text = "memory controller not delegated: MemorySize cannot be enforced";
        return vec![finding(Level::Warn, text, delegate)];
    }
    let mut findings = Vec::new();
    if !facts.limits.cpu {
        let text = "cpu controller not delegated: every function runs at full speed";
        findings.push(finding(Level::Warn, text, delegate));
    }
    if facts.swap && !facts.limits.swap {
        let text = "swap is not counted: a function may use more than its MemorySize";
        findings.push(finding(Level::Warn, text, Some("swapoff -a, or boot with swapaccount=1")));
    }
    if !facts.limits.tcp {
        let text = "TCP buffers are not counted: a function may pin memory of the machine with them";
        findings.push(finding(Level::Warn, text, Some("boot with systemd.unified_cgroup_hierarchy=1")));
    }
    findings
}

fn capacity(facts: &Facts) -> Vec<Finding> {
    let (most, by) = facts.environments();
    let text = format!("room for {most} execution environments at once, bounded by {by}");
    let few = most < 100;
    let fix = (few && by == "open files").then_some("ulimit -Hn 65536, or LimitNOFILE=65536 in the unit");
    vec![finding(if few { Level::Warn } else { Level::Ok }, text, fix)]
}

fn data(facts: &Facts) -> Vec<Finding> {
    match facts.data_file_system.as_str() {
        "9p" | "drvfs" | "fuse" | "virtiofs" => {
            let text = "the data folder is on a disk of the host system: slow, and without id maps";
            vec![finding(Level::Warn, text, Some("lambent up --data DIR on a Linux disk, not below /mnt/c"))]
        }
        "tmpfs" | "ramfs" => {
            let text = "the data folder is in memory: everything is lost when the machine stops";
            vec![finding(Level::Warn, text, Some("lambent up --data DIR on a disk"))]
        }
        "nfs" | "nfs4" | "cifs" | "smb3" => {
            let text =
                "the data folder is on a network disk: locks and syncs of the store are not safe there";
            vec![finding(Level::Warn, text, Some("lambent up --data DIR on a local disk"))]
        }
        _ => Vec::new(),
    }
}

fn runtimes(facts: &Facts) -> Vec<Finding> {
    if facts.pythons.is_empty() {
        let text = "no python below /usr: functions of python3.x will not start";
        return vec![finding(Level::Warn, text, Some("apt-get install python3"))];
    }
    let text =
        format!("runtimes from this machine: {}, provided.al2023, provided.al2", facts.pythons.join(", "));
    vec![finding(Level::Ok, text, None)]
}
