//! Headers of the protocols.

use http::HeaderName;

/// The id of the request, in answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The code of an error in restJson1.
pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The code of an error in the query protocol, in JSON answers of services that speak both.
pub(crate) const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// The operation in awsJson.
pub(crate) const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
