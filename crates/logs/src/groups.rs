use api::logs::{DescribeLogGroupsInput, DescribeLogGroupsOutput, LogGroup};
use api::{Call, Cx, Guard};
use aws::Fault;

use crate::events::number;
use crate::index::{Group, GroupName};
use crate::limits::PAGE_NAMES;
use crate::{Logs, rules};

/// What DescribeLogGroups touches: the groups of the account in the region.
pub(crate) fn all(_: &Logs, call: &Call, _: &DescribeLogGroupsInput) -> Result<Guard, Fault> {
    Ok(Guard::on(format!("arn:aws:logs:{}:{}:log-group::log-stream:", call.region, call.account)))
}

/// Lists groups in order of name.
pub(crate) async fn describe(
    cx: Cx<Logs>,
    input: DescribeLogGroupsInput,
) -> Result<DescribeLogGroupsOutput, Fault> {
    if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
        return Err(rules::invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let (account, region) = (cx.account, cx.region.clone());
    let of = format!("{account} {region}");
    let after = match &input.next_token {
        Some(token) => Some(rules::open_token::<1>("groups", &of, token)?),
        None => None,
    };
    let prefix = input.log_group_name_prefix.clone().unwrap_or_default();
    let after = after.map(|[name]| name);
    let from = after.clone().filter(|name| *name > prefix).unwrap_or_else(|| prefix.clone());
    let from = GroupName { account, region, group: from };
    let wanted = wanted(&cx.call, &input)?;
    let size = rules::page_size(input.limit, PAGE_NAMES);
    let (groups, more) = cx
        .state
        .sink
        .0
        .look(|index| {
            let mut groups = index
                .groups(from)
                .take_while(|(name, _)| name.group.starts_with(&prefix))
                .filter(|(name, _)| after.as_ref().is_none_or(|after| name.group > *after) && wanted(name));
            let page: Vec<LogGroup> =
                groups.by_ref().take(size).map(|(name, group)| show(name, group)).collect();
            (page, groups.next().is_some())
        })
        .await;
    let last = groups.last().and_then(|group| group.log_group_name.as_deref());
    let next_token = last.filter(|_| more).map(|last| rules::token("groups", &of, &[last]));
    Ok(DescribeLogGroupsOutput { log_groups: Some(groups), next_token })
}

/// The filters besides the prefix.
fn wanted(call: &Call, input: &DescribeLogGroupsInput) -> Result<impl Fn(&GroupName) -> bool + use<>, Fault> {
    let pattern = input.log_group_name_pattern.clone();
    let standard = input.log_group_class.as_deref().is_none_or(|class| class == "STANDARD");
    let mut identified = None;
    if let Some(identifiers) = &input.log_group_identifiers {
        let mut names = Vec::with_capacity(identifiers.len());
        for identifier in identifiers {
            names.push(rules::identified(call.account, &call.region, identifier)?);
        }
        identified = Some(names);
    }
    Ok(move |name: &GroupName| {
        standard
            && pattern.as_ref().is_none_or(|pattern| name.group.contains(pattern))
            && identified.as_ref().is_none_or(|names| names.contains(name))
    })
}

fn show(name: &GroupName, group: &Group) -> LogGroup {
    let arn = rules::group_arn(name);
    LogGroup {
        log_group_name: Some(name.group.clone()),
        creation_time: Some(number(group.created)),
        metric_filter_count: Some(0),
        arn: Some(format!("{arn}:*")),
        stored_bytes: Some(number(group.bytes)),
        log_group_class: Some("STANDARD".to_owned()),
        log_group_arn: Some(arn),
        deletion_protection_enabled: Some(false),
        ..LogGroup::default()
    }
}
