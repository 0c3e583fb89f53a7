use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use tasks::{Clock, Tick};
use tokio::sync::oneshot;

use super::{Environment, Happening, ending_of, phase_of};
use crate::admission::Lease;
use crate::engine::count;
use crate::failure::Failure;
use crate::life::{State, Within};
use crate::limits;
use crate::lines::{Ending, billed_ms, memory_mb};
use crate::output::Tail;
use crate::pool::{Counted, Job};
use crate::runtime_api::{Answered, Delivery};
use crate::{Invocation, LogTail, Outcome, Refused, Report, Verdict};

type Answer = oneshot::Sender<Result<Outcome, Refused>>;

/// The call at hand.
pub(crate) struct Call {
    invocation: Invocation,
    answer: Option<Answer>,
    lease: Option<Lease>,
    /// When its time began: when the event was handed over, or an initialisation within it began.
    began: Tick,
    deadline: Tick,
    answered_at: Tick,
    /// How the runtime answered.
    ending: Ending,
    /// The answer, while it waits for the log tail.
    held: Option<(Verdict, Bytes)>,
}

impl Call {
    fn new(job: Job, now: Tick) -> Call {
        let deadline = now.plus(job.invocation.function.timeout);
        Call {
            invocation: job.invocation,
            answer: Some(job.answer),
            lease: Some(job.lease),
            began: now,
            deadline,
            answered_at: now,
            ending: Ending::Success,
            held: None,
        }
    }

    /// When its time is over.
    pub(crate) fn deadline(&self) -> Tick {
        self.deadline
    }

    /// Until when new calls wait for its environment.
    pub(crate) fn grace_ends(&self) -> Tick {
        self.answered_at.plus(limits::DRAIN_GRACE)
    }

    /// Answers that it does not run.
    pub(crate) fn refuse(mut self, why: Refused) {
        self.send(Err(why));
    }

    /// Answers. The concurrency is given back first: the caller may call again at once.
    fn send(&mut self, result: Result<Outcome, Refused>) {
        self.lease = None;
        if let Some(answer) = self.answer.take() {
            // A caller that has gone away does not stop the function, it only misses the answer.
            let _ = answer.send(result);
        }
    }

    fn delivery(&self, clock: &Clock) -> Delivery {
        let left = self.deadline.since(clock.tick());
        let deadline_ms = clock.wall_ms() + u64::try_from(left.as_millis()).unwrap_or(0);
        let invocation = &self.invocation;
        let id = invocation.request_id.to_string();
        let mut headers = HeaderMap::with_capacity(8);
        let mut set = |name: &'static str, value: &str| {
            headers.insert(HeaderName::from_static(name), header_value(value));
        };
        set("lambda-runtime-aws-request-id", &id);
        set("lambda-runtime-deadline-ms", &deadline_ms.to_string());
        set("lambda-runtime-invoked-function-arn", &invocation.invoked_arn);
        if let Some(trace) = &invocation.trace {
            set("lambda-runtime-trace-id", trace);
        }
        if let Some(context) = &invocation.client_context {
            set("lambda-runtime-client-context", context);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Delivery { id, headers, body: invocation.payload.clone() }
    }
}

/// The one validator of what callers put into headers: line ends and other control characters become spaces, which
/// in JSON and trace headers mean the same. So nothing can split a header.
fn header_value(text: &str) -> HeaderValue {
    let clean = |byte: u8| if byte < b' ' || byte == 0x7f { b' ' } else { byte };
    HeaderValue::from_str(text).unwrap_or_else(|_| {
        let bytes: Vec<u8> = text.bytes().map(clean).collect();
        HeaderValue::from_bytes(&bytes).unwrap_or(HeaderValue::from_static(""))
    })
}

impl Environment {
    /// Takes over a dispatched call; its time begins.
    pub(super) fn begin_call(&mut self, happening: Happening) {
        let Happening::Dispatched(job) = happening else { return };
        count(&self.engine.totals.invocations);
        self.weight.uses += 1;
        self.journal.tail = (job.invocation.log_tail == LogTail::Wanted).then(Tail::default);
        self.call = Some(Call::new(job, self.engine.parts.clock.tick()));
    }

    /// Hands the event over. START waits for the next line, or [`limits::START_LINGER`]: the runtime is not kept waiting
    /// for a log, and a short call without output costs one write.
    pub(super) async fn deliver(&mut self, happening: Happening) -> Option<Happening> {
        if let Happening::Asked(_) = happening {
            self.initialised().await;
        }
        self.begin_call(happening);
        let (Some(call), Some(slot)) = (&self.call, &mut self.slot) else { return None };
        slot.thaw();
        slot.api.deliver(call.delivery(&self.engine.parts.clock));
        let line = self.lines().start(&call.invocation.request_id);
        if self.journal.sieve.keeps_system(&line) {
            let clock = &self.engine.parts.clock;
            self.journal.linger(clock.wall_ms(), line, clock.tick().plus(limits::START_LINGER));
        }
        None
    }

