//! What AWS answers for a function URL or an API that does not exist.

use aws::RequestId;
use http::{HeaderValue, Response, StatusCode, header};

use crate::Body;

/// A data plane that takes any method, path and body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plane {
    /// Function URLs.
    FunctionUrl,
    /// Deployed APIs.
    Api,
}

impl Plane {
    /// The service in logs and metrics.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Plane::FunctionUrl => "lambda",
            Plane::Api => "execute-api",
        }
    }

    /// The operation in logs and metrics, as IAM names it.
    pub(crate) fn operation(self) -> &'static str {
        match self {
            Plane::FunctionUrl => "InvokeFunctionUrl",
            Plane::Api => "Invoke",
        }
    }

    /// The code of the refusal.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Plane::FunctionUrl => "AccessDeniedException",
            Plane::Api => "ForbiddenException",
        }
    }

    /// The answer for an id that nobody has.
    pub(crate) fn no_such(self, id: &RequestId) -> Response<Body> {
        let body = match self {
            Plane::FunctionUrl => r#"{"Message":null}"#,
            Plane::Api => r#"{"message":"Forbidden"}"#,
        };
        let mut response = Response::new(Body::whole(body));
        *response.status_mut() = StatusCode::FORBIDDEN;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("x-amzn-errortype", HeaderValue::from_static(self.code()));
        let id = HeaderValue::from_str(&id.to_string()).expect("a request id is made of hexadecimal digits");
        headers.insert("x-amzn-requestid", id);
        response
    }
}
