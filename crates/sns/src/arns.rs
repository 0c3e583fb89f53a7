//! ARNs of topics.

use api::{Call, Guard};
use aws::{AccountId, Arn, Fault};

use crate::faults;
use crate::tables::TopicKey;

/// The key of a topic of the caller's account.
pub(crate) fn own(call: &Call, name: &str) -> TopicKey {
    (call.account.to_string(), call.region.to_string(), name.to_owned())
}

/// The ARN of a topic.
pub(crate) fn of(key: &TopicKey) -> Arn {
    Arn::new("sns", &key.1, &key.0, &key.2)
}

/// The topic of an ARN, which must be of the call's region.
pub(crate) fn topic(call: &Call, parameter: &str, arn: &str) -> Result<TopicKey, Fault> {
    let elements = arn.split(':').count();
    if elements < 6 {
        let reason = format!("{parameter} Reason: An ARN must have at least 6 elements, not {elements}");
        return Err(faults::invalid(reason));
    }
    let parsed = Arn::parse(arn).map_err(|_| faults::invalid(parameter))?;
    let account = AccountId::parse(parsed.account()).map_err(|_| faults::invalid(parameter))?;
    if parsed.service() != "sns" || parsed.region() != call.region.as_str() || elements != 6 {
        return Err(faults::invalid(parameter));
    }
    Ok((account.to_string(), parsed.region().to_owned(), parsed.resource().to_owned()))
}

/// Guards the topic of an ARN.
pub(crate) fn guard(call: &Call, parameter: &str, arn: &str) -> Result<Guard, Fault> {
    Ok(Guard::on(of(&topic(call, parameter, arn)?).as_str()))
}
