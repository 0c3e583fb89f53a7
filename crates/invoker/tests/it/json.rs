//! The bootstrap's own unit tests, by this machine's Python.

use std::path::Path;
use std::process::Command;

#[test]
fn the_python_bootstrap_reads_and_writes_json_as_python_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../runtimes/python");
    let mut python = Command::new("python3");
    python.args(["-B", "-m", "unittest", "test_json"]).current_dir(folder);
    let output = python.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
