//! What concerns a whole source: counting it, deleting it.

use std::collections::BTreeSet;

use aws::Millis;

use super::lanes::{Lanes, behind};
use super::layout::{Entry, Rows, State};
use super::rules::{Occasion, Order};
use super::{Depth, Group};
use crate::backend::RawView;
use crate::limits::{PURGE_PAGE, QUEUE_PAGE};
use crate::{Result, View};

/// The bits of an id below its home.
const NUMBER: u64 = (1 << 48) - 1;

pub(crate) fn depth(view: &mut View<'_>, tag: u32, source: &str) -> Result<Depth> {
    let (home, now) = (view.home(), view.now());
    let rows = Rows { home, tag, source };
    let raw = view.raw();
    let (from, to) = rows.index();
    let mut depth = Depth { ready: raw.count(&from, &to)?, ..Depth::default() };
    hidden(raw, &rows, &Group::None, now, &mut depth)?;
    let (mut from, to) = rows.line(Millis(u64::MAX));
    loop {
        let page = raw.scan(&from, &to, QUEUE_PAGE)?;
        for (key, _) in &page {
            let (_, group) = rows.read_line_row(key)?;
            hidden(raw, &rows, &group, now, &mut depth)?;
        }
        match page.last() {
            Some((last, _)) if page.len() == QUEUE_PAGE => from = behind(last),
            _ => return Ok(depth),
        }
    }
}

/// Moves the items of a lane that are hidden from `ready` to where they belong.
fn hidden(
    raw: &mut dyn RawView,
    rows: &Rows<'_>,
    group: &Group,
    now: Millis,
    depth: &mut Depth,
) -> Result<()> {
    let (mut from, to) = match group.order() {
        Order::Free => rows.lane_after(group, now),
        Order::Strict => rows.lane(group, now),
    };
    loop {
        let page = raw.scan(&from, &to, QUEUE_PAGE)?;
        for (key, sealed) in &page {
            let entry = Entry::decode(key, sealed)?;
            match (entry.due > now, entry.state) {
                (true, State::Leased) => depth.held += 1,
                (true, State::Waiting) => depth.delayed += 1,
                // It was leased before, and others behind it may be so still.
                (false, State::Leased) => continue,
                // Nothing behind it was ever leased.
                (false, State::Waiting) => return Ok(()),
            }
            depth.ready = depth.ready.saturating_sub(1);
        }
        match page.last() {
            Some((last, _)) if page.len() == QUEUE_PAGE => from = behind(last),
            _ => return Ok(()),
        }
    }
}

/// How far a purge is.
#[derive(Debug, Default)]
pub(crate) struct Purge {
    pub(crate) deleted: u64,
    /// The newest number when it began: later items stay.
    newest: Option<u64>,
    /// Leases of this process that have nothing to hold any more.
    pub(crate) released: Vec<(u64, u64)>,
    /// Where it goes on; `None` at the beginning.
    from: Option<Vec<u8>>,
    /// Deleted since the beginning was last looked at. What is moved meanwhile may be behind us, so it ends when a whole
    /// way has found nothing.
    found: u64,
}

impl Purge {
    pub(crate) fn is_over(&self) -> bool {
        self.newest.is_some() && self.from.is_none() && self.found == 0
    }
}

/// Deletes a part; answers how far it came.
pub(crate) fn purge(lanes: &mut Lanes<'_>, last: &Purge) -> Result<Purge> {
    let newest = match last.newest {
        Some(newest) => newest,
        None => lanes.numbers.next(lanes.raw, lanes.rows.home)?,
    };
    let (first, to) = lanes.rows.index();
    let page = lanes.raw.scan(last.from.as_ref().unwrap_or(&first), &to, PURGE_PAGE)?;
    let mut groups = BTreeSet::new();
    let mut deleted = last.deleted;
    let mut released = Vec::new();
    for (key, sealed) in &page {
        let entry = Entry::decode(key, sealed)?;
        if entry.id & NUMBER > newest {
            continue;
        }
        let group = lanes.rows.group_of(key)?;
        lanes.drop_item(&group, &entry)?;
        released.extend(lanes.seat.and_then(|seat| seat.serial(entry.id)).map(|serial| (entry.id, serial)));
        groups.insert(group);
        deleted += 1;
    }
    for group in &groups {
        lanes.touch(group, Occasion::Changed)?;
    }
    let from = page.last().filter(|_| page.len() == PURGE_PAGE).map(|(key, _)| behind(key));
    let found = deleted - last.deleted + last.from.as_ref().map_or(0, |_| last.found);
    Ok(Purge { deleted, newest: Some(newest), released, from, found })
}
