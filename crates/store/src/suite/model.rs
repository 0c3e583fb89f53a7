//! Random operations, each answer compared with a plain map's.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use tasks::Random;

use super::Ground;
use crate::{Broken, Home, Store, Table, Txn};

type Key = (String, u64);

const TABLES: [Table<Key, String>; 3] =
    [Table::new("suite.model.a"), Table::new("suite.model.b"), Table::new("suite.model.c")];

const TRANSACTIONS: usize = 400;

type Model = BTreeMap<(usize, usize, Key), String>;

#[derive(Debug, Clone)]
enum Step {
    Get(Key),
    Scan(Key, usize),
    Put(Key, String),
    Delete(Key),
}

#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Row(Option<String>),
    Rows(Vec<(Key, String)>),
    Done,
}

fn key(random: &Random) -> Key {
    let letters = ["", "a", "a\0", "ab", "b", "ÿ"];
    (letters[random.below(letters.len() as u64) as usize].to_owned(), random.below(4))
}

fn step(random: &Random) -> (usize, Step) {
    let table = random.below(TABLES.len() as u64) as usize;
    let key = key(random);
    let step = match random.below(10) {
        0..2 => Step::Get(key),
        2..4 => Step::Scan(key, random.below(8) as usize),
        4..8 => {
            // Now and then larger than a page of the database.
            let times = if random.below(20) == 0 { 3_000 } else { random.below(5) };
            Step::Put(key, random.below(1_000_000).to_string().repeat(times as usize))
        }
        _ => Step::Delete(key),
    };
    (table, step)
}

fn expect(model: &mut Model, home: usize, table: usize, step: &Step) -> Seen {
    let place = |key: &Key| (home, table, key.clone());
    match step {
        Step::Get(key) => Seen::Row(model.get(&place(key)).cloned()),
        Step::Scan(from, limit) => {
            let end = (home, table + 1, (String::new(), 0));
            let rows = model.range(place(from)..end).take(*limit);
            Seen::Rows(rows.map(|((_, _, key), row)| (key.clone(), row.clone())).collect())
        }
        Step::Put(key, row) => {
            model.insert(place(key), row.clone());
            Seen::Done
        }
        Step::Delete(key) => {
            model.remove(&place(key));
            Seen::Done
        }
    }
}

fn perform(txn: &mut Txn<'_>, table: usize, step: &Step) -> crate::Result<Seen> {
    let table = TABLES[table];
    Ok(match step {
        Step::Get(key) => Seen::Row(txn.get(table, key)?),
        Step::Scan(from, limit) => Seen::Rows(txn.scan(table, from, *limit)?),
        Step::Put(key, row) => {
            txn.put(table, key, row)?;
            Seen::Done
        }
        Step::Delete(key) => {
            txn.delete(table, key)?;
            Seen::Done
        }
    })
}

/// What a transaction that changes its mind still reports.
struct Aborted(Vec<Seen>);

enum Ended {
    Aborted(Aborted),
    Broken(Broken),
}

impl From<Broken> for Ended {
    fn from(broken: Broken) -> Ended {
        Ended::Broken(broken)
    }
}

pub(super) async fn check(seed: u64, ground: &mut impl Ground) -> Result<()> {
    let random = Random::seeded(seed);
    let homes = ["x", "y", "z"].map(|name| Home::of(&["model", name]));
    let mut model = Model::new();
    let mut store = ground.open()?;
    for number in 0..TRANSACTIONS {
        let home = random.below(homes.len() as u64) as usize;
        let steps: Vec<_> = (0..1 + random.below(8)).map(|_| step(&random)).collect();
        let aborts = random.below(4) == 0;
        let mut after = model.clone();
        let expected: Vec<_> =
            steps.iter().map(|(table, step)| expect(&mut after, home, *table, step)).collect();
        let seen = transact(&store, homes[home], steps.clone(), aborts).await?;
        ensure!(seen == expected, "transaction {number} of {steps:?}: saw {seen:?}, expected {expected:?}");
        if !aborts {
            model = after;
        }
        if random.below(100) == 0 {
            ground.crash()?;
            store = ground.open()?;
        }
        if number % 10 == 0 {
            compare(&store, &model, &homes).await?;
        }
    }
    compare(&store, &model, &homes).await
}

async fn transact(store: &Store, home: Home, steps: Vec<(usize, Step)>, aborts: bool) -> Result<Vec<Seen>> {
    let done = store.write(home, move |txn| {
        let mut seen = Vec::new();
        for (table, step) in &steps {
            seen.push(perform(txn, *table, step)?);
        }
        if aborts { Err(Ended::Aborted(Aborted(seen))) } else { Ok(seen) }
    });
    match done.await {
        Ok(seen) | Err(Ended::Aborted(Aborted(seen))) => Ok(seen),
        Err(Ended::Broken(broken)) => Err(broken.into()),
    }
}

async fn compare(store: &Store, model: &Model, homes: &[Home]) -> Result<()> {
    let mut stored = Model::new();
    for (at, home) in homes.iter().enumerate() {
        for (number, table) in TABLES.into_iter().enumerate() {
            let rows = store.read(*home, move |view| view.scan(table, &(String::new(), 0), 1_000)).await?;
            stored.extend(rows.into_iter().map(|(key, row)| ((at, number, key), row)));
        }
    }
    ensure!(stored == *model, "stored rows differ from the model's");
    for (at, number, key) in model.keys() {
        // Through memory: filled by reads, kept true by writes.
        let row = store.get(TABLES[*number], homes[*at], key).await?;
        ensure!(row.as_deref() == model.get(&(*at, *number, key.clone())), "memory differs at {key:?}");
    }
    Ok(())
}
