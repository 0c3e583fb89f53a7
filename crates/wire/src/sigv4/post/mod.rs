//! Forms that browsers post to a bucket: `multipart/form-data` whose fields bear a policy and its signature, then the file.
//!
//! How it is driven: [`Multipart`] takes the body in any pieces. It gives the [`Form`] when all fields before the file are there,
//! then the file's bytes as they come. Between the two the caller decides:
//!
//! ```text
//! Part::Form(form) => match form.claim()? {
//!     None => …                                   // Not signed: what the bucket allows to everybody.
//!     Some(claim) => {
//!         claim.check("s3")?;
//!         let key = …;                            // Of claim.access_key(), claim.token() and claim.scope().
//!         let range = claim.verify(&key)?.allows(&form, bucket, now)?;
//!     }
//! }
//! Part::File(bytes) => …                          // Count them, and ask range.at_most(count).
//! ```
//!
//! At the end [`Multipart::end`] and [`Range::holds`] must agree, or nothing may be stored. The order of checks is S3's: fields,
//! credential, key, signature, policy, expiration, conditions, size.

mod claim;
mod condition;
mod disposition;
mod form;
mod multipart;
mod policy;

#[cfg(test)]
mod tests;

use aws::{Fault, Member};

use super::refusal::Mismatch;
use super::refusal_s3::{mismatched, unsupported};

pub use claim::Claim;
pub use form::{File, Form};
pub use multipart::{Multipart, Part};
pub use policy::{Policy, Range};

/// Why a form is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The body is no `multipart/form-data`.
    NotAForm,
    /// The body is not well-formed.
    Malformed,
    /// The fields before the file are longer than they may be.
    FieldsTooLarge,
    /// There is no file, or more than one.
    Files,
    /// A field is missing.
    Missing(&'static str),
    /// There is a policy and nobody who signed it.
    Unsigned,
    /// It is signed with something else than Signature Version 4.
    Unsupported,
    /// The credential or the date is wrong, in S3's words.
    Argument {
        /// The field.
        name: &'static str,
        /// What is wrong.
        text: String,
    },
    /// The signature of the policy is another one.
    Signature(Box<Mismatch>),
    /// The policy is no policy: why.
    Policy(String),
    /// The policy has expired.
    Expired,
    /// A condition does not hold: its text.
    Condition(String),
    /// Fields that no condition speaks of.
    ExtraFields(String),
    /// The file is larger than the policy allows.
    TooLarge {
        /// The size.
        proposed: u64,
        /// The limit.
        limit: u64,
    },
    /// The file is smaller than the policy allows.
    TooSmall {
        /// The size.
        proposed: u64,
        /// The limit.
        limit: u64,
    },
}

impl Refused {
    /// S3's error.
    pub fn fault(&self) -> Fault {
        let text = |text: &str| Member::Text(text.to_owned());
        let denied =
            |why: &str| Fault::new("AccessDenied", 403, format!("Invalid according to Policy: {why}"));
        match self {
            Refused::NotAForm => Fault::new(
                "PreconditionFailed",
                412,
                "At least one of the pre-conditions you specified did not hold",
            )
            .with("Condition", text("Bucket POST must be of the enclosure-type multipart/form-data")),
            Refused::Malformed => Fault::new(
                "MalformedPOSTRequest",
                400,
                "The body of your POST request is not well-formed multipart/form-data.",
            ),
            Refused::FieldsTooLarge => Fault::new(
                "MaxPostPreDataLengthExceededError",
                400,
                "Your POST request fields preceding the upload file were too large.",
            ),
            Refused::Files => Fault::new(
                "IncorrectNumberOfFilesInPostRequest",
                400,
                "POST requires exactly one file upload per request.",
            ),
            Refused::Missing(name) => Fault::new(
                "InvalidArgument",
                400,
                format!("Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."),
            )
            .with("ArgumentName", text(name))
            .with("ArgumentValue", text("")),
            Refused::Unsigned => Fault::new("AccessDenied", 403, "Access Denied"),
            Refused::Unsupported => unsupported(),
            Refused::Argument { name, text: why } => {
                Fault::new("InvalidArgument", 400, why.clone()).with("ArgumentName", text(name))
            }
            Refused::Signature(mismatch) => mismatched(mismatch),
            Refused::Policy(why) => {
                Fault::new("InvalidPolicyDocument", 400, format!("Invalid Policy: {why}"))
            }
            Refused::Expired => denied("Policy expired."),
            Refused::Condition(condition) => denied(&format!("Policy Condition failed: {condition}")),
            Refused::ExtraFields(names) => denied(&format!("Extra input fields: {names}")),
            Refused::TooLarge { proposed, limit } => {
                Fault::new("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
                    .with("ProposedSize", text(&proposed.to_string()))
                    .with("MaxSizeAllowed", text(&limit.to_string()))
            }
            Refused::TooSmall { proposed, limit } => Fault::new(
                "EntityTooSmall",
                400,
                "Your proposed upload is smaller than the minimum allowed size",
            )
            .with("ProposedSize", text(&proposed.to_string()))
            .with("MinSizeAllowed", text(&limit.to_string())),
        }
    }
}
