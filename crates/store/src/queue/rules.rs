//! What the engine decides: which items come next, when a group has its turn, what a receipt means now. Data in, decision
//! out; no store, no clock.

use aws::Millis;

/// How the items of a lane follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// By time, each on its own.
    Free,
    /// By number, and nothing passes an item that cannot be handed out.
    Strict,
}

/// An item as a choice sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// When it may be handed out.
    pub(crate) due: Millis,
    pub(crate) born: Millis,
    /// This process holds it.
    pub(crate) holder: Holder,
}

/// Whether memory knows a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    None,
    Process,
}

/// What is to be done with an item that a choice comes across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// It may be handed out.
    Free,
    /// It may not, and others are looked at.
    Passed,
    /// It may not, and nothing behind it may.
    Blocks,
    /// It is older than the queue keeps items, and nobody holds it.
    Expired,
}

/// Looks at the next item of a lane, in the lane's order.
pub(crate) fn meet(order: Order, item: Candidate, now: Millis, born_after: Millis) -> Met {
    let hidden = item.due > now || item.holder == Holder::Process;
    match (hidden, order) {
        (true, Order::Free) => Met::Passed,
        (true, Order::Strict) => {
            #[cfg(test)]
            if slips::is(slips::Slip::StrictGroupsPass) {
                return Met::Passed;
            }
            Met::Blocks
        }
        (false, _) if item.born < born_after => Met::Expired,
        (false, _) => Met::Free,
    }
}

/// What a lane offers to a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) order: Order,
    /// Items of the lane that are held already.
    pub(crate) busy: usize,
    /// Bytes of the items that may be handed out, in order.
    pub(crate) sizes: Vec<usize>,
}

/// How many items of each lane a lease takes, and in which order: indices of lanes, one for each item.
///
/// Lanes come in the order of the line. Free ones give one item a round, those with the fewest items in hand first; a
/// strict one gives what it has and only then the next one. The first item goes even when it is larger than `max_bytes`.
pub(crate) fn deal(offers: &[Offer], max: usize, max_bytes: usize) -> Vec<usize> {
    let mut turns: Vec<usize> = (0..offers.len()).collect();
    turns.sort_by_key(|&lane| offers[lane].busy);
    let mut taken = vec![0; offers.len()];
    let mut dealt = Vec::new();
    let mut bytes = 0;
    loop {
        let before = dealt.len();
        for &lane in &turns {
            let offer = &offers[lane];
            let round = match offer.order {
                Order::Free => 1,
                Order::Strict => usize::MAX,
            };
            for size in offer.sizes[taken[lane]..].iter().take(round) {
                let full =
                    dealt.len() >= max || (!dealt.is_empty() && size.saturating_add(bytes) > max_bytes);
                if full {
                    return dealt;
                }
                bytes += size;
                taken[lane] += 1;
                dealt.push(lane);
            }
        }
        if dealt.len() == before {
            return dealt;
        }
    }
}

/// Why a group's place in the line is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// It was served: others are before it now.
    Served,
    /// Its items changed.
    Changed,
}

/// From when a group stands in the line. `stands`: from when it stood; `head`: when its first item may be handed out,
/// `None` when it has no items. A group that is ready keeps its place until it is served.
pub(crate) fn stand(
    stands: Option<Millis>,
    head: Option<Millis>,
    now: Millis,
    occasion: Occasion,
) -> Option<Millis> {
    let head = head?;
    match (stands, occasion) {
        (Some(stands), Occasion::Changed) if stands <= now && head <= now => Some(stands),
        (Some(stands), Occasion::Changed) if head == stands => Some(stands),
        _ => Some(head.max(now)),
    }
}

/// An item as the back end has it, for its receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Its row is where the receipt says, or where that was moved to.
    Here {
        /// Until when it is hidden.
        due: Millis,
        /// How often it was leased to clients, or settled by a process.
        attempt: u32,
        /// A process may hold it beside what the row says.
        holder: Holder,
    },
    /// It exists, somewhere else.
    Elsewhere,
    /// It does not exist.
    Nowhere,
}

