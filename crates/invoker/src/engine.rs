use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws::Arn;
use sandbox::Driver;
use tasks::{Clock, OnError, Random, Tasks};
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::admission::{Concurrency, Memory, MemoryLease};
use crate::environment::Environment;
use crate::evict;
use crate::limits;
use crate::pool::{Emptied, Job, Key, Order, Pool, Shortfall, Submitted};
use crate::{CredentialSource, FunctionVersion, Inside, Invocation, LogSink, Outcome, Refused};

/// What an [`Invoker`] is made of.
pub struct Parts {
    /// Makes the boxes.
    pub driver: Arc<dyn Driver>,
    /// Takes function output and system lines.
    pub logs: Arc<dyn LogSink>,
    /// Mints the credentials of execution roles.
    pub credentials: Arc<dyn CredentialSource>,
    /// Serves the AWS endpoint inside environments.
    pub inside: Arc<dyn Inside>,
    /// The clock of every limit.
    pub clock: Clock,
    /// For environment ids and log stream names.
    pub random: Random,
    /// Starts the environments' tasks.
    pub tasks: Tasks,
    /// What users may turn.
    pub settings: Settings,
}

/// The limits that users may turn.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Calls that may run at once, per account.
    pub account_concurrency: usize,
    /// The configured memory of all environments together, in MB.
    pub memory_budget_mb: u64,
    /// Calls that may wait in front of one function's pool.
    pub waiting_per_function: usize,
    /// Bytes of function responses that may be in memory at once.
    pub body_budget_bytes: usize,
    /// How long an idle environment is kept.
    pub idle_age: Duration,
    /// How long an environment is idle before it is frozen.
    pub freeze_after: Duration,
    /// `AWS_ENDPOINT_URL` inside environments.
    pub endpoint_url: String,
}

impl Default for Settings {
    /// AWS's limits; no bound on memory.
    fn default() -> Settings {
        Settings {
            account_concurrency: limits::ACCOUNT_CONCURRENCY,
            memory_budget_mb: u64::MAX / 2,
            waiting_per_function: limits::WAITING_PER_FUNCTION,
            body_budget_bytes: limits::BODY_BUDGET_BYTES,
            idle_age: limits::IDLE_AGE,
            freeze_after: limits::FREEZE_AFTER,
            endpoint_url: "http://127.0.0.1:4566".to_owned(),
        }
    }
}

/// Counts for metrics and health. Totals count since the start of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Environments that exist, in whatever state.
    pub environments: usize,
    /// Of these, how many wait for a call.
    pub idle: usize,
    /// Of these, how many are being started.
    pub starting: usize,
    /// Calls that wait for an environment.
    pub waiting: usize,
    /// Calls admitted and not yet answered.
    pub running: usize,
    /// Configured memory of all environments.
    pub memory_mb: u64,
    /// Total of calls that ran.
    pub invocations: u64,
    /// Total of calls refused for want of concurrency, room or a place in the queue.
    pub throttled: u64,
    /// Total of environments started.
    pub started: u64,
    /// Total of starts that came to nothing.
    pub failed_starts: u64,
    /// Total of environments reset after a timeout, an exit or for want of memory.
    pub resets: u64,
    /// Total of environments ended to make room.
    pub evicted: u64,
    /// Total of calls that ran out of time.
    pub timeouts: u64,
}

/// Runs functions. Cloning shares it; it may be called from every shard.
#[derive(Clone)]
pub struct Invoker {
    engine: Arc<Engine>,
}

thread_local! {
    static SHARD: Cell<Option<u32>> = const { Cell::new(None) };
}

impl Invoker {
    /// An invoker without environments.
    pub fn new(parts: Parts) -> Invoker {
        let settings = &parts.settings;
        let permits = (settings.body_budget_bytes / 1024).clamp(limits::RESPONSE_BYTES / 1024 + 1, 1 << 30);
        Invoker {
            engine: Arc::new(Engine {
                concurrency: Concurrency::new(settings.account_concurrency),
                memory: Memory::new(settings.memory_budget_mb),
                bodies_kib: Arc::new(Semaphore::new(permits)),
                pools: RwLock::default(),
                stopping: AtomicBool::new(false),
                environments: AtomicUsize::new(0),
                ended: Notify::new(),
                next_id: AtomicU64::new(1),
                inflation: AtomicU64::new(0),
                totals: Totals::default(),
                parts,
            }),
        }
    }

