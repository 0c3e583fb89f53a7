//! Every kind of host and request, with where it goes.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::Model;
use crate::model::{Need, Operation, Segment};

fn hosts() -> Hosts {
    Hosts::with(["Lambent.Example".to_owned(), ".peer.test.".to_owned()]).expect("both are host names")
}

fn shown(host: &Host<'_>) -> String {
    let place = match host.place {
        Place::Anywhere => "-".to_owned(),
        Place::Service(prefix) => format!("service {prefix}"),
        Place::Bucket(bucket) => format!("bucket {bucket}"),
        Place::FunctionUrl(id) => format!("url {id}"),
        Place::Api(id) => format!("api {id}"),
    };
    match host.region {
        Some(region) => format!("{place} in {region}"),
        None => place,
    }
}

fn check_hosts(cases: &[(&str, &str)]) {
    for (host, expected) in cases {
        assert_eq!(shown(&hosts().read(host)), *expected, "{host}");
    }
}

#[test]
fn a_host_may_say_nothing() {
    check_hosts(&[
        ("localhost:4566", "-"),
        ("127.0.0.1:4566", "-"),
        ("127.0.0.1", "-"),
        ("[::1]:4566", "-"),
        ("my.house", "-"),
        ("lambent.example:4566", "-"),
        ("amazonaws.com", "-"),
        ("sqs.us-east-1.evil.example", "-"),
        ("notamazonaws.com", "-"),
        ("", "-"),
        ("a b", "-"),
        (".localhost", "-"),
    ]);
}

#[test]
fn a_host_names_a_service() {
    check_hosts(&[
        ("sqs.us-east-1.amazonaws.com", "service sqs in us-east-1"),
        ("SQS.US-East-1.AmazonAWS.com:443", "service sqs in US-East-1"),
        ("sqs.us-east-1.amazonaws.com.", "service sqs in us-east-1"),
        ("sqs.cn-north-1.amazonaws.com.cn", "service sqs in cn-north-1"),
        ("sqs.us-gov-west-1.amazonaws.com", "service sqs in us-gov-west-1"),
        ("sqs.us-iso-east-1.amazonaws.com", "service sqs in us-iso-east-1"),
        ("sqs.us-east-1.api.aws", "service sqs in us-east-1"),
        ("sqs-fips.us-east-1.amazonaws.com", "service sqs in us-east-1"),
        ("sqs.us-east-1.localhost:4566", "service sqs in us-east-1"),
        ("sqs.localhost", "service sqs"),
        ("sqs.us-east-1.lambent.example:4566", "service sqs in us-east-1"),
        ("sqs.us-east-1.PEER.test", "service sqs in us-east-1"),
        ("queue.amazonaws.com", "service sqs"),
        ("us-west-2.queue.amazonaws.com", "service sqs in us-west-2"),
        ("eu-west-1.queue.localhost:4566", "service sqs in eu-west-1"),
        ("iam.amazonaws.com", "service iam"),
        ("sts.amazonaws.com", "service sts"),
        ("lambda.eu-west-1.amazonaws.com", "service lambda in eu-west-1"),
        ("dynamodb.us-east-1.amazonaws.com", "service dynamodb in us-east-1"),
        ("111122223333.ddb.us-east-1.amazonaws.com", "service dynamodb in us-east-1"),
        ("streams.dynamodb.us-east-1.amazonaws.com", "service streams.dynamodb in us-east-1"),
        ("111122223333.data-kinesis.us-east-1.amazonaws.com", "service kinesis in us-east-1"),
        ("monitoring.us-east-1.amazonaws.com", "service monitoring in us-east-1"),
        ("states.us-east-1.amazonaws.com", "service states in us-east-1"),
        ("sync-states.us-east-1.amazonaws.com", "service states in us-east-1"),
        ("streaming-logs.us-east-1.amazonaws.com", "service logs in us-east-1"),
        ("api.ecr.us-east-1.amazonaws.com", "service api.ecr in us-east-1"),
        ("tagging.us-east-1.amazonaws.com", "service tagging in us-east-1"),
        ("apigateway.us-east-1.amazonaws.com", "service apigateway in us-east-1"),
        ("ec2.us-east-1.amazonaws.com", "- in us-east-1"),
    ]);
}

