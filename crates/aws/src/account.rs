use std::fmt;

use serde::{Deserialize, Serialize};

/// A twelve-digit AWS account number: the tenant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId([u8; 12]);

/// The text is not twelve ASCII digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("account id {0:?} is not twelve digits")]
pub struct InvalidAccount(pub String);

impl AccountId {
    /// Parses twelve ASCII digits.
    pub fn parse(text: &str) -> Result<AccountId, InvalidAccount> {
        let bytes: [u8; 12] = text.as_bytes().try_into().map_err(|_| InvalidAccount(text.to_owned()))?;
        if !bytes.iter().all(u8::is_ascii_digit) {
            return Err(InvalidAccount(text.to_owned()));
        }
        Ok(AccountId(bytes))
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an account id is made of ASCII digits only")
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for AccountId {
    type Error = InvalidAccount;
    fn try_from(text: String) -> Result<AccountId, InvalidAccount> {
        AccountId::parse(&text)
    }
}

impl From<AccountId> for String {
    fn from(account: AccountId) -> String {
        account.as_str().to_owned()
    }
}

/// A region name such as `us-east-1`. Every well-formed name exists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(std::sync::Arc<str>);

/// The text is not a region name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("region {0:?} is not 1 to 64 lower-case letters, digits and hyphens")]
pub struct InvalidRegion(pub String);

impl Region {
    /// Whether a text is a region's name.
    pub fn fits(text: &str) -> bool {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }

    /// Parses 1 to 64 lower-case letters, digits and hyphens.
    pub fn parse(text: &str) -> Result<Region, InvalidRegion> {
        if !Region::fits(text) {
            return Err(InvalidRegion(text.to_owned()));
        }
        Ok(Region(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Region {
    type Error = InvalidRegion;
    fn try_from(text: String) -> Result<Region, InvalidRegion> {
        Region::parse(&text)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> String {
        region.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_twelve_ascii_digits_are_an_account() {
        assert_eq!(AccountId::parse("000000000000").unwrap().as_str(), "000000000000");
        for bad in ["", "1", "00000000000a", "0000000000000", "００００"] {
            assert!(AccountId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_region_is_a_short_lower_case_name() {
        assert!(Region::parse("eu-central-1").is_ok());
        for bad in ["", "EU", "a/b", "a b", &"a".repeat(65)] {
            assert!(Region::parse(bad).is_err(), "{bad}");
        }
    }
}
