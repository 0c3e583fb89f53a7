//! A queue as a list in memory.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use aws::Millis;

use crate::queue::model::{Candidate, Holder, Met, Occasion, Offer, Order, deal, meet, stand};
use crate::{Ask, Depth, Group, Hold, Leased, New, Settle, Settled, Token};

#[derive(Debug, Clone)]
struct Item {
    id: u64,
    source: String,
    group: Group,
    body: String,
    born: Millis,
    due: Millis,
    attempt: u32,
    leased: bool,
    /// Which lease of the process holds it.
    process: Option<u64>,
}

/// What a receipt names: an item, and which lease of it.
#[derive(Debug, Clone)]
pub(super) struct Name {
    id: u64,
    strict: bool,
    attempt: u32,
    process: Option<u64>,
}

#[derive(Default)]
pub(super) struct List {
    items: BTreeMap<u64, Item>,
    tokens: BTreeMap<Vec<u8>, (Millis, u64)>,
    stands: BTreeMap<(String, Group), (Millis, u64)>,
    turn: u64,
    last: u64,
    leases: u64,
}

/// What is compared of a lease.
pub(super) type Seen = (u64, Group, u32, Millis, String);

pub(super) fn seen(leased: &Leased<String>) -> Seen {
    (leased.id, leased.group.clone(), leased.attempt, leased.due, leased.body.clone())
}

impl List {
    pub(super) fn append(&mut self, now: Millis, item: &New<String>, id: u64, fresh: bool) -> Result<()> {
        if let Some(Token { id: token, keep, .. }) = &item.once {
            let first = self.tokens.get(token).filter(|(until, _)| *until > now).map(|(_, id)| *id);
            ensure!(
                fresh == first.is_none() && first.is_none_or(|first| first == id),
                "{first:?} {id} {fresh}"
            );
            if first.is_some() {
                return Ok(());
            }
            self.tokens.insert(token.clone(), (now.plus(keep.as_millis() as u64), id));
        }
        ensure!(fresh && id > self.last, "{id} after {}", self.last);
        self.last = id;
        let New { source, group, due, body, .. } = item.clone();
        let due = due.unwrap_or(now);
        let new = Item { id, source, group, body, born: now, due, attempt: 0, leased: false, process: None };
        let lane = (new.source.clone(), new.group.clone());
        self.items.insert(id, new);
        self.touch(now, &lane, Occasion::Changed);
        Ok(())
    }

    fn lane(&self, source: &str, group: &Group) -> Vec<&Item> {
        let mut lane: Vec<_> =
            self.items.values().filter(|item| item.source == source && item.group == *group).collect();
        if group.order() == Order::Free {
            lane.sort_by_key(|item| (item.due, item.id));
        }
        lane
    }

    fn touch(&mut self, now: Millis, lane: &(String, Group), occasion: Occasion) {
        if lane.1 == Group::None {
            return;
        }
        let head = self.lane(&lane.0, &lane.1).first().map(|item| item.due);
        let old = self.stands.get(lane).map(|(from, _)| *from);
        let from = stand(old, head, now, occasion);
        if occasion == Occasion::Served || from != old {
            self.turn += 1;
            self.stands.remove(lane);
            self.stands.extend(from.map(|from| (lane.clone(), (from, self.turn))));
        }
    }

    pub(super) fn lease(&mut self, now: Millis, ask: &Ask) -> Vec<Seen> {
        let mut groups: Vec<_> = self
            .stands
            .iter()
            .filter(|((source, _), (from, _))| *source == ask.source && *from <= now)
            .map(|((_, group), place)| (*place, group.clone()))
            .collect();
        groups.sort();
        let mut offered = vec![self.offer(now, ask, &Group::None)];
        let mut some = 0;
        let ready = std::mem::replace(&mut groups, vec![((now, 0), Group::None)]);
        for (place, group) in ready {
            let offer = self.offer(now, ask, &group);
            // A strict group that fills the lease is the last that is looked at; a client's lease looks at as many
            // groups as it wants items.
            let full = group.order() == Order::Strict && offer.1.len() == ask.max;
            some += usize::from(!offer.1.is_empty());
            groups.push((place, group));
            offered.push(offer);
            if full || (ask.hold != Hold::Process && some == ask.max) {
                break;
            }
        }
        let groups: Vec<Group> = groups.into_iter().map(|(_, group)| group).collect();
        let offers: Vec<_> = offered.iter().map(|(offer, _)| offer.clone()).collect();
        let mut next: Vec<_> = offered.into_iter().map(|(_, ids)| ids.into_iter()).collect();
        let mut leased = Vec::new();
        let mut served = Vec::new();
        for lane in deal(&offers, ask.max, ask.max_bytes) {
            let id = next[lane].next().expect("what was offered is there");
            leased.push(self.take(now, ask.hold, id));
            if !served.contains(&groups[lane]) {
                served.push(groups[lane].clone());
            }
        }
        if ask.hold != Hold::Process {
            for group in served {
                self.touch(now, &(ask.source.clone(), group), Occasion::Served);
            }
        }
        leased
    }

