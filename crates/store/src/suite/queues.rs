//! Random operations on queues, each answer compared with that of a list in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws::Millis;
use tasks::{Clock, Random};

use super::Ground;
use crate::{
    Appended, Ask, Broken, Depth, Group, Hold, Home, Leased, Line, New, Owned, Queue, Settle, Settled, Store,
    Table, Token,
};

mod list;

use list::{List, Name};

const ITEMS: Queue<String> = Queue::new("suite.queue");
const MARKS: Table<u64, u64> = Table::new("suite.queue-marks");
const STEPS: usize = 500;

fn home() -> Home {
    Home::of(&["suite", "queues"])
}

/// A lease that is not over for its holder, whatever has become of it.
struct Held {
    name: Name,
    text: String,
    /// Of this process: dropped, it ends.
    leased: Option<Leased<String>>,
}

struct Run {
    random: Random,
    clock: Clock,
    owned: Owned,
    line: Line<String>,
    list: List,
    held: Vec<Held>,
    marks: u64,
}

pub(super) async fn check(seed: u64, ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let owned = store.own(home()).await?;
    let line = owned.queue(ITEMS);
    let clock = ground.clock();
    let random = Random::seeded(seed);
    let list = List::default();
    let mut run = Run { random, clock, owned, line, list, held: Vec::new(), marks: 0 };
    for step in 0..STEPS {
        run.step(&store).await.with_context(|| format!("step {step}"))?;
        if run.random.below(60) == 0 {
            ground.crash()?;
            let store = ground.open()?;
            run.again(&store).await?;
        }
    }
    Ok(())
}

impl Run {
    fn now(&self) -> Millis {
        Millis(self.clock.wall_ms())
    }

    /// What remains of a process that died: rows, and receipts as text.
    async fn again(&mut self, store: &Store) -> Result<()> {
        self.held.retain(|held| held.leased.is_none());
        self.list.forget_process();
        self.owned = store.own(home()).await?;
        self.line = self.owned.queue(ITEMS);
        Ok(())
    }

    async fn step(&mut self, _store: &Store) -> Result<()> {
        match self.random.below(20) {
            0..6 => self.append().await,
            6..11 => self.lease().await,
            11..16 => self.settle().await,
            16..18 => {
                let wait = Duration::from_millis(self.random.below(4_000));
                self.clock.advance(wait).await;
                Ok(())
            }
            18 => self.depth().await,
            _ => self.rare().await,
        }
    }

