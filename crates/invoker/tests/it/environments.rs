//! What runs in an environment is given, and how it is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use invoker::{Refused, Settings, Verdict};
use sandbox::Command;

use crate::stage::{NOON_MS, Stage, function, id, named, text};

#[tokio::test]
async fn the_event_carries_the_headers_of_the_runtime_api() {
    let stage = Stage::new();
    let f = Arc::new(function("headers"));
    let mut call = stage.call(&f);
    call.invoked_arn = format!("{}:PROD", f.arn);
    call.trace = Some("Root=1-5e34a614-10bdxmplf1fb44f07bc535a1;Sampled=1".to_owned());
    call.client_context = Some("{\n \"custom\": {}\r\n}".to_owned());
    let outcome = stage.run(call, 0).await.unwrap();
    let headers: BTreeMap<String, String> = serde_json::from_str(text(&outcome)).unwrap();
    let deadline = (NOON_MS + 3_000).to_string();
    let (request, arn) = (id(1).to_string(), format!("{}:PROD", f.arn));
    let expected = [
        ("content-length", "7"),
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", &request),
        ("lambda-runtime-client-context", "{  \"custom\": {}  }"),
        ("lambda-runtime-deadline-ms", &deadline),
        ("lambda-runtime-invoked-function-arn", &arn),
        ("lambda-runtime-trace-id", "Root=1-5e34a614-10bdxmplf1fb44f07bc535a1;Sampled=1"),
    ];
    let expected: BTreeMap<String, String> =
        expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(headers, expected);
    let plain = stage.run(stage.call(&f), 0).await.unwrap();
    let headers: BTreeMap<String, String> = serde_json::from_str(text(&plain)).unwrap();
    assert!(!headers.contains_key("lambda-runtime-client-context"));
}

async fn variable(stage: &Stage, name: &str, change: impl FnOnce(&mut invoker::FunctionVersion)) -> String {
    let mut f = function(&format!("variable {name}"));
    f.revision = format!("{name} {}", stage.driver.seen().started);
    change(&mut f);
    text(&stage.run(stage.call(&Arc::new(f)), 0).await.unwrap()).trim_matches('"').to_owned()
}

