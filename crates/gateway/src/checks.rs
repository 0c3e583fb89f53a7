//! What a body goes through before its operation gets it: the hash or the frames that its signature speaks of, its checksum.

use aws::Fault;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use sha2::{Digest as _, Sha256};
use wire::Identified;
use wire::sigv4::checksum::{self, Sum};
use wire::sigv4::chunked::{Broken, Decoder};
use wire::sigv4::{BodyHash, Family, Parts, Payload, framing};

use crate::limits::HASH_STEP_BYTES;

/// Takes a body piece by piece and gives back what its operation may have of it.
pub(crate) struct Checks {
    form: Form,
    checksum: Option<(checksum::Value, Sum)>,
}

enum Form {
    /// The bytes are taken as they are.
    Plain,
    /// All bytes together have the hash that is signed.
    Hashed { stated: Payload<'static>, hash: Box<Sha256>, family: Family },
    /// The bytes are in frames.
    Framed(Box<Decoder>),
}

impl Checks {
    /// Of a body that is taken as it is.
    pub(crate) fn none() -> Checks {
        Checks { form: Form::Plain, checksum: None }
    }

    /// Of a body that is framed.
    pub(crate) fn framed(decoder: Decoder) -> Checks {
        Checks { form: Form::Framed(Box::new(decoder)), checksum: None }
    }

    /// Of a body that must be what the signature says.
    pub(crate) fn hashed(stated: Payload<'_>, family: Family) -> Checks {
        let stated = match stated {
            Payload::Body => Payload::Body,
            Payload::Stated(hash) => Payload::Stated(hash.into_owned().into()),
            Payload::Unsigned => Payload::Unsigned,
            Payload::Chunked(mode) => Payload::Chunked(mode),
            Payload::Events => Payload::Events,
        };
        Checks { form: Form::Hashed { stated, hash: Box::default(), family }, checksum: None }
    }

    /// Of a request whose signature nobody looks at: frames are taken off, and nothing else.
    pub(crate) fn unverified(parts: &Parts<'_>) -> Result<Option<Checks>, Fault> {
        let Some(mode) = framing(parts) else { return Ok(None) };
        let decoder = Decoder::unverified(parts, mode).map_err(|broken| broken.fault())?;
        Ok(Some(Checks::framed(decoder)))
    }

    /// Those, and the checksum that the headers state.
    pub(crate) fn and_checksum(self, stated: checksum::Value) -> Checks {
        let sum = Sum::new(stated.algorithm);
        Checks { checksum: Some((stated, sum)), ..self }
    }

    /// How many bytes come out, where it is known; `announced` is how many go in.
    pub(crate) fn length(&self, announced: Option<u64>) -> Option<u64> {
        match &self.form {
            Form::Plain | Form::Hashed { .. } => announced,
            Form::Framed(decoder) => Some(decoder.stated_bytes()),
        }
    }

    /// How many bytes went in and may not come out yet.
    pub(crate) fn held(&self) -> u64 {
        match &self.form {
            Form::Plain | Form::Hashed { .. } => 0,
            Form::Framed(decoder) => decoder.held() as u64,
        }
    }

