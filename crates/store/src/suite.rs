//! What every back end must do: one suite, run over each. A failure says which promise broke.

use std::pin::Pin;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use tasks::Clock;

use crate::{Broken, Change, Home, Store, Table, Token, Txn, View};

mod blobs;
mod model;
mod ownership;
mod queues;

/// A place where a store can be opened, crashed and opened again.
pub trait Ground {
    /// Opens the store on what is there.
    fn open(&self) -> Result<Store>;

    /// Stops everything at once, as kill -9 does: the next `open` sees what was acknowledged. Stores that are open stay
    /// so, without effect on it; closing them first would be another test.
    fn crash(&mut self) -> Result<()>;

    /// The clock of the stores opened here, a virtual one.
    fn clock(&self) -> Clock;
}

const NAMES: Table<String, u64> = Table::new("suite.names");
const OTHERS: Table<String, u64> = Table::new("suite.others");
const PAIRS: Table<(String, u64), String> = Table::new("suite.pairs");

type Check<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// A promise, and what finds it broken.
type Promise<G> = (&'static str, fn(&mut G) -> Check<'_>);

/// Runs everything over stores on grounds that `make` makes, a fresh one for each promise. `seed` chooses the random
/// operations.
pub async fn suite<G: Ground>(seed: u64, mut make: impl FnMut() -> Result<G>) -> Result<()> {
    let checks: [Promise<G>; 12] = [
        ("one of 64 racing creators wins", |ground| Box::pin(racing_creators(ground))),
        ("no increment is lost", |ground| Box::pin(counters(ground))),
        ("a guard over a scan holds under racers", |ground| Box::pin(phantoms(ground))),
        ("an abort leaves nothing", |ground| Box::pin(aborts(ground))),
        ("a transaction sees its own writes", |ground| Box::pin(own_writes(ground))),
        ("homes and tables are apart", |ground| Box::pin(apart(ground))),
        ("what was acknowledged survives a crash", |ground| Box::pin(crashes(ground))),
        ("a token takes effect once", |ground| Box::pin(tokens(ground))),
        ("memory follows the commits", |ground| Box::pin(memory(ground))),
        ("items are written once and deleted once", |ground| Box::pin(items(ground))),
        ("a journal is read back in order", |ground| Box::pin(journal(ground))),
        ("limits are kept", |ground| Box::pin(limits(ground))),
    ];
    for (promise, check) in checks {
        check(&mut make()?).await.context(promise)?;
    }
    blobs::check(&mut make()?).await.context("a blob lives while it is adopted")?;
    blobs::sweeps(&mut make()?).await.context("only what nobody holds is swept")?;
    ownership::check(&mut make()?)
        .await
        .context("a home is owned once, and its queues are settled by its owner")?;
    model::check(seed, &mut make()?).await.with_context(|| format!("random operations, seed {seed}"))?;
    queues::check(seed, &mut make()?)
        .await
        .with_context(|| format!("random operations on queues, seed {seed}"))
}

fn home() -> Home {
    Home::of(&["suite", "1"])
}

// These fix the error's type, which `?` in a closure leaves open.
async fn write<T: Send + 'static>(
    store: &Store,
    home: Home,
    decide: impl FnMut(&mut Txn<'_>) -> crate::Result<T> + Send + 'static,
) -> crate::Result<T> {
    store.write(home, decide).await
}

async fn read<T: Send + 'static>(
    store: &Store,
    home: Home,
    look: impl FnMut(&mut View<'_>) -> crate::Result<T> + Send + 'static,
) -> crate::Result<T> {
    store.read(home, look).await
}

async fn put(store: &Store, key: &str, value: u64) -> crate::Result<()> {
    let key = key.to_owned();
    write(store, home(), move |txn| txn.put(NAMES, &key, &value)).await
}

async fn get(store: &Store, key: &str) -> crate::Result<Option<u64>> {
    let key = key.to_owned();
    read(store, home(), move |view| view.get(NAMES, &key)).await
}