#[test]
fn a_host_names_s3_or_a_bucket() {
    check_hosts(&[
        ("s3.amazonaws.com", "service s3"),
        ("s3.localhost:4566", "service s3"),
        ("s3.us-west-2.amazonaws.com", "service s3 in us-west-2"),
        ("s3-us-west-2.amazonaws.com", "service s3 in us-west-2"),
        ("s3.dualstack.us-west-2.amazonaws.com", "service s3 in us-west-2"),
        ("s3-fips.us-west-2.amazonaws.com", "service s3 in us-west-2"),
        ("s3-fips.dualstack.us-west-2.amazonaws.com", "service s3 in us-west-2"),
        ("b.s3.amazonaws.com", "bucket b"),
        ("my.own.bucket.s3.amazonaws.com", "bucket my.own.bucket"),
        ("b.s3.us-west-2.amazonaws.com", "bucket b in us-west-2"),
        ("b.s3-us-west-2.amazonaws.com", "bucket b in us-west-2"),
        ("b.s3.dualstack.us-west-2.amazonaws.com", "bucket b in us-west-2"),
        ("b.s3-accelerate.amazonaws.com", "bucket b"),
        ("b.s3-accelerate.dualstack.amazonaws.com", "bucket b"),
        ("b.s3.localhost:4566", "bucket b"),
        ("b.s3.eu-central-1.localhost:4566", "bucket b in eu-central-1"),
        ("b.s3.lambent.example", "bucket b"),
        ("s3.s3.localhost", "bucket s3"),
        ("lambda-url.s3.localhost", "bucket lambda-url"),
        ("s3-website-us-east-1.amazonaws.com", "-"),
    ]);
}

#[test]
fn a_host_names_a_function_url_or_an_api() {
    check_hosts(&[
        ("abc.lambda-url.us-east-1.on.aws", "url abc in us-east-1"),
        ("abc.lambda-url.us-east-1.localhost:4566", "url abc in us-east-1"),
        ("abc.lambda-url.localhost", "url abc"),
        ("abc.lambda-url.us-east-1.peer.test:4566", "url abc in us-east-1"),
        ("lambda-url.localhost", "-"),
        ("a.b.lambda-url.us-east-1.on.aws", "- in us-east-1"),
        ("abc.execute-api.us-east-1.amazonaws.com", "api abc in us-east-1"),
        ("abc.execute-api.us-east-1.api.aws", "api abc in us-east-1"),
        ("abc.execute-api.localhost:4566", "api abc"),
        ("abc.execute-api.eu-west-1.localhost", "api abc in eu-west-1"),
        ("execute-api.us-east-1.amazonaws.com", "service execute-api in us-east-1"),
    ]);
}

#[test]
fn what_stands_before_our_own_suffixes_may_be_a_bucket() {
    for (host, expected) in [
        ("b.localhost:4566", Some("b")),
        ("my.own.localhost", Some("my.own")),
        ("b.lambent.example", Some("b")),
        ("b.amazonaws.com", None),
        ("localhost", None),
        ("b.example", None),
    ] {
        assert_eq!(hosts().read(host).prefix, expected, "{host}");
    }
}

#[test]
fn a_suffix_is_a_host_name() {
    for bad in ["", ".", "a b", "a:1", "10.0.0.1", "a/b", "[::1]"] {
        assert!(Hosts::with([bad.to_owned()]).is_err(), "{bad}");
    }
    for (name, expected) in [
        ("x.lambent.example", true),
        ("LAMBENT.example", true),
        ("xlambent.example", false),
        ("a.localhost", true),
    ] {
        assert_eq!(hosts().are_ours(name), expected, "{name}");
    }
}

#[derive(Default)]
struct Sent {
    method: &'static str,
    target: String,
    headers: HeaderMap,
    body: String,
    scope: Option<String>,
    host: &'static str,
}

fn sent(method: &'static str, target: &str) -> Sent {
    Sent { method, target: target.to_owned(), host: "localhost:4566", ..Sent::default() }
}

/// `POST /` with a target.
fn targeted(target: &str) -> Sent {
    sent("POST", "/").header("x-amz-target", target)
}

fn form(body: &str) -> Sent {
    Sent { body: body.to_owned(), ..sent("POST", "/") }
}

fn rpc(path: &str) -> Sent {
    sent("POST", path).header("smithy-protocol", "rpc-v2-cbor")
}

impl Sent {
    fn header(mut self, name: &'static str, value: &str) -> Sent {
        self.headers
            .insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"));
        self
    }

    /// Signed for this service.
    fn by(self, scope: &str) -> Sent {
        Sent { scope: Some(scope.to_owned()), ..self }
    }

