use std::fmt::Write as _;

use api::Boxed;
use aws::{AccountId, Caller, Fault, Member, Principal, Region, RequestId};
use http::{HeaderValue, Response, StatusCode};

use crate::{Body, Chunks};

/// Serves the zip behind a function's code location. `server` plugs in what `lambda` keeps.
pub trait Downloads: Send + Sync + 'static {
    /// Opens a snapshot; `None` when there is none of that name.
    fn open<'a>(&'a self, snapshot: &'a Snapshot) -> Boxed<'a, Result<Option<Download>, Fault>>;
}

/// What a code location names: `/awslambda-REGION-tasks/snapshots/ACCOUNT/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The function's region.
    pub region: Region,
    /// The function's account.
    pub account: AccountId,
    /// The function's name, a hyphen, and an id.
    pub name: String,
}

/// An open snapshot.
pub struct Download {
    /// Its length in bytes.
    pub length: u64,
    /// Its bytes.
    pub chunks: Chunks,
}

impl Snapshot {
    /// Reads a path; `None` when it is no code location.
    pub fn of(path: &str) -> Option<Snapshot> {
        let (bucket, key) = path.strip_prefix("/awslambda-")?.split_once('/')?;
        let (account, name) = key.strip_prefix("snapshots/")?.split_once('/')?;
        let name_fits = (1..=200).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !name_fits {
            return None;
        }
        Some(Snapshot {
            region: Region::parse(bucket.strip_suffix("-tasks")?).ok()?,
            account: AccountId::parse(account).ok()?,
            name: name.to_owned(),
        })
    }

    /// The path of this snapshot.
    pub fn path(&self) -> String {
        format!("/awslambda-{}-tasks/snapshots/{}/{}", self.region, self.account, self.name)
    }

    /// Only a location that the service itself or the account's root has signed opens anything.
    pub(crate) fn authorize(&self, caller: &Caller) -> Result<(), Fault> {
        let may = match caller.principal {
            Principal::Service(_) => true,
            Principal::Root => caller.account == self.account,
            Principal::User(_) | Principal::Role { .. } | Principal::Anonymous => false,
        };
        if may { Ok(()) } else { Err(Fault::new("AccessDenied", 403, "Access Denied")) }
    }

    pub(crate) fn missing(&self) -> Fault {
        let key = self.path();
        let key = key.splitn(3, '/').nth(2).unwrap_or_default().to_owned();
        Fault::new("NoSuchKey", 404, "The specified key does not exist.").with("Key", Member::Text(key))
    }
}

/// The answer with a snapshot's bytes.
pub(crate) fn found(download: Download, request_id: &RequestId) -> Response<Body> {
    let mut response = Response::new(Body::chunks(download.length, download.chunks));
    stamp(&mut response, request_id, "application/zip");
    response
}

/// An error in S3's form.
pub(crate) fn refused(fault: &Fault, request_id: &RequestId) -> Response<Body> {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    element(&mut xml, "Code", &fault.code);
    element(&mut xml, "Message", &fault.message);
    for (name, member) in &fault.members {
        match member {
            Member::Text(text) => element(&mut xml, name, text),
            Member::Number(number) => element(&mut xml, name, &number.to_string()),
        }
    }
    element(&mut xml, "RequestId", &request_id.to_string());
    element(&mut xml, "HostId", "lambent");
    xml.push_str("</Error>");
    let mut response = Response::new(Body::whole(xml));
    *response.status_mut() = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    stamp(&mut response, request_id, "application/xml");
    response
}

fn stamp(response: &mut Response<Body>, request_id: &RequestId, kind: &'static str) {
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(id) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert("x-amz-request-id", id);
    }
}

fn element(xml: &mut String, name: &str, text: &str) {
    let _ = write!(xml, "<{name}>");
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\r' => xml.push_str("&#13;"),
            // XML 1.0 has no way to write the other control characters.
            other if other.is_control() && other != '\n' && other != '\t' => xml.push('\u{fffd}'),
            other => xml.push(other),
        }
    }
    let _ = write!(xml, "</{name}>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_paths_name_a_snapshot() {
        let path =
            "/awslambda-eu-west-1-tasks/snapshots/123456789012/hello-0b5ff5d4-9a4f-4a8e-9d21-7f1e6c6b0a11";
        let snapshot = Snapshot::of(path).unwrap();
        assert_eq!(snapshot.region.as_str(), "eu-west-1");
        assert_eq!(snapshot.path(), path);
        for bad in [
            "/",
            "/awslambda-eu-west-1-tasks",
            "/awslambda-EU-tasks/snapshots/123456789012/x",
            "/awslambda-r-tasks/snapshots/1/x",
            "/awslambda-r-tasks/snapshots/123456789012/",
            "/awslambda-r-tasks/snapshots/123456789012/../x",
            "/awslambda-r-tasks/snapshots/123456789012/x/y",
        ] {
            assert_eq!(Snapshot::of(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn errors_are_s3s_xml_with_everything_escaped() {
        let fault = Fault::new("NoSuchKey", 404, "a < b & \u{1}").with("Key", Member::Text("<k>".into()));
        let response = refused(&fault, &RequestId::from_random([7; 16]));
        assert_eq!(response.status(), 404);
        let body = response.into_body().collect().await.unwrap();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains("<Message>a &lt; b &amp; \u{fffd}</Message><Key>&lt;k&gt;</Key>"), "{text}");
    }
}
