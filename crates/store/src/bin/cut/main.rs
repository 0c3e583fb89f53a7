//! Cuts the power of a store, in effect: runs a writer on a file system in an image, stops it right after an
//! acknowledgement, copies the image (what a platter would hold), and checks every acknowledgement on the copy.
//!
//! ```text
//! cut prove [--cuts N] [--seed N]          the store loses nothing; weakened, it is seen to lose (feature `weaken`)
//! cut run [--cuts N] [--seed N] [--mib N] [--earliest N] [--latest N] [--stop-at PREFIX]
//!         -- WRITER ARGS -- CHECKER ARGS [-- FIRST ARGS]
//!                                          the same for any command
//! cut lose ...                             like `run`, and fails unless something is lost
//! cut full [--seed N]                      fills the disk: deletes go on, nothing is lost, room lets work in again
//! cut write [rows|staged|all] [WEAKNESS]    a writer: acknowledges on its output
//! cut check                                a checker: reads acknowledgements from its input
//! ```
//!
//! Writers and checkers find their data folder in the variable `CUT_FOLDER`. A writer prints one line for each
//! acknowledgement, at once. A checker gets the lines and ends with 0 if all of it is there. FIRST runs once, to its end;
//! each cut begins with what it left. `run`, `lose`, `prove` and `full` need root, loop devices and mkfs.ext4.
//!
//! It finds missing and misordered syncs, not what a disk's own cache does with them.

mod acks;
mod check;
mod full;
mod image;
mod options;
mod processes;
mod prove;
mod trial;
mod write;

use anyhow::{Context, Result, bail};

use crate::options::Options;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next().context("a verb: prove, run, lose, full, write or check")?;
    let arguments: Vec<String> = arguments.collect();
    match verb.as_str() {
        "prove" => prove::prove(&Options::parse(&arguments)?),
        "run" => {
            let (options, commands) = options::commands(&arguments)?;
            trial::series(&options, &commands)?.must_keep_all()
        }
        "lose" => {
            let (options, commands) = options::commands(&arguments)?;
            trial::series(&options, &commands)?.must_lose()
        }
        "full" => full::full(&Options::parse(&arguments)?),
        "write" => write::write(&arguments),
        "check" => check::check(),
        other => bail!("no verb {other}"),
    }
}