    fn to(self, host: &'static str) -> Sent {
        Sent { host, ..self }
    }

    fn goes(&self) -> String {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target.as_str(), None),
        };
        let body = self.body.clone().into();
        let request = Request { method: self.method, path, query, headers: &self.headers, body };
        match route(&request, self.scope.as_deref(), &hosts().read(self.host)) {
            Ok(Route::Operation { identified, path }) => {
                let Identified { service, operation, protocol, .. } = identified;
                let path = path.map(|path| format!(" {path}")).unwrap_or_default();
                format!("{} {} {}{path}", service.name(), operation.name, protocol.name())
            }
            Ok(Route::FunctionUrl { id, region }) => format!("url {id} {}", region.unwrap_or("-")),
            Ok(Route::Api { id, region }) => format!("api {id} {}", region.unwrap_or("-")),
            Err(Lost { fault, protocol }) => {
                format!("{} {} {}", fault.status, fault.code, protocol.name())
            }
        }
    }
}

fn check(cases: impl IntoIterator<Item = (Sent, &'static str)>) {
    for (sent, expected) in cases {
        assert_eq!(sent.goes(), expected, "{} {} to {}", sent.method, sent.target, sent.host);
    }
}

#[test]
fn the_scope_decides_before_the_host() {
    check([
        (sent("GET", "/2015-03-31/functions/").by("lambda"), "lambda ListFunctions restJson1"),
        (
            sent("GET", "/2015-03-31/functions/").by("lambda").to("s3.localhost"),
            "lambda ListFunctions restJson1",
        ),
        (sent("GET", "/2015-03-31/functions/").by("s3"), "s3 GetObject restXml"),
        (sent("GET", "/tags/a").by("scheduler"), "scheduler ListTagsForResource restJson1"),
        (sent("GET", "/tags/a").by("pipes"), "pipes ListTagsForResource restJson1"),
        (sent("GET", "/tags/a").by("apigateway"), "apigateway GetTags restJson1"),
        (sent("GET", "/v2/tags/a").by("apigateway"), "apigatewayv2 GetTags restJson1"),
        (sent("GET", "/restapis").by("apigateway"), "apigateway GetRestApis restJson1"),
        (sent("GET", "/v2/apis").by("apigateway"), "apigatewayv2 GetApis restJson1"),
        (sent("GET", "/").by("ec2"), "501 NotImplemented restJson1"),
        (sent("GET", "/bogus").by("lambda"), "404 UnknownOperationException restJson1"),
        (sent("GET", "/").by("iam"), "400 MissingAction awsQuery"),
        (sent("POST", "/").by("dynamodb"), "400 UnknownOperationException awsJson1_1"),
    ]);
}

#[test]
fn services_of_one_signing_name_are_told_apart() {
    check([
        (targeted("DynamoDB_20120810.ListTables").by("dynamodb"), "dynamodb ListTables awsJson1_0"),
        (
            targeted("DynamoDBStreams_20120810.ListStreams").by("dynamodb"),
            "dynamodbstreams ListStreams awsJson1_0",
        ),
        (
            targeted("DynamoDBStreams_20120810.ListTables").by("dynamodb"),
            "400 UnknownOperationException awsJson1_1",
        ),
        (
            sent("POST", "/prod/@connections/c1%3D").by("execute-api"),
            "apigatewaymanagementapi PostToConnection restJson1 /@connections/c1%3D",
        ),
        (
            sent("GET", "/@connections/c1").by("execute-api"),
            "apigatewaymanagementapi GetConnection restJson1",
        ),
        (sent("GET", "/prod/things").by("execute-api"), "404 UnknownOperationException restJson1"),
    ]);
}

#[test]
fn a_service_may_speak_several_protocols() {
    check([
        (
            rpc("/service/GraniteServiceVersion20100801/operation/ListMetrics").by("monitoring"),
            "cloudwatch ListMetrics rpcv2Cbor",
        ),
        (
            rpc("/before/service/GraniteServiceVersion20100801/operation/ListMetrics"),
            "cloudwatch ListMetrics rpcv2Cbor",
        ),
        (
            rpc("/service/ResourceGroupsTaggingAPI_20170126/operation/GetResources"),
            "resourcegroupstaggingapi GetResources rpcv2Cbor",
        ),
        (
            rpc("/service/GraniteServiceVersion20100801/operation/Nothing").by("monitoring"),
            "404 UnknownOperationException rpcv2Cbor",
        ),
        (
            rpc("/service/Other/operation/ListMetrics").by("monitoring"),
            "404 UnknownOperationException rpcv2Cbor",
        ),
        (rpc("/service/AmazonSQS/operation/ListQueues"), "404 UnknownOperationException rpcv2Cbor"),
        (
            targeted("GraniteServiceVersion20100801.ListMetrics").by("monitoring"),
            "cloudwatch ListMetrics awsJson1_0",
        ),
        (form("Action=ListMetrics&Version=2010-08-01").by("monitoring"), "cloudwatch ListMetrics awsQuery"),
        (targeted("AmazonSQS.ListQueues").by("sqs"), "sqs ListQueues awsJson1_0"),
        (
            targeted("AmazonSQS.ListQueues").by("sqs").header("content-type", "application/x-amz-json-1.1"),
            "sqs ListQueues awsJson1_1",
        ),
        (form("Action=ListQueues").by("sqs"), "sqs ListQueues awsQuery"),
        (sent("GET", "/?Action=ListQueues&Version=2012-11-05").by("sqs"), "sqs ListQueues awsQuery"),
        // A body that is not the caller's but looks like one.
        (form("Action=ListTables").by("dynamodb"), "400 InvalidAction awsQuery"),
    ]);
}

#[test]
fn an_unsigned_request_is_routed_by_its_host() {
    check([
        (sent("GET", "/").to("s3.localhost"), "s3 ListBuckets restXml"),
        (sent("GET", "/b/k").to("s3.us-east-1.amazonaws.com"), "s3 GetObject restXml"),
        (sent("GET", "/").to("sqs.us-east-1.localhost"), "400 UnknownOperationException awsJson1_1"),
        (sent("GET", "/").to("sns.us-east-1.localhost"), "400 MissingAction awsQuery"),
        (
            sent("GET", "/000000000000/q?Action=ReceiveMessage").to("us-east-1.queue.localhost"),
            "sqs ReceiveMessage awsQuery",
        ),
        (sent("GET", "/tags/a").to("pipes.us-east-1.localhost"), "pipes ListTagsForResource restJson1"),
        (sent("GET", "/v2/apis").to("apigateway.us-east-1.localhost"), "apigatewayv2 GetApis restJson1"),
        (sent("GET", "/x").to("lambda.us-east-1.localhost"), "404 UnknownOperationException restJson1"),
    ]);
}

#[test]
fn an_unsigned_request_is_routed_by_what_it_has() {
    check([
        (sent("GET", "/2015-03-31/functions/"), "lambda ListFunctions restJson1"),
        (sent("GET", "/2015-03-31/bogus"), "404 UnknownOperationException restJson1"),
        (sent("PUT", "/TraceSegments"), "404 UnknownOperationException restJson1"),
        (sent("POST", "/TraceSegments"), "xray PutTraceSegments restJson1"),
        (targeted("Logs_20140328.FilterLogEvents"), "logs FilterLogEvents awsJson1_1"),
        (targeted("Nothing.FilterLogEvents"), "400 UnknownOperationException awsJson1_1"),
        (targeted("FilterLogEvents"), "400 UnknownOperationException awsJson1_1"),
        (
            form("Action=AssumeRoleWithWebIdentity&Version=2011-06-15"),
            "sts AssumeRoleWithWebIdentity awsQuery",
        ),
        (form("Action=ListTopics&Version=2010-03-31"), "sns ListTopics awsQuery"),
        (form("Action=ListTopics&Version=1999-01-01"), "400 InvalidAction awsQuery"),
        (form("Action=ListTopics"), "400 InvalidAction awsQuery"),
        (Sent { target: "/000000000000/q".into(), ..form("Action=SendMessage") }, "sqs SendMessage awsQuery"),
        (Sent { target: "/b/k".into(), ..form("Action=SendMessage") }, "400 InvalidAction awsQuery"),
        (sent("GET", "/"), "404 UnknownOperationException restJson1"),
        (sent("GET", "/b/k"), "s3 GetObject restXml"),
        (sent("GET", "/b"), "s3 ListObjects restXml"),
        (sent("PATCH", "/b"), "405 MethodNotAllowed restXml"),
    ]);
}

#[test]
fn buckets_of_hosts_become_the_first_label() {
    check([
        (sent("GET", "/").by("s3").to("b.s3.localhost"), "s3 ListObjects restXml /b/"),
        (sent("GET", "/?list-type=2").by("s3").to("b.s3.localhost"), "s3 ListObjectsV2 restXml /b/"),
        (sent("GET", "/a//b/").by("s3").to("B.s3.us-east-1.amazonaws.com"), "s3 GetObject restXml /b/a//b/"),
        (sent("GET", "/k").to("b.s3.amazonaws.com"), "s3 GetObject restXml /b/k"),
        (sent("PUT", "/k").by("s3").to("b.localhost:4566"), "s3 PutObject restXml /b/k"),
        (sent("PUT", "/k").by("s3").to("sqs.localhost:4566"), "s3 PutObject restXml /sqs/k"),
        (sent("PUT", "/k").by("s3").to("sqs.us-east-1.amazonaws.com"), "s3 CreateBucket restXml"),
        (sent("GET", "/k").to("b.localhost:4566"), "s3 GetObject restXml /b/k"),
        (sent("GET", "/").to("b.localhost:4566"), "s3 ListObjects restXml /b/"),
        (sent("GET", "/b/k").by("s3").to("127.0.0.1:4566"), "s3 GetObject restXml"),
        (sent("PATCH", "/k").by("s3").to("b.s3.localhost"), "405 MethodNotAllowed restXml"),
        // Another service is not disturbed by a name before our suffix.
        (
            sent("GET", "/2015-03-31/functions").by("lambda").to("b.localhost"),
            "lambda ListFunctions restJson1",
        ),
    ]);
}

#[test]
fn operations_of_s3_share_paths() {
    check(
        [
            (sent("GET", "/"), "s3 ListBuckets restXml"),
            (sent("GET", "/b"), "s3 ListObjects restXml"),
            (sent("GET", "/b/"), "s3 ListObjects restXml"),
            (sent("GET", "/b?list-type=2&prefix=a"), "s3 ListObjectsV2 restXml"),
            (sent("GET", "/b?list-type=1"), "s3 ListObjects restXml"),
            (sent("GET", "/b?acl"), "s3 GetBucketAcl restXml"),
            (sent("GET", "/b?acl="), "s3 GetBucketAcl restXml"),
            (sent("GET", "/b?ACL"), "s3 ListObjects restXml"),
            (sent("GET", "/b?analytics"), "s3 ListBucketAnalyticsConfigurations restXml"),
            (sent("GET", "/b?analytics&id=1"), "s3 GetBucketAnalyticsConfiguration restXml"),
            (sent("DELETE", "/b?analytics"), "s3 DeleteBucketAnalyticsConfiguration restXml"),
            (sent("DELETE", "/b"), "s3 DeleteBucket restXml"),
            (sent("GET", "/b?lifecycle"), "s3 GetBucketLifecycleConfiguration restXml"),
            (sent("PUT", "/b?notification"), "s3 PutBucketNotificationConfiguration restXml"),
            (sent("HEAD", "/b"), "s3 HeadBucket restXml"),
            (sent("POST", "/b?delete"), "s3 DeleteObjects restXml"),
            (sent("POST", "/b"), "405 MethodNotAllowed restXml"),
            (sent("GET", "/b/k"), "s3 GetObject restXml"),
            (sent("GET", "/b/k?x-id=GetObject&versionId=3"), "s3 GetObject restXml"),
            (sent("GET", "/b/a/b/c%2F/"), "s3 GetObject restXml"),
            (sent("GET", "/b//"), "s3 GetObject restXml"),
            (sent("GET", "/b/k?tagging"), "s3 GetObjectTagging restXml"),
            (sent("GET", "/b/k?attributes"), "s3 GetObjectAttributes restXml"),
            (sent("GET", "/b/k?uploadId=1"), "s3 ListParts restXml"),
            (sent("PUT", "/b/k"), "s3 PutObject restXml"),
            (sent("PUT", "/b/k").header("x-amz-copy-source", "/b/j"), "s3 CopyObject restXml"),
            (sent("PUT", "/b/k?partNumber=1&uploadId=1"), "s3 UploadPart restXml"),
            (sent("PUT", "/b/k?PartNumber=1&UploadId=1"), "s3 PutObject restXml"),
            (
                sent("PUT", "/b/k?partNumber=1&uploadId=1").header("x-amz-copy-source", "/b/j"),
                "s3 UploadPartCopy restXml",
            ),
            (sent("POST", "/b/k?uploads"), "s3 CreateMultipartUpload restXml"),
            (sent("POST", "/b/k?uploadId=1"), "s3 CompleteMultipartUpload restXml"),
            (sent("DELETE", "/b/k?uploadId=1"), "s3 AbortMultipartUpload restXml"),
            (sent("DELETE", "/b/k"), "s3 DeleteObject restXml"),
            (sent("POST", "/b/k?select&select-type=2"), "s3 SelectObjectContent restXml"),
        ]
        .map(|(sent, expected)| (sent.by("s3"), expected)),
    );
}

#[test]
fn urls_and_apis_are_not_operations() {
    check([
        (sent("GET", "/").to("abc.lambda-url.us-east-1.on.aws"), "url abc us-east-1"),
        (
            sent("PATCH", "/2015-03-31/functions").by("lambda").to("abc.lambda-url.localhost:4566"),
            "url abc -",
        ),
        (form("Action=ListTopics&Version=2010-03-31").to("abc.lambda-url.localhost"), "url abc -"),
        (sent("GET", "/prod/x").to("abc.execute-api.us-east-1.amazonaws.com"), "api abc us-east-1"),
        (sent("GET", "/prod/x").by("execute-api").to("abc.execute-api.localhost:4566"), "api abc -"),
        (
            sent("DELETE", "/prod/@connections/c").by("execute-api").to("abc.execute-api.localhost"),
            "apigatewaymanagementapi DeleteConnection restJson1 /@connections/c",
        ),
        (
            sent("DELETE", "/prod/@connections/c").to("abc.execute-api.localhost"),
            "apigatewaymanagementapi DeleteConnection restJson1 /@connections/c",
        ),
    ]);
}

/// A request for the operation, as the model says.
fn of_model(operation: &Operation) -> Sent {
    let mut headers = HeaderMap::new();
    let mut query: Vec<String> = Vec::new();
    for (key, value) in &operation.constants {
        query.push(if value.is_empty() { key.clone() } else { format!("{key}={value}") });
    }
    for need in &operation.needs {
        match need {
            Need::Query(name) => query.push(format!("{name}=1")),
            Need::Header(name) => drop(headers.insert(name.clone(), HeaderValue::from_static("1"))),
        }
    }
    let path: String = operation
        .path
        .iter()
        .map(|segment| match segment {
            Segment::Literal(text) => format!("/{text}"),
            Segment::Label(_) => "/label".to_owned(),
            Segment::Greedy(_) => "/many/labels/".to_owned(),
        })
        .collect();
    let path = if path.is_empty() { "/".to_owned() } else { path };
    let target = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
    let method = match operation.method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        other => panic!("no method {other}"),
    };
    Sent { headers, ..sent(method, &target) }
}

