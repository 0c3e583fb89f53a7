//! Which paths and link targets of a zip are safe to make. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::limits::{LINK_HOPS, LINK_STEPS, PATH_BYTES, PATH_DEPTH};

/// The entry's path relative to the tree, component by component; `None` when it must not be made.
///
/// Refused: absolute paths, `..`, empty names, NUL, backslashes (Windows separators), over-long or over-deep paths.
/// `.` components and doubled slashes are dropped, as unzip does.
pub(super) fn inside(name: &str) -> Option<Vec<&str>> {
    if name.is_empty() || name.len() > PATH_BYTES || name.starts_with('/') || name.contains(['\0', '\\']) {
        return None;
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let safe = !parts.is_empty()
        && parts.len() <= PATH_DEPTH
        && parts.iter().all(|part| *part != ".." && part.len() <= 255);
    safe.then_some(parts)
}

/// Whether a link in directory `at` (components below the tree's root) may point to `target`.
///
/// Relative targets must stay inside the tree; absolute ones must name a place that belongs to the function in its environment.
pub(super) fn link_stays_inside(at: &[&str], target: &str) -> bool {
    if target.is_empty() || target.contains('\0') {
        return false;
    }
    if target.starts_with('/') {
        let allowed = ["/var/task/", "/opt/", "/tmp/", "/var/lang/", "/var/runtime/"];
        return allowed.iter().any(|root| target.starts_with(root))
            && !target.split('/').any(|part| part == "..");
    }
    let mut depth = at.len();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return false,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    true
}

/// Whether every link still stays inside when links on its way are followed: `up/../x` leaves the tree if `up` is a link to
/// its top, however many names it has.
pub(super) fn links_stay_inside(links: &BTreeMap<PathBuf, String>) -> bool {
    let mut steps = LINK_STEPS;
    links.keys().all(|link| Walk { links, at: PathBuf::new(), steps: &mut steps }.stays_inside(link))
}

/// A link being followed, as the kernel would.
struct Walk<'a> {
    links: &'a BTreeMap<PathBuf, String>,
    /// Where it is, below the top of the tree.
    at: PathBuf,
    steps: &'a mut usize,
}

