//! What the journal holds, in memory: which stream wrote into which chunk of the journal, and when. Never a message.
//!
//! The journal is cut into chunks of some 64 KiB. A stream has one entry for each chunk that holds lines of it, so memory grows with
//! chunks times streams that write at the same time, not with lines. The oldest chunks go first: by the size of the
//! journal, by age, and when there are too many entries.

use std::collections::{BTreeMap, HashMap, VecDeque};

use aws::{AccountId, Region};

use crate::limits::CHUNK_BYTES;

/// A group's full name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) group: String,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Bytes of journal.
    pub(crate) bytes: u64,
    /// Milliseconds since ingestion.
    pub(crate) age_ms: u64,
    /// Entries of the index.
    pub(crate) entries: usize,
}

/// A record as the index sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) position: u64,
    pub(crate) bytes: u64,
    pub(crate) ingested: u64,
    pub(crate) first_at: u64,
    pub(crate) last_at: u64,
    pub(crate) stream: &'a str,
}

/// The index.
#[derive(Debug)]
pub(crate) struct Index {
    bounds: Bounds,
    groups: BTreeMap<GroupName, Group>,
    owners: HashMap<u64, (GroupName, String)>,
    chunks: VecDeque<Chunk>,
    next_id: u64,
    entries: usize,
    bytes: u64,
}

#[derive(Debug)]
struct Chunk {
    /// The position of its first record.
    start: u64,
    /// Behind the position of its last record.
    end: u64,
    bytes: u64,
    /// When its last record was ingested.
    ingested: u64,
    /// The streams that have an entry for it.
    streams: Vec<u64>,
}

/// A log group with its streams in order of name.
#[derive(Debug)]
pub(crate) struct Group {
    /// When its oldest known record was ingested.
    pub(crate) created: u64,
    /// Bytes of journal that its lines take.
    pub(crate) bytes: u64,
    pub(crate) streams: BTreeMap<String, Stream>,
}

/// A log stream.
#[derive(Debug)]
pub(crate) struct Stream {
    id: u64,
    entries: VecDeque<Entry>,
    /// When its oldest known record was ingested.
    pub(crate) created: u64,
    /// The latest time of a line.
    pub(crate) last_at: u64,
    /// When its last record was ingested.
    pub(crate) ingested: u64,
    /// The position of its last record.
    pub(crate) position: u64,
}

#[derive(Debug)]
struct Entry {
    chunk: u64,
    bytes: u64,
    first_at: u64,
    last_at: u64,
}

impl Stream {
    /// The earliest time of a line that is still kept.
    pub(crate) fn first_at(&self) -> u64 {
        self.entries.iter().map(|entry| entry.first_at).min().unwrap_or_default()
    }
}

/// A chunk of the journal that holds lines which are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) bytes: u64,
    /// The earliest time of the streams' lines in it.
    pub(crate) first_at: u64,
    /// The latest.
    pub(crate) last_at: u64,
}

impl Index {
    pub(crate) fn new(bounds: Bounds) -> Index {
        Index {
            bounds,
            groups: BTreeMap::new(),
            owners: HashMap::new(),
            chunks: VecDeque::new(),
            next_id: 0,
            entries: 0,
            bytes: 0,
        }
    }

    /// Adds a record. Positions only grow.
    pub(crate) fn add(&mut self, group: &GroupName, written: Written<'_>) {
        let full = self.chunks.back().is_none_or(|chunk| chunk.bytes >= CHUNK_BYTES);
        if full {
            let (start, ingested) = (written.position, written.ingested);
            self.chunks.push_back(Chunk { start, end: start, bytes: 0, ingested, streams: Vec::new() });
        }
        let Some(chunk) = self.chunks.back_mut() else { return };
        chunk.end = written.position + 1;
        chunk.bytes += written.bytes;
        chunk.ingested = chunk.ingested.max(written.ingested);
        self.bytes += written.bytes;

        if !self.groups.contains_key(group) {
            let new = Group { created: written.ingested, bytes: 0, streams: BTreeMap::new() };
            self.groups.insert(group.clone(), new);
        }
        let Some(found) = self.groups.get_mut(group) else { return };
        found.bytes += written.bytes;
        if !found.streams.contains_key(written.stream) {
            self.next_id += 1;
            self.owners.insert(self.next_id, (group.clone(), written.stream.to_owned()));
            found.streams.insert(written.stream.to_owned(), Stream::new(self.next_id, written.ingested));
        }
        let Some(stream) = found.streams.get_mut(written.stream) else { return };
        if stream.add(chunk.start, &written) {
            chunk.streams.push(stream.id);
            self.entries += 1;
        }
        self.prune(written.ingested);
    }

