//! The queue engine against its promises, from a seed: two nodes over one simulated disk, with crashes, conflicts, lost
//! answers, fences and takeovers, each closure run twice.
//!
//! Four of five seeds do one thing at a time, and every answer is judged. The fifth does several at once with delays, so
//! that a crash finds commits under way; there what was acknowledged is judged.
//!
//! A failure names its seed; `check` runs one.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws::Millis;
use futures_util::future::join_all;
use tasks::{Clock, Random};

use super::rules::slips::{self, Slip};
use super::{Ask, Group, Hold, Leased, New, Queue, Settle, Settled};
use crate::{Broken, Elsewhere, Faults, Home, Owned, Receipt, Simulated, Store, Token};

mod ledger;

use ledger::{Held, Ledger};

const ITEMS: Queue<u64> = Queue::new("simulation.items");
const LIVE: &str = "live";
const DEAD: &str = "dead";
const NODES: [&str; 2] = ["a", "b"];
/// Leases after which an item is dead.
const ATTEMPTS: u32 = 2;
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn home() -> Home {
    Home::of(&["simulation", "queues"])
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    OneByOne,
    Together,
}

struct World {
    mode: Mode,
    random: Random,
    clock: Clock,
    disk: Simulated,
    stores: RefCell<Vec<Store>>,
    owned: RefCell<Vec<Option<Owned>>>,
    ledger: RefCell<Ledger>,
    /// The fence that was given last.
    fence: Cell<Option<u64>>,
}

/// What a message is, for its number: its group and its token are always the same, as when a client tries again.
fn message(number: u64) -> New<u64> {
    let name = format!("{}", number % 3);
    let group = match number % 5 {
        0 | 1 => Group::Strict(name),
        2 | 3 => Group::Fair(name),
        _ => Group::None,
    };
    let once = number.is_multiple_of(2).then(|| Token {
        scope: "simulation",
        id: number.to_be_bytes().into(),
        keep: 30 * DAY,
    });
    New { group, once, ..New::of(LIVE, number) }
}

impl World {
    fn new(seed: u64) -> World {
        let clock = Clock::virtual_at(1_000_000);
        let disk = Simulated::new(seed, clock.clone());
        let mode = if seed % 5 == 4 { Mode::Together } else { Mode::OneByOne };
        let world = World {
            mode,
            random: Random::seeded(!seed),
            clock,
            disk,
            stores: RefCell::default(),
            owned: RefCell::default(),
            ledger: RefCell::new(Ledger::new(mode == Mode::OneByOne)),
            fence: Cell::new(None),
        };
        world.reopen();
        world
    }

    fn now(&self) -> Millis {
        Millis(self.clock.wall_ms())
    }

    fn reopen(&self) {
        *self.stores.borrow_mut() = NODES.map(|node| self.disk.open_as(node)).into();
        *self.owned.borrow_mut() = NODES.map(|_| None).into();
    }

    fn faults(&self) {
        let delay = if self.mode == Mode::Together { Duration::from_millis(20) } else { Duration::ZERO };
        let in_a_thousand = || if self.random.below(3) == 0 { 100 } else { 0 };
        self.disk.set_faults(Faults {
            fenced: in_a_thousand() / 4,
            conflict: in_a_thousand(),
            full: in_a_thousand() / 2,
            unavailable: in_a_thousand(),
            lost_answer: in_a_thousand(),
            delay,
        });
    }

    async fn run(&self) -> Result<()> {
        self.faults();
        let steps = 150;
        for step in 0..steps {
            match self.mode {
                Mode::OneByOne => self.step().await,
                Mode::Together => {
                    let together = join_all((0..4).map(|_| self.step()));
                    let time = async {
                        self.clock.advance(Duration::from_millis(10 + self.random.below(90))).await;
                        if self.random.below(20) == 0 {
                            self.crash();
                        }
                        self.clock.advance(Duration::from_millis(100)).await;
                        Ok(())
                    };
                    let (done, time) = tokio::join!(together, time);
                    done.into_iter().chain([time]).collect()
                }
            }
            .with_context(|| format!("step {step}"))?;
            // Together each step is four, and takes longer to simulate.
            if self.mode == Mode::Together && step == 9 {
                break;
            }
        }
        self.end().await.context("at the end")
    }

