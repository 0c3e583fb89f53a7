//! Requests as AWS's own SDK signs them (`aws-sigv4`), and a server's steps to verify them.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use aws::Millis;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest,
    SignatureLocation, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderMap, HeaderName, HeaderValue};
use wire::sigv4::{BodyHash, Claim, Parts, Refusal, SigningKey, Style};

pub const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub const REGION: &str = "eu-west-1";
/// 2026-01-31T12:00:00Z.
pub const NOON: Millis = Millis(1_769_860_800_000);
/// How long presigned requests live, in seconds.
pub const LIFE_S: u64 = 600;

/// Where the SDK puts the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Header,
    Query,
}

/// A request, before and after it is signed.
#[derive(Debug, Clone)]
pub struct Signed {
    pub service: &'static str,
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub secret: String,
    pub now: Millis,
}

/// How the SDK signs.
pub struct How<'a> {
    pub place: Place,
    pub token: Option<&'a str>,
    pub token_mode: SessionTokenMode,
    /// What takes the place of the body's hash.
    pub payload: Option<String>,
}

pub fn moment(at: Millis) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(at.0)
}

impl Signed {
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|(_, value)| value.as_str())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        let named = |(known, _): &&mut (String, String)| known.eq_ignore_ascii_case(name);
        match self.headers.iter_mut().find(named) {
            Some((_, old)) => value.clone_into(old),
            None => self.headers.push((name.to_owned(), value.to_owned())),
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// Has the SDK sign it.
    pub fn sign(mut self, how: &How<'_>) -> Signed {
        let s3 = Style::of(self.service) == Style::S3;
        let mut settings = SigningSettings::default();
        if s3 {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings.session_token_mode = how.token_mode;
        if how.place == Place::Query {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(LIFE_S));
        }
        let token = how.token.map(str::to_owned);
        let identity = Credentials::new(ACCESS_KEY, &self.secret, token, None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(self.service)
            .time(moment(NOON))
            .settings(settings)
            .build()
            .expect("the SDK takes it")
            .into();
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let uri = format!("http://{}{}{query}", self.header("host").expect("it has a host"), self.path);
        let headers = self.headers.clone();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let body = match &how.payload {
            Some(payload) if payload == "UNSIGNED-PAYLOAD" => SignableBody::UnsignedPayload,
            Some(payload) => SignableBody::Precomputed(payload.clone()),
            None => SignableBody::Bytes(&self.body),
        };
        let request =
            SignableRequest::new(&self.method, Cow::Owned(uri), headers, body).expect("the SDK takes it");
        let (instructions, _) = sign(request, &params).expect("the SDK takes it").into_parts();
        let (headers, parameters) = instructions.into_parts();
        for header in headers {
            self.headers.push((header.name().to_owned(), header.value().to_owned()));
        }
        for (name, value) in parameters {
            let value = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            let and = if self.query.is_empty() { "" } else { "&" };
            self.query = format!("{}{and}{name}={value}", self.query);
        }
        self
    }

    pub fn map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header");
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
        }
        map
    }

    /// All of a verifier's steps, as a server takes them.
    pub fn verdict(&self) -> Result<(), Refusal> {
        self.verified(|_, _, _| ())
    }

    /// The same, and goes on with the claim that was verified.
    pub fn verified<T>(
        &self,
        next: impl FnOnce(&Claim<'_>, &Parts<'_>, &SigningKey) -> T,
    ) -> Result<T, Refusal> {
        let headers = self.map();
        let parts = Parts { method: &self.method, path: &self.path, query: &self.query, headers: &headers };
        let claim = Claim::of(&parts)?;
        claim.check(self.service, self.now)?;
        let key = SigningKey::derive(&self.secret, &claim.scope());
        claim.verify(&parts, BodyHash::of(&self.body), &key)?;
        Ok(next(&claim, &parts, &key))
    }
}