/// What settling did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It took effect.
    Yes,
    /// The item is there, but the lease is over: it was leased again, given back by another, or belongs to a strict group
    /// and its time ran out. Nothing was changed.
    Stale,
    /// The item is not there any more: it was settled before, it expired or it was purged.
    Gone,
}

/// What the receipt of a client's lease, the `attempt`th, means now.
///
/// While nobody else has leased the item, a receipt outlives its lease's time, except in a strict group, where another
/// may have been told that the group is open.
pub(crate) fn client_receipt(order: Order, found: Found, attempt: u32, now: Millis) -> Settled {
    #[cfg(test)]
    if slips::is(slips::Slip::AnyReceiptIsGood) && matches!(found, Found::Here { .. }) {
        return Settled::Yes;
    }
    match found {
        Found::Here { attempt: current, .. } if current != attempt => Settled::Stale,
        Found::Here { holder: Holder::Process, .. } => Settled::Stale,
        Found::Here { due, .. } if order == Order::Strict && due <= now => Settled::Stale,
        Found::Here { .. } => Settled::Yes,
        Found::Elsewhere => Settled::Stale,
        Found::Nowhere => Settled::Gone,
    }
}

/// What the receipt of a lease of this process means. `serial`: the lease's own; `current`: of the lease in memory.
pub(crate) fn process_receipt(found: Found, serial: u64, current: Option<u64>) -> Settled {
    match found {
        Found::Nowhere => Settled::Gone,
        Found::Elsewhere => Settled::Stale,
        Found::Here { .. } if current == Some(serial) => Settled::Yes,
        Found::Here { .. } => Settled::Stale,
    }
}

/// Ways to break the rules, so that the simulation can be seen to notice.
#[cfg(test)]
pub(crate) mod slips {
    use std::cell::Cell;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Slip {
        None,
        /// Strict groups hand out what is behind a held item.
        StrictGroupsPass,
        /// Receipts of earlier leases settle.
        AnyReceiptIsGood,
        /// Owners' commits carry no fence.
        NoFence,
        /// Every token is new.
        TokensForgotten,
        /// Appending answers before the commit, whatever becomes of it.
        AppendUnwritten,
    }

    thread_local! {
        // A simulation is one thread.
        static SLIP: Cell<Slip> = const { Cell::new(Slip::None) };
    }

    pub(crate) fn set(slip: Slip) {
        SLIP.set(slip);
    }