    fn offer(&mut self, now: Millis, ask: &Ask, group: &Group) -> (Offer, Vec<u64>) {
        let (mut free, mut expired) = (Vec::new(), Vec::new());
        let lane = self.lane(&ask.source, group);
        let busy = lane.iter().filter(|item| item.process.is_some()).count();
        for item in lane {
            if free.len() == ask.max {
                break;
            }
            let holder = if item.process.is_some() { Holder::Process } else { Holder::None };
            let candidate = Candidate { due: item.due, born: item.born, holder };
            match meet(group.order(), candidate, now, ask.born_after) {
                Met::Free => free.push((item.id, item.body.len() + 2)),
                Met::Blocks => break,
                Met::Passed => {}
                Met::Expired => expired.push(item.id),
            }
        }
        self.items.retain(|id, _| !expired.contains(id));
        if !expired.is_empty() {
            self.touch(now, &(ask.source.clone(), group.clone()), Occasion::Changed);
        }
        let (ids, sizes) = free.into_iter().unzip();
        (Offer { order: group.order(), busy, sizes }, ids)
    }

    fn take(&mut self, now: Millis, hold: Hold, id: u64) -> Seen {
        self.leases += 1;
        let item = self.items.get_mut(&id).expect("what was offered is there");
        let seen = (id, item.group.clone(), item.attempt + 1, item.due, item.body.clone());
        match hold {
            Hold::Process => item.process = Some(self.leases),
            Hold::Client(time) => {
                item.due = now.plus(time.as_millis() as u64);
                item.attempt += 1;
                item.leased = true;
            }
        }
        seen
    }

    /// The lease that was just made.
    pub(super) fn name(&self, id: u64, hold: Hold) -> Name {
        let item = &self.items[&id];
        let process = item.process.filter(|_| hold == Hold::Process);
        Name { id, strict: item.group.order() == Order::Strict, attempt: item.attempt, process }
    }

    pub(super) fn settle(&mut self, now: Millis, name: &Name, settle: Settle) -> Settled {
        let Some(item) = self.items.get_mut(&name.id) else { return Settled::Gone };
        let good = match name.process {
            Some(lease) => item.process == Some(lease),
            None => {
                let other = item.attempt != name.attempt || item.process.is_some();
                !other && item.leased && (!name.strict || item.due > now)
            }
        };
        if !good {
            return Settled::Stale;
        }
        let lane = (item.source.clone(), item.group.clone());
        match settle {
            Settle::Done => drop(self.items.remove(&name.id)),
            Settle::At(due) => {
                item.due = due;
                if item.process.is_some() && name.process.is_some() {
                    item.attempt += 1;
                    item.leased = false;
                    item.process = None;
                }
            }
        }
        let occasion = if name.process.is_some() { Occasion::Served } else { Occasion::Changed };
        self.touch(now, &lane, occasion);
        Settled::Yes
    }

    pub(super) fn let_go(&mut self, name: &Name) {
        if let Some(item) = self.items.get_mut(&name.id)
            && item.process == name.process
        {
            item.process = None;
        }
    }

    pub(super) fn forget_process(&mut self) {
        self.items.values_mut().for_each(|item| item.process = None);
    }

    pub(super) fn purge(&mut self, source: &str) -> u64 {
        let before = self.items.len();
        self.items.retain(|_, item| item.source != source);
        self.stands.retain(|(of, _), _| of != source);
        (before - self.items.len()) as u64
    }

    pub(super) fn depth(&self, now: Millis, source: &str) -> Depth {
        let mut depth = Depth::default();
        for item in self.items.values().filter(|item| item.source == source) {
            match (item.due > now, item.leased) {
                (true, true) => depth.held += 1,
                (true, false) => depth.delayed += 1,
                (false, _) => depth.ready += 1,
            }
        }
        depth
    }
}
