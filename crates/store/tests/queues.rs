//! What queues promise about time, waiting and owners, in virtual time.

#![allow(clippy::unwrap_used)] // Functions that only tests call are tests too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use store::{
    Ask, Broken, Elsewhere, Group, Hold, Home, Leased, Line, New, Owned, Queue, Settle, Settled, Simulated,
    Store,
};
use tasks::{Clock, OnError, Shutdown, Tasks};

const ITEMS: Queue<u64> = Queue::new("queues.items");
const SECOND: Duration = Duration::from_secs(1);

fn home() -> Home {
    Home::of(&["queues"])
}

async fn line(store: &Store) -> (Owned, Line<u64>) {
    let owned = store.own(home()).await.unwrap();
    let line = owned.queue(ITEMS);
    (owned, line)
}

fn ask(max: usize, hold_s: u64, wait_s: u64) -> Ask {
    let wait = Duration::from_secs(wait_s);
    Ask { max, wait, ..Ask::of("s", Hold::Client(Duration::from_secs(hold_s))) }
}

fn bodies(leased: &[Leased<u64>]) -> Vec<u64> {
    leased.iter().map(|leased| leased.body).collect()
}

fn strict(group: &str, body: u64) -> New<u64> {
    New { group: Group::Strict(group.to_owned()), ..New::of("s", body) }
}

/// Runs `lease` and tells when it came back, in seconds of virtual time.
async fn timed(clock: &Clock, line: &Line<u64>, ask: Ask) -> (u64, Vec<u64>) {
    let leased = line.lease(ask).await.unwrap();
    (clock.wall_ms() / 1_000, bodies(&leased))
}

#[tokio::test]
async fn a_wait_ends_with_an_append_or_with_time_or_with_the_end_of_the_wait() {
    let clock = Clock::virtual_at(0);
    let store = Store::simulated(1, clock.clone());
    let (_, line) = line(&store).await;
    // Nothing comes.
    let (seen, ()) = tokio::join!(timed(&clock, &line, ask(1, 30, 5)), clock.advance(20 * SECOND));
    assert_eq!(seen, (5, vec![]));
    // An append at 23 s.
    let append = async {
        clock.advance(3 * SECOND).await;
        line.append(vec![New::of("s", 1)]).await.unwrap();
        clock.advance(20 * SECOND).await;
    };
    let (seen, ()) = tokio::join!(timed(&clock, &line, ask(1, 30, 20)), append);
    assert_eq!(seen, (23, vec![1]));
    // The time of the lease runs out at 53 s.
    let (seen, ()) = tokio::join!(timed(&clock, &line, ask(1, 30, 20)), clock.advance(20 * SECOND));
    assert_eq!(seen, (53, vec![1]));
    // A delay, at 70 s, and one that is appended later and due earlier.
    let append = async {
        let later = |due: u64, body| New { due: Some(aws::Millis(due * 1_000)), ..New::of("s", body) };
        clock.advance(SECOND).await;
        line.append(vec![later(72, 2)]).await.unwrap();
        clock.advance(SECOND).await;
        line.append(vec![later(70, 3)]).await.unwrap();
        clock.advance(20 * SECOND).await;
    };
    let both = async {
        let (a, b) = tokio::join!(timed(&clock, &line, ask(1, 30, 20)), timed(&clock, &line, ask(1, 30, 20)));
        [a.clone().min(b.clone()), a.max(b)]
    };
    let (seen, ()) = tokio::join!(both, append);
    assert_eq!(seen, [(70, vec![3]), (72, vec![2])]);
}

#[tokio::test]
async fn a_time_that_another_lease_sets_is_watched_by_those_who_wait_already() {
    let clock = Clock::virtual_at(0);
    let store = Store::simulated(1, clock.clone());
    let (_, line) = line(&store).await;
    let append = async {
        clock.advance(SECOND).await;
        // One of them watches for this, and now waits behind the other.
        let due = Some(aws::Millis(50_000));
        line.append(vec![New { due, ..New::of("s", 1) }]).await.unwrap();
        clock.advance(SECOND).await;
        // The other takes this for 5 s, of which the first one has seen nothing.
        line.append(vec![New::of("s", 2)]).await.unwrap();
        clock.advance(60 * SECOND).await;
    };
    let both =
        async { tokio::join!(timed(&clock, &line, ask(2, 5, 40)), timed(&clock, &line, ask(2, 5, 40))) };
    let ((first, second), ()) = tokio::join!(both, append);
    assert_eq!((second, first), ((2, vec![2]), (7, vec![2])));
}

