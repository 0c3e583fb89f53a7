//! Which function a request names: bare name, partial ARN or full ARN, each with or without a qualifier. Pure.
//!
//! Behaviour: AWS Lambda API, "FunctionName" of each operation; the model's pattern has been checked before.

use api::Call;
use api::lambda::fault;
use aws::{AccountId, Arn, Fault, Region};

/// The function that a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
    /// `$LATEST`, a number or an alias; absent when the request named none.
    pub(crate) qualifier: Option<String>,
}

impl Named {
    /// Reads `FunctionName` and `Qualifier` of a request made in `call`'s account and region.
    pub(crate) fn read(call: &Call, name: &str, qualifier: Option<&str>) -> Result<Named, Fault> {
        let parsed = split(name);
        if let Some(region) = parsed.region
            && region != call.region.as_str()
        {
            let here = &call.region;
            return Err(fault::resource_not_found(format!(
                "Functions from '{region}' are not reachable in this region ('{here}')"
            )));
        }
        let qualifier = match (parsed.qualifier, qualifier) {
            (Some(derived), Some(given)) if derived != given => {
                return Err(fault::invalid_parameter_value(
                    "The derived qualifier from the function name does not match the specified qualifier.",
                ));
            }
            (derived, given) => given.or(derived).map(str::to_owned),
        };
        let account = match parsed.account {
            Some(text) => {
                AccountId::parse(text).map_err(|e| fault::invalid_parameter_value(e.to_string()))?
            }
            None => call.account,
        };
        Ok(Named { account, region: call.region.clone(), name: parsed.name.to_owned(), qualifier })
    }

    /// The unqualified ARN.
    pub(crate) fn arn(&self) -> Arn {
        function_arn(self.account, &self.region, &self.name)
    }

    /// The ARN as the request named it, with its qualifier if it had one.
    pub(crate) fn invoked_arn(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", self.arn()),
            None => self.arn().to_string(),
        }
    }
}

/// The unqualified ARN of a function.
pub(crate) fn function_arn(account: AccountId, region: &Region, name: &str) -> Arn {
    Arn::new("lambda", region.as_str(), account.as_str(), &format!("function:{name}"))
}

#[derive(Debug, PartialEq, Eq)]
struct Parsed<'a> {
    region: Option<&'a str>,
    account: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
}

/// Takes a name apart that fits the model's pattern.
fn split(text: &str) -> Parsed<'_> {
    let mut parts: Vec<&str> = text.split(':').collect();
    let mut region = None;
    let mut account = None;
    if parts.first() == Some(&"arn") && parts.len() >= 6 {
        region = Some(parts[3]);
        account = Some(parts[4]);
        parts.drain(..5);
    } else if parts.len() >= 3 && parts[1] == "function" {
        account = Some(parts[0]);
        parts.drain(..1);
    }
    if parts.len() >= 2 && parts[0] == "function" {
        parts.drain(..1);
    }
    let name = parts.first().copied().unwrap_or(text);
    Parsed { region, account, name, qualifier: parts.get(1).copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_form_names_the_same_function() {
        let full = |region, account, qualifier| Parsed { region, account, name: "my-fn", qualifier };
        for (text, expected) in [
            ("my-fn", full(None, None, None)),
            ("my-fn:PROD", full(None, None, Some("PROD"))),
            ("my-fn:$LATEST", full(None, None, Some("$LATEST"))),
            ("function:my-fn", full(None, None, None)),
            ("123456789012:function:my-fn", full(None, Some("123456789012"), None)),
            ("123456789012:function:my-fn:3", full(None, Some("123456789012"), Some("3"))),
            (
                "arn:aws:lambda:eu-west-1:123456789012:function:my-fn",
                full(Some("eu-west-1"), Some("123456789012"), None),
            ),
            (
                "arn:aws:lambda:eu-west-1:123456789012:function:my-fn:PROD",
                full(Some("eu-west-1"), Some("123456789012"), Some("PROD")),
            ),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
