//! kill -9 in a loop: what a process acknowledged is there after its death. For logic; the disk's part is `cut`'s.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

fn cut(verb: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cut"));
    command.arg(verb).env("CUT_FOLDER", folder);
    command
}

#[test]
fn acknowledged_changes_survive_kill_9_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let random = tasks::Random::kernel();
    let mut acks = String::new();
    for _ in 0..12 {
        let mut writer = cut("write", folder.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(writer.stdout.take().unwrap());
        for _ in 0..random.below(150) {
            assert!(output.read_line(&mut acks).unwrap() > 0, "the writer ended by itself");
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        acks.push_str(&rest[..rest.rfind('\n').map_or(0, |end| end + 1)]);

        let mut checker = cut("check", folder.path()).stdin(Stdio::piped()).spawn().unwrap();
        checker.stdin.take().unwrap().write_all(acks.as_bytes()).unwrap();
        assert!(checker.wait().unwrap().success(), "after {} acknowledgements", acks.lines().count());
    }
    assert!(acks.lines().count() > 200, "too few acknowledgements to say anything");
}
