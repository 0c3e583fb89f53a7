//! Fuzz targets: everything that reads bytes of strangers, each as a function of those bytes that panics when a promise breaks.
//!
//! It never runs in the product. `cargo x soak` builds the binary with coverage and lets libFuzzer look for inputs; the test
//! of this package runs the committed ones of `seeds/` (what was once found included) in every build.
//!
//! | target | reads | besides never panicking |
//! |---|---|---|
//! | `zip` | code packages | nothing is written or linked outside of the tree, a refusal leaves nothing, no error is the disk's |
//! | `sigv4` | signatures | nothing is verified without the key, all that is signed is |
//! | `chunked` | bodies framed as `aws-chunked` | any split gives the same, nothing signed comes out without the key |
//! | `forms` | forms posted to a bucket | any split gives the same, no policy is read without the key |
//! | `requests` | all protocols, as a server | what was read and written again is read as itself |
//! | `answers` | the same, as a client | |
//! | `events` | messages of event streams | as for requests |
//! | `framing` | HTTP/1 ahead of its parser | pieces do not matter |
//! | `runtime_api` | what functions send | every call is answered in time, and a neighbour's at once |
//! | `warden` | packets of server, warden, makers | what was read is written and read as itself |
//! | `policies` | policy documents | a deny of everything denies, a normalised trust policy is one |
//! | `logs` | filter patterns, records | a quoted message finds itself |
//! | `journal` | damaged segments | what is read was written, whole and in order |
//! | `receipts` | receipts of queues | none is read that the key did not write, a changed letter makes it none |

mod chunked;
mod events;
mod forms;
mod framing;
mod journal;
mod logs;
mod message;
mod policies;
mod receipts;
mod runtime_api;
mod sigv4;
mod warden;
mod wire;
mod zip;

/// What takes an input.
pub type Target = fn(&[u8]);

/// All targets by their names.
pub const TARGETS: &[(&str, Target)] = &[
    ("answers", wire::answers),
    ("chunked", chunked::run),
    ("events", events::run),
    ("forms", forms::run),
    ("framing", framing::run),
    ("journal", journal::run),
    ("logs", logs::run),
    ("policies", policies::run),
    ("receipts", receipts::run),
    ("requests", wire::requests),
    ("runtime_api", runtime_api::run),
    ("sigv4", sigv4::run),
    ("warden", warden::run),
    ("zip", zip::run),
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}
