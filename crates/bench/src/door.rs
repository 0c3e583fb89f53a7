//! The front door without its socket: find the operation, verify the signature, decode, validate, encode, for a small request of
//! each protocol.

use anyhow::{Context as _, anyhow};
use aws::Millis;
use bytes::Bytes;
use http::Request;
use tasks::Clock;
use wire::sigv4::{BodyHash, Claim, Credentials, Family, Parts, Scope, SigningKey};
use wire::{Protocol, Value};

use crate::client::{self, structure, text};

/// One protocol with a small request.
pub struct Door {
    /// Its name, e.g. `restXml`.
    pub name: &'static str,
    protocol: Protocol,
    operation: (&'static str, &'static str),
    input: fn() -> Value,
    output: fn() -> Value,
}

/// Every protocol that clients speak.
pub const DOORS: [Door; 6] = [
    Door {
        name: "restJson1",
        protocol: Protocol::RestJson,
        operation: ("lambda", "GetAlias"),
        input: || structure([("FunctionName", text("hello")), ("Name", text("live"))]),
        output: || {
            let arn = text("arn:aws:lambda:us-east-1:000000000000:function:hello:live");
            structure([("AliasArn", arn), ("Name", text("live")), ("FunctionVersion", text("7"))])
        },
    },
    Door {
        name: "awsJson1.0",
        protocol: Protocol::Json10,
        operation: ("sqs", "SendMessage"),
        input: || {
            let url = text("http://127.0.0.1:4566/000000000000/orders");
            structure([("QueueUrl", url), ("MessageBody", text("{\"order\": 7}"))])
        },
        output: || {
            let id = text("8476a536-e9f4-11e8-9739-2dfe598c3fcd");
            structure([("MessageId", id), ("MD5OfMessageBody", text("fafb00f5732ab283681e124bf8747ed1"))])
        },
    },
    Door {
        name: "awsJson1.1",
        protocol: Protocol::Json11,
        operation: ("kinesis", "PutRecord"),
        input: || {
            let data = Value::Blob(Bytes::from_static(b"a record"));
            structure([("StreamName", text("clicks")), ("Data", data), ("PartitionKey", text("k"))])
        },
        output: || {
            let number = text("49543463076548007577105092703039560359975228518395012686");
            structure([("ShardId", text("shardId-000000000000")), ("SequenceNumber", number)])
        },
    },
    Door {
        name: "awsQuery",
        protocol: Protocol::Query,
        operation: ("sns", "Publish"),
        input: || {
            let topic = text("arn:aws:sns:us-east-1:000000000000:orders");
            structure([("TopicArn", topic), ("Message", text("{\"order\": 7}"))])
        },
        output: || structure([("MessageId", text("8476a536-e9f4-11e8-9739-2dfe598c3fcd"))]),
    },
    Door {
        name: "restXml",
        protocol: Protocol::RestXml,
        operation: ("s3", "ListObjectsV2"),
        input: || structure([("Bucket", text("photos")), ("Prefix", text("2026/"))]),
        output: || {
            let object = structure([("Key", text("2026/a.jpg")), ("Size", Value::Integer(434_234))]);
            let contents = Value::List(vec![object]);
            structure([("Name", text("photos")), ("KeyCount", Value::Integer(1)), ("Contents", contents)])
        },
    },
    Door {
        name: "rpcv2Cbor",
        protocol: Protocol::Cbor,
        operation: ("cloudwatch", "PutMetricData"),
        input: || {
            let datum = structure([("MetricName", text("orders")), ("Value", Value::Float(7.0))]);
            structure([("Namespace", text("shop")), ("MetricData", Value::List(vec![datum]))])
        },
        output: || structure([]),
    },
];

/// A door with a request in front of it.
pub struct Knocked {
    request: Request<Bytes>,
    service: &'static str,
    key: SigningKey,
    output: Value,
    now: Millis,
}

impl Door {
    /// Writes and signs the request.
    ///
    /// # Errors
    /// When the model has no such operation.
    pub fn knock(&self) -> anyhow::Result<Knocked> {
        let credentials = Credentials {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "secret".to_owned(),
            session_token: None,
        };
        let input = (self.input)();
        let request =
            client::request_as(self.protocol, "127.0.0.1:4566", &credentials, self.operation, input)?;
        let parts = parts(&request);
        let claim = Claim::of(&parts).map_err(|refusal| anyhow!("{refusal:?}"))?;
        let scope: Scope<'_> = claim.scope();
        let key = SigningKey::derive(&credentials.secret_key, &scope);
        let model = wire::Model::named(self.operation.0).context("there is no such service")?;
        let now = Millis(Clock::real().wall_ms());
        let service = model.signing_name();
        Ok(Knocked { service, key, output: (self.output)(), now, request })
    }
}

impl Knocked {
    /// Serves the request once; the length of the answer.
    ///
    /// # Errors
    /// When anything on the way refuses it.
    pub fn serve(&self) -> anyhow::Result<u64> {
        let parts = parts(&self.request);
        let refused = |refusal: wire::sigv4::Refusal| anyhow!("{:?}", refusal.fault(Family::Json));
        let claim = Claim::of(&parts).map_err(refused)?;
        let body = self.request.body();
        let request = wire::Request {
            method: parts.method,
            path: parts.path,
            query: self.request.uri().query(),
            headers: parts.headers,
            body: body.clone().into(),
        };
        let failed = |fault: aws::Fault| anyhow!("{fault:?}");
        let identified = wire::identify(&request, Some(claim.scope().service)).map_err(failed)?;
        claim.check(self.service, self.now).map_err(refused)?;
        claim.verify(&parts, BodyHash::of(body), &self.key).map_err(refused)?;
        let input = identified.decode(&request).map_err(failed)?;
        identified.validate(&input).map_err(failed)?;
        let answer = identified.encode(self.output.clone(), "8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        answer.body.length().context("the answer is at hand")
    }
}

fn parts(request: &Request<Bytes>) -> Parts<'_> {
    Parts {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: request.headers(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_has_a_request_that_is_served() {
        for door in &DOORS {
            let knocked = door.knock().unwrap_or_else(|error| panic!("{}: {error:#}", door.name));
            for _ in 0..2 {
                knocked.serve().unwrap_or_else(|error| panic!("{}: {error:#}", door.name));
            }
        }
    }
}