#[test]
fn every_operation_of_every_model_is_found_in_every_protocol() {
    let mut found = 0;
    for model in Model::all() {
        for operation in model.operations() {
            for protocol in model.protocols() {
                let request = match protocol {
                    Protocol::RestJson | Protocol::RestXml => of_model(operation),
                    Protocol::Json10 | Protocol::Json11 => {
                        targeted(&format!("{}.{}", model.target_prefix(), operation.name))
                    }
                    Protocol::Query => {
                        form(&format!("Action={}&Version={}", operation.name, model.api_version()))
                    }
                    Protocol::Cbor => {
                        rpc(&format!("/service/{}/operation/{}", model.target_prefix(), operation.name))
                    }
                };
                let expected = format!("{} {} {}", model.name(), operation.name, protocol.name());
                assert_eq!(request.by(model.signing_name()).goes(), expected);
                found += 1;
            }
        }
    }
    assert!(found > 1500, "only {found} operations were looked for");
}

#[test]
fn only_operations_that_aws_leaves_open_take_no_signature() {
    let open: Vec<String> = Model::all()
        .flat_map(|model| model.operations().iter().map(move |operation| (model, operation)))
        .filter(|(_, operation)| !operation.signed)
        .map(|(model, operation)| format!("{}:{}", model.name(), operation.name))
        .collect();
    assert_eq!(open, ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"]);
}

proptest::proptest! {
    #[test]
    fn no_host_and_no_path_make_routing_panic(host in ".{0,80}", path in "/[ -~]{0,80}", query in "[ -~]{0,40}") {
        let hosts = hosts();
        let host = hosts.read(&host);
        let request = Request {
            method: "GET", path: &path, query: Some(&query), headers: &HeaderMap::new(), body: Body::default(),
        };
        for scope in [None, Some("s3"), Some("execute-api"), Some("dynamodb")] {
            let _ = route(&request, scope, &host);
        }
    }
}
