use std::fmt;

use serde::{Deserialize, Serialize};

/// An Amazon Resource Name, `arn:partition:service:region:account:resource`. Region and account may be empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn {
    text: Box<str>,
    /// Byte offsets of the text after the second, third, fourth and fifth colon.
    parts: [u16; 4],
}

/// The text is not an ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an ARN")]
pub struct InvalidArn(pub String);

/// AWS documents 2,048 bytes as the longest ARN.
const LONGEST: usize = 2048;

impl Arn {
    /// Parses an ARN of at most 2,048 bytes; partition, service and resource must not be empty.
    pub fn parse(text: &str) -> Result<Arn, InvalidArn> {
        let invalid = || InvalidArn(text.chars().take(200).collect());
        if text.len() > LONGEST || !text.starts_with("arn:") {
            return Err(invalid());
        }
        let mut parts = [0u16; 4];
        let mut at = 4;
        for part in &mut parts {
            let colon = text[at..].find(':').ok_or_else(invalid)?;
            at += colon + 1;
            *part = u16::try_from(at).map_err(|_| invalid())?;
        }
        let arn = Arn { text: text.into(), parts };
        if arn.partition().is_empty() || arn.service().is_empty() || arn.resource().is_empty() {
            return Err(invalid());
        }
        Ok(arn)
    }

    /// Makes an ARN in the partition `aws`. `service` and `resource` must not be empty, and only `resource` may hold colons.
    ///
    /// # Panics
    /// When it would be longer than 65,535 bytes.
    pub fn new(service: &str, region: &str, account: &str, resource: &str) -> Arn {
        let mut text =
            String::with_capacity(11 + service.len() + region.len() + account.len() + resource.len());
        text.push_str("arn:aws");
        let parts = [service, region, account, resource].map(|part| {
            text.push(':');
            let at = text.len();
            text.push_str(part);
            u16::try_from(at).expect("an ARN is short")
        });
        Arn { text: text.into(), parts }
    }

    fn part(&self, index: usize) -> &str {
        &self.text[usize::from(self.parts[index])..usize::from(self.parts[index + 1]) - 1]
    }

    /// `aws`, `aws-cn`, …
    pub fn partition(&self) -> &str {
        &self.text[4..usize::from(self.parts[0]) - 1]
    }

    /// `lambda`, `iam`, …
    pub fn service(&self) -> &str {
        self.part(0)
    }

    /// The region, empty for global services.
    pub fn region(&self) -> &str {
        self.part(1)
    }

    /// The account, empty for some resources such as buckets.
    pub fn account(&self) -> &str {
        self.part(2)
    }

    /// Everything after the fifth colon.
    pub fn resource(&self) -> &str {
        &self.text[usize::from(self.parts[3])..]
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Arn {
    type Error = InvalidArn;
    fn try_from(text: String) -> Result<Arn, InvalidArn> {
        Arn::parse(&text)
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> String {
        arn.text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_gives_its_parts_back() {
        let arn = Arn::parse("arn:aws:lambda:eu-west-1:123456789012:function:f:PROD").unwrap();
        assert_eq!(
            (arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()),
            ("aws", "lambda", "eu-west-1", "123456789012", "function:f:PROD")
        );
        let made = Arn::new("lambda", "eu-west-1", "123456789012", "function:f:PROD");
        assert_eq!((&made, made.resource()), (&arn, "function:f:PROD"));
        let bucket = Arn::parse("arn:aws:s3:::b/k").unwrap();
        assert_eq!((bucket.region(), bucket.account(), bucket.resource()), ("", "", "b/k"));
    }

    #[test]
    fn what_lacks_a_part_is_no_arn() {
        for bad in ["", "arn", "arn:aws:lambda", "arn:aws:lambda:r:a", "arn:aws:lambda:r:a:", "x:aws:l:r:a:b"]
        {
            assert!(Arn::parse(bad).is_err(), "{bad}");
        }
        assert!(Arn::parse(&format!("arn:aws:s3:::{}", "x".repeat(3000))).is_err());
    }
}
