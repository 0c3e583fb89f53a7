//! CloudWatch Logs: what functions wrote, and reading it back.
//!
//! Output goes to a journal, one buffered write for each batch of lines: it survives a killed process, not the last 100 ms before a
//! power cut. In memory there is only an index of which stream wrote where; it is rebuilt from the journal at the
//! start, while writes already go on. The journal is bounded in size, and older output is forgotten by age.
//!
//! A group or stream exists as long as output of it is kept. This crate never runs a function and never waits for a
//! disk on the path of an invocation.

mod events;
mod fields;
#[doc(hidden)]
pub mod fuzzing;
mod groups;
mod index;
pub mod limits;
mod pattern;
mod record;
mod rules;
mod search;
mod sink;
mod streams;

use std::time::Duration;

use api::logs::{DescribeLogGroups, DescribeLogStreams, FilterLogEvents};
use api::{Guard, Service};
use store::{Broken, Store};
use tasks::{Clock, Tasks};

pub use record::Stream;
pub use sink::Sink;

/// How much output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Bytes of journal: the oldest part is dropped beyond that.
    pub bytes: u64,
    /// How long after it was written.
    pub age: Duration,
}

impl Default for Keep {
    fn default() -> Keep {
        Keep { bytes: limits::KEEP_BYTES, age: limits::KEEP_AGE }
    }
}

/// The service's state.
#[derive(Clone)]
pub struct Logs {
    pub(crate) sink: Sink,
}

impl Logs {
    /// Opens the journal of the store and begins to read it in the background. Needs a tokio runtime.
    pub fn open(store: &Store, clock: Clock, tasks: &Tasks, keep: Keep) -> Result<Logs, Broken> {
        Ok(Logs { sink: Sink::open(store, clock, tasks, keep)? })
    }

    /// Where output goes.
    pub fn sink(&self) -> Sink {
        self.sink.clone()
    }
}

/// The service `logs`.
pub fn service(logs: Logs) -> Service {
    Service::table(api::logs::MODEL, logs)
        .op(DescribeLogGroups, groups::all, groups::describe)
        .op(DescribeLogStreams, streams::described_group, streams::describe)
        .op(FilterLogEvents, events::filtered_group, events::filter)
        .build()
}

/// Guards a group. Policies name it with or without something behind its name.
fn guard(name: &index::GroupName) -> Guard {
    let arn = rules::group_arn(name);
    Guard::on(format!("{arn}:log-stream:")).alias(arn)
}

#[cfg(test)]
mod tests;
