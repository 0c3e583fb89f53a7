//! What the runtime may say when: the state machine behind the Runtime API, pure.

/// Where the runtime stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has been started and has not asked for an event.
    Started,
    /// It said that it cannot initialise.
    InitError,
    /// It waits for an event.
    Ready,
    /// It has the event and has not begun to answer.
    Running,
    /// Its answer is arriving.
    Answering(Kind),
    /// Its answer is complete; it has not asked for the next event.
    ResponseSent,
}

/// With what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `response`.
    Response,
    /// `error`.
    Error,
}

/// What a `next` gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It waits; this is news: the initialisation or the call is over.
    Asked,
    /// It waits like another one.
    Waits,
    /// The current event again.
    Again,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The id is not that of the current call.
    RequestId,
    /// It is not the time for this.
    Transition {
        /// The state that the runtime is in.
        from: &'static str,
        /// The state that the request stands for.
        to: &'static str,
    },
}

/// The state of one environment's runtime.
#[derive(Debug)]
pub(crate) struct Session {
    phase: Phase,
    /// The id of the current call, empty without one.
    id: String,
}

impl Phase {
    /// The name that AWS's supervisor gives it.
    fn name(self) -> &'static str {
        match self {
            Phase::Started => "Started",
            Phase::InitError => "InitError",
            Phase::Ready => "Ready",
            Phase::Running => "Running",
            Phase::Answering(kind) => kind.name(),
            Phase::ResponseSent => "ResponseSent",
        }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Response => "InvocationResponse",
            Kind::Error => "InvocationErrorResponse",
        }
    }
}

impl Session {
    /// A runtime that was just started.
    pub(crate) fn new() -> Session {
        Session { phase: Phase::Started, id: String::new() }
    }

    /// The runtime asks for an event.
    pub(crate) fn next(&mut self) -> Result<Next, Refusal> {
        match self.phase {
            Phase::Started | Phase::ResponseSent => {
                self.phase = Phase::Ready;
                self.id.clear();
                Ok(Next::Asked)
            }
            Phase::Ready => Ok(Next::Waits),
            Phase::Running => Ok(Next::Again),
            Phase::InitError | Phase::Answering(_) => Err(self.not_now("Ready")),
        }
    }

    /// The event of call `id` goes to the runtime, if it waits for one.
    pub(crate) fn deliver(&mut self, id: String) -> Delivered {
        if self.phase != Phase::Ready {
            return Delivered::No;
        }
        self.phase = Phase::Running;
        self.id = id;
        Delivered::Yes
    }

    /// An answer for call `id` begins to arrive.
    pub(crate) fn begin(&mut self, id: &str, kind: Kind) -> Result<(), Refusal> {
        if self.id.is_empty() || self.id != id {
            return Err(Refusal::RequestId);
        }
        if self.phase != Phase::Running {
            return Err(self.not_now(kind.name()));
        }
        self.phase = Phase::Answering(kind);
        Ok(())
    }

    /// The answer that was arriving is complete. False if none was.
    pub(crate) fn complete(&mut self) -> Delivered {
        if !matches!(self.phase, Phase::Answering(_)) {
            return Delivered::No;
        }
        self.phase = Phase::ResponseSent;
        Delivered::Yes
    }

    /// The answer that was arriving broke off: the runtime may answer again.
    pub(crate) fn abandon(&mut self) {
        if matches!(self.phase, Phase::Answering(_)) {
            self.phase = Phase::Running;
        }
    }

    /// The runtime cannot initialise.
    pub(crate) fn init_error(&mut self) -> Result<(), Refusal> {
        if self.phase != Phase::Started {
            return Err(self.not_now("InitError"));
        }
        self.phase = Phase::InitError;
        Ok(())
    }

    fn not_now(&self, to: &'static str) -> Refusal {
        Refusal::Transition { from: self.phase.name(), to }
    }
}

/// Whether something was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_runtime_that_keeps_to_the_rules_is_never_refused() {
        let mut session = Session::new();
        assert_eq!(session.next(), Ok(Next::Asked));
        for id in ["a", "b"] {
            assert_eq!(session.deliver(id.to_owned()), Delivered::Yes);
            assert_eq!(session.begin(id, Kind::Response), Ok(()));
            assert_eq!(session.complete(), Delivered::Yes);
            assert_eq!(session.next(), Ok(Next::Asked));
        }
    }

    #[test]
    fn a_second_answer_is_refused_and_a_foreign_id_is_unknown() {
        let mut session = Session::new();
        assert_eq!(session.begin("", Kind::Response), Err(Refusal::RequestId));
        session.next().unwrap();
        session.deliver("a".to_owned());
        assert_eq!(session.begin("b", Kind::Error), Err(Refusal::RequestId));
        assert_eq!(session.next(), Ok(Next::Again));
        session.begin("a", Kind::Error).unwrap();
        let answering = Refusal::Transition { from: "InvocationErrorResponse", to: "InvocationResponse" };
        assert_eq!(session.begin("a", Kind::Response), Err(answering));
        assert_eq!(session.next(), Err(Refusal::Transition { from: "InvocationErrorResponse", to: "Ready" }));
        session.complete();
        let sent = Refusal::Transition { from: "ResponseSent", to: "InvocationResponse" };
        assert_eq!(session.begin("a", Kind::Response), Err(sent));
        session.next().unwrap();
        assert_eq!(session.begin("a", Kind::Response), Err(Refusal::RequestId));
    }

    #[test]
    fn init_errors_come_before_the_first_next_only() {
        let mut session = Session::new();
        assert_eq!(session.init_error(), Ok(()));
        assert!(session.init_error().is_err());
        assert!(session.next().is_err());
        let mut session = Session::new();
        session.next().unwrap();
        assert_eq!(session.init_error(), Err(Refusal::Transition { from: "Ready", to: "InitError" }));
    }

    #[derive(Debug, Clone)]
    enum Said {
        Next,
        Deliver,
        Begin(u8, Kind),
        Complete,
        Abandon,
        InitError,
    }

    fn said() -> impl Strategy<Value = Said> {
        prop_oneof![
            Just(Said::Next),
            Just(Said::Deliver),
            (0u8..3).prop_map(|id| Said::Begin(id, Kind::Response)),
            (0u8..3).prop_map(|id| Said::Begin(id, Kind::Error)),
            Just(Said::Complete),
            Just(Said::Abandon),
            Just(Said::InitError),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_said_no_call_is_answered_twice(saids in prop::collection::vec(said(), 0..100)) {
            let mut session = Session::new();
            let (mut current, mut answered) = (0u8, 0u32);
            for said in saids {
                match said {
                    Said::Next => { let _ = session.next(); }
                    Said::Deliver => {
                        if session.deliver(current.wrapping_add(1).to_string()) == Delivered::Yes {
                            current = current.wrapping_add(1);
                            answered = 0;
                        }
                    }
                    Said::Begin(back, kind) => {
                        let id = current.wrapping_sub(back).to_string();
                        if session.begin(&id, kind).is_ok() {
                            prop_assert_eq!((back, answered), (0, 0));
                        }
                    }
                    Said::Complete => answered += u32::from(session.complete() == Delivered::Yes),
                    Said::Abandon => session.abandon(),
                    Said::InitError => { let _ = session.init_error(); }
                }
                prop_assert!(answered <= 1);
            }
        }
    }
}
