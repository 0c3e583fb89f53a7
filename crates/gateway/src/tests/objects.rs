//! Rows of S3 that are the tests' own: they read, count and hash what they get, and stream what they answer.

use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use api::Shape;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame};
use sha2::{Digest as _, Sha256};
use wire::{Stream, Value};

use super::*;

/// What the rows saw, the newest last.
#[derive(Default)]
pub(super) struct Seen(Mutex<Vec<String>>);

impl Seen {
    fn add(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Any structure.
pub(super) struct Members(Value);

impl Shape for Members {
    fn from_value(value: Value) -> Result<Members, Fault> {
        Ok(Members(value))
    }

    fn into_value(self) -> Value {
        self.0
    }
}

macro_rules! operation {
    ($name:ident) => {
        #[derive(Clone, Copy)]
        struct $name;

        impl api::Operation for $name {
            type Input = Members;
            type Output = Members;
            const SERVICE: &'static str = "s3";
            const NAME: &'static str = stringify!($name);
            const ACTION: &'static str = concat!("s3:", stringify!($name));
        }
    };
}

operation!(PutObject);
operation!(PutBucketPolicy);
operation!(GetObject);

pub(super) fn service(state: Arc<State>) -> Service {
    Service::table("s3", state)
        .op(PutObject, open, put)
        .op(PutBucketPolicy, open, put_policy)
        .op(GetObject, open, get)
        .build()
}

fn structure(name: &'static str, value: Value) -> Members {
    Members(Value::Structure(vec![(name.into(), value)]))
}

/// What a row answers of bytes that it read.
pub(super) fn described(bytes: &[u8]) -> String {
    format!("{}-{}", bytes.len(), wire::sigv4::BodyHash(Sha256::digest(bytes).into()).hex())
}

async fn put(cx: Cx<Arc<State>>, mut input: Members) -> Result<Members, Fault> {
    let key = input.0.member("Key").as_text().unwrap_or_default().to_owned();
    let encoding = input.0.member("ContentEncoding").as_text().unwrap_or("none").to_owned();
    let stream = Stream::from_value(input.0.take("Body"))?;
    if key == "early" {
        return Err(Fault::new("NoSuchBucket", 404, "not even looked at"));
    }
    let length = stream.length();
    let mut chunks = stream.open();
    let (mut hash, mut bytes, mut largest) = (Sha256::new(), 0, 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(fault) => {
                cx.state.objects.add(format!("{bytes} then {}", fault.code));
                assert!(chunks.next().await.is_none());
                // One that does not care.
                return if key == "careless" {
                    Ok(structure("ETag", Value::Text("fine".into())))
                } else {
                    Err(fault)
                };
            }
        };
        assert!(!chunk.is_empty());
        hash.update(&chunk);
        (bytes, largest) = (bytes + chunk.len(), largest.max(chunk.len()));
        if key == "stops" {
            cx.state.started.notify_one();
            cx.state.go.notified().await;
        }
        cx.state.running.store(bytes, Ordering::SeqCst);
    }
    cx.state.objects.add(format!("{bytes} of {length:?}, {encoding}"));
    assert!(largest <= 512 * 1024, "a piece has {largest} bytes");
    let hash = wire::sigv4::BodyHash(hash.finalize().into()).hex();
    Ok(structure("ETag", Value::Text(format!("{bytes}-{hash}"))))
}

async fn put_policy(cx: Cx<Arc<State>>, input: Members) -> Result<Members, Fault> {
    cx.state.objects.add(input.0.member("Policy").as_text().unwrap_or("?").to_owned());
    Ok(Members(Value::Structure(Vec::new())))
}

/// Pieces of an object whose length nobody knows; that of `broken` breaks.
struct Pieces(Vec<Result<&'static str, Fault>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
        Poll::Ready(piece.map(|piece| piece.map(|text| Frame::data(Bytes::from_static(text.as_bytes())))))
    }
}

async fn get(_cx: Cx<Arc<State>>, input: Members) -> Result<Members, Fault> {
    let mut pieces = vec![Ok("one "), Ok("two "), Ok("three")];
    if input.0.member("Key").as_text() == Some("broken") {
        pieces.insert(2, Err(Fault::new("InternalError", 500, "the source broke")));
    }
    Ok(structure("Body", Stream::new(Pieces(pieces).boxed_unsync()).into_value()))
}
