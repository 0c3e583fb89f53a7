//! One execution environment: a task that asks [`life::step`] what each happening means and does it.

mod call;
mod occupied;
mod start;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use aws::Millis;
use bytes::Bytes;
use sandbox::{Exit, KeepTmp, Tmp};
use tasks::Tick;
use tokio::sync::mpsc;

use crate::admission::MemoryLease;
use crate::alarm::Alarm;
use crate::engine::{Birth, Engine, count};
use crate::evict::Weight;
use crate::failure::Failure;
use crate::levels::Sieve;
use crate::life::{self, Act, Event, State, Within};
use crate::limits;
use crate::lines::{Ending, Lines, Phase};
use crate::output::Tail;
use crate::pool::{Counted, Idle, Job, Offered, Order, Pool, Seat, Shortfall, Warmth};
use crate::runtime_api::{Answered, Effect};
use crate::variables::stream_name;
use crate::{Credentials, FunctionVersion, LogLine, LogSink, LogStream, Refused};

use call::Call;
use occupied::{Occupied, Woken};

/// What has happened to an environment, with what belongs to it.
pub(crate) enum Happening {
    Started,
    StartFailed(Refused, Shortfall),
    Asked(Tick),
    Exhausted(Tick),
    InitError(Failure),
    Answered(Answered),
    Exited(Exit),
    Expired,
    Dispatched(Job),
    Closed,
    End,
}

impl Happening {
    fn event(&self) -> Event {
        match self {
            Happening::Started => Event::Started,
            Happening::StartFailed(..) => Event::StartFailed,
            Happening::Asked(_) => Event::Asked,
            Happening::Exhausted(_) => Event::Exhausted,
            Happening::InitError(_) => Event::InitError,
            Happening::Answered(_) => Event::Answered,
            Happening::Exited(_) => Event::Exited,
            Happening::Expired => Event::Expired,
            Happening::Dispatched(_) => Event::Dispatched,
            Happening::Closed => Event::Closed,
            Happening::End => Event::End,
        }
    }
}

impl From<Effect> for Happening {
    fn from(effect: Effect) -> Happening {
        match effect {
            Effect::Asked(at) => Happening::Asked(at),
            Effect::Answered(answered) => Happening::Answered(answered),
            Effect::InitError(failure) => Happening::InitError(failure),
        }
    }
}

impl From<Order> for Happening {
    fn from(order: Order) -> Happening {
        match order {
            Order::Run(job) => Happening::Dispatched(job),
            Order::End => Happening::End,
        }
    }
}

/// An execution environment. It lives in one task, see [`Environment::live`].
pub(crate) struct Environment {
    engine: Arc<Engine>,
    pool: Arc<Pool>,
    function: Arc<FunctionVersion>,
    id: u64,
    shard: Option<u32>,
    memory: MemoryLease,
    address: mpsc::Sender<Order>,
    mailbox: mpsc::Receiver<Order>,
    journal: Journal,
    state: State,
    /// As what the pool counts it, or nothing once it has left.
    counted: Option<Counted>,
    credentials: Option<Credentials>,
    slot: Option<Occupied>,
    tmp: Option<Tmp>,
    call: Option<Call>,
    /// An order that came while the box was found dead.
    order: Option<Order>,
    alarm: Alarm,
    /// When the runtime of the current box was started.
    init_began: Tick,
    /// A successful initialisation that no REPORT has shown yet.
    init: Option<Duration>,
    /// A failed initialisation that no bill has counted yet.
    init_failed: Duration,
    idle_since: Tick,
    idle_until: Tick,
    weight: Weight,
}

