use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws::Millis;
use tasks::Tick;

use super::lanes::{Chosen, item_key};
use super::receipt::Ticket;
use super::waiting::Waiter;
use super::{Appended, Ask, Group, Hold, New, Queue, Receipt, Settle, Settled, pack, whole};
use crate::limits::{BATCH, BATCH_BYTES};
use crate::own::{Owned, Seat};
use crate::row::unseal;
use crate::{Broken, Result, Row, Txn};

/// The part of a queue in a home that this node owns. Made by [`Owned::queue`].
pub struct Line<V> {
    owned: Owned,
    queue: Queue<V>,
}

impl<V> Clone for Line<V> {
    fn clone(&self) -> Self {
        Line { owned: self.owned.clone(), queue: self.queue }
    }
}

/// An item that is held. A lease of this process ends when this is dropped: the item may be leased again at once.
#[derive(Debug)]
pub struct Leased<V> {
    /// The item's id: grows in the order of the appends, so it is a sequence number too.
    pub id: u64,
    /// How it is ordered.
    pub group: Group,
    /// When it was born.
    pub born: Millis,
    /// When it was due, before this lease.
    pub due: Millis,
    /// Which lease of the item this is, from 1. What to do with too many is the caller's: a dead letter is settled as
    /// `Done` in the transaction that appends it elsewhere, or to an outbox.
    pub attempt: u32,
    /// The item itself.
    pub body: V,
    /// Ends the lease.
    pub receipt: Receipt,
    _mark: Option<Mark>,
}

/// How many items a source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// May be leased now, as soon as their groups let them.
    pub ready: u64,
    /// Held by clients. What this process holds counts as ready.
    pub held: u64,
    /// Their time has not come. Behind ready items of a strict group they count as ready.
    pub delayed: u64,
}

/// What this process holds of a lease, until it is settled or dropped.
struct Mark {
    seat: Arc<Seat>,
    tag: u32,
    source: String,
    id: u64,
    serial: u64,
}

impl std::fmt::Debug for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mark({} of {})", self.serial, self.id)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if self.seat.release(self.id, self.serial) {
            self.seat.bells.ring(self.tag, &self.source, 1);
        }
    }
}

/// What a transaction leased.
struct Grant {
    items: Vec<(Chosen, Millis, Option<Mark>)>,
    next: Option<Millis>,
    now: Millis,
}

impl<V: Row> Line<V> {
    pub(crate) fn new(owned: Owned, queue: Queue<V>) -> Line<V> {
        Line { owned, queue }
    }

