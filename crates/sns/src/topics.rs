use std::collections::BTreeMap;

use api::sns::{
    CreateTopicInput, CreateTopicOutput, DeleteTopicInput, DeleteTopicOutput, GetTopicAttributesInput,
    GetTopicAttributesOutput, ListTopicsInput, ListTopicsOutput, SetTopicAttributesInput,
    SetTopicAttributesOutput,
};
use api::{Call, Cx, Guard};
use aws::Fault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::limits::{FIFO_TOPICS, NAME_CHARS, PAGE, STANDARD_TOPICS};
use crate::tables::{COUNTS, Kind, TOPICS, Topic, TopicKey, home};
use crate::{Sns, arns, attributes, faults, tags};

/// What CreateTopic touches: the topic that will be.
pub(crate) fn new_topic(_: &Sns, call: &Call, input: &CreateTopicInput) -> Result<Guard, Fault> {
    let arn = arns::of(&arns::own(call, &input.name));
    let guard = Guard::on(arn.as_str());
    let is_tagged = input.tags.as_ref().is_some_and(|tags| !tags.is_empty());
    Ok(if is_tagged { guard.also("sns:TagResource", arn.as_str()) } else { guard })
}

/// What ListTopics touches: all topics of the account in the region.
pub(crate) fn all(_: &Sns, call: &Call, _: &ListTopicsInput) -> Result<Guard, Fault> {
    Ok(Guard::on(arns::of(&arns::own(call, "*")).as_str()))
}

/// Creates a topic, or answers the one that is there when nothing of the request differs.
pub(crate) async fn create(cx: Cx<Sns>, input: CreateTopicInput) -> Result<CreateTopicOutput, Fault> {
    if input.data_protection_policy.is_some() {
        let text = "CreateTopic with DataProtectionPolicy is not implemented";
        return Err(Fault::new("NotImplemented", 501, text));
    }
    let sent = input.attributes.unwrap_or_default();
    let kind = kind(&input.name, &sent)?;
    let given = attributes::of_new(kind, &sent)?;
    let new_tags = tags::checked(input.tags.unwrap_or_default())?;
    let key = arns::own(&cx, &input.name);
    let arn = arns::of(&key).to_string();
    cx.state
        .store
        .write(home(&key), move |txn| {
            if let Some(topic) = txn.get(TOPICS, &key)? {
                return same(&topic, &sent, &new_tags);
            }
            let place = (key.0.clone(), key.1.clone());
            let mut counts = txn.get(COUNTS, &place)?.unwrap_or_default();
            let most = match kind {
                Kind::Standard => STANDARD_TOPICS,
                Kind::Fifo => FIFO_TOPICS,
            };
            if *counts.of(kind) >= most {
                return Err(api::sns::fault::topic_limit_exceeded("Topic limit exceeded"));
            }
            *counts.of(kind) += 1;
            txn.put(COUNTS, &place, &counts)?;
            let topic = Topic { kind, attributes: given.clone(), tags: new_tags.clone() };
            txn.put(TOPICS, &key, &topic)?;
            Ok(())
        })
        .await?;
    Ok(CreateTopicOutput { topic_arn: Some(arn) })
}