impl<'a> Walk<'a> {
    fn stays_inside(mut self, link: &'a Path) -> bool {
        // What is still to be walked, the next name last.
        let mut names: Vec<&str> = link.iter().rev().filter_map(|name| name.to_str()).collect();
        let mut hops = 0;
        while let Some(name) = names.pop() {
            if *self.steps == 0 {
                return false;
            }
            *self.steps -= 1;
            match name {
                "" | "." => continue,
                ".." if !self.at.pop() => return false,
                ".." => continue,
                name => self.at.push(name),
            }
            let Some(target) = self.links.get(&self.at) else { continue };
            hops += 1;
            if hops > LINK_HOPS {
                return true; // The kernel goes no further.
            }
            self.at.pop();
            let mut target = target.as_str();
            if target.starts_with('/') {
                let Some(below) = target.strip_prefix("/var/task/") else {
                    // The function's other places hold nothing of ours, but a way back up would lead past them.
                    return !names.contains(&"..");
                };
                self.at.clear();
                target = below;
            }
            names.extend(target.rsplit('/'));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_paths_below_the_tree_are_made() {
        for (name, expected) in [
            ("app.py", Some(vec!["app.py"])),
            ("a/b//./c.py", Some(vec!["a", "b", "c.py"])),
            ("dir/", Some(vec!["dir"])),
            ("...", Some(vec!["..."])),
            ("", None),
            ("/etc/passwd", None),
            ("../x", None),
            ("a/../../x", None),
            ("a/..", None),
            ("..\\x", None),
            ("C:\\x", None),
            (".", None),
            ("a\0b", None),
        ] {
            assert_eq!(inside(name), expected, "{name:?}");
        }
        assert_eq!(inside(&"a/".repeat(200)), None);
        assert_eq!(inside(&"a".repeat(256)), None);
    }

    #[test]
    fn links_may_not_leave_the_tree() {
        for (at, target, expected) in [
            (vec![], "app.py", true),
            (vec!["a", "b"], "../../app.py", true),
            (vec!["a"], "../../app.py", false),
            (vec![], "..", false),
            (vec!["a"], "x/../../..", false),
            (vec![], "/etc/passwd", false),
            (vec![], "/var/task/app.py", true),
            (vec![], "/var/task/../../etc/passwd", false),
            (vec![], "/opt/lib/x.so", true),
            (vec![], "", false),
        ] {
            assert_eq!(link_stays_inside(&at, target), expected, "{at:?} -> {target:?}");
        }
    }

    fn links(links: &[(&str, &str)]) -> BTreeMap<PathBuf, String> {
        links.iter().map(|(path, target)| (PathBuf::from(path), (*target).to_owned())).collect()
    }

    #[test]
    fn links_may_not_leave_the_tree_through_each_other() {
        for (case, expected) in [
            (vec![("a/b/up", "../.."), ("etc", "a/b/up/../etc")], false),
            (vec![("a/b/up", "../.."), ("etc", "a/b/up/etc")], true),
            (vec![("a/b/up", "../.."), ("a/x", "b/up/a/../y")], true),
            (vec![("a/b/c/one", "../.."), ("a/two", "b/c/one/.."), ("three", "a/two/../x/y/z")], false),
            (vec![("a/b/c/one", "../.."), ("a/two", "b/c/one/.."), ("three", "a/two/x/y/z")], true),
            (vec![("a/b/up", "/var/task/."), ("x", "a/b/up/../y")], false),
            (vec![("a/b/up", "/var/task/a"), ("x", "a/b/up/../y")], true),
            (vec![("a/b/opt", "/opt/"), ("x", "a/b/opt/../y")], false),
            (vec![("a/b/opt", "/opt/lib"), ("x", "a/b/opt/y")], true),
            (vec![("loop", "loop"), ("one", "two"), ("two", "one")], true),
        ] {
            assert_eq!(links_stay_inside(&links(&case)), expected, "{case:?}");
        }
    }

    #[test]
    fn following_links_takes_bounded_time() {
        let long = "x/".repeat(500);
        let many: BTreeMap<PathBuf, String> =
            (0..10_000).map(|n| (PathBuf::from(format!("l{n}")), long.clone())).collect();
        assert!(!links_stay_inside(&many));
    }

    proptest! {
        // Each case makes a tree on the disk.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        /// The kernel is asked where links lead that were let through.
        #[test]
        fn no_link_that_is_let_through_leaves_a_real_tree(
            targets in prop::collection::vec("(\\.\\./|[abl]/|l[0-3]/){0,5}(\\.\\.|[ab]|l[0-3])", 4)
        ) {
            let top = tempfile::tempdir().unwrap();
            let tree = top.path().join("1/2/3/4/5/6");
            std::fs::create_dir_all(tree.join("a/b/a/b")).unwrap();
            std::fs::create_dir_all(tree.join("b/a")).unwrap();
            let places = [vec![], vec!["a"], vec!["a", "b"], vec!["a", "b", "a"]];
            let mut links = BTreeMap::new();
            for (n, (target, place)) in targets.iter().zip(&places).enumerate() {
                if link_stays_inside(place, target) {
                    links.insert(place.iter().collect::<PathBuf>().join(format!("l{n}")), target.clone());
                }
            }
            if links_stay_inside(&links) {
                for (path, target) in &links {
                    std::os::unix::fs::symlink(target, tree.join(path)).unwrap();
                }
                for path in links.keys() {
                    if let Ok(found) = tree.join(path).canonicalize() {
                        prop_assert!(found.starts_with(tree.canonicalize().unwrap()), "{path:?} {links:?}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_made_path_never_leaves_its_root(name in "[a./\\\\\0]{0,24}") {
            if let Some(parts) = inside(&name) {
                prop_assert!(parts.iter().all(|p| !p.is_empty() && *p != ".." && !p.contains('/')));
            }
        }
    }
}
