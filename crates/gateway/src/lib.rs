//! The front door: read, identify, authenticate, decode, validate, dispatch, encode, record.
//!
//! [`Gateway`] takes requests from sockets ([`Gateway::serve`]), from within environments ([`Gateway::serve_environment`])
//! or in process ([`Gateway::handle`]); all three run the same steps, listed in `front`. It knows no operation:
//! `wire` reads the bytes, [`api::Registry`] authorizes and runs. Secrets come through [`Keys`], the zips behind code
//! locations through [`Downloads`]. Two routes are its own: `/_lambent/health` and `/_lambent/metrics`.
//!
//! Every bound is in `limits`; slow clients are dropped by `pace`.

mod authenticate;
mod body;
mod connections;
mod downloads;
mod front;
mod host;
mod keys;
pub mod limits;
mod metrics;
mod pace;
mod private;
mod reading;
mod record;

#[cfg(test)]
mod tests;

pub use body::{Body, Chunks};
pub use connections::AcceptFrom;
pub use downloads::{Download, Downloads, Snapshot};
pub use front::{Authentication, Gateway, Health, Parts, Settings, Source};
pub use keys::{Keys, Known, NotKnown};
pub use metrics::{Counter, Metrics};
