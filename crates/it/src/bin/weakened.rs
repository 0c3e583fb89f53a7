//! The server with a hole in its durability, so that the tests of that can be seen to fail: `weakened up --weakness
//! synchronous-off|synchronous-normal|no-folder-sync|none` and the flags of `lambent up`. Never part of the product.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use sandbox::warden;
use server::config::{Config, Root, Sources, load, machine_memory_bytes};

/// As in the product, but one: this one need not be fast.
const SHARDS: usize = 1;

fn main() -> anyhow::Result<ExitCode> {
    if let Some(role) = warden::role() {
        return Ok(role.run(server::main));
    }
    let mut arguments = std::env::args().skip(1);
    anyhow::ensure!(arguments.next().as_deref() == Some("up"), "the only verb is up");
    let config = configured(&arguments.collect::<Vec<_>>())?;
    warden::run(warden::Up {
        data: config.data.clone(),
        listen: config.listen,
        scheme: "http",
        shards: SHARDS,
        drain: config.drain,
        ready_file: config.ready_file.clone(),
        config: serde_json::to_vec(&config)?,
        on_ready: Some(Box::new(|ready| {
            eprintln!("weakened: ready in its own time at {}", ready.endpoint);
        })),
    })
}

fn configured(arguments: &[String]) -> anyhow::Result<Config> {
    let mut flags = Vec::new();
    let mut weakness = "none".to_owned();
    for pair in arguments.chunks(2) {
        let [flag, value] = pair else { bail!("{} needs a value", pair[0]) };
        match flag.trim_start_matches("--") {
            "weakness" => weakness.clone_from(value),
            flag => flags.push((flag.to_owned(), value.clone())),
        }
    }
    let machine_memory_bytes = machine_memory_bytes()?;
    let sources = Sources { flags, root: Root::Yes, machine_memory_bytes, ..Sources::default() };
    let (mut config, _) = load(&sources)?;
    config.weakness =
        serde_json::from_value(weakness.clone().into()).with_context(|| format!("no weakness {weakness}"))?;
    Ok(config)
}
