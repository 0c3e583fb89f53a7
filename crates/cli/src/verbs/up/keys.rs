//! Keeping the root key out of `ps`: a process that was given one by flag or variable starts itself again without it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};

use super::Arguments;
use crate::failure::{Exit, Failure};
use crate::session::variable;

const FLAGS: [&str; 2] = ["--root-access-key", "--root-secret-key"];
const VARIABLES: [&str; 2] = ["LAMBENT_ROOT_ACCESS_KEY", "LAMBENT_ROOT_SECRET_KEY"];

/// Replaces this process by itself without keys in arguments and environment; the new one reads them from a pipe.
pub fn hide(arguments: &mut Arguments) -> Result<(), Failure> {
    if let Some(fd) = arguments.root_key_fd {
        return take(arguments, fd);
    }
    let access = arguments.root_access_key.clone().or_else(|| variable(VARIABLES[0]));
    let secret = arguments.root_secret_key.clone().or_else(|| variable(VARIABLES[1]));
    let (access, secret) = match (access, secret) {
        (None, None) => return Ok(()),
        (access, secret) => (access.unwrap_or_default(), secret.unwrap_or_default()),
    };
    let (reader, mut writer) = std::io::pipe().map_err(|error| failed("make a pipe", &error))?;
    // Keys fit into a pipe's buffer, so that nobody needs to read for this to end.
    writer
        .write_all(format!("{access}\n{secret}").as_bytes())
        .map_err(|error| failed("pass the key on", &error))?;
    drop(writer);
    fcntl_setfd(&reader, FdFlags::empty()).map_err(|error| failed("pass the key on", &error.into()))?;
    let this = std::env::current_exe().map_err(|error| failed("find this program", &error))?;
    let mut command = Command::new(this);
    command.args(without_keys(std::env::args_os().skip(1)));
    command.arg("--root-key-fd").arg(reader.as_raw_fd().to_string());
    VARIABLES.iter().for_each(|name| {
        command.env_remove(name);
    });
    Err(failed("start this program again", &command.exec()))
}

fn take(arguments: &mut Arguments, fd: i32) -> Result<(), Failure> {
    let mut text = String::new();
    File::open(format!("/proc/self/fd/{fd}"))
        .and_then(|mut pipe| pipe.read_to_string(&mut text))
        .map_err(|error| failed("take the key", &error))?;
    let (access, secret) = text.split_once('\n').unwrap_or((&text, ""));
    let given = |key: &str| (!key.is_empty()).then(|| key.to_owned());
    (arguments.root_access_key, arguments.root_secret_key) = (given(access), given(secret));
    Ok(())
}

fn without_keys(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut skip = false;
    for argument in arguments {
        if std::mem::take(&mut skip) {
            continue;
        }
        let text = argument.to_string_lossy();
        if FLAGS.contains(&text.as_ref()) {
            skip = true;
        } else if !FLAGS.iter().any(|flag| text.starts_with(&format!("{flag}="))) {
            kept.push(argument);
        }
    }
    kept
}

fn failed(doing: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("{doing}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_leave_the_command_line_in_both_forms() {
        let line = ["up", "--root-access-key", "A", "--region", "r", "--root-secret-key=S", "-d"];
        let kept = without_keys(line.into_iter().map(OsString::from));
        assert_eq!(kept, ["up", "--region", "r", "-d"]);
    }
}
