use api::logs::{DescribeLogStreamsInput, DescribeLogStreamsOutput, LogStream};
use api::{Call, Cx, Guard};
use aws::Fault;

use crate::events::number;
use crate::index::{Group, GroupName, Stream};
use crate::limits::PAGE_NAMES;
use crate::rules::{self, Key};
use crate::{Logs, guard};

/// What DescribeLogStreams touches: the group.
pub(crate) fn described_group(
    _: &Logs,
    call: &Call,
    input: &DescribeLogStreamsInput,
) -> Result<Guard, Fault> {
    Ok(guard(&group(call, input)?))
}

fn group(call: &Call, input: &DescribeLogStreamsInput) -> Result<GroupName, Fault> {
    let identifier = match (&input.log_group_name, &input.log_group_identifier) {
        (Some(name), None) => name,
        (None, Some(identifier)) => identifier,
        (Some(_), Some(_)) => {
            return Err(api::logs::fault::validation(
                "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
            ));
        }
        (None, None) => return Err(rules::invalid("LogGroup name or LogGroup ARN is required.")),
    };
    rules::identified(call.account, &call.region, identifier)
}

/// How streams are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Name,
    LastEvent,
}

/// Lists the streams of a group.
pub(crate) async fn describe(
    cx: Cx<Logs>,
    input: DescribeLogStreamsInput,
) -> Result<DescribeLogStreamsOutput, Fault> {
    let name = group(&cx.call, &input)?;
    let order = match input.order_by.as_deref() {
        Some("LastEventTime") => Order::LastEvent,
        _ => Order::Name,
    };
    if order == Order::LastEvent && input.log_stream_name_prefix.is_some() {
        return Err(rules::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let descending = input.descending.unwrap_or(false);
    let kind = format!("streams {order:?} {descending}");
    let of = rules::group_arn(&name);
    let after = match &input.next_token {
        Some(token) => {
            let [at, stream] = rules::open_token::<2>(&kind, &of, token)?;
            Some((at.parse().map_err(|_| rules::bad_token())?, stream))
        }
        None => None,
    };
    let size = rules::page_size(input.limit, PAGE_NAMES);
    let prefix = input.log_stream_name_prefix.unwrap_or_default();
    let page = |found: &Group| {
        let mut streams: Vec<(u64, &String, &Stream)> = found
            .streams
            .range(prefix.clone()..)
            .take_while(|(stream, _)| stream.starts_with(&prefix))
            .map(|(stream, kept)| (if order == Order::LastEvent { kept.last_at } else { 0 }, stream, kept))
            .collect();
        streams.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        if descending {
            streams.reverse();
        }
        let passed = after.as_ref().map_or(0, |(at, stream)| {
            streams.partition_point(|s| {
                let order = (s.0, s.1).cmp(&(*at, stream));
                if descending { order.is_ge() } else { order.is_le() }
            })
        });
        let rest = &streams[passed..];
        let page = &rest[..rest.len().min(size)];
        let more = page.last().filter(|_| rest.len() > size);
        let next_token = more.map(|(at, stream, _)| rules::token(&kind, &of, &[&at.to_string(), stream]));
        let log_streams = page.iter().map(|(_, stream, kept)| show(&name, stream, kept)).collect();
        DescribeLogStreamsOutput { log_streams: Some(log_streams), next_token }
    };
    cx.state.sink.0.look(|index| index.group(&name).map(page)).await.ok_or_else(rules::no_such_group)
}

fn show(group: &GroupName, name: &str, stream: &Stream) -> LogStream {
    let last = Key { at: stream.last_at, position: stream.position, line: 0 };
    LogStream {
        log_stream_name: Some(name.to_owned()),
        creation_time: Some(number(stream.created)),
        first_event_timestamp: Some(number(stream.first_at())),
        last_event_timestamp: Some(number(stream.last_at)),
        last_ingestion_time: Some(number(stream.ingested)),
        upload_sequence_token: Some(rules::event_id(last)),
        arn: Some(format!("{}:log-stream:{name}", rules::group_arn(group))),
        // AWS has answered 0 since 2019.
        stored_bytes: Some(0),
    }
}