impl Environment {
    pub(crate) fn new(engine: Arc<Engine>, pool: Arc<Pool>, birth: Birth) -> Environment {
        let function = pool.function.clone();
        let (address, mailbox) = mpsc::channel(1);
        let clock = engine.parts.clock.clone();
        let now = clock.tick();
        let stream = LogStream {
            account: function.account,
            region: function.region.clone(),
            group: function.log_group.clone(),
            stream: stream_name(&function, Millis(clock.wall_ms()), engine.parts.random.bytes()),
        };
        let weight = Weight { memory_mb: u64::from(function.memory_mb), ..Weight::default() };
        Environment {
            journal: Journal {
                sink: engine.parts.logs.clone(),
                sieve: Sieve::of(&function),
                stream,
                tail: None,
                pending: Vec::new(),
                lingers_until: None,
            },
            alarm: Alarm::new(clock),
            engine,
            pool,
            function,
            id: birth.id,
            shard: birth.shard,
            memory: birth.memory,
            address,
            mailbox,
            state: State::Booting(Within::Init),
            counted: Some(Counted::Starting),
            credentials: None,
            slot: None,
            tmp: None,
            call: None,
            order: None,
            init_began: now,
            init: None,
            init_failed: Duration::ZERO,
            idle_since: now,
            idle_until: now,
            weight,
        }
    }

    /// Lives from the first start to the end.
    pub(crate) async fn live(mut self) -> anyhow::Result<()> {
        let first = self.lines().init_start();
        self.log([first]);
        let mut next = Some(self.boot().await);
        while self.state != State::Dead {
            let happening = match next.take() {
                Some(happening) => happening,
                None => self.next_happening().await,
            };
            let happening = self.examine(happening);
            let (state, act) = life::step(self.state, happening.event());
            self.state = state;
            next = self.perform(act, happening).await;
        }
        self.leave();
        let (engine, pool) = (self.engine.clone(), self.pool.clone());
        drop(self);
        engine.fill(&pool);
        engine.ended(&pool);
        Ok(())
    }

    async fn perform(&mut self, act: Act, happening: Happening) -> Option<Happening> {
        match act {
            Act::Ignore => self.ignore(happening),
            Act::Watch => None,
            Act::Boot => {
                self.begin_call(happening);
                Some(self.boot().await)
            }
            Act::SeekCall => self.seek_call(happening).await,
            Act::Ready => self.ready(happening).await,
            Act::Deliver => self.deliver(happening).await,
            Act::Answer => self.answer(happening).await,
            Act::Finish => {
                self.finish(happening).await;
                self.offer(Warmth::Warm)
            }
            Act::FinishAndReset => {
                self.finish(happening).await;
                self.reset().await
            }
            Act::Fail => {
                self.fail(happening).await;
                self.reset().await
            }
            Act::FailInit => {
                self.fail_init(happening).await;
                self.reset().await
            }
            Act::Lose => self.lose(happening),
            Act::FailStart => self.fail_start(happening),
            Act::Reset => {
                if matches!(happening, Happening::Exited(_)) {
                    self.step_down().await;
                }
                self.begin_call(happening);
                self.reset().await
            }
            Act::Rest => match self.order.take() {
                Some(order) => Some(order.into()),
                None => self.offer(Warmth::Bare),
            },
            Act::End => {
                self.close(KeepTmp::No).await;
                None
            }
        }
    }

    /// A happening without a meaning here. A call is never lost with it.
    fn ignore(&mut self, happening: Happening) -> Option<Happening> {
        if let Happening::Dispatched(job) = happening {
            job.refuse(Refused::Internal("an environment got a call that it did not expect".to_owned()));
        }
        None
    }

    async fn next_happening(&mut self) -> Happening {
        loop {
            if let Some(effect) = self.slot.as_ref().and_then(|slot| slot.api.take()) {
                return effect.into();
            }
            let deadline = self.deadline();
            let Environment { slot, mailbox, alarm, journal, state, engine, .. } = self;
            let clock = &engine.parts.clock;
            let mut orders = matches!(state, State::Idle | State::Bare).then_some(mailbox);
            let woken = match slot {
                Some(slot) => {
                    let mut waiting = slot.waiting();
                    poll_fn(|cx| {
                        if let Some(Poll::Ready(Some(order))) =
                            orders.as_mut().map(|orders| orders.poll_recv(cx))
                        {
                            return Poll::Ready(Woken::Happening(order.into()));
                        }
                        let written = |message| journal.message(clock.wall_ms(), message);
                        let happened = waiting.poll(cx, written);
                        journal.hand_on_output();
                        if let Poll::Ready(happening) = happened {
                            return Poll::Ready(Woken::Happening(happening));
                        }
                        alarm.poll(deadline, cx).map(|()| Woken::Alarm)
                    })
                    .await
                }
                None => {
                    poll_fn(|cx| {
                        if let Some(Poll::Ready(Some(order))) =
                            orders.as_mut().map(|orders| orders.poll_recv(cx))
                        {
                            return Poll::Ready(Woken::Happening(order.into()));
                        }
                        alarm.poll(deadline, cx).map(|()| Woken::Alarm)
                    })
                    .await
                }
            };
            match woken {
                Woken::Happening(happening) => return happening,
                Woken::Alarm => {
                    if let Some(happening) = self.ring() {
                        return happening;
                    }
                }
            }
        }
    }