#[tokio::test]
async fn the_environment_variables_are_aws_ones() {
    let stage = Stage::new();
    let expected = [
        ("_HANDLER", "app.handler"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("PWD", "/var/task"),
        ("SHLVL", "0"),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        (
            "LD_LIBRARY_PATH",
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        ),
        ("PYTHONPATH", "/var/runtime"),
        ("AWS_LAMBDA_LOG_FORMAT", "null"),
    ];
    for (name, value) in expected {
        assert_eq!(variable(&stage, name, |_| {}).await, value, "{name}");
    }
    assert!(variable(&stage, "AWS_ACCESS_KEY_ID", |_| {}).await.starts_with("ASIA"));
    let stream = variable(&stage, "AWS_LAMBDA_LOG_STREAM_NAME", |_| {}).await;
    assert_eq!(stream, stage.logs.streams().last().unwrap().stream);
}

#[tokio::test]
async fn customers_override_what_is_theirs_to_override_and_nothing_else() {
    let stage = Stage::new();
    let set = |name: &'static str, value: &'static str| {
        move |f: &mut invoker::FunctionVersion| {
            f.environment.insert(name.to_owned(), value.to_owned());
        }
    };
    assert_eq!(variable(&stage, "PATH", set("PATH", "/mine")).await, "/mine");
    assert_eq!(variable(&stage, "GREETING", set("GREETING", "hi")).await, "hi");
    assert_eq!(variable(&stage, "_SECRET", set("_SECRET", "x")).await, "null");
    assert_eq!(variable(&stage, "AWS_REGION", set("AWS_REGION", "mars")).await, "eu-west-1");
    let custom = |f: &mut invoker::FunctionVersion| {
        f.command = Command::Custom;
        f.runtime = "provided.al2023".to_owned();
    };
    assert_eq!(variable(&stage, "AWS_EXECUTION_ENV", custom).await, "null");
    let json = |f: &mut invoker::FunctionVersion| f.log_format = invoker::LogFormat::Json;
    assert_eq!(variable(&stage, "AWS_LAMBDA_LOG_FORMAT", json).await, "JSON");
    let own_group = |f: &mut invoker::FunctionVersion| f.log_group = "/mine".to_owned();
    let stream = variable(&stage, "AWS_LAMBDA_LOG_STREAM_NAME", own_group).await;
    assert!(stream.starts_with("2026/01/31/f[$LATEST]"), "{stream}");
}

#[tokio::test]
async fn an_idle_environment_is_frozen_thawed_by_a_call_and_gone_after_a_while() {
    let stage = Stage::new();
    let f = Arc::new(function("echo"));
    stage.run(stage.call(&f), 0).await.unwrap();
    stage.pass(49).await;
    assert_eq!(stage.driver.seen().frozen, 0);
    stage.pass(1).await;
    assert_eq!(stage.driver.seen().frozen, 1);
    stage.run(stage.call(&f), 0).await.unwrap();
    assert_eq!((stage.driver.seen().frozen, stage.driver.seen().started), (0, 1));
    stage.pass(599_000).await;
    assert_eq!((stage.driver.seen().freezes, stage.invoker.stats().environments), (2, 1));
    stage.pass(1_000).await;
    assert_eq!(stage.driver.seen().alive, 0);
    let stats = stage.invoker.stats();
    assert_eq!((stats.environments, stats.idle, stats.memory_mb), (0, 0, 0), "scaled to zero");
    stage.run(stage.call(&f), 0).await.unwrap();
    assert_eq!(stage.driver.seen().started, 2, "and back");
}

#[tokio::test]
async fn a_frozen_environment_keeps_its_connection_for_as_long_as_it_lives() {
    let stage = Stage::new();
    let f = Arc::new(function("echo"));
    for _ in 0..3 {
        stage.run(stage.call(&f), 0).await.unwrap();
        stage.pass(500_000).await;
    }
    assert_eq!(stage.driver.seen().started, 1);
}

#[tokio::test]
async fn credentials_are_minted_for_each_environment_and_never_outlived() {
    let stage = Stage::new();
    let f = Arc::new(function("variable AWS_ACCESS_KEY_ID"));
    assert_eq!(text(&stage.run(stage.call(&f), 0).await.unwrap()), "\"ASIA1\"");
    for _ in 0..8 {
        stage.pass(9 * 60_000).await;
        stage.run(stage.call(&f), 0).await.unwrap();
    }
    let last = stage.run(stage.call(&f), 0).await.unwrap();
    assert_eq!(text(&last), "\"ASIA2\"", "an hour later");
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_refuses_the_call() {
    let stage = Stage::new();
    let message = "The role defined for the function cannot be assumed by Lambda.";
    *stage.mint.refuse.lock().unwrap() = Some(message.to_owned());
    let f = Arc::new(function("echo"));
    let refused = stage.run(stage.call(&f), 0).await.unwrap_err();
    assert_eq!(refused, Refused::Role(message.to_owned()));
    let stats = stage.invoker.stats();
    assert_eq!((stats.environments, stats.failed_starts, stats.running), (0, 1, 0));
    *stage.mint.refuse.lock().unwrap() = None;
    assert!(stage.run(stage.call(&f), 0).await.is_ok());
}

#[tokio::test]
async fn a_process_that_dies_while_idle_costs_only_an_initialisation() {
    let stage = Stage::new();
    let f = Arc::new(function("init first idle-exit 20; tmp"));
    stage.run(stage.call(&f), 0).await.unwrap();
    stage.pass(20).await;
    let seen = stage.driver.seen();
    assert_eq!((seen.alive, stage.invoker.stats().idle, stage.invoker.stats().resets), (0, 1, 1));
    let outcome = stage.run(stage.call(&f), 0).await.unwrap();
    assert_eq!((text(&outcome), outcome.verdict), ("2", Verdict::Success));
    assert_eq!(stage.logs.streams().len(), 1);
}

#[tokio::test]
async fn the_memory_budget_makes_room_by_ending_what_is_worth_least() {
    let stage = Stage::with(Settings { memory_budget_mb: 384, ..Settings::default() });
    let dear = Arc::new(named("dear", "init sleep 900; echo"));
    let cheap = Arc::new(named("cheap", "init sleep 1; echo"));
    let busy = Arc::new(named("busy", "sleep 2000; echo"));
    stage.run(stage.call(&dear), 900).await.unwrap();
    stage.run(stage.call(&cheap), 1).await.unwrap();
    stage.begin(stage.call(&busy));
    stage.pass(10).await;
    assert_eq!(stage.invoker.stats().memory_mb, 384);
    let other = Arc::new(named("other", "echo"));
    stage.run(stage.call(&other), 0).await.unwrap();
    assert_eq!(stage.invoker.stats().evicted, 1);
    assert_eq!(stage.driver.seen().alive, 3);
    let started = stage.driver.seen().started;
    stage.run(stage.call(&dear), 0).await.unwrap();
    assert_eq!(stage.driver.seen().started, started, "the dear one was kept");
}

#[tokio::test]
async fn a_machine_full_of_running_functions_refuses_what_cannot_be_served() {
    let stage = Stage::with(Settings { memory_budget_mb: 128, ..Settings::default() });
    let busy = Arc::new(named("busy", "sleep 1000; echo"));
    stage.begin(stage.call(&busy));
    stage.pass(1).await;
    let other = Arc::new(named("other", "echo"));
    let refused = stage.run(stage.call(&other), 0).await.unwrap_err();
    assert_eq!(refused, Refused::Capacity);
    // A call of the busy function itself waits for its environment.
    let waited = stage.run(stage.call(&busy), 1_999).await.unwrap();
    assert_eq!(waited.verdict, Verdict::Success);
    stage.pass(100).await;
    assert!(stage.run(stage.call(&other), 0).await.is_ok(), "room is made of what is idle");
}

#[tokio::test]
async fn a_driver_without_free_slots_gets_one_by_eviction() {
    let stage = Stage::new();
    stage.driver.hold_at_most(1);
    let (one, two) = (Arc::new(named("one", "echo")), Arc::new(named("two", "echo")));
    stage.run(stage.call(&one), 0).await.unwrap();
    stage.run(stage.call(&two), 100).await.unwrap();
    assert_eq!((stage.driver.seen().alive, stage.invoker.stats().evicted), (1, 1));
    let busy = Arc::new(named("busy", "sleep 2500; echo"));
    stage.begin(stage.call(&busy));
    stage.pass(200).await;
    let refused = stage.run(stage.call(&one), 300).await.unwrap_err();
    assert_eq!(refused, Refused::Capacity);
    assert_eq!(stage.invoker.stats().environments, 1);
}

#[tokio::test]
async fn a_wrong_pack_is_an_error_of_ours_that_names_it() {
    let stage = Stage::new();
    let mut f = function("echo");
    f.pack = sandbox::PackDigest([9; 32]);
    let refused = stage.run(stage.call(&Arc::new(f)), 0).await.unwrap_err();
    let Refused::Internal(text) = refused else { panic!("{refused:?}") };
    assert!(text.contains("0909") && text.contains("not installed"), "{text}");
    assert_eq!(stage.clock.tick().since(tasks::Tick(0)), Duration::ZERO, "nothing was waited for");
}
