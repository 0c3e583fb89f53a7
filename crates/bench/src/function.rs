//! The functions that are measured, and their lives through the AWS API.

use std::io::{Cursor, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tasks::Clock;
use wire::Value;
use zip::write::SimpleFileOptions;

use crate::client::{Answered, Client, structure, text};
use crate::limits;

/// The Python function: the example of the README.
pub const HELLO_PYTHON: &str = include_str!("../../../examples/hello-python/app.py");
/// What both functions are called with.
pub const EVENT: &[u8] = b"{\"name\":\"world\"}";

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const ROLE: &str = "bench";

/// A function to create.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its runtime.
    pub runtime: String,
    /// Its zip.
    pub package: Bytes,
    /// Its memory, which also sets its share of a CPU: 1,769 MB are one.
    pub memory_mb: i64,
    /// How long it sleeps at each call.
    pub sleep: Duration,
}

/// The zip of the native function built from `echo`.
///
/// # Errors
/// When the file cannot be read.
pub fn native_package(echo: &Path) -> anyhow::Result<Bytes> {
    let program = std::fs::read(echo).with_context(|| format!("read {}", echo.display()))?;
    package("bootstrap", &program)
}

/// The zip of the Python function.
///
/// # Errors
/// When zipping fails.
pub fn python_package() -> anyhow::Result<Bytes> {
    package("app.py", HELLO_PYTHON.as_bytes())
}

/// A zip of one executable file.
fn package(name: &str, content: &[u8]) -> anyhow::Result<Bytes> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, SimpleFileOptions::default().unix_permissions(0o755)).context("zip")?;
    writer.write_all(content).context("zip")?;
    Ok(Bytes::from(writer.finish().context("zip")?.into_inner()))
}

/// Makes the role that all functions have.
///
/// # Errors
/// The fault of IAM.
pub fn create_role(client: &mut Client) -> anyhow::Result<()> {
    client.call("iam", "CreateRole", role()).map(|_| ())
}

/// The input that makes the role.
pub fn role() -> Value {
    structure([("RoleName", text(ROLE)), ("AssumeRolePolicyDocument", text(TRUST))])
}

impl Function {
    /// Creates it and waits until it is active; the time from the request to that.
    ///
    /// # Errors
    /// The fault of Lambda, or the state in which it got stuck.
    pub fn create(&self, client: &mut Client) -> anyhow::Result<Duration> {
        let clock = Clock::real();
        let begun = clock.tick();
        let created = client.call("lambda", "CreateFunction", self.creation())?;
        self.settle(client, created.output)?;
        Ok(clock.tick().since(begun))
    }

    /// The input that creates it.
    pub fn creation(&self) -> Value {
        let mut variables = Vec::new();
        if !self.sleep.is_zero() {
            variables.push(("SLEEP_MS".to_owned(), text(self.sleep.as_millis().to_string())));
        }
        structure([
            ("FunctionName", text(&self.name)),
            ("Runtime", text(&self.runtime)),
            ("Role", text(format!("arn:aws:iam::000000000000:role/{ROLE}"))),
            ("Handler", text("app.handler")),
            ("Code", structure([("ZipFile", Value::Blob(self.package.clone()))])),
            ("Timeout", Value::Integer(30)),
            ("MemorySize", Value::Integer(self.memory_mb)),
            ("Environment", structure([("Variables", Value::Map(variables))])),
        ])
    }

    /// Sends the same code again and waits until it is in use; the time from the request to that.
    ///
    /// # Errors
    /// As [`Function::create`].
    pub fn update(&self, client: &mut Client) -> anyhow::Result<Duration> {
        let clock = Clock::real();
        let begun = clock.tick();
        let input =
            structure([("FunctionName", text(&self.name)), ("ZipFile", Value::Blob(self.package.clone()))]);
        let updated = client.call("lambda", "UpdateFunctionCode", input)?;
        self.settle(client, updated.output)?;
        Ok(clock.tick().since(begun))
    }

    fn settle(&self, client: &mut Client, mut configuration: Value) -> anyhow::Result<()> {
        let clock = Clock::real();
        let begun = clock.tick();
        loop {
            let state = |name: &str| configuration.member(name).as_text().unwrap_or_default().to_owned();
            match (state("State").as_str(), state("LastUpdateStatus").as_str()) {
                ("Active", "Successful") => return Ok(()),
                ("Pending", _) | (_, "InProgress") => {}
                other => anyhow::bail!("{} is {other:?}: {}", self.name, state("StateReason")),
            }
            ensure!(clock.tick().since(begun) < limits::START, "{} stays pending", self.name);
            crate::load::sleep(limits::LOOK);
            let input = structure([("FunctionName", text(&self.name))]);
            configuration = client.call("lambda", "GetFunctionConfiguration", input)?.output;
        }
    }

    /// Deletes it.
    ///
    /// # Errors
    /// The fault of Lambda.
    pub fn delete(&self, client: &mut Client) -> anyhow::Result<()> {
        client.call("lambda", "DeleteFunction", structure([("FunctionName", text(&self.name))])).map(|_| ())
    }

    /// The input of a call.
    pub fn invocation(&self, payload: impl Into<Bytes>) -> Value {
        structure([("FunctionName", text(&self.name)), ("Payload", Value::Blob(payload.into()))])
    }

    /// Calls it once and returns also the `Init Duration` that its report names, in nanoseconds.
    ///
    /// # Errors
    /// The fault of Lambda, or the error of the function.
    pub fn invoke(&self, client: &mut Client) -> anyhow::Result<(Answered, Option<u64>)> {
        let input = structure([
            ("FunctionName", text(&self.name)),
            ("LogType", text("Tail")),
            ("Payload", Value::Blob(Bytes::from_static(EVENT))),
        ]);
        let answered = client.call("lambda", "Invoke", input)?;
        let error = answered.output.member("FunctionError").as_text();
        ensure!(error.is_none(), "{} failed: {:?}", self.name, answered.output.member("Payload"));
        let log = answered.output.member("LogResult").as_text().unwrap_or_default();
        let log = STANDARD.decode(log).context("read the log")?;
        Ok((answered, init_ns(&String::from_utf8_lossy(&log))))
    }
}

/// The `Init Duration` of a report line.
fn init_ns(log: &str) -> Option<u64> {
    let (_, after) = log.split_once("Init Duration: ")?;
    let ms: f64 = after.split(' ').next()?.parse().ok()?;
    Some((ms * 1e6) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_init_duration_is_read_from_the_report() {
        let log = "START RequestId: 1 Version: $LATEST\nREPORT RequestId: 1\tDuration: 1.00 ms\tBilled Duration: 2 ms\t\
                   Memory Size: 128 MB\tMax Memory Used: 9 MB\tInit Duration: 12.34 ms\t\n";
        assert_eq!(init_ns(log), Some(12_340_000));
        assert_eq!(init_ns("REPORT RequestId: 1\tDuration: 1.00 ms"), None);
    }

    #[test]
    fn a_package_holds_one_executable_file() {
        let package = python_package().unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(package)).unwrap();
        let file = archive.by_index(0).unwrap();
        assert_eq!(file.name().unwrap(), "app.py");
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
    }
}
