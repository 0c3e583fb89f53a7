//! `help`: the first screen, commands, topics. It works offline.

use clap::{Args, CommandFactory};

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// The first screen. Commands appear here when they exist.
pub const TOP: &str = "\
AWS Lambda and the services around it, on your own machines.

Usage: lambent COMMAND [OPTIONS]

Start
  up       Start the server (-d: in the background)
  down     Stop it; accepted work is kept
  init     Make a function from a template
  doctor   Check this machine and show the fixes
  env      Variables for AWS clients (--save: a profile)
  exec     Run a command with a server (--fresh: its own)
Build
  deploy   Create or update from a folder or zip
  invoke   Call a function (--repeat N: measure it)
  logs     Show logs (-f: follow)
  ls       List functions
  rm       Remove a function and what was made for it
Operate
  status   Health and what the server has
  config   Effective settings and their origin
  runtime  ls, add
  version, completions, help

  lambent init hello && lambent deploy hello && lambent invoke hello
  lambent exec --fresh -- pytest

More: lambent help COMMAND | options | TOPIC
";

/// Texts by topic. A topic is named by messages, so it must exist.
const TOPICS: &[(&str, &str)] = &[
    ("target", include_str!("../../topics/target.txt")),
    ("exit", include_str!("../../topics/exit.txt")),
    ("arch", include_str!("../../topics/arch.txt")),
    ("config", include_str!("../../topics/config.txt")),
    ("coverage", include_str!("../../topics/coverage.txt")),
];

/// Arguments of `help`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A command, `options`, or a topic
    pub topic: Vec<String>,
}

/// Shows help on standard output.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    session.screen.answer(&text(&arguments.topic)?)?;
    Ok(Exit::Done)
}

fn text(words: &[String]) -> Result<String, Failure> {
    let Some(first) = words.first() else { return Ok(TOP.to_owned()) };
    if first == "options" {
        return Ok(options());
    }
    if let Some((_, text)) = TOPICS.iter().find(|(name, _)| name == first) {
        return Ok((*text).to_owned());
    }
    let mut command = crate::args::Line::command();
    command.build();
    let mut found = &mut command;
    for word in words {
        found = match found.find_subcommand_mut(word) {
            Some(next) => next,
            None => {
                let topics: Vec<&str> = TOPICS.iter().map(|(name, _)| *name).collect();
                return Err(Failure::new(Exit::Usage, format!("no command or topic {}", words.join(" ")))
                    .why(format!("topics: options {}", topics.join(" ")))
                    .fix("lambent help"));
            }
        };
    }
    Ok(found.render_long_help().to_string())
}

/// The options that every command takes.
fn options() -> String {
    let command = crate::args::Line::command();
    let mut text = String::from("Options that every command takes:\n\n");
    for argument in command.get_arguments().filter(|argument| argument.is_global_set()) {
        let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
        let long = argument.get_long().unwrap_or_default();
        let takes = argument.get_action().takes_values();
        let value = argument.get_value_names().and_then(|names| names.first()).filter(|_| takes);
        let value = value.map(|name| format!(" {name}")).unwrap_or_default();
        let about = argument.get_help().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("  {:<20} {about}\n", format!("{short}--{long}{value}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(topic: &str) -> Result<String, Failure> {
        text(&topic.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_screen_names_every_command() {
        let command = crate::args::Line::command();
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            assert!(TOP.contains(verb.get_name()), "{}", verb.get_name());
        }
        assert_eq!(help("").unwrap(), TOP);
    }

    #[test]
    fn commands_options_and_topics_have_a_text() {
        assert!(help("deploy").unwrap().contains("--handler"));
        assert!(help("runtime add").unwrap().contains("--from-host"));
        assert!(help("options").unwrap().contains("-v, --verbose"));
        for (topic, _) in TOPICS {
            assert!(help(topic).unwrap().len() > 50, "{topic}");
        }
        assert_eq!(help("nothing").unwrap_err().exit, Exit::Usage);
    }
}
