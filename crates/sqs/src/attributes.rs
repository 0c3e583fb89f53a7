//! What the attributes of a queue may be, and what they are when nobody set them.

use std::collections::BTreeMap;

use aws::Fault;
use serde_json::Value as Json;

use crate::limits::POLICY_BYTES;
use crate::tables::{Kind, Queue, QueueKey};
use crate::{faults, redrive, urls};

/// Attributes that are numbers, with their least and greatest value and their default.
const NUMBERS: &[(&str, u64, u64, u64)] = &[
    ("DelaySeconds", 0, 900, 0),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400, 300),
    ("MaximumMessageSize", 1_024, 1_048_576, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("VisibilityTimeout", 0, 43_200, 30),
];

/// Attributes of FIFO queues with their default.
const OF_FIFO: &[(&str, &str)] = &[
    ("ContentBasedDeduplication", "false"),
    ("DeduplicationScope", "queue"),
    ("FifoQueue", "true"),
    ("FifoThroughputLimit", "perQueue"),
];

/// Attributes that are counted and not set.
const COUNTED: &[&str] = &[
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
];

/// Attributes that are there only when somebody set them.
const OPTIONAL: &[&str] = &["KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "RedrivePolicy"];

/// What a request sets: new values, and `None` for what it removes.
pub(crate) type Changes = BTreeMap<String, Option<String>>;

/// Checks what a request sets and brings it to the form in which it is answered.
pub(crate) fn checked(kind: Kind, sent: &BTreeMap<String, String>) -> Result<Changes, Fault> {
    let mut changes = Changes::new();
    for (name, value) in sent {
        changes.insert(name.clone(), one(kind, name, value)?);
    }
    let is_on = |name: &str| changes.get(name).is_some_and(Option::is_some);
    let managed = changes.get("SqsManagedSseEnabled").and_then(Option::as_deref) == Some("true");
    if is_on("KmsMasterKeyId") && managed {
        return Err(api::sqs::fault::invalid_attribute_name(
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
        ));
    }
    if is_on("KmsMasterKeyId") {
        changes.insert("SqsManagedSseEnabled".to_owned(), Some("false".to_owned()));
    } else if managed {
        changes.insert("KmsMasterKeyId".to_owned(), None);
    }
    Ok(changes)
}

fn one(kind: Kind, name: &str, value: &str) -> Result<Option<String>, Fault> {
    if let Some((_, least, greatest, _)) = NUMBERS.iter().find(|(number, ..)| *number == name) {
        let number = value.parse::<u64>().ok().filter(|number| (least..=greatest).contains(&number));
        return number.map(|number| Some(number.to_string())).ok_or_else(|| faults::bad_attribute(name));
    }
    if OF_FIFO.iter().any(|(fifo, _)| *fifo == name) {
        return of_fifo(kind, name, value).map(Some);
    }
    if name == "SqsManagedSseEnabled" {
        return truth(name, value).map(Some);
    }
    if !OPTIONAL.contains(&name) {
        return Err(faults::unknown_attribute(name));
    }
    if value.is_empty() {
        return Ok(None);
    }
    match name {
        "Policy" => policy(value).map(Some),
        "RedrivePolicy" => redrive::policy(value).map(Some),
        "RedriveAllowPolicy" => redrive::allow_policy(value).map(Some),
        _ => Ok(Some(value.to_owned())),
    }
}

fn of_fifo(kind: Kind, name: &str, value: &str) -> Result<String, Fault> {
    let reason = |reason: &str| {
        let text = format!("Invalid value for the parameter {name}. Reason: {reason}");
        api::sqs::fault::invalid_attribute_value(text)
    };
    match (kind, name) {
        (Kind::Standard, "FifoQueue" | "ContentBasedDeduplication") => Err(faults::unknown_attribute(name)),
        (Kind::Standard, _) => {
            let text = format!("You can specify the {name} only when FifoQueue is set to true.");
            Err(api::sqs::fault::invalid_attribute_name(text))
        }
        (Kind::Fifo, "FifoQueue") => match truth(name, value)?.as_str() {
            "true" => Ok("true".to_owned()),
            _ => Err(reason("Modifying queue type is not supported.")),
        },
        (Kind::Fifo, "ContentBasedDeduplication") => truth(name, value),
        (Kind::Fifo, "DeduplicationScope") => among(name, value, &["queue", "messageGroup"]),
        (Kind::Fifo, _) => among(name, value, &["perQueue", "perMessageGroupId"]),
    }
}

fn among(name: &str, value: &str, values: &[&str]) -> Result<String, Fault> {
    if values.contains(&value) { Ok(value.to_owned()) } else { Err(faults::bad_attribute(name)) }
}

/// `True` is `true`.
fn truth(name: &str, value: &str) -> Result<String, Fault> {
    among(name, &value.to_ascii_lowercase(), &["true", "false"])
}

fn policy(value: &str) -> Result<String, Fault> {
    let fits =
        value.len() <= POLICY_BYTES && serde_json::from_str::<Json>(value).is_ok_and(|json| json.is_object());
    if fits { Ok(value.to_owned()) } else { Err(faults::bad_attribute("Policy")) }
}

/// Applies changes to a queue. High throughput needs deduplication within groups.
pub(crate) fn apply(queue: &mut Queue, changes: &Changes) -> Result<(), Fault> {
    for (name, value) in changes {
        match value {
            Some(value) => queue.attributes.insert(name.clone(), value.clone()),
            None => queue.attributes.remove(name),
        };
    }
    let is = |name: &str, value: &str| queue.attributes.get(name).is_some_and(|found| found == value);
    if is("FifoThroughputLimit", "perMessageGroupId") && !is("DeduplicationScope", "messageGroup") {
        return Err(api::sqs::fault::invalid_attribute_value(
            "Invalid value for the parameter FifoThroughputLimit. Reason: The perMessageGroupId value is allowed only when \
             the value for DeduplicationScope is messageGroup.",
        ));
    }
    Ok(())
}

/// The first attribute of a request whose value is another one than the queue's.
pub(crate) fn difference<'a>(queue: &Queue, key: &QueueKey, changes: &'a Changes) -> Option<&'a str> {
    let all = all(queue, key);
    let differs = |(name, value): &(&'a String, &Option<String>)| {
        let now = all.get(name.as_str()).or_else(|| queue.attributes.get(name.as_str()));
        let hidden = name.as_str() == "KmsDataKeyReusePeriodSeconds" && value.as_deref() == Some("300");
        now != value.as_ref() && !(now.is_none() && hidden)
    };
    changes.iter().find(differs).map(|(name, _)| name.as_str())
}

