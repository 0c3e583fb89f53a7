//! `run`: from sources to the first answer of a function. Also `build` and `cut`.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::process::{cargo, command, is_root, output, run as run_command, step};
use crate::tools::{target, text};
use crate::{Outcome, only};

/// The hidden verb that shows the first answer while the server has the foreground.
pub const GREET: &str = "greet-once-ready";

/// How long the server may take to say that it is ready, packs taken from the host included.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// `build`: the release build.
pub fn build(root: &Path, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    release(root).map(|binary| println!("{}", binary.strip_prefix(root).unwrap_or(&binary).display()))
}

fn release(root: &Path) -> Result<PathBuf, String> {
    step("build for release", || {
        run_command(&mut cargo(root, &["build", "--quiet", "--release", "--package", "cli"]))
    })?;
    Ok(target(root).join("release/lambent"))
}

fn debug(root: &Path) -> Result<PathBuf, String> {
    step("build for debugging", || run_command(&mut cargo(root, &["build", "--quiet", "--package", "cli"])))?;
    Ok(target(root).join("debug/lambent"))
}

/// `run`: build, serve, deploy, invoke; then keep serving, or with `--once` stop.
pub fn run(root: &Path, arguments: &[String]) -> Outcome {
    only(arguments, &["--once", "--debug"])?;
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let binary = if has("--debug") { debug(root)? } else { release(root)? };
    let place = target(root).join("run");
    fs::create_dir_all(&place).map_err(|error| format!("make {}: {error}", place.display()))?;
    let ready = place.join("ready.json");
    match fs::remove_file(&ready) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("remove {}: {error}", ready.display()));
        }
        _ => {}
    }
    if has("--once") { once(root, &binary, &place) } else { serve(root, &binary, &place) }
}

/// Becomes the server, so that Ctrl-C and the terminal are its own; the greeting runs beside it.
fn serve(root: &Path, binary: &Path, place: &Path) -> Outcome {
    let this = std::env::current_exe().map_err(|error| format!("find this program: {error}"))?;
    // Started through a shell that ends at once: the server must not inherit a child that it does not know.
    run_command(command(root, "sh", &["-c", "\"$0\" \"$@\" &"]).arg(this).arg(GREET).arg(binary).arg(place))?;
    let error = up(root, binary, place, &[]).exec();
    Err(format!("start {}: {error}", binary.display()))
}

fn once(root: &Path, binary: &Path, place: &Path) -> Outcome {
    let mut server = up(root, binary, place, &["--listen", "127.0.0.1:0"])
        .spawn()
        .map_err(|error| format!("start {}: {error}", binary.display()))?;
    let greeted = wait_ready(place, Some(&mut server)).and_then(|()| show(root, binary, place));
    // The server is asked, not killed: what it drains is part of what this verb shows to work.
    let pid = server.id().to_string();
    let asked = run_command(&mut as_root(root, Path::new("kill"), &["-TERM", &pid]));
    let ended = server.wait().map_err(|error| format!("wait for the server: {error}"))?;
    greeted.and(asked)?;
    if ended.success() { Ok(()) } else { Err(format!("the server ended with {ended}")) }
}

/// The hidden verb: `BINARY PLACE`, waits for the server of `place` and shows the first answer.
pub fn greet(root: &Path, arguments: &[String]) -> Outcome {
    let [binary, place] = arguments else { return Err("takes BINARY and PLACE".into()) };
    let (binary, place) = (Path::new(binary), Path::new(place));
    wait_ready(place, None)?;
    show(root, binary, place)
}

fn up(root: &Path, binary: &Path, place: &Path, more: &[&str]) -> Command {
    let mut up = as_root(root, binary, &["up"]);
    up.arg("--data").arg(place.join("data")).arg("--ready-file").arg(place.join("ready.json"));
    // The terminal is for the answer; a line a request would drown it.
    up.args(["--log", "warn"]).args(more);
    up
}

/// A command that runs as root.
pub fn as_root(root: &Path, program: &Path, arguments: &[&str]) -> Command {
    if is_root() {
        return command(root, program, arguments);
    }
    let mut sudo = command(root, "sudo", &[]);
    sudo.arg(program).args(arguments);
    sudo
}

fn wait_ready(place: &Path, mut server: Option<&mut Child>) -> Outcome {
    let start = Instant::now();
    while !place.join("ready.json").exists() {
        if let Some(server) = &mut server
            && let Ok(Some(status)) = server.try_wait()
        {
            return Err(format!("the server ended with {status}"));
        }
        if start.elapsed() > READY_WITHIN {
            return Err(format!("no server was ready within {} s", READY_WITHIN.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Deploys the example, invokes it cold and warm through the public API, and prints how to go on.
fn show(root: &Path, binary: &Path, place: &Path) -> Outcome {
    let data = place.join("data");
    let data = text(&data)?;
    let lambent = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--data", data]);
        as_root(root, binary, &all)
    };
    run_command(&mut lambent(&["deploy", "examples/hello-python", "--name", "hello"]))?;
    for _ in ["cold", "warm"] {
        run_command(&mut lambent(&["invoke", "hello", r#"{"name":"world"}"#]))?;
    }
    print!("{}", output(&mut lambent(&["env"]))?);
    Ok(())
}
