//! Rates, latencies and costs of queues on one folder. Build it with `--release`; the folder's disk is what is measured,
//! so it prints how long that takes to sync.
//!
//! `cargo run --release -p store --example queues -- FOLDER [SECONDS [WAITING]]`

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::{try_join_all, try_join3};
use store::{Ask, Hold, Home, Line, New, Options, Queue, Settle, Store};
use tasks::{Clock, Shutdown, Tasks, Tick};

const MESSAGES: Queue<String> = Queue::new("bench.messages");
/// Customers' queues, each in a home of its own.
const SOURCES: u64 = 16;
const PRODUCERS: u64 = 32;
const CONSUMERS: u64 = 32;
/// Messages of 1 KB that are there from the beginning.
const BACKLOG: u64 = 20_000;
/// Messages a second of the paced run, each way.
const PACE: u64 = 10_000;
const MESSAGE_BYTES: usize = 1_000;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("queues FOLDER [SECONDS [WAITING]]")?);
    let seconds = arguments.next().map_or(Ok(4), |seconds| seconds.parse())?;
    let waiting = arguments.next().map_or(Ok(1_000_000), |waiting| waiting.parse())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&folder, Duration::from_secs(seconds), waiting))
}

async fn measure(folder: &Path, time: Duration, waiting: u64) -> Result<()> {
    let clock = Clock::real();
    std::fs::create_dir_all(folder)?;
    println!("fdatasync of 8 KiB, median: {:.3} ms", ms(sync_time(folder, &clock)?));
    let bench = Bench { clock: clock.clone(), time, store: open(folder, &clock)? };
    let lines = bench.lines().await?;
    fill(&lines, BACKLOG).await?;
    bench.run("batches of 10", &lines, Load { batch: 10, hold: client(), pace: None }).await?;
    bench
        .run("batches of 10, held in memory", &lines, Load { batch: 10, hold: Hold::Process, pace: None })
        .await?;
    bench.run("one by one", &lines, Load { batch: 1, hold: client(), pace: None }).await?;
    bench.run("batches of 10, paced", &lines, Load { batch: 10, hold: client(), pace: Some(PACE) }).await?;

    let before = Usage::now()?;
    let began = clock.tick();
    fill(&lines, waiting).await?;
    let (took, used) = (clock.tick().since(began), Usage::now()?.since(&before));
    println!(
        "{waiting} sent in batches of 1,000: {:.0} /s, {:.0} bytes written a message, {} MB resident",
        waiting as f64 / took.as_secs_f64(),
        used.written as f64 / waiting as f64,
        resident_mb()?,
    );
    bench.run("batches of 10 over those", &lines, Load { batch: 10, hold: client(), pace: None }).await?;
    drop(lines);
    bench.store.close().await;

    let began = clock.tick();
    let store = open(folder, &clock)?;
    let opened = clock.tick().since(began);
    let bench = Bench { clock: clock.clone(), time, store };
    let lines = bench.lines().await?;
    let mut first = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let began = clock.tick();
        let leased = line.lease(Ask { max: 10, ..Ask::of(source(at as u64), client()) }).await?;
        ensure!(!leased.is_empty());
        first.push(clock.tick().since(began));
    }
    let began = clock.tick();
    let depth = lines[0].depth(&source(0)).await?;
    println!(
        "opened again in {:.1} ms, first receive of a queue {:.2} ms, its depth of {} counted in {:.1} ms, {} MB resident",
        ms(opened),
        ms(first[first.len() / 2]),
        depth.ready,
        ms(clock.tick().since(began)),
        resident_mb()?,
    );
    bench.store.close().await;
    Ok(())
}

fn open(folder: &Path, clock: &Clock) -> Result<Store> {
    Ok(Store::open(folder, Options::new(Tasks::new(Shutdown::new()), clock.clone()))?)
}

fn client() -> Hold {
    Hold::Client(Duration::from_secs(3_600))
}

fn source(number: u64) -> String {
    format!("queue {number}")
}

fn message(number: u64) -> New<String> {
    New::of(source(number % SOURCES), "x".repeat(MESSAGE_BYTES))
}

async fn fill(lines: &[Line<String>], count: u64) -> Result<()> {
    let fill = async |at: u64| -> Result<()> {
        let mut left = count / SOURCES;
        while left > 0 {
            let part = left.min(1_000);
            lines[at as usize].append((0..part).map(|_| message(at)).collect()).await?;
            left -= part;
        }
        Ok(())
    };
    try_join_all((0..SOURCES).map(fill)).await?;
    Ok(())
}

struct Bench {
    clock: Clock,
    time: Duration,
    store: Store,
}

/// What producers and consumers do.
#[derive(Clone, Copy)]
struct Load {
    batch: usize,
    hold: Hold,
    /// Messages a second, each way; as fast as it goes without.
    pace: Option<u64>,
}

