use aws::Millis;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Request};

use super::canonical::{Canonical, Style, encode};
use super::chunked::Mode;
use super::key::Hex;
use super::payload::EVENTS;
use super::{ALGORITHM, BodyHash, Parts, Scope, SigningKey, Stamp, UNSIGNED_PAYLOAD, X_AMZ_CONTENT_SHA256};

/// An access key with its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `AKIA…` or `ASIA…`.
    pub access_key: String,
    /// The secret.
    pub secret_key: String,
    /// The session token of temporary keys.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.access_key)
    }
}

/// Signs requests to one service in one region at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// Who signs.
    pub credentials: &'a Credentials,
    /// The signing name, e.g. `lambda`.
    pub service: &'a str,
    /// The region.
    pub region: &'a str,
    /// When.
    pub at: Millis,
}

/// Why a request cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsignable {
    /// It has no `Host` header and its URI names none.
    NoHost,
    /// This text does not fit into a header.
    NotAHeader(String),
}

impl std::fmt::Display for Unsignable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unsignable::NoHost => f.write_str("the request names no host"),
            Unsignable::NotAHeader(text) => write!(f, "{text:?} does not fit into a header"),
        }
    }
}

impl std::error::Error for Unsignable {}

/// Headers that change on the way or that clients add late.
const NEVER_SIGNED: [&str; 6] =
    ["authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"];

impl Signer<'_> {
    /// Signs a request in the header form: adds `X-Amz-Date`, `X-Amz-Security-Token` and `Authorization`, for S3 also
    /// `X-Amz-Content-SHA256`, and `Host` from the URI when it is not there.
    ///
    /// Fails when the request has no host or a value does not fit into a header.
    pub fn sign(&self, request: &mut Request<Bytes>) -> Result<(), Unsignable> {
        let stamp = Stamp::at(self.at);
        let body = BodyHash::of(request.body()).hex();
        if !request.headers().contains_key(HOST) {
            let host = request.uri().authority().ok_or(Unsignable::NoHost)?.as_str().to_owned();
            request.headers_mut().insert(HOST, value(&host)?);
        }
        let headers = request.headers_mut();
        headers.remove(AUTHORIZATION);
        headers.insert("x-amz-date", value(stamp.text())?);
        if let Some(token) = &self.credentials.session_token {
            headers.insert("x-amz-security-token", value(token)?);
        }
        let payload = match Style::of(self.service) {
            Style::Plain => match headers.get(&X_AMZ_CONTENT_SHA256) {
                Some(stated) if stated.as_bytes() == EVENTS.as_bytes() => EVENTS.to_owned(),
                _ => body,
            },
            Style::S3 => match headers.get(&X_AMZ_CONTENT_SHA256) {
                Some(stated) if stated.as_bytes() == UNSIGNED_PAYLOAD.as_bytes() => {
                    UNSIGNED_PAYLOAD.to_owned()
                }
                // The body is framed as that says; its chunks are the caller's to sign.
                Some(stated) if stated.to_str().is_ok_and(|name| Mode::named(name).is_some()) => {
                    stated.to_str().unwrap_or_default().to_owned()
                }
                _ => {
                    headers.insert("x-amz-content-sha256", value(&body)?);
                    body
                }
            },
        };
        let mut signed: Vec<&str> =
            headers.keys().map(HeaderName::as_str).filter(|name| !NEVER_SIGNED.contains(name)).collect();
        signed.sort_unstable();
        let signed = signed.join(";");
        let parts = Parts {
            method: request.method().as_str(),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
        };
        let signature = self.signature(parts, &signed, &payload, &stamp);
        let authorization = format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
            self.credentials.access_key,
            self.scope(&stamp).text(),
            signed,
        );
        request.headers_mut().insert(AUTHORIZATION, value(&authorization)?);
        Ok(())
    }

    /// Presigns a GET of `path` (already percent-encoded) at `host` and returns `path?query` with the signature.
    /// `query` holds further parameters, not encoded. The URL is valid for `expires_s` seconds.
    pub fn presign(
        &self,
        host: &str,
        path: &str,
        query: &[(&str, &str)],
        expires_s: u64,
    ) -> Result<String, Unsignable> {
        let stamp = Stamp::at(self.at);
        let scope = self.scope(&stamp);
        let credential = format!("{}/{}", self.credentials.access_key, scope.text());
        let expires = expires_s.to_string();
        let mut pairs = query.to_vec();
        pairs.extend([
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", stamp.text()),
            ("X-Amz-Expires", &expires),
            ("X-Amz-SignedHeaders", "host"),
        ]);
        if let Some(token) = &self.credentials.session_token {
            pairs.push(("X-Amz-Security-Token", token));
        }
        let text = pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let query = text.collect::<Vec<_>>().join("&");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, value(host)?);
        let payload = match Style::of(self.service) {
            Style::Plain => BodyHash::of(b"").hex(),
            Style::S3 => UNSIGNED_PAYLOAD.to_owned(),
        };
        let parts = Parts { method: "GET", path, query: &query, headers: &headers };
        let signature = self.signature(parts, "host", &payload, &stamp);
        Ok(format!("{path}?{query}&X-Amz-Signature={signature}"))
    }

    pub(super) fn scope<'s>(&'s self, stamp: &'s Stamp) -> Scope<'s> {
        Scope { date: stamp.date(), region: self.region, service: self.service }
    }

    fn signature(&self, parts: Parts<'_>, signed: &str, payload: &str, stamp: &Stamp) -> String {
        let canonical = Canonical {
            parts,
            style: Style::of(self.service),
            signed,
            payload: payload.as_bytes(),
            left_out: &[],
        };
        let canonical = canonical.bytes().expect("the signed headers are the request's own");
        let scope = self.scope(stamp);
        let string =
            format!("{ALGORITHM}\n{}\n{}\n{}", stamp.text(), scope.text(), Hex::of_hash(&canonical).as_str());
        let key = SigningKey::derive(&self.credentials.secret_key, &scope);
        key.sign(&[string.as_bytes()]).hex().as_str().to_owned()
    }
}

fn encoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 8);
    encode(text.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn value(text: &str) -> Result<HeaderValue, Unsignable> {
    HeaderValue::from_str(text).map_err(|_| Unsignable::NotAHeader(text.to_owned()))
}