#[tokio::test]
async fn each_append_wakes_one_of_those_who_wait_and_none_is_forgotten() {
    let clock = Clock::virtual_at(0);
    let store = Store::simulated(1, clock.clone());
    let (_, line) = line(&store).await;
    let tasks = Tasks::new(Shutdown::new());
    let served = Arc::new(AtomicUsize::new(0));
    for _ in 0..50 {
        let (line, served) = (line.clone(), served.clone());
        tasks.spawn("receiver", OnError::Stop, async move {
            served.fetch_add(line.lease(ask(1, 3_600, 20)).await?.len(), Ordering::Relaxed);
            Ok(())
        });
    }
    clock.advance(SECOND).await;
    line.append((0..20).map(|body| New::of("s", body)).collect()).await.unwrap();
    clock.advance(SECOND).await;
    assert_eq!(served.load(Ordering::Relaxed), 20);
    for body in 20..45 {
        let due = Some(aws::Millis(3_000));
        line.append(vec![New { due, ..New::of("s", body) }]).await.unwrap();
    }
    clock.advance(SECOND).await;
    assert_eq!(served.load(Ordering::Relaxed), 45);
    clock.advance(20 * SECOND).await;
    assert_eq!((served.load(Ordering::Relaxed), tasks.running()), (45, 0));
}

#[tokio::test]
async fn settling_a_strict_groups_last_held_item_wakes_who_waits_for_the_next() {
    let clock = Clock::virtual_at(0);
    let store = Store::simulated(1, clock.clone());
    let (_, line) = line(&store).await;
    line.append(vec![strict("g", 1), strict("g", 2), strict("g", 3)]).await.unwrap();
    let held = line.lease(ask(2, 30, 0)).await.unwrap();
    assert_eq!(bodies(&held), [1, 2]);
    let settle = async {
        clock.advance(2 * SECOND).await;
        line.settle(vec![(held[0].receipt.clone(), Settle::Done)]).await.unwrap();
        clock.advance(2 * SECOND).await;
        line.settle(vec![(held[1].receipt.clone(), Settle::Done)]).await.unwrap();
        clock.advance(20 * SECOND).await;
    };
    let (seen, ()) = tokio::join!(timed(&clock, &line, ask(9, 30, 20)), settle);
    assert_eq!(seen, (4, vec![3]));
}

#[tokio::test]
async fn strict_groups_are_served_whole_and_in_turns() {
    let store = Store::simulated(1, Clock::virtual_at(0));
    let (_, line) = line(&store).await;
    let items = [("g1", 11), ("g1", 12), ("g2", 21), ("g2", 22), ("g3", 31)];
    line.append(items.map(|(group, body)| strict(group, body)).into()).await.unwrap();
    assert_eq!(bodies(&line.lease(ask(3, 0, 0)).await.unwrap()), [11, 12, 21]);
    assert_eq!(bodies(&line.lease(ask(10, 30, 0)).await.unwrap()), [31, 11, 12, 21, 22]);
}

#[tokio::test]
async fn a_postponed_item_holds_up_those_behind_it_in_its_strict_group_only() {
    let clock = Clock::virtual_at(0);
    let store = Store::simulated(1, clock.clone());
    let (_, line) = line(&store).await;
    line.append(vec![strict("g", 1), strict("g", 2), strict("g", 3), strict("h", 4)]).await.unwrap();
    let held = line.lease(ask(3, 10, 0)).await.unwrap();
    let at = |seconds: u64| Settle::At(aws::Millis(seconds * 1_000));
    assert_eq!(line.settle(vec![(held[1].receipt.clone(), at(20))]).await.unwrap(), [Settled::Yes]);
    clock.advance(10 * SECOND).await;
    assert_eq!(bodies(&line.lease(ask(9, 60, 0)).await.unwrap()), [4, 1]);
    clock.advance(10 * SECOND).await;
    assert_eq!(bodies(&line.lease(ask(9, 60, 0)).await.unwrap()), [0; 0], "1 is held again");
    // An end that was given back is handed out although another is held; a receipt whose time is over is not good.
    let stale = line.settle(vec![(held[0].receipt.clone(), Settle::Done), (held[1].receipt.clone(), at(9))]);
    assert_eq!(stale.await.unwrap(), [Settled::Stale, Settled::Stale]);
}

