//! The front door: read, identify, authenticate, decode, validate, dispatch, encode, record.
//!
//! [`Gateway`] takes requests from sockets ([`Gateway::serve`]), from within environments ([`Gateway::serve_environment`])
//! or in process ([`Gateway::handle`]); all three run the same steps, listed in `front`. It knows no operation:
//! `wire` reads the bytes, [`api::Registry`] authorizes and runs. Secrets come through [`Keys`], the zips behind code
//! locations through [`Downloads`]. Two routes are its own: `/_lambent/health` and `/_lambent/metrics`.
//!
//! Every bound is in `limits`; slow clients are dropped by `pace`.
//!
//! # What it tells
//!
//! One log line a request, target `lambent::request`: `id` (the request id of the answer), `from` (an address,
//! `environment/ID` or `process`), `method`, `path`, `service`, `operation`, `caller` (its ARN), `status`, `error` (the code, if any),
//! `bytes_in`, `bytes_out`, `us` (from the whole request to its answer). `-` stands for what is not known.
//!
//! `GET /_lambent/health` (JSON; 503 while stopping): `status` (`ok`, `stopping`), `version`, `endpoint`, and what `server` adds.
//!
//! `GET /_lambent/metrics` (for loopback, or with the token): `lambent_requests_total`, `lambent_request_bytes_total`,
//! `lambent_response_bytes_total` and the histogram `lambent_request_seconds`, each by `service`, `operation` and `status`;
//! `lambent_connections`; and what `server` adds.

mod absent;
mod authenticate;
mod body;
mod checks;
mod coming;
mod connection;
mod connections;
mod cors;
mod downloads;
mod framing;
mod front;
mod heads;
mod host;
mod invocations;
mod keys;
pub mod limits;
mod load;
mod metrics;
mod pace;
mod private;
mod reading;
mod record;
mod sniff;
mod streams;

#[cfg(test)]
mod tests;

pub use body::{Body, Chunks};
pub use connections::AcceptFrom;
pub use downloads::{Download, Downloads, Snapshot};
#[doc(hidden)]
pub use framing::{Framing, Unclear};
pub use front::{Authentication, Gateway, Health, Parts, Settings, Source};
pub use keys::{Keys, Known, NotKnown};
pub use metrics::{Counter, Metrics};