    fn source(&self) -> &'static str {
        ["open", "fair", "strict"][self.random.below(3) as usize]
    }

    fn item(&self) -> New<String> {
        let source = self.source();
        let name = || ["a", "b\0", "c", "d"][self.random.below(4) as usize].to_owned();
        let group = match source {
            "fair" if self.random.below(5) > 0 => Group::Fair(name()),
            "strict" => Group::Strict(name()),
            _ => Group::None,
        };
        let later = |bound| Millis(self.now().0 + self.random.below(bound));
        let due = (self.random.below(5) == 0).then(|| later(5_000));
        let once = (self.random.below(4) == 0).then(|| Token {
            scope: "suite",
            id: vec![self.random.below(5) as u8],
            keep: Duration::from_secs(5),
        });
        let length = if self.random.below(20) == 0 { 20_000 } else { self.random.below(20) };
        let body = format!("{:01$}", self.random.below(1_000), length as usize);
        New { group, due, once, ..New::of(source, body) }
    }

    async fn append(&mut self) -> Result<()> {
        let items: Vec<_> = (0..1 + self.random.below(4)).map(|_| self.item()).collect();
        let now = self.now();
        let appended = self.line.append(items.clone()).await?;
        ensure!(appended.len() == items.len());
        for (item, Appended { id, fresh }) in items.into_iter().zip(appended) {
            self.list.append(now, &item, id, fresh)?;
        }
        Ok(())
    }

    async fn lease(&mut self) -> Result<()> {
        let (source, max) = (self.source(), 1 + self.random.below(5) as usize);
        let hold = match self.random.below(3) {
            0 => Hold::Process,
            _ => Hold::Client(Duration::from_millis(self.random.below(4) * 1_000)),
        };
        // Now and then, what is old is not wanted.
        let born_after = match self.random.below(6) {
            0 => Millis(self.now().0 - 6_000),
            _ => Millis(0),
        };
        let ask = Ask { max, born_after, ..Ask::of(source, hold) };
        let now = self.now();
        let expected = self.list.lease(now, &ask);
        let leased = self.line.lease(ask).await?;
        let seen: Vec<_> = leased.iter().map(list::seen).collect();
        ensure!(seen == expected, "{source} {hold:?}: leased {seen:?}, expected {expected:?}");
        for leased in leased {
            let text = self.line.text(&leased.receipt);
            ensure!(self.line.receipt(&text).as_ref() == Some(&leased.receipt), "another receipt is read");
            let name = self.list.name(leased.id, hold);
            self.held.push(Held { name, text, leased: (hold == Hold::Process).then_some(leased) });
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let at = self.random.below(self.held.len() as u64) as usize;
        let now = self.now();
        let settle = match self.random.below(3) {
            0 => Settle::At(Millis(now.0 + self.random.below(3) * 1_000)),
            _ => Settle::Done,
        };
        let receipt = self.line.receipt(&self.held[at].text).context("a receipt is not read any more")?;
        let expected = self.list.settle(now, &self.held[at].name, settle);
        let settled = if self.random.below(2) == 0 {
            self.line.settle(vec![(receipt, settle)]).await?[0]
        } else {
            self.settle_with_a_row(receipt, settle).await?
        };
        ensure!(
            settled == expected,
            "{:?} {settle:?}: {settled:?}, expected {expected:?}",
            self.held[at].name
        );
        // Receipts are used again, as clients do.
        if self.random.below(3) > 0 {
            let held = self.held.swap_remove(at);
            if held.leased.is_some() {
                self.list.let_go(&held.name);
            }
        }
        Ok(())
    }

    /// A settle, an append and a row in one transaction, of which every second one changes its mind first.
    async fn settle_with_a_row(&mut self, receipt: crate::Receipt, settle: Settle) -> Result<Settled> {
        let (mark, item) = (self.marks, self.item());
        let (kept, kept_item) = (receipt.clone(), item.clone());
        let refused = self.owned.write(move |txn| {
            txn.settle(&kept, settle)?;
            txn.append(ITEMS, kept_item.clone())?;
            txn.put(MARKS, &mark, &1)?;
            Err::<(), _>(Broken::Conflict)
        });
        ensure!(refused.await == Err(Broken::Conflict));
        let (now, appended) = (self.now(), item.clone());
        let write = self.owned.write::<_, Broken>(move |txn| {
            ensure_absent(txn.get(MARKS, &mark)?)?;
            let settled = txn.settle(&receipt, settle)?;
            txn.put(MARKS, &mark, &mark)?;
            Ok((settled, txn.append(ITEMS, appended.clone())?))
        });
        let (settled, Appended { id, fresh }) = write.await?;
        self.marks += 1;
        self.list.append(now, &item, id, fresh)?;
        Ok(settled)
    }

    async fn depth(&mut self) -> Result<()> {
        let source = self.source();
        let (depth, expected) = (self.line.depth(source).await?, self.list.depth(self.now(), source));
        let all = |depth: Depth| depth.ready + depth.held + depth.delayed;
        // Behind ready items of a strict group nothing is looked at one by one.
        let same = if source == "strict" { all(depth) == all(expected) } else { depth == expected };
        ensure!(same, "{source}: {depth:?}, expected {expected:?}");
        Ok(())
    }

    async fn rare(&mut self) -> Result<()> {
        match self.random.below(4) {
            0 => {
                let source = self.source();
                let purged = self.line.purge(source).await?;
                let expected = self.list.purge(source);
                ensure!(purged == expected, "purged {purged} of {source}, expected {expected}");
            }
            1 => {
                // A process that gives up what it holds.
                self.held.retain(|held| held.leased.is_none());
                self.list.forget_process();
            }
            _ => {}
        }
        let kept: BTreeMap<u64, u64> = (0..self.marks).map(|mark| (mark, mark)).collect();
        let marks = self.owned.store.read::<_, Broken>(home(), |view| view.scan(MARKS, &0, 10_000)).await?;
        ensure!(marks.into_iter().eq(kept), "rows of other transactions than those that settled");
        Ok(())
    }
}

fn ensure_absent(row: Option<u64>) -> crate::Result<()> {
    match row {
        None => Ok(()),
        Some(_) => Err(Broken::Corrupt("an abort left a row".to_owned())),
    }
}