/// The type that the attributes ask for, when the name fits it.
fn kind(name: &str, sent: &BTreeMap<String, String>) -> Result<Kind, Fault> {
    let is_fifo = match sent.get("FifoTopic").map(|value| value.to_ascii_lowercase()) {
        None => false,
        Some(value) if value == "false" => false,
        Some(value) if value == "true" => true,
        Some(_) => return Err(faults::invalid("FifoTopic")),
    };
    let stem = if is_fifo { name.strip_suffix(".fifo") } else { Some(name) };
    let is_name = |stem: &str| {
        !stem.is_empty()
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() > NAME_CHARS || !stem.is_some_and(is_name) {
        return Err(faults::invalid("Topic Name"));
    }
    Ok(if is_fifo { Kind::Fifo } else { Kind::Standard })
}

/// Whether a request to create means the topic that is there.
fn same(topic: &Topic, sent: &BTreeMap<String, String>, tags: &[(String, String)]) -> Result<(), Fault> {
    if !attributes::are_same(topic, sent)? {
        return Err(faults::invalid("Attributes Reason: Topic already exists with different attributes"));
    }
    if !tags.iter().all(|tag| topic.tags.contains(tag)) {
        return Err(faults::invalid("Tags Reason: Topic already exists with different tags"));
    }
    Ok(())
}

/// Deletes a topic with its tags. One that is not there is deleted.
pub(crate) async fn delete(cx: Cx<Sns>, input: DeleteTopicInput) -> Result<DeleteTopicOutput, Fault> {
    let key = arns::topic(&cx, "TopicArn", &input.topic_arn)?;
    cx.state
        .store
        .write(home(&key), move |txn| {
            if let Some(topic) = txn.get(TOPICS, &key)? {
                let place = (key.0.clone(), key.1.clone());
                let mut counts = txn.get(COUNTS, &place)?.unwrap_or_default();
                let count = counts.of(topic.kind);
                *count = count.saturating_sub(1);
                txn.put(COUNTS, &place, &counts)?;
                txn.delete(TOPICS, &key)?;
            }
            Ok(DeleteTopicOutput {})
        })
        .await
}

/// Lists the topics of the account in the region, a hundred on a page.
pub(crate) async fn list(cx: Cx<Sns>, input: ListTopicsInput) -> Result<ListTopicsOutput, Fault> {
    let after = input.next_token.map(|token| opened(&token)).transpose()?;
    let from = arns::own(&cx, after.as_deref().unwrap_or_default());
    let of = from.clone();
    let mut keys: Vec<TopicKey> = cx
        .state
        .store
        .read(home(&from), move |view| -> Result<Vec<TopicKey>, Fault> {
            // The row where the last page ended, and one more that says whether there is another page.
            let rows = view.scan(TOPICS, &of, PAGE + 2)?;
            let ours = rows.into_iter().map(|(key, _)| key);
            let ours = ours.take_while(|key| (&key.0, &key.1) == (&of.0, &of.1));
            Ok(ours.filter(|key| after.as_ref().is_none_or(|after| key.2 > *after)).collect())
        })
        .await?;
    let is_more = keys.len() > PAGE;
    keys.truncate(PAGE);
    let next_token = keys.last().filter(|_| is_more).map(|key| STANDARD.encode(&key.2));
    let topics = keys.iter().map(|key| api::sns::Topic { topic_arn: Some(arns::of(key).to_string()) });
    Ok(ListTopicsOutput { topics: Some(topics.collect()), next_token })
}

/// The name after which a page begins.
fn opened(token: &str) -> Result<String, Fault> {
    let text = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| faults::invalid("NextToken"))
}

/// Answers all attributes of a topic.
pub(crate) async fn get_attributes(
    cx: Cx<Sns>,
    input: GetTopicAttributesInput,
) -> Result<GetTopicAttributesOutput, Fault> {
    let key = arns::topic(&cx, "TopicArn", &input.topic_arn)?;
    let topic = cx.state.store.get(TOPICS, home(&key), &key).await?.ok_or_else(faults::no_topic)?;
    Ok(GetTopicAttributesOutput { attributes: Some(attributes::all(&topic, &key)) })
}

/// Changes one attribute.
pub(crate) async fn set_attribute(
    cx: Cx<Sns>,
    input: SetTopicAttributesInput,
) -> Result<SetTopicAttributesOutput, Fault> {
    let key = arns::topic(&cx, "TopicArn", &input.topic_arn)?;
    cx.state
        .store
        .write(home(&key), move |txn| {
            let mut topic = txn.get(TOPICS, &key)?.ok_or_else(faults::no_topic)?;
            let value = input.attribute_value.as_deref().unwrap_or_default();
            match attributes::checked(topic.kind, &input.attribute_name, value)? {
                Some(value) => topic.attributes.insert(input.attribute_name.clone(), value),
                None => topic.attributes.remove(&input.attribute_name),
            };
            txn.put(TOPICS, &key, &topic)?;
            Ok(SetTopicAttributesOutput {})
        })
        .await
}