#[tokio::test]
async fn a_busy_fair_group_does_not_keep_the_others_waiting() {
    let store = Store::simulated(1, Clock::virtual_at(0));
    let (_, line) = line(&store).await;
    let fair = |group: u64, body| New { group: Group::Fair(format!("{group}")), ..New::of("s", body) };
    line.append((0..900).map(|body| fair(0, body)).collect()).await.unwrap();
    line.append((1..40).map(|group| fair(group, 1_000 + group)).collect()).await.unwrap();
    for hold in [Hold::Client(60 * SECOND), Hold::Process] {
        let mut quiet = 0;
        let mut held = Vec::new();
        for _ in 0..5 {
            let leased = line.lease(Ask { max: 10, hold, ..ask(10, 0, 0) }).await.unwrap();
            assert_eq!(leased.len(), 10);
            quiet += leased.iter().filter(|leased| leased.body >= 1_000).count();
            held.extend(leased);
        }
        assert_eq!(quiet, 39, "{hold:?}");
        let given_back = held.iter().map(|leased| (leased.receipt.clone(), Settle::At(aws::Millis(0))));
        line.settle(given_back.collect()).await.unwrap();
    }
}

#[tokio::test]
async fn a_client_may_change_its_time_again_and_again_and_then_delete() {
    let clock = Clock::virtual_at(0);
    let store = Store::simulated(1, clock.clone());
    let (_, line) = line(&store).await;
    line.append(vec![New::of("s", 1)]).await.unwrap();
    let text = line.text(&line.lease(ask(1, 10, 0)).await.unwrap()[0].receipt);
    for second in (5..50).step_by(5) {
        clock.advance(5 * SECOND).await;
        let receipt = line.receipt(&text).unwrap();
        let at = Settle::At(aws::Millis((second + 10) * 1_000));
        assert_eq!(line.settle(vec![(receipt, at)]).await.unwrap(), [Settled::Yes]);
        assert!(line.lease(ask(1, 10, 0)).await.unwrap().is_empty());
        assert_eq!(line.depth("s").await.unwrap().held, 1);
    }
    clock.advance(60 * SECOND).await;
    // Nobody else had it, so the receipt is good although its time is over.
    let receipt = line.receipt(&text).unwrap();
    let done = vec![(receipt.clone(), Settle::Done), (receipt, Settle::Done)];
    assert_eq!(line.settle(done).await.unwrap(), [Settled::Yes, Settled::Gone]);
    assert_eq!(line.depth("s").await.unwrap(), store::Depth::default());
}

#[tokio::test]
async fn a_home_is_taken_from_a_silent_node_and_nothing_of_its_commits_after_that() {
    let clock = Clock::virtual_at(0);
    let disk = Simulated::new(1, clock.clone());
    let (a, b) = (disk.open_as("a"), disk.open_as("b"));
    let (owned, at_a) = line(&a).await;
    // What another node appends is in the same queue.
    b.write::<_, Broken>(home(), |txn| txn.append(ITEMS, New::of("s", 1))).await.unwrap();
    at_a.append(vec![New::of("s", 2)]).await.unwrap();
    let held = at_a.lease(Ask { max: 1, ..Ask::of("s", Hold::Process) }).await.unwrap();
    let client = at_a.lease(ask(1, 3_600, 0)).await.unwrap();
    assert_eq!((bodies(&held), bodies(&client)), (vec![1], vec![2]));

    // While it beats, nobody takes it.
    let tasks = Tasks::new(Shutdown::new());
    let shutdown = Shutdown::new();
    let (beating, stop) = (a.clone(), shutdown.clone());
    tasks.spawn("beat", OnError::Stop, async move {
        beating.beat_until(&stop).await;
        Ok(())
    });
    clock.advance(60 * SECOND).await;
    assert_eq!(b.own(home()).await.err(), Some(Elsewhere::Node("a".to_owned())));
    shutdown.begin();
    clock.advance(4 * SECOND).await;
    let (taken, at_b) = line(&b).await;
    assert_eq!(
        bodies(&at_b.lease(ask(9, 60, 0)).await.unwrap()),
        [1],
        "what a process held is free, what a client has is not"
    );
    let text = at_a.text(&client[0].receipt);
    let receipt = at_b.receipt(&text).expect("receipts outlive their node");
    assert_eq!(at_b.settle(vec![(receipt, Settle::Done)]).await.unwrap(), [Settled::Yes]);

    let fenced = at_a.settle(vec![(held[0].receipt.clone(), Settle::Done)]).await;
    assert_eq!(fenced, Err(Broken::Fenced));
    owned.lost().await;
    assert_eq!(at_a.append(vec![New::of("s", 3)]).await, Err(Broken::Fenced));
    assert_eq!(at_a.lease(ask(1, 1, 20)).await.err(), Some(Broken::Fenced));
    assert_eq!(a.own(home()).await.err(), Some(Elsewhere::Node("b".to_owned())));
    drop(taken);
    assert_eq!(at_b.depth("s").await.unwrap(), store::Depth { held: 1, ..store::Depth::default() });
}

