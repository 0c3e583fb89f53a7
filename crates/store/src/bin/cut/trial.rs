use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use tasks::Random;

use crate::image::{Mounted, Workshop, make};
use crate::options::{Commands, Options};
use crate::processes;

/// What a series of cuts found.
#[derive(Debug, Default)]
pub struct Found {
    /// Cuts.
    pub cuts: u64,
    /// Cuts after which something acknowledged was missing.
    pub lost: u64,
    /// Acknowledgements checked.
    pub acks: u64,
    /// What the first loss was.
    pub first: Option<String>,
}

impl Found {
    pub fn must_keep_all(&self) -> Result<()> {
        let first = self.first.as_deref().unwrap_or_default();
        ensure!(self.lost == 0, "{} of {} cuts lost something: {first}", self.lost, self.cuts);
        println!("kept: {} acknowledgements over {} cuts", self.acks, self.cuts);
        Ok(())
    }

    pub fn must_lose(&self) -> Result<()> {
        ensure!(self.lost > 0, "nothing was lost in {} cuts: the cut tests nothing", self.cuts);
        let first = self.first.as_deref().unwrap_or_default();
        println!("seen to lose: {} of {} cuts lost something: {first}", self.lost, self.cuts);
        Ok(())
    }
}

/// Runs one cut after the other, each on a new image.
pub fn series(options: &Options, commands: &Commands) -> Result<Found> {
    let random = Random::seeded(options.seed);
    let workshop = Workshop::new("first")?;
    let first = workshop.path("image");
    make(&first, options.mib)?;
    if let Some(words) = &commands.first {
        let mounted = Mounted::new(&first, workshop.path("disk"))?;
        let ended = command(words, &mounted.folder()).status().context("start the first command")?;
        ensure!(ended.success(), "the first command ended with {ended}");
        mounted.flush()?;
    }
    let mut found = Found::default();
    for cut in 0..options.cuts {
        let after = options.earliest + random.below(options.latest - options.earliest + 1);
        let (acks, outcome) =
            trial(&first, after, options, commands).with_context(|| format!("cut {cut}"))?;
        found.cuts += 1;
        found.acks += acks;
        if let Err(lost) = outcome {
            found.lost += 1;
            found.first.get_or_insert(lost);
        }
    }
    Ok(found)
}

type Outcome = std::result::Result<(), String>;

/// One cut. Answers how many acknowledgements there were, and what is missing.
fn trial(first: &Path, after: u64, options: &Options, commands: &Commands) -> Result<(u64, Outcome)> {
    let workshop = Workshop::new("trial")?;
    let (image, copy) = (workshop.path("image"), workshop.path("copy"));
    std::fs::copy(first, &image).context("copy the first image")?;
    // One place for both, as it would be after a real power cut.
    let disk = workshop.path("disk");
    let acks = {
        let mounted = Mounted::new(&image, disk.clone())?;
        let child = command(&commands.writer, &mounted.folder()).stdout(Stdio::piped()).spawn();
        let mut running = Running(child.context("start the writer")?);
        cut(&mut running.0, after, &options.stop_at, || std::fs::copy(&image, &copy).map(drop))?
    };
    let mounted = Mounted::new(&copy, disk)?;
    let outcome = check(&commands.checker, &mounted.folder(), &acks)?;
    Ok((acks.lines().count() as u64, outcome))
}

/// A writer that does not outlive its trial, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(Some(_)) = self.0.try_wait() {
            return;
        }
        match processes::stop(self.0.id()) {
            Ok(stopped) => processes::kill(&stopped),
            Err(error) => eprintln!("stop the writer: {error:#}"),
        }
        // Killed, so it ends.
        let _ = self.0.wait();
    }
}

fn command(words: &[String], folder: &Path) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env("CUT_FOLDER", folder);
    command
}

/// Lets the writer run until it has acknowledged `after` times and once more with `stop_at`, stops it, calls `copy`, and
/// kills it. Answers every acknowledgement it had given.
fn cut(
    child: &mut Child,
    after: u64,
    stop_at: &str,
    copy: impl FnOnce() -> std::io::Result<()>,
) -> Result<String> {
    let mut output = BufReader::new(child.stdout.take().context("the writer's output")?);
    let mut acks = String::new();
    let mut line = String::new();
    let mut count = 0;
    let stopped = loop {
        line.clear();
        if output.read_line(&mut line)? == 0 {
            let status = child.wait()?;
            bail!("the writer ended by itself after {count} acknowledgements: {status}");
        }
        count += 1;
        if count >= after && line.starts_with(stop_at) {
            break processes::stop(child.id())?;
        }
        acks.push_str(&line);
    };
    acks.push_str(&line);
    copy()?;
    processes::kill(&stopped);
    child.wait()?;
    // What it said before it was stopped, but we had not read. The last line may be half a line.
    let mut rest = String::new();
    output.read_to_string(&mut rest)?;
    acks.push_str(&rest[..rest.rfind('\n').map_or(0, |end| end + 1)]);
    Ok(acks)
}

/// Runs the checker over the copy.
pub fn check(checker: &[String], folder: &Path, acks: &str) -> Result<Outcome> {
    let mut child = command(checker, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("start the checker")?;
    let mut input = child.stdin.take().context("the checker's input")?;
    // A checker that has seen enough closes its input.
    let _ = input.write_all(acks.as_bytes());
    drop(input);
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Ok(Err(words.lines().next().unwrap_or("the checker said nothing").to_owned()))
}
