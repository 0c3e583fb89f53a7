//! What was acknowledged, and what may be so.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use aws::Millis;
use tasks::Random;

use super::message;
use crate::{Appended, Broken, Group, Leased, Settle, Settled};

/// Whether something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Did {
    No,
    /// It was tried and the answer was lost.
    Perhaps,
    Yes,
}

#[derive(Debug)]
struct Message {
    sent: Did,
    /// Attempts to send it whose outcome is not known, and those that were acknowledged.
    tries: u64,
    /// The items that it became.
    ids: Vec<u64>,
    acknowledged: u64,
    /// When the delete was acknowledged.
    done: BTreeMap<u64, (Did, u64)>,
    buried: u64,
    came_out: u64,
    came_out_dead: u64,
}

/// A lease that somebody has.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) number: u64,
    pub(super) text: String,
    pub(super) attempt: u32,
    id: u64,
    serial: u64,
    /// `None` for a lease of a process.
    until: Option<Millis>,
    certain: bool,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Seen {
    pub(super) leased: u64,
    pub(super) settled: u64,
    pub(super) buried: u64,
    pub(super) stale: u64,
    pub(super) unknown: u64,
}

impl Seen {
    pub(super) fn add(&mut self, other: Seen) {
        self.leased += other.leased;
        self.settled += other.settled;
        self.buried += other.buried;
        self.stale += other.stale;
        self.unknown += other.unknown;
    }
}

pub(super) struct Ledger {
    /// One thing at a time is done, so each answer says what is so.
    exact: bool,
    messages: BTreeMap<u64, Message>,
    held: Vec<Held>,
    /// What processes have: dropped, it is free.
    leases: BTreeMap<u64, Leased<u64>>,
    serial: u64,
    moment: u64,
    seen: Seen,
}

impl Ledger {
    pub(super) fn new(exact: bool) -> Ledger {
        let (messages, held, leases) = Default::default();
        Ledger { exact, messages, held, leases, serial: 0, moment: 0, seen: Seen::default() }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen
    }

