//! Runtime identifiers: which are known, which are over, what each executes. Pure.
//!
//! Source: AWS Lambda developer guide, "Lambda runtimes".

use api::lambda::fault;
use aws::Fault;
use sandbox::Command;

/// The identifiers that create and update take.
const KNOWN: &[&str] = &[
    "nodejs16.x",
    "nodejs18.x",
    "nodejs20.x",
    "nodejs22.x",
    "nodejs24.x",
    "nodejs26.x",
    "python3.8",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "python3.15",
    "java8.al2",
    "java8.al2023",
    "java11",
    "java11.al2023",
    "java17",
    "java17.al2023",
    "java21",
    "java25",
    "dotnet6",
    "dotnet8",
    "dotnet10",
    "ruby3.2",
    "ruby3.3",
    "ruby3.4",
    "ruby4.0",
    "provided.al2",
    "provided.al2023",
];

/// The identifiers that AWS no longer takes.
const OVER: &[&str] = &[
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "java8",
    "python2.7",
    "python3.6",
    "python3.7",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "go1.x",
    "ruby2.5",
    "ruby2.7",
    "provided",
];

/// Checks a `Runtime` parameter in AWS's words.
pub(crate) fn check(runtime: &str) -> Result<(), Fault> {
    if OVER.contains(&runtime) {
        return Err(fault::invalid_parameter_value(format!(
            "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. \
             We recommend you use a supported runtime while creating or updating functions."
        )));
    }
    if KNOWN.contains(&runtime) {
        return Ok(());
    }
    Err(fault::invalid_parameter_value(format!(
        "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be a valid ARN",
        KNOWN.join(", ")
    )))
}

/// What a runtime's environments execute: `provided.*` brings its own bootstrap.
pub(crate) fn command(runtime: &str) -> Command {
    if runtime.starts_with("provided.") { Command::Custom } else { Command::Runtime }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_ended_runtimes_are_refused_in_aws_words() {
        assert_eq!(check("python3.11"), Ok(()));
        let over = check("python3.7").unwrap_err();
        assert!(
            over.message
                .starts_with("The runtime parameter of python3.7 is no longer supported for creating")
        );
        let unknown = check("cobol").unwrap_err();
        assert_eq!(unknown.code, "InvalidParameterValueException");
        assert!(unknown.message.starts_with(
            "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs16.x, "
        ));
        assert!(unknown.message.ends_with("] or be a valid ARN"));
        assert!(KNOWN.iter().all(|runtime| !OVER.contains(runtime)));
    }

    #[test]
    fn every_runtime_of_the_model_is_known_or_over() {
        let (model, listed) = (api::lambda::values::RUNTIME, [KNOWN, OVER].concat());
        // `custom` goes with RuntimeConfig, which is refused by name.
        let missing: Vec<_> =
            model.iter().filter(|name| **name != "custom" && !listed.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(listed.iter().all(|name| model.contains(name)));
    }

    #[test]
    fn only_provided_runtimes_bring_their_own_bootstrap() {
        assert_eq!(command("provided.al2023"), Command::Custom);
        assert_eq!(command("python3.13"), Command::Runtime);
    }
}
