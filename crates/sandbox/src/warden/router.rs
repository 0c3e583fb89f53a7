//! What the warden decides: which slot, which maker, whose answer. Pure: messages in, actions out; it touches no process.
//!
//! `F` is whatever stands for an open descriptor, so that tests need none.
//! A start whose maker dies is given to another maker once: a call shall not fail for it.

use std::collections::{BTreeSet, VecDeque};
use std::os::fd::OwnedFd;

use crate::KeepTmp;
use crate::limits::{LAYERS, MEMORY_MB, TMP_MB};

use super::limits::{BLANKS, CLEAR_ATTEMPTS, WAITING_STARTS};
use super::message::{FromMaker, Made, Malformed, Order, Refusal, ToMaker, ToServer, ToWarden};

/// An open descriptor, or what stands for one.
pub(crate) trait Descriptor: Sized {
    /// A second one of the same file; nothing when there are no more descriptors.
    fn duplicate(&self) -> Option<Self>;
}

impl Descriptor for OwnedFd {
    fn duplicate(&self) -> Option<OwnedFd> {
        self.try_clone().ok()
    }
}

/// What the warden shall do next, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action<F> {
    ToServer(ToServer, Vec<F>),
    ToMaker(usize, ToMaker, Vec<F>),
    /// Kill a box's init and tell [`Router::ended`] once it has been reaped.
    Kill(u32, F),
    /// A slot could not be cleared and is never used again.
    Lost(u32, String),
}

enum State<F> {
    Free,
    Blanking {
        maker: usize,
    },
    Blank {
        maker: usize,
        tmp: u32,
    },
    Starting {
        maker: usize,
        blank_tmp: Option<u32>,
        start: Start<F>,
    },
    Running {
        init: F,
        tmp: u32,
    },
    /// Killed; its init has not been reaped.
    Dying(Clearing),
    /// Waits for a maker, or one is at it.
    Clearing(Clearing),
    Lost,
}

/// A start that a maker is at.
struct Start<F> {
    /// Nobody, when the server that asked has died.
    request: Option<u32>,
    /// The kept `/tmp` that it takes over.
    tmp: Option<u32>,
    /// What another maker is told if this one dies.
    again: Option<(Order, Vec<F>)>,
}

#[derive(Clone, Copy)]
struct Clearing {
    /// Who waits for the end.
    request: Option<u32>,
    /// Unknown when a maker died before it named it.
    tmp: Option<u32>,
    keep: KeepTmp,
    attempts: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Not there (yet).
    Gone,
    Idle,
    Blank(u32),
    Start(u32),
    Clear(u32),
    Forget(u32),
}

struct Waiting<F> {
    request: u32,
    order: Order,
    environment: Vec<F>,
    turn: Turn,
}

/// Which maker this is for a start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    First,
    /// The first one died of it, or by chance.
    Second,
}

impl<F: Descriptor> Waiting<F> {
    /// The same again, for another maker. A kept `/tmp` is given away once: how far a dead maker came with it is unknown.
    fn again(&self) -> Option<(Order, Vec<F>)> {
        if self.turn == Turn::Second || self.order.tmp.is_some() {
            return None;
        }
        let environment: Option<Vec<F>> = self.environment.iter().map(F::duplicate).collect();
        Some((self.order.clone(), environment?))
    }
}

/// Slots, makers and what waits.
pub(crate) struct Router<F> {
    slots: Vec<State<F>>,
    makers: Vec<Work>,
    starts: VecDeque<Waiting<F>>,
    clears: VecDeque<u32>,
    /// What the server holds a [`crate::Tmp`] of.
    kept: BTreeSet<u32>,
    unwanted: VecDeque<u32>,
    actions: Vec<Action<F>>,
    /// False once the instance ends: nothing new is made.
    making: bool,
    /// The last blank failed: none is made ahead until something has worked again.
    blanks_fail: bool,
}

impl<F: Descriptor> Router<F> {
    /// A router over `slots` slots and `makers` makers that are not there yet.
    pub(crate) fn new(slots: u32, makers: usize) -> Router<F> {
        Router {
            slots: (0..slots).map(|_| State::Free).collect(),
            makers: vec![Work::Gone; makers],
            starts: VecDeque::new(),
            clears: VecDeque::new(),
            kept: BTreeSet::new(),
            unwanted: VecDeque::new(),
            actions: Vec::new(),
            making: true,
            blanks_fail: false,
        }
    }

    /// The actions since the last call, in order.
    pub(crate) fn take(&mut self) -> Vec<Action<F>> {
        self.assign();
        std::mem::take(&mut self.actions)
    }

    /// True when a maker works on something.
    pub(crate) fn is_busy(&self, maker: usize) -> bool {
        !matches!(self.makers[maker], Work::Gone | Work::Idle)
    }

