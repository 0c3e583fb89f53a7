//! Where the instance's groups go, decided from what `/proc/self` says. Pure.

use std::path::{Path, PathBuf};

/// The controllers that a box needs.
pub(crate) const CONTROLLERS: [&str; 5] = ["memory", "cpu", "cpuacct", "pids", "freezer"];

/// The hierarchies of a host and the instance's group in each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The instance's group of the unified hierarchy.
    pub two: Option<PathBuf>,
    /// The mount point of the unified hierarchy: groups above the instance's own are found by going up to here.
    pub two_mount: PathBuf,
    /// Version 1: controllers, and the instance's group in the hierarchy that has them.
    pub one: Vec<(Vec<&'static str>, PathBuf)>,
}

impl Layout {
    /// Reads `/proc/self/mountinfo` and `/proc/self/cgroup`.
    ///
    /// Where version 1 has the limits, groups are made at the top: no other place is the same after a restart. With
    /// version 2 alone the instance stays below its own group, which is what systemd and containers delegate.
    pub(crate) fn read(mountinfo: &str, own: &str, name: &str) -> Layout {
        let mut layout = Layout::default();
        let mut unified: Option<Mount> = None;
        for mount in mountinfo.lines().filter_map(Mount::parse) {
            if mount.kind == "cgroup2" {
                unified.get_or_insert(mount);
            } else if mount.kind == "cgroup" {
                let has = |wanted: &&str| mount.options.split(',').any(|option| option == *wanted);
                let controllers: Vec<_> = CONTROLLERS.into_iter().filter(has).collect();
                let known = controllers.iter().any(|wanted| layout.path_of(wanted).is_some());
                if !controllers.is_empty() && !known {
                    layout.one.push((controllers, Path::new(&mount.point).join(name)));
                }
            }
        }
        if let Some(mount) = unified {
            let below = match layout.one.is_empty() {
                false => PathBuf::new(),
                true => own_group(own, &mount.root, name),
            };
            layout.two = Some(Path::new(&mount.point).join(below).join(name));
            layout.two_mount = PathBuf::from(mount.point);
        }
        layout
    }

    /// The instance's group in the version 1 hierarchy of a controller.
    pub(crate) fn path_of(&self, controller: &str) -> Option<&Path> {
        let found = self.one.iter().find(|(controllers, _)| controllers.contains(&controller));
        found.map(|(_, path)| path.as_path())
    }
}

/// The group that this process had before the instance moved into its own, relative to the mount.
fn own_group(own: &str, mount_root: &str, name: &str) -> PathBuf {
    let path = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let path = path.strip_prefix(mount_root.trim_end_matches('/')).unwrap_or(path);
    let own = match path.find(&format!("/{name}/")) {
        Some(at) => &path[..at],
        None => path,
    };
    PathBuf::from(own.trim_start_matches('/'))
}

struct Mount {
    root: String,
    point: String,
    kind: String,
    options: String,
}

impl Mount {
    /// `36 35 98:0 /root /point rw,noatime master:1 - type source options`
    fn parse(line: &str) -> Option<Mount> {
        let (front, back) = line.split_once(" - ")?;
        let mut front = front.split(' ').skip(3);
        let mut back = back.split(' ');
        Some(Mount {
            root: front.next()?.to_owned(),
            point: front.next()?.replace("\\040", " "),
            kind: back.next()?.to_owned(),
            options: back.nth(1)?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
25 1 0:22 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
26 25 0:23 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
27 25 0:24 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
29 25 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 25 0:28 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
33 25 0:30 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
34 25 0:31 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
35 25 0:32 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";

    const ONE: &str = "\
30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
31 25 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:10 - cgroup cgroup rw,memory
32 25 0:28 / /sys/fs/cgroup/pids rw,nosuid shared:11 - cgroup cgroup rw,pids
33 25 0:29 / /sys/fs/cgroup/freezer rw,nosuid shared:12 - cgroup cgroup rw,freezer";

    const TWO: &str = "28 23 0:25 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate";

    #[test]
    fn hybrid_hosts_limit_by_version_1_and_freeze_by_version_2() {
        let layout = Layout::read(HYBRID, "4:memory:/somewhere\n0::/user.slice\n", "lambent-x");
        assert_eq!(layout.two.as_deref(), Some(Path::new("/sys/fs/cgroup/unified/lambent-x")));
        assert_eq!(layout.path_of("memory"), Some(Path::new("/sys/fs/cgroup/memory/lambent-x")));
        assert_eq!(layout.path_of("cpuacct"), Some(Path::new("/sys/fs/cgroup/cpuacct/lambent-x")));
        assert_eq!(layout.one.len(), 5);
    }

    #[test]
    fn controllers_that_share_a_hierarchy_share_a_group() {
        let layout = Layout::read(ONE, "", "lambent-x");
        assert_eq!(layout.two, None);
        assert_eq!(layout.one.len(), 4);
        assert_eq!(layout.path_of("cpu"), layout.path_of("cpuacct"));
    }

    #[test]
    fn version_2_stays_below_the_delegated_scope() {
        let group = |own| Layout::read(TWO, own, "lambent-x").two.expect("a unified hierarchy");
        let scope = Path::new("/sys/fs/cgroup/system.slice/run-7.scope/lambent-x");
        assert_eq!(group("0::/system.slice/run-7.scope\n"), scope);
        // A re-executed warden already sits in its own group.
        assert_eq!(group("0::/system.slice/run-7.scope/lambent-x/core\n"), scope);
        assert_eq!(group("0::/\n"), Path::new("/sys/fs/cgroup/lambent-x"));
    }

    #[test]
    fn a_container_sees_its_own_group_as_the_root_of_the_mount() {
        let mounts = TWO.replace("0:25 / ", "0:25 /docker/abc ");
        let group = Layout::read(&mounts, "0::/docker/abc\n", "lambent-x").two;
        assert_eq!(group.as_deref(), Some(Path::new("/sys/fs/cgroup/lambent-x")));
    }

    #[test]
    fn a_host_without_cgroups_has_none() {
        assert_eq!(Layout::read("22 1 0:21 / /proc rw - proc proc rw", "", "x"), Layout::default());
    }
}
