//! Rates and latencies of the store on one folder. Build it with `--release`; the folder's disk is what is measured.
//!
//! `cargo run --release -p store --example throughput -- FOLDER [SECONDS]`

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::future::try_join_all;
use store::{Broken, Home, Options, Store, Table};
use tasks::{Clock, Shutdown, Tasks, Tick};

const ROWS: Table<u64, String> = Table::new("throughput.rows");
const COUNTS: Table<(), u64> = Table::new("throughput.counts");
const CALLERS: u64 = 64;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("throughput FOLDER [SECONDS]")?;
    let seconds = arguments.next().map_or(Ok(4), |seconds| seconds.parse())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(Path::new(&folder), Duration::from_secs(seconds)))
}

async fn measure(folder: &Path, time: Duration) -> Result<()> {
    let clock = Clock::real();
    let options = Options::new(Tasks::new(Shutdown::new()), clock.clone());
    let began = clock.tick();
    let store = Store::open(folder, options)?;
    println!("{:<32} {:>10.1} ms", "open", ms(clock.tick().since(began)));
    let bench = Bench { clock, time, store };
    let store = &bench.store;
    bench.run("create if absent, 64 callers", CALLERS, |n| create(store, n)).await?;
    bench.run("create if absent, 1 caller", 1, |n| create(store, u64::MAX / 2 + n)).await?;
    bench.run("one hot counter, 64 callers", CALLERS, |_| count(store)).await?;
    bench.run("read one row, 64 callers", CALLERS, |n| read(store, n % 1_000)).await?;
    store.get(ROWS, home(), &1).await?;
    let cached = || store.cached(ROWS, home(), &1).context("row 1 is not cached").map(drop);
    bench.run("1,000 cached rows", 1, |_| std::future::ready((0..1_000).try_for_each(|_| cached()))).await?;
    let journal = store.journal("throughput", 256 << 20)?;
    let note = || journal.note(&[7; 200]).map(drop);
    bench.run("1,000 notes of 200 B", 1, |_| std::future::ready((0..1_000).try_for_each(|_| note()))).await?;
    bench.run("stage and adopt 1 MiB", 1, |n| stage(store, n)).await?;
    store.close().await;
    Ok(())
}

fn home() -> Home {
    Home::of(&["throughput"])
}

async fn create(store: &Store, key: u64) -> Result<(), Broken> {
    store
        .write(home(), move |txn| match txn.get(ROWS, &key)? {
            Some(_) => Ok(()),
            None => txn.put(ROWS, &key, &"x".repeat(200)),
        })
        .await
}

async fn count(store: &Store) -> Result<(), Broken> {
    store
        .write(home(), |txn| {
            let count = txn.get(COUNTS, &())?.unwrap_or(0);
            txn.put(COUNTS, &(), &(count + 1))
        })
        .await
}

async fn read(store: &Store, key: u64) -> Result<(), Broken> {
    store.read(home(), move |view| view.get(ROWS, &key).map(drop)).await
}

async fn stage(store: &Store, n: u64) -> Result<(), Broken> {
    let mut body = Bytes::from([&n.to_be_bytes()[..], &vec![3; 1 << 20]].concat());
    let staged = store.blobs().stage(&mut body, 2 << 20).await?;
    store.write(home(), move |txn| txn.adopt(&staged).map(drop)).await
}

struct Bench {
    clock: Clock,
    time: Duration,
    store: Store,
}

impl Bench {
    /// Runs `work` from `callers` closed loops and prints rate, median and 99th percentile.
    async fn run<F, E>(&self, what: &str, callers: u64, work: impl Fn(u64) -> F) -> Result<()>
    where
        F: Future<Output = Result<(), E>>,
        anyhow::Error: From<E>,
    {
        let taken = RefCell::new(Vec::new());
        let began = self.clock.tick();
        let caller = async |caller: u64| -> Result<()> {
            for n in 0.. {
                let start: Tick = self.clock.tick();
                if start.since(began) > self.time {
                    break;
                }
                work(n * callers + caller).await?;
                taken.borrow_mut().push(self.clock.tick().since(start));
            }
            Ok(())
        };
        try_join_all((0..callers).map(caller)).await?;
        let all = self.clock.tick().since(began);
        let mut taken = taken.into_inner();
        taken.sort_unstable();
        let at = |part: usize| ms(taken.get(taken.len() * part / 100).copied().unwrap_or_default());
        let rate = taken.len() as f64 / all.as_secs_f64();
        println!("{what:<32} {rate:>10.0} /s   p50 {:>8.3} ms   p99 {:>8.3} ms", at(50), at(99));
        Ok(())
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
