//! What this machine gives.

use std::fs;
use std::path::Path;

use sandbox::facts::{Level, Trial, judge, probe};

use crate::rig::Rig;

#[test]
fn a_machine_that_runs_these_tests_has_a_sandbox_and_the_probe_leaves_nothing() {
    let rig = Rig::shared();
    let folder = rig.data().join("not/yet");
    let facts = probe(&folder);
    assert_eq!(facts.sandbox, Trial::Works);
    let findings = judge(&facts);
    assert!(findings.iter().all(|finding| finding.level != Level::Fail), "{findings:#?}");
    assert!(facts.environments().0 >= 50, "50 calls at once must fit: {facts:?}");
    assert!(!folder.exists());
    let name = format!("probe-{}", std::process::id());
    assert!(!Path::new("/run/lambent").join(&name).exists());
    let left: Vec<_> =
        fs::read_dir(rig.data()).expect("list").flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|entry| !entry.to_string_lossy().starts_with(".probe")), "{left:?}");
    assert!(!Path::new("/sys/fs/cgroup/memory").join(format!("lambent-{name}")).exists());
}
