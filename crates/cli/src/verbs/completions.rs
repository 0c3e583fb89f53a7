//! `completions`: scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// bash, zsh, fish or powershell
    pub shell: Shell,
}

/// Prints the script.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    session.screen.answer(&script(arguments.shell))?;
    Ok(Exit::Done)
}

fn script(shell: Shell) -> String {
    let mut command = crate::args::Line::command();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "lambent", &mut script);
    String::from_utf8_lossy(&script).into_owned() + names(shell)
}

/// What makes a shell complete the names of functions where a verb takes one.
fn names(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../../completions/names.bash"),
        Shell::Zsh => include_str!("../../completions/names.zsh"),
        Shell::Fish => include_str!("../../completions/names.fish"),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_the_verbs() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
            let script = script(shell);
            assert!(script.contains("deploy") && script.contains("handler"), "{shell}");
        }
    }
}