async fn racing_creators(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let create = |racer: u64| {
        write(&store, home(), move |txn| match txn.get(NAMES, &"name".to_owned())? {
            Some(_) => Ok(None),
            None => txn.put(NAMES, &"name".to_owned(), &racer).map(|()| Some(racer)),
        })
    };
    let won: Vec<u64> = try_join_all((0..64).map(create)).await?.into_iter().flatten().collect::<Vec<_>>();
    ensure!(won.len() == 1, "winners: {won:?}");
    ensure!(get(&store, "name").await? == won.first().copied());
    Ok(())
}

async fn counters(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let increment = || {
        write(&store, home(), |txn| {
            let count = txn.get(NAMES, &"count".to_owned())?.unwrap_or(0);
            txn.put(NAMES, &"count".to_owned(), &(count + 1))
        })
    };
    try_join_all((0..320).map(|_| increment())).await?;
    ensure!(get(&store, "count").await? == Some(320));
    Ok(())
}

async fn phantoms(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let enter = |racer: u64| {
        write(&store, home(), move |txn| {
            if txn.scan(NAMES, &String::new(), 100)?.len() < 5 {
                txn.put(NAMES, &format!("racer {racer}"), &racer)?;
            }
            Ok(())
        })
    };
    try_join_all((0..32).map(enter)).await?;
    let inside = read(&store, home(), |view| view.scan(NAMES, &String::new(), 100)).await?;
    ensure!(inside.len() == 5, "{inside:?}");
    Ok(())
}

async fn aborts(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    put(&store, "before", 1).await?;
    // Neighbours in one group commit: every second one changes its mind after writing.
    let attempt = |n: u64| {
        let store = store.clone();
        async move {
            let done = write(&store, home(), move |txn| {
                txn.put(NAMES, &format!("row {n:02}"), &n)?;
                txn.delete(NAMES, &"before".to_owned())?;
                txn.put(NAMES, &"before".to_owned(), &n)?;
                if n.is_multiple_of(2) { Ok(()) } else { Err(Broken::Conflict) }
            });
            Ok::<_, Broken>(done.await.is_ok())
        }
    };
    let done = try_join_all((0..40).map(attempt)).await?;
    ensure!(done.iter().enumerate().all(|(n, done)| *done == (n % 2 == 0)));
    let rows = read(&store, home(), |view| view.scan(NAMES, &"row".to_owned(), 100)).await?;
    ensure!(rows.len() == 20 && rows.iter().all(|(_, n)| n % 2 == 0), "{rows:?}");
    ensure!(get(&store, "before").await? == Some(38));
    Ok(())
}

async fn own_writes(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    for n in [2, 4, 6] {
        put(&store, &format!("{n}"), n).await?;
    }
    let seen = write(&store, home(), |txn| {
        for (key, value) in [("1", 1), ("4", 40), ("5", 5), ("7", 7)] {
            txn.put(NAMES, &key.to_owned(), &value)?;
        }
        txn.delete(NAMES, &"6".to_owned())?;
        txn.delete(NAMES, &"5".to_owned())?;
        txn.delete(NAMES, &"9".to_owned())?;
        let all = txn.scan(NAMES, &String::new(), 100)?;
        let some = txn.scan(NAMES, &"2".to_owned(), 2)?;
        Ok((all, some, txn.get(NAMES, &"6".to_owned())?))
    });
    let (all, some, gone) = seen.await?;
    let expected = [("1", 1), ("2", 2), ("4", 40), ("7", 7)].map(|(key, value)| (key.to_owned(), value));
    ensure!(all == expected && some == expected[1..3] && gone.is_none(), "{all:?} {some:?} {gone:?}");
    ensure!(read(&store, home(), |view| view.scan(NAMES, &String::new(), 100)).await? == expected);
    Ok(())
}

