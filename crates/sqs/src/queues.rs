use std::collections::BTreeMap;

use api::sqs::{
    CreateQueueInput, CreateQueueOutput, DeleteQueueInput, DeleteQueueOutput, GetQueueAttributesInput,
    GetQueueAttributesOutput, GetQueueUrlInput, GetQueueUrlOutput, ListQueuesInput, ListQueuesOutput,
    SetQueueAttributesInput, SetQueueAttributesOutput,
};
use api::{Call, Cx, Guard};
use aws::{AccountId, Fault, Millis};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::Txn;

use crate::limits::{FORGOTTEN, NAME_CHARS, PAGE, REUSE_MS};
use crate::tables::{DELETED, Deleted, Kind, QUEUES, Queue, QueueKey, home};
use crate::{Sqs, attributes, faults, redrive, tags, urls};

/// What CreateQueue touches: the queue that will be.
pub(crate) fn new_queue(_: &Sqs, call: &Call, input: &CreateQueueInput) -> Result<Guard, Fault> {
    let name = input.queue_name.as_deref().ok_or_else(|| faults::missing("QueueName"))?;
    let arn = urls::arn(&urls::own(call, name));
    let guard = Guard::on(arn.as_str());
    let is_tagged = input.tags.as_ref().is_some_and(|tags| !tags.is_empty());
    Ok(if is_tagged { guard.also("sqs:TagQueue", arn.as_str()) } else { guard })
}

/// What GetQueueUrl touches: the queue of that name, which may be another account's.
pub(crate) fn queue_named(_: &Sqs, call: &Call, input: &GetQueueUrlInput) -> Result<Guard, Fault> {
    Ok(Guard::on(urls::arn(&owned(call, input)?).as_str()))
}

fn owned(call: &Call, input: &GetQueueUrlInput) -> Result<QueueKey, Fault> {
    let name = input.queue_name.as_deref().ok_or_else(|| faults::missing("QueueName"))?;
    let mut key = urls::own(call, name);
    if let Some(owner) = &input.queue_owner_aws_account_id {
        key.0 = AccountId::parse(owner).map_err(|_| faults::no_queue())?.to_string();
    }
    Ok(key)
}

/// Creates a queue, or answers the one that is there when no attribute of the request differs.
pub(crate) async fn create(cx: Cx<Sqs>, input: CreateQueueInput) -> Result<CreateQueueOutput, Fault> {
    let name = input.queue_name.ok_or_else(|| faults::missing("QueueName"))?;
    let sent = input.attributes.unwrap_or_default();
    let kind = kind(&name, &sent)?;
    let changes = attributes::checked(kind, &sent)?;
    let new_tags = input.tags.unwrap_or_default();
    tags::check(&name, &new_tags)?;
    let key = urls::own(&cx, &name);
    let url = urls::of(&cx, &key);
    cx.state
        .store
        .write(home(&key), move |txn| {
            if let Some(queue) = txn.get(QUEUES, &key)? {
                return match attributes::difference(&queue, &key, &changes) {
                    Some(name) => Err(api::sqs::fault::queue_name_exists(format!(
                        "A queue already exists with the same name and a different value for attribute {name}"
                    ))),
                    None => Ok(()),
                };
            }
            let now = txn.now();
            if txn.get(DELETED, &key)?.is_some_and(|deleted| is_recent(deleted.at, now)) {
                return Err(api::sqs::fault::queue_deleted_recently(
                    "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
                ));
            }
            let mut queue =
                Queue { created: now, modified: now, kind, attributes: BTreeMap::new(), tags: new_tags.clone() };
            change(txn, &key, &mut queue, &changes)?;
            txn.delete(DELETED, &key)?;
            txn.put(QUEUES, &key, &queue)?;
            Ok(())
        })
        .await?;
    Ok(CreateQueueOutput { queue_url: Some(url) })
}

/// The type that the attributes ask for, when the name fits it.
fn kind(name: &str, sent: &BTreeMap<String, String>) -> Result<Kind, Fault> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_short = name.len() <= NAME_CHARS;
    if sent.get("FifoQueue").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return match name.strip_suffix(".fifo") {
            Some(stem) if is_short && is_name(stem) => Ok(Kind::Fifo),
            _ => Err(faults::invalid(
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with \
                 .fifo suffix and be 1 to 80 in length",
            )),
        };
    }
    if is_short && is_name(name) {
        return Ok(Kind::Standard);
    }
    Err(faults::invalid(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    ))
}

fn is_recent(deleted: Millis, now: Millis) -> bool {
    now.0.saturating_sub(deleted.0) < REUSE_MS
}

/// Applies changes, and asks the queue that shall have the dead letters.
fn change(
    txn: &mut Txn<'_>,
    key: &QueueKey,
    queue: &mut Queue,
    changes: &attributes::Changes,
) -> Result<(), Fault> {
    attributes::apply(queue, changes)?;
    if let Some(Some(policy)) = changes.get("RedrivePolicy") {
        let target = match redrive::target(policy, key) {
            Some(target) if target == *key => Some(queue.clone()),
            Some(target) => txn.get(QUEUES, &target)?,
            None => None,
        };
        redrive::accepted(policy, key, queue, target.as_ref())?;
    }
    Ok(())
}

