//! Headers of the protocols.

use http::HeaderName;

/// The id of the request, in answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The code of an error in restJson1.
pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The code of an error in the query protocol, in JSON answers of services that speak both.
pub(crate) const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// What clients of a service with two codes of errors send.
pub(crate) const QUERY_MODE: HeaderName = HeaderName::from_static("x-amzn-query-mode");

/// The protocol that a request names, for those that say so.
pub(crate) const PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

/// The id of the request, in answers of S3.
pub(crate) const S3_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// The second id of the request, in answers of S3.
pub(crate) const S3_HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// The operation in awsJson.
pub(crate) const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
