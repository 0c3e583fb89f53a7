//! The measurements behind SPECIFICATION.md: a load generator, and what it is pointed at.
//!
//! | file | holds |
//! |---|---|
//! | `message`, `connection`, `load`, `sample` | requests again and again over plain connections, and what they took |
//! | `client`, `function`, `instance` | a server of ours, AWS calls to it, the functions that are measured |
//! | `peers` | aws-lambda-rie and cargo-lambda with the same functions |
//! | `door` | a small request of each protocol, for the front door alone |
//! | `procfs`, `counted` | CPU time, wake-ups, memory; instructions by valgrind |
//! | `parts` | the measurements: each turns a place to measure into rows |
//! | `report`, `specification`, `baseline` | rows as tables, as a document, against what was committed |
//!
//! Never part of the product. Three programs come from here: `bench` itself, `bench-echo` (the native function) and
//! `bench-in-process` (calls without sockets and sandboxes, for counting instructions).

pub mod baseline;
pub mod client;
pub mod connection;
pub mod counted;
pub mod door;
pub mod function;
pub mod instance;
mod limits;
pub mod load;
pub mod message;
pub mod parts;
pub mod peers;
pub mod procfs;
pub mod report;
pub mod sample;
pub mod specification;