    /// Says that the current thread is shard `id`, so that its calls prefer environments that live on it.
    pub fn enter_shard(id: u32) {
        SHARD.set(Some(id));
    }

    /// Runs one invocation and waits for its answer.
    ///
    /// Must be called on a tokio runtime: a new environment becomes a task of it. Dropping the future does not stop the
    /// function, as with AWS.
    ///
    /// # Errors
    /// [`Refused`] when the function did not run. A function that failed is an [`Outcome`].
    pub async fn invoke(&self, invocation: Invocation) -> Result<Outcome, Refused> {
        let answer = self.engine.submit(invocation)?;
        answer.await.unwrap_or_else(|_| Err(self.engine.lost()))
    }

    /// Ends the environments of a function, which was deleted or has a new revision: idle ones now, busy ones after
    /// their call. `arn` is the unqualified ARN.
    pub fn retire(&self, arn: &Arn) {
        self.engine.retire(|key| key.arn == *arn);
    }

    /// Refuses new calls, waits for the running ones and ends every environment. The caller sets the deadline.
    pub async fn drain(&self) {
        self.engine.stopping.store(true, Ordering::Release);
        self.engine.retire(|_| true);
        loop {
            let ended = self.engine.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.engine.environments.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Counts for metrics and health.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }
}

/// What all environments share.
pub(crate) struct Engine {
    pub(crate) parts: Parts,
    pub(crate) bodies_kib: Arc<Semaphore>,
    pub(crate) totals: Totals,
    concurrency: Concurrency,
    memory: Memory,
    pools: RwLock<HashMap<Key, Arc<Pool>>>,
    stopping: AtomicBool,
    environments: AtomicUsize,
    ended: Notify,
    next_id: AtomicU64,
    inflation: AtomicU64,
}

/// Totals since the start.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) invocations: AtomicU64,
    pub(crate) throttled: AtomicU64,
    pub(crate) started: AtomicU64,
    pub(crate) failed_starts: AtomicU64,
    pub(crate) resets: AtomicU64,
    pub(crate) evicted: AtomicU64,
    pub(crate) timeouts: AtomicU64,
}

/// Adds one to a total.
pub(crate) fn count(total: &AtomicU64) {
    total.fetch_add(1, Ordering::Relaxed);
}

type Answer = oneshot::Receiver<Result<Outcome, Refused>>;

