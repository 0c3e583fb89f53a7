use aws::Millis;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::condition::Condition;
use super::{Form, Refused};

/// What a signed policy allows to post.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    expires: Millis,
    conditions: Vec<Condition>,
}

/// The sizes that a policy allows a file to have, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Policy {
    /// Reads a policy, base64 of JSON. [`Claim::verify`](super::Claim::verify) does it when the signature is the policy's.
    pub fn parse(text: &str) -> Result<Policy, Refused> {
        let invalid = |why: &str| Refused::Policy(why.to_owned());
        let bare: String = text.split_ascii_whitespace().collect();
        let json = STANDARD.decode(bare).map_err(|_| invalid("invalid Base64 encoding."))?;
        let document: Value = serde_json::from_slice(&json).map_err(|_| invalid("Invalid JSON."))?;
        let Value::Object(document) = document else { return Err(invalid("Invalid JSON.")) };
        // Members are named in either case.
        let member = |wanted: &str| {
            document.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
        };
        let expiration = member("expiration").ok_or_else(|| invalid("Policy missing expiration."))?;
        let expires = expiration.as_str().and_then(moment).ok_or_else(|| {
            let shown = expiration.as_str().map_or_else(|| expiration.to_string(), str::to_owned);
            Refused::Policy(format!("Invalid 'expiration' value: '{shown}'"))
        })?;
        let conditions = member("conditions").ok_or_else(|| invalid("Policy missing conditions."))?;
        let Value::Array(conditions) = conditions else {
            return Err(invalid("Invalid 'conditions' value: must be a List."));
        };
        let conditions = conditions.iter().map(Condition::parse).collect::<Result<_, _>>()?;
        Ok(Policy { expires, conditions })
    }

    /// Whether a form may be posted to a bucket now; tells which sizes its file may have.
    ///
    /// Each condition must hold, and each field must be spoken of by one.
    pub fn allows(&self, form: &Form, bucket: &str, now: Millis) -> Result<Range, Refused> {
        if self.expires <= now {
            return Err(Refused::Expired);
        }
        if let Some(failed) = self.conditions.iter().find(|condition| !condition.holds(form, bucket)) {
            return Err(Refused::Condition(failed.text()));
        }
        let extra: Vec<&str> = form
            .fields
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !is_exempt(name) && !self.speaks_of(name))
            .collect();
        if !extra.is_empty() {
            return Err(Refused::ExtraFields(extra.join(", ")));
        }
        let mut range = Range::ANY;
        for condition in &self.conditions {
            if let Condition::Length { range: Some((least, most)), .. } = condition {
                range = Range { least: range.least.max(*least), most: range.most.min(*most) };
            }
        }
        Ok(range)
    }

    fn speaks_of(&self, name: &str) -> bool {
        let mut fields = self.conditions.iter().filter_map(Condition::field);
        fields.any(|field| field.eq_ignore_ascii_case(name))
    }
}

impl Range {
    /// Every size.
    pub const ANY: Range = Range { least: 0, most: u64::MAX };

    /// Refuses a file that has so many bytes already.
    pub fn at_most(&self, bytes: u64) -> Result<(), Refused> {
        if bytes > self.most {
            return Err(Refused::TooLarge { proposed: bytes, limit: self.most });
        }
        Ok(())
    }

    /// Refuses a file that has so many bytes in all.
    pub fn holds(&self, bytes: u64) -> Result<(), Refused> {
        self.at_most(bytes)?;
        if bytes < self.least {
            return Err(Refused::TooSmall { proposed: bytes, limit: self.least });
        }
        Ok(())
    }
}

/// Fields that no condition has to speak of.
fn is_exempt(name: &str) -> bool {
    const EXEMPT: [&str; 5] = ["x-amz-signature", "signature", "awsaccesskeyid", "file", "policy"];
    let name = name.to_ascii_lowercase();
    EXEMPT.contains(&name.as_str()) || name.starts_with("x-ignore-")
}

/// `2007-12-01T12:00:00.000Z`.
fn moment(text: &str) -> Option<Millis> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    Some(Millis(u64::try_from(timestamp.as_millisecond()).ok()?))
}
