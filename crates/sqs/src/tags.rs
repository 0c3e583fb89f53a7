use std::collections::BTreeMap;

use api::Cx;
use api::sqs::{
    ListQueueTagsInput, ListQueueTagsOutput, TagQueueInput, TagQueueOutput, UntagQueueInput, UntagQueueOutput,
};
use aws::Fault;

use crate::limits::{TAG_KEY_CHARS, TAG_VALUE_CHARS, TAGS};
use crate::tables::{QUEUES, home};
use crate::{Sqs, faults, urls};

/// Checks the tags that a queue shall have.
pub(crate) fn check(queue: &str, tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    if tags.len() > TAGS {
        return Err(faults::invalid(format!("Too many tags added for queue {queue}.")));
    }
    for (key, value) in tags {
        check_key(key)?;
        if value.chars().count() > TAG_VALUE_CHARS {
            return Err(faults::invalid("Tag values must be between 0 and 256 characters in length."));
        }
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), Fault> {
    if (1..=TAG_KEY_CHARS).contains(&key.chars().count()) {
        Ok(())
    } else {
        Err(faults::invalid("Tag keys must be between 1 and 128 characters in length."))
    }
}

/// Lists the tags of a queue.
pub(crate) async fn list(cx: Cx<Sqs>, input: ListQueueTagsInput) -> Result<ListQueueTagsOutput, Fault> {
    let key = urls::queue(&cx, &input.queue_url)?;
    let queue = cx.state.store.get(QUEUES, home(&key), &key).await?.ok_or_else(faults::no_queue)?;
    Ok(ListQueueTagsOutput { tags: (!queue.tags.is_empty()).then(|| queue.tags.clone()) })
}

/// Adds tags to a queue; those of the same key are replaced.
pub(crate) async fn tag(cx: Cx<Sqs>, input: TagQueueInput) -> Result<TagQueueOutput, Fault> {
    let key = urls::queue(&cx, &input.queue_url)?;
    let added = input.tags.filter(|tags| !tags.is_empty()).ok_or_else(|| faults::missing("Tags"))?;
    cx.state
        .store
        .write(home(&key), move |txn| {
            let mut queue = txn.get(QUEUES, &key)?.ok_or_else(faults::no_queue)?;
            queue.tags.extend(added.clone());
            check(&key.2, &queue.tags)?;
            txn.put(QUEUES, &key, &queue)?;
            Ok(TagQueueOutput {})
        })
        .await
}

/// Removes tags from a queue; those that it does not have are no error.
pub(crate) async fn untag(cx: Cx<Sqs>, input: UntagQueueInput) -> Result<UntagQueueOutput, Fault> {
    let key = urls::queue(&cx, &input.queue_url)?;
    let keys = input.tag_keys.ok_or_else(|| faults::missing("TagKeys"))?;
    if keys.is_empty() {
        check_key("")?;
    }
    keys.iter().try_for_each(|key| check_key(key))?;
    cx.state
        .store
        .write(home(&key), move |txn| {
            let mut queue = txn.get(QUEUES, &key)?.ok_or_else(faults::no_queue)?;
            queue.tags.retain(|key, _| !keys.contains(key));
            txn.put(QUEUES, &key, &queue)?;
            Ok(UntagQueueOutput {})
        })
        .await
}
