//! Who runs, until when, by which clock, with which randomness: the one door for nondeterminism.
//!
//! No other crate spawns, sleeps, reads a clock or draws a random number by itself. In production the clock is the
//! machine's; in tests it is [`Clock::virtual_at`], which moves only when told, and randomness comes from a seed.

mod clock;
mod random;
mod shutdown;
mod spawn;

pub use clock::{Clock, Deadline, Elapsed, Tick};
pub use random::Random;
pub use shutdown::Shutdown;
pub use spawn::{OnError, Task, Tasks};
