//! `runtime`: the runtimes that this server has, and adding the host's own.

use clap::{Args, Subcommand};
use sandbox::packs::{Shelf, pythons_on_this_host};
use serde_json::Value as Json;

use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::figures::took;
use crate::limits;
use crate::session::{Session, is_root};

/// The verbs of `runtime`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the installed runtimes
    Ls,
    /// Install runtimes
    Add(Add),
}

/// Arguments of `runtime add`.
#[derive(Debug, Args)]
pub struct Add {
    /// Take what this machine has: each python3.N, and the base of provided.*
    #[arg(long, required = true)]
    pub from_host: bool,
}

/// Copies the host's runtimes into the data folder.
pub fn add(session: &Session) -> Result<Exit, Failure> {
    if !is_root() {
        return Err(
            Failure::new(Exit::Usage, "runtimes belong to root").fix("sudo lambent runtime add --from-host")
        );
    }
    let folder = session.data_folder();
    let shelf = Shelf::open(&folder)?;
    let start = session.clock.tick();
    let mut made = vec![shelf.base_from_host()?];
    for python in pythons_on_this_host() {
        made.push(shelf.python_from_host(&python)?);
    }
    let names: Vec<&str> = made.iter().flat_map(|pack| &pack.runtimes).map(String::as_str).collect();
    if session.screen.is_json() {
        session.screen.answer(&format!("{}\n", serde_json::json!({ "Runtimes": names })))?;
    }
    session.screen.say(&format!("added {}  {}", names.join(" "), took(session.clock.tick().since(start))));
    if sandbox::warden::status(&folder)?.is_some() {
        session.screen.say("the running server takes them at its next start");
        session.screen.say("next: lambent down && lambent up -d");
    }
    Ok(Exit::Done)
}

/// Lists the server's runtimes.
pub async fn ls(session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let runtimes = installed(session, &client).await?;
    if session.screen.is_json() {
        session.screen.answer(&format!("{}\n", serde_json::json!({ "Runtimes": runtimes })))?;
    } else {
        session.screen.answer(&runtimes.iter().map(|name| format!("{name}\n")).collect::<String>())?;
    }
    if runtimes.is_empty() {
        session.screen.say("next: lambent runtime add --from-host");
    }
    Ok(Exit::Done)
}

/// The runtimes that the server says it has; waits while the first ones are being taken from the host.
pub async fn installed(session: &Session, client: &Client) -> Result<Vec<String>, Failure> {
    let deadline = session.clock.deadline(limits::READY);
    loop {
        let plain = client.get("/_lambent/health").await?;
        let health: Json = serde_json::from_slice(&plain.body).unwrap_or_default();
        let is_preparing = health["preparing"].as_bool().unwrap_or(false);
        if !is_preparing || deadline.left().is_zero() {
            return Ok(names(&health));
        }
        session.clock.sleep(limits::GLANCE).await;
    }
}

fn names(health: &Json) -> Vec<String> {
    let list = health["runtimes"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

/// The newest Python that the server has.
pub async fn newest_python(session: &Session, client: &Client) -> Result<String, Failure> {
    let runtimes = installed(session, client).await?;
    newest(&runtimes).map(str::to_owned).ok_or_else(|| {
        let found = if runtimes.is_empty() { "none".into() } else { runtimes.join(" ") };
        Failure::new(Exit::NotFound, "no Python runtime is installed")
            .why(format!("found: {found}"))
            .fix("lambent runtime add --from-host")
    })
}

fn newest(runtimes: &[String]) -> Option<&str> {
    let minor = |name: &str| name.strip_prefix("python3.").and_then(|minor| minor.parse::<u32>().ok());
    runtimes.iter().filter_map(|name| Some((minor(name)?, name.as_str()))).max().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_python_is_by_number_not_by_letter() {
        let runtimes = ["python3.9", "python3.13", "python3.11", "provided.al2023"].map(str::to_owned);
        assert_eq!(newest(&runtimes), Some("python3.13"));
        assert_eq!(newest(&runtimes[3..]), None);
    }

    #[test]
    fn health_names_the_runtimes() {
        assert_eq!(names(&serde_json::json!({"runtimes": ["python3.11"]})), ["python3.11"]);
        assert!(names(&serde_json::json!({})).is_empty());
    }
}
