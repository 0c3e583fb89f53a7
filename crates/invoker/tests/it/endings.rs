//! How calls end: payloads, reports and log lines as AWS's, to the letter.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use invoker::{LogFormat, LogLevel, LogLevels, LogTail, Report, Verdict};
use sandbox::Command;

use crate::stage::{Stage, function, id, text};

const INIT_START: &str =
    "INIT_START Runtime Version: python:3.13.v1\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:0707";

fn start(number: u128) -> String {
    format!("START RequestId: {} Version: $LATEST", id(number))
}

fn end(number: u128) -> String {
    format!("END RequestId: {}", id(number))
}

fn report(number: u128, duration: &str, billed: u64, rest: &str) -> String {
    format!(
        "REPORT RequestId: {}\tDuration: {duration} ms\tBilled Duration: {billed} ms\tMemory Size: 128 MB\t{rest}",
        id(number)
    )
}

#[tokio::test]
async fn a_cold_call_shows_its_init_and_a_warm_one_does_not() {
    let stage = Stage::new();
    let f = Arc::new(function("init print loading; init sleep 110; print hello; sleep 3; echo"));
    let cold = stage.run(stage.call(&f), 200).await.unwrap();
    assert_eq!((cold.verdict, text(&cold)), (Verdict::Success, "{\"n\":1}"));
    let init = Some(Duration::from_millis(110));
    let duration = Duration::from_millis(3);
    assert_eq!(cold.report, Report { duration, init, billed_ms: 113, max_memory_mb: 36 });
    let warm = stage.run(stage.call(&f), 3).await.unwrap();
    assert_eq!((warm.report.init, warm.report.billed_ms), (None, 3));
    assert_eq!(
        stage.logs.lines(),
        [
            INIT_START,
            "loading",
            &start(1),
            "hello",
            &end(1),
            &report(1, "3.00", 113, "Max Memory Used: 36 MB\tInit Duration: 110.00 ms\t"),
            &start(2),
            "hello",
            &end(2),
            &report(2, "3.00", 3, "Max Memory Used: 36 MB\t"),
        ]
    );
    let streams = stage.logs.streams();
    assert_eq!(streams.len(), 1);
    assert_eq!(streams[0].group, "/aws/lambda/f");
    let hex = streams[0].stream.strip_prefix("2026/01/31/[$LATEST]").unwrap();
    assert!(hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{hex}");
}

#[tokio::test]
async fn an_error_of_the_function_is_passed_on_and_resets_nothing() {
    let stage = Stage::new();
    let f = Arc::new(function("error Exception bad luck"));
    for number in [1, 2] {
        let outcome = stage.run(stage.call(&f), 1).await.unwrap();
        assert_eq!(outcome.verdict, Verdict::Unhandled);
        assert_eq!(text(&outcome), r#"{"errorMessage":"bad luck","errorType":"Exception"}"#);
        assert_eq!(stage.logs.lines().last().unwrap().as_str(), {
            let init = if number == 1 { "Init Duration: 0.00 ms\t" } else { "" };
            report(number, "0.00", 1, &format!("Max Memory Used: 36 MB\t{init}"))
        });
    }
    assert_eq!(stage.driver.seen().started, 1);
}

/// A call that ends badly: its payload, what follows Memory Size in its REPORT, and how long it took.
struct Bad {
    script: &'static str,
    error_type: &'static str,
    message: &'static str,
    status: &'static str,
    ms: u64,
    memory_mb: u64,
}

const BAD: [Bad; 6] = [
    Bad {
        script: "print half; write way; stall",
        error_type: "Sandbox.Timedout",
        message: "Task timed out after 3.00 seconds",
        status: "Status: timeout",
        ms: 3_000,
        memory_mb: 36,
    },
    Bad {
        script: "print half; write way; sleep 5; exit 0",
        error_type: "Runtime.ExitError",
        message: "Runtime exited without providing a reason",
        status: "Status: error\tError Type: Runtime.ExitError",
        ms: 5,
        memory_mb: 36,
    },
    Bad {
        script: "print half; write way; sleep 5; exit 1",
        error_type: "Runtime.ExitError",
        message: "Runtime exited with error: exit status 1",
        status: "Status: error\tError Type: Runtime.ExitError",
        ms: 5,
        memory_mb: 36,
    },
    Bad {
        script: "print half; write way; sleep 5; signal 9",
        error_type: "Runtime.ExitError",
        message: "Runtime exited with error: signal: killed",
        status: "Status: error\tError Type: Runtime.ExitError",
        ms: 5,
        memory_mb: 36,
    },
    Bad {
        script: "print half; write way; sleep 5; signal 11",
        error_type: "Runtime.ExitError",
        message: "Runtime exited with error: signal: segmentation fault",
        status: "Status: error\tError Type: Runtime.ExitError",
        ms: 5,
        memory_mb: 36,
    },
    Bad {
        script: "print half; write way; sleep 5; oom",
        error_type: "Runtime.OutOfMemory",
        message: "Runtime exited with error: signal: killed",
        status: "Status: error\tError Type: Runtime.OutOfMemory",
        ms: 5,
        memory_mb: 128,
    },
];

#[tokio::test]
async fn who_times_out_exits_crashes_or_runs_out_of_memory_gets_aws_documents_and_lines() {
    for bad in BAD {
        let stage = Stage::new();
        let f = Arc::new(function(bad.script));
        let outcome = stage.run(stage.call(&f), bad.ms).await.unwrap();
        let Bad { error_type, message, status, ms, memory_mb, .. } = bad;
        assert_eq!(outcome.verdict, Verdict::Unhandled);
        let message = format!("RequestId: {} Error: {message}", id(1));
        assert_eq!(text(&outcome), format!(r#"{{"errorType":"{error_type}","errorMessage":"{message}"}}"#));
        let figures = format!("Max Memory Used: {memory_mb} MB\tInit Duration: 0.00 ms\t{status}");
        let figures = report(1, &format!("{ms}.00"), ms, &figures);
        assert_eq!(stage.logs.lines(), [INIT_START, &start(1), "half", "way", &end(1), &figures]);
    }
}

#[tokio::test]
async fn after_a_reset_id_stream_and_tmp_stay_and_the_next_call_initialises_within() {
    for how in ["stall", "exit 3", "oom", "signal 11"] {
        let stage = Stage::new();
        let f = Arc::new(function(&format!("init sleep 100; tmp; first {how}")));
        // The first box answers nothing more after its answer, the others answer and stay.
        let first = stage.run(stage.call(&f), 3_200).await.unwrap();
        assert_eq!(text(&first), "1", "{how}");
        stage.logs.clear();
        let second = stage.run(stage.call(&f), 3_200).await.unwrap();
        assert_eq!((text(&second), second.verdict), ("2", Verdict::Success), "{how}");
        assert_eq!(second.report.init, None, "a suppressed init is no Init Duration");
        assert_eq!(second.report.duration, Duration::from_millis(100), "but it takes the call's time");
        assert_eq!(stage.logs.streams().len(), 1);
        let seen = stage.driver.seen();
        assert_eq!((seen.started, seen.kept_tmp, seen.alive), (2, 1, 1), "{how}");
        assert_eq!(stage.invoker.stats().resets, 1);
        let lines = stage.logs.lines();
        assert_eq!(lines, [start(2), end(2), report(2, "100.00", 100, "Max Memory Used: 36 MB\t")]);
        let third = stage.run(stage.call(&f), 1).await.unwrap();
        assert_eq!((text(&third), third.report.duration), ("3", Duration::ZERO));
    }
}

#[tokio::test]
async fn a_timed_out_call_and_the_next_share_environment_and_tmp() {
    let stage = Stage::new();
    let f = Arc::new(function("init sleep 10; first stall; tmp"));
    let first = stage.run(stage.call(&f), 3_010).await.unwrap();
    assert_eq!(first.verdict, Verdict::Unhandled);
    assert_eq!(first.report.billed_ms, 3_010, "init and the whole timeout");
    let second = stage.run(stage.call(&f), 10).await.unwrap();
    assert_eq!(text(&second), "1");
    assert_eq!(stage.logs.streams().len(), 1);
    assert_eq!(stage.driver.seen().kept_tmp, 1);
    assert_eq!(stage.invoker.stats().timeouts, 1);
}

#[tokio::test]
async fn an_init_error_is_tried_again_within_the_first_call_and_then_answered() {
    let stage = Stage::new();
    let error = "init sleep 50; init error Runtime.ImportModuleError Unable to import module 'x'";
    let f = Arc::new(function(error));
    let outcome = stage.run(stage.call(&f), 100).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Unhandled);
    assert_eq!(
        text(&outcome),
        r#"{"errorMessage":"Unable to import module 'x'","errorType":"Runtime.ImportModuleError"}"#
    );
    let status = "Status: error\tError Type: Runtime.ImportModuleError";
    assert_eq!(
        stage.logs.lines(),
        [
            INIT_START,
            &format!("INIT_REPORT Init Duration: 50.00 ms\tPhase: init\t{status}"),
            &format!("INIT_REPORT Init Duration: 50.00 ms\tPhase: invoke\t{status}"),
            &start(1),
            &end(1),
            &report(1, "50.00", 100, &format!("Max Memory Used: 36 MB\t{status}")),
        ]
    );
    // The environment stays, and the next call tries only once.
    stage.logs.clear();
    let again = stage.run(stage.call(&f), 50).await.unwrap();
    assert_eq!(again.report.billed_ms, 50);
    assert_eq!(stage.logs.lines().len(), 4);
    assert_eq!(stage.driver.seen().started, 3);
}

#[tokio::test]
async fn an_init_that_fails_once_only_delays_the_first_call() {
    let stage = Stage::new();
    let f = Arc::new(function("init first exit 1; init sleep 20; echo"));
    let outcome = stage.run(stage.call(&f), 20).await.unwrap();
    assert_eq!((outcome.verdict, outcome.report.init), (Verdict::Success, None));
    let failed =
        "INIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError";
    assert_eq!(
        stage.logs.lines(),
        [INIT_START, failed, &start(1), &end(1), &report(1, "20.00", 20, "Max Memory Used: 36 MB\t")]
    );
    assert_eq!(stage.driver.seen().kept_tmp, 1);
}

#[tokio::test]
async fn an_init_of_more_than_ten_seconds_is_cut_and_its_retry_runs_on_the_calls_time() {
    let stage = Stage::new();
    let f = Arc::new(function("init stall"));
    let outcome = stage.run(stage.call(&f), 13_000).await.unwrap();
    let message = format!("RequestId: {} Error: Task timed out after 3.00 seconds", id(1));
    assert_eq!(text(&outcome), format!(r#"{{"errorType":"Sandbox.Timedout","errorMessage":"{message}"}}"#));
    assert_eq!(
        stage.logs.lines(),
        [
            INIT_START,
            "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout",
            "INIT_REPORT Init Duration: 3000.00 ms\tPhase: invoke\tStatus: timeout",
            &start(1),
            &end(1),
            &report(1, "3000.00", 13_000, "Max Memory Used: 36 MB\tStatus: timeout"),
        ]
    );
}

#[tokio::test]
async fn init_runs_without_the_cpu_share_which_comes_with_the_first_event() {
    let stage = Stage::new();
    let f = Arc::new(function("init sleep 100; echo"));
    stage.begin(stage.call(&f));
    stage.pass(99).await;
    assert_eq!(stage.driver.seen().cpu_limits, 0);
    stage.pass(1).await;
    assert_eq!(stage.driver.seen().cpu_limits, 1);
}

#[tokio::test]
async fn a_function_without_bootstrap_says_where_it_was_looked_for() {
    let stage = Stage::new();
    let mut f = function("init missing");
    f.command = Command::Custom;
    f.runtime = "provided.al2023".to_owned();
    let outcome = stage.run(stage.call(&Arc::new(f)), 1).await.unwrap();
    let message = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]";
    let message = format!("RequestId: {} Error: {message}", id(1));
    assert_eq!(
        text(&outcome),
        format!(r#"{{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"{message}"}}"#)
    );
    let lines = stage.logs.lines();
    let status = "Status: error\tError Type: Runtime.InvalidEntrypoint";
    assert_eq!(lines[1], format!("INIT_REPORT Init Duration: 0.00 ms\tPhase: init\t{status}"));
    assert!(lines.last().unwrap().ends_with(status));
}

#[tokio::test]
async fn a_response_of_one_byte_too_many_is_an_error_and_the_environment_goes_on() {
    let stage = Stage::new();
    let f = Arc::new(function("oversized"));
    for _ in 0..2 {
        let outcome = stage.run(stage.call(&f), 1).await.unwrap();
        assert_eq!(
            text(&outcome),
            r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#
        );
        assert_eq!(outcome.verdict, Verdict::Unhandled);
    }
    assert_eq!(stage.driver.seen().started, 1);
}

#[tokio::test]
async fn a_second_answer_is_refused_and_the_first_one_counts() {
    let stage = Stage::new();
    let f = Arc::new(function("twice"));
    let outcome = stage.run(stage.call(&f), 1).await.unwrap();
    assert_eq!(text(&outcome), "{\"n\":1}");
    assert_eq!(stage.logs.lines()[2], "403");
}

#[tokio::test]
async fn the_answer_does_not_wait_for_what_the_function_does_after_it_but_duration_does() {
    let stage = Stage::new();
    let f = Arc::new(function("echo; sleep 500; print late"));
    let outcome = stage.run(stage.call(&f), 0).await.unwrap();
    assert_eq!(outcome.report.duration, Duration::ZERO);
    stage.pass(500).await;
    let lines = stage.logs.lines();
    assert_eq!(lines[2], "late", "output before the next event belongs to the call");
    assert!(lines[4].contains("Duration: 500.00 ms\tBilled Duration: 500 ms"), "{}", lines[4]);
}

#[tokio::test]
async fn a_process_killed_for_memory_beside_the_main_one_costs_the_environment_not_the_answer() {
    let stage = Stage::new();
    let f = Arc::new(function("lose-child; tmp"));
    let outcome = stage.run(stage.call(&f), 1).await.unwrap();
    assert_eq!((outcome.verdict, text(&outcome)), (Verdict::Success, "1"));
    assert_eq!(stage.invoker.stats().resets, 1);
    let outcome = stage.run(stage.call(&f), 1).await.unwrap();
    assert_eq!(text(&outcome), "2");
}

#[tokio::test]
async fn the_log_tail_holds_the_whole_call_and_its_last_four_kilobytes() {
    let stage = Stage::new();
    let f = Arc::new(function("print hello; echo; sleep 2"));
    let mut call = stage.call(&f);
    call.log_tail = LogTail::Wanted;
    let outcome = stage.run(call, 2).await.unwrap();
    let figures = report(1, "2.00", 2, "Max Memory Used: 36 MB\tInit Duration: 0.00 ms\t");
    let expected = format!("{}\nhello\n{}\n{figures}\n", start(1), end(1));
    assert_eq!(outcome.log_tail, Some(Bytes::from(expected)));
    assert_eq!(outcome.report.duration, Duration::from_millis(2), "the whole figures");
    let long = Arc::new(crate::stage::named("long", &format!("print {}", "x".repeat(9_000))));
    let mut call = stage.call(&long);
    call.log_tail = LogTail::Wanted;
    let tail = stage.run(call, 0).await.unwrap().log_tail.unwrap();
    assert_eq!(tail.len(), 4_096);
    assert!(tail.ends_with(b"\t\n"));
}

#[tokio::test]
async fn json_format_writes_one_object_a_line() {
    let stage = Stage::new();
    let mut f = function("print raw; sleep 3; echo");
    f.log_format = LogFormat::Json;
    stage.run(stage.call(&Arc::new(f)), 3).await.unwrap();
    let mut failing = function("init sleep 10; exit 7");
    failing.log_format = LogFormat::Json;
    failing.revision = "r2".to_owned();
    stage.run(stage.call(&Arc::new(failing)), 10).await.unwrap();
    let (one, two) = (id(1), id(2));
    let lines: Vec<String> = stage.logs.lines();
    let expected = [
        r#"{"time":"2026-01-31T12:00:00.000Z","type":"platform.initStart","record":{"initializationType":"on-demand","phase":"init","runtimeVersion":"python:3.13.v1","runtimeVersionArn":"arn:aws:lambda:eu-west-1::runtime:0707","functionName":"f","functionVersion":"$LATEST"}}"#.to_owned(),
        format!(r#"{{"time":"2026-01-31T12:00:00.000Z","type":"platform.start","record":{{"requestId":"{one}","version":"$LATEST"}}}}"#),
        "raw".to_owned(),
        format!(r#"{{"time":"2026-01-31T12:00:00.003Z","type":"platform.report","record":{{"requestId":"{one}","metrics":{{"durationMs":3.0,"billedDurationMs":3,"memorySizeMB":128,"maxMemoryUsedMB":36,"initDurationMs":0.0}},"status":"success"}}}}"#),
    ];
    assert_eq!(lines[..4], expected);
    assert_eq!(
        *lines.last().unwrap(),
        format!(
            r#"{{"time":"2026-01-31T12:00:00.013Z","type":"platform.report","record":{{"requestId":"{two}","metrics":{{"durationMs":0.0,"billedDurationMs":10,"memorySizeMB":128,"maxMemoryUsedMB":36,"initDurationMs":10.0}},"status":"error","errorType":"Runtime.ExitError"}}}}"#
        )
    );
}

#[tokio::test]
async fn json_format_leaves_out_what_is_below_the_levels() {
    let stage = Stage::new();
    let loud = r#"{"timestamp":"2026-01-31T12:00:00.000Z","level":"ERROR"}"#;
    let mut f = function(&format!("print raw; print {loud}; echo"));
    f.log_format = LogFormat::Json;
    f.log_levels = LogLevels { application: LogLevel::Warn, system: LogLevel::Warn };
    stage.run(stage.call(&Arc::new(f)), 0).await.unwrap();
    assert_eq!(stage.logs.lines(), [loud]);
    let mut failing = function("print raw; exit 7");
    failing.log_format = LogFormat::Json;
    failing.log_levels = LogLevels { application: LogLevel::Fatal, system: LogLevel::Warn };
    failing.revision = "r2".to_owned();
    stage.run(stage.call(&Arc::new(failing)), 0).await.unwrap();
    let lines = stage.logs.lines();
    assert!(lines.len() == 2 && lines[1].contains("platform.report"), "{lines:?}");
}

#[tokio::test]
async fn json_format_reports_a_failed_init() {
    let stage = Stage::new();
    let mut f = function("init error Runtime.Odd no");
    f.log_format = LogFormat::Json;
    stage.run(stage.call(&Arc::new(f)), 0).await.unwrap();
    let lines = stage.logs.lines();
    for (line, phase) in [(&lines[1], "init"), (&lines[2], "invoke")] {
        assert_eq!(
            *line,
            format!(
                r#"{{"time":"2026-01-31T12:00:00.000Z","type":"platform.initReport","record":{{"initializationType":"on-demand","phase":"{phase}","status":"error","errorType":"Runtime.Odd","metrics":{{"durationMs":0.0}}}}}}"#
            )
        );
    }
}