/// The attributes that a request names; `All` names all of them. What a queue does not have is left out.
pub(crate) fn named(
    queue: &Queue,
    key: &QueueKey,
    names: &[String],
) -> Result<BTreeMap<String, String>, Fault> {
    for name in names {
        let is_known = name == "All"
            || name == "SqsManagedSseEnabled"
            || ["QueueArn", "CreatedTimestamp", "LastModifiedTimestamp"].contains(&name.as_str())
            || COUNTED.contains(&name.as_str())
            || OPTIONAL.contains(&name.as_str())
            || NUMBERS.iter().any(|(number, ..)| number == name)
            || OF_FIFO.iter().any(|(fifo, _)| fifo == name);
        if !is_known {
            return Err(faults::unknown_attribute(name));
        }
    }
    let mut all = all(queue, key);
    if !names.iter().any(|name| name == "All") {
        all.retain(|name, _| names.contains(name));
    }
    Ok(all)
}

/// All attributes of a queue, which has no messages.
fn all(queue: &Queue, key: &QueueKey) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut put = |name: &str, value: String| drop(all.insert(name.to_owned(), value));
    for (name, _, _, default) in NUMBERS.iter().filter(|(name, ..)| *name != "KmsDataKeyReusePeriodSeconds") {
        put(name, default.to_string());
    }
    put("SqsManagedSseEnabled", "true".to_owned());
    for name in COUNTED {
        put(name, "0".to_owned());
    }
    put("QueueArn", urls::arn(key).to_string());
    put("CreatedTimestamp", (queue.created.0 / 1000).to_string());
    put("LastModifiedTimestamp", (queue.modified.0 / 1000).to_string());
    if queue.kind == Kind::Fifo {
        for (name, default) in OF_FIFO {
            put(name, (*default).to_owned());
        }
    }
    all.extend(queue.attributes.clone());
    let reuse = "KmsDataKeyReusePeriodSeconds";
    if !queue.attributes.contains_key("KmsMasterKeyId") || all.get(reuse).is_some_and(|value| value == "300")
    {
        all.remove(reuse);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, name: &str, value: &str) -> String {
        match checked(kind, &BTreeMap::from([(name.to_owned(), value.to_owned())])) {
            Ok(changes) => format!("{:?}", changes[name]),
            Err(fault) => format!("{}: {}", fault.code, fault.message),
        }
    }

    #[test]
    fn numbers_have_their_ranges() {
        for (name, least, greatest, default) in NUMBERS {
            assert!((least..=greatest).contains(&default), "{name}");
            for good in [least, greatest] {
                assert_eq!(check(Kind::Standard, name, &good.to_string()), format!("Some(\"{good}\")"));
            }
            for bad in [(greatest + 1).to_string(), "-1".to_owned(), "x".to_owned(), String::new()] {
                let expected = format!("InvalidAttributeValue: Invalid value for the parameter {name}.");
                assert_eq!(check(Kind::Standard, name, &bad), expected, "{bad}");
            }
        }
    }

    #[test]
    fn attributes_of_fifo_queues_are_for_them_alone() {
        let cases = [
            (Kind::Standard, "FifoQueue", "true", "InvalidAttributeName: Unknown Attribute FifoQueue."),
            (
                Kind::Standard,
                "DeduplicationScope",
                "queue",
                "InvalidAttributeName: You can specify the DeduplicationScope only when FifoQueue is set to true.",
            ),
            (Kind::Fifo, "FifoQueue", "TRUE", "Some(\"true\")"),
            (
                Kind::Fifo,
                "FifoQueue",
                "false",
                "InvalidAttributeValue: Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
            ),
            (Kind::Fifo, "DeduplicationScope", "messageGroup", "Some(\"messageGroup\")"),
            (
                Kind::Fifo,
                "DeduplicationScope",
                "x",
                "InvalidAttributeValue: Invalid value for the parameter DeduplicationScope.",
            ),
            (Kind::Fifo, "QueueArn", "x", "InvalidAttributeName: Unknown Attribute QueueArn."),
            (Kind::Fifo, "Policy", "", "None"),
            (Kind::Fifo, "Policy", "[]", "InvalidAttributeValue: Invalid value for the parameter Policy."),
        ];
        for (kind, name, value, expected) in cases {
            assert_eq!(check(kind, name, value), expected, "{name} {value}");
        }
    }

    #[test]
    fn one_encryption_turns_the_other_off() {
        let sent = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let changes = checked(Kind::Standard, &sent(&[("KmsMasterKeyId", "k")])).unwrap();
        assert_eq!(changes["SqsManagedSseEnabled"].as_deref(), Some("false"));
        let changes = checked(Kind::Standard, &sent(&[("SqsManagedSseEnabled", "True")])).unwrap();
        assert_eq!(changes["KmsMasterKeyId"], None);
        let both = sent(&[("KmsMasterKeyId", "k"), ("SqsManagedSseEnabled", "true")]);
        assert_eq!(checked(Kind::Standard, &both).unwrap_err().code, "InvalidAttributeName");
    }
}
