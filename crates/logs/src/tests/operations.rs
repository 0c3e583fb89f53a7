use std::time::Duration;

use super::*;

#[tokio::test]
async fn events_of_all_streams_are_answered_in_order_of_time() {
    let house = House::build();
    house.write("g", "a", &[(10, "a1"), (30, "a2")]);
    house.write("other", "a", &[(15, "not mine")]);
    house.write("g", "b", &[(20, "b1"), (20, "b2"), (5, "b0")]);
    let page = house.call::<FilterLogEvents>(of("g")).await.unwrap();
    let events = page.events.unwrap();
    let seen: Vec<(&str, &str, i64)> = events
        .iter()
        .map(|e| {
            (
                e.log_stream_name.as_deref().unwrap(),
                e.message.as_deref().unwrap(),
                e.timestamp.unwrap() - NOW as i64,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [("b", "b0\n", 5), ("a", "a1\n", 10), ("b", "b1\n", 20), ("b", "b2\n", 20), ("a", "a2\n", 30)]
    );
    assert_eq!((events[0].ingestion_time, page.next_token), (Some(NOW as i64), None));
    let ids: Vec<&String> = events.iter().map(|e| e.event_id.as_ref().unwrap()).collect();
    assert!(ids.iter().all(|id| id.len() == 56) && ids.is_sorted_by(|a, b| a < b), "{ids:?}");
}

#[tokio::test]
async fn pages_follow_each_other_and_the_last_has_no_token() {
    let house = House::build();
    for n in 0..25 {
        house.write("g", &format!("s{}", n % 3), &[(n / 5, &format!("{n:02}"))]);
    }
    let first =
        house.call::<FilterLogEvents>(FilterLogEventsInput { limit: Some(20), ..of("g") }).await.unwrap();
    assert_eq!(first.events.unwrap().len(), 20);
    let next = FilterLogEventsInput { limit: Some(20), next_token: first.next_token, ..of("g") };
    let second = house.call::<FilterLogEvents>(next).await.unwrap();
    assert_eq!((second.events.unwrap().len(), second.next_token), (5, None));
    let all: Vec<String> = (0..25).map(|n| format!("{n:02}\n")).collect();
    for limit in [1, 2, 7, 25, 10_000] {
        assert_eq!(
            house.filter(FilterLogEventsInput { limit: Some(limit), ..of("g") }).await,
            all,
            "{limit}"
        );
    }
}

#[tokio::test]
async fn streams_times_and_patterns_select() {
    let house = House::build();
    house.write("g", "2026/a", &[(10, "INFO one"), (20, "ERROR two")]);
    house.write("g", "2027/b", &[(15, "ERROR three")]);
    let at = |ms: u64| Some((NOW + ms) as i64);
    let cases = [
        (of("g"), vec!["INFO one\n", "ERROR three\n", "ERROR two\n"]),
        (
            FilterLogEventsInput { filter_pattern: Some("ERROR".into()), ..of("g") },
            vec!["ERROR three\n", "ERROR two\n"],
        ),
        (
            FilterLogEventsInput { log_stream_name_prefix: Some("2027".into()), ..of("g") },
            vec!["ERROR three\n"],
        ),
        (FilterLogEventsInput { log_stream_name_prefix: Some("2028".into()), ..of("g") }, vec![]),
        (
            FilterLogEventsInput { log_stream_names: Some(vec!["2026/a".into()]), ..of("g") },
            vec!["INFO one\n", "ERROR two\n"],
        ),
        // The end is included.
        (
            FilterLogEventsInput { start_time: at(11), end_time: at(20), ..of("g") },
            vec!["ERROR three\n", "ERROR two\n"],
        ),
        (FilterLogEventsInput { start_time: at(21), ..of("g") }, vec![]),
        (FilterLogEventsInput { end_time: at(14), ..of("g") }, vec!["INFO one\n"]),
        (
            FilterLogEventsInput {
                log_group_identifier: Some("arn:aws:logs:us-east-1:123456789012:log-group:g".into()),
                end_time: at(14),
                ..Default::default()
            },
            vec!["INFO one\n"],
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(house.filter(input.clone()).await, expected, "{input:?}");
    }
}

#[tokio::test]
async fn wrong_questions_are_answered_in_awss_words() {
    let house = House::build();
    house.write("g", "s", &[(0, "x")]);
    let cases = [
        (of("none"), "ResourceNotFoundException: The specified log group does not exist."),
        (
            FilterLogEventsInput { log_stream_names: Some(vec!["s".into(), "t".into()]), ..of("g") },
            "ResourceNotFoundException: The specified log stream does not exist.",
        ),
        (
            FilterLogEventsInput { next_token: Some("x".into()), ..of("g") },
            "InvalidParameterException: The specified nextToken is invalid.",
        ),
        (
            FilterLogEventsInput { filter_pattern: Some("a:b".into()), ..of("g") },
            "InvalidParameterException: Invalid character(s) in term 'a:b'",
        ),
        (
            FilterLogEventsInput { log_group_identifier: Some("g".into()), ..of("g") },
            "InvalidParameterException: LogGroup name and LogGroup ARN are mutually exclusive parameters.",
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(text(house.call::<FilterLogEvents>(input).await), expected);
    }
    let groups = DescribeLogGroupsInput {
        log_group_name_prefix: Some("a".into()),
        log_group_name_pattern: Some("b".into()),
        ..Default::default()
    };
    assert_eq!(
        text(house.call::<DescribeLogGroups>(groups).await),
        "InvalidParameterException: LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
    );
    let streams = DescribeLogStreamsInput { log_group_name: Some("none".into()), ..Default::default() };
    assert_eq!(
        text(house.call::<DescribeLogStreams>(streams.clone()).await),
        "ResourceNotFoundException: The specified log group does not exist."
    );
    let both = DescribeLogStreamsInput { log_group_identifier: Some("g".into()), ..streams.clone() };
    assert_eq!(
        text(house.call::<DescribeLogStreams>(both).await),
        "ValidationException: LogGroup name and LogGroup ARN are mutually exclusive parameters."
    );
    let ordered = DescribeLogStreamsInput {
        order_by: Some("LastEventTime".into()),
        log_stream_name_prefix: Some("s".into()),
        ..streams
    };
    assert_eq!(
        text(house.call::<DescribeLogStreams>(ordered).await),
        "InvalidParameterException: Cannot order by LastEventTime with a logStreamNamePrefix."
    );
}

#[tokio::test]
async fn a_tail_sees_what_is_written_after_it_looked() {
    let house = House::build();
    house.write("g", "s", &[(0, "first")]);
    let since = |ms: u64| FilterLogEventsInput { start_time: Some((NOW + ms) as i64), ..of("g") };
    assert_eq!(house.filter(since(0)).await, ["first\n"]);
    assert_eq!(house.filter(since(1)).await, [""; 0]);
    house.write("g", "s", &[(1, "second")]);
    assert_eq!(house.filter(since(1)).await, ["second\n"]);
}

#[tokio::test]
async fn streams_are_listed_by_name_or_by_their_last_event() {
    let house = House::build();
    house.write("g", "b", &[(10, "x"), (20, "x")]);
    house.clock.advance(Duration::from_millis(5)).await;
    house.write("g", "a", &[(30, "x")]);
    house.write("g", "c", &[(15, "x")]);
    let input = || DescribeLogStreamsInput { log_group_name: Some("g".into()), ..Default::default() };
    let page = house.call::<DescribeLogStreams>(input()).await.unwrap();
    let streams = page.log_streams.unwrap();
    let b = &streams[1];
    assert_eq!(b.arn.as_deref(), Some("arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:b"));
    let now = NOW as i64;
    assert_eq!((b.creation_time, b.last_ingestion_time, b.stored_bytes), (Some(now), Some(now), Some(0)));
    assert_eq!((b.first_event_timestamp, b.last_event_timestamp), (Some(now + 10), Some(now + 20)));
    assert_eq!(b.upload_sequence_token.as_ref().map(String::len), Some(56));

    let cases = [
        (input(), "abc"),
        (DescribeLogStreamsInput { descending: Some(true), ..input() }, "cba"),
        (DescribeLogStreamsInput { order_by: Some("LastEventTime".into()), ..input() }, "cba"),
        (
            DescribeLogStreamsInput {
                order_by: Some("LastEventTime".into()),
                descending: Some(true),
                ..input()
            },
            "abc",
        ),
        (DescribeLogStreamsInput { log_stream_name_prefix: Some("b".into()), ..input() }, "b"),
    ];
    for (input, expected) in cases {
        let (mut seen, mut paged) = (String::new(), DescribeLogStreamsInput { limit: Some(2), ..input });
        loop {
            let page = house.call::<DescribeLogStreams>(paged.clone()).await.unwrap();
            seen.extend(page.log_streams.unwrap().into_iter().map(|stream| stream.log_stream_name.unwrap()));
            paged.next_token = page.next_token;
            if paged.next_token.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn groups_are_listed_by_name_prefix_or_pattern() {
    let house = House::build();
    for group in ["/aws/lambda/ab", "/aws/lambda/a", "other"] {
        house.write(group, "s", &[(0, "x")]);
    }
    let names = |output: DescribeLogGroupsOutput| -> Vec<String> {
        output.log_groups.unwrap().into_iter().map(|group| group.log_group_name.unwrap()).collect()
    };
    let all = house.call::<DescribeLogGroups>(DescribeLogGroupsInput::default()).await.unwrap();
    let first = all.log_groups.as_ref().unwrap()[0].clone();
    assert_eq!(first.arn.as_deref(), Some("arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/a:*"));
    assert_eq!(
        first.log_group_arn.as_deref(),
        Some("arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/a")
    );
    assert_eq!((first.log_group_class.as_deref(), first.retention_in_days), (Some("STANDARD"), None));
    assert_eq!(names(all), ["/aws/lambda/a", "/aws/lambda/ab", "other"]);
    let by = |prefix: Option<&str>, pattern: Option<&str>, limit: Option<i64>| DescribeLogGroupsInput {
        log_group_name_prefix: prefix.map(str::to_owned),
        log_group_name_pattern: pattern.map(str::to_owned),
        limit,
        ..Default::default()
    };
    for (input, expected) in [
        (by(Some("/aws/lambda/a"), None, None), vec!["/aws/lambda/a", "/aws/lambda/ab"]),
        (by(None, Some("the"), None), vec!["other"]),
        (by(Some("x"), None, None), vec![]),
    ] {
        assert_eq!(names(house.call::<DescribeLogGroups>(input).await.unwrap()), expected);
    }
    let first = house.call::<DescribeLogGroups>(by(None, None, Some(2))).await.unwrap();
    let next = DescribeLogGroupsInput { next_token: first.next_token.clone(), ..by(None, None, Some(2)) };
    assert_eq!(names(first), ["/aws/lambda/a", "/aws/lambda/ab"]);
    let second = house.call::<DescribeLogGroups>(next).await.unwrap();
    assert_eq!(second.next_token, None);
    assert_eq!(names(second), ["other"]);
}
