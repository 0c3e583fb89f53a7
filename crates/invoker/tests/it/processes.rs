//! The Python bootstrap as an ordinary process of this machine, over real sockets and pipes.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command as Process, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use invoker::{FunctionVersion, Invocation, Invoker, LogFormat, LogTail, Outcome, Verdict};
use sandbox::{Control, Driver, Exit, KeepTmp, Listener, Output, Packs, Slot, Spec, StartError, Tmp, Usage};
use tasks::{Shutdown, Tasks};
use tokio::sync::watch;

use crate::stage::{Recorder, function, id, real_parts, text};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

fn bootstrap() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../runtimes/python/bootstrap.py").canonicalize().unwrap()
}

fn python() -> &'static str {
    if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" }
}

/// Starts the bootstrap without any box around it.
struct Processes {
    task: PathBuf,
    tasks: Tasks,
    started: Arc<Mutex<u32>>,
}

impl Processes {
    fn start_now(&self, spec: Spec) -> anyhow::Result<Slot> {
        let runtime_api = TcpListener::bind("127.0.0.1:0")?;
        let endpoint = TcpListener::bind("127.0.0.1:0")?;
        let mut process = Process::new(python());
        process.arg("-s").arg(bootstrap()).env_clear().envs(spec.environment);
        process.env("AWS_LAMBDA_RUNTIME_API", runtime_api.local_addr()?.to_string());
        process.env("LAMBDA_TASK_ROOT", &self.task).env("PYTHONDONTWRITEBYTECODE", "1");
        process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = process.spawn()?;
        let pid = child.id();
        let stdout: OwnedFd = child.stdout.take().unwrap().into();
        let stderr: OwnedFd = child.stderr.take().unwrap().into();
        let ended = watch::Sender::new(None);
        let tell = ended.clone();
        self.tasks.thread("wait for python", move || {
            use std::os::unix::process::ExitStatusExt;
            let status = child.wait().unwrap();
            let exit = status.code().map(Exit::Status).or(status.signal().map(Exit::Signal));
            tell.send_replace(exit);
        })?;
        let mut number = self.started.lock().unwrap();
        *number += 1;
        Ok(Slot {
            number: *number,
            runtime_api: Listener::Tcp(runtime_api),
            endpoint: Listener::Tcp(endpoint),
            stdout: Output::Pipe(stdout),
            stderr: Output::Pipe(stderr),
            control: Box::new(Handle { pid, ended }),
        })
    }
}

impl Driver for Processes {
    fn start(&self, spec: Spec) -> Boxed<'_, Result<Slot, StartError>> {
        Box::pin(async move { Ok(self.start_now(spec)?) })
    }

    fn packs(&self) -> watch::Receiver<Packs> {
        watch::Sender::new(Packs::default()).subscribe()
    }
}

struct Handle {
    pid: u32,
    ended: watch::Sender<Option<Exit>>,
}

impl Control for Handle {
    fn freeze(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn thaw(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn limit_cpu(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn usage(&mut self) -> io::Result<Usage> {
        Ok(Usage::default())
    }
    fn exited(&mut self) -> Boxed<'_, Exit> {
        let mut ended = self.ended.subscribe();
        Box::pin(async move { ended.wait_for(Option::is_some).await.unwrap().unwrap() })
    }
    fn close(self: Box<Self>, _: KeepTmp) -> Boxed<'static, Option<Tmp>> {
        Box::pin(async move {
            let mut ended = self.ended.subscribe();
            drop(self);
            ended.wait_for(Option::is_some).await.unwrap();
            None
        })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.ended.borrow().is_none() {
            let mut kill = Process::new("/bin/kill");
            // It may have ended by itself just now.
            kill.arg("-9").arg(self.pid.to_string()).stderr(Stdio::null()).status().unwrap();
        }
    }
}

/// An invoker over processes, and the folder of the function's code.
struct Python {
    invoker: Invoker,
    logs: Arc<Recorder>,
    started: Arc<Mutex<u32>>,
    task: tempfile::TempDir,
    calls: u128,
}

impl Python {
    fn new(files: &[(&str, &str)]) -> Python {
        let task = tempfile::tempdir().unwrap();
        for (name, code) in files {
            let path = task.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, code).unwrap();
        }
        let tasks = Tasks::new(Shutdown::new());
        let started = Arc::new(Mutex::new(0));
        let path = task.path().to_owned();
        let driver = Processes { task: path, tasks: tasks.clone(), started: started.clone() };
        let logs = Arc::new(Recorder::default());
        let invoker = Invoker::new(real_parts(Arc::new(driver), logs.clone(), &tasks));
        Python { invoker, logs, started, task, calls: 0 }
    }

