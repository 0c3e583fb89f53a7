//! Which paths and link targets of a zip are safe to make. Pure.

use crate::limits::{PATH_BYTES, PATH_DEPTH};

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

    proptest! {
        #[test]
        fn a_made_path_never_leaves_its_root(name in "[a./\\\\\0]{0,24}") {
            if let Some(parts) = inside(&name) {
                prop_assert!(parts.iter().all(|p| !p.is_empty() && *p != ".." && !p.contains('/')));
            }
        }
    }
}
