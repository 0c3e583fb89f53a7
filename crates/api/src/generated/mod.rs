//! The typed contract of every operation in `models/operations.toml`. Written by `cargo x api`; do not edit.
#![allow(missing_docs)]

pub mod iam;
pub mod lambda;
pub mod logs;
pub mod sns;
pub mod sqs;
pub mod sts;