    async fn call(&mut self, f: FunctionVersion, payload: &str) -> Outcome {
        self.call_with(f, payload, |_| {}).await
    }

    async fn call_with(
        &mut self,
        f: FunctionVersion,
        payload: &str,
        change: impl FnOnce(&mut Invocation),
    ) -> Outcome {
        self.calls += 1;
        let mut invocation = Invocation {
            request_id: id(self.calls),
            payload: payload.to_owned().into(),
            invoked_arn: f.arn.to_string(),
            function: Arc::new(f),
            client_context: None,
            trace: None,
            log_tail: LogTail::Wanted,
        };
        change(&mut invocation);
        self.invoker.invoke(invocation).await.unwrap()
    }

    /// What the function itself has written.
    fn output(&self) -> Vec<String> {
        let system = ["INIT_START", "START", "END", "REPORT", "INIT_REPORT", "{\"time\":"];
        let lines = self.logs.lines().into_iter();
        lines.filter(|line| !system.iter().any(|start| line.starts_with(start))).collect()
    }

    fn file(&self, name: &str) -> String {
        self.task.path().join(name).display().to_string()
    }
}

fn app() -> FunctionVersion {
    let mut f = function("");
    f.timeout = Duration::from_secs(20);
    f
}

fn json(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_slice(&outcome.payload).unwrap()
}