    /// When something is due.
    fn deadline(&self) -> Option<Tick> {
        let lingers = self.journal.lingers_until;
        self.state_ends().into_iter().chain(lingers).min()
    }

    /// When something is due in this state.
    fn state_ends(&self) -> Option<Tick> {
        let call = self.call.as_ref();
        match self.state {
            State::Initialising(Within::Init) => Some(self.init_began.plus(limits::INIT_LIMIT)),
            State::Initialising(Within::Call) | State::Running => call.map(Call::deadline),
            State::Draining if self.counted == Some(Counted::Settling) => {
                call.map(|call| call.deadline().min(call.grace_ends()))
            }
            State::Draining => call.map(Call::deadline),
            State::Idle if self.slot.as_ref().is_some_and(Occupied::may_freeze) => {
                Some(self.idle_since.plus(self.engine.parts.settings.freeze_after).min(self.idle_until))
            }
            State::Idle | State::Bare => Some(self.idle_until),
            State::Booting(_) | State::InitFailed | State::Resetting(_) | State::Dead => None,
        }
    }

    /// The alarm rang: something is due.
    fn ring(&mut self) -> Option<Happening> {
        let now = self.engine.parts.clock.tick();
        if self.journal.lingers_until.is_some_and(|until| until <= now) {
            self.journal.hand_on();
            return None;
        }
        match self.state {
            State::Draining if self.call.as_ref().is_some_and(|call| now < call.deadline()) => {
                self.no_longer_settling();
                None
            }
            State::Idle if now < self.idle_until => {
                if let Some(slot) = &mut self.slot {
                    slot.freeze();
                }
                None
            }
            State::Idle | State::Bare => {
                let withdrawn = self.pool.books().withdraw(self.id);
                if withdrawn.is_none() {
                    // A call or another's decision took it just now, so an order is on its way.
                    self.idle_until = now.plus(limits::DRAIN_GRACE);
                    return None;
                }
                Some(Happening::End)
            }
            _ => Some(Happening::Expired),
        }
    }

    /// Waiters may no longer count on this environment.
    fn no_longer_settling(&mut self) {
        if self.counted == Some(Counted::Settling) {
            self.counted = Some(Counted::Busy);
            self.pool.books().uncount(Counted::Settling);
            self.engine.fill(&self.pool);
        }
    }

    /// Waiters may count on this environment for a while.
    fn settling(&mut self) {
        if self.counted == Some(Counted::Busy) {
            self.counted = Some(Counted::Settling);
            self.pool.books().settle();
        }
    }

    /// Offers itself to its pool.
    fn offer(&mut self, warmth: Warmth) -> Option<Happening> {
        let counted = self.counted.replace(Counted::Busy).unwrap_or(Counted::Busy);
        if self.weight.uses > 0 && self.credentials_end_soon(self.function.timeout) {
            self.pool.books().uncount(counted);
            return Some(Happening::End);
        }
        let now = self.engine.parts.clock.tick();
        self.idle_since = now;
        self.idle_until = now.plus(self.idle_age());
        self.weight.inflation = self.engine.inflation();
        let idle = Idle {
            id: self.id,
            shard: self.shard,
            seat: Seat { mailbox: self.address.clone(), memory: self.memory.clone() },
            warmth,
            weight: self.weight,
        };
        match self.pool.books().offer(idle, counted) {
            Offered::Job(job) => Some(Happening::Dispatched(job)),
            Offered::Idle => None,
            Offered::Retire => Some(Happening::End),
        }
    }