    /// The runtime asked for its first event: what it has written until then comes before START.
    async fn initialised(&mut self) {
        self.drain_output().await;
        self.journal.hand_on();
        if let Some(slot) = &mut self.slot {
            slot.limit_cpu();
            slot.measure();
            slot.forgive();
        }
    }

    fn log_start(&mut self) {
        if let Some(call) = &self.call {
            let line = self.lines().start(&call.invocation.request_id);
            self.log([line]);
        }
    }

    /// The init phase is over.
    pub(super) async fn ready(&mut self, happening: Happening) -> Option<Happening> {
        if let Happening::Asked(at) = happening {
            let init = at.since(self.init_began);
            self.init = Some(init);
            self.weight.cost_us += u64::try_from(init.as_micros()).unwrap_or(u64::MAX);
        }
        self.initialised().await;
        self.offer(super::Warmth::Warm)
    }

    /// The first initialisation failed: reports it and looks for a call to try again within.
    pub(super) async fn seek_call(&mut self, happening: Happening) -> Option<Happening> {
        let duration = self.initialising_for(&happening);
        let failure = self.failure_of(happening, limits::INIT_LIMIT);
        self.drain_output().await;
        self.init_failed = duration;
        let line = self.lines().init_report(duration, phase_of(Within::Init), &ending_of(&failure));
        self.log([line]);
        let counted = self.counted.replace(Counted::Busy).unwrap_or(Counted::Busy);
        let job = self.pool.books().claim(counted);
        Some(job.map_or(Happening::End, Happening::Dispatched))
    }

    fn initialising_for(&self, happening: &Happening) -> Duration {
        let duration = self.engine.parts.clock.tick().since(self.init_began);
        match happening {
            Happening::Expired if self.call.is_none() => limits::INIT_LIMIT,
            _ => duration,
        }
    }

    /// The runtime answered: so is the caller, unless the log tail is wanted.
    pub(super) async fn answer(&mut self, happening: Happening) -> Option<Happening> {
        let Happening::Answered(Answered { result, at, permit }) = happening else { return None };
        let max_memory_mb = self.last_memory_mb();
        let report = self.report(at, max_memory_mb);
        let call = self.call.as_mut()?;
        call.answered_at = at;
        let (verdict, payload) = match result {
            Ok(bytes) => (Verdict::Success, bytes),
            Err(failure) => {
                call.ending = Ending::Reported(failure.error_type().to_owned());
                (Verdict::Unhandled, failure.payload(&call.invocation.request_id))
            }
        };
        self.settling();
        let call = self.call.as_mut()?;
        if call.invocation.log_tail == LogTail::Wanted {
            call.held = Some((verdict, payload));
            return None;
        }
        call.send(Ok(Outcome { verdict, payload, log_tail: None, report }));
        drop(permit);
        // One round for the caller's task, one for that of its connection, which writes.
        let_others_run().await;
        let_others_run().await;
        None
    }

    /// A `next` while an answer is given ends the call; the kernel may have killed one of its processes meanwhile.
    pub(super) fn examine(&mut self, happening: Happening) -> Happening {
        let (State::Draining, Happening::Asked(at), Some(slot)) = (self.state, &happening, &mut self.slot)
        else {
            return happening;
        };
        slot.measure();
        if slot.ran_out_of_memory() { Happening::Exhausted(*at) } else { happening }
    }

    /// The call is over: END and REPORT, and the answer if it waited for them.
    pub(super) async fn finish(&mut self, happening: Happening) {
        let Some(call) = &self.call else { return };
        let mut ending = call.ending.clone();
        let now = self.engine.parts.clock.tick();
        let until = match &happening {
            Happening::Asked(at) | Happening::Exhausted(at) => *at,
            Happening::Expired => {
                count(&self.engine.totals.timeouts);
                ending = Ending::Timeout;
                call.deadline
            }
            _ => now,
        };
        if let Happening::Exited(_) = happening {
            self.measure();
            ending = ending_of(&self.failure_of(happening, Duration::ZERO));
        }
        let report = self.report(until, self.last_memory_mb());
        self.close_books(report, &ending).await;
        let Some(mut call) = self.call.take() else { return };
        if let Some((verdict, payload)) = call.held.take() {
            let log_tail = self.journal.tail.take().map(Tail::into_bytes);
            call.send(Ok(Outcome { verdict, payload, log_tail, report }));
        }
    }

