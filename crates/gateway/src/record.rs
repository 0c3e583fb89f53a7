use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use aws::{Caller, RequestId};
use tasks::Tick;

use crate::Source;
use crate::limits::LOGGED_PATH_BYTES;
use crate::metrics::{Answered, Metrics};

/// What is known of a request while it is served; at its end one log line and the metrics.
pub(crate) struct Record {
    pub(crate) id: RequestId,
    pub(crate) source: Source,
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) caller: Option<Arc<Caller>>,
    pub(crate) error: Option<Cow<'static, str>>,
    pub(crate) bytes_in: u64,
    pub(crate) begun: Tick,
}

/// What stands for a service or operation that is not known.
pub(crate) const UNKNOWN: &str = "-";

impl Record {
    /// Ends the record.
    pub(crate) fn end(self, status: u16, bytes_out: u64, took: Duration, metrics: &Metrics) {
        metrics.answered(&Answered {
            service: self.service,
            operation: self.operation,
            status,
            took,
            bytes_in: self.bytes_in,
            bytes_out,
        });
        self.log(status, bytes_out, took);
    }

    fn log(&self, status: u16, bytes_out: u64, took: Duration) {
        // One macro call a level, since the level of a tracing call site is fixed.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "lambent::request",
                    id = %self.id,
                    from = %self.source,
                    method = self.method.as_str(),
                    path = self.path,
                    service = self.service,
                    operation = self.operation,
                    caller = self.caller.as_ref().map_or(UNKNOWN, |caller| caller.arn.as_str()),
                    status,
                    error = self.error.as_deref(),
                    bytes_in = self.bytes_in,
                    bytes_out,
                    us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                    "request"
                )
            };
        }
        if status >= 500 { line!(warn) } else { line!(info) }
    }
}

/// A path as it may stand in a log line.
pub(crate) fn logged_path(path: &str) -> String {
    path.get(..LOGGED_PATH_BYTES).unwrap_or(path).to_owned()
}