    pub(crate) fn is(slip: Slip) -> bool {
        SLIP.get() == slip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(10);

    #[test]
    fn an_item_is_met_by_its_time_its_holder_and_its_age() {
        let times = [9, 10, 11].map(Millis);
        for order in [Order::Free, Order::Strict] {
            for due in times {
                for holder in [Holder::None, Holder::Process] {
                    for born in times {
                        let met = meet(order, Candidate { due, born, holder }, NOW, Millis(10));
                        let expected = match (due > NOW || holder == Holder::Process, order) {
                            (true, Order::Free) => Met::Passed,
                            (true, Order::Strict) => Met::Blocks,
                            (false, _) if born == Millis(9) => Met::Expired,
                            (false, _) => Met::Free,
                        };
                        assert_eq!(met, expected, "{order:?} {due:?} {holder:?} {born:?}");
                    }
                }
            }
        }
    }

    fn offer(order: Order, busy: usize, sizes: &[usize]) -> Offer {
        Offer { order, busy, sizes: sizes.to_vec() }
    }

    #[test]
    fn free_lanes_take_turns_and_the_busiest_comes_last() {
        let noisy = offer(Order::Free, 7, &[1; 9]);
        let quiet = offer(Order::Free, 0, &[1]);
        let third = offer(Order::Free, 1, &[1, 1, 1]);
        let offers = [noisy, quiet, third];
        assert_eq!(deal(&offers, 5, 100), [1, 2, 0, 2, 0]);
        assert_eq!(deal(&offers, 1, 100), [1]);
        assert_eq!(deal(&offers, 100, 100).len(), 13);
        assert_eq!(deal(&offers, 0, 100), [0; 0]);
        assert_eq!(deal(&[], 5, 100), [0; 0]);
    }

    #[test]
    fn a_strict_lane_gives_all_it_has_before_the_next() {
        let offers = [offer(Order::Strict, 0, &[1; 3]), offer(Order::Strict, 0, &[1; 3])];
        assert_eq!(deal(&offers, 4, 100), [0, 0, 0, 1]);
    }

    #[test]
    fn a_lease_stays_within_its_bytes_but_for_a_first_large_item() {
        let offers = [offer(Order::Strict, 0, &[60, 40, 1]), offer(Order::Free, 0, &[1])];
        assert_eq!(deal(&offers, 9, 100), [0, 0]);
        assert_eq!(deal(&offers, 9, 10), [0]);
        assert_eq!(deal(&offers, 9, 0), [0]);
    }

    #[test]
    fn no_lane_is_skipped_within_itself() {
        // What is dealt of a lane is always its beginning: strict order depends on it.
        for max in 0..8 {
            for max_bytes in 0..8 {
                let offers = [offer(Order::Strict, 1, &[3, 1]), offer(Order::Free, 0, &[2, 5, 1])];
                let dealt = deal(&offers, max, max_bytes);
                assert!(dealt.len() <= max);
                let sizes = |lane: usize| {
                    let count = dealt.iter().filter(|dealt| **dealt == lane).count();
                    offers[lane].sizes[..count].iter().sum::<usize>()
                };
                assert!(dealt.len() <= 1 || sizes(0) + sizes(1) <= max_bytes);
            }
        }
    }

    #[test]
    fn a_group_keeps_its_place_until_it_is_served() {
        let at = |n: Option<u64>| n.map(Millis);
        for stands in [None, Some(5), Some(10), Some(15)] {
            for head in [None, Some(5), Some(10), Some(12), Some(15)] {
                for occasion in [Occasion::Served, Occasion::Changed] {
                    let stood = stand(at(stands), at(head), NOW, occasion);
                    let expected = match (stands, head, occasion) {
                        (_, None, _) => None,
                        // Ready before and after: it keeps its place.
                        (Some(stands @ (5 | 10)), Some(5 | 10), Occasion::Changed) => Some(stands),
                        // Newcomers, those served and those that become ready earlier stand behind all who are ready.
                        (_, Some(5 | 10), _) => Some(10),
                        (_, Some(later), _) => Some(later),
                    };
                    assert_eq!(stood, at(expected), "{stands:?} {head:?} {occasion:?}");
                    // Whoever stands in the line has something by then.
                    assert!(
                        stood.is_none_or(|stood| Some(stood) >= at(head)) || stands == stood.map(|at| at.0)
                    );
                }
            }
        }
    }

    #[test]
    fn a_receipt_is_good_for_its_own_lease() {
        use Settled::{Gone, Stale, Yes};
        let here = |due, attempt| Found::Here { due: Millis(due), attempt, holder: Holder::None };
        let held = Found::Here { due: Millis(9), attempt: 3, holder: Holder::Process };
        let cases = [
            (here(11, 3), [Yes, Yes]),
            (here(10, 3), [Yes, Stale]),
            (here(9, 3), [Yes, Stale]),
            (here(11, 4), [Stale, Stale]),
            (here(11, 2), [Stale, Stale]),
            (here(9, 4), [Stale, Stale]),
            (held, [Stale, Stale]),
            (Found::Elsewhere, [Stale, Stale]),
            (Found::Nowhere, [Gone, Gone]),
        ];
        for (found, expected) in cases {
            let means = [Order::Free, Order::Strict].map(|order| client_receipt(order, found, 3, NOW));
            assert_eq!(means, expected, "{found:?}");
        }
        for (found, current, expected) in [
            (here(0, 0), Some(7), Yes),
            (here(0, 0), Some(8), Stale),
            (here(0, 0), None, Stale),
            (Found::Elsewhere, Some(7), Stale),
            (Found::Nowhere, Some(7), Gone),
        ] {
            assert_eq!(process_receipt(found, 7, current), expected, "{found:?} {current:?}");
        }
    }
}
