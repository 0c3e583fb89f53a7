//! The engine within a transaction: reads the queue's rows, asks the rules, writes what they say.

use std::collections::BTreeSet;

use aws::Millis;

use super::layout::{Entry, Place, Rows, Stand, State, numbers, read_numbers};
use super::receipt::Ticket;
use super::rules::{self, Candidate, Found, Holder, Met, Occasion, Offer, Order};
use super::{Ask, Group, Hold, Settle, Settled};
use crate::backend::RawTxn;
use crate::limits::{BATCH, GROUPS_SEEN, ITEM_BYTES, QUEUE_PAGE};
use crate::own::Seat;
use crate::row::seal_within;
use crate::table::{place, tag};
use crate::{Home, Result};

/// Where each home's last number is.
const NUMBERS: u32 = tag("store.numbers");

/// The numbers of a home, of items and of turns in lines, within a transaction: read once and written once.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    last: Option<u64>,
}

impl Numbers {
    /// A number that no commit has used.
    pub(crate) fn next(&mut self, raw: &mut dyn RawTxn, home: Home) -> Result<u64> {
        let last = match self.last {
            Some(last) => last,
            None => {
                let key = place(home, NUMBERS, &())?;
                let [last] = match raw.get(&key)? {
                    Some(sealed) => read_numbers(&key, &sealed)?,
                    None => [0],
                };
                last
            }
        };
        self.last = Some(last + 1);
        Ok(last + 1)
    }

    /// Writes which numbers were used, at the end of the transaction.
    pub(crate) fn write(&self, raw: &mut dyn RawTxn, home: Home) -> Result<()> {
        let Some(last) = self.last else { return Ok(()) };
        let key = place(home, NUMBERS, &())?;
        raw.put(&key, &numbers(&key, [last])?)
    }
}

/// The key under which an item's body is sealed.
pub(crate) fn item_key(id: u64) -> [u8; 8] {
    id.to_be_bytes()
}

/// An item before it is one.
pub(crate) struct Packed {
    pub(crate) group: Group,
    pub(crate) due: Option<Millis>,
    pub(crate) born: Option<Millis>,
    pub(crate) body: Vec<u8>,
}

/// An item that a lease takes.
pub(crate) struct Chosen {
    pub(crate) group: Group,
    pub(crate) entry: Entry,
}

/// What a lease found.
pub(crate) struct Choice {
    pub(crate) chosen: Vec<Chosen>,
    /// When there may be more: a time to come, or now when only a part was looked at.
    pub(crate) next: Option<Millis>,
}

struct Lane {
    group: Group,
    busy: usize,
    entries: Vec<Entry>,
}

/// One source of a queue in an open transaction.
pub(crate) struct Lanes<'t> {
    pub(crate) raw: &'t mut dyn RawTxn,
    pub(crate) numbers: &'t mut Numbers,
    pub(crate) rows: Rows<'t>,
    pub(crate) now: Millis,
    /// What this process holds, when it owns the home.
    pub(crate) seat: Option<&'t Seat>,
}