impl Engine {
    fn submit(self: &Arc<Self>, invocation: Invocation) -> Result<Answer, Refused> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(Refused::Stopping);
        }
        let Some(lease) = self.concurrency.lease(invocation.function.account) else {
            count(&self.totals.throttled);
            return Err(Refused::AccountConcurrency);
        };
        let (answer, answered) = oneshot::channel();
        let function = invocation.function.clone();
        let mut job = Job { invocation, answer, lease };
        loop {
            let pool = self.pool(&function);
            let submitted = pool.books().submit(job, SHARD.get());
            match submitted {
                Submitted::Run(seat, again) => match seat.mailbox.try_send(Order::Run(again)) {
                    Ok(()) => return Ok(answered),
                    // Its task was aborted under it: look for another.
                    Err(lost) => job = job_of(lost.into_inner()).ok_or_else(|| self.lost())?,
                },
                Submitted::Queued => {
                    self.fill(&pool);
                    return Ok(answered);
                }
                Submitted::Full(_) => {
                    count(&self.totals.throttled);
                    return Err(Refused::Overloaded);
                }
                Submitted::Closed(again) => job = again,
            }
        }
    }

    fn pool(&self, function: &Arc<FunctionVersion>) -> Arc<Pool> {
        let key = Key::of(function);
        if let Some(pool) = self.pools.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return pool.clone();
        }
        let fresh = || Arc::new(Pool::new(function.clone(), self.parts.settings.waiting_per_function));
        self.pools.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert_with(fresh).clone()
    }

    fn all_pools(&self) -> Vec<Arc<Pool>> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Starts environments until no waiter lacks one, or the machine is full.
    pub(crate) fn fill(self: &Arc<Self>, pool: &Arc<Pool>) {
        loop {
            let mut books = pool.books();
            if !books.wants_start() {
                return;
            }
            books.begin_start();
            drop(books);
            match self.room_for(u64::from(pool.function.memory_mb)) {
                Some(memory) => self.spawn(pool, memory),
                None => {
                    let lost = pool.books().start_failed(Shortfall::Full);
                    let Some(lost) = lost else { return };
                    count(&self.totals.throttled);
                    lost.refuse(Refused::Capacity);
                    self.forget_if_empty(pool);
                }
            }
        }
    }

    fn spawn(self: &Arc<Self>, pool: &Arc<Pool>, memory: MemoryLease) {
        self.environments.fetch_add(1, Ordering::AcqRel);
        count(&self.totals.started);
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let environment =
            Environment::new(self.clone(), pool.clone(), Birth { id, shard: SHARD.get(), memory });
        self.parts.tasks.spawn("environment", OnError::Log, environment.live());
    }

    fn room_for(&self, size_mb: u64) -> Option<MemoryLease> {
        match self.memory.lease(size_mb) {
            Ok(memory) => Some(memory),
            Err(missing_mb) => {
                self.evict(missing_mb);
                self.memory.lease(size_mb).ok()
            }
        }
    }

    /// Ends idle environments of any function until `missing_mb` are free; none if that cannot be had.
    pub(crate) fn evict(&self, missing_mb: u64) {
        let mut owners = Vec::new();
        let mut weights = Vec::new();
        for pool in self.all_pools() {
            let books = pool.books();
            for idle in books.idle() {
                owners.push((pool.clone(), idle.id));
                weights.push(idle.weight);
            }
        }
        let Some((victims, inflation)) = evict::victims(&weights, missing_mb) else { return };
        self.inflation.fetch_max(inflation, Ordering::AcqRel);
        for at in victims {
            let (pool, id) = &owners[at];
            let victim = pool.books().withdraw(*id);
            if let Some(victim) = victim {
                count(&self.totals.evicted);
                victim.seat.end();
            }
        }
    }

    /// The clock of the keep-alive rule.
    pub(crate) fn inflation(&self) -> u64 {
        self.inflation.load(Ordering::Relaxed)
    }

    fn retire(&self, which: impl Fn(&Key) -> bool) {
        for pool in self.all_pools() {
            if which(&pool.key) {
                let idle = pool.books().retire();
                for idle in idle {
                    idle.seat.end();
                }
            }
        }
    }

    /// An environment is gone.
    pub(crate) fn ended(self: &Arc<Self>, pool: &Arc<Pool>) {
        self.forget_if_empty(pool);
        if self.environments.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.ended.notify_waiters();
        }
    }

    fn forget_if_empty(&self, pool: &Arc<Pool>) {
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        if pool.books().close_if_empty() == Emptied::No {
            return;
        }
        if pools.get(&pool.key).is_some_and(|known| Arc::ptr_eq(known, pool)) {
            pools.remove(&pool.key);
        }
    }

    fn lost(&self) -> Refused {
        if self.stopping.load(Ordering::Acquire) || self.parts.tasks.shutdown().has_begun() {
            return Refused::Stopping;
        }
        Refused::Internal("the environment ended without an answer".to_owned())
    }

    fn stats(&self) -> Stats {
        let total = |total: &AtomicU64| total.load(Ordering::Relaxed);
        let mut stats = Stats {
            environments: self.environments.load(Ordering::Relaxed),
            running: self.concurrency.in_use(),
            memory_mb: self.memory.in_use_mb(),
            invocations: total(&self.totals.invocations),
            throttled: total(&self.totals.throttled),
            started: total(&self.totals.started),
            failed_starts: total(&self.totals.failed_starts),
            resets: total(&self.totals.resets),
            evicted: total(&self.totals.evicted),
            timeouts: total(&self.totals.timeouts),
            ..Stats::default()
        };
        for pool in self.all_pools() {
            let books = pool.books();
            let (waiting, starting) = books.counts();
            stats.waiting += waiting;
            stats.starting += starting;
            stats.idle += books.idle().len();
        }
        stats
    }
}

/// What a new environment is born with.
pub(crate) struct Birth {
    pub(crate) id: u64,
    pub(crate) shard: Option<u32>,
    pub(crate) memory: MemoryLease,
}

fn job_of(order: Order) -> Option<Job> {
    match order {
        Order::Run(job) => Some(job),
        Order::End => None,
    }
}
