//! An environment's life as one pure transition table.
//!
//! ```text
//! Booting → Initialising → Idle → Running → Draining → Idle
//!                 │                  │          │
//!                 ▼                  └────┬─────┘
//!            InitFailed → Resetting       ▼
//!                 │           │       Resetting → Bare → Booting (within the next call)
//!                 ▼           ▼
//!               Dead       Booting (within the first call)
//! ```
//!
//! A call that finds a Bare environment initialises it again within its own time; so does the first call of an
//! environment whose initialisation failed. Every call is answered by exactly one of the acts Answer, Fail, FailInit
//! and Lose.

/// Where an environment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// A box is being made.
    Booting(Within),
    /// The runtime has been started and has not asked for an event.
    Initialising(Within),
    /// The first initialisation failed; it needs a call to try again.
    InitFailed,
    /// It waits for a call.
    Idle,
    /// The event is with the runtime.
    Running,
    /// The answer is given, the runtime has not asked for the next event.
    Draining,
    /// The box is being taken down, its `/tmp` is kept.
    Resetting(Then),
    /// There is no box; the next call makes one.
    Bare,
    /// The end.
    Dead,
}

/// Whether an initialisation has the init phase for itself or happens within a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Within {
    /// Limit of 10 s, no call at hand.
    Init,
    /// A call is at hand and its clock runs.
    Call,
}

/// What follows a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Then {
    /// A call is at hand: boot for it.
    Boot,
    /// Wait for a call.
    Rest,
}

/// What can happen to an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// The box is there.
    Started,
    /// No box could be made.
    StartFailed,
    /// The runtime asked for an event.
    Asked,
    /// The runtime reported that it could not initialise.
    InitError,
    /// The runtime answered.
    Answered,
    /// The main process ended.
    Exited,
    /// The limit of init or call passed.
    Expired,
    /// The runtime asked for an event, but the kernel has killed one of its processes for want of memory.
    Exhausted,
    /// A call came.
    Dispatched,
    /// The box is gone.
    Closed,
    /// It is to end: evicted, retired, too old, or no call to try again with.
    End,
}

/// What the task does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    /// Nothing; the event has no meaning in this state.
    Ignore,
    /// Wait on.
    Watch,
    /// Make a box.
    Boot,
    /// Write INIT_REPORT and look for a call to try again with.
    SeekCall,
    /// End the init phase and offer itself to its pool.
    Ready,
    /// Hand the event over.
    Deliver,
    /// Answer the caller with what the runtime said.
    Answer,
    /// Write END and REPORT and offer itself to its pool.
    Finish,
    /// Write END and REPORT and take the box down.
    FinishAndReset,
    /// Answer that the function timed out or exited, write END and REPORT, take the box down.
    Fail,
    /// Answer that the function could not initialise, write INIT_REPORT to REPORT, take the box down.
    FailInit,
    /// Answer that we could not make a box, and end.
    Lose,
    /// Tell the pool that the start failed, and end.
    FailStart,
    /// Take the box down, then go on.
    Reset,
    /// Offer itself, without a box, to its pool.
    Rest,
    /// Take the box down and end.
    End,
}

