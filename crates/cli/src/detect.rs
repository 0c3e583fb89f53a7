//! What a package is: its runtime, and where its handler is. Pure rules over file names and texts.

/// What was found in a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The family of runtime.
    pub family: Family,
    /// `module.function`; any text for a custom runtime.
    pub handler: String,
}

/// Families of runtimes that a package can be recognized for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `python3.x`.
    Python,
    /// `provided.al2023`: an executable named `bootstrap`.
    Provided,
}

/// Why nothing was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// No file that a runtime would run.
    NoCode,
    /// Python files, but no function in them that looks like a handler. The modules are named.
    NoHandler(Vec<String>),
    /// Several candidates, none of them by a usual name.
    Many(Vec<String>),
}

/// Modules that usually hold the handler, best first.
const MODULES: [&str; 5] = ["app", "lambda_function", "main", "handler", "index"];
/// Functions that usually are the handler, best first.
const FUNCTIONS: [&str; 3] = ["handler", "lambda_handler", "main"];

/// A file at the top of the package with the start of its text.
pub struct TopFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Finds runtime and handler from the files at the top of a package.
pub fn find(files: &[TopFile]) -> Result<Found, Unknown> {
    if files.iter().any(|file| file.name == "bootstrap") {
        return Ok(Found { family: Family::Provided, handler: "bootstrap".into() });
    }
    let modules: Vec<(&str, Vec<&str>)> = files
        .iter()
        .filter_map(|file| Some((file.name.strip_suffix(".py")?, functions(file.text))))
        .collect();
    if modules.is_empty() {
        return Err(Unknown::NoCode);
    }
    for module in MODULES {
        let Some((_, functions)) = modules.iter().find(|(name, _)| *name == module) else { continue };
        if let Some(function) = FUNCTIONS.iter().find(|name| functions.contains(name)) {
            return Ok(python(module, function));
        }
    }
    let mut candidates = Vec::new();
    for (module, functions) in &modules {
        candidates
            .extend(functions.iter().filter(|name| FUNCTIONS.contains(name)).map(|name| (*module, *name)));
    }
    match candidates[..] {
        [(module, function)] => Ok(python(module, function)),
        [] => Err(Unknown::NoHandler(modules.iter().map(|(name, _)| format!("{name}.py")).collect())),
        _ => Err(Unknown::Many(candidates.iter().map(|(module, name)| format!("{module}.{name}")).collect())),
    }
}

fn python(module: &str, function: &str) -> Found {
    Found { family: Family::Python, handler: format!("{module}.{function}") }
}

/// Names of the functions at the top level of a Python file that take two arguments, as a handler does.
pub fn functions(text: &str) -> Vec<&str> {
    text.lines().filter_map(handler_like).collect()
}

fn handler_like(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix("def ")?.split_once('(')?;
    let arguments = rest.split(')').next()?;
    let positional = arguments.split(',').map(str::trim).filter(|argument| !argument.is_empty());
    let variadic = arguments.contains('*');
    let count = positional.filter(|argument| !argument.contains('=') && !argument.starts_with('*')).count();
    (count == 2 || variadic || !rest.contains(')')).then(|| name.trim())
}

/// What is wrong with a handler that was given for a Python package: the functions that its module has instead.
pub fn check_python<'a>(handler: &str, files: &[TopFile<'a>]) -> Result<(), Vec<&'a str>> {
    let Some((module, function)) = handler.rsplit_once('.') else { return Err(Vec::new()) };
    // A module in a folder or a package is not looked into; the runtime will say what is wrong.
    let Some(file) = files.iter().find(|file| file.name == format!("{module}.py")) else {
        return Ok(());
    };
    let defined = |line: &str| {
        let rest = line.strip_prefix("def ").or_else(|| line.strip_prefix("async def "));
        rest.and_then(|rest| rest.split('(').next()).is_some_and(|name| name.trim() == function)
            || line.split('=').next().is_some_and(|name| name.trim() == function && line.contains('='))
            || (line.contains("import") && line.contains(function))
    };
    if file.text.lines().any(defined) { Ok(()) } else { Err(functions(file.text)) }
}

/// The architecture of an ELF executable by AWS's name; `None` for scripts and others.
pub fn architecture(head: &[u8]) -> Option<&'static str> {
    if head.len() < 20 || !head.starts_with(b"\x7fELF") {
        return None;
    }
    match u16::from_le_bytes([head[18], head[19]]) {
        0x3E => Some("x86_64"),
        0xB7 => Some("arm64"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Result<String, Unknown> {
        let files: Vec<TopFile> = files.iter().map(|(name, text)| TopFile { name, text }).collect();
        find(&files).map(|found| found.handler)
    }

    const HANDLER: &str = "import os\n\ndef handler(event, context):\n    return 1\n";

    #[test]
    fn the_usual_names_are_found_first() {
        for (files, handler) in [
            (vec![("app.py", HANDLER), ("other.py", HANDLER)], "app.handler"),
            (
                vec![("lambda_function.py", "def lambda_handler(event, context): pass")],
                "lambda_function.lambda_handler",
            ),
            (
                vec![("job.py", "def main(event, context, *more): pass"), ("x.py", "def f(): pass")],
                "job.main",
            ),
            (vec![("bootstrap", ""), ("app.py", HANDLER)], "bootstrap"),
            (vec![("app.py", "def handler(\n    event,\n    context,\n):\n")], "app.handler"),
        ] {
            assert_eq!(found(&files).as_deref(), Ok(handler));
        }
    }

    #[test]
    fn what_is_unclear_is_asked_not_guessed() {
        assert_eq!(found(&[("notes.txt", "")]), Err(Unknown::NoCode));
        assert_eq!(
            found(&[("app.py", "def handler(): pass")]),
            Err(Unknown::NoHandler(vec!["app.py".into()]))
        );
        assert_eq!(
            found(&[("a.py", HANDLER), ("b.py", HANDLER)]),
            Err(Unknown::Many(vec!["a.handler".into(), "b.handler".into()]))
        );
    }

    #[test]
    fn a_given_handler_is_compared_with_its_module() {
        let files = [TopFile {
            name: "app.py",
            text: "run = wrap(f)\nfrom x import go\ndef handler(event, context): 1\n",
        }];
        for good in ["app.handler", "app.run", "app.go", "pkg.app.handler"] {
            assert_eq!(check_python(good, &files), Ok(()), "{good}");
        }
        assert_eq!(check_python("app.handlr", &files), Err(vec!["handler"]));
        assert_eq!(check_python("handler", &files), Err(vec![]));
    }

    #[test]
    fn executables_tell_their_architecture() {
        let mut head = [0u8; 20];
        head[..4].copy_from_slice(b"\x7fELF");
        head[18] = 0xB7;
        assert_eq!(architecture(&head), Some("arm64"));
        head[18] = 0x3E;
        assert_eq!(architecture(&head), Some("x86_64"));
        assert_eq!(architecture(b"#!/bin/sh\n"), None);
    }
}