#[tokio::test]
async fn a_handler_gets_event_and_context_and_its_process_is_used_again() {
    let code = "
import os, sys
def handler(event, context):
    left = context.get_remaining_time_in_millis()
    return {
        'event': event, 'left': 15000 < left <= 20000, 'pid': os.getpid(), 'path': sys.path[0], 'cwd': os.getcwd(),
        'context': [context.function_name, context.function_version, context.memory_limit_in_mb,
                    context.invoked_function_arn, context.aws_request_id, context.log_group_name],
        'stream': context.log_stream_name == os.environ['AWS_LAMBDA_LOG_STREAM_NAME'],
        'client': [context.client_context.custom, context.client_context.client.app_title],
        'identity': context.identity.cognito_identity_id, 'trace': os.environ['_X_AMZN_TRACE_ID'],
    }
";
    let mut python = Python::new(&[("app.py", code)]);
    let mut pids = Vec::new();
    for number in 1..=50u128 {
        let outcome = python
            .call_with(app(), "{\"caf\\u00e9\": [1, 2.5, null]}", |call| {
                call.client_context = Some(r#"{"custom":{"a":1},"client":{"app_title":"t"}}"#.to_owned());
                call.trace = Some(format!("Root={number}"));
            })
            .await;
        let mut said = json(&outcome);
        pids.push(said["pid"].take());
        let path = python.task.path().display().to_string();
        let arn = app().arn.to_string();
        let expected = serde_json::json!({
            "event": {"café": [1, 2.5, null]}, "left": true, "pid": null, "path": path, "cwd": path,
            "context": ["f", "$LATEST", "128", arn, id(number).to_string(), "/aws/lambda/f"],
            "stream": true, "client": [{"a": 1}, "t"], "identity": null, "trace": format!("Root={number}"),
        });
        assert_eq!(said, expected);
    }
    assert!(pids.iter().all(|pid| *pid == pids[0]));
    assert_eq!(*python.started.lock().unwrap(), 1);
}

#[tokio::test]
async fn an_exception_is_reported_as_aws_reports_it_and_logged_as_one_event() {
    let code = "def inner():\n    raise ValueError('bad')\n\ndef handler(event, context):\n    inner()\n";
    let mut python = Python::new(&[("app.py", code)]);
    let outcome = python.call(app(), "{}").await;
    let file = python.file("app.py");
    assert_eq!(outcome.verdict, Verdict::Unhandled);
    let trace = [
        format!("  File \"{file}\", line 5, in handler\n    inner()\n"),
        format!("  File \"{file}\", line 2, in inner\n    raise ValueError('bad')\n"),
    ];
    assert_eq!(
        text(&outcome),
        format!(
            r#"{{"errorMessage": "bad", "errorType": "ValueError", "requestId": "{}", "stackTrace": {}}}"#,
            id(1),
            serde_json::to_string(&trace).unwrap().replace("\",\"", "\", \"")
        )
    );
    let logged = format!(
        "[ERROR] ValueError: bad\nTraceback (most recent call last):\n\u{a0}\u{a0}File \"{file}\", line 5, in handler\n\u{a0}\u{a0}\u{a0}\u{a0}inner()\n\u{a0}\u{a0}File \"{file}\", line 2, in inner\n\u{a0}\u{a0}\u{a0}\u{a0}raise ValueError('bad')"
    );
    assert_eq!(python.output(), [logged]);
    let again = python.call(app(), "{}").await;
    assert_eq!(again.report.init, None, "an exception resets nothing");
}

type Files = &'static [(&'static str, &'static str)];

/// Functions that cannot be initialised: files, handler, error type, message.
const UNUSABLE: [(Files, &str, &str, &str); 6] = [
    (&[], "x.handler", "Runtime.ImportModuleError", "Unable to import module 'x': No module named 'x'"),
    (
        &[("app.py", "import absent_thing")],
        "app.handler",
        "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'absent_thing'",
    ),
    (&[("app.py", "")], "app.go", "Runtime.HandlerNotFound", "Handler 'go' missing on module 'app'"),
    (
        &[("app.py", "def handler(:\n")],
        "app.handler",
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'app': invalid syntax (app.py, line 1)",
    ),
    (
        &[],
        "handler",
        "Runtime.MalformedHandlerName",
        "Bad handler 'handler': not enough values to unpack (expected 2, got 1)",
    ),
    (&[], "sys.exit", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"),
];

#[tokio::test]
async fn what_cannot_be_imported_is_named_with_aws_words() {
    for (files, handler, error_type, message) in UNUSABLE {
        let mut python = Python::new(files);
        let mut f = app();
        f.handler = handler.to_owned();
        let outcome = python.call(f, "{}").await;
        assert_eq!(outcome.verdict, Verdict::Unhandled);
        let said = json(&outcome);
        assert_eq!((&said["errorType"], &said["errorMessage"]), (&error_type.into(), &message.into()));
        assert_eq!(said["requestId"], "");
        let fields: Vec<&String> = said.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["errorMessage", "errorType", "requestId", "stackTrace"]);
        let lines = python.logs.lines();
        assert!(lines[1].starts_with(&format!("[ERROR] {error_type}: {message}\nTraceback")), "{}", lines[1]);
        let status = format!("Status: error\tError Type: {error_type}");
        assert!(lines[2].contains("Phase: init\t") && lines[2].ends_with(&status), "{}", lines[2]);
        assert!(lines.last().unwrap().ends_with(&status));
    }
}

#[tokio::test]
async fn an_exception_during_import_shows_where() {
    let mut python = Python::new(&[("app.py", "import os\nos.environ['ABSENT']\n")]);
    let outcome = python.call(app(), "{}").await;
    let said = json(&outcome);
    assert_eq!((&said["errorType"], &said["errorMessage"]), (&"KeyError".into(), &"'ABSENT'".into()));
    let trace = said["stackTrace"].as_array().unwrap();
    let file = python.file("app.py");
    let last = format!("  File \"{file}\", line 2, in <module>\n    os.environ['ABSENT']\n");
    assert_eq!(trace[trace.len() - 2], last);
    assert!(python.logs.lines()[2].ends_with("Error Type: Runtime.Unknown"));
}

#[tokio::test]
async fn handlers_in_folders_are_found_by_both_spellings() {
    for handler in ["pkg/mod.go", "pkg.mod.go"] {
        let mut python = Python::new(&[("pkg/mod.py", "def go(event, context): return 'found'")]);
        let mut f = app();
        f.handler = handler.to_owned();
        assert_eq!(text(&python.call(f, "{}").await), "\"found\"");
    }
}

#[tokio::test]
async fn a_file_of_the_functions_own_never_takes_the_place_of_a_module_that_aws_has_loaded() {
    let own = "raise RuntimeError('this is not the standard library')";
    let code = "
import json, logging, token
from collections import abc
def handler(event, context):
    logging.warning('logged')
    raise KeyError(json.dumps(token.NAME))
";
    let names = ["json.py", "logging.py", "token.py", "traceback.py", "time.py", "enum.py", "importlib.py"];
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (*name, own)).collect();
    files.push(("app.py", code));
    let mut python = Python::new(&files);
    let outcome = python.call(app(), "{}").await;
    assert_eq!(json(&outcome)["errorType"], "KeyError", "{outcome:?}");
    // Other names are the function's.
    let mut python = Python::new(&[
        ("app.py", "import csv\ndef handler(event, context):\n    return csv.mine"),
        ("csv.py", "mine = 7"),
    ]);
    assert_eq!(text(&python.call(app(), "{}").await), "7");
}

