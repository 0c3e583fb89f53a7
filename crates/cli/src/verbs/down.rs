//! `down`: tells the server of the data folder to drain and end, and waits for it.

use sandbox::warden::{Stopped, stop};

use crate::failure::{Exit, Failure};
use crate::limits;
use crate::session::{Session, is_root};

/// Stops the server.
pub fn run(session: &Session) -> Result<Exit, Failure> {
    let folder = session.data_folder();
    let shown = session.data_folder_shown();
    if session.options.dry_run {
        if let Some(instance) = sandbox::warden::status(&folder)? {
            session.screen.answer(&format!("kill -TERM {}\n", instance.pid))?;
        }
        return Ok(Exit::Done);
    }
    let stopped = stop(&folder, limits::DOWN).map_err(|error| {
        let failure =
            Failure::new(Exit::Failed, format!("stop the server of {shown}")).why(format!("{error:#}"));
        if is_root() { failure } else { failure.fix("sudo lambent down") }
    })?;
    match stopped {
        Stopped::NothingRan => {
            Err(Failure::new(Exit::NoServer, format!("no server has the data folder {shown}")))
        }
        Stopped::Ended(instance) => {
            session.screen.say(&format!("stopped, pid {}; data is kept in {shown}", instance.pid));
            Ok(Exit::Done)
        }
        Stopped::StillRuns(instance) => {
            let seconds = limits::DOWN.as_secs();
            Err(Failure::new(Exit::Throttled, format!("the server has not ended within {seconds} s"))
                .why(format!("pid {} still drains", instance.pid))
                .fix("lambent down"))
        }
    }
}