    /// Forgets what is too old or too much.
    pub(crate) fn prune(&mut self, now: u64) {
        while let Some(oldest) = self.chunks.front() {
            let old = oldest.ingested.saturating_add(self.bounds.age_ms) < now;
            let much = self.chunks.len() > 1
                && (self.bytes > self.bounds.bytes || self.entries > self.bounds.entries);
            if !old && !much {
                return;
            }
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(chunk) = self.chunks.pop_front() else { return };
        self.bytes -= chunk.bytes;
        for id in chunk.streams {
            self.entries -= 1;
            let Some((name, stream)) = self.owners.get(&id) else { continue };
            let Some(group) = self.groups.get_mut(name) else { continue };
            let Some(found) = group.streams.get_mut(stream) else { continue };
            group.bytes -= found.entries.pop_front().map_or(0, |entry| entry.bytes);
            if found.entries.is_empty() {
                group.streams.remove(stream);
                if group.streams.is_empty() {
                    self.groups.remove(name);
                }
                self.owners.remove(&id);
            }
        }
    }

    /// A group by its name.
    pub(crate) fn group(&self, name: &GroupName) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The groups of an account in a region, in order of name, beginning with `from`.
    pub(crate) fn groups(&self, from: GroupName) -> impl Iterator<Item = (&GroupName, &Group)> {
        let (account, region) = (from.account, from.region.clone());
        self.groups
            .range(from..)
            .take_while(move |(name, _)| name.account == account && name.region == region)
    }

    /// The chunks with lines of the wanted streams between two times (both included), in order of their first time.
    pub(crate) fn select(
        &self,
        group: &Group,
        wanted: impl Fn(&str) -> bool,
        times: std::ops::RangeInclusive<u64>,
    ) -> Vec<Span> {
        let mut found: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (name, stream) in &group.streams {
            // A tail asks for the newest output many times a second: most streams are passed over at once.
            if stream.last_at < *times.start() || !wanted(name) {
                continue;
            }
            for entry in &stream.entries {
                if entry.last_at < *times.start() || entry.first_at > *times.end() {
                    continue;
                }
                let span = found.entry(entry.chunk).or_insert((entry.first_at, entry.last_at));
                *span = (span.0.min(entry.first_at), span.1.max(entry.last_at));
            }
        }
        let mut spans: Vec<Span> = Vec::with_capacity(found.len());
        for (start, (first_at, last_at)) in found {
            if let Ok(index) = self.chunks.binary_search_by_key(&start, |chunk| chunk.start) {
                let chunk = &self.chunks[index];
                spans.push(Span { start, end: chunk.end, bytes: chunk.bytes, first_at, last_at });
            }
        }
        spans.sort_by_key(|span| (span.first_at, span.start));
        spans
    }

    /// The position of the oldest record that is kept; `None` when there is none.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.chunks.front().map(|chunk| chunk.start)
    }

    #[cfg(test)]
    pub(crate) fn entries(&self) -> usize {
        self.entries
    }
}

impl Stream {
    fn new(id: u64, created: u64) -> Stream {
        Stream { id, entries: VecDeque::new(), created, last_at: 0, ingested: created, position: 0 }
    }

    /// Adds a record of a chunk; true when that takes a new entry.
    fn add(&mut self, chunk: u64, written: &Written<'_>) -> bool {
        self.last_at = self.last_at.max(written.last_at);
        self.ingested = written.ingested;
        self.position = written.position;
        if let Some(last) = self.entries.back_mut()
            && last.chunk == chunk
        {
            last.bytes += written.bytes;
            last.first_at = last.first_at.min(written.first_at);
            last.last_at = last.last_at.max(written.last_at);
            return false;
        }
        let Written { bytes, first_at, last_at, .. } = *written;
        self.entries.push_back(Entry { chunk, bytes, first_at, last_at });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(group: &str) -> GroupName {
        GroupName {
            account: AccountId::parse("123456789012").unwrap(),
            region: Region::parse("r").unwrap(),
            group: group.to_owned(),
        }
    }

    const WIDE: Bounds = Bounds { bytes: u64::MAX, age_ms: u64::MAX, entries: usize::MAX };

    fn written(position: u64, bytes: u64, at: u64, stream: &str) -> Written<'_> {
        Written { position, bytes, ingested: at, first_at: at, last_at: at, stream }
    }

