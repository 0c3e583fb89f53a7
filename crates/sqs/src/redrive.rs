//! The policies of dead letters: where a queue sends them, and who may send them to a queue.

use aws::{Arn, Fault};
use serde_json::{Map, Value as Json, json};

use crate::limits::SOURCES;
use crate::tables::{Queue, QueueKey};
use crate::{faults, urls};

const REDRIVE: &str = "RedrivePolicy";
const ALLOW: &str = "RedriveAllowPolicy";

fn object(parameter: &str, value: &str) -> Result<Map<String, Json>, Fault> {
    match serde_json::from_str(value) {
        Ok(Json::Object(object)) => Ok(object),
        _ => Err(faults::invalid_value(parameter, value, "Redrive policy is not a valid JSON map.")),
    }
}

/// Checks a redrive policy; it is answered with its count as a number.
pub(crate) fn policy(value: &str) -> Result<String, Fault> {
    let invalid = |reason: &str| faults::invalid_value(REDRIVE, value, reason);
    let object = object(REDRIVE, value)?;
    let lacks =
        |name: &str| invalid(&format!("Redrive policy does not contain mandatory attribute: {name}."));
    let target = object.get("deadLetterTargetArn").and_then(Json::as_str);
    let target = target.ok_or_else(|| lacks("deadLetterTargetArn"))?;
    let count = object.get("maxReceiveCount").ok_or_else(|| lacks("maxReceiveCount"))?;
    let number = match count {
        Json::String(text) => text.parse::<i64>().ok(),
        count => count.as_i64(),
    };
    let number = number.filter(|number| (1..=1000).contains(number)).ok_or_else(|| {
        let shown = count.as_str().map_or_else(|| count.to_string(), str::to_owned);
        invalid(&format!(
            "Invalid value for maxReceiveCount: {shown}, valid values are from 1 to 1000 both inclusive."
        ))
    })?;
    if Arn::parse(target).is_err() {
        return Err(invalid("Invalid value for deadLetterTargetArn."));
    }
    Ok(json!({ "deadLetterTargetArn": target, "maxReceiveCount": number }).to_string())
}

/// Checks a redrive allow policy.
pub(crate) fn allow_policy(value: &str) -> Result<String, Fault> {
    let invalid = |reason: &str| faults::invalid_value(ALLOW, value, reason);
    let object = object(ALLOW, value)?;
    let sources = object.get("sourceQueueArns").and_then(Json::as_array).map(Vec::len);
    match (object.get("redrivePermission").and_then(Json::as_str), sources) {
        (Some("allowAll" | "denyAll"), None) => Ok(value.to_owned()),
        (Some("allowAll" | "denyAll"), Some(_)) => {
            Err(invalid("sourceQueueArns is allowed only when redrivePermission is byQueue."))
        }
        (Some("byQueue"), Some(count)) if (1..=SOURCES).contains(&count) => Ok(value.to_owned()),
        (Some("byQueue"), _) => Err(invalid("sourceQueueArns must name 1 to 10 queues.")),
        (_, _) => Err(invalid("redrivePermission must be allowAll, denyAll or byQueue.")),
    }
}

/// The queue that a checked redrive policy names, when it is one of the same account and region.
pub(crate) fn target(policy: &str, source: &QueueKey) -> Option<QueueKey> {
    let policy: Json = serde_json::from_str(policy).ok()?;
    let arn = Arn::parse(policy["deadLetterTargetArn"].as_str()?).ok()?;
    let key = (arn.account().to_owned(), arn.region().to_owned(), arn.resource().to_owned());
    (arn.service() == "sqs" && (&key.0, &key.1) == (&source.0, &source.1)).then_some(key)
}

/// Checks that the target of a redrive policy exists, is of the same type, and takes dead letters of the source.
pub(crate) fn accepted(
    policy: &str,
    source: &QueueKey,
    queue: &Queue,
    target: Option<&Queue>,
) -> Result<(), Fault> {
    let invalid = |reason: &str| faults::invalid_value(REDRIVE, policy, reason);
    let target = target.ok_or_else(|| invalid("Dead letter target does not exist."))?;
    if target.kind != queue.kind {
        return Err(invalid("Dead-letter queue must be same type of queue as the source."));
    }
    let allow = target.attributes.get(ALLOW).and_then(|text| serde_json::from_str::<Json>(text).ok());
    let arn = urls::arn(source);
    let is_allowed = allow.is_none_or(|allow| match allow["redrivePermission"].as_str() {
        Some("denyAll") => false,
        Some("byQueue") => allow["sourceQueueArns"]
            .as_array()
            .is_some_and(|sources| sources.iter().any(|named| named == arn.as_str())),
        _ => true,
    });
    if is_allowed { Ok(()) } else { Err(invalid("The dead-letter queue does not allow this source queue.")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_policy_names_its_target_and_a_count() {
        let text = |value: &str| policy(value).unwrap_or_else(|fault| fault.message);
        let good = r#"{"maxReceiveCount":"7","deadLetterTargetArn":"arn:aws:sqs:r:123456789012:q"}"#;
        let read = r#"{"deadLetterTargetArn":"arn:aws:sqs:r:123456789012:q","maxReceiveCount":7}"#;
        assert_eq!(text(good), read);
        assert_eq!(text(read), read);
        for (value, reason) in [
            ("x", "Redrive policy is not a valid JSON map."),
            ("{}", "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
            (
                r#"{"deadLetterTargetArn":"dummy"}"#,
                "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
            ),
            (
                r#"{"deadLetterTargetArn":"dummy","maxReceiveCount":1001}"#,
                "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive.",
            ),
            (
                r#"{"deadLetterTargetArn":"dummy","maxReceiveCount":1}"#,
                "Invalid value for deadLetterTargetArn.",
            ),
        ] {
            let expected = format!("Value {value} for parameter RedrivePolicy is invalid. Reason: {reason}");
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn an_allow_policy_names_sources_when_it_is_by_queue() {
        for good in [
            r#"{"redrivePermission":"allowAll"}"#,
            r#"{"redrivePermission":"denyAll"}"#,
            r#"{"redrivePermission":"byQueue","sourceQueueArns":["a"]}"#,
        ] {
            assert_eq!(allow_policy(good).as_deref(), Ok(good));
        }
        for bad in [
            "[]",
            "{}",
            r#"{"redrivePermission":"byQueue"}"#,
            r#"{"redrivePermission":"byQueue","sourceQueueArns":[]}"#,
            r#"{"redrivePermission":"denyAll","sourceQueueArns":["a"]}"#,
        ] {
            assert!(allow_policy(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_target_is_of_the_same_account_and_region() {
        let source = ("123456789012".to_owned(), "r".to_owned(), "s".to_owned());
        let named = |arn: &str| target(&json!({ "deadLetterTargetArn": arn }).to_string(), &source);
        assert_eq!(named("arn:aws:sqs:r:123456789012:q").map(|key| key.2).as_deref(), Some("q"));
        for bad in
            ["arn:aws:sqs:x:123456789012:q", "arn:aws:sqs:r:111122223333:q", "arn:aws:sns:r:123456789012:q"]
        {
            assert_eq!(named(bad), None, "{bad}");
        }
    }
}