/// The next state and what to do.
pub(crate) fn step(state: State, event: Event) -> (State, Act) {
    use Event as E;
    use State as S;
    match (state, event) {
        (S::Booting(within), E::Started) => (S::Initialising(within), Act::Watch),
        (S::Booting(Within::Init), E::StartFailed) => (S::Dead, Act::FailStart),
        (S::Booting(Within::Call), E::StartFailed) => (S::Dead, Act::Lose),

        (S::Initialising(Within::Init), E::Asked) => (S::Idle, Act::Ready),
        (S::Initialising(Within::Init), E::InitError | E::Exited | E::Expired) => {
            (S::InitFailed, Act::SeekCall)
        }
        (S::Initialising(Within::Call), E::Asked) => (S::Running, Act::Deliver),
        (S::Initialising(Within::Call), E::InitError | E::Exited | E::Expired) => {
            (S::Resetting(Then::Rest), Act::FailInit)
        }
        (S::InitFailed, E::Dispatched) => (S::Resetting(Then::Boot), Act::Reset),
        (S::InitFailed, E::End) => (S::Dead, Act::End),

        (S::Idle, E::Dispatched) => (S::Running, Act::Deliver),
        (S::Idle, E::Exited) => (S::Resetting(Then::Rest), Act::Reset),
        (S::Idle | S::Bare, E::End) => (S::Dead, Act::End),

        (S::Running, E::Answered) => (S::Draining, Act::Answer),
        (S::Running, E::Exited | E::Expired) => (S::Resetting(Then::Rest), Act::Fail),
        // The runtime asked again without an answer: it got the same event again.
        (S::Running, E::Asked) => (S::Running, Act::Watch),

        (S::Draining, E::Asked) => (S::Idle, Act::Finish),
        (S::Draining, E::Exhausted | E::Exited | E::Expired) => {
            (S::Resetting(Then::Rest), Act::FinishAndReset)
        }

        (S::Resetting(Then::Boot), E::Closed) => (S::Booting(Within::Call), Act::Boot),
        (S::Resetting(Then::Rest), E::Closed) => (S::Bare, Act::Rest),
        (S::Bare, E::Dispatched) => (S::Booting(Within::Call), Act::Boot),

        (state, _) => (state, Act::Ignore),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const STATES: [State; 12] = [
        State::Booting(Within::Init),
        State::Booting(Within::Call),
        State::Initialising(Within::Init),
        State::Initialising(Within::Call),
        State::InitFailed,
        State::Idle,
        State::Running,
        State::Draining,
        State::Resetting(Then::Boot),
        State::Resetting(Then::Rest),
        State::Bare,
        State::Dead,
    ];
    const EVENTS: [Event; 11] = [
        Event::Started,
        Event::StartFailed,
        Event::Asked,
        Event::InitError,
        Event::Answered,
        Event::Exited,
        Event::Expired,
        Event::Exhausted,
        Event::Dispatched,
        Event::Closed,
        Event::End,
    ];

    /// True when the environment owes somebody an answer.
    fn owes(state: State) -> bool {
        matches!(
            state,
            State::Booting(Within::Call)
                | State::Initialising(Within::Call)
                | State::Running
                | State::Resetting(Then::Boot)
        )
    }

    fn has_box(state: State) -> bool {
        matches!(
            state,
            State::Initialising(_) | State::InitFailed | State::Idle | State::Running | State::Draining
        )
    }

    fn answers(act: Act) -> bool {
        matches!(act, Act::Answer | Act::Fail | Act::FailInit | Act::Lose)
    }

    fn takes_down(act: Act) -> bool {
        matches!(act, Act::Fail | Act::FailInit | Act::FinishAndReset | Act::Reset | Act::End)
    }

    fn every_step(check: impl Fn(State, Event, State, Act)) {
        for state in STATES {
            for event in EVENTS {
                let (next, act) = step(state, event);
                check(state, event, next, act);
            }
        }
    }

    #[test]
    fn every_call_is_answered_exactly_once() {
        every_step(|state, event, next, act| {
            let took = event == Event::Dispatched && state != next;
            assert_eq!(
                owes(next),
                (owes(state) || took) && !answers(act),
                "{state:?} {event:?} {next:?} {act:?}"
            );
            assert!(!answers(act) || owes(state), "{state:?} answers nobody's call at {event:?}");
        });
    }

    #[test]
    fn a_box_is_made_once_and_taken_down_once() {
        every_step(|state, event, next, act| {
            let made = event == Event::Started && state != next;
            // Dead without a box: there was none to take down.
            let down = takes_down(act) && has_box(state);
            assert_eq!(
                has_box(next),
                (has_box(state) || made) && !down,
                "{state:?} {event:?} {next:?} {act:?}"
            );
        });
    }

    #[test]
    fn what_is_ignored_changes_nothing_and_the_end_is_final() {
        every_step(|state, event, next, act| {
            if act == Act::Ignore {
                assert_eq!(state, next, "{event:?}");
            }
        });
        for event in EVENTS {
            assert_eq!(step(State::Dead, event), (State::Dead, Act::Ignore));
        }
    }

    #[test]
    fn every_state_is_reached_and_can_end() {
        let mut seen = HashSet::from([State::Booting(Within::Init)]);
        loop {
            let next: HashSet<State> =
                seen.iter().flat_map(|state| EVENTS.map(|event| step(*state, event).0)).collect();
            let before = seen.len();
            seen.extend(next);
            if seen.len() == before {
                break;
            }
        }
        assert_eq!(seen, HashSet::from(STATES));
        for state in STATES {
            let mut reach = HashSet::from([state]);
            for _ in 0..STATES.len() {
                reach
                    .extend(reach.clone().iter().flat_map(|state| EVENTS.map(|event| step(*state, event).0)));
            }
            assert!(reach.contains(&State::Dead), "{state:?}");
        }
    }

    fn walk(from: State, events: &[Event]) -> (State, Vec<Act>) {
        let mut state = from;
        let mut acts = Vec::new();
        for event in events {
            let (next, act) = step(state, *event);
            state = next;
            acts.push(act);
        }
        (state, acts)
    }

    #[test]
    fn a_cold_and_a_warm_call() {
        use Event::{Answered, Asked, Dispatched, Started};
        let events = [Started, Asked, Dispatched, Answered, Asked, Dispatched, Answered, Asked];
        let (state, acts) = walk(State::Booting(Within::Init), &events);
        assert_eq!(state, State::Idle);
        use Act::{Answer, Deliver, Finish, Ready, Watch};
        assert_eq!(acts, [Watch, Ready, Deliver, Answer, Finish, Deliver, Answer, Finish]);
    }

    #[test]
    fn a_timeout_leaves_an_environment_that_the_next_call_initialises_again() {
        use Event::{Asked, Closed, Dispatched, Expired, Started};
        let (state, acts) = walk(State::Running, &[Expired, Closed, Dispatched, Started, Asked]);
        assert_eq!(state, State::Running);
        assert_eq!(acts, [Act::Fail, Act::Rest, Act::Boot, Act::Watch, Act::Deliver]);
    }

    #[test]
    fn a_failed_initialisation_is_tried_again_within_the_first_call_only() {
        use Event::{Closed, Dispatched, End, Exited, InitError, Started};
        let begun = State::Initialising(Within::Init);
        let (state, acts) = walk(begun, &[InitError, Dispatched, Closed, Started, Exited, Closed]);
        assert_eq!(state, State::Bare);
        use Act::{Boot, FailInit, Reset, Rest, SeekCall, Watch};
        assert_eq!(acts, [SeekCall, Reset, Boot, Watch, FailInit, Rest]);
        assert_eq!(walk(begun, &[Exited, End]), (State::Dead, vec![SeekCall, Act::End]));
    }
}
