//! What the attributes of a topic may be, and what they are when nobody set them.

use std::collections::BTreeMap;

use aws::Fault;
use serde_json::{Map, Value as Json, json};

use crate::limits::VALUE_BYTES;
use crate::tables::{Kind, Topic, TopicKey};
use crate::{arns, faults};

/// What deliveries by protocol may be reported with.
const FEEDBACK: (&[&str], &[&str]) = (
    &["HTTP", "Firehose", "Lambda", "Application", "SQS"],
    &["SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"],
);

/// The retries of deliveries when nobody set them.
const RETRIES: [(&str, u64); 6] = [
    ("minDelayTarget", 20),
    ("maxDelayTarget", 20),
    ("numRetries", 3),
    ("numMaxDelayRetries", 0),
    ("numNoDelayRetries", 0),
    ("numMinDelayRetries", 0),
];

/// Checks one attribute and brings it to the form in which it is answered; `None` removes it.
pub(crate) fn checked(kind: Kind, name: &str, value: &str) -> Result<Option<String>, Fault> {
    let fits = |fits: bool| if fits { Ok(Some(value.to_owned())) } else { Err(faults::invalid(name)) };
    if value.len() > VALUE_BYTES {
        return Err(faults::invalid(name));
    }
    let is_object = || serde_json::from_str::<Json>(value).is_ok_and(|json| json.is_object());
    match (kind, name) {
        (_, "DisplayName") => fits(value.chars().count() <= 100),
        (_, "KmsMasterKeyId") if value.is_empty() => Ok(None),
        (_, "KmsMasterKeyId") => fits(true),
        (_, "Policy") if is_object() => fits(true),
        (_, "Policy") => Err(faults::invalid("Policy Error: null")),
        (_, "DeliveryPolicy") if value.is_empty() => Ok(None),
        (_, "DeliveryPolicy") => delivery(value).map(Some),
        (_, "SignatureVersion") => fits(matches!(value, "1" | "2")),
        (_, "MaximumMessageSize") => {
            fits(value.parse::<u64>().is_ok_and(|bytes| (1_024..=1_048_576).contains(&bytes)))
        }
        (Kind::Standard, "TracingConfig") => fits(matches!(value, "PassThrough" | "Active")),
        (Kind::Fifo, "ContentBasedDeduplication") => match value.to_ascii_lowercase().as_str() {
            truth @ ("true" | "false") => Ok(Some(truth.to_owned())),
            _ => Err(faults::invalid(name)),
        },
        (Kind::Fifo, "FifoThroughputScope") => fits(matches!(value, "Topic" | "MessageGroup")),
        (Kind::Fifo, "ArchivePolicy") if value.is_empty() || value == "{}" => Ok(None),
        (Kind::Fifo, "ArchivePolicy") => fits(is_object()),
        _ if is_feedback(name) => fits(true),
        _ => Err(faults::invalid("AttributeName")),
    }
}

fn is_feedback(name: &str) -> bool {
    let (protocols, kinds) = FEEDBACK;
    let rest = protocols.iter().find_map(|protocol| name.strip_prefix(protocol));
    rest.is_some_and(|rest| kinds.contains(&rest))
}

/// A delivery policy as it is answered: only what was given, and whether subscriptions may have their own.
fn delivery(value: &str) -> Result<String, Fault> {
    let Ok(Json::Object(mut policy)) = serde_json::from_str(value) else {
        return Err(faults::invalid("DeliveryPolicy"));
    };
    let Some(Json::Object(http)) = policy.get_mut("http") else {
        return Err(faults::invalid("DeliveryPolicy"));
    };
    http.retain(|_, value| !value.is_null());
    http.entry("disableSubscriptionOverrides").or_insert(Json::Bool(false));
    Ok(Json::Object(policy).to_string())
}

/// What deliveries over HTTP do: the topic's own policy over the defaults.
fn effective(policy: Option<&String>) -> String {
    let given = policy.and_then(|text| serde_json::from_str::<Json>(text).ok()).unwrap_or_default();
    let given = &given["http"];
    let mut retries: Map<String, Json> =
        RETRIES.iter().map(|(name, number)| ((*name).to_owned(), json!(number))).collect();
    retries.insert("backoffFunction".to_owned(), json!("linear"));
    if let Json::Object(own) = &given["defaultHealthyRetryPolicy"] {
        retries.extend(own.clone());
    }
    let mut http = Map::new();
    http.insert("defaultHealthyRetryPolicy".to_owned(), Json::Object(retries));
    http.insert(
        "disableSubscriptionOverrides".to_owned(),
        json!(given["disableSubscriptionOverrides"] == true),
    );
    if !given["defaultThrottlePolicy"].is_null() {
        http.insert("defaultThrottlePolicy".to_owned(), given["defaultThrottlePolicy"].clone());
    }
    let request = match &given["defaultRequestPolicy"] {
        Json::Null => json!({ "headerContentType": "text/plain; charset=UTF-8" }),
        own => own.clone(),
    };
    http.insert("defaultRequestPolicy".to_owned(), request);
    json!({ "http": http }).to_string()
}

