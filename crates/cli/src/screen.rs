//! The two streams: answers on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};

use crate::failure::{Exit, Failure};

/// The form of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For scripts: one document, or a line an item when streaming.
    Json,
}

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Talk {
    /// Errors only.
    Quiet,
    /// Steps and results.
    Normal,
    /// Every call too.
    Verbose,
}

/// When words are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR or TERM=dumb says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where answers and talk go.
#[derive(Debug, Clone)]
pub struct Screen {
    /// The form of answers.
    pub form: Form,
    /// How much is said.
    pub talk: Talk,
    colored: bool,
}

/// What a word means, which decides its colour; the word itself always says it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Works, with a loss.
    Warning,
    /// Does not work.
    Bad,
}

impl Screen {
    /// A screen for this process. `environment` answers what NO_COLOR and TERM are.
    pub fn new(form: Form, talk: Talk, color: Color, environment: impl Fn(&str) -> Option<String>) -> Screen {
        let plain = environment("NO_COLOR").is_some_and(|value| !value.is_empty())
            || environment("TERM").is_some_and(|term| term == "dumb");
        let colored = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !plain && io::stderr().is_terminal() && form == Form::Text,
        };
        Screen { form, talk, colored }
    }

    /// True when answers are JSON.
    pub fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// Writes an answer. A reader that went away ends the program quietly, as it ends `cat`.
    pub fn answer(&self, text: &str) -> Result<(), Failure> {
        self.answer_bytes(text.as_bytes())
    }

    /// Writes an answer that may not be text.
    pub fn answer_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            // As a shell shows what SIGPIPE ended.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(141),
            Err(error) => Err(Failure::new(Exit::Failed, format!("write the answer: {error}"))),
        }
    }

    /// Says a line on standard error, unless told to be quiet or the answer is for scripts.
    pub fn say(&self, line: &str) {
        if self.talk != Talk::Quiet && self.form == Form::Text {
            self.say_always(line);
        }
    }

    /// Says a line on standard error whatever the settings.
    pub fn say_always(&self, line: &str) {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Says a failure.
    pub fn fail(&self, failure: &Failure) {
        let text = match self.form {
            Form::Json => failure.json(),
            Form::Text => failure.text(&self.paint("error", Tone::Bad)),
        };
        self.say_always(text.trim_end());
    }

    /// The word in the colour of its tone, or as it is.
    pub fn paint(&self, word: &str, tone: Tone) -> String {
        if !self.colored {
            return word.to_owned();
        }
        let color = match tone {
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
        };
        format!("\x1b[{color}m{word}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_never_forced_on_scripts() {
        let screen = |color, variable: Option<&'static str>| {
            Screen::new(Form::Text, Talk::Normal, color, |name| {
                (variable == Some(name)).then(|| "1".to_owned())
            })
        };
        assert_eq!(screen(Color::Never, None).paint("ok", Tone::Good), "ok");
        assert_eq!(screen(Color::Auto, Some("NO_COLOR")).paint("ok", Tone::Good), "ok");
        assert_eq!(screen(Color::Always, None).paint("ok", Tone::Good), "\x1b[32mok\x1b[0m");
    }
}
