//! `cut`: proofs of durability. The power is cut under the store and under the whole server, in effect, right after an
//! answer; everything that was acknowledged is found, and a weakened store and server are seen to lose.
//!
//! The harness is the binary `cut` of `store`; `tests/cut.py` is what runs under it for the server.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::process::{cargo, command, is_root, run as run_command, step};
use crate::tools::{python, target, text};

/// Megabytes of the image under a server: packs, code, and the write-ahead log.
const IMAGE: &str = "256";

/// Cuts of a weakened server: it loses nearly every time.
const WEAKENED: &str = "4";

/// Runs all proofs; arguments go to the series that must lose nothing. Needs root and loop devices.
pub fn run(root: &Path, arguments: &[String]) -> Outcome {
    let python = python(root)?;
    step("build", || build(root))?;
    let harness = target(root).join("debug/cut");
    step("cuts under the store", || run_command(as_root(root, &[], &harness).arg("prove").args(arguments)))?;
    let product = target(root).join("debug/lambent");
    let product = Server::new(root, &harness, &python, &product)?;
    step("cuts right after the first start", || product.keeps(&BIRTH, arguments))?;
    step("cuts under the server", || product.keeps(&ALL, arguments))?;
    let weakened = weakened(root)?;
    let mut server = Server::new(root, &harness, &python, &weakened)?;
    step("cuts under the server, large packages", || server.keeps(&LARGE, arguments))?;
    server.options = "--weakness synchronous-off";
    step("synchronous=OFF is seen to lose", || server.loses(&ROWS))?;
    server.options = "--weakness no-folder-sync";
    step("no sync of folders is seen to lose", || server.loses(&LARGE))
}

/// What is written before a cut, what looks for it, and where is cut.
struct Load {
    writer: &'static str,
    checker: &'static str,
    place: &'static [&'static str],
}

const BIRTH: Load =
    Load { writer: "birth", checker: "check-birth", place: &["--earliest", "1", "--latest", "1"] };
const ALL: Load =
    Load { writer: "write all", checker: "check", place: &["--latest", "80", "--stop-at", "ok"] };
const ROWS: Load =
    Load { writer: "write rows", checker: "check", place: &["--latest", "40", "--stop-at", "ok-policy"] };
const LARGE: Load = Load {
    writer: "write large",
    checker: "check",
    place: &["--earliest", "1", "--latest", "20", "--stop-at", "ok-large"],
};

fn build(root: &Path) -> Outcome {
    run_command(&mut cargo(root, &["build", "--quiet", "--package", "cli"]))?;
    let harness = ["build", "--quiet", "--package", "store", "--bin", "cut", "--features", "weaken"];
    run_command(&mut cargo(root, &harness))
}

/// A server that can be weakened. It has a target folder of its own because its SQLite differs: this one syncs with
/// fdatasync. Usually SQLite calls fsync, which on ext4 writes the names of new files as well, so that the commit of a row
/// would hide that the folder of its package was not synced.
fn weakened(root: &Path) -> Result<PathBuf, String> {
    let folder = target(root).join("weakened");
    let build = ["build", "--quiet", "--package", "it", "--bin", "weakened", "--features", "weaken"];
    step("build a server that can be weakened", || {
        let mut build = cargo(root, &build);
        run_command(build.env("CARGO_TARGET_DIR", &folder).env("LIBSQLITE3_FLAGS", "-DHAVE_FDATASYNC"))
    })?;
    Ok(folder.join("debug/weakened"))
}

/// A server under the harness.
struct Server<'a> {
    root: &'a Path,
    harness: &'a Path,
    /// Interpreter and script.
    client: [String; 2],
    binary: &'a Path,
    /// More options of `up`.
    options: &'static str,
}

impl<'a> Server<'a> {
    fn new(root: &'a Path, harness: &'a Path, python: &Path, binary: &'a Path) -> Result<Server<'a>, String> {
        let client = [text(python)?.to_owned(), text(&root.join("tests/cut.py"))?.to_owned()];
        Ok(Server { root, harness, client, binary, options: "" })
    }

    fn keeps(&self, load: &Load, arguments: &[String]) -> Outcome {
        run_command(&mut self.series("run", load, arguments))
    }

    fn loses(&self, load: &Load) -> Outcome {
        run_command(&mut self.series("lose", load, &["--cuts".into(), WEAKENED.into()]))
    }

    fn series(&self, verb: &str, load: &Load, arguments: &[String]) -> Command {
        let mut binary = OsString::from("BINARY_UNDER_TEST=");
        binary.push(self.binary);
        let options = format!("UP_OPTIONS={}", self.options).into();
        let variables = [binary, options, "PYTHONDONTWRITEBYTECODE=1".into()];
        let mut series = as_root(self.root, &variables, self.harness);
        series.args([verb, "--mib", IMAGE]).args(load.place).args(arguments);
        // A first start is what `birth` is about.
        let first = (load.writer != BIRTH.writer).then_some("first");
        for words in [load.writer, load.checker].into_iter().chain(first) {
            series.arg("--").args(&self.client).args(words.split(' '));
        }
        series
    }
}

/// A program with these variables, as root.
fn as_root(root: &Path, variables: &[OsString], program: &Path) -> Command {
    let mut run = if is_root() { command(root, "env", &[]) } else { command(root, "sudo", &["env"]) };
    run.args(variables).arg(program);
    run
}
