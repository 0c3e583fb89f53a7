//! Queue URLs and ARNs.

use api::{Call, Guard};
use aws::{AccountId, Arn, Fault};

use crate::faults;
use crate::tables::QueueKey;

/// The URL of a queue at the endpoint that the client used.
pub(crate) fn of(call: &Call, key: &QueueKey) -> String {
    format!("{}/{}/{}", call.endpoint, key.0, key.2)
}

/// The ARN of a queue.
pub(crate) fn arn(key: &QueueKey) -> Arn {
    Arn::new("sqs", &key.1, &key.0, &key.2)
}

/// The key of a queue of the caller's account.
pub(crate) fn own(call: &Call, name: &str) -> QueueKey {
    (call.account.to_string(), call.region.to_string(), name.to_owned())
}

/// The queue of a `QueueUrl`: the last two parts of its path are account and name, whatever its host. A name alone is a queue
/// of the caller's account.
pub(crate) fn queue(call: &Call, url: &Option<String>) -> Result<QueueKey, Fault> {
    let url = url.as_deref().filter(|url| !url.is_empty()).ok_or_else(|| faults::missing("QueueUrl"))?;
    if !url.contains('/') {
        return Ok(own(call, url));
    }
    let path =
        url.split_once("://").map_or(url, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let (account, name) = path.trim_matches('/').split_once('/').ok_or_else(faults::no_queue)?;
    let account = AccountId::parse(account).map_err(|_| faults::no_queue())?;
    if name.contains('/') {
        return Err(faults::no_queue());
    }
    Ok((account.to_string(), call.region.to_string(), name.to_owned()))
}

/// Guards the queue of a `QueueUrl`.
pub(crate) fn guard(call: &Call, url: &Option<String>) -> Result<Guard, Fault> {
    Ok(Guard::on(arn(&queue(call, url)?).as_str()))
}
