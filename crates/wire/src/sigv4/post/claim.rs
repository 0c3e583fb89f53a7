use std::borrow::Cow;

use super::super::claim::Credential;
use super::super::refusal::Mismatch;
use super::super::{ALGORITHM, Scope, SigningKey, Stamp, TERMINATOR};
use super::{Form, Policy, Refused};

/// What a form says about who signed its policy. Nothing of it is believed yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim<'a> {
    credential: Credential<'a>,
    stamp: Stamp,
    token: Option<&'a str>,
    policy: &'a str,
    signature: &'a str,
}

impl Form {
    /// Reads the claim; `None` when the form bears neither policy nor signature.
    pub fn claim(&self) -> Result<Option<Claim<'_>>, Refused> {
        const SIGNATURE: &str = "X-Amz-Signature";
        const ALGORITHM_NAME: &str = "X-Amz-Algorithm";
        const CREDENTIAL: &str = "X-Amz-Credential";
        const DATE: &str = "X-Amz-Date";
        let field = |name: &'static str| self.field(name);
        let policy = field("policy");
        let (old_key, old_signature) = (field("AWSAccessKeyId"), field("signature"));
        let four = [SIGNATURE, ALGORITHM_NAME, CREDENTIAL, DATE].map(field);
        if four.iter().all(Option::is_none) {
            return match (policy, old_key, old_signature) {
                (None, None, None) => Ok(None),
                (Some(_), None, None) => Err(Refused::Unsigned),
                (_, Some(_), None) => Err(Refused::Missing("Signature")),
                (_, None, Some(_)) => Err(Refused::Missing("AWSAccessKeyId")),
                (_, Some(_), Some(_)) => Err(Refused::Unsupported),
            };
        }
        let [signature, algorithm, credential, date] = four;
        let algorithm = algorithm.ok_or(Refused::Missing(ALGORITHM_NAME))?;
        if algorithm != ALGORITHM {
            return Err(Refused::Unsupported);
        }
        let credential = credential.ok_or(Refused::Missing(CREDENTIAL))?;
        let date = date.ok_or(Refused::Missing(DATE))?;
        let signature = signature.ok_or(Refused::Missing(SIGNATURE))?;
        let policy = policy.ok_or(Refused::Missing("policy"))?;
        let credential = Credential::parse(Cow::Borrowed(credential)).map_err(|_| {
            bad_credential("the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
        })?;
        let stamp = Stamp::parse(date).ok_or_else(|| Refused::Argument {
            name: "x-amz-date",
            text: "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"".to_owned(),
        })?;
        let token = field("x-amz-security-token").filter(|token| !token.is_empty());
        Ok(Some(Claim { credential, stamp, token, policy, signature }))
    }
}

impl Claim<'_> {
    /// The access key id.
    pub fn access_key(&self) -> &str {
        self.credential.access_key()
    }

    /// Day, region and service of the signing key.
    pub fn scope(&self) -> Scope<'_> {
        self.credential.scope()
    }

    /// The session token, if one came along.
    pub fn token(&self) -> Option<&str> {
        self.token
    }

    /// Checks the scope: the service must be `service` (its signing name), terminator and date must fit. How long the form is
    /// good for its policy says.
    pub fn check(&self, service: &str) -> Result<(), Refused> {
        let (scope, terminator) = (self.scope(), self.credential.terminator());
        if !aws::Region::fits(scope.region) {
            return Err(bad_credential(&format!("the region '{}' is wrong", scope.region)));
        }
        if scope.service != service {
            let found = scope.service;
            return Err(bad_credential(&format!(
                "incorrect service \"{found}\". This endpoint belongs to \"{service}\"."
            )));
        }
        if terminator != TERMINATOR {
            return Err(bad_credential(&format!(
                "incorrect terminal \"{terminator}\". This endpoint uses \"{TERMINATOR}\"."
            )));
        }
        if scope.date != self.stamp.date() {
            return Err(bad_credential(&format!(
                "Invalid credential date \"{}\". This date is not the same as X-Amz-Date: \"{}\".",
                scope.date,
                self.stamp.date()
            )));
        }
        Ok(())
    }

    /// Verifies the signature of the policy in constant time, and only then reads the policy.
    pub fn verify(&self, key: &SigningKey) -> Result<Policy, Refused> {
        if !key.sign(&[self.policy.as_bytes()]).is(self.signature.as_bytes()) {
            return Err(Refused::Signature(Box::new(Mismatch {
                access_key: self.access_key().to_owned(),
                canonical: None,
                string_to_sign: self.policy.to_owned(),
                provided: self.signature.to_owned(),
            })));
        }
        Policy::parse(self.policy)
    }
}

impl std::fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim")
            .field("access_key", &self.access_key())
            .field("scope", &self.scope())
            .field("stamp", &self.stamp)
            .finish_non_exhaustive()
    }
}

fn bad_credential(text: &str) -> Refused {
    Refused::Argument { name: "x-amz-credential", text: text.to_owned() }
}