#[derive(Default)]
struct Taken {
    messages: Cell<u64>,
    times: RefCell<Vec<Duration>>,
}

impl Taken {
    fn add(&self, messages: usize, time: Duration) {
        self.messages.set(self.messages.get() + messages as u64);
        self.times.borrow_mut().push(time);
    }

    fn show(&self, what: &str, all: Duration) {
        let mut times = self.times.borrow_mut();
        times.sort_unstable();
        let at = |part: usize| ms(times.get(times.len() * part / 100).copied().unwrap_or_default());
        let rate = self.messages.get() as f64 / all.as_secs_f64();
        println!("    {what:<8} {rate:>9.0} /s   p50 {:>8.3} ms   p99 {:>8.3} ms", at(50), at(99));
    }
}

impl Bench {
    async fn lines(&self) -> Result<Vec<Line<String>>> {
        let mut lines = Vec::new();
        for number in 0..SOURCES {
            let home = Home::of(&["bench", &number.to_string()]);
            lines.push(self.store.own(home).await.context("own")?.queue(MESSAGES));
        }
        Ok(lines)
    }

    async fn run(&self, what: &str, lines: &[Line<String>], load: Load) -> Result<()> {
        let (sent, received, deleted) = (Taken::default(), Taken::default(), Taken::default());
        let (began, before) = (self.clock.tick(), Usage::now()?);
        let until = began.plus(self.time);
        let produce = async |number: u64| -> Result<()> {
            let line = &lines[(number % SOURCES) as usize];
            for turn in 0.. {
                if self.wait(began, turn, number, load).await > until {
                    break;
                }
                let items = (0..load.batch).map(|_| message(number)).collect();
                let start = self.clock.tick();
                line.append(items).await?;
                sent.add(load.batch, self.clock.tick().since(start));
            }
            Ok(())
        };
        let consume = async |number: u64| -> Result<()> {
            let line = &lines[(number % SOURCES) as usize];
            for turn in 0.. {
                if self.wait(began, turn, number, load).await > until {
                    break;
                }
                let ask = Ask { max: load.batch, ..Ask::of(source(number % SOURCES), load.hold) };
                let start = self.clock.tick();
                let leased = line.lease(ask).await?;
                let middle = self.clock.tick();
                received.add(leased.len(), middle.since(start));
                let receipts = leased.iter().map(|leased| (leased.receipt.clone(), Settle::Done)).collect();
                line.settle(receipts).await?;
                deleted.add(leased.len(), self.clock.tick().since(middle));
            }
            Ok(())
        };
        let producers = try_join_all((0..PRODUCERS).map(produce));
        let consumers = try_join_all((0..CONSUMERS).map(consume));
        try_join3(producers, consumers, std::future::ready(Ok(()))).await?;
        let (all, used) = (self.clock.tick().since(began), Usage::now()?.since(&before));
        let messages = (sent.messages.get() + deleted.messages.get()) as f64 / 2.0;
        println!(
            "{what}: {:.1} µs CPU and {:.0} bytes written a message, clients included",
            used.cpu.as_secs_f64() * 1e6 / messages,
            used.written as f64 / messages,
        );
        for (what, taken) in [("send", &sent), ("receive", &received), ("delete", &deleted)] {
            taken.show(what, all);
        }
        Ok(())
    }

    /// Waits for the turn of a paced caller; answers the time.
    async fn wait(&self, began: Tick, turn: u64, number: u64, load: Load) -> Tick {
        if let Some(pace) = load.pace {
            let each = 1_000_000 * PRODUCERS * load.batch as u64 / pace;
            let at = Duration::from_micros(turn * each + number * each / PRODUCERS);
            self.clock.sleep_until(began.plus(at)).await;
        }
        self.clock.tick()
    }
}

/// What this process used so far.
struct Usage {
    cpu: Duration,
    written: u64,
}

impl Usage {
    fn now() -> Result<Usage> {
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
        let ticks = |at: usize| -> Result<u64> { Ok(fields.get(at).context("stat")?.parse()?) };
        let io = std::fs::read_to_string("/proc/self/io")?;
        let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).context("io")?;
        // In hundredths of a second: of the user's time and of the system's.
        Ok(Usage { cpu: Duration::from_millis(10 * (ticks(11)? + ticks(12)?)), written: written.parse()? })
    }

    fn since(&self, earlier: &Usage) -> Usage {
        Usage { cpu: self.cpu - earlier.cpu, written: self.written - earlier.written }
    }
}

fn resident_mb() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? >> 10)
}

fn sync_time(folder: &Path, clock: &Clock) -> Result<Duration> {
    let path = folder.join("sync-time");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[7; 8_192])?;
        let began = clock.tick();
        file.sync_data()?;
        times.push(clock.tick().since(began));
    }
    std::fs::remove_file(path)?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
