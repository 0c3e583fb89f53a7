//! `deploy`: a folder or zip becomes a function, created or updated, with a role that may write its logs.

use std::path::{Path, PathBuf};

use clap::Args;
use wire::Value;

use crate::client::{Client, structure, text, text_of};
use crate::failure::{Exit, Failure};
use crate::figures::{bytes, took};
use crate::limits;
use crate::package::{self, Package};
use crate::session::Session;
use crate::verbs::ls;

mod plan;
mod remote;

use plan::{Current, Plan, Settings};

/// The tag that marks what `deploy` made, on functions and roles; its value is the function's name.
pub const TAG: &str = "lambent:deployed";

/// Arguments of `deploy`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A folder or zip
    pub path: PathBuf,
    /// The function's name [default: the folder's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// module.function [default: found in the code]
    #[arg(long, value_name = "HANDLER")]
    pub handler: Option<String>,
    /// python3.N or provided.al2023 [default: found]
    #[arg(long, value_name = "RUNTIME")]
    pub runtime: Option<String>,
    /// Memory in MB [default: 128]
    #[arg(long, value_name = "MB")]
    pub memory: Option<u32>,
    /// Timeout in seconds [default: 3]
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u32>,
    /// A role's ARN [default: a role is made that may write logs]
    #[arg(long, value_name = "ARN")]
    pub role: Option<String>,
    /// An environment variable, NAME=VALUE; all of them are replaced
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
}

/// The name of the role that `deploy` makes.
pub fn role_name(function: &str) -> String {
    // A role's name is at most 64 characters, as is a function's.
    format!("{}-role", function.chars().take(59).collect::<String>())
}

/// Packs, decides what is to be done, does it, and waits until the function is active.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let client = session.client()?;
    let say = |line: String| session.screen.say(&line);
    let name = function_name(arguments)?;
    let start = session.clock.tick();
    let package = pack(&arguments.path)?;
    let packed = session.clock.tick().since(start);
    let current = ls::find(&client, &name).await?;
    let settings = settings(arguments, current.as_ref())?;
    let plan =
        Plan::make((session, &client), arguments, &package, current.as_ref().map(Current), settings).await?;
    say(plan.headline(&name));
    say(format!("  {}  {}", packed_line(&package), took(packed)));
    let deployment = remote::Deployment {
        session,
        client: &client,
        name: &name,
        arguments,
        package: &package,
        plan: &plan,
    };
    deployment.apply().await?;
    if !client.is_dry() {
        if session.screen.is_json() {
            let input = structure([("FunctionName", text(&name))]);
            let function = client.call("lambda", "GetFunctionConfiguration", input).await?.value;
            session.screen.answer(&format!("{}\n", crate::shown::json(&function)))?;
        }
        say(next(&name, &arguments.path));
    }
    Ok(Exit::Done)
}

fn settings(arguments: &Arguments, current: Option<&Value>) -> Result<Settings, Failure> {
    let mut variables = Vec::new();
    for variable in &arguments.variables {
        let Some((name, value)) = variable.split_once('=') else {
            return Err(Failure::new(Exit::Usage, format!("{variable} is not of the form NAME=VALUE")));
        };
        variables.push((name.to_owned(), text(value)));
    }
    let is_new = current.is_none();
    let number = |given: Option<u32>, usual: u32| given.or(is_new.then_some(usual)).map(i64::from);
    Ok(Settings {
        memory_mb: number(arguments.memory, 128),
        timeout_s: number(arguments.timeout, 3),
        variables: (!variables.is_empty()).then_some(variables),
    })
}

fn function_name(arguments: &Arguments) -> Result<String, Failure> {
    if let Some(name) = &arguments.name {
        return Ok(name.clone());
    }
    // `.` and `..` have a name only as whole paths.
    let path = arguments.path.canonicalize().unwrap_or_else(|_| arguments.path.clone());
    let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
    match name.and_then(|name| name.to_str()) {
        Some(name) if is_function_name(name) => Ok(name.to_owned()),
        _ => Err(Failure::new(Exit::Usage, format!("{} is no name for a function", path.display()))
            .why("letters, digits, hyphens and underscores, 64 at most")
            .fix(format!("lambent deploy {} --name NAME", arguments.path.display()))),
    }
}

fn is_function_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn pack(path: &Path) -> Result<Package, Failure> {
    if path.is_dir() {
        return package::folder(path);
    }
    if path.is_file() {
        return package::zip_file(path);
    }
    Err(Failure::new(Exit::Usage, format!("{} is neither folder nor zip", path.display())))
}

