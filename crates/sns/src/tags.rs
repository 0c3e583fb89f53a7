use std::collections::BTreeSet;

use api::Cx;
use api::sns::{
    ListTagsForResourceInput, ListTagsForResourceOutput, Tag, TagResourceInput, TagResourceOutput,
    UntagResourceInput, UntagResourceOutput,
};
use aws::Fault;

use crate::limits::TAGS;
use crate::tables::{TOPICS, home};
use crate::{Sns, arns, faults};

/// The tags of a request, of which no two have the same key.
pub(crate) fn checked(tags: Vec<Tag>) -> Result<Vec<(String, String)>, Fault> {
    let keys: BTreeSet<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    if keys.len() < tags.len() {
        return Err(faults::invalid("Duplicated keys are not allowed."));
    }
    limited(tags.len())?;
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

fn limited(count: usize) -> Result<(), Fault> {
    if count <= TAGS {
        return Ok(());
    }
    Err(api::sns::fault::tag_limit_exceeded("Could not complete request: tag quota of per resource exceeded"))
}

/// Lists the tags of a topic.
pub(crate) async fn list(
    cx: Cx<Sns>,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, Fault> {
    let key = arns::topic(&cx, "ResourceArn", &input.resource_arn)?;
    let topic = cx.state.store.get(TOPICS, home(&key), &key).await?.ok_or_else(faults::no_resource)?;
    let tags = topic.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() });
    Ok(ListTagsForResourceOutput { tags: Some(tags.collect()) })
}

/// Adds tags to a topic; those of the same key are replaced.
pub(crate) async fn tag(cx: Cx<Sns>, input: TagResourceInput) -> Result<TagResourceOutput, Fault> {
    let key = arns::topic(&cx, "ResourceArn", &input.resource_arn)?;
    let added = checked(input.tags)?;
    cx.state
        .store
        .write(home(&key), move |txn| {
            let mut topic = txn.get(TOPICS, &key)?.ok_or_else(faults::no_resource)?;
            for (name, value) in &added {
                match topic.tags.iter_mut().find(|(known, _)| known == name) {
                    Some((_, old)) => old.clone_from(value),
                    None => topic.tags.push((name.clone(), value.clone())),
                }
            }
            limited(topic.tags.len())?;
            txn.put(TOPICS, &key, &topic)?;
            Ok(TagResourceOutput {})
        })
        .await
}

/// Removes tags from a topic; those that it does not have are no error.
pub(crate) async fn untag(cx: Cx<Sns>, input: UntagResourceInput) -> Result<UntagResourceOutput, Fault> {
    let key = arns::topic(&cx, "ResourceArn", &input.resource_arn)?;
    cx.state
        .store
        .write(home(&key), move |txn| {
            let mut topic = txn.get(TOPICS, &key)?.ok_or_else(faults::no_resource)?;
            topic.tags.retain(|(name, _)| !input.tag_keys.contains(name));
            txn.put(TOPICS, &key, &topic)?;
            Ok(UntagResourceOutput {})
        })
        .await
}