#[tokio::test]
async fn a_waiting_lease_ends_when_a_beat_shows_that_the_home_is_lost() {
    let clock = Clock::virtual_at(0);
    let disk = Simulated::new(1, clock.clone());
    let (a, b) = (disk.open_as("a"), disk.open_as("b"));
    let (_, at_a) = line(&a).await;
    let take = async {
        clock.advance(4 * SECOND).await;
        b.own(home()).await.unwrap();
        let tasks = Tasks::new(Shutdown::new());
        let beating = a.clone();
        let beat = tasks.spawn("beat", OnError::Stop, async move {
            beating.beat_until(&Shutdown::new()).await;
            Ok(())
        });
        clock.advance(2 * SECOND).await;
        beat.abort();
    };
    let (lease, ()) = tokio::join!(at_a.lease(ask(1, 1, 3_600)), take);
    assert_eq!(lease.err(), Some(Broken::Fenced));
}

#[tokio::test]
async fn expired_items_are_not_leased_but_deleted() {
    let clock = Clock::virtual_at(100_000);
    let store = Store::simulated(1, clock.clone());
    let (_, line) = line(&store).await;
    let born = |seconds: u64, item: New<u64>| New { born: Some(aws::Millis(seconds * 1_000)), ..item };
    let many = (0..999).map(|body| born(10, New::of("s", body)));
    line.append(many.chain([born(10, strict("g", 1))]).collect()).await.unwrap();
    line.append((0..500).map(|body| born(10, New::of("s", body))).collect()).await.unwrap();
    line.append(vec![born(60, strict("g", 2)), born(60, New::of("s", 3))]).await.unwrap();
    let fresh = Ask { born_after: aws::Millis(50_000), ..ask(9, 30, 20) };
    assert_eq!(bodies(&line.lease(fresh).await.unwrap()), [3, 2]);
    assert_eq!(line.depth("s").await.unwrap(), store::Depth { held: 2, ..store::Depth::default() });
}

#[tokio::test]
async fn large_items_are_bounded_one_by_one_and_together() {
    let store = Store::simulated(1, Clock::virtual_at(0));
    let line = store.own(home()).await.unwrap().queue(Queue::<String>::new("queues.texts"));
    let quoted = |bytes: usize| New::of("s", "x".repeat(bytes - 2));
    let largest = store::limits::ITEM_BYTES;
    assert_eq!(line.append(vec![quoted(largest + 1)]).await, Err(Broken::TooLarge));
    let many = store::limits::BATCH_BYTES / largest + 1;
    assert_eq!(line.append(vec![quoted(largest); many]).await, Err(Broken::TooLarge));
    line.append(vec![quoted(largest), quoted(1_000), quoted(1_000), quoted(1_000)]).await.unwrap();
    for (max_bytes, expected) in [(0, 1), (2_500, 2), (2_500, 1)] {
        let hold = Hold::Client(60 * SECOND);
        let leased = line.lease(Ask { max: 9, max_bytes, ..Ask::of("s", hold) }).await.unwrap();
        assert_eq!(leased.len(), expected);
    }
}