/// The policy of a topic that has none of its own: its account may do everything.
fn default_policy(key: &TopicKey) -> String {
    let actions = [
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ];
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": actions,
            "Resource": arns::of(key).as_str(),
            "Condition": { "StringEquals": { "AWS:SourceOwner": key.0 } },
        }],
    })
    .to_string()
}

/// The attributes of a new topic: those of the request, and what every FIFO topic has.
pub(crate) fn of_new(kind: Kind, sent: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Fault> {
    let mut attributes = BTreeMap::new();
    if kind == Kind::Fifo {
        attributes.insert("ContentBasedDeduplication".to_owned(), "false".to_owned());
        attributes.insert("FifoThroughputScope".to_owned(), "Topic".to_owned());
    }
    for (name, value) in sent.iter().filter(|(name, _)| *name != "FifoTopic") {
        if let Some(value) = checked(kind, name, value)? {
            attributes.insert(name.clone(), value);
        }
    }
    Ok(attributes)
}

/// True when every attribute of a request to create is that of the topic.
pub(crate) fn are_same(topic: &Topic, sent: &BTreeMap<String, String>) -> Result<bool, Fault> {
    for (name, value) in sent.iter().filter(|(name, _)| *name != "FifoTopic") {
        if checked(topic.kind, name, value)?.as_ref() != topic.attributes.get(name) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// All attributes of a topic, which has no subscriptions.
pub(crate) fn all(topic: &Topic, key: &TopicKey) -> BTreeMap<String, String> {
    let mut all = topic.attributes.clone();
    let mut put = |name: &str, value: String| {
        all.entry(name.to_owned()).or_insert(value);
    };
    put("TopicArn", arns::of(key).to_string());
    put("Owner", key.0.clone());
    put("DisplayName", String::new());
    put("Policy", default_policy(key));
    put("EffectiveDeliveryPolicy", effective(topic.attributes.get("DeliveryPolicy")));
    for name in ["SubscriptionsConfirmed", "SubscriptionsPending", "SubscriptionsDeleted"] {
        put(name, "0".to_owned());
    }
    if topic.kind == Kind::Fifo {
        put("FifoTopic", "true".to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_have_their_values() {
        let cases = [
            (Kind::Standard, "SignatureVersion", "2", "Some(\"2\")"),
            (Kind::Standard, "SignatureVersion", "3", "Invalid parameter: SignatureVersion"),
            (Kind::Standard, "FifoTopic", "true", "Invalid parameter: AttributeName"),
            (Kind::Standard, "ContentBasedDeduplication", "true", "Invalid parameter: AttributeName"),
            (Kind::Fifo, "ContentBasedDeduplication", "True", "Some(\"true\")"),
            (Kind::Fifo, "TracingConfig", "Active", "Invalid parameter: AttributeName"),
            (Kind::Standard, "TracingConfig", "Active", "Some(\"Active\")"),
            (Kind::Standard, "HTTPSuccessFeedbackRoleArn", "r", "Some(\"r\")"),
            (Kind::Standard, "HTTPSuccess", "r", "Invalid parameter: AttributeName"),
            (Kind::Standard, "Policy", "x", "Invalid parameter: Policy Error: null"),
            (Kind::Standard, "DeliveryPolicy", "", "None"),
            (Kind::Standard, "DeliveryPolicy", "{}", "Invalid parameter: DeliveryPolicy"),
            (
                Kind::Standard,
                "DeliveryPolicy",
                r#"{"http":{"defaultHealthyRetryPolicy":null}}"#,
                r#"Some("{\"http\":{\"disableSubscriptionOverrides\":false}}")"#,
            ),
            (Kind::Standard, "MaximumMessageSize", "1023", "Invalid parameter: MaximumMessageSize"),
        ];
        for (kind, name, value, expected) in cases {
            let found = match checked(kind, name, value) {
                Ok(value) => format!("{value:?}"),
                Err(fault) => fault.message,
            };
            assert_eq!(found, expected, "{name} {value}");
        }
    }
}