/// Answers a queue's URL.
pub(crate) async fn url(cx: Cx<Sqs>, input: GetQueueUrlInput) -> Result<GetQueueUrlOutput, Fault> {
    let key = owned(&cx, &input)?;
    cx.state.store.get(QUEUES, home(&key), &key).await?.ok_or_else(faults::no_queue)?;
    Ok(GetQueueUrlOutput { queue_url: Some(urls::of(&cx, &key)) })
}

/// Lists the queues of the account in the region, in order of name.
pub(crate) async fn list(cx: Cx<Sqs>, input: ListQueuesInput) -> Result<ListQueuesOutput, Fault> {
    let prefix = input.queue_name_prefix.unwrap_or_default();
    let size = match input.max_results {
        None => PAGE,
        Some(size) => {
            usize::try_from(size).ok().filter(|size| (1..=PAGE).contains(size)).ok_or_else(|| {
                let reason = "Must be between 1 and 1000, if provided.";
                faults::invalid_value("MaxResults", &size.to_string(), reason)
            })?
        }
    };
    let after = input.next_token.map(|token| opened(&prefix, &token)).transpose()?;
    let from = urls::own(&cx, after.as_deref().unwrap_or(&prefix));
    let (wanted, of) = (prefix.clone(), from.clone());
    let mut keys: Vec<QueueKey> = cx
        .state
        .store
        .read(home(&from), move |view| -> Result<Vec<QueueKey>, Fault> {
            // The row where the last page ended, and one more that says whether there is another page.
            let rows = view.scan(QUEUES, &of, size + 2)?;
            let ours = rows
                .into_iter()
                .map(|(key, _)| key)
                .take_while(|key| (&key.0, &key.1) == (&of.0, &of.1) && key.2.starts_with(&wanted));
            Ok(ours.filter(|key| after.as_ref().is_none_or(|after| key.2 > *after)).collect())
        })
        .await?;
    let is_more = keys.len() > size;
    keys.truncate(size);
    let last = keys.last().filter(|_| is_more && input.max_results.is_some());
    let next_token = last.map(|key| URL_SAFE_NO_PAD.encode(format!("{prefix}\n{}", key.2)));
    let queue_urls: Vec<String> = keys.iter().map(|key| urls::of(&cx, key)).collect();
    Ok(ListQueuesOutput { queue_urls: (!queue_urls.is_empty()).then_some(queue_urls), next_token })
}

/// The name after which a page begins: a token belongs to its prefix.
fn opened(prefix: &str, token: &str) -> Result<String, Fault> {
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let after = text.as_deref().and_then(|text| text.split_once('\n'));
    match after {
        Some((own, after)) if own == prefix => Ok(after.to_owned()),
        _ => Err(faults::invalid("Invalid or expired next token.")),
    }
}

/// Deletes a queue with its tags. Its name cannot be used again for 60 s.
pub(crate) async fn delete(cx: Cx<Sqs>, input: DeleteQueueInput) -> Result<DeleteQueueOutput, Fault> {
    let key = urls::queue(&cx, &input.queue_url)?;
    cx.state
        .store
        .write(home(&key), move |txn| {
            if txn.get(QUEUES, &key)?.is_none() {
                return Err(faults::no_queue());
            }
            let now = txn.now();
            let first = (key.0.clone(), key.1.clone(), String::new());
            for (name, deleted) in txn.scan(DELETED, &first, FORGOTTEN)? {
                if (&name.0, &name.1) == (&key.0, &key.1) && !is_recent(deleted.at, now) {
                    txn.delete(DELETED, &name)?;
                }
            }
            txn.put(DELETED, &key, &Deleted { at: now })?;
            txn.delete(QUEUES, &key)?;
            Ok(DeleteQueueOutput {})
        })
        .await
}

/// Answers the attributes that are asked for; without names there are none.
pub(crate) async fn get_attributes(
    cx: Cx<Sqs>,
    input: GetQueueAttributesInput,
) -> Result<GetQueueAttributesOutput, Fault> {
    let key = urls::queue(&cx, &input.queue_url)?;
    let queue = cx.state.store.get(QUEUES, home(&key), &key).await?.ok_or_else(faults::no_queue)?;
    let attributes = attributes::named(&queue, &key, &input.attribute_names.unwrap_or_default())?;
    Ok(GetQueueAttributesOutput { attributes: (!attributes.is_empty()).then_some(attributes) })
}

/// Changes the attributes that are given and no others.
pub(crate) async fn set_attributes(
    cx: Cx<Sqs>,
    input: SetQueueAttributesInput,
) -> Result<SetQueueAttributesOutput, Fault> {
    let key = urls::queue(&cx, &input.queue_url)?;
    let sent = input.attributes.ok_or_else(|| faults::missing("Attributes"))?;
    cx.state
        .store
        .write(home(&key), move |txn| {
            let mut queue = txn.get(QUEUES, &key)?.ok_or_else(faults::no_queue)?;
            let changes = attributes::checked(queue.kind, &sent)?;
            change(txn, &key, &mut queue, &changes)?;
            queue.modified = txn.now();
            txn.put(QUEUES, &key, &queue)?;
            Ok(SetQueueAttributesOutput {})
        })
        .await
}
