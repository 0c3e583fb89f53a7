use anyhow::{Result, ensure};

use super::{Ground, home};
use crate::{Ask, Broken, Group, Hold, Home, New, Queue, Settle, Settled};

const ITEMS: Queue<u64> = Queue::new("suite.owned");

pub(super) async fn check(ground: &mut impl Ground) -> Result<()> {
    let store = ground.open()?;
    let owned = store.own(home()).await?;
    let again = store.own(home()).await?;
    let line = owned.queue(ITEMS);
    // Anybody appends, whatever the home; another transaction of it sees nothing until it is committed.
    store.write::<_, Broken>(home(), |txn| txn.append(ITEMS, New::of("s", 1))).await?;
    let ask = |hold| Ask { max: 9, ..Ask::of("s", hold) };
    let first = line.lease(ask(Hold::Process)).await?;
    ensure!(first.len() == 1 && first[0].body == 1 && first[0].attempt == 1);
    ensure!(again.queue(ITEMS).lease(ask(Hold::Process)).await?.is_empty(), "one home, one memory");
    let receipt = first[0].receipt.clone();
    let settle = receipt.clone();
    let outside = store.write::<_, Broken>(home(), move |txn| txn.settle(&settle, Settle::Done)).await;
    ensure!(outside == Err(Broken::Fenced), "settled without owning: {outside:?}");
    let other = store.own(Home::of(&["suite", "another"])).await?;
    ensure!(other.home() != owned.home());
    ensure!(other.queue(ITEMS).settle(vec![(receipt.clone(), Settle::Done)]).await? == [Settled::Stale]);
    let text = line.text(&receipt);
    ensure!(other.queue(ITEMS).receipt(&text).is_none(), "another home's receipt was read");
    ensure!(owned.queue(Queue::<u64>::new("suite.other")).receipt(&text).is_none(), "another queue's");

    // Dropped unsettled, it is there again, and it was no attempt.
    drop(first);
    let second = line.lease(ask(Hold::Process)).await?;
    ensure!(second.len() == 1 && second[0].attempt == 1);
    ensure!(line.settle(vec![(receipt, Settle::Done)]).await? == [Settled::Stale], "an old lease settled");
    let done = second[0].receipt.clone();
    ensure!(line.settle(vec![(done.clone(), Settle::Done)]).await? == [Settled::Yes]);
    ensure!(line.settle(vec![(done, Settle::Done)]).await? == [Settled::Gone]);
    drop(second);
    ensure!(line.lease(ask(Hold::Process)).await?.is_empty());

    let named = |bytes: usize| New { group: Group::Fair("g".repeat(bytes)), ..New::of("s", 1) };
    ensure!(line.append(vec![named(257)]).await == Err(Broken::TooLarge));
    ensure!(line.append(vec![New::of("s".repeat(257), 1)]).await == Err(Broken::TooLarge));
    ensure!(line.append(vec![named(1); 1_001]).await == Err(Broken::TooLarge));
    ensure!(line.append(vec![named(256); 1_000]).await?.len() == 1_000);
    ensure!(line.purge("s").await? == 1_000);
    Ok(())
}