    pub(super) fn begin(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    /// A new message, or one with a token again.
    pub(super) fn next_to_send(&mut self, random: &Random) -> u64 {
        let count = self.messages.len() as u64;
        let again = random.below(count.max(1));
        let number = if count > 0 && random.below(4) == 0 && again.is_multiple_of(2) { again } else { count };
        self.messages.entry(number).or_insert_with(|| Message {
            sent: Did::No,
            tries: 0,
            ids: Vec::new(),
            acknowledged: 0,
            done: BTreeMap::new(),
            buried: 0,
            came_out: 0,
            came_out_dead: 0,
        });
        number
    }

    fn message(&mut self, number: u64) -> &mut Message {
        self.messages.get_mut(&number).expect("it was sent before")
    }

    pub(super) fn sent(&mut self, number: u64, answer: crate::Result<Appended>) -> Result<()> {
        let message = self.message(number);
        match answer {
            Ok(Appended { id, fresh }) => {
                message.sent = Did::Yes;
                message.acknowledged += u64::from(fresh);
                if !message.ids.contains(&id) {
                    message.ids.push(id);
                }
                let once = number.is_multiple_of(2);
                ensure!(!once || message.ids.len() == 1, "one token, two items: {message:?}");
            }
            Err(Broken::Unavailable(_)) => {
                message.sent = message.sent.max(Did::Perhaps);
                message.tries += 1;
                self.seen.unknown += 1;
            }
            Err(Broken::Fenced | Broken::Full | Broken::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    /// Judges what was leased by a lease that began at `begun`.
    pub(super) fn leased(&mut self, begun: u64, now: Millis, leased: &[Leased<u64>]) -> Result<()> {
        for (at, item) in leased.iter().enumerate() {
            self.seen.leased += 1;
            let message = self.messages.get_mut(&item.body).context("nobody sent it")?;
            let done = message.done.get(&item.id);
            ensure!(
                done.is_none_or(|(did, moment)| *did != Did::Yes || *moment > begun),
                "{item:?} was deleted before: {message:?}"
            );
            ensure!(super::message(item.body).group == item.group);
            if !message.ids.contains(&item.id) {
                message.ids.push(item.id);
            }
            ensure!(
                !item.body.is_multiple_of(2) || message.ids.len() == 1,
                "a token took effect twice: {message:?}"
            );
            if !self.exact {
                continue;
            }
            let holder = self.held.iter().find(|held| held.id == item.id && held.is_valid(now));
            ensure!(holder.is_none(), "{item:?} is leased while {holder:?}");
            if let Group::Strict(_) = item.group {
                let before = self.before(item);
                let passed = before.into_iter().find(|id| !leased[..at].iter().any(|other| other.id == *id));
                ensure!(passed.is_none(), "in a strict group {passed:?} was passed by {item:?}");
            }
        }
        Ok(())
    }

    /// Items of the same strict group that are certainly there and come before.
    fn before(&self, item: &Leased<u64>) -> Vec<u64> {
        let same = self.messages.iter().filter(|(number, _)| message(**number).group == item.group);
        let ids = same.flat_map(|(_, message)| message.ids.iter().map(move |id| (message, *id)));
        ids.filter(|(message, id)| *id < item.id && !message.done.contains_key(id))
            .map(|(_, id)| id)
            .collect()
    }

    pub(super) fn hold(&mut self, leased: Leased<u64>, text: String, until: Option<Millis>) {
        self.serial += 1;
        let held = Held {
            number: leased.body,
            text,
            attempt: leased.attempt,
            id: leased.id,
            serial: self.serial,
            until,
            certain: true,
        };
        self.held.push(held);
        if until.is_none() {
            self.leases.insert(self.serial, leased);
        }
    }

    pub(super) fn pick(&mut self, random: &Random) -> Option<Held> {
        let count = self.held.len() as u64;
        (count > 0).then(|| self.held[random.below(count) as usize].clone())
    }

    /// From here on it may be gone.
    pub(super) fn settling(&mut self, held: &Held, settle: Settle) {
        if settle == Settle::Done {
            self.message(held.number).done.entry(held.id).or_insert((Did::Perhaps, 0));
        }
    }

    pub(super) fn settled(
        &mut self,
        held: &Held,
        settle: Settle,
        answer: crate::Result<Settled>,
    ) -> Result<()> {
        match &answer {
            Ok(Settled::Yes) => {
                self.seen.settled += 1;
                let newer = self
                    .held
                    .iter()
                    .find(|other| other.certain && other.id == held.id && other.serial > held.serial);
                ensure!(!self.exact || newer.is_none(), "the receipt {held:?} is good beside {newer:?}");
            }
            Ok(Settled::Stale | Settled::Gone) => self.seen.stale += 1,
            Err(Broken::Unavailable(_)) => self.seen.unknown += 1,
            Err(_) => {}
        }
        let moment = self.begin();
        let exact = self.exact;
        let message = self.message(held.number);
        match (&answer, settle) {
            (Ok(Settled::Yes), Settle::Done) => {
                message.done.insert(held.id, (Did::Yes, moment));
            }
            // It is certain that this did nothing. Together another one may have done it meanwhile.
            (Ok(Settled::Stale) | Err(Broken::Fenced | Broken::Full | Broken::Conflict), Settle::Done)
                if exact && message.done.get(&held.id) == Some(&(Did::Perhaps, 0)) =>
            {
                message.done.remove(&held.id);
            }
            _ => {}
        }
        if matches!(answer, Err(Broken::Unavailable(_))) && settle == Settle::Done {
            // Known to be unknown for good.
            message.done.insert(held.id, (Did::Perhaps, 1));
        }
        self.after(held, settle, &answer);
        Ok(())
    }

    /// What a holder has after a settle.
    fn after(&mut self, held: &Held, settle: Settle, answer: &crate::Result<Settled>) {
        let Some(mine) = self.held.iter_mut().find(|other| other.serial == held.serial) else { return };
        match (answer, settle) {
            (Ok(Settled::Yes), Settle::At(until)) if mine.until.is_some() => mine.until = Some(until),
            (Ok(_), _) => {
                self.held.retain(|other| other.serial != held.serial);
                self.leases.remove(&held.serial);
            }
            (Err(Broken::Unavailable(_)), _) => mine.certain = false,
            (Err(_), _) => {}
        }
    }

    pub(super) fn buried(&mut self, held: &Held, answer: crate::Result<Settled>) -> Result<()> {
        if answer == Ok(Settled::Yes) {
            self.seen.buried += 1;
            self.message(held.number).buried += 1;
        }
        self.settled(held, Settle::Done, answer)
    }

    pub(super) fn drop_process(&mut self) {
        self.held.retain(|held| held.until.is_some());
        self.leases.clear();
    }

    /// What clients hold outlives a process.
    pub(super) fn crashed(&mut self) {
        self.drop_process();
    }

    /// The new owner does not know what the old one's process holds.
    pub(super) fn owner_changed(&mut self) {
        self.held.iter_mut().filter(|held| held.until.is_none()).for_each(|held| held.certain = false);
    }

    pub(super) fn came_out(&mut self, number: u64, dead: bool) {
        let message = self.message(number);
        match dead {
            true => message.came_out_dead += 1,
            false => message.came_out += 1,
        }
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.messages.values().flat_map(|message| message.ids.iter().copied()).collect()
    }

    /// Every acknowledged item was settled, was there at the end, or was dead.
    pub(super) fn balance(&self) -> Result<()> {
        for (number, message) in &self.messages {
            let once = number.is_multiple_of(2);
            let deleted = message.done.values().filter(|(did, _)| *did == Did::Yes).count() as u64;
            let perhaps = message.done.values().filter(|(did, _)| *did == Did::Perhaps).count() as u64;
            let least = if once { u64::from(message.sent == Did::Yes) } else { message.acknowledged };
            let most = if once { 1 } else { message.acknowledged + message.tries };
            let (out, dead) = (message.came_out, message.came_out_dead);
            ensure!(out + deleted + perhaps >= least, "{number} is lost: {message:?}");
            ensure!(out + deleted <= most, "{number} came more often than it was sent: {message:?}");
            ensure!(dead >= message.buried, "{number} was buried and is gone: {message:?}");
            ensure!(dead <= message.buried + perhaps, "{number} is dead too often: {message:?}");
        }
        Ok(())
    }
}

impl Held {
    fn is_valid(&self, now: Millis) -> bool {
        self.certain && self.until.is_none_or(|until| until > now)
    }
}
