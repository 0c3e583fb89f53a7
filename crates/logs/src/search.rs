//! Reading events in order of time, a page at a time, out of a journal that is in order of writing.

use std::collections::{BTreeMap, HashSet};

use aws::Fault;
use store::Journal;

use crate::index::{GroupName, Span};
use crate::limits::{PAGE_BYTES, PENDING_BYTES, SCAN_BYTES};
use crate::pattern::Pattern;
use crate::record::Record;
use crate::rules::Key;

/// Which streams of a group are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Streams {
    All,
    Prefix(String),
    Names(HashSet<String>),
}

impl Streams {
    pub(crate) fn wants(&self, stream: &str) -> bool {
        match self {
            Streams::All => true,
            Streams::Prefix(prefix) => stream.starts_with(prefix),
            Streams::Names(names) => names.contains(stream),
        }
    }
}

/// What is looked for.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) group: GroupName,
    pub(crate) streams: Streams,
    /// Both included, in milliseconds since the epoch.
    pub(crate) times: std::ops::RangeInclusive<u64>,
    pub(crate) pattern: Pattern,
    /// Where the page before ended.
    pub(crate) after: Option<Key>,
    /// Events on the page.
    pub(crate) limit: usize,
}

/// An event that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) stream: String,
    pub(crate) message: String,
    pub(crate) ingested: u64,
}

/// A page of events.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) events: Vec<(Key, Event)>,
    bytes: usize,
    /// Where the next page goes on; `None` when there is nothing more.
    pub(crate) next: Option<Key>,
}

/// Events that were read and wait for others that may come before them.
#[derive(Default)]
struct Pending {
    events: BTreeMap<Key, Event>,
    bytes: usize,
}

impl Search {
    /// The earliest time that is still to be read.
    pub(crate) fn from(&self) -> u64 {
        self.after.map_or(0, |after| after.at).max(*self.times.start())
    }

    /// Reads a page out of `spans`, which are in order of their first time.
    pub(crate) async fn run(&self, journal: &Journal, spans: &[Span]) -> Result<Page, Fault> {
        let (mut page, mut pending, mut read) = (Page::default(), Pending::default(), 0);
        for span in spans {
            // Whatever is earlier than all that is still unread has its place now.
            if self.settle(&mut pending, &mut page, span.first_at) {
                return Ok(page);
            }
            let resume = Key::before(span.first_at);
            if read >= SCAN_BYTES && self.after.is_none_or(|after| resume.at > after.at) {
                page.next = Some(resume);
                return Ok(page);
            }
            read += span.bytes;
            self.load(journal, span, &mut pending).await?;
        }
        self.settle(&mut pending, &mut page, u64::MAX);
        Ok(page)
    }

    /// Moves events earlier than `before` to the page; true when the page is full.
    fn settle(&self, pending: &mut Pending, page: &mut Page, before: u64) -> bool {
        while let Some((key, event)) = pending.events.first_key_value() {
            // Too many events with confused times: better out of order than out of memory.
            if key.at >= before && before != u64::MAX && pending.bytes <= PENDING_BYTES {
                return false;
            }
            let size = event.message.len() + 26;
            let full = page.events.len() >= self.limit || page.bytes + size > PAGE_BYTES;
            if full && let Some((last, _)) = page.events.last() {
                page.next = Some(*last);
                return true;
            }
            let Some((key, event)) = pending.events.pop_first() else { return false };
            pending.bytes -= event.message.len();
            page.bytes += size;
            page.events.push((key, event));
        }
        false
    }

    async fn load(&self, journal: &Journal, span: &Span, pending: &mut Pending) -> Result<(), Fault> {
        let mut from = span.start;
        // Enough for the whole chunk with the journal's own bytes around each record, as a rule.
        let enough = usize::try_from(span.bytes + span.bytes / 4).unwrap_or(usize::MAX);
        while from < span.end {
            let stretch = journal.read(from, enough).await?;
            if stretch.records.is_empty() {
                break;
            }
            from = stretch.next;
            for (position, bytes) in stretch.records.iter().filter(|(position, _)| *position < span.end) {
                self.take(*position, bytes, pending);
            }
        }
        Ok(())
    }

    /// Keeps what is wanted of a record.
    fn take(&self, position: u64, bytes: &[u8], pending: &mut Pending) {
        let Some(record) = Record::read(bytes) else { return };
        let here = record.account == self.group.account
            && record.region == self.group.region.as_str()
            && record.group == self.group.group
            && self.streams.wants(record.stream);
        if !here {
            return;
        }
        for (line, (at, message)) in record.lines().enumerate() {
            let key = Key { at, position, line: line as u64 };
            if !self.times.contains(&at) || self.after.is_some_and(|after| key <= after) {
                continue;
            }
            let message = String::from_utf8_lossy(message);
            if self.pattern.matches(&message) {
                pending.bytes += message.len();
                let event = Event {
                    stream: record.stream.to_owned(),
                    message: message.into_owned(),
                    ingested: record.ingested,
                };
                pending.events.insert(key, event);
            }
        }
    }
}