    /// Takes from `input` and gives the next piece; `None` when it needs more. A piece is never empty.
    pub(crate) fn take(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, Fault> {
        let taken = match &mut self.form {
            Form::Plain => std::mem::take(input),
            Form::Hashed { hash, .. } => {
                hash.update(&input[..]);
                std::mem::take(input)
            }
            Form::Framed(decoder) => {
                decoder.decode(input).map_err(|broken| broken.fault())?.unwrap_or_default()
            }
        };
        if taken.is_empty() {
            return Ok(None);
        }
        if let Some((_, sum)) = &mut self.checksum {
            sum.update(&taken);
        }
        Ok(Some(taken))
    }

    /// The end of the body. Only now is it known to be what it should be.
    pub(crate) fn end(self) -> Result<(), Fault> {
        match self.form {
            Form::Plain => {}
            Form::Hashed { stated, hash, family } => {
                let computed = BodyHash(hash.finalize().into());
                stated.holds(computed).map_err(|refusal| refusal.fault(family))?;
            }
            Form::Framed(decoder) => {
                decoder.end().map_err(|broken| broken.fault())?;
            }
        }
        match self.checksum {
            Some((stated, sum)) => stated.matches(sum).map_err(|wrong| wrong.fault()),
            None => Ok(()),
        }
    }

    /// Takes a body that is at hand, in steps, so that a large one does not hold up the others on this thread.
    pub(crate) async fn whole(mut self, body: Bytes) -> Result<Bytes, Fault> {
        let framed = matches!(self.form, Form::Framed(_));
        let mut inside = BytesMut::with_capacity(if framed { body.len() } else { 0 });
        let mut rest = body.clone();
        while !rest.is_empty() {
            let mut step = rest.split_to(rest.len().min(HASH_STEP_BYTES));
            while let Some(piece) = self.take(&mut step)? {
                if framed {
                    inside.extend_from_slice(&piece);
                }
            }
            tokio::task::yield_now().await;
        }
        self.end()?;
        Ok(if framed { inside.freeze() } else { body })
    }

    /// The headers as the operation reads them, when it must not see those of the frames.
    pub(crate) fn headers(&self, sent: &HeaderMap) -> Option<HeaderMap> {
        let Form::Framed(decoder) = &self.form else { return None };
        let mut headers = sent.clone();
        headers.insert(CONTENT_LENGTH, decoder.stated_bytes().into());
        headers.remove(CONTENT_ENCODING);
        for value in sent.get_all(CONTENT_ENCODING) {
            let Ok(text) = value.to_str() else { continue };
            let others: Vec<&str> =
                text.split(',').map(str::trim).filter(|one| !matches!(*one, "aws-chunked" | "")).collect();
            if let (false, Ok(value)) = (others.is_empty(), HeaderValue::from_str(&others.join(","))) {
                headers.append(CONTENT_ENCODING, value);
            }
        }
        Some(headers)
    }
}

/// The checksum of its body that a request states. Where the model has no member for the algorithm, a header of that name is
/// about something else: the whole object of CompleteMultipartUpload.
pub(crate) fn stated(identified: &Identified, headers: &HeaderMap) -> Result<Option<checksum::Value>, Fault> {
    const ALGORITHM: &str = "x-amz-sdk-checksum-algorithm";
    if !identified.service.is_s3() {
        return Ok(None);
    }
    let Some(shape) = identified.operation.input else { return Ok(None) };
    let members = &identified.service.structure(shape).members;
    let is_of_body =
        members.iter().any(|member| member.header.as_ref().is_some_and(|header| *header == ALGORITHM));
    if !is_of_body {
        return Ok(None);
    }
    checksum::stated(headers).map_err(|wrong| wrong.fault())
}

/// S3's word for a body that ends before its end.
pub(crate) fn incomplete() -> Fault {
    Broken::Frames.fault()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_sees_nothing_of_the_frames_in_its_headers() {
        let of = |encodings: &[&str]| {
            let mut headers = HeaderMap::new();
            headers.insert(
                "x-amz-content-sha256",
                HeaderValue::from_static("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            );
            headers.insert("x-amz-decoded-content-length", HeaderValue::from_static("5"));
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("42"));
            for encoding in encodings {
                headers.append(CONTENT_ENCODING, HeaderValue::from_str(encoding).unwrap());
            }
            let parts = Parts { method: "PUT", path: "/b/k", query: "", headers: &headers };
            let checks = Checks::unverified(&parts).unwrap().unwrap();
            assert_eq!((checks.length(Some(42)), checks.held()), (Some(5), 0));
            let headers = checks.headers(&headers).unwrap();
            assert_eq!(headers[CONTENT_LENGTH], "5");
            let kept = headers.get_all(CONTENT_ENCODING).iter();
            kept.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of(&["aws-chunked"]), [""; 0]);
        assert_eq!(of(&["aws-chunked,gzip"]), ["gzip"]);
        assert_eq!(of(&["gzip, aws-chunked", "br"]), ["gzip", "br"]);
        assert_eq!(of(&[]), [""; 0]);
        assert!(Checks::none().headers(&HeaderMap::new()).is_none());
    }
}
