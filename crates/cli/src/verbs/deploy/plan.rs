//! What a deployment will do, decided before anything is done.

use wire::Value;

use super::Arguments;
use crate::client::{Client, number_of, text_of};
use crate::detect::{self, Family, Found, TopFile, Unknown};
use crate::failure::{Exit, Failure};
use crate::limits;
use crate::package::{self, Package};
use crate::session::Session;
use crate::verbs::runtime;

/// Settings that are to be set; `None` leaves what is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    pub memory_mb: Option<i64>,
    pub timeout_s: Option<i64>,
    pub variables: Option<Vec<(String, Value)>>,
}

/// The function as it is, as GetFunction has it.
pub struct Current<'a>(pub &'a Value);

impl Current<'_> {
    fn configuration(&self) -> &Value {
        self.0.member("Configuration")
    }
}

/// What will be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub runtime: String,
    pub handler: String,
    /// True when the handler was found rather than given.
    pub is_found: bool,
    pub settings: Settings,
    /// What is shown as memory and timeout: set, or as they are.
    memory_mb: i64,
    timeout_s: i64,
    pub step: Step,
}

/// The main step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The function does not exist yet.
    Create,
    /// It exists.
    Update {
        /// The code differs.
        code: bool,
        /// Runtime, handler, role or settings differ.
        settings: bool,
    },
}

impl Plan {
    /// Finds what is not given, checks what is, and compares it with what is there.
    pub async fn make(
        (session, client): (&Session, &Client),
        arguments: &Arguments,
        package: &Package,
        current: Option<Current<'_>>,
        settings: Settings,
    ) -> Result<Plan, Failure> {
        let found = detected(arguments, package)?;
        check_architecture(package)?;
        let family = family(arguments, found.as_ref());
        let runtime =
            match (&arguments.runtime, current.as_ref().map(|now| text_of(now.configuration(), "Runtime"))) {
                (Some(runtime), _) => runtime.clone(),
                (None, Some(now)) if belongs(now, family) => now.to_owned(),
                (None, _) => match family {
                    Some(Family::Provided) => "provided.al2023".into(),
                    Some(Family::Python) => runtime::newest_python(session, client).await?,
                    None => return Err(unclear(arguments, &Unknown::NoCode)),
                },
            };
        let handler = match (&arguments.handler, &found) {
            (Some(handler), _) => handler.clone(),
            (None, Some(found)) => found.handler.clone(),
            (None, None) => return Err(unclear(arguments, &Unknown::NoCode)),
        };
        let is_found = arguments.handler.is_none();
        let shown = |set: Option<i64>, name: &str, usual: i64| {
            set.or_else(|| number_of(current.as_ref()?.configuration(), name)).unwrap_or(usual)
        };
        let (memory_mb, timeout_s) =
            (shown(settings.memory_mb, "MemorySize", 128), shown(settings.timeout_s, "Timeout", 3));
        let mut plan =
            Plan { runtime, handler, is_found, settings, memory_mb, timeout_s, step: Step::Create };
        if let Some(now) = current {
            plan.step = plan.update(now.configuration(), arguments.role.as_deref(), &sha256(&package.bytes));
        }
        Ok(plan)
    }

    fn update(&self, now: &Value, role: Option<&str>, code_sha256: &str) -> Step {
        let same_text = |name: &str, text: &str| text_of(now, name) == text;
        let same_number = |name: &str, set: Option<i64>| set.is_none() || number_of(now, name) == set;
        let same = same_text("Runtime", &self.runtime)
            && same_text("Handler", &self.handler)
            && role.is_none_or(|role| same_text("Role", role))
            && same_number("MemorySize", self.settings.memory_mb)
            && same_number("Timeout", self.settings.timeout_s)
            && self.settings.variables.as_ref().is_none_or(|set| same_variables(now, set));
        Step::Update { code: !same_text("CodeSha256", code_sha256), settings: !same }
    }