    /// The box died while it was idle: nobody else may take it.
    async fn step_down(&mut self) {
        self.drain_output().await;
        self.journal.hand_on();
        let withdrawn = self.pool.books().withdraw(self.id);
        match withdrawn {
            Some(_) => self.settling(),
            // Somebody took it just now, so an order is on its way.
            None => self.order = self.mailbox.recv().await,
        }
    }

    /// Takes the box down and keeps `/tmp`.
    async fn reset(&mut self) -> Option<Happening> {
        count(&self.engine.totals.resets);
        let clock = self.engine.parts.clock.clone();
        let Some(closing) = self.slot.take().map(|slot| slot.close(KeepTmp::Yes)) else {
            return Some(Happening::Closed);
        };
        let mut closing = std::pin::pin!(clock.within(limits::CLOSE_LIMIT, closing));
        let closed = match clock.within(limits::RESET_GRACE, closing.as_mut()).await {
            Ok(closed) => closed,
            Err(_) => {
                self.no_longer_settling();
                closing.await
            }
        };
        self.tmp = closed.ok().flatten();
        Some(Happening::Closed)
    }

    async fn close(&mut self, keep: KeepTmp) {
        self.tmp = None;
        if let Some(slot) = self.slot.take() {
            let _ = self.engine.parts.clock.within(limits::CLOSE_LIMIT, slot.close(keep)).await;
        }
    }

    /// Leaves the pool's books. Done once.
    fn leave(&mut self) {
        if let Some(counted) = self.counted.take() {
            let mut books = self.pool.books();
            books.uncount(counted);
            books.ended();
        }
    }

    fn lines(&self) -> Lines<'_> {
        Lines { function: &self.function, at: Millis(self.engine.parts.clock.wall_ms()) }
    }

    fn log(&mut self, messages: impl IntoIterator<Item = Bytes>) {
        let at_ms = self.engine.parts.clock.wall_ms();
        for message in messages {
            if self.journal.sieve.keeps_system(&message) {
                self.journal.take(at_ms, message);
            }
        }
        self.journal.hand_on();
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // Only when the task was ended from outside.
        if self.counted.is_some() {
            let _ = self.pool.books().withdraw(self.id);
            self.leave();
            self.engine.ended(&self.pool);
        }
    }
}

/// The log stream of an environment, and the tail of the current call.
pub(crate) struct Journal {
    sink: Arc<dyn LogSink>,
    sieve: Sieve,
    stream: LogStream,
    tail: Option<Tail>,
    /// Lines that were read and not yet handed on, to hand on many at once.
    pending: Vec<LogLine>,
    /// When the one pending line is handed on at the latest, if it may wait for another.
    lingers_until: Option<Tick>,
}

impl Journal {
    /// Takes a line of the function; [`Journal::hand_on`] must follow.
    fn message(&mut self, at_ms: u64, message: Bytes) {
        if self.sieve.keeps_output(&message) {
            self.take(at_ms, message);
        }
    }

    fn take(&mut self, at_ms: u64, message: Bytes) {
        if let Some(tail) = &mut self.tail {
            tail.push(&message);
        }
        self.pending.push(LogLine { at: Millis(at_ms), message });
    }

    /// Takes a line that may wait for the next one until then.
    fn linger(&mut self, at_ms: u64, message: Bytes, until: Tick) {
        self.hand_on();
        self.take(at_ms, message);
        self.lingers_until = Some(until);
    }

    /// Gives everything taken so far to the sink, unless it is one line that may wait.
    fn hand_on_output(&mut self) {
        if self.lingers_until.is_none() || self.pending.len() > 1 {
            self.hand_on();
        }
    }

    /// Gives everything taken so far to the sink.
    fn hand_on(&mut self) {
        self.lingers_until = None;
        if !self.pending.is_empty() {
            self.sink.write(&self.stream, &self.pending);
            self.pending.clear();
        }
    }
}

/// The phase of an initialisation for its report.
fn phase_of(within: Within) -> Phase {
    match within {
        Within::Init => Phase::Init,
        Within::Call => Phase::Invoke,
    }
}

/// How a failure shows in a report.
fn ending_of(failure: &Failure) -> Ending {
    match failure {
        Failure::TimedOut(_) => Ending::Timeout,
        other => Ending::Error(other.error_type().to_owned()),
    }
}