impl Lanes<'_> {
    /// Appends an item; answers its id.
    pub(crate) fn append(&mut self, item: &Packed) -> Result<u64> {
        let id = u64::from(self.rows.home.0) << 48 | self.numbers.next(self.raw, self.rows.home)?;
        let entry = Entry {
            id,
            born: item.born.unwrap_or(self.now),
            // Far enough, and every time has one behind it.
            due: Millis(item.due.unwrap_or(self.now).0.min(u64::MAX / 2)),
            attempt: 0,
            size: u32::try_from(item.body.len()).unwrap_or(u32::MAX),
            state: State::Waiting,
            place: Place::Named,
        };
        self.raw.put_item(id, &seal_within(ITEM_BYTES, &item_key(id), &item.body)?)?;
        self.put(&item.group, &entry)?;
        self.touch(&item.group, Occasion::Changed)?;
        Ok(id)
    }

    fn put(&mut self, group: &Group, entry: &Entry) -> Result<()> {
        let key = self.rows.entry(group, entry.due, entry.id);
        self.raw.put(&key, &entry.encode(&key)?)
    }

    /// Removes the rows of an item, not its body.
    fn lift(&mut self, group: &Group, entry: &Entry) -> Result<()> {
        self.raw.delete(&self.rows.entry(group, entry.due, entry.id))?;
        match entry.place {
            Place::Named => Ok(()),
            Place::Forwarded => self.raw.delete(&self.rows.forward(entry.id)),
        }
    }

    pub(crate) fn drop_item(&mut self, group: &Group, entry: &Entry) -> Result<()> {
        self.lift(group, entry)?;
        self.raw.delete_items(&[entry.id])
    }

    /// Puts a group where it belongs in the line.
    pub(crate) fn touch(&mut self, group: &Group, occasion: Occasion) -> Result<()> {
        if *group == Group::None {
            return Ok(());
        }
        let key = self.rows.stand(group);
        let old = match self.raw.get(&key)? {
            Some(sealed) => {
                let [from, turn] = read_numbers(&key, &sealed)?;
                Some(Stand { from: Millis(from), turn })
            }
            None => None,
        };
        let (from, to) = self.rows.lane(group, Millis(u64::MAX));
        let head = self.raw.scan(&from, &to, 1)?;
        let head = head.first().map(|(key, sealed)| Entry::decode(key, sealed)).transpose()?;
        let stands = rules::stand(old.map(|old| old.from), head.map(|head| head.due), self.now, occasion);
        if occasion == Occasion::Changed && stands == old.map(|old| old.from) {
            return Ok(());
        }
        if let Some(old) = old {
            self.raw.delete(&self.rows.line_row(old, group))?;
        }
        let Some(from) = stands else { return self.raw.delete(&key) };
        let turn = self.numbers.next(self.raw, self.rows.home)?;
        let line = self.rows.line_row(Stand { from, turn }, group);
        self.raw.put(&line, &numbers(&line, [])?)?;
        self.raw.put(&key, &numbers(&key, [from.0, turn])?)
    }

    /// Chooses what a lease takes; deletes what has expired on the way.
    pub(crate) fn choose(&mut self, ask: &Ask) -> Result<Choice> {
        let mut expired = 0;
        let mut lanes = vec![self.look_into(Group::None, ask, &mut expired)?];
        let groups = match ask.hold {
            Hold::Process => GROUPS_SEEN.max(ask.max),
            Hold::Client(_) => ask.max,
        };
        let (mut from, to) = self.rows.line(self.now);
        'line: loop {
            let page = self.raw.scan(&from, &to, QUEUE_PAGE)?;
            for (key, _) in &page {
                let (_, group) = self.rows.read_line_row(key)?;
                let lane = self.look_into(group, ask, &mut expired)?;
                let strict = lane.group.order() == Order::Strict && lane.entries.len() >= ask.max;
                if !lane.entries.is_empty() {
                    lanes.push(lane);
                }
                if strict || lanes.len() > groups || expired >= BATCH {
                    break 'line;
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == QUEUE_PAGE => from = behind(last),
                _ => break,
            }
        }
        let chosen = pick(lanes, ask);
        let next = match (chosen.is_empty(), expired >= BATCH) {
            (true, false) => self.next_due()?,
            (true, true) => Some(self.now),
            (false, _) => None,
        };
        Ok(Choice { chosen, next })
    }

    fn look_into(&mut self, group: Group, ask: &Ask, expired: &mut usize) -> Result<Lane> {
        let order = group.order();
        let (mut from, to) = self.rows.lane(&group, self.now);
        let busy = self.seat.map_or(0, |seat| seat.busy(&self.rows, &group));
        let (mut entries, mut dropped) = (Vec::new(), Vec::new());
        let mut page = ask.max.min(QUEUE_PAGE);
        'lane: while entries.len() < ask.max && *expired + dropped.len() < BATCH {
            let rows = self.raw.scan(&from, &to, page)?;
            for (key, sealed) in &rows {
                if entries.len() == ask.max {
                    break 'lane;
                }
                let entry = Entry::decode(key, sealed)?;
                let holder = match self.seat.and_then(|seat| seat.serial(entry.id)) {
                    Some(_) => Holder::Process,
                    None => Holder::None,
                };
                let candidate = Candidate { due: entry.due, born: entry.born, holder };
                match rules::meet(order, candidate, self.now, ask.born_after) {
                    Met::Free => entries.push(entry),
                    Met::Blocks => break 'lane,
                    Met::Passed => {}
                    Met::Expired => dropped.push(entry),
                }
            }
            match rows.last() {
                Some((last, _)) if rows.len() == page => from = behind(last),
                _ => break,
            }
            page = QUEUE_PAGE;
        }
        for entry in &dropped {
            self.drop_item(&group, entry)?;
        }
        if !dropped.is_empty() {
            *expired += dropped.len();
            self.touch(&group, Occasion::Changed)?;
        }
        Ok(Lane { group, busy, entries })
    }

    /// When the next item comes by itself.
    fn next_due(&mut self) -> Result<Option<Millis>> {
        let (from, to) = self.rows.lane_after(&Group::None, self.now);
        let open = self.raw.scan(&from, &to, 1)?;
        let open = open.first().map(|(key, sealed)| Entry::decode(key, sealed)).transpose()?;
        let (from, to) = self.rows.line_after(self.now);
        let line = self.raw.scan(&from, &to, 1)?;
        let line = line.first().map(|(key, _)| self.rows.read_line_row(key)).transpose()?;
        Ok(open.map(|entry| entry.due).into_iter().chain(line.map(|(stand, _)| stand.from)).min())
    }

    /// Leases to a client until `until`: hidden for everyone until then, and one more attempt.
    pub(crate) fn lease(&mut self, chosen: &mut [Chosen], until: Millis) -> Result<()> {
        let mut groups = BTreeSet::new();
        for Chosen { group, entry } in chosen.iter_mut() {
            if group.order() == Order::Free {
                self.lift(group, entry)?;
            }
            *entry = Entry {
                due: until,
                attempt: entry.attempt.saturating_add(1),
                state: State::Leased,
                place: Place::Named,
                ..*entry
            };
            self.put(group, entry)?;
            groups.insert(group.clone());
        }
        // In the order in which they were served.
        for Chosen { group, .. } in chosen {
            if groups.remove(group) {
                self.touch(group, Occasion::Served)?;
            }
        }
        Ok(())
    }

    /// Settles what a receipt names, if it is still good.
    pub(crate) fn settle(&mut self, ticket: &Ticket, settle: Settle) -> Result<Settled> {
        let entry = self.find(ticket)?;
        let current = self.seat.and_then(|seat| seat.serial(ticket.id));
        let holder = current.map_or(Holder::None, |_| Holder::Process);
        let found = match entry {
            Some(Entry { due, attempt, .. }) => Found::Here { due, attempt, holder },
            None if self.raw.has_item(ticket.id)? => Found::Elsewhere,
            None => Found::Nowhere,
        };
        let settled = match ticket.serial {
            None => rules::client_receipt(ticket.group.order(), found, ticket.attempt, self.now),
            Some(serial) => rules::process_receipt(found, serial, current),
        };
        if let (Settled::Yes, Some(entry)) = (settled, entry) {
            match settle {
                Settle::Done => self.drop_item(&ticket.group, &entry)?,
                Settle::At(due) => self.postpone(ticket, &entry, Millis(due.0.min(u64::MAX / 2)))?,
            }
            // A lease of this process did not move the group in its line, so its end does.
            let occasion = ticket.serial.map_or(Occasion::Changed, |_| Occasion::Served);
            self.touch(&ticket.group, occasion)?;
        }
        Ok(settled)
    }

    /// The row that a receipt names.
    fn find(&mut self, ticket: &Ticket) -> Result<Option<Entry>> {
        let named = self.rows.entry(&ticket.group, ticket.due, ticket.id);
        if let Some(sealed) = self.raw.get(&named)? {
            return Entry::decode(&named, &sealed).map(Some);
        }
        let forward = self.rows.forward(ticket.id);
        let Some(sealed) = self.raw.get(&forward)? else { return Ok(None) };
        let [due] = read_numbers(&forward, &sealed)?;
        let moved = self.rows.entry(&ticket.group, Millis(due), ticket.id);
        self.raw.get(&moved)?.map(|sealed| Entry::decode(&moved, &sealed)).transpose()
    }

    fn postpone(&mut self, ticket: &Ticket, entry: &Entry, due: Millis) -> Result<()> {
        self.lift(&ticket.group, entry)?;
        let entry = match (ticket.serial, ticket.group.order()) {
            // The receipt is used up.
            (Some(_), _) => Entry {
                due,
                attempt: entry.attempt.saturating_add(1),
                state: State::Waiting,
                place: Place::Named,
                ..*entry
            },
            (None, Order::Strict) => Entry { due, ..*entry },
            // The receipt stays good, so it must be followed.
            (None, Order::Free) => {
                let forward = self.rows.forward(entry.id);
                self.raw.put(&forward, &numbers(&forward, [due.0])?)?;
                Entry { due, place: Place::Forwarded, ..*entry }
            }
        };
        self.put(&ticket.group, &entry)
    }
}

/// The first key behind `key`.
pub(crate) fn behind(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

fn pick(lanes: Vec<Lane>, ask: &Ask) -> Vec<Chosen> {
    let offers: Vec<Offer> = lanes
        .iter()
        .map(|lane| Offer {
            order: lane.group.order(),
            busy: lane.busy,
            sizes: lane.entries.iter().map(|entry| entry.size as usize).collect(),
        })
        .collect();
    let dealt = rules::deal(&offers, ask.max, ask.max_bytes);
    let mut lanes: Vec<_> = lanes.into_iter().map(|lane| (lane.group, lane.entries.into_iter())).collect();
    let mut chosen = Vec::with_capacity(dealt.len());
    for lane in dealt {
        let (group, entries) = &mut lanes[lane];
        chosen.extend(entries.next().map(|entry| Chosen { group: group.clone(), entry }));
    }
    chosen
}
