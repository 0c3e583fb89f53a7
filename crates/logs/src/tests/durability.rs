use std::process::{Command, Stdio};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const CHILD: &str = "LOGS_TEST_FOLDER";

fn on_disk(folder: &std::path::Path, keep: Keep) -> House {
    let clock = Clock::real();
    let tasks = Tasks::new(Shutdown::new());
    let store = Store::open(folder, store::Options::new(tasks, clock.clone())).unwrap();
    House::over(store, clock, keep)
}

#[tokio::test]
async fn output_is_there_after_a_restart_and_writing_goes_on_while_it_is_read() {
    let house = House::build();
    for n in 0..500 {
        house.write("g", &format!("s{}", n % 7), &[(n, &format!("before {n}"))]);
    }
    let again = House::over(house.store.clone(), house.clock.clone(), Keep::default());
    // The index is still being read: nothing has run yet.
    again.write("g", "s", &[(500, "after")]);
    let found = again.filter(of("g")).await;
    assert_eq!(found.len(), 501);
    assert_eq!((found[0].as_str(), found[500].as_str()), ("before 0\n", "after\n"));
    again.write("g", "s", &[(501, "later")]);
    assert_eq!(again.filter(of("g")).await.len(), 502);
}

#[tokio::test]
async fn output_is_forgotten_when_it_is_too_old_or_too_much() {
    let house = House::build();
    house.write("old", "s", &[(0, "x")]);
    house.clock.advance(Duration::from_secs(29 * 86_400)).await;
    assert_eq!(house.filter(of("old")).await.len(), 1);
    house.clock.advance(Duration::from_secs(2 * 86_400)).await;
    assert_eq!(
        text(house.call::<FilterLogEvents>(of("old")).await),
        "ResourceNotFoundException: The specified log group does not exist."
    );

    // The bytes go too, not only what the index knows of them.
    let journal = house.store.journal("logs", 0).unwrap();
    assert!(journal.read(0, 1_000).await.unwrap().records.is_empty());

    let keep = Keep { bytes: 1 << 20, ..Keep::default() };
    let house = House::over(Store::simulated(2, house.clock.clone()), house.clock.clone(), keep);
    let line = "x".repeat(10_000);
    house.write("first", "s", &[(0, &line)]);
    for n in 0..200 {
        house.write("g", "s", &[(n, &line)]);
    }
    let left = house.filter(of("g")).await.len();
    assert!((80..=105).contains(&left), "{left}");
    assert!(house.call::<FilterLogEvents>(of("first")).await.is_err());
}

#[tokio::test]
async fn long_lines_and_many_lines_come_back_whole() {
    let house = House::build();
    let long = "ä".repeat(100_000);
    let lines: Vec<(u64, &str)> = (0..25_000).map(|n| (n, "x")).chain([(30_000, long.as_str())]).collect();
    house.write("g", "s", &lines);
    let found = house.filter(of("g")).await;
    assert_eq!(found.len(), 25_001);
    assert_eq!(found.last().unwrap().trim_end(), long);
    let too_long = "y".repeat(1_500_000);
    house.write("h", "s", &[(0, &too_long)]);
    assert_eq!(house.filter(of("h")).await, [format!("{}\n", "y".repeat(1_000_000))]);
    house.write("b", "s", &[]);
    assert!(house.call::<FilterLogEvents>(of("b")).await.is_err(), "no lines make no group");
}

#[tokio::test]
async fn a_rare_match_in_much_output_is_found_over_empty_pages() {
    let house = House::build();
    let line = "x".repeat(100_000);
    for n in 0..300 {
        house.write("g", "s", &[(n, if n == 290 { "NEEDLE" } else { &line })]);
    }
    let input = FilterLogEventsInput { filter_pattern: Some("NEEDLE".into()), ..of("g") };
    let first = house.call::<FilterLogEvents>(input.clone()).await.unwrap();
    assert!(
        first.events.unwrap().is_empty() && first.next_token.is_some(),
        "16 MiB are read, then there is a page"
    );
    assert_eq!(house.filter(input).await, ["NEEDLE\n"]);
}

#[tokio::test]
async fn output_survives_kill_9_and_a_torn_tail() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return write_until_killed(folder.as_ref()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    // This test once more, as a process of its own.
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::durability::output_survives_kill_9_and_a_torn_tail", "--nocapture"])
        .env(CHILD, folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = 0;
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    for line in std::io::BufRead::lines(output) {
        let line = line.unwrap();
        if let Some(number) = line.strip_prefix("wrote ") {
            acknowledged = number.parse::<usize>().unwrap() + 1;
        }
        if acknowledged >= 200 {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(acknowledged >= 200, "the child did not write");

    let house = on_disk(folder.path(), Keep::default());
    let found = house.filter(of("g")).await;
    assert!(found.len() >= acknowledged, "{} of {acknowledged}", found.len());
    assert!(found.iter().enumerate().all(|(n, line)| *line == format!("line {n}\n")));
    house.store.close().await;
    drop(house);

    // The last record loses its end, as when the power fails.
    let journal = folder.path().join("journal/logs");
    let mut files: Vec<_> = std::fs::read_dir(&journal).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let last = std::fs::OpenOptions::new().write(true).open(files.last().unwrap()).unwrap();
    last.set_len(last.metadata().unwrap().len() - 3).unwrap();
    let house = on_disk(folder.path(), Keep::default());
    assert_eq!(house.filter(of("g")).await, found[..found.len() - 1]);
    house.write("g", "s", &[(1_000_000, "new")]);
    assert_eq!(house.filter(of("g")).await.len(), found.len());
    house.store.close().await;
}

/// What the child does: it writes until it is killed, and says what it has written.
async fn write_until_killed(folder: &std::path::Path) {
    let house = on_disk(folder, Keep::default());
    for n in 0..u64::MAX {
        house.write("g", "s", &[(n, &format!("line {n}"))]);
        println!("wrote {n}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the times, the batches and the page size: every event once, sorted by time, then by order of writing.
    #[test]
    fn every_event_is_answered_once_and_in_order(
        batches in prop::collection::vec((0usize..3, prop::collection::vec((0u64..50, any::<bool>()), 1..6)), 1..40),
        pad in 0usize..20_000,
        limit in 1i64..50,
        from in 0u64..20,
        to in 20u64..60,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let pad = "p".repeat(pad);
        let mut expected = Vec::new();
        let found = runtime.block_on(async {
            let house = House::build();
            for (batch, (stream, lines)) in batches.iter().enumerate() {
                let texts: Vec<(u64, String)> = lines
                    .iter()
                    .enumerate()
                    .map(|(n, (at, hit))| (*at, format!("{batch:03} {n} {}{pad}", if *hit { "HIT" } else { "MISS" })))
                    .collect();
                let lines: Vec<(u64, &str)> = texts.iter().map(|(at, text)| (*at, text.as_str())).collect();
                house.write("g", &format!("s{stream}"), &lines);
                expected.extend(texts.into_iter().filter(|(at, text)| (from..=to).contains(at) && text.contains("HIT")));
            }
            let input = FilterLogEventsInput {
                filter_pattern: Some("HIT".to_owned()),
                start_time: Some((NOW + from) as i64),
                end_time: Some((NOW + to) as i64),
                limit: Some(limit),
                ..of("g")
            };
            house.filter(input).await
        });
        expected.sort_by_key(|(at, _)| *at);
        let expected: Vec<String> = expected.into_iter().map(|(_, text)| format!("{text}\n")).collect();
        prop_assert_eq!(found, expected);
    }
}