async fn apart(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let homes: Vec<Home> = Home::all().collect();
    for (n, home) in homes.iter().enumerate() {
        let write = write(&store, *home, move |txn| {
            txn.put(NAMES, &"key".to_owned(), &(n as u64))?;
            txn.put(PAIRS, &("key".to_owned(), n as u64), &"pair".to_owned())
        });
        write.await?;
    }
    for (n, home) in homes.iter().enumerate() {
        let look = read(&store, *home, |view| {
            let names = view.scan(NAMES, &String::new(), 10)?;
            let pairs = view.scan(PAIRS, &(String::new(), 0), 10)?;
            Ok((names, pairs, view.scan(OTHERS, &String::new(), 10)?))
        });
        let (names, pairs, others) = look.await?;
        ensure!(names == [("key".to_owned(), n as u64)], "{home:?}: {names:?}");
        ensure!(pairs == [(("key".to_owned(), n as u64), "pair".to_owned())], "{home:?}: {pairs:?}");
        ensure!(others.is_empty());
    }
    Ok(())
}

async fn crashes(ground: &mut impl Ground) -> Result<()> {
    for round in 0..3 {
        let store = ground.open()?;
        for n in 0..round * 20 {
            ensure!(get(&store, &format!("row {n}")).await? == Some(n), "row {n} in round {round}");
        }
        let write = |n: u64| {
            let store = store.clone();
            async move { put(&store, &format!("row {n}"), n).await }
        };
        try_join_all((round * 20..(round + 1) * 20).map(write)).await?;
        ground.crash()?;
    }
    let store = ground.open()?;
    store.close().await;
    ensure!(matches!(put(&store, "late", 1).await, Err(Broken::Unavailable(_))), "a closed store wrote");
    ensure!(matches!(get(&store, "late").await, Err(Broken::Unavailable(_))), "a closed store read");
    let store = ground.open()?;
    ensure!(get(&store, "row 59").await? == Some(59) && get(&store, "late").await?.is_none());
    Ok(())
}

async fn once(store: &Store, scope: &'static str, id: u64, keep_s: u64) -> crate::Result<bool> {
    let keep = std::time::Duration::from_secs(keep_s);
    let token = Token { scope, id: id.to_be_bytes().to_vec(), keep };
    write(store, home(), move |txn| txn.once(&token)).await
}

async fn tokens(ground: &mut impl Ground) -> Result<()> {
    let (store, clock) = (ground.open()?, ground.clock());
    let racers = try_join_all((0..20).map(|_| once(&store, "a", 1, 300))).await?;
    ensure!(racers.iter().filter(|first| **first).count() == 1, "{racers:?}");
    ensure!(once(&store, "b", 1, 300).await?, "scopes are apart");
    let refused = write(&store, home(), |txn| {
        let token = Token { scope: "c", id: vec![1], keep: std::time::Duration::from_secs(300) };
        txn.once(&token)?;
        Err::<(), _>(Broken::Conflict)
    });
    ensure!(refused.await.is_err());
    let token = Token { scope: "c", id: vec![1], keep: std::time::Duration::from_secs(300) };
    ensure!(write(&store, home(), move |txn| txn.once(&token)).await?, "an abort spent a token");
    ground.crash()?;
    let store = ground.open()?;
    clock.advance(std::time::Duration::from_secs(299)).await;
    ensure!(!once(&store, "a", 1, 300).await?, "forgotten too early");
    clock.advance(std::time::Duration::from_secs(2)).await;
    ensure!(once(&store, "a", 1, 300).await?, "kept too long");
    ensure!(!once(&store, "a", 1, 300).await?, "an expired token is remembered again");
    Ok(())
}

async fn memory(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let key = "hot".to_owned();
    let cached = || store.cached(NAMES, home(), &key).map(|row| *row);
    let mut feed = store.follow(NAMES);
    ensure!(feed.next().await == Change::Reload);
    ensure!(store.get(NAMES, home(), &key).await?.is_none(), "found before it was written");
    put(&store, "hot", 1).await?;
    ensure!(store.get(NAMES, home(), &key).await?.as_deref() == Some(&1), "absence was cached");
    ensure!(cached() == Some(1));
    for n in 2..50 {
        put(&store, "hot", n).await?;
        ensure!(cached() == Some(n), "memory is behind an acknowledged write");
    }
    let abort = write(&store, home(), |txn| {
        txn.put(NAMES, &"hot".to_owned(), &1_000)?;
        Err::<(), _>(Broken::Conflict)
    });
    ensure!(abort.await.is_err() && cached() == Some(49));
    // Many writers of one row: memory must end where the disk does.
    try_join_all((100..164).map(|n| put(&store, "hot", n))).await?;
    ensure!(cached() == get(&store, "hot").await?, "memory and disk differ after a race");
    write(&store, home(), |txn| txn.delete(NAMES, &"hot".to_owned())).await?;
    ensure!(cached().is_none() && store.get(NAMES, home(), &key).await?.is_none());
    let mut last = None;
    for _ in 0..1 + 48 + 64 {
        match feed.next().await {
            Change::Put(at, found, value) if at == home() && found == key => last = Some(value),
            other => anyhow::bail!("unexpected {other:?} after {last:?}"),
        }
    }
    ensure!(feed.next().await == Change::Deleted(home(), key.clone()));
    Ok(())
}