    /// True when nothing of any slot is left, the lost ones apart.
    pub(crate) fn is_empty(&self) -> bool {
        let gone = |slot: &State<F>| matches!(slot, State::Free | State::Lost);
        self.slots.iter().all(gone) && self.kept.is_empty() && self.unwanted.is_empty()
    }

    /// A maker has come.
    pub(crate) fn maker_came(&mut self, maker: usize) {
        self.makers[maker] = Work::Idle;
        self.blanks_fail = false;
    }

    /// A maker has died: its blanks and what it worked on are cleared by another.
    pub(crate) fn maker_died(&mut self, maker: usize) {
        let work = std::mem::replace(&mut self.makers[maker], Work::Gone);
        for slot in self.every_slot() {
            match &self.slots[index(slot)] {
                State::Blanking { maker: its } if *its == maker => self.clear(slot, None),
                State::Blank { maker: its, tmp } if *its == maker => self.clear(slot, Some(*tmp)),
                State::Starting { maker: its, .. } if *its == maker => self.start_again(slot),
                _ => {}
            }
        }
        match work {
            Work::Clear(slot) => self.clear_again(slot, "the process that clears sandboxes died"),
            Work::Forget(tmp) => self.unwanted.push_back(tmp),
            Work::Gone | Work::Idle | Work::Blank(_) | Work::Start(_) => {}
        }
    }

    /// The server has died: nothing that it asked for is wanted any more.
    pub(crate) fn server_died(&mut self) {
        for waiting in std::mem::take(&mut self.starts) {
            self.unwanted.extend(waiting.order.tmp);
        }
        self.unwanted.extend(std::mem::take(&mut self.kept));
        for slot in self.every_slot() {
            match &mut self.slots[index(slot)] {
                State::Starting { start, .. } => start.request = None,
                State::Dying(clearing) | State::Clearing(clearing) => clearing.request = None,
                State::Running { .. } => self.close(slot, None, KeepTmp::No),
                State::Free | State::Blanking { .. } | State::Blank { .. } | State::Lost => {}
            }
        }
    }

    /// The instance ends: blanks are cleared, nothing is made any more.
    pub(crate) fn end(&mut self) {
        self.making = false;
        for slot in self.every_slot() {
            if let State::Blank { tmp, .. } = self.slots[index(slot)] {
                self.clear(slot, Some(tmp));
            }
        }
    }

    /// What the server asks. An error is a breach of the protocol: the server cannot be trusted any more.
    pub(crate) fn hear_server(&mut self, message: ToWarden, fds: Vec<F>) -> Result<(), Malformed> {
        match message {
            ToWarden::Ready => {}
            ToWarden::Start { request, order } => {
                if fds.len() != 1 {
                    return Err(Malformed("environment"));
                }
                check(&order)?;
                self.queue_start(Waiting { request, order, environment: fds, turn: Turn::First })?;
            }
            ToWarden::Close { request, slot, keep } => {
                if !matches!(self.slots.get(index(slot)), Some(State::Running { .. })) {
                    return Err(Malformed("close of a slot that is not in use"));
                }
                self.close(slot, (request != 0).then_some(request), keep);
            }
            ToWarden::Release { tmp } => {
                if !self.kept.remove(&tmp) {
                    return Err(Malformed("release of a /tmp that is not kept"));
                }
                self.unwanted.push_back(tmp);
            }
        }
        Ok(())
    }

    /// A maker's answer. An error means that the maker is confused and must be replaced.
    pub(crate) fn hear_maker(
        &mut self,
        maker: usize,
        message: FromMaker,
        mut fds: Vec<F>,
    ) -> Result<(), Malformed> {
        let work = std::mem::replace(&mut self.makers[maker], Work::Idle);
        match (message, work) {
            (FromMaker::Blank { slot, tmp }, Work::Blank(its)) if slot == its => {
                self.slots[index(slot)] = State::Blank { maker, tmp };
                if !self.making {
                    self.clear(slot, Some(tmp));
                }
            }
            (FromMaker::Started { made, tmp }, Work::Start(its)) if made.slot == its && !fds.is_empty() => {
                let init = fds.remove(0);
                self.started(made, tmp, init, fds);
            }
            (FromMaker::Failed { slot, why }, Work::Start(its)) if slot == its => {
                self.start_failed(slot, why)
            }
            (FromMaker::Failed { slot, .. }, Work::Blank(its)) if slot == its => {
                self.blanks_fail = true;
                self.clear(slot, None);
            }
            (FromMaker::Cleared { slot }, Work::Clear(its)) if slot == its => self.cleared(slot),
            (FromMaker::Stuck { slot, why }, Work::Clear(its)) if slot == its => self.clear_again(slot, &why),
            (FromMaker::Forgotten { tmp }, Work::Forget(its)) if tmp == its => {}
            (_, work) => {
                self.makers[maker] = work;
                return Err(Malformed("answer without a request"));
            }
        }
        Ok(())
    }

