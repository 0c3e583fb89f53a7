//! What arrives and what is answered, as parts of HTTP.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName};

use crate::Body;

/// An HTTP request. Its body has been read, unless the operation streams its input.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The method, e.g. `POST`.
    pub method: &'a str,
    /// The path as it was sent, percent-encoding included.
    pub path: &'a str,
    /// The query string as it was sent, without `?`.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body. Blobs that are whole bodies share it.
    pub body: Body,
}

impl Request<'_> {
    /// A header's value, when it is present and visible ASCII.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type of the body, without parameters.
    pub(crate) fn media_type(&self) -> &str {
        let value = self.header(CONTENT_TYPE).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }
}

/// An HTTP response.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers that the protocol and the model ask for; `Date` and `Content-Length` are the front door's.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}
