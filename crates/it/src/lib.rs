//! Whole-house tests: scenarios as data, replayed through the real front door over a simulated store, a simulated sandbox
//! and a virtual clock.
//!
//! A scenario is a file in `scenarios/`: a list of steps.
//!
//! ```json
//! {"call": "lambda GetFunction", "input": {"FunctionName": "f"}, "expect": {"Configuration": "<any>", "...": true}}
//! {"call": "lambda GetFunction", "input": {"FunctionName": "g"}, "fails": {"Code": "ResourceNotFoundException", "...": true}}
//! {"advance": "60s"}
//! {"restart": true}
//! ```
//!
//! In `expect`, `"<any>"`, `"<uuid>"`, `"<time>"`, `"<number>"` and `"<text>"` stand for values that change from run to run;
//! `"...": true` in an object allows further members. `"save": {"name": "/Json/Pointer"}` keeps a value, `${name}` uses it.
//! Blobs are written `{"text": …}`, `{"json": …}` or `{"zip": {"path": "content"}}`. `"as": {"AccessKeyId": …, "SecretAccessKey": …}`
//! signs with those credentials instead of root's.

mod house;
mod matching;
mod modelled;
mod scenario;

pub use house::House;
pub use scenario::{Scenario, run};
