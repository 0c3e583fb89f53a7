//! One pool a function version: its idle environments and the calls that wait for one.
//!
//! *Early binding*: a call that finds no idle environment starts one and waits for the first to come free. The rule that
//! keeps a burst from starting more environments than it has waiters is [`Books::wants_start`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws::Arn;
use tokio::sync::{mpsc, oneshot};

use crate::admission::{Lease, MemoryLease};
use crate::evict::Weight;
use crate::limits;
use crate::{FunctionVersion, Invocation, Outcome, Refused};

/// What an idle environment is told.
pub(crate) enum Order {
    /// Run this.
    Run(Job),
    /// End.
    End,
}

/// An idle environment as others hold it: the way to its task, on whichever shard it lives, and its memory.
pub(crate) struct Seat {
    pub(crate) mailbox: mpsc::Sender<Order>,
    pub(crate) memory: MemoryLease,
}

impl Seat {
    /// Tells the environment to end; its memory counts as free at once.
    pub(crate) fn end(self) {
        self.memory.release();
        // A full or closed mailbox belongs to an environment that ends already.
        let _ = self.mailbox.try_send(Order::End);
    }
}

/// One admitted call.
pub(crate) struct Job {
    pub(crate) invocation: Invocation,
    pub(crate) answer: oneshot::Sender<Result<Outcome, Refused>>,
    pub(crate) lease: Lease,
}

impl Job {
    /// Answers that the call does not run. A caller that has gone away misses nothing.
    pub(crate) fn refuse(self, why: Refused) {
        drop(self.lease);
        let _ = self.answer.send(Err(why));
    }
}

/// Which function version a pool serves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) arn: Arn,
    pub(crate) version: String,
    pub(crate) revision: String,
}

impl Key {
    pub(crate) fn of(function: &FunctionVersion) -> Key {
        Key {
            arn: function.arn.clone(),
            version: function.version.clone(),
            revision: function.revision.clone(),
        }
    }
}

/// A function version's pool.
pub(crate) struct Pool {
    pub(crate) function: Arc<FunctionVersion>,
    pub(crate) key: Key,
    books: Mutex<Books<Job, Seat>>,
}

impl Pool {
    pub(crate) fn new(function: Arc<FunctionVersion>, waiting_bound: usize) -> Pool {
        let key = Key::of(&function);
        Pool { function, key, books: Mutex::new(Books::new(waiting_bound)) }
    }

    /// The books, locked. Held for a few instructions, never across an await.
    pub(crate) fn books(&self) -> MutexGuard<'_, Books<Job, Seat>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An idle environment as its pool knows it.
pub(crate) struct Idle<M> {
    pub(crate) id: u64,
    pub(crate) shard: Option<u32>,
    pub(crate) seat: M,
    pub(crate) warmth: Warmth,
    pub(crate) weight: Weight,
}

/// Whether an idle environment has a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Warmth {
    /// It waits for an event.
    Warm,
    /// It was reset: the next call initialises it again.
    Bare,
}

/// As what an environment was counted until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// A start in flight.
    Starting,
    /// Soon free: it has answered, or is being reset.
    Settling,
    /// Neither.
    Busy,
}

/// What became of a submitted call.
pub(crate) enum Submitted<J, M> {
    /// This environment is to run it.
    Run(M, J),
    /// It waits.
    Queued,
    /// Too many wait.
    Full(J),
    /// The pool is gone; look it up again.
    Closed(J),
}

/// What an environment that comes free is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Offered<J> {
    /// Run this call.
    Job(J),
    /// Wait for an order.
    Idle,
    /// End: its function version is retired.
    Retire,
}

/// Why a start came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortfall {
    /// The machine is full: others of the function may still serve the waiters.
    Full,
    /// This start failed, so one waiter has lost its environment.
    Failed,
}

/// The counts and queues of a pool: plain data and rules, no clock and no tasks.
pub(crate) struct Books<J, M> {
    /// The last is taken first.
    idle: Vec<Idle<M>>,
    waiting: VecDeque<J>,
    waiting_bound: usize,
    starting: usize,
    settling: usize,
    alive: usize,
    retired: bool,
    closed: bool,
}

impl<J, M> Books<J, M> {
    pub(crate) fn new(waiting_bound: usize) -> Books<J, M> {
        Books {
            idle: Vec::new(),
            waiting: VecDeque::new(),
            waiting_bound,
            starting: 0,
            settling: 0,
            alive: 0,
            retired: false,
            closed: false,
        }
    }

    /// Gives the call to an idle environment, of `shard` if there is one, else lets it wait.
    pub(crate) fn submit(&mut self, job: J, shard: Option<u32>) -> Submitted<J, M> {
        if self.closed {
            return Submitted::Closed(job);
        }
        if let Some(at) = self.pick(shard) {
            return Submitted::Run(self.idle.remove(at).seat, job);
        }
        if self.waiting.len() >= self.waiting_bound {
            return Submitted::Full(job);
        }
        self.waiting.push_back(job);
        Submitted::Queued
    }