#[tokio::test]
async fn prints_and_log_records_come_in_order_and_before_end() {
    let code = "
import logging
logging.warning('loading')
logger = logging.getLogger()
def handler(event, context):
    print('printed')
    logger.warning('two\\nlines')
    logger.info('below the level')
    print('no newline', end='')
";
    let mut python = Python::new(&[("app.py", code)]);
    python.call(app(), "{}").await;
    let lines = python.logs.lines();
    let stamp = |line: &str| {
        let stamp = line.split('\t').nth(1).unwrap();
        assert!(stamp.len() == 24 && stamp.ends_with('Z') && stamp.as_bytes()[19] == b'.', "{stamp}");
        line.replace(stamp, "TIME")
    };
    assert_eq!(stamp(&lines[1]), "[WARNING]\tTIME\t\tloading");
    assert!(lines[2].starts_with("START"));
    assert_eq!(lines[3], "printed");
    assert_eq!(stamp(&lines[4]), format!("[WARNING]\tTIME\t{}\ttwo\nlines", id(1)));
    assert_eq!(lines[5], "no newline");
    assert!(lines[6].starts_with("END"));
}

#[tokio::test]
async fn json_logs_are_objects() {
    let code = "
import logging
def handler(event, context):
    logging.getLogger('mine').info('hi', extra={'order': 7})
    print('raw')
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception('failed')
    raise KeyError('k')
";
    let mut python = Python::new(&[("app.py", code)]);
    let mut f = app();
    f.log_format = LogFormat::Json;
    python.call(f, "{}").await;
    let lines = python.output();
    let mut first: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert!(first["timestamp"].take().as_str().unwrap().ends_with('Z'));
    assert_eq!(
        first.to_string(),
        format!(
            r#"{{"timestamp":null,"level":"INFO","message":"hi","logger":"mine","requestId":"{}","order":7}}"#,
            id(1)
        )
    );
    assert_eq!(lines[1], "raw");
    let failed: serde_json::Value = serde_json::from_str(&lines[2]).unwrap();
    assert_eq!((&failed["errorType"], &failed["message"]), (&"ZeroDivisionError".into(), &"failed".into()));
    let uncaught: serde_json::Value = serde_json::from_str(&lines[3]).unwrap();
    assert_eq!((&uncaught["log_level"], &uncaught["errorType"]), (&"ERROR".into(), &"KeyError".into()));
    assert_eq!(uncaught["requestId"], id(1).to_string());
}

#[tokio::test]
async fn what_cannot_be_marshalled_is_a_runtime_error() {
    let code = "
import decimal
def handler(event, context):
    return decimal.Decimal('1.5')
";
    let mut python = Python::new(&[("app.py", code)]);
    let outcome = python.call(app(), "{}").await;
    let message = "Unable to marshal response: Object of type Decimal is not JSON serializable";
    let expected = serde_json::json!({
        "errorMessage": message, "errorType": "Runtime.MarshalError",
        "requestId": id(1).to_string(), "stackTrace": [],
    });
    assert_eq!(json(&outcome), expected);
}

