//! What a measurement was made on.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tasks::Clock;

/// A machine load above which figures of time say more about the other work than about us.
const BUSY: f64 = 0.75;

/// The machine and its state when a part began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    /// Runnable processes, averaged over a minute.
    load: f64,
    /// The day, as in ISO 8601.
    day: String,
    /// True for a program that was built for debugging, whose figures are worth nothing.
    debug: bool,
}

impl Machine {
    /// This machine, now.
    ///
    /// # Errors
    /// When /proc cannot be read.
    pub fn now(program: &Path) -> anyhow::Result<Machine> {
        let read = |path: &str| fs::read_to_string(path).with_context(|| format!("read {path}"));
        let cores = std::thread::available_parallelism().context("count the cores")?.get();
        let now = i64::try_from(Clock::real().wall_ms()).context("read the clock")?;
        let now = jiff::Timestamp::from_millisecond(now).context("read the clock")?;
        Ok(Machine {
            processor: processor(&read("/proc/cpuinfo")?),
            cores,
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load: read("/proc/loadavg")?.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0),
            day: now.strftime("%Y-%m-%d").to_string(),
            debug: program.components().any(|part| part.as_os_str() == "debug"),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { processor, cores, kernel, load, day, debug } = self;
        write!(f, "{day}, {cores} cores of {processor}, Linux {kernel}, load before {load:.1}")?;
        if *load > BUSY {
            f.write_str(": **loaded**, other work was running")?;
        }
        f.write_str(if *debug { ", **debug build**." } else { "." })
    }
}

fn processor(cpuinfo: &str) -> String {
    let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    let name = name.map_or("an unnamed processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_named() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: Quick One @ 2 GHz\n"), "Quick One @ 2 GHz");
        assert_eq!(processor("CPU part\t: 0xd0c\n"), "an unnamed processor");
    }

    #[test]
    fn a_busy_machine_and_a_debug_build_are_confessed() {
        let machine = Machine {
            processor: "X".into(),
            cores: 2,
            kernel: "6.18".into(),
            load: 2.0,
            day: "2026-11-25".into(),
            debug: true,
        };
        let text = machine.to_string();
        assert!(text.contains("**loaded**") && text.ends_with(", **debug build**."));
    }
}
