//! Many calls at once: bursts, queues, failed starts, retirement, draining.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use invoker::{Refused, Settings, Verdict};
use tasks::OnError;

use crate::stage::{Stage, function, named};

/// Starts `count` calls and counts those that succeeded, failed and were refused.
#[derive(Default, Clone)]
struct Tally {
    succeeded: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
    refused: Arc<Mutex<Vec<Refused>>>,
}

impl Tally {
    fn begin(&self, stage: &Stage, f: &Arc<invoker::FunctionVersion>, count: usize) {
        for _ in 0..count {
            let tally = self.clone();
            stage.begin_and(stage.call(f), move |ran| match ran {
                Ok(outcome) if outcome.verdict == Verdict::Success => {
                    tally.succeeded.fetch_add(1, Ordering::SeqCst);
                }
                Ok(_) => {
                    tally.failed.fetch_add(1, Ordering::SeqCst);
                }
                Err(refused) => tally.refused.lock().unwrap().push(refused),
            });
        }
    }

    fn counts(&self) -> (usize, usize, usize) {
        let refused = self.refused.lock().unwrap().len();
        (self.succeeded.load(Ordering::SeqCst), self.failed.load(Ordering::SeqCst), refused)
    }
}

#[tokio::test]
async fn fifty_parallel_calls_of_one_second_end_within_two_in_fifty_environments() {
    let stage = Stage::new();
    let f = Arc::new(function("init sleep 100; sleep 1000; echo"));
    let tally = Tally::default();
    tally.begin(&stage, &f, 50);
    stage.pass(1_100).await;
    assert_eq!(tally.counts(), (50, 0, 0));
    let seen = stage.driver.seen();
    assert_eq!((seen.started, seen.most_alive), (50, 50));
    assert_eq!(stage.logs.streams().len(), 50);
    stage.pass(60).await;
    assert_eq!(stage.driver.seen().frozen, 50);
    tally.begin(&stage, &f, 50);
    stage.pass(1_000).await;
    assert_eq!(
        (tally.counts(), stage.driver.seen().started),
        ((100, 0, 0), 50),
        "all of them are used again"
    );
}

#[tokio::test]
async fn calls_one_after_the_other_need_one_environment_though_the_runtime_is_slow_to_ask_again() {
    let stage = Stage::new();
    let f = Arc::new(function("echo; sleep 5"));
    for _ in 0..20 {
        stage.run(stage.call(&f), 5).await.unwrap();
    }
    assert_eq!(stage.driver.seen().started, 1);
}

#[tokio::test]
async fn who_asks_too_late_for_the_next_event_is_no_longer_waited_for() {
    let stage = Stage::new();
    let f = Arc::new(function("echo; sleep 1000"));
    stage.run(stage.call(&f), 0).await.unwrap();
    let tally = Tally::default();
    tally.begin(&stage, &f, 1);
    stage.pass(9).await;
    assert_eq!((tally.counts().0, stage.driver.seen().started), (0, 1));
    stage.pass(1).await;
    assert_eq!((tally.counts().0, stage.driver.seen().started), (1, 2));
}

#[tokio::test]
async fn a_waiting_call_takes_whichever_environment_comes_first() {
    let stage = Stage::new();
    let f = Arc::new(function("init sleep 500; sleep 100; echo"));
    let tally = Tally::default();
    tally.begin(&stage, &f, 1);
    stage.pass(550).await;
    // The second call starts an environment, but the first one's is free after 50 ms more.
    tally.begin(&stage, &f, 1);
    stage.pass(150).await;
    assert_eq!(tally.counts().0, 2);
    assert_eq!(stage.invoker.stats().starting, 1);
    stage.pass(500).await;
    assert_eq!(stage.invoker.stats().idle, 2, "the late one is kept for the next");
}

#[tokio::test]
async fn starts_never_outnumber_waiters() {
    let stage = Stage::new();
    let f = Arc::new(function("init sleep 100; sleep 10; echo"));
    let tally = Tally::default();
    for _ in 0..40 {
        let before = stage.driver.seen().started;
        let free = stage.invoker.stats().idle;
        tally.begin(&stage, &f, 3);
        stage.pass(0).await;
        let waiters = 3usize.saturating_sub(free);
        assert!(stage.driver.seen().started - before <= waiters);
        stage.pass(7).await;
    }
    stage.pass(2_000).await;
    assert_eq!(tally.counts(), (120, 0, 0));
    assert!(stage.driver.seen().started <= 120);
    assert_eq!(stage.driver.seen().started as u64, stage.invoker.stats().started);
}

#[tokio::test]
async fn one_failed_start_fails_one_call() {
    let stage = Stage::new();
    let f = Arc::new(function("init sleep 10; sleep 100; echo"));
    stage.driver.fail_starts(3);
    let tally = Tally::default();
    tally.begin(&stage, &f, 10);
    stage.pass(200).await;
    assert_eq!(tally.counts(), (7, 0, 3));
    assert!(matches!(tally.refused.lock().unwrap()[0], Refused::Internal(_)));
    let stats = stage.invoker.stats();
    assert_eq!((stats.idle, stats.failed_starts, stats.running), (7, 3, 0));
}

#[tokio::test]
async fn a_crowd_of_failing_initialisations_answers_everybody() {
    let stage = Stage::new();
    let f = Arc::new(function("init sleep 10; init exit 1"));
    let tally = Tally::default();
    tally.begin(&stage, &f, 10);
    stage.pass(100).await;
    assert_eq!(tally.counts(), (0, 10, 0));
    assert_eq!(stage.invoker.stats().running, 0);
}

