//! The simulated disk's faults, and what holds under them.

#![allow(clippy::unwrap_used)] // Functions that only tests call are tests too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use store::{Broken, Faults, Home, Simulated, Store, Table};
use tasks::{Clock, OnError, Shutdown, Tasks};

const COUNTS: Table<String, u64> = Table::new("simulation.counts");

fn home() -> Home {
    Home::of(&["simulation"])
}

fn key() -> String {
    "count".to_owned()
}

async fn increment(store: &Store) -> Result<(), Broken> {
    store
        .write(home(), |txn| {
            let count = txn.get(COUNTS, &key())?.unwrap_or(0);
            txn.put(COUNTS, &key(), &(count + 1))
        })
        .await
}

async fn count(store: &Store) -> u64 {
    store.get(COUNTS, home(), &key()).await.unwrap().map_or(0, |count| *count)
}

#[tokio::test]
async fn every_closure_is_run_twice_and_its_first_run_leaves_nothing() {
    let store = Store::simulated(1, Clock::virtual_at(0));
    let runs = Arc::new(AtomicU64::new(0));
    let counted = runs.clone();
    let write = store.write::<_, Broken>(home(), move |txn| {
        let run = counted.fetch_add(1, Ordering::Relaxed);
        txn.put(COUNTS, &format!("run {run}"), &run)
    });
    write.await.unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    let rows = store.read::<_, Broken>(home(), |view| view.scan(COUNTS, &String::new(), 9)).await.unwrap();
    assert_eq!(rows, [("run 1".to_owned(), 1)]);
}

#[tokio::test]
async fn each_fault_answers_its_own_error_and_only_a_lost_answer_leaves_its_write() {
    let none = Faults::default();
    let cases = [
        (Faults { fenced: 1_000, ..none }, Broken::Fenced, 0),
        (Faults { full: 1_000, ..none }, Broken::Full, 0),
        (Faults { unavailable: 1_000, ..none }, Broken::Unavailable("simulated".to_owned()), 0),
        (
            Faults { lost_answer: 1_000, ..none },
            Broken::Unavailable("simulated: committed, but the answer was lost".to_owned()),
            1,
        ),
    ];
    for (faults, expected, left) in cases {
        let disk = Simulated::new(1, Clock::virtual_at(0));
        let store = disk.open();
        disk.set_faults(faults);
        assert_eq!(increment(&store).await, Err(expected.clone()));
        disk.set_faults(none);
        assert_eq!(count(&store).await, left, "after {expected:?}");
    }
}

#[tokio::test]
async fn under_faults_a_counter_is_what_was_acknowledged_plus_some_of_the_unknown() {
    for seed in 0..50 {
        let disk = Simulated::new(seed, Clock::virtual_at(0));
        let store = disk.open();
        disk.set_faults(Faults {
            fenced: 50,
            full: 50,
            unavailable: 50,
            lost_answer: 100,
            ..Faults::default()
        });
        let (mut acknowledged, mut unknown) = (0, 0);
        for _ in 0..200 {
            match increment(&store).await {
                Ok(()) => acknowledged += 1,
                Err(Broken::Unavailable(_)) => unknown += 1,
                Err(Broken::Fenced | Broken::Full) => {}
                Err(other) => panic!("{other:?}"),
            }
            // Memory must not lag behind, even after an answer that was lost.
            if let Some(cached) = store.cached(COUNTS, home(), &key()) {
                assert!(*cached >= acknowledged, "seed {seed}");
            }
        }
        let count = count(&store).await;
        assert!((acknowledged..=acknowledged + unknown).contains(&count), "seed {seed}: {count}");
        assert!(acknowledged > 100 && unknown > 5, "seed {seed}: {acknowledged} and {unknown}");
    }
}