    /// Appends items in one commit, in their order. Fails with `TooLarge` above 1,000 items or 64 MiB.
    pub async fn append(&self, items: Vec<New<V>>) -> Result<Vec<Appended>> {
        if items.len() > BATCH {
            return Err(Broken::TooLarge);
        }
        let packed = items.into_iter().map(pack).collect::<Result<Vec<_>>>()?;
        if packed.iter().map(|(_, _, packed)| packed.body.len()).sum::<usize>() > BATCH_BYTES {
            return Err(Broken::TooLarge);
        }
        let queue = self.queue;
        #[cfg(test)]
        if super::rules::slips::is(super::rules::slips::Slip::AppendUnwritten) {
            return Ok(packed.iter().map(|_| Appended { id: 1, fresh: true }).collect());
        }
        let append = move |txn: &mut Txn<'_>| {
            let append = |(source, once, packed): &(String, Option<_>, _)| {
                txn.append_packed(queue, source, once.as_ref(), packed)
            };
            packed.iter().map(append).collect()
        };
        self.owned.write(append).await
    }

    /// Leases up to `ask.max` items. With none it waits up to `ask.wait` for the first, woken by appends and settles of
    /// this node and by time; it does not wait until there are `max`.
    ///
    /// Dropping the future may leave items leased to a client until their time. After `Fenced` own the home again.
    pub async fn lease(&self, ask: Ask) -> Result<Vec<Leased<V>>> {
        let clock = self.owned.store.0.clock.clone();
        let until = clock.tick().plus(ask.wait);
        let (max, max_bytes) = (ask.max.clamp(1, BATCH), ask.max_bytes.min(BATCH_BYTES));
        let ask = Arc::new(Ask { max, max_bytes, ..ask });
        let bells = &self.owned.seat.bells;
        let mut waiter = match ask.wait {
            Duration::ZERO => None,
            _ => bells.wait(self.queue.tag(), &ask.source),
        };
        loop {
            let rings = waiter.as_ref().map(Waiter::rings).unwrap_or_default();
            let ring = rings.notified();
            tokio::pin!(ring);
            // From here on a ring is not missed, whatever the look does not see yet.
            ring.as_mut().enable();
            let grant = self.grant(&ask).await?;
            let (next, now) = (grant.next, grant.now);
            let leased = self.bodies(&ask, grant).await?;
            if leased.len() == ask.max {
                // There may be more for the next one.
                bells.ring(self.queue.tag(), &ask.source, 1);
            }
            if next.is_some_and(|next| next <= now) && leased.is_empty() {
                continue;
            }
            let Some(waiter) = waiter.as_mut().filter(|_| leased.is_empty() && clock.tick() < until) else {
                return Ok(leased);
            };
            let next = next.filter(|next| waiter.watch(*next));
            let wake = next
                .map_or(until, |next| until.min(clock.tick().plus(Duration::from_millis(next.since(now)))));
            tokio::select! {
                () = ring => {}
                () = self.owned.lost() => return Err(Broken::Fenced),
                () = clock.sleep_until(Tick(wake.0)) => {}
            }
            waiter.unwatch();
        }
    }

    /// Leases in one transaction.
    async fn grant(&self, ask: &Arc<Ask>) -> Result<Grant> {
        let (seat, ask, queue) = (self.owned.seat.clone(), ask.clone(), self.queue);
        let granted = Arc::new(Mutex::new(None));
        let slot = granted.clone();
        let lease = move |txn: &mut Txn<'_>| {
            let lock = || slot.lock().unwrap_or_else(PoisonError::into_inner);
            // What an earlier run marked is free again. If nobody takes this run's, dropping the closure frees it.
            drop(lock().take());
            txn.admit(queue.tag(), queue.name())?;
            let (now, mut lanes) = (txn.now(), txn.lanes(queue.tag(), &ask.source));
            let mut choice = lanes.choose(&ask)?;
            let dues: Vec<Millis> = choice.chosen.iter().map(|chosen| chosen.entry.due).collect();
            let mut marks = Vec::new();
            match ask.hold {
                Hold::Client(time) => {
                    let until = now.plus(millis(time));
                    lanes.lease(&mut choice.chosen, until)?;
                    if !choice.chosen.is_empty() {
                        txn.due(queue.tag(), &ask.source, until);
                    }
                }
                Hold::Process => {
                    for Chosen { group, entry } in &choice.chosen {
                        let Some(serial) = seat.hold(&lanes.rows, group, entry.id) else { break };
                        let (seat, source) = (seat.clone(), ask.source.clone());
                        marks.push(Mark { seat, tag: queue.tag(), source, id: entry.id, serial });
                    }
                    choice.chosen.truncate(marks.len());
                }
            }
            let mut marks = marks.into_iter();
            let items = choice.chosen.into_iter().zip(dues).map(|(chosen, due)| (chosen, due, marks.next()));
            let (items, next) = (items.collect(), choice.next);
            *lock() = Some(Grant { items, next, now });
            Ok(())
        };
        self.owned.write::<_, Broken>(lease).await?;
        let grant = granted.lock().unwrap_or_else(PoisonError::into_inner).take();
        grant.ok_or_else(|| Broken::Unavailable("the lease was not run".to_owned()))
    }

    async fn bodies(&self, ask: &Ask, grant: Grant) -> Result<Vec<Leased<V>>> {
        if grant.items.is_empty() {
            return Ok(Vec::new());
        }
        let ids = grant.items.iter().map(|(chosen, ..)| chosen.entry.id).collect();
        let bodies = self.owned.store.0.backend.items(ids).await?;
        let mut leased = Vec::with_capacity(bodies.len());
        for ((Chosen { group, entry }, due, mark), sealed) in grant.items.into_iter().zip(bodies) {
            // Purged, or on its way to the disk: it is not for anybody yet.
            let Some(sealed) = sealed else { continue };
            let body = match unseal(&item_key(entry.id), &sealed).and_then(V::decode) {
                Ok(body) => body,
                Err(error) => {
                    // One damaged item must not keep the others from their receivers.
                    tracing::error!(%error, id = entry.id, queue = self.queue.name(), "an item is passed over");
                    continue;
                }
            };
            let attempt = entry.attempt.saturating_add(u32::from(mark.is_some()));
            let receipt = Receipt(Ticket {
                home: self.owned.home(),
                tag: self.queue.tag(),
                source: ask.source.clone(),
                group: group.clone(),
                due: entry.due,
                id: entry.id,
                attempt,
                serial: mark.as_ref().map(|mark| mark.serial),
            });
            let (id, born) = (entry.id, entry.born);
            leased.push(Leased { id, group, born, due, attempt, body, receipt, _mark: mark });
        }
        Ok(leased)
    }

    /// Settles receipts in one commit; the answers are in their order. Fails with `TooLarge` above 1,000.
    pub async fn settle(&self, each: Vec<(Receipt, Settle)>) -> Result<Vec<Settled>> {
        if each.len() > BATCH {
            return Err(Broken::TooLarge);
        }
        let settle = move |txn: &mut Txn<'_>| {
            each.iter().map(|(receipt, settle)| txn.settle(receipt, *settle)).collect::<Result<Vec<_>>>()
        };
        self.owned.write(settle).await
    }

    /// A receipt as text for a client outside: letters, digits, `-` and `_`, at most 1,024 bytes. It outlives this
    /// process, unless it is one of this process.
    pub fn text(&self, receipt: &Receipt) -> String {
        self.owned.seat.sealer.write(&receipt.0)
    }

    /// The receipt that a client hands back; `None` unless this home wrote it, for this queue. Whether it is still good
    /// is for [`Line::settle`] to say.
    pub fn receipt(&self, text: &str) -> Option<Receipt> {
        let ticket = self.owned.seat.sealer.read(text)?;
        (ticket.home == self.owned.home() && ticket.tag == self.queue.tag()).then_some(Receipt(ticket))
    }

    /// Counts the items of a source as they are now. It costs about 0.1 µs an item and 2 µs each that is hidden, so ask
    /// no more than once a second.
    pub async fn depth(&self, source: &str) -> Result<Depth> {
        let (queue, source) = (self.queue, source.to_owned());
        self.owned.store.read(self.owned.home(), move |view| whole::depth(view, queue.tag(), &source)).await
    }

    /// Deletes what the source has now, held or not, a part after the other; answers how many there were. What is
    /// appended meanwhile stays. A new source's name in [`New::source`] purges at once: then this is the cleaning up.
    pub async fn purge(&self, source: &str) -> Result<u64> {
        let mut progress = Arc::new(whole::Purge::default());
        loop {
            let (queue, source, last) = (self.queue, source.to_owned(), progress.clone());
            let purge = move |txn: &mut Txn<'_>| {
                let part = whole::purge(&mut txn.lanes(queue.tag(), &source), &last)?;
                part.released.iter().for_each(|(id, serial)| txn.release(*id, *serial));
                Ok(part)
            };
            progress = Arc::new(self.owned.write::<_, Broken>(purge).await?);
            if progress.is_over() {
                return Ok(progress.deleted);
            }
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