fn packed_line(package: &Package) -> String {
    let files = if package.files == 1 { "1 file".into() } else { format!("{} files", package.files) };
    let skipped: Vec<&str> = package.skipped.iter().map(String::as_str).collect();
    let skipped = if skipped.is_empty() { String::new() } else { format!(" (not {})", skipped.join(", ")) };
    format!("packed {files}, {}{skipped}", bytes(package.bytes.len() as u64))
}

/// The command to go on with: the folder's own event when it has one.
fn next(name: &str, path: &Path) -> String {
    let event = std::fs::read_to_string(path.join("event.json")).unwrap_or_default();
    let event = event.trim();
    match event {
        "" => format!("next: lambent invoke {name}"),
        short if short.len() <= 60 && !short.contains(['\n', '\'']) => {
            format!("next: lambent invoke {name} '{short}'")
        }
        _ => format!("next: lambent invoke {name} @{}", path.join("event.json").display()),
    }
}

/// The function's configuration once it is active and no update is under way.
async fn wait_active(session: &Session, client: &Client, name: &str) -> Result<Value, Failure> {
    let deadline = session.clock.deadline(limits::ACTIVE);
    loop {
        let input = structure([("FunctionName", text(name))]);
        let function = client.call("lambda", "GetFunctionConfiguration", input).await?.value;
        match readiness(&function) {
            Readiness::Ready => return Ok(function),
            Readiness::Failed(why) => {
                return Err(Failure::new(Exit::Failed, format!("{name} did not become active")).why(why));
            }
            Readiness::Pending if deadline.left().is_zero() => {
                let seconds = limits::ACTIVE.as_secs();
                return Err(Failure::new(
                    Exit::Throttled,
                    format!("{name} was not active within {seconds} s"),
                ));
            }
            Readiness::Pending => session.clock.sleep(limits::LOOK).await,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    Pending,
    Failed(String),
}

fn readiness(function: &Value) -> Readiness {
    let (state, update) = (text_of(function, "State"), text_of(function, "LastUpdateStatus"));
    if state == "Failed" {
        return Readiness::Failed(text_of(function, "StateReason").to_owned());
    }
    if update == "Failed" {
        return Readiness::Failed(text_of(function, "LastUpdateStatusReason").to_owned());
    }
    let active = matches!(state, "Active" | "Inactive" | "");
    if active && matches!(update, "Successful" | "") { Readiness::Ready } else { Readiness::Pending }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_folder_is_said_with_what_was_left_out() {
        let skipped = [".git", "__pycache__"].map(str::to_owned).into();
        let package = Package { bytes: vec![0; 1_234], files: 3, skipped };
        assert_eq!(packed_line(&package), "packed 3 files, 1.2 KB (not .git, __pycache__)");
        let package = Package { bytes: vec![0; 84], files: 1, skipped: [].into() };
        assert_eq!(packed_line(&package), "packed 1 file, 84 bytes");
    }

    #[test]
    fn the_next_step_uses_the_folders_event() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(next("hello", folder.path()), "next: lambent invoke hello");
        let event = folder.path().join("event.json");
        std::fs::write(&event, "{\"name\":\"world\"}\n").unwrap();
        assert_eq!(next("hello", folder.path()), "next: lambent invoke hello '{\"name\":\"world\"}'");
        std::fs::write(&event, "{\"name\":\n\"it's\"}\n").unwrap();
        assert_eq!(next("hello", folder.path()), format!("next: lambent invoke hello @{}", event.display()));
    }

    #[test]
    fn waiting_ends_with_active_or_failed() {
        let function = |state: &str, update: &str| {
            structure([
                ("State", text(state)),
                ("LastUpdateStatus", text(update)),
                ("StateReason", text("no pack")),
                ("LastUpdateStatusReason", text("no code")),
            ])
        };
        assert_eq!(readiness(&function("Active", "Successful")), Readiness::Ready);
        assert_eq!(readiness(&function("Pending", "Successful")), Readiness::Pending);
        assert_eq!(readiness(&function("Active", "InProgress")), Readiness::Pending);
        assert_eq!(readiness(&function("Failed", "Successful")), Readiness::Failed("no pack".into()));
        assert_eq!(readiness(&function("Active", "Failed")), Readiness::Failed("no code".into()));
    }

    #[test]
    fn names_come_from_folders_and_fit() {
        assert!(is_function_name("hello-World_1") && !is_function_name("a.b") && !is_function_name(""));
        assert_eq!(role_name(&"f".repeat(64)).len(), 64);
    }
}