    fn all(index: &Index, group: &str) -> Vec<Span> {
        index.group(&name(group)).map_or(Vec::new(), |found| index.select(found, |_| true, 0..=u64::MAX))
    }

    #[test]
    fn records_near_each_other_share_an_entry() {
        let mut index = Index::new(WIDE);
        for n in 0..1_000 {
            index.add(&name("g"), written(n * 100, 100, n, "s"));
        }
        // 100,000 bytes are two chunks.
        assert_eq!(index.entries(), 2);
        let spans = all(&index, "g");
        assert_eq!((spans[0].start, spans[0].end, spans[0].first_at), (0, 65_501, 0));
        assert_eq!((spans[1].start, spans[1].last_at), (65_600, 999));
        assert_eq!(index.group(&name("g")).unwrap().bytes, 100_000);
    }

    #[test]
    fn only_chunks_with_wanted_streams_and_times_are_selected() {
        let mut index = Index::new(WIDE);
        for n in 0..10 {
            let stream = if n % 2 == 0 { "even" } else { "odd" };
            index.add(&name("g"), written(n * CHUNK_BYTES, CHUNK_BYTES, n * 10, stream));
            index.add(&name("h"), written(n * CHUNK_BYTES + 1, 1, n * 10, "other"));
        }
        let group = index.group(&name("g")).unwrap();
        let starts = |spans: Vec<Span>| spans.iter().map(|span| span.first_at).collect::<Vec<_>>();
        assert_eq!(starts(index.select(group, |s| s == "odd", 0..=u64::MAX)), [10, 30, 50, 70, 90]);
        assert_eq!(starts(index.select(group, |_| true, 20..=40)), [20, 30, 40]);
        assert_eq!(starts(index.select(group, |_| false, 0..=u64::MAX)), [0u64; 0]);
    }

    #[test]
    fn the_oldest_is_forgotten_by_size_by_age_and_by_entries() {
        let feed = |bounds: Bounds| {
            let mut index = Index::new(bounds);
            for n in 0..10 {
                index.add(&name(&format!("g{n}")), written(n * CHUNK_BYTES, CHUNK_BYTES, n * 1_000, "s"));
            }
            index
        };
        let left = |index: &Index| (0..10).filter(|n| index.group(&name(&format!("g{n}"))).is_some()).count();
        assert_eq!(left(&feed(WIDE)), 10);
        assert_eq!(left(&feed(Bounds { bytes: 4 * CHUNK_BYTES, ..WIDE })), 4);
        assert_eq!(left(&feed(Bounds { entries: 3, ..WIDE })), 3);
        let mut index = feed(Bounds { age_ms: 2_500, ..WIDE });
        assert_eq!(left(&index), 3);
        index.prune(100_000);
        assert_eq!((left(&index), index.entries(), index.bytes, index.owners.len()), (0, 0, 0, 0));
    }

    #[test]
    fn forgetting_a_part_of_a_stream_keeps_the_rest() {
        let mut index = Index::new(Bounds { bytes: 3 * CHUNK_BYTES, ..WIDE });
        for n in 0..8 {
            index.add(&name("g"), written(n * CHUNK_BYTES, CHUNK_BYTES, n, "s"));
        }
        let group = index.group(&name("g")).unwrap();
        assert_eq!(
            (group.bytes, group.streams["s"].first_at(), group.streams["s"].last_at),
            (3 * CHUNK_BYTES, 5, 7)
        );
        assert_eq!(all(&index, "g").len(), 3);
    }

    #[test]
    fn groups_are_listed_by_account_and_region() {
        let mut index = Index::new(WIDE);
        let other = GroupName { region: Region::parse("q").unwrap(), ..name("x") };
        for (n, group) in [name("b"), other, name("a")].iter().enumerate() {
            index.add(group, written(n as u64, 1, 0, "s"));
        }
        let names: Vec<&str> = index.groups(name("")).map(|(name, _)| name.group.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let names: Vec<&str> = index.groups(name("b")).map(|(name, _)| name.group.as_str()).collect();
        assert_eq!(names, ["b"]);
    }
}