    /// The function timed out or its process ended before it answered.
    pub(super) async fn fail(&mut self, happening: Happening) {
        let timeout = self.function.timeout;
        let until = match (&happening, &self.call) {
            (Happening::Expired, Some(call)) => call.deadline,
            _ => self.engine.parts.clock.tick(),
        };
        self.measure();
        let failure = self.failure_of(happening, timeout);
        let report = self.report(until, self.memory_mb_at(&failure));
        self.close_books(report, &ending_of(&failure)).await;
        self.send_failure(&failure, report);
    }

    /// The initialisation within the call failed too. AWS reports it before START.
    pub(super) async fn fail_init(&mut self, happening: Happening) {
        let timeout = self.function.timeout;
        let duration = self.initialising_for(&happening);
        let until = match (&happening, &self.call) {
            (Happening::Expired, Some(call)) => call.deadline,
            _ => self.engine.parts.clock.tick(),
        };
        self.measure();
        let failure = self.failure_of(happening, timeout);
        self.drain_output().await;
        let ending = ending_of(&failure);
        let line = self.lines().init_report(duration, phase_of(Within::Call), &ending);
        self.log([line]);
        self.log_start();
        let report = self.report(until, self.memory_mb_at(&failure));
        self.close_books(report, &ending).await;
        self.send_failure(&failure, report);
    }

    fn send_failure(&mut self, failure: &Failure, report: Report) {
        if let Failure::TimedOut(_) = failure {
            count(&self.engine.totals.timeouts);
        }
        self.settling();
        let Some(mut call) = self.call.take() else { return };
        let payload = failure.payload(&call.invocation.request_id);
        let log_tail = self.journal.tail.take().map(Tail::into_bytes);
        call.send(Ok(Outcome { verdict: Verdict::Unhandled, payload, log_tail, report }));
    }

    /// Writes the function's last output, END and REPORT.
    async fn close_books(&mut self, report: Report, ending: &Ending) {
        self.drain_output().await;
        let Some(call) = &self.call else { return };
        let id = call.invocation.request_id;
        let lines = self.lines();
        let end = lines.end(&id);
        let figures = lines.report(&id, &report, ending);
        self.log(end.into_iter().chain([figures]));
        self.init = None;
        self.init_failed = Duration::ZERO;
        if let Some(slot) = &mut self.slot {
            slot.forgive();
        }
    }

    /// Takes everything that the function has written so far; a system line follows and hands it on.
    pub(super) async fn drain_output(&mut self) {
        let at_ms = self.engine.parts.clock.wall_ms();
        let Environment { slot, journal, .. } = self;
        if let Some(slot) = slot {
            slot.drain(|message| journal.message(at_ms, message)).await;
        }
    }

    /// The figures of the call at hand, if it ended at `until`.
    fn report(&self, until: Tick, max_memory_mb: u64) -> Report {
        let began = self.call.as_ref().map_or(until, |call| call.began);
        let duration = until.since(began);
        let unbilled = self.init.unwrap_or_default() + self.init_failed;
        Report { duration, init: self.init, billed_ms: billed_ms(duration, unbilled), max_memory_mb }
    }

    fn measure(&mut self) {
        if let Some(slot) = &mut self.slot {
            slot.measure();
        }
    }

    fn last_memory_mb(&self) -> u64 {
        let bytes = self.slot.as_ref().map_or(0, |slot| slot.last_usage().peak_memory_bytes);
        memory_mb(bytes, self.function.memory_mb)
    }

    /// Who ran out of memory used all of it, whatever could still be measured.
    fn memory_mb_at(&self, failure: &Failure) -> u64 {
        match failure {
            Failure::OutOfMemory(_) => u64::from(self.function.memory_mb),
            _ => self.last_memory_mb(),
        }
    }

    fn failure_of(&self, happening: Happening, limit: Duration) -> Failure {
        match happening {
            Happening::InitError(failure) => failure,
            Happening::Exited(exit) if self.slot.as_ref().is_some_and(|slot| slot.ran_out_of_memory()) => {
                Failure::OutOfMemory(exit)
            }
            Happening::Exited(exit) => Failure::Exited(exit, self.function.command),
            _ => Failure::TimedOut(limit),
        }
    }
}

/// Lets every task run that is ready now: the caller sends its answer before we look after our books.
async fn let_others_run() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if yielded {
            return std::task::Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_split_a_header() {
        for text in ["plain", "a\r\nInjected: yes", "{\n  \"a\": 1\n}", "caf\u{e9}", "\0", "tab\there"] {
            let value = header_value(text);
            assert!(!value.as_bytes().iter().any(|b| matches!(b, b'\r' | b'\n' | 0)), "{text:?}");
        }
        assert_eq!(header_value("{\n\"a\": 1}").as_bytes(), b"{ \"a\": 1}");
        assert_eq!(header_value("caf\u{e9}").as_bytes(), "caf\u{e9}".as_bytes());
    }
}
