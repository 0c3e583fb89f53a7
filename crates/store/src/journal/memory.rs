use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use aws::Millis;
use bytes::Bytes;
use tasks::{Clock, Random};

use super::{Stretch, lock};
use crate::limits::SYNC_WITHIN;

/// The journals of a simulated store; they outlive the store.
#[derive(Clone)]
pub(crate) struct MemoryJournals {
    clock: Clock,
    logs: Arc<Mutex<Logs>>,
}

type Logs = HashMap<&'static str, Arc<Mutex<Log>>>;

pub(super) struct MemoryJournal {
    clock: Clock,
    log: Arc<Mutex<Log>>,
    keep_bytes: u64,
}

#[derive(Default)]
struct Log {
    records: VecDeque<(u64, Millis, Bytes)>,
    bytes: u64,
    end: u64,
}

impl MemoryJournals {
    pub(crate) fn new(clock: Clock) -> MemoryJournals {
        MemoryJournals { clock, logs: Arc::default() }
    }

    pub(super) fn open(&self, name: &'static str, keep_bytes: u64) -> MemoryJournal {
        let log = lock(&self.logs).entry(name).or_default().clone();
        MemoryJournal { clock: self.clock.clone(), log, keep_bytes }
    }

    /// Cuts the power: of the last 100 ms of each journal a random part is lost.
    pub(crate) fn crash(&self, random: &Random) {
        let synced = Millis(self.clock.wall_ms().saturating_sub(SYNC_WITHIN.as_millis() as u64));
        for log in lock(&self.logs).values() {
            let mut log = lock(log);
            let doubtful = log.records.iter().rev().take_while(|(_, at, _)| *at > synced).count() as u64;
            for _ in 0..random.below(doubtful + 1) {
                log.bytes -= log.records.pop_back().map_or(0, |(_, _, record)| record.len() as u64);
            }
        }
    }
}

impl MemoryJournal {
    pub(super) fn note(&self, record: &[u8]) -> u64 {
        let mut log = lock(&self.log);
        let position = log.end;
        log.end += 8 + record.len() as u64;
        log.bytes += record.len() as u64;
        log.records.push_back((position, Millis(self.clock.wall_ms()), Bytes::copy_from_slice(record)));
        while log.bytes > self.keep_bytes && log.records.len() > 1 {
            log.bytes -= log.records.pop_front().map_or(0, |(_, _, record)| record.len() as u64);
        }
        position
    }

    pub(super) fn read(&self, from: u64, max_bytes: usize) -> Stretch {
        let log = lock(&self.log);
        let mut stretch = Stretch { records: Vec::new(), next: log.end.max(from) };
        let mut left = max_bytes;
        let first = log.records.partition_point(|(position, _, _)| *position < from);
        for (position, _, record) in log.records.range(first..) {
            if record.len() > left && !stretch.records.is_empty() {
                stretch.next = *position;
                break;
            }
            left = left.saturating_sub(record.len() + 8);
            stretch.records.push((*position, record.clone()));
        }
        stretch
    }

    pub(super) fn drop_before(&self, position: u64) {
        let mut log = lock(&self.log);
        while log.records.front().is_some_and(|(at, _, _)| *at < position) {
            log.bytes -= log.records.pop_front().map_or(0, |(_, _, record)| record.len() as u64);
        }
    }

    pub(super) fn end(&self) -> u64 {
        lock(&self.log).end
    }
}