async fn items(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let backend = store.0.backend.clone();
    let base = 7_u64 << 48;
    backend
        .run(
            None,
            Box::new(move |txn| {
                (0..10).all(|n| txn.put_item(base | n, &[n as u8; 100]).is_ok())
                    && txn.delete_items(&[base | 3]).is_ok()
            }),
        )
        .await?;
    let again = backend.run(None, Box::new(move |txn| txn.put_item(base | 1, b"again").is_ok())).await;
    let kept = backend.items(vec![base | 9, base | 3, base | 1, 1]).await?;
    ensure!(kept == [Some(vec![9; 100]), None, Some(vec![1; 100]), None], "after {again:?}: {kept:?}");
    backend.run(None, Box::new(move |txn| txn.delete_items(&[base | 1, base | 1, 5]).is_ok())).await?;

    ground.crash()?;
    let backend = ground.open()?.0.backend.clone();
    ensure!(backend.items(vec![base | 1, base | 2]).await? == [None, Some(vec![2; 100])]);
    Ok(())
}

async fn journal(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let journal = store.journal("suite", 1 << 20)?;
    let mut positions = Vec::new();
    for n in 0..100_u64 {
        positions.push(journal.note(&n.to_be_bytes())?);
    }
    ensure!(positions.is_sorted_by(|a, b| a < b) && positions.iter().all(|at| *at < journal.end()));
    let tail = journal.read(positions[60], 10 * 16).await?;
    ensure!(
        tail.records
            .first()
            .is_some_and(|(at, record)| *at == positions[60] && record[..] == 60_u64.to_be_bytes())
    );
    ensure!(tail.next == positions[60 + tail.records.len()], "{tail:?}");
    ensure!(journal.read(journal.end(), 1 << 20).await?.records.is_empty());
    ensure!(journal.note(&vec![0; crate::limits::NOTE_BYTES + 1]) == Err(Broken::TooLarge));
    // Long enough for the sync, so that no crash may take them.
    ground.clock().advance(std::time::Duration::from_secs(1)).await;
    store.close().await;
    drop((store, journal));
    ground.crash()?;
    let journal = ground.open()?.journal("suite", 1 << 20)?;
    let next = journal.note(b"next")?;
    let all = journal.read(0, 1 << 20).await?;
    ensure!(
        all.records.len() == 101 && all.records[100] == (next, "next".into()),
        "{} kept",
        all.records.len()
    );
    ensure!(all.records.iter().zip(&positions).all(|((at, _), noted)| at == noted) && next > positions[99]);
    Ok(())
}

async fn limits(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let long = write(&store, home(), |txn| txn.put(NAMES, &"k".repeat(2_000), &1)).await;
    ensure!(long == Err(Broken::TooLarge), "{long:?}");
    const TEXTS: Table<String, String> = Table::new("suite.texts");
    let large =
        |bytes: usize| write(&store, home(), move |txn| txn.put(TEXTS, &"k".to_owned(), &"x".repeat(bytes)));
    ensure!(large((1 << 20) - 1).await == Err(Broken::TooLarge), "quotes count too");
    large((1 << 20) - 2).await?;
    let back = read(&store, home(), |view| view.get(TEXTS, &"k".to_owned())).await?;
    ensure!(back.is_some_and(|text| text.len() == (1 << 20) - 2));
    Ok(())
}
