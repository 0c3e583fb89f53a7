//! Instructions per call: valgrind counts two runs of `bench-in-process` that differ only in their number of calls.
//!
//! The program holds everything but sockets and sandboxes: the front door, IAM, the service, the invoker, the Runtime API
//! and a simulated function that speaks it. So the count includes the function's side of the Runtime API.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::limits::{COUNTED_FEW, COUNTED_MANY, TIMED};

/// Instructions of one more call of `what`.
///
/// # Errors
/// When there is no valgrind, or the program fails under it.
pub fn per_call(program: &Path, what: &str) -> anyhow::Result<f64> {
    let few = run(program, what, COUNTED_FEW)?;
    let many = run(program, what, COUNTED_MANY)?;
    Ok(many.saturating_sub(few) as f64 / (COUNTED_MANY - COUNTED_FEW) as f64)
}

/// CPU time of one call of `what`, as the program itself saw it.
///
/// # Errors
/// When the program fails.
pub fn cpu_per_call(program: &Path, what: &str) -> anyhow::Result<Duration> {
    let output =
        Command::new(program).args([what, &TIMED.to_string()]).output().context("start a program")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    Ok(Duration::from_nanos(said.trim().parse().with_context(|| format!("the program said {said}"))?))
}

fn run(program: &Path, what: &str, calls: usize) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([what, &calls.to_string()])
        .output()
        .context("start valgrind; apt-get install valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} under valgrind ended with {}: {said}",
        program.display(),
        output.status
    );
    collected(&said).with_context(|| format!("valgrind counted nothing: {said}"))
}

/// The number on callgrind's line `Collected : N`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_what_callgrind_says() {
        let said = "==7== \n==7== Events    : Ir\n==7== Collected : 123456789\n==7== \n==7== I   refs:      123,456,789\n";
        assert_eq!(collected(said), Some(123_456_789));
        assert_eq!(collected("==7== nothing"), None);
    }
}
