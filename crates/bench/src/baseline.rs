//! The committed figures that a change is held against: `bench/baseline.json`, key to first figure.
//!
//! Instructions do not depend on how busy the machine is, so they are gates. Times are only compared, and so are wake-ups:
//! a server that shares its processor finds its next event there already, and waits less often than on an idle machine.

use std::collections::BTreeMap;

use crate::report::Row;

/// First figures by key.
pub type Baseline = BTreeMap<String, f64>;

/// Keys that begin so are gates.
const GATE: &str = "instructions-";
/// How far a gate may rise.
const MOST: f64 = 1.15;

/// How a figure compares.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The row's key.
    pub key: String,
    /// The figure divided by the baseline's.
    pub ratio: f64,
    /// The ratio that it must not exceed.
    pub most: Option<f64>,
}

impl Compared {
    /// True when a gate is exceeded.
    pub fn fails(&self) -> bool {
        self.most.is_some_and(|most| self.ratio > most)
    }
}

/// Compares what both sides have.
pub fn compare(rows: &[Row], baseline: &Baseline) -> Vec<Compared> {
    let both = rows.iter().filter_map(|row| {
        let before = *baseline.get(&row.key)?;
        let now = row.ours.first()?;
        (before > 0.0).then(|| Compared { key: row.key.clone(), ratio: now / before, most: gate(&row.key) })
    });
    both.collect()
}

/// The baseline with these rows in it.
pub fn updated(mut baseline: Baseline, rows: &[Row]) -> Baseline {
    let figures = rows.iter().filter_map(|row| Some((row.key.clone(), row.ours.first()?)));
    baseline.extend(figures.map(|(key, figure)| (key, (figure * 100.0).round() / 100.0)));
    baseline
}

fn gate(key: &str) -> Option<f64> {
    key.starts_with(GATE).then_some(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Cell, Unit};

    fn row(key: &str, figure: f64) -> Row {
        Row {
            key: key.into(),
            part: "x".into(),
            what: "x".into(),
            unit: Unit::Count,
            aim: None,
            ours: Cell::one(figure),
            rie: Cell::nothing(),
            cargo_lambda: Cell::nothing(),
        }
    }

    #[test]
    fn instructions_are_gates_and_times_are_not() {
        let baseline = Baseline::from([
            ("instructions-invoke".into(), 100.0),
            ("warm-1".into(), 100.0),
            ("zero".into(), 0.0),
        ]);
        let fails = |key: &str, figure: f64| compare(&[row(key, figure)], &baseline)[0].fails();
        assert!(!fails("instructions-invoke", 114.9) && fails("instructions-invoke", 115.1));
        assert!(!fails("warm-1", 900.0));
        assert_eq!(compare(&[row("new", 1.0), row("zero", 1.0)], &baseline), []);
    }

    #[test]
    fn an_updated_baseline_keeps_what_was_not_measured() {
        let baseline = updated(Baseline::from([("a".into(), 1.0), ("b".into(), 2.0)]), &[row("b", 3.25159)]);
        assert_eq!(baseline, Baseline::from([("a".into(), 1.0), ("b".into(), 3.25)]));
    }
}
