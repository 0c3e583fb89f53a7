//! Latencies and what is said about them.

/// Latencies in nanoseconds, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    sorted: Vec<u64>,
}

impl Sample {
    /// Sorts latencies given in nanoseconds.
    pub fn of(mut latencies: Vec<u64>) -> Sample {
        latencies.sort_unstable();
        Sample { sorted: latencies }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The smallest latency that at least `percent` of all do not exceed, in nanoseconds; 0 of an empty sample.
    pub fn percentile(&self, percent: f64) -> f64 {
        let count = self.sorted.len();
        let rank = (percent / 100.0 * count as f64).ceil() as usize;
        self.sorted.get(rank.clamp(1, count.max(1)) - 1).map_or(0.0, |&nanos| nanos as f64)
    }

    /// Median and 99th percentile, in nanoseconds.
    pub fn middle_and_tail(&self) -> Vec<f64> {
        vec![self.percentile(50.0), self.percentile(99.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_latencies_that_occurred() {
        let hundred = Sample::of((1..=100).rev().collect());
        for (percent, want) in
            [(0.0, 1.0), (1.0, 1.0), (50.0, 50.0), (50.5, 51.0), (99.0, 99.0), (100.0, 100.0)]
        {
            assert_eq!(hundred.percentile(percent), want, "{percent} %");
        }
        assert_eq!(Sample::of(vec![7]).middle_and_tail(), [7.0, 7.0]);
        assert_eq!(Sample::of(vec![1, 3]).middle_and_tail(), [1.0, 3.0]);
        assert_eq!(Sample::of(vec![3, 1, 2]).percentile(50.0), 2.0);
    }

    #[test]
    fn an_empty_sample_has_no_latency() {
        assert_eq!((Sample::default().count(), Sample::default().percentile(99.0)), (0, 0.0));
    }
}
