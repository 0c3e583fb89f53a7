//! The words that every service shares: ARNs, accounts, regions, callers, request ids, tags and faults.
//!
//! This crate is data only. It never does I/O, reads no clock and knows no service.

mod account;
mod arn;
mod caller;
mod fault;
mod request_id;
mod time;

pub use account::{AccountId, InvalidAccount, InvalidRegion, Region};
pub use arn::{Arn, InvalidArn};
pub use caller::{Caller, Principal, SOURCE_FUNCTION_CONTEXT};
pub use fault::{Fault, Member};
pub use request_id::RequestId;
pub use time::Millis;

/// Resource tags in key order.
pub type Tags = std::collections::BTreeMap<String, String>;