    fn pick(&self, shard: Option<u32>) -> Option<usize> {
        let last = self.idle.len().checked_sub(1)?;
        let own = self.idle.iter().enumerate().rev().take(limits::SHARD_SEARCH);
        let own =
            own.filter(|(_, idle)| idle.warmth == Warmth::Warm && idle.shard == shard).map(|(at, _)| at);
        // Bare environments are at the bottom, so the last is warm if any is.
        Some(own.into_iter().next().unwrap_or(last))
    }

    /// True when waiters outnumber the environments that are on their way to them.
    pub(crate) fn wants_start(&self) -> bool {
        self.waiting.len() > self.starting + self.settling
    }

    /// Counts a start in flight.
    pub(crate) fn begin_start(&mut self) {
        self.starting += 1;
        self.alive += 1;
    }

    /// Counts a start that came to nothing, and hands out the waiter that must be told, if any.
    pub(crate) fn start_failed(&mut self, why: Shortfall) -> Option<J> {
        self.starting -= 1;
        self.alive -= 1;
        let lost = match why {
            Shortfall::Full => self.alive == 0,
            Shortfall::Failed => self.wants_start(),
        };
        if lost { self.waiting.pop_front() } else { None }
    }

    /// An environment comes free: it gets the next call, waits, or ends.
    pub(crate) fn offer(&mut self, idle: Idle<M>, counted: Counted) -> Offered<J> {
        self.uncount(counted);
        if let Some(job) = self.waiting.pop_front() {
            return Offered::Job(job);
        }
        if self.retired {
            return Offered::Retire;
        }
        match idle.warmth {
            Warmth::Warm => self.idle.push(idle),
            Warmth::Bare => self.idle.insert(0, idle),
        }
        Offered::Idle
    }

    /// An environment whose first initialisation failed takes a call to try it again within.
    pub(crate) fn claim(&mut self, counted: Counted) -> Option<J> {
        self.uncount(counted);
        self.waiting.pop_front()
    }

    /// A busy environment will be free soon: waiters need no new one for it.
    pub(crate) fn settle(&mut self) {
        self.settling += 1;
    }

    /// An environment is no longer counted as `counted`, but as busy.
    pub(crate) fn uncount(&mut self, counted: Counted) {
        match counted {
            Counted::Starting => self.starting -= 1,
            Counted::Settling => self.settling -= 1,
            Counted::Busy => {}
        }
    }

    /// Takes an idle environment out; `None` when a call has taken it already.
    pub(crate) fn withdraw(&mut self, id: u64) -> Option<Idle<M>> {
        let at = self.idle.iter().position(|idle| idle.id == id)?;
        Some(self.idle.remove(at))
    }

    /// An environment has ended.
    pub(crate) fn ended(&mut self) {
        self.alive -= 1;
    }

    /// No further environment is kept; hands out the idle ones, which are to end.
    pub(crate) fn retire(&mut self) -> Vec<Idle<M>> {
        self.retired = true;
        std::mem::take(&mut self.idle)
    }

    /// Closes a pool that holds nothing, so that it can be forgotten.
    pub(crate) fn close_if_empty(&mut self) -> Emptied {
        if self.alive > 0 || !self.waiting.is_empty() {
            return Emptied::No;
        }
        self.closed = true;
        Emptied::Yes
    }

    /// The idle environments.
    pub(crate) fn idle(&self) -> &[Idle<M>] {
        &self.idle
    }

    /// Waiting calls, starts in flight.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.waiting.len(), self.starting)
    }
}