#[tokio::test]
async fn results_are_written_as_pythons_json_writes_them() {
    let cases = [
        ("None", "null"),
        ("{'a': [1, 2.5, True], 'b': 'x'}", r#"{"a": [1, 2.5, true], "b": "x"}"#),
        ("{'statusCode': 200, 'body': '{}'}", r#"{"statusCode": 200, "body": "{}"}"#),
    ];
    for (result, expected) in cases {
        let code = format!("def handler(event, context):\n    return {result}\n");
        let mut python = Python::new(&[("app.py", &code)]);
        assert_eq!(text(&python.call(app(), "{}").await), expected);
    }
}

#[tokio::test]
async fn large_events_and_answers_pass_and_one_that_is_too_large_does_not_end_the_process() {
    let code = "
import os
def handler(event, context):
    if event == 'too much':
        return 'x' * 6291555
    return [os.getpid(), len(event), 'y' * len(event)]
";
    let mut python = Python::new(&[("app.py", code)]);
    let big = format!("\"{}\"", "z".repeat(6_000_000));
    let outcome = python.call(app(), &big).await;
    assert_eq!(outcome.payload.len(), json(&outcome)[0].to_string().len() + 6_000_000 + 15);
    let pid = json(&outcome)[0].clone();
    let outcome = python.call(app(), "\"too much\"").await;
    assert_eq!(json(&outcome)["errorType"], "Function.ResponseSizeTooLarge");
    let outcome = python.call(app(), "\"a\"").await;
    assert_eq!(json(&outcome), serde_json::json!([pid, 1, "y"]));
}

#[tokio::test]
async fn exits_and_endless_loops_cost_the_process_and_the_next_call_gets_a_new_one() {
    let code = "
import os, sys
def handler(event, context):
    if event == 'loop':
        while True: pass
    if event == 'kill':
        os.kill(os.getpid(), 11)
    if event is not None:
        sys.exit(event)
    return 'well'
";
    let mut python = Python::new(&[("app.py", code)]);
    let mut f = app();
    f.timeout = Duration::from_secs(1);
    let cases = [
        ("0", "Runtime.ExitError", "Runtime exited without providing a reason"),
        ("3", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("\"kill\"", "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"),
        ("\"loop\"", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    ];
    for (number, (event, error_type, message)) in (1u32..).zip(cases) {
        let outcome = python.call(f.clone(), event).await;
        let message = format!("RequestId: {} Error: {message}", id(python.calls));
        let expected = format!(r#"{{"errorType":"{error_type}","errorMessage":"{message}"}}"#);
        assert_eq!(text(&outcome), expected);
        assert_eq!(text(&python.call(f.clone(), "null").await), "\"well\"");
        assert_eq!(*python.started.lock().unwrap(), number + 1);
    }
    assert_eq!(python.logs.streams().len(), 1);
}

#[tokio::test]
async fn parallel_calls_run_in_processes_of_their_own() {
    let code = "
import os, time
def handler(event, context):
    # Nobody answers before all eight are there.
    open(f'here-{os.getpid()}', 'w').close()
    while len([name for name in os.listdir('.') if name.startswith('here-')]) < 8:
        time.sleep(0.01)
    return os.getpid()
";
    let mut python = Python::new(&[("app.py", code)]);
    let f = Arc::new(app());
    let mut calls = Vec::new();
    for number in 1..=8u128 {
        python.calls = number;
        calls.push(python.invoker.invoke(Invocation {
            request_id: id(number),
            payload: "{}".into(),
            invoked_arn: f.arn.to_string(),
            function: f.clone(),
            client_context: None,
            trace: None,
            log_tail: LogTail::Unwanted,
        }));
    }
    let answers = futures_util::future::join_all(calls).await;
    let mut pids: Vec<String> = answers.into_iter().map(|ran| text(&ran.unwrap()).to_owned()).collect();
    pids.sort();
    pids.dedup();
    assert_eq!(pids.len(), 8);
    python.invoker.drain().await;
    assert_eq!(python.invoker.stats().environments, 0);
}