#[tokio::test]
async fn a_crash_forgets_only_what_was_not_acknowledged_and_a_suffix_of_it() {
    let mut partly = 0;
    for seed in 0..40 {
        let clock = Clock::virtual_at(0);
        let disk = Simulated::new(seed, clock.clone());
        let store = disk.open();
        disk.set_faults(Faults { delay: Duration::from_millis(10), ..Faults::default() });
        let done = Arc::new(AtomicU64::new(0));
        let write = |n: u64| {
            let (store, done) = (store.clone(), done.clone());
            async move {
                let written = store
                    .write::<_, Broken>(home(), move |txn| txn.put(COUNTS, &format!("{n:02}"), &n))
                    .await;
                if written.is_ok() {
                    done.fetch_or(1 << n, Ordering::Relaxed);
                }
                written
            }
        };
        let crash = async {
            clock.advance(Duration::from_millis(9)).await;
            disk.crash();
            disk.set_faults(Faults::default());
            clock.advance(Duration::from_millis(20)).await;
        };
        let (answers, ()) = tokio::join!(join_all((0..40).map(write)), crash);
        let acknowledged = done.load(Ordering::Relaxed);
        assert!(answers.iter().all(|answer| matches!(answer, Ok(()) | Err(Broken::Unavailable(_)))));
        let store = disk.open();
        let rows =
            store.read::<_, Broken>(home(), |view| view.scan(COUNTS, &String::new(), 99)).await.unwrap();
        let kept = rows.iter().fold(0_u64, |kept, (_, n)| kept | 1 << n);
        assert_eq!(kept & acknowledged, acknowledged, "seed {seed}");
        partly += u64::from(kept != acknowledged && kept.count_ones() < 40);
    }
    assert!(partly > 10, "only {partly} of 40 crashes kept something unacknowledged and lost the rest");
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_undo_its_write_and_memory_still_follows() {
    let clock = Clock::virtual_at(0);
    let disk = Simulated::new(3, clock.clone());
    let store = disk.open();
    increment(&store).await.unwrap();
    assert_eq!(count(&store).await, 1);
    disk.set_faults(Faults { delay: Duration::from_millis(10), ..Faults::default() });
    for _ in 0..15 {
        let gone = clock.within(Duration::from_millis(8), increment(&store));
        let _ = tokio::join!(gone, clock.advance(Duration::from_millis(8)));
    }
    disk.set_faults(Faults::default());
    let stored = store.read::<_, Broken>(home(), |view| view.get(COUNTS, &key())).await.unwrap().unwrap();
    assert!(stored > 1);
    assert_eq!(count(&store).await, stored);
}

#[tokio::test]
async fn a_discarded_body_is_swept_within_seconds_and_a_forgotten_one_after_a_day() {
    let clock = Clock::virtual_at(0);
    let store = Store::simulated(1, clock.clone());
    let tasks = Tasks::new(Shutdown::new());
    let (sweeping, shutdown) = (store.blobs(), tasks.shutdown().clone());
    tasks.spawn("sweep", OnError::Stop, async move { sweeping.sweep_until(&shutdown).await });
    let stage = async |byte: u8| {
        let mut body = Bytes::from(vec![byte; 40_000]);
        store.blobs().stage(&mut body, 1 << 20).await.unwrap()
    };

    let staged = stage(1).await;
    let blob = store.write::<_, Broken>(home(), move |txn| txn.adopt(&staged)).await.unwrap();
    clock.advance(Duration::from_secs(2 * 24 * 3600)).await;
    assert!(store.blobs().read(&blob).await.is_ok(), "an adopted body was swept");
    store.write::<_, Broken>(home(), move |txn| txn.discard(&blob)).await.unwrap();
    clock.advance(Duration::from_secs(15)).await;
    assert!(store.blobs().read(&blob).await.is_err(), "a discarded body is still there");

    drop(stage(2).await);
    clock.advance(Duration::from_secs(26 * 3600)).await;
    assert_eq!(store.blobs().sweep().await.unwrap().blobs, 0, "a day later it should have been gone");
    tasks.shutdown().begin();
    tasks.idle().await;
}
