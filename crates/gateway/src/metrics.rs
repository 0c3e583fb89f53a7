use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::limits::SERIES;

/// Upper bounds of the histogram of request times, in microseconds.
const BOUNDS_US: [u64; 17] = [
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    60_000_000,
    900_000_000,
];

/// Counters, gauges and the histogram of requests, shown in Prometheus' text form.
#[derive(Default)]
pub struct Metrics {
    requests: Mutex<HashMap<Series, Figures>>,
    others: Mutex<Vec<Other>>,
}

/// A number that only grows. Cloning shares it.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds to the number.
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Series {
    service: &'static str,
    operation: &'static str,
    status: u16,
}

#[derive(Clone, Copy, Default)]
struct Figures {
    count: u64,
    sum_us: u64,
    buckets: [u64; BOUNDS_US.len()],
    bytes_in: u64,
    bytes_out: u64,
}

struct Other {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
    read: Box<dyn Fn() -> f64 + Send + Sync>,
}

/// One answered request.
pub(crate) struct Answered {
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) status: u16,
    pub(crate) took: Duration,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

impl Metrics {
    /// No figures yet.
    pub fn new() -> Arc<Metrics> {
        Arc::default()
    }

    /// Shows a number that `read` tells whenever the metrics are asked for.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        self.other(Other { name, help, kind: "gauge", read: Box::new(read) });
    }

    /// Shows a number that `read` tells and that only grows.
    pub fn total(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        self.other(Other { name, help, kind: "counter", read: Box::new(read) });
    }

    /// Makes a counter.
    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        let counter = Counter::default();
        let shown = counter.clone();
        self.total(name, help, move || shown.0.load(Ordering::Relaxed) as f64);
        counter
    }

    fn other(&self, other: Other) {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).push(other);
    }

    pub(crate) fn answered(&self, answered: &Answered) {
        let mut series =
            Series { service: answered.service, operation: answered.operation, status: answered.status };
        let took = u64::try_from(answered.took.as_micros()).unwrap_or(u64::MAX);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() >= SERIES && !requests.contains_key(&series) {
            series.operation = "other";
        }
        let figures = requests.entry(series).or_default();
        figures.count += 1;
        figures.sum_us = figures.sum_us.saturating_add(took);
        figures.bytes_in += answered.bytes_in;
        figures.bytes_out += answered.bytes_out;
        let bucket = BOUNDS_US.partition_point(|bound| *bound < took);
        if let Some(count) = figures.buckets.get_mut(bucket) {
            *count += 1;
        }
    }

    /// Everything in Prometheus' text form, sorted.
    pub fn text(&self) -> String {
        let mut requests: Vec<(Series, Figures)> = {
            let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.iter().map(|(series, figures)| (series.clone(), *figures)).collect()
        };
        requests.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut out = String::with_capacity(4096);
        counters(&mut out, &requests);
        histograms(&mut out, &requests);
        for other in self.others.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            head(&mut out, other.name, other.help, other.kind);
            let _ = writeln!(out, "{} {}", other.name, (other.read)());
        }
        out
    }
}

fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

type Shown = (&'static str, &'static str, fn(&Figures) -> u64);

fn counters(out: &mut String, requests: &[(Series, Figures)]) {
    let shown: [Shown; 3] = [
        ("lambent_requests_total", "Answered requests.", |figures| figures.count),
        ("lambent_request_bytes_total", "Bytes of request bodies.", |figures| figures.bytes_in),
        ("lambent_response_bytes_total", "Bytes of answers.", |figures| figures.bytes_out),
    ];
    for (name, help, read) in shown {
        head(out, name, help, "counter");
        for (Series { service, operation, status }, figures) in requests {
            let _ = writeln!(
                out,
                "{name}{{service=\"{service}\",operation=\"{operation}\",status=\"{status}\"}} {}",
                read(figures)
            );
        }
    }
}

fn histograms(out: &mut String, requests: &[(Series, Figures)]) {
    const NAME: &str = "lambent_request_seconds";
    head(out, NAME, "Time from the whole request to its answer.", "histogram");
    for (Series { service, operation, status }, figures) in requests {
        let labels = format!("service=\"{service}\",operation=\"{operation}\",status=\"{status}\"");
        let mut below = 0;
        for (bound, count) in BOUNDS_US.iter().zip(figures.buckets) {
            below += count;
            let seconds = *bound as f64 / 1e6;
            let _ = writeln!(out, "{NAME}_bucket{{{labels},le=\"{seconds}\"}} {below}");
        }
        let _ = writeln!(out, "{NAME}_bucket{{{labels},le=\"+Inf\"}} {}", figures.count);
        let _ = writeln!(out, "{NAME}_sum{{{labels}}} {}", figures.sum_us as f64 / 1e6);
        let _ = writeln!(out, "{NAME}_count{{{labels}}} {}", figures.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_operation_and_status() {
        let metrics = Metrics::new();
        for (status, micros) in [(200, 100), (200, 101), (404, 2_000_000_000)] {
            metrics.answered(&Answered {
                service: "lambda",
                operation: "Invoke",
                status,
                took: Duration::from_micros(micros),
                bytes_in: 2,
                bytes_out: 3,
            });
        }
        let counter = metrics.counter("lambent_test_total", "A test.");
        counter.add(7);
        let text = metrics.text();
        for line in [
            "lambent_requests_total{service=\"lambda\",operation=\"Invoke\",status=\"200\"} 2",
            "lambent_request_bytes_total{service=\"lambda\",operation=\"Invoke\",status=\"404\"} 2",
            "lambent_request_seconds_bucket{service=\"lambda\",operation=\"Invoke\",status=\"200\",le=\"0.0001\"} 1",
            "lambent_request_seconds_bucket{service=\"lambda\",operation=\"Invoke\",status=\"200\",le=\"0.00025\"} 2",
            "lambent_request_seconds_bucket{service=\"lambda\",operation=\"Invoke\",status=\"404\",le=\"900\"} 0",
            "lambent_request_seconds_bucket{service=\"lambda\",operation=\"Invoke\",status=\"404\",le=\"+Inf\"} 1",
            "lambent_test_total 7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