    /// The init of a slot that was killed has been reaped: nothing of the box runs any more.
    pub(crate) fn ended(&mut self, slot: u32) {
        if let State::Dying(clearing) = self.slots[index(slot)] {
            self.slots[index(slot)] = State::Clearing(clearing);
            self.clears.push_back(slot);
        }
    }

    fn queue_start(&mut self, waiting: Waiting<F>) -> Result<(), Malformed> {
        if waiting.order.tmp.is_some_and(|tmp| !self.kept.remove(&tmp)) {
            return Err(Malformed("a /tmp that is not kept"));
        }
        self.starts.push_back(waiting);
        if self.starts.len() > WAITING_STARTS || !self.making {
            self.refuse_last();
        }
        Ok(())
    }

    fn refuse_last(&mut self) {
        if let Some(waiting) = self.starts.pop_back() {
            self.unwanted.extend(waiting.order.tmp);
            self.refuse(waiting.request, Refusal::Full);
        }
    }

    fn started(&mut self, made: Made, tmp: u32, init: F, fds: Vec<F>) {
        let State::Starting { start, .. } = &self.slots[index(made.slot)] else { return };
        let request = start.request;
        self.slots[index(made.slot)] = State::Running { init, tmp };
        self.blanks_fail = false;
        match request {
            Some(request) => self.actions.push(Action::ToServer(ToServer::Started { request, made }, fds)),
            None => self.close(made.slot, None, KeepTmp::No),
        }
    }

    fn start_failed(&mut self, slot: u32, why: Refusal) {
        let State::Starting { blank_tmp, start, .. } = &self.slots[index(slot)] else { return };
        let (blank_tmp, request) = (*blank_tmp, start.request);
        // How far the maker came with the kept image is unknown: it goes too.
        self.unwanted.extend(start.tmp);
        if let Some(request) = request {
            self.refuse(request, why);
        }
        self.clear(slot, blank_tmp);
    }

    /// The maker died over a start: another is told the same, before all that waits.
    fn start_again(&mut self, slot: u32) {
        let State::Starting { blank_tmp, start, .. } = &mut self.slots[index(slot)] else { return };
        let again = start.again.take();
        match (start.request, again) {
            (Some(request), Some((order, environment))) if self.making => {
                let blank_tmp = *blank_tmp;
                self.clear(slot, blank_tmp);
                self.starts.push_front(Waiting { request, order, environment, turn: Turn::Second });
            }
            _ => self.start_failed(slot, Refusal::Failed("the process that makes sandboxes died".into())),
        }
    }

    fn cleared(&mut self, slot: u32) {
        let State::Clearing(Clearing { request, tmp, keep, .. }) = self.slots[index(slot)] else { return };
        self.slots[index(slot)] = State::Free;
        let mut left = tmp.filter(|_| keep == KeepTmp::Yes);
        // No more than there are slots: a server that hoards them would fill the disk.
        if request.is_none() || self.kept.len() >= self.slots.len() {
            self.unwanted.extend(left.take());
        }
        self.kept.extend(left);
        if let Some(request) = request {
            self.actions.push(Action::ToServer(ToServer::Closed { request, tmp: left }, Vec::new()));
        }
    }

    fn clear_again(&mut self, slot: u32, why: &str) {
        let State::Clearing(clearing) = &mut self.slots[index(slot)] else { return };
        clearing.attempts += 1;
        if clearing.attempts < CLEAR_ATTEMPTS {
            return self.clears.push_back(slot);
        }
        let request = clearing.request;
        self.slots[index(slot)] = State::Lost;
        if let Some(request) = request {
            self.actions.push(Action::ToServer(ToServer::Closed { request, tmp: None }, Vec::new()));
        }
        self.actions.push(Action::Lost(slot, why.to_owned()));
    }

    /// Kills what runs in the slot; the clearing follows when it is dead.
    fn close(&mut self, slot: u32, request: Option<u32>, keep: KeepTmp) {
        if let State::Running { init, tmp } = std::mem::replace(&mut self.slots[index(slot)], State::Free) {
            self.actions.push(Action::Kill(slot, init));
            self.slots[index(slot)] = State::Dying(Clearing { request, tmp: Some(tmp), keep, attempts: 0 });
        }
    }

    fn clear(&mut self, slot: u32, tmp: Option<u32>) {
        let clearing = Clearing { request: None, tmp, keep: KeepTmp::No, attempts: 0 };
        self.slots[index(slot)] = State::Clearing(clearing);
        self.clears.push_back(slot);
    }

