//! Cost-aware keep-alive (Greedy-Dual): an idle environment is worth its start cost times its use, per MB that it holds.
//!
//! The clock of the algorithm is the worth of the last victim. It is added to what an environment is worth when it is
//! used, so that those which were dear long ago age against those used since.

/// What an idle environment is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Calls that it has served.
    pub(crate) uses: u64,
    /// What its start took, in microseconds.
    pub(crate) cost_us: u64,
    /// Its configured memory.
    pub(crate) memory_mb: u64,
    /// The algorithm's clock when it was last used.
    pub(crate) inflation: u64,
}

impl Weight {
    fn worth(&self) -> u64 {
        let value = self.uses.max(1).saturating_mul(self.cost_us) / self.memory_mb.max(1);
        self.inflation.saturating_add(value)
    }
}

/// Which of `idle` must end so that `missing_mb` become free, the least worthy first, and the clock afterwards.
/// `None` when all of them together do not hold that much.
pub(crate) fn victims(idle: &[Weight], missing_mb: u64) -> Option<(Vec<usize>, u64)> {
    let mut order: Vec<usize> = (0..idle.len()).collect();
    order.sort_by_key(|at| (idle[*at].worth(), *at));
    let (mut freed, mut clock) = (0, 0);
    let mut chosen = Vec::new();
    for at in order {
        if freed >= missing_mb {
            break;
        }
        freed += idle[at].memory_mb;
        clock = idle[at].worth();
        chosen.push(at);
    }
    (freed >= missing_mb).then_some((chosen, clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(uses: u64, cost_us: u64, memory_mb: u64, inflation: u64) -> Weight {
        Weight { uses, cost_us, memory_mb, inflation }
    }

    #[test]
    fn the_cheap_the_unused_and_the_big_go_first() {
        let dear = weight(10, 100_000, 128, 0);
        let cheap = weight(10, 3_000, 128, 0);
        let unused = weight(1, 100_000, 128, 0);
        let big = weight(10, 100_000, 10_240, 0);
        let (chosen, clock) = victims(&[dear, cheap, unused, big], 128 + 10_240 + 128).unwrap();
        assert_eq!(chosen, [3, 1, 2]);
        assert_eq!(clock, 100_000 / 128);
    }

    #[test]
    fn what_was_dear_long_ago_ages() {
        let old = weight(10, 1_000, 100, 0);
        let fresh = weight(1, 1_000, 100, 1_000);
        assert_eq!(victims(&[fresh, old], 1).unwrap().0, [1]);
    }

    #[test]
    fn no_one_ends_in_vain() {
        assert_eq!(victims(&[weight(1, 1, 128, 0)], 129), None);
        assert_eq!(victims(&[], 0), Some((vec![], 0)));
        assert_eq!(victims(&[weight(1, 1, 128, 0), weight(1, 1, 128, 0)], 128).unwrap().0.len(), 1);
    }
}
