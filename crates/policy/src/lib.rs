//! IAM policy documents: read them strictly, decide with them. Pure: no I/O, no clock, no store.
//!
//! [`Document::identity`] and [`Document::trust`] read the two kinds of document that exist so far and refuse what AWS
//! refuses, in AWS's words. [`evaluate`] decides an action on a resource by identity policies; [`trust`] decides whether
//! a role's trust policy lets somebody assume it.
//!
//! What is not decided here yet is decided safely: an `Allow` statement with a condition or with a policy variable whose
//! value is unknown never matches, a `Deny` statement with one always may.

mod document;
mod evaluate;
mod identity;
mod json;
mod limits;
mod operators;
mod parse;
mod pattern;
mod trust;

pub use document::{Condition, Document, Effect, Listed, Malformed, Principal, Statement, Version};
pub use evaluate::{By, Decision, evaluate};
pub use pattern::{ActionPattern, ResourcePattern};
pub use trust::{Assumer, Trust, trust};

/// The characters of a document that count against IAM's quotas: all but white space.
pub fn counted_size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}