    fn refuse(&mut self, request: u32, why: Refusal) {
        self.actions.push(Action::ToServer(ToServer::Refused { request, why }, Vec::new()));
    }

    /// Gives every idle maker its next work. The first maker prefers clearing and the others starting, so neither
    /// a burst of starts nor one of ends holds up the other.
    fn assign(&mut self) {
        for maker in 0..self.makers.len() {
            if self.makers[maker] != Work::Idle {
                continue;
            }
            let assigned = (maker == 0 && self.assign_clear(maker))
                || self.assign_start(maker)
                || self.assign_clear(maker);
            if !assigned {
                self.assign_blank(maker);
            }
        }
    }

    fn assign_clear(&mut self, maker: usize) -> bool {
        if let Some(slot) = self.clears.pop_front()
            && let State::Clearing(Clearing { tmp, keep, .. }) = self.slots[index(slot)]
        {
            self.hand(maker, Work::Clear(slot), ToMaker::Clear { slot, tmp, keep }, Vec::new());
            return true;
        }
        let Some(tmp) = self.unwanted.pop_front() else { return false };
        self.hand(maker, Work::Forget(tmp), ToMaker::Forget { tmp }, Vec::new());
        true
    }

    fn assign_start(&mut self, maker: usize) -> bool {
        if self.starts.is_empty() {
            return false;
        }
        let own_blank = |state: &State<F>| matches!(state, State::Blank { maker: its, .. } if *its == maker);
        let blank = self.find(own_blank);
        // A blank of another idle maker starts sooner than one made from nothing; that maker's turn comes.
        if blank.is_none() && self.an_idle_maker_after_has_a_blank(maker) {
            return false;
        }
        let Some(slot) = blank.or_else(|| self.find(|state| matches!(state, State::Free))) else {
            self.refuse_all_unless_a_slot_comes_free();
            return false;
        };
        let Some(waiting) = self.starts.pop_front() else { return false };
        let again = waiting.again();
        let Waiting { request, order, environment, .. } = waiting;
        let blank_tmp = match self.slots[index(slot)] {
            State::Blank { tmp, .. } => Some(tmp),
            _ => None,
        };
        let start = Start { request: Some(request), tmp: order.tmp, again };
        self.slots[index(slot)] = State::Starting { maker, blank_tmp, start };
        self.hand(maker, Work::Start(slot), ToMaker::Start { slot, order }, environment);
        true
    }

    fn refuse_all_unless_a_slot_comes_free(&mut self) {
        let comes = |state: &State<F>| match state {
            State::Blanking { .. } | State::Blank { .. } | State::Dying(_) | State::Clearing(_) => true,
            State::Free | State::Starting { .. } | State::Running { .. } | State::Lost => false,
        };
        if !self.slots.iter().any(comes) {
            while !self.starts.is_empty() {
                self.refuse_last();
            }
        }
    }

    fn assign_blank(&mut self, maker: usize) {
        let its = |state: &State<F>| match state {
            State::Blank { maker, .. } | State::Blanking { maker } => Some(*maker),
            _ => None,
        };
        let blanks = self.slots.iter().filter_map(its).count();
        let own = self.slots.iter().filter_map(its).filter(|its| *its == maker).count();
        if !self.making || self.blanks_fail || blanks >= BLANKS || own >= BLANKS.div_ceil(self.makers.len()) {
            return;
        }
        let Some(slot) = self.find(|state| matches!(state, State::Free)) else { return };
        self.slots[index(slot)] = State::Blanking { maker };
        self.hand(maker, Work::Blank(slot), ToMaker::Blank { slot }, Vec::new());
    }

    fn hand(&mut self, maker: usize, work: Work, message: ToMaker, fds: Vec<F>) {
        self.makers[maker] = work;
        self.actions.push(Action::ToMaker(maker, message, fds));
    }

    fn an_idle_maker_after_has_a_blank(&self, maker: usize) -> bool {
        let idle = |its: usize| its > maker && self.makers[its] == Work::Idle;
        self.slots.iter().any(|state| matches!(state, State::Blank { maker, .. } if idle(*maker)))
    }

    fn find(&self, wanted: impl Fn(&State<F>) -> bool) -> Option<u32> {
        self.slots.iter().position(wanted).and_then(|at| u32::try_from(at).ok())
    }

    fn every_slot(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }
}

fn index(slot: u32) -> usize {
    slot as usize
}

/// Everything in an order that a number can get wrong.
fn check(order: &Order) -> Result<(), Malformed> {
    if !MEMORY_MB.contains(&order.memory_mb) {
        return Err(Malformed("memory"));
    }
    if !TMP_MB.contains(&order.tmp_mb) {
        return Err(Malformed("size of /tmp"));
    }
    if order.layers.len() > LAYERS {
        return Err(Malformed("layers"));
    }
    Ok(())
}
