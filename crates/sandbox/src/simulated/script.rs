use std::str::FromStr;

/// What a simulated function does: when it is initialised, and at every call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Before it asks for the first event.
    pub init: Vec<Step>,
    /// At every call. Without an answering step the answer is `null`.
    pub call: Vec<Step>,
}

/// One step of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `print TEXT`: a line to standard output.
    Print(String),
    /// `eprint TEXT`: a line to standard error.
    PrintError(String),
    /// `write TEXT`: to standard output, without a newline.
    Write(String),
    /// `sleep MS`.
    Sleep(u64),
    /// `memory MB`: the peak from here on.
    Memory(u64),
    /// `echo`: answers with the event.
    Echo,
    /// `return JSON`.
    Return(String),
    /// `error TYPE MESSAGE`: answers with an error; during init, reports that it cannot initialise, and exits.
    Error(String, String),
    /// `variable NAME`: answers with an environment variable.
    Variable(String),
    /// `variables`: answers with all environment variables, as a JSON object.
    Variables,
    /// `tmp`: answers with the number of calls that have written to this `/tmp`.
    Tmp,
    /// `headers`: answers with the headers of the event, as a JSON object.
    Headers,
    /// `oversized`: answers with one byte too many.
    Oversized,
    /// `twice`: answers twice with the event, and writes the second status to standard output.
    Twice,
    /// `exit STATUS`.
    Exit(i32),
    /// `signal NUMBER`.
    Signal(i32),
    /// `missing`: there was nothing to execute.
    Missing,
    /// `oom`: the kernel kills it for want of memory.
    OutOfMemory,
    /// `lose-child`: the kernel kills one of its processes for want of memory, not the main one.
    LoseChild,
    /// `stall`: waits for ever.
    Stall,
    /// `idle-exit MS`: exits with status 1 when it has waited that long for the next event.
    IdleExit(u64),
    /// `first STEP`: does it only in the first box that uses this `/tmp`.
    First(Box<Step>),
}

/// A script that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a step of a script")]
pub struct BadScript(pub String);

impl Script {
    /// Answers every event with itself.
    pub fn echo() -> Script {
        Script { init: Vec::new(), call: vec![Step::Echo] }
    }

    /// Reads steps separated by semicolons or newlines; those that begin with `init` belong to the initialisation.
    ///
    /// ```text
    /// init sleep 100; print hello; sleep 1000; return {"a": 1}
    /// ```
    pub fn parse(text: &str) -> Result<Script, BadScript> {
        let mut script = Script::default();
        for step in text.split([';', '\n']).map(str::trim).filter(|step| !step.is_empty()) {
            match step.strip_prefix("init ") {
                Some(step) => script.init.push(step.parse()?),
                None => script.call.push(step.parse()?),
            }
        }
        Ok(script)
    }
}

impl FromStr for Step {
    type Err = BadScript;

    fn from_str(text: &str) -> Result<Step, BadScript> {
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        let bad = || BadScript(text.to_owned());
        let rest_text = || rest.to_owned();
        Ok(match name {
            "print" => Step::Print(rest_text()),
            "eprint" => Step::PrintError(rest_text()),
            "write" => Step::Write(rest_text()),
            "sleep" => Step::Sleep(rest.parse().map_err(|_| bad())?),
            "memory" => Step::Memory(rest.parse().map_err(|_| bad())?),
            "echo" => Step::Echo,
            "return" => Step::Return(rest_text()),
            "error" => {
                let (kind, message) = rest.split_once(' ').unwrap_or((rest, ""));
                Step::Error(kind.to_owned(), message.to_owned())
            }
            "variable" => Step::Variable(rest_text()),
            "variables" => Step::Variables,
            "tmp" => Step::Tmp,
            "headers" => Step::Headers,
            "oversized" => Step::Oversized,
            "twice" => Step::Twice,
            "exit" => Step::Exit(rest.parse().map_err(|_| bad())?),
            "signal" => Step::Signal(rest.parse().map_err(|_| bad())?),
            "missing" => Step::Missing,
            "oom" => Step::OutOfMemory,
            "lose-child" => Step::LoseChild,
            "stall" => Step::Stall,
            "idle-exit" => Step::IdleExit(rest.parse().map_err(|_| bad())?),
            "first" => Step::First(Box::new(rest.trim().parse()?)),
            _ => return Err(bad()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_as_it_is_written() {
        let script =
            Script::parse("init sleep 100; init first exit 1\nprint a b ; return {\"a\": 1}").unwrap();
        assert_eq!(script.init, [Step::Sleep(100), Step::First(Box::new(Step::Exit(1)))]);
        assert_eq!(script.call, [Step::Print("a b".to_owned()), Step::Return("{\"a\": 1}".to_owned())]);
        assert_eq!(Script::parse("dance"), Err(BadScript("dance".to_owned())));
        assert_eq!(Script::parse("sleep long"), Err(BadScript("sleep long".to_owned())));
    }
}