/// Whether a pool was empty and is closed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emptied {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn idle(id: u64, shard: u32, warmth: Warmth) -> Idle<u64> {
        Idle { id, shard: Some(shard), seat: id, warmth, weight: Weight::default() }
    }

    fn taken(books: &mut Books<u32, u64>, shard: u32) -> Option<u64> {
        match books.submit(0, Some(shard)) {
            Submitted::Run(id, _) => Some(id),
            _ => None,
        }
    }

    fn alive(books: &mut Books<u32, u64>, environments: &[(u64, u32, Warmth)]) {
        for (id, shard, warmth) in environments {
            books.begin_start();
            assert_eq!(books.offer(idle(*id, *shard, *warmth), Counted::Starting), Offered::Idle);
        }
    }

    #[test]
    fn the_last_of_the_own_shard_is_taken_first_then_others_then_bare_ones() {
        let mut books = Books::new(1);
        use Warmth::{Bare, Warm};
        alive(&mut books, &[(1, 0, Warm), (2, 1, Warm), (3, 0, Bare), (4, 0, Warm), (5, 1, Warm)]);
        let order: Vec<_> = (0..6).map(|_| taken(&mut books, 0)).collect();
        assert_eq!(order, [Some(4), Some(1), Some(5), Some(2), Some(3), None]);
        assert!(matches!(books.submit(7, None), Submitted::Full(7)), "the queue is bounded");
    }

    #[test]
    fn a_retired_pool_serves_its_waiters_and_keeps_nobody() {
        let mut books = Books::new(10);
        alive(&mut books, &[(1, 0, Warmth::Warm)]);
        assert_eq!(taken(&mut books, 0), Some(1));
        assert!(matches!(books.submit(8, None), Submitted::Queued));
        assert!(books.retire().is_empty());
        assert_eq!(books.offer(idle(1, 0, Warmth::Warm), Counted::Busy), Offered::Job(8));
        assert_eq!(books.offer(idle(1, 0, Warmth::Warm), Counted::Busy), Offered::Retire);
        books.ended();
        assert_eq!(books.close_if_empty(), Emptied::Yes);
        assert!(matches!(books.submit(9, None), Submitted::Closed(9)));
    }

    #[test]
    fn a_full_machine_refuses_only_where_nobody_could_serve() {
        let mut books: Books<u32, u64> = Books::new(10);
        assert!(matches!(books.submit(1, None), Submitted::Queued));
        books.begin_start();
        assert_eq!(books.start_failed(Shortfall::Full), Some(1));
        alive(&mut books, &[(1, 0, Warmth::Warm)]);
        assert_eq!(taken(&mut books, 0), Some(1));
        assert!(matches!(books.submit(2, None), Submitted::Queued));
        books.begin_start();
        assert_eq!(books.start_failed(Shortfall::Full), None, "the busy one will serve it");
    }

    /// What may happen to a pool.
    #[derive(Debug, Clone, Copy)]
    enum Happening {
        Submit,
        StartFails,
        StartSucceeds,
        Settles,
        GraceEnds,
        ComesFree,
        Dies,
    }

    fn happenings() -> impl Strategy<Value = Vec<Happening>> {
        use Happening::*;
        let one = prop_oneof![
            4 => Just(Submit), 1 => Just(StartFails), 3 => Just(StartSucceeds), 2 => Just(Settles),
            1 => Just(GraceEnds), 3 => Just(ComesFree), 1 => Just(Dies),
        ];
        prop::collection::vec(one, 1..200)
    }

    #[derive(Default)]
    struct World {
        running: usize,
        settled: usize,
        answered: usize,
        submitted: usize,
    }

    fn happen(books: &mut Books<u32, u64>, world: &mut World, happening: Happening) {
        let take = |world: &mut World, offered| match offered {
            Offered::Job(_) => world.running += 1,
            Offered::Idle | Offered::Retire => {}
        };
        match happening {
            Happening::Submit => {
                world.submitted += 1;
                match books.submit(1, Some(0)) {
                    Submitted::Run(..) => world.running += 1,
                    Submitted::Queued => {}
                    Submitted::Full(_) | Submitted::Closed(_) => world.answered += 1,
                }
            }
            Happening::StartFails if books.starting > 0 => {
                let before = books.waiting.len();
                world.answered += usize::from(books.start_failed(Shortfall::Failed).is_some());
                assert!(before - books.waiting.len() <= 1, "one failed start fails one call");
            }
            Happening::StartSucceeds if books.starting > 0 => {
                let offered = books.offer(idle(1, 0, Warmth::Warm), Counted::Starting);
                take(world, offered);
            }
            Happening::Settles if world.running > 0 => {
                (world.running, world.settled) = (world.running - 1, world.settled + 1);
                world.answered += 1;
                books.settle();
            }
            Happening::GraceEnds if world.settled > 0 => {
                // It goes on as busy without a call, which for the counts is the same as being gone.
                world.settled -= 1;
                books.uncount(Counted::Settling);
                books.ended();
            }
            Happening::ComesFree if world.settled > 0 => {
                world.settled -= 1;
                let offered = books.offer(idle(1, 0, Warmth::Warm), Counted::Settling);
                take(world, offered);
            }
            Happening::Dies if world.running > 0 => {
                world.running -= 1;
                world.answered += 1;
                books.ended();
            }
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn starts_never_outnumber_waiters_and_no_waiter_is_left_alone(happenings in happenings()) {
            let mut books: Books<u32, u64> = Books::new(64);
            let mut world = World::default();
            for happening in happenings {
                happen(&mut books, &mut world, happening);
                while books.wants_start() {
                    books.begin_start();
                    prop_assert!(books.starting <= books.waiting.len());
                }
                prop_assert!(books.waiting.is_empty() || books.idle.is_empty());
                prop_assert!(books.waiting.len() <= books.starting + books.settling);
                prop_assert_eq!(world.submitted, world.answered + world.running + books.waiting.len());
                let known = books.starting + books.idle.len() + world.running + world.settled;
                prop_assert_eq!(books.alive, known);
            }
        }
    }
}