    /// `hello: python3.11, app.handler (found), 128 MB, 3 s`
    pub fn headline(&self, name: &str) -> String {
        let found = if self.is_found { " (found)" } else { "" };
        format!(
            "{name}: {}, {}{found}, {} MB, {} s",
            self.runtime, self.handler, self.memory_mb, self.timeout_s
        )
    }
}

fn same_variables(now: &Value, set: &[(String, Value)]) -> bool {
    let (mut now, mut set) = match now.member("Environment").member("Variables") {
        Value::Map(variables) => (variables.clone(), set.to_vec()),
        _ => return set.is_empty(),
    };
    now.sort_by(|a, b| a.0.cmp(&b.0));
    set.sort_by(|a, b| a.0.cmp(&b.0));
    now == set
}

/// The code's digest as Lambda shows it.
fn sha256(bytes: &[u8]) -> String {
    use base64::Engine;
    use sha2::Digest;
    base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(bytes))
}

/// True when the function's present runtime can run this kind of package.
fn belongs(runtime: &str, family: Option<Family>) -> bool {
    match family {
        Some(Family::Python) => runtime.starts_with("python"),
        Some(Family::Provided) => runtime.starts_with("provided"),
        None => !runtime.is_empty(),
    }
}

fn family(arguments: &Arguments, found: Option<&Found>) -> Option<Family> {
    match arguments.runtime.as_deref() {
        Some(runtime) if runtime.starts_with("python") => Some(Family::Python),
        Some(runtime) if runtime.starts_with("provided") => Some(Family::Provided),
        Some(_) => None,
        None => found.map(|found| found.family).or_else(|| {
            let handler = arguments.handler.as_deref()?;
            Some(if handler.contains('.') { Family::Python } else { Family::Provided })
        }),
    }
}

/// What is in the package; a given handler is checked against it.
fn detected(arguments: &Arguments, package: &Package) -> Result<Option<Found>, Failure> {
    let texts = sources(&package.bytes);
    let files: Vec<TopFile> = texts.iter().map(|(name, text)| TopFile { name, text }).collect();
    match (&arguments.handler, detect::find(&files)) {
        (None, Ok(found)) => Ok(Some(found)),
        (None, Err(_)) if arguments.runtime.as_deref().is_some_and(|name| !name.starts_with("python")) => {
            // Only Python's handlers are looked for; other runtimes say themselves what they miss.
            Err(Failure::new(Exit::Usage, "no handler given").fix(with_handler(arguments, "HANDLER")))
        }
        (None, Err(unknown)) => Err(unclear(arguments, &unknown)),
        (Some(handler), found) => {
            let is_python = family(arguments, found.as_ref().ok()) == Some(Family::Python);
            if let (true, Err(instead)) = (is_python, detect::check_python(handler, &files)) {
                return Err(wrong_handler(arguments, handler, &instead));
            }
            Ok(found.ok())
        }
    }
}

/// The names of the files at the top, with the text of those that are Python.
fn sources(zip: &[u8]) -> Vec<(String, String)> {
    let mut sources = Vec::new();
    for name in package::top_files(zip) {
        let text = if name.ends_with(".py") {
            package::file_in(zip, &name, limits::SOURCE).unwrap_or_default()
        } else {
            Vec::new()
        };
        sources.push((name, String::from_utf8_lossy(&text).into_owned()));
    }
    sources
}

fn check_architecture(package: &Package) -> Result<(), Failure> {
    let Some(head) = package::file_in(&package.bytes, "bootstrap", 64) else { return Ok(()) };
    let here = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    match detect::architecture(&head) {
        Some(other) if other != here => Err(Failure::new(Exit::Usage, format!("bootstrap is for {other}"))
            .why(format!("this machine is {here}"))
            .fix("lambent help arch")),
        _ => Ok(()),
    }
}

fn with_handler(arguments: &Arguments, handler: &str) -> String {
    format!("lambent deploy {} --handler {handler}", arguments.path.display())
}

