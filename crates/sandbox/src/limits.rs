//! Every number that bounds a box, in one place.

/// Period of the CPU quota.
pub(crate) const CPU_PERIOD_US: u32 = 20_000;

/// The memory size at which a function gets one whole CPU.
pub(crate) const MEMORY_MB_PER_CPU: u32 = 1_769;

/// Smallest and largest memory size.
pub(crate) const MEMORY_MB: std::ops::RangeInclusive<u32> = 128..=10_240;

/// Smallest and largest `/tmp`.
pub(crate) const TMP_MB: std::ops::RangeInclusive<u32> = 512..=10_240;

/// The `/tmp` of a blank.
pub(crate) const BLANK_TMP_MB: u32 = 512;

/// TCP buffers of a box on cgroup version 1, which does not count them as memory.
pub(crate) const TCP_BYTES: u64 = 16 << 20;

/// Processes and threads of a box, init included.
pub(crate) const PROCESSES: u32 = 1_024;

/// Open files of a process.
pub(crate) const OPEN_FILES: u64 = 1_024;

/// Memory that a process may lock.
pub(crate) const LOCKED_BYTES: u64 = 64 << 10;

/// POSIX message queues of a box.
pub(crate) const QUEUE_BYTES: u64 = 819_200;

/// Signals queued for a box's processes.
pub(crate) const PENDING_SIGNALS: u64 = 1_024;

/// `oom_score_adj` of functions.
pub(crate) const OOM_SCORE: &str = "500";

/// Descriptors that the server needs for an environment: its cgroup files, listeners, pipes and connections.
pub(crate) const FILES_PER_ENVIRONMENT: u64 = 18;

/// `status` files that are kept open for an environment; those of further processes are opened at each look.
pub(crate) const STATUS_FILES: usize = 2;

/// Processes and threads that an environment has on average.
pub(crate) const PROCESSES_PER_ENVIRONMENT: u64 = 16;

/// Trees merged at `/opt`.
pub(crate) const LAYERS: usize = 5;

/// Environment variables of a command, with their NUL bytes: 4 KiB of the customer's, the rest reserved ones.
pub(crate) const ENVIRONMENT_BYTES: usize = 32 << 10;

/// Variables in it.
pub(crate) const ENVIRONMENT_VARIABLES: usize = 1_024;

/// Connections that wait to be accepted, per listener.
pub(crate) const BACKLOG: i32 = 64;

/// How long one step of making or removing a box may take before it counts as failed.
pub(crate) const STEP_MS: u64 = 10_000;

/// How long [`crate::slot::clear`] waits for the kernel to let go of a dead box.
pub(crate) const CLEAR_MS: i32 = 5_000;

/// The CPU quota per period, in microseconds, of a memory size. The kernel takes no less than 1,000.
pub(crate) fn cpu_quota_us(memory_mb: u32) -> u32 {
    let quota = u64::from(CPU_PERIOD_US) * u64::from(memory_mb) / u64::from(MEMORY_MB_PER_CPU);
    u32::try_from(quota).unwrap_or(u32::MAX).max(1_000)
}

#[cfg(test)]
mod tests {
    use super::cpu_quota_us;

    #[test]
    fn the_cpu_share_is_proportional_to_memory() {
        assert_eq!(cpu_quota_us(1_769), 20_000);
        assert_eq!(cpu_quota_us(128), 1_447);
        assert_eq!(cpu_quota_us(10_240), 115_771);
        assert_eq!(cpu_quota_us(0), 1_000);
    }
}