#[tokio::test]
async fn an_account_runs_no_more_than_its_concurrency() {
    let stage = Stage::with(Settings { account_concurrency: 5, ..Settings::default() });
    let tally = Tally::default();
    for name in ["a", "b", "c"] {
        tally.begin(&stage, &Arc::new(named(name, "sleep 100; echo")), 2);
    }
    stage.pass(0).await;
    assert_eq!(*tally.refused.lock().unwrap(), [Refused::AccountConcurrency]);
    stage.pass(100).await;
    assert_eq!(tally.counts(), (5, 0, 1));
    assert_eq!((stage.invoker.stats().running, stage.invoker.stats().throttled), (0, 1));
}

#[tokio::test]
async fn the_queue_in_front_of_a_function_is_bounded() {
    let settings = Settings { waiting_per_function: 3, memory_budget_mb: 128, ..Settings::default() };
    let stage = Stage::with(settings);
    let f = Arc::new(function("sleep 100; echo"));
    let tally = Tally::default();
    tally.begin(&stage, &f, 1);
    stage.pass(0).await;
    tally.begin(&stage, &f, 5);
    stage.pass(0).await;
    assert_eq!(*tally.refused.lock().unwrap(), [Refused::Overloaded, Refused::Overloaded]);
    stage.pass(400).await;
    assert_eq!(tally.counts(), (4, 0, 2), "the others were served by the one environment");
    assert_eq!(stage.driver.seen().started, 1);
}

#[tokio::test]
async fn a_retired_function_finishes_what_runs_and_keeps_nothing() {
    let stage = Stage::new();
    let f = Arc::new(function("sleep 100; echo"));
    let bystander = Arc::new(named("bystander", "echo"));
    stage.run(stage.call(&bystander), 0).await.unwrap();
    let tally = Tally::default();
    tally.begin(&stage, &f, 3);
    stage.pass(150).await;
    tally.begin(&stage, &f, 2);
    stage.pass(50).await;
    assert_eq!(stage.driver.seen().alive, 4);
    stage.invoker.retire(&f.arn);
    stage.pass(0).await;
    assert_eq!(stage.driver.seen().alive, 3, "the idle one is gone");
    stage.pass(50).await;
    assert_eq!(tally.counts(), (5, 0, 0));
    assert_eq!((stage.driver.seen().alive, stage.invoker.stats().environments), (1, 1));
    let mut next = function("echo");
    next.revision = "r2".to_owned();
    stage.run(stage.call(&Arc::new(next)), 0).await.unwrap();
}

#[tokio::test]
async fn a_function_retired_while_it_starts_still_serves_who_waits() {
    let stage = Stage::new();
    let f = Arc::new(function("init sleep 100; echo"));
    let tally = Tally::default();
    tally.begin(&stage, &f, 2);
    stage.pass(50).await;
    stage.invoker.retire(&f.arn);
    stage.pass(60).await;
    assert_eq!(tally.counts(), (2, 0, 0));
    assert_eq!(stage.driver.seen().alive, 0);
}

#[tokio::test]
async fn draining_refuses_new_calls_and_waits_for_the_running_ones() {
    let stage = Stage::new();
    let f = Arc::new(function("sleep 1000; echo"));
    stage.run(stage.call(&f), 1_000).await.unwrap();
    let tally = Tally::default();
    tally.begin(&stage, &f, 2);
    stage.pass(10).await;
    let invoker = stage.invoker.clone();
    let drained = stage.tasks.spawn("drain", OnError::Log, async move {
        invoker.drain().await;
        Ok(())
    });
    stage.pass(10).await;
    assert_eq!(stage.run(stage.call(&f), 0).await.unwrap_err(), Refused::Stopping);
    assert_eq!(stage.invoker.stats().environments, 2);
    stage.pass(980).await;
    assert_eq!((tally.counts(), stage.invoker.stats().environments), ((2, 0, 0), 0));
    drained.join().await.unwrap();
    stage.tasks.idle().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_the_function() {
    let stage = Stage::new();
    let f = Arc::new(function("sleep 100; print done; echo"));
    stage.begin(stage.call(&f)).abort();
    let call = stage.begin(stage.call(&f));
    stage.pass(10).await;
    call.abort();
    stage.pass(200).await;
    assert!(stage.logs.lines().contains(&"done".to_owned()));
    assert_eq!(stage.invoker.stats().running, 0);
}

#[tokio::test]
async fn random_crowds_leave_nothing_behind() {
    let random = tasks::Random::seeded(42);
    let stage = Stage::with(Settings { memory_budget_mb: 1_280, ..Settings::default() });
    let scripts = [
        "init sleep 20; sleep 30; echo",
        "first exit 1; sleep 10; echo",
        "init first exit 2; tmp; sleep 4",
        "sleep 4000; echo",
        "init sleep 5; echo; first oom",
        "error Exception no",
    ];
    let tally = Tally::default();
    let mut begun = 0;
    for round in 0..150u64 {
        let which = random.below(scripts.len() as u64) as usize;
        let f = Arc::new(named(&format!("f{which}"), scripts[which]));
        let count = random.below(6) as usize;
        stage.driver.fail_starts(usize::from(random.below(12) == 0));
        begun += count;
        tally.begin(&stage, &f, count);
        if round % 25 == 24 {
            stage.invoker.retire(&f.arn);
        }
        stage.pass(random.below(40)).await;
    }
    stage.pass(60_000).await;
    let (succeeded, failed, refused) = tally.counts();
    assert_eq!(succeeded + failed + refused, begun, "everybody was answered");
    let stats = stage.invoker.stats();
    assert_eq!((stats.running, stats.waiting, stats.starting), (0, 0, 0), "{stats:?}");
    assert_eq!(stats.environments, stats.idle);
    stage.pass(700_000).await;
    let stats = stage.invoker.stats();
    assert_eq!((stats.environments, stats.memory_mb, stage.driver.seen().alive), (0, 0, 0));
}