fn wrong_handler(arguments: &Arguments, handler: &str, instead: &[&str]) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("handler {handler} not found"));
    let module = handler.rsplit_once('.').map_or(handler, |(module, _)| module);
    match instead.first() {
        Some(first) => failure
            .why(format!("{module}.py has: {}", instead.join(", ")))
            .fix(with_handler(arguments, &format!("{module}.{first}"))),
        None => failure.why("a handler is module.function"),
    }
}

fn unclear(arguments: &Arguments, unknown: &Unknown) -> Failure {
    let place = arguments.path.display();
    match unknown {
        Unknown::NoCode => Failure::new(Exit::Usage, format!("no code found in {place}"))
            .why("neither a .py file nor an executable bootstrap at the top")
            .fix(format!("lambent deploy {place} --runtime RUNTIME --handler HANDLER")),
        Unknown::NoHandler(files) => Failure::new(Exit::Usage, format!("no handler found in {place}"))
            .why(format!("no function handler(event, context) in {}", files.join(", ")))
            .fix(with_handler(arguments, "MODULE.FUNCTION")),
        Unknown::Many(candidates) => Failure::new(Exit::Usage, format!("several handlers in {place}"))
            .why(candidates.join(", "))
            .fix(with_handler(arguments, &candidates[0])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{structure, text};

    fn plan() -> Plan {
        Plan {
            runtime: "python3.11".into(),
            handler: "app.handler".into(),
            is_found: true,
            settings: Settings { memory_mb: Some(128), ..Settings::default() },
            memory_mb: 128,
            timeout_s: 3,
            step: Step::Create,
        }
    }

    fn now(handler: &str, memory: i64) -> Value {
        structure([
            ("Runtime", text("python3.11")),
            ("Handler", text(handler)),
            ("MemorySize", Value::Integer(memory)),
            ("CodeSha256", text("digest")),
            ("Environment", structure([("Variables", Value::Map(vec![("A".into(), text("1"))]))])),
        ])
    }

    #[test]
    fn only_what_differs_is_updated() {
        let same = Step::Update { code: false, settings: false };
        assert_eq!(plan().update(&now("app.handler", 128), None, "digest"), same);
        let code = Step::Update { code: true, settings: false };
        assert_eq!(plan().update(&now("app.handler", 128), None, "other"), code);
        let settings = Step::Update { code: false, settings: true };
        assert_eq!(plan().update(&now("app.main", 128), None, "digest"), settings);
        assert_eq!(plan().update(&now("app.handler", 256), None, "digest"), settings);
        assert_eq!(plan().update(&now("app.handler", 128), Some("arn"), "digest"), settings);
        let mut plan = plan();
        plan.settings.variables = Some(vec![("A".into(), text("1"))]);
        assert_eq!(plan.update(&now("app.handler", 128), None, "digest"), same);
        plan.settings.variables = Some(vec![("A".into(), text("2"))]);
        assert_eq!(plan.update(&now("app.handler", 128), None, "digest"), settings);
    }

    #[test]
    fn the_headline_says_what_was_found() {
        assert_eq!(plan().headline("hello"), "hello: python3.11, app.handler (found), 128 MB, 3 s");
        let given = Plan { is_found: false, ..plan() };
        assert_eq!(given.headline("hello"), "hello: python3.11, app.handler, 128 MB, 3 s");
    }

    #[test]
    fn a_mistyped_handler_is_answered_with_what_there_is() {
        let arguments = Arguments {
            path: ".".into(),
            name: None,
            handler: Some("app.handlr".into()),
            runtime: None,
            memory: None,
            timeout: None,
            role: None,
            variables: Vec::new(),
        };
        let failure = wrong_handler(&arguments, "app.handlr", &["handler", "main"]);
        assert_eq!(
            failure.text("error"),
            "error: handler app.handlr not found\n  why: app.py has: handler, main\n  \
             do: lambent deploy . --handler app.handler\n"
        );
    }
}
