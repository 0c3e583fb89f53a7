use api::logs::{FilterLogEventsInput, FilterLogEventsOutput, FilteredLogEvent};
use api::{Call, Cx, Guard};
use aws::Fault;

use crate::index::GroupName;
use crate::limits::PAGE_EVENTS;
use crate::pattern::Pattern;
use crate::rules::{self, Key};
use crate::search::{Event, Search, Streams};
use crate::{Logs, guard};

/// What FilterLogEvents touches: the group.
pub(crate) fn filtered_group(_: &Logs, call: &Call, input: &FilterLogEventsInput) -> Result<Guard, Fault> {
    Ok(guard(&group(call, input)?))
}

fn group(call: &Call, input: &FilterLogEventsInput) -> Result<GroupName, Fault> {
    let identifier = match (&input.log_group_name, &input.log_group_identifier) {
        (Some(name), None) => name,
        (None, Some(identifier)) => identifier,
        (Some(_), Some(_)) => {
            return Err(rules::invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters."));
        }
        (None, None) => return Err(rules::invalid("LogGroup name or LogGroup ARN is required.")),
    };
    rules::identified(call.account, &call.region, identifier)
}

/// Answers the events of a group that match, in order of time.
pub(crate) async fn filter(
    cx: Cx<Logs>,
    input: FilterLogEventsInput,
) -> Result<FilterLogEventsOutput, Fault> {
    let search = search(&cx.call, input)?;
    let logs = &cx.state.sink.0;
    let spans = logs
        .look(|index| {
            let group = index.group(&search.group).ok_or_else(rules::no_such_group)?;
            if let Streams::Names(names) = &search.streams
                && !names.iter().all(|name| group.streams.contains_key(name))
            {
                return Err(rules::no_such_stream());
            }
            let times = search.from()..=*search.times.end();
            Ok(index.select(group, |stream| search.streams.wants(stream), times))
        })
        .await?;
    let page = search.run(&logs.journal, &spans).await?;
    let next_token = page.next.map(|key| {
        let [at, position, line] = [key.at, key.position, key.line].map(|number| number.to_string());
        rules::token("events", &rules::group_arn(&search.group), &[&at, &position, &line])
    });
    Ok(FilterLogEventsOutput {
        events: Some(page.events.into_iter().map(|(key, event)| show(key, event)).collect()),
        searched_log_streams: Some(Vec::new()),
        next_token,
    })
}

fn search(call: &Call, input: FilterLogEventsInput) -> Result<Search, Fault> {
    let group = group(call, &input)?;
    if input.start_from_head == Some(false) {
        return Err(rules::not_implemented("FilterLogEvents with startFromHead=false"));
    }
    let streams = match (input.log_stream_names, input.log_stream_name_prefix) {
        (Some(names), None) => Streams::Names(names.into_iter().collect()),
        (None, Some(prefix)) => Streams::Prefix(prefix),
        (None, None) => Streams::All,
        (Some(_), Some(_)) => {
            return Err(rules::invalid(
                "LogStream names and LogStream name prefix are mutually exclusive parameters.",
            ));
        }
    };
    let after = match &input.next_token {
        None => None,
        Some(token) => {
            let parts: [String; 3] = rules::open_token("events", &rules::group_arn(&group), token)?;
            let [at, position, line] = parts.map(|part| part.parse().map_err(|_| rules::bad_token()));
            Some(Key { at: at?, position: position?, line: line? })
        }
    };
    let time = |time: Option<i64>, absent| time.map_or(absent, |time| u64::try_from(time).unwrap_or(0));
    Ok(Search {
        group,
        streams,
        times: time(input.start_time, 0)..=time(input.end_time, u64::MAX),
        pattern: Pattern::read(input.filter_pattern.as_deref().unwrap_or_default())?,
        after,
        limit: rules::page_size(input.limit, PAGE_EVENTS),
    })
}

fn show(key: Key, event: Event) -> FilteredLogEvent {
    FilteredLogEvent {
        log_stream_name: Some(event.stream),
        timestamp: Some(number(key.at)),
        message: Some(event.message),
        ingestion_time: Some(number(event.ingested)),
        event_id: Some(rules::event_id(key)),
    }
}

/// A time as the API has it.
pub(crate) fn number(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}
