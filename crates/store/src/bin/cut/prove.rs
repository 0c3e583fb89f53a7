use anyhow::{Context, Result};

use crate::options::{Commands, Options};
use crate::trial::{Found, series};

/// Cuts of each weakened store: enough to see a loss that shows in every second one.
const WEAKENED_CUTS: u64 = 6;

/// Shows that the store loses nothing, and that the cut would notice if it did.
pub fn prove(options: &Options) -> Result<()> {
    run(options, "all", "none", "")?.must_keep_all()?;
    run(options, "staged", "none", "staged")?.must_keep_all()?;
    if !cfg!(feature = "weaken") {
        println!("not shown: that a weakened store is caught (needs the feature `weaken`)");
        return Ok(());
    }
    let fewer = Options { cuts: WEAKENED_CUTS.min(options.cuts), ..options.clone() };
    for (load, weakness, stop_at) in [
        ("rows", "synchronous-off", "row"),
        ("rows", "synchronous-normal", "row"),
        ("staged", "no-folder-sync", "staged"),
    ] {
        let found = run(&fewer, load, weakness, stop_at)?;
        found.must_lose().context(weakness)?;
    }
    Ok(())
}

fn run(options: &Options, load: &str, weakness: &str, stop_at: &str) -> Result<Found> {
    let cut = std::env::current_exe()?.to_str().context("the path of this program")?.to_owned();
    let writer = [&cut, "write", load, weakness].map(str::to_owned);
    let checker = [&cut, "check"].map(str::to_owned);
    let commands = Commands { writer: writer.into(), checker: checker.into(), first: None };
    series(&Options { stop_at: stop_at.to_owned(), ..options.clone() }, &commands)
}