    async fn step(&self) -> Result<()> {
        match self.random.below(40) {
            0..11 => self.append().await,
            11..21 => self.lease().await,
            21..32 => self.settle().await,
            32..34 => self.take().await,
            34 => {
                self.ledger.borrow_mut().drop_process();
                Ok(())
            }
            35 if self.mode == Mode::OneByOne => {
                self.crash();
                Ok(())
            }
            36 => {
                self.faults();
                Ok(())
            }
            _ if self.mode == Mode::OneByOne => {
                self.clock.advance(Duration::from_millis(self.random.below(4_000))).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn crash(&self) {
        self.disk.crash();
        self.ledger.borrow_mut().crashed();
        self.reopen();
    }

    fn node(&self) -> usize {
        self.random.below(NODES.len() as u64) as usize
    }

    /// Tries to make a node the owner.
    async fn take(&self) -> Result<()> {
        let node = self.node();
        let store = self.stores.borrow()[node].clone();
        if self.mode == Mode::OneByOne && self.random.below(2) == 0 {
            // The other one has been silent.
            self.clock.advance(Duration::from_secs(4)).await;
        }
        match store.own(home()).await {
            Ok(owned) => {
                let nonce = owned.seat.fence.nonce;
                let mut all = self.owned.borrow_mut();
                let same = all[node].as_ref().is_some_and(|old| old.seat.fence.nonce == nonce);
                if !same {
                    self.fence.set(Some(nonce));
                    self.ledger.borrow_mut().owner_changed();
                }
                all[node] = Some(owned);
                Ok(())
            }
            Err(Elsewhere::Node(_) | Elsewhere::Broken(_)) => Ok(()),
        }
    }

    /// Some node's ownership, which may have ended without its knowing.
    fn owned(&self) -> Option<Owned> {
        self.owned.borrow()[self.node()].clone()
    }

    /// Nothing succeeds with an old fence.
    fn judge<T>(&self, owned: &Owned, answer: &crate::Result<T>) -> Result<()> {
        // Together the owner may have changed since the commit.
        let current = self.mode == Mode::Together || self.fence.get() == Some(owned.seat.fence.nonce);
        ensure!(answer.is_err() || current, "a commit by a fenced owner");
        Ok(())
    }

    async fn append(&self) -> Result<()> {
        let number = self.ledger.borrow_mut().next_to_send(&self.random);
        let item = message(number);
        let owned = self.owned().filter(|_| self.random.below(2) == 0);
        let answer = match owned {
            Some(owned) => {
                let answer = owned.queue(ITEMS).append(vec![item]).await;
                self.judge(&owned, &answer)?;
                answer.map(|appended| appended[0])
            }
            None => {
                let store = self.stores.borrow()[self.node()].clone();
                store.write::<_, Broken>(home(), move |txn| txn.append(ITEMS, item.clone())).await
            }
        };
        self.ledger.borrow_mut().sent(number, answer)
    }

    async fn lease(&self) -> Result<()> {
        let Some(owned) = self.owned() else { return Ok(()) };
        let time = Duration::from_millis(500 + self.random.below(4_000));
        let hold = if self.random.below(3) == 0 { Hold::Process } else { Hold::Client(time) };
        let ask = Ask { max: 1 + self.random.below(4) as usize, ..Ask::of(LIVE, hold) };
        let begun = self.ledger.borrow_mut().begin();
        let answer = owned.queue(ITEMS).lease(ask).await;
        self.judge(&owned, &answer)?;
        let Ok(leased) = answer else { return Ok(()) };
        let until = self.now().plus(time.as_millis() as u64);
        self.ledger.borrow_mut().leased(begun, self.now(), &leased)?;
        for leased in leased {
            let text = owned.queue(ITEMS).text(&leased.receipt);
            let until = (hold != Hold::Process).then_some(until);
            self.ledger.borrow_mut().hold(leased, text, until);
        }
        Ok(())
    }

    async fn settle(&self) -> Result<()> {
        let Some(held) = self.ledger.borrow_mut().pick(&self.random) else { return Ok(()) };
        let Some(owned) = self.owned() else { return Ok(()) };
        let receipt = owned.queue(ITEMS).receipt(&held.text).context("a receipt is not read")?;
        if held.attempt >= ATTEMPTS {
            return self.bury(&owned, &held, receipt).await;
        }
        let settle = match self.random.below(3) {
            0 => Settle::At(Millis(self.now().0 + self.random.below(3_000))),
            _ => Settle::Done,
        };
        self.ledger.borrow_mut().settling(&held, settle);
        let answer = owned.queue(ITEMS).settle(vec![(receipt, settle)]).await;
        self.judge(&owned, &answer)?;
        self.ledger.borrow_mut().settled(&held, settle, answer.map(|settled| settled[0]))
    }

    /// Moves a dead item in one transaction.
    async fn bury(&self, owned: &Owned, held: &Held, receipt: Receipt) -> Result<()> {
        let number = held.number;
        self.ledger.borrow_mut().settling(held, Settle::Done);
        let answer = owned
            .write::<_, Broken>(move |txn| {
                let settled = txn.settle(&receipt, Settle::Done)?;
                if settled == Settled::Yes {
                    txn.append(ITEMS, New::of(DEAD, number))?;
                }
                Ok(settled)
            })
            .await;
        self.judge(owned, &answer)?;
        self.ledger.borrow_mut().buried(held, answer)
    }

    /// Everything goes well from here on: what is left comes out, once, and nothing stays.
    async fn end(&self) -> Result<()> {
        self.disk.set_faults(Faults::default());
        self.crash();
        self.clock.advance(DAY).await;
        let store = self.stores.borrow()[0].clone();
        let owned = store.own(home()).await?;
        let line = owned.queue(ITEMS);
        for source in [LIVE, DEAD] {
            loop {
                let ask = Ask { max: 50, ..Ask::of(source, Hold::Client(DAY)) };
                let begun = self.ledger.borrow_mut().begin();
                let leased: Vec<Leased<u64>> = line.lease(ask).await?;
                if leased.is_empty() {
                    break;
                }
                if source == LIVE {
                    self.ledger.borrow_mut().leased(begun, self.now(), &leased)?;
                }
                let done = leased.iter().map(|leased| (leased.receipt.clone(), Settle::Done)).collect();
                let settled = line.settle(done).await?;
                ensure!(settled.iter().all(|settled| *settled == Settled::Yes), "{settled:?}");
                for leased in &leased {
                    self.ledger.borrow_mut().came_out(leased.body, source == DEAD);
                }
            }
            ensure!(line.depth(source).await? == super::Depth::default());
        }
        let (from, to) = (crate::table::prefix(home(), ITEMS.tag()), crate::table::end(home(), ITEMS.tag()));
        let left = store.0.backend.look(Box::new(move |raw| assert_eq!(raw.count(&from, &to), Ok(0))));
        left.await?;
        let ids = self.ledger.borrow().ids();
        let bodies = store.0.backend.items(ids).await?;
        ensure!(bodies.iter().all(Option::is_none), "bodies without a row");
        self.ledger.borrow().balance()
    }
}

/// Runs a seed.
async fn check(seed: u64) -> Result<()> {
    World::new(seed).run().await.with_context(|| format!("seed {seed}"))
}

#[tokio::test]
async fn five_hundred_seeds_keep_every_promise() {
    let mut seen = ledger::Seen::default();
    for seed in 0..500 {
        let world = World::new(seed);
        let run = world.run().await.with_context(|| format!("seed {seed}"));
        if let Err(error) = run {
            panic!("{error:#}");
        }
        seen.add(world.ledger.borrow().seen());
    }
    // A simulation in which nothing happens proves nothing.
    assert!(seen.leased > 5_000 && seen.settled > 2_000 && seen.buried > 20, "{seen:?}");
    assert!(seen.unknown > 500 && seen.stale > 100, "{seen:?}");
}

#[tokio::test]
async fn each_broken_rule_is_noticed() {
    for (slip, words) in [
        (Slip::StrictGroupsPass, "strict"),
        (Slip::AnyReceiptIsGood, "receipt"),
        (Slip::NoFence, "fenced"),
        (Slip::TokensForgotten, "token"),
        (Slip::AppendUnwritten, ""),
    ] {
        slips::set(slip);
        let mut noticed = None;
        for seed in 0..100 {
            if let Err(error) = check(seed).await {
                noticed = Some(format!("{error:#}"));
                break;
            }
        }
        slips::set(Slip::None);
        let noticed = noticed.unwrap_or_else(|| panic!("100 seeds do not notice {slip:?}"));
        assert!(noticed.contains(words), "{slip:?} is noticed as: {noticed}");
    }
}
