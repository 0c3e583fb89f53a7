//! Requests of real clients and their answers, byte for byte.

use aws::{Fault, Member};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use wire::{Identified, Model, Protocol, Request, Response, Value, encode_fault, identify};

const ID: &str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef";

/// An HTTP request that owns its parts.
struct Sent {
    method: &'static str,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Sent {
    fn new(method: &'static str, target: impl Into<String>) -> Sent {
        Sent { method, target: target.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    fn header(mut self, name: &'static str, value: &str) -> Sent {
        self.headers
            .append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"));
        self
    }

    fn body(mut self, body: impl Into<Bytes>) -> Sent {
        self.body = body.into();
        self
    }

    fn form(body: &str) -> Sent {
        Sent::new("POST", "/")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(body.to_owned())
    }

    fn json(target: &str, body: &str) -> Sent {
        Sent::new("POST", "/")
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .body(body.to_owned())
    }

    fn request(&self) -> Request<'_> {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target.as_str(), None),
        };
        Request { method: self.method, path, query, headers: &self.headers, body: self.body.clone().into() }
    }

    fn identified(&self, service: &str) -> Identified {
        identify(&self.request(), Some(service)).expect("the operation is known")
    }

    fn input(&self, service: &str) -> Value {
        self.identified(service).decode(&self.request()).expect("the request can be read")
    }

    fn fault(&self, service: &str) -> Fault {
        let identified = match identify(&self.request(), Some(service)) {
            Ok(identified) => identified,
            Err(fault) => return fault,
        };
        identified.decode(&self.request()).expect_err("the request cannot be read")
    }
}

fn named(service: &str, operation: &str) -> Identified {
    Identified::named(Model::named(service).expect("the model is embedded"), operation)
        .expect("the operation exists")
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(response.body.whole().expect("the answer is at hand")).expect("answers are UTF-8")
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers.get(name).map_or("", |value| value.to_str().expect("headers are ASCII"))
}

fn structure<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Structure(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

#[test]
fn an_invoke_shares_its_payload_and_reads_labels_query_and_headers() {
    let sent = Sent::new("POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/invocations?Qualifier=PROD")
        .header("x-amz-invocation-type", "RequestResponse")
        .header("x-amz-log-type", "Tail")
        .header("content-encoding", "gzip")
        .body(Bytes::from_static(b"not json, and nobody looks"));
    let input = sent.input("lambda");
    assert_eq!(
        input.member("FunctionName").as_text(),
        Some("arn:aws:lambda:eu-west-1:123456789012:function:f")
    );
    assert_eq!(input.member("Qualifier").as_text(), Some("PROD"));
    assert_eq!(input.member("LogType").as_text(), Some("Tail"));
    let Value::Blob(payload) = input.member("Payload") else { panic!("the payload is a blob") };
    assert_eq!(payload.as_ptr(), sent.body.as_ptr(), "the payload is the body, not a copy");
}

#[test]
fn the_payload_of_an_unsigned_invoke_is_not_searched_for_an_action() {
    let sent = Sent::new("POST", "/2015-03-31/functions/f/invocations")
        .body("Action=GetCallerIdentity&Version=2011-06-15");
    let found = identify(&sent.request(), None).expect("the operation is known");
    assert_eq!(found.operation.name, "Invoke");
}

#[test]
fn a_raw_colon_in_a_label_is_accepted() {
    let sent = Sent::new("POST", "/2015-03-31/functions/my-fn:PROD/invocations");
    assert_eq!(sent.input("lambda"), structure([("FunctionName", Value::Text("my-fn:PROD".into()))]));
}

#[test]
fn an_answer_of_invoke_has_its_headers_from_the_model() {
    let output = structure([
        ("StatusCode", Value::Integer(200)),
        ("FunctionError", Value::Text("Unhandled".into())),
        ("LogResult", Value::Text("TE9H".into())),
        ("ExecutedVersion", Value::Text("$LATEST".into())),
        ("Payload", Value::Blob(Bytes::from_static(b"{\"errorMessage\":1}"))),
    ]);
    let response = named("lambda", "Invoke").encode(output, ID);
    assert_eq!((response.status, text(&response)), (200, "{\"errorMessage\":1}"));
    for (name, value) in [
        ("x-amz-function-error", "Unhandled"),
        ("x-amz-log-result", "TE9H"),
        ("x-amz-executed-version", "$LATEST"),
        ("x-amzn-requestid", ID),
        ("content-type", "application/json"),
    ] {
        assert_eq!(header(&response, name), value, "{name}");
    }
}

#[test]
fn the_status_of_an_answer_is_a_member_where_the_model_says_so() {
    for (status, body) in [(202, ""), (204, "")] {
        let response =
            named("lambda", "Invoke").encode(structure([("StatusCode", Value::Integer(status))]), ID);
        assert_eq!((i64::from(response.status), text(&response)), (status, body));
    }
    assert_eq!(named("lambda", "CreateFunction").encode(structure([]), ID).status, 201);
}

#[test]
fn a_zip_in_a_body_is_decoded_from_base64() {
    let sent = Sent::new("POST", "/2015-03-31/functions/")
        .body(r#"{"FunctionName":"f","Role":"r","Code":{"ZipFile":"UEsDBA\/+"},"Unknown":{"a":[1,{}]},"Timeout":3.9}"#);
    let input = sent.input("lambda");
    assert_eq!(
        input.member("Code").member("ZipFile"),
        &Value::Blob(Bytes::from_static(b"PK\x03\x04\x0f\xfe"))
    );
    assert_eq!(input.member("Timeout"), &Value::Integer(3), "AWS cuts fractions off");
}

#[test]
fn values_of_the_wrong_type_are_refused_in_aws_s_words() {
    let create =
        |body: &str| Sent::new("POST", "/2015-03-31/functions").body(body.to_owned()).fault("lambda");
    let cases = [
        (r#"{"FunctionName":true}"#, "class java.lang.Boolean can not be converted to an String"),
        (
            r#"{"FunctionName":1}"#,
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
        ),
        (r#"{"Timeout":"3"}"#, "class java.lang.String can not be converted to an Integer"),
        (r#"{"FunctionName":[]}"#, "Start of list found where not expected"),
        (r#"{"FunctionName":{}}"#, "Start of structure or map found where not expected."),
        (r#"{"Layers":"x"}"#, "Expected list or null"),
        (
            r#"{"Code":{"ZipFile":"abc"}}"#,
            "'abc' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 3",
        ),
        (r#"{"FunctionName":"#, ""),
        (r#"{} x"#, ""),
    ];
    for (body, message) in cases {
        let fault = create(body);
        assert_eq!(
            (fault.code.as_ref(), fault.status, fault.message.as_str()),
            ("SerializationException", 400, message),
            "{body}"
        );
    }
}

#[test]
fn every_parser_has_its_bounds() {
    let deep = format!("{}{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    let wide = "x=1&".repeat(20_001);
    let forms = [
        Sent::new("POST", "/2015-03-31/functions").body(deep.clone()).fault("lambda"),
        Sent::form(&format!("Action=GetRole&{wide}")).fault("iam"),
        Sent::form(&format!("Action=GetRole&{}=1", "a.".repeat(100))).fault("iam"),
        Sent::new("GET", format!("/2015-03-31/functions?{wide}")).fault("lambda"),
        Sent::new("GET", "/a".repeat(100)).fault("lambda"),
    ];
    let codes: Vec<&str> = forms.iter().map(|fault| fault.code.as_ref()).collect();
    assert_eq!(
        codes,
        [
            "SerializationException",
            "MalformedInput",
            "MalformedInput",
            "SerializationException",
            "UnknownOperationException"
        ]
    );
    let mut many = Sent::json("Logs_20140328.FilterLogEvents", "{}");
    for _ in 0..300 {
        many = many.header("x-more", "1");
    }
    assert_eq!(many.fault("logs").code, "RequestHeaderSectionTooLarge");
}

#[test]
fn a_compressed_body_is_inflated_up_to_a_bound() {
    use std::io::Write as _;
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("write to memory");
        encoder.finish().expect("write to memory")
    };
    let sent = |body: &[u8]| {
        Sent::json("Logs_20140328.DescribeLogGroups", "").header("content-encoding", "gzip").body(gzip(body))
    };
    assert_eq!(sent(br#"{"limit":3}"#).input("logs"), structure([("limit", Value::Integer(3))]));
    assert_eq!(sent(&vec![b' '; 20 << 20]).fault("logs").code, "SerializationException");
}

#[test]
fn a_request_is_found_by_what_it_has() {
    let cases = [
        (
            Sent::form("Action=GetCallerIdentity&Version=2011-06-15"),
            None,
            "GetCallerIdentity",
            Protocol::Query,
        ),
        (
            Sent::new("GET", "/?Version=2011-06-15&Action=GetCallerIdentity"),
            Some("sts"),
            "GetCallerIdentity",
            Protocol::Query,
        ),
        (Sent::new("POST", "/").body("Action=ListQueues"), Some("sqs"), "ListQueues", Protocol::Query),
        (Sent::json("AmazonSQS.ListQueues", "{}"), Some("sqs"), "ListQueues", Protocol::Json11),
        (Sent::json("Logs_20140328.FilterLogEvents", "{}"), None, "FilterLogEvents", Protocol::Json11),
        (Sent::new("GET", "/2015-03-31/functions/"), None, "ListFunctions", Protocol::RestJson),
        (
            Sent::new("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a"),
            None,
            "GetLayerVersionByArn",
            Protocol::RestJson,
        ),
        (Sent::json("AmazonSQS.ListQueues", "{}"), None, "ListQueues", Protocol::Json11),
    ];
    for (sent, service, operation, protocol) in cases {
        let found = identify(&sent.request(), service).expect("the operation is known");
        assert_eq!((found.operation.name.as_str(), found.protocol), (operation, protocol));
        assert_eq!(Protocol::guess(&sent.request(), service), protocol);
    }
}

#[test]
fn what_is_not_known_has_aws_s_code() {
    let cases = [
        (
            Sent::form("Action=Nothing&Version=2011-06-15"),
            "sts",
            "InvalidAction",
            400,
            "Could not find operation Nothing for version 2011-06-15",
        ),
        (
            Sent::form("Action=GetCallerIdentity&Version=2010-05-08"),
            "sts",
            "InvalidAction",
            400,
            "Could not find operation GetCallerIdentity for version 2010-05-08",
        ),
        (
            Sent::form("Action=Nothing"),
            "sqs",
            "InvalidAction",
            400,
            "The action Nothing is not valid for this endpoint.",
        ),
        (
            Sent::new("GET", "/"),
            "iam",
            "MissingAction",
            400,
            "The request is missing an action or a required parameter.",
        ),
        (Sent::json("Logs_20140328.Nothing", "{}"), "logs", "UnknownOperationException", 400, ""),
        (Sent::json("AmazonSQS.ListQueues", "{}"), "logs", "UnknownOperationException", 400, ""),
        (Sent::new("GET", "/2015-03-31/nothing"), "lambda", "UnknownOperationException", 404, ""),
        (Sent::new("GET", "/"), "ec2", "NotImplemented", 501, "ec2 is not implemented"),
    ];
    for (sent, service, code, status, message) in cases {
        let fault = sent.fault(service);
        assert_eq!((fault.code.as_ref(), fault.status, fault.message.as_str()), (code, status, message));
    }
}

#[test]
fn a_fault_of_lambda_has_type_and_the_casing_of_its_shape() {
    let not_found = Fault::new("ResourceNotFoundException", 404, "Function not found: arn")
        .with("Type", Member::Text("User".into()));
    let response = named("lambda", "GetFunction").encode_fault(&not_found, ID);
    assert_eq!(response.status, 404);
    assert_eq!(header(&response, "x-amzn-errortype"), "ResourceNotFoundException");
    assert_eq!(text(&response), r#"{"Type":"User","Message":"Function not found: arn"}"#);

    let throttled = Fault::new("TooManyRequestsException", 429, "Rate Exceeded.")
        .with("Reason", Member::Text("ReservedFunctionConcurrentInvocationLimitExceeded".into()))
        .with("Type", Member::Text("User".into()))
        .with("retryAfterSeconds", Member::Text("1".into()));
    let response = named("lambda", "Invoke").encode_fault(&throttled, ID);
    assert_eq!(header(&response, "retry-after"), "1");
    assert_eq!(
        text(&response),
        r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#
    );

    let invalid = Fault::new("ValidationException", 400, "1 validation error");
    assert_eq!(
        text(&named("lambda", "Invoke").encode_fault(&invalid, ID)),
        r#"{"message":"1 validation error"}"#
    );
}

#[test]
fn faults_of_query_services_are_xml_with_the_code_of_the_shape() {
    let fault = Fault::new("NoSuchEntity", 404, "The role with name <r> cannot be found.");
    let response = named("iam", "GetRole").encode_fault(&fault, ID);
    assert_eq!(header(&response, "content-type"), "text/xml");
    assert_eq!(
        text(&response),
        format!(
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>NoSuchEntity\
             </Code><Message>The role with name &lt;r&gt; cannot be found.</Message></Error><RequestId>{ID}</RequestId>\
             </ErrorResponse>"
        )
    );
}

#[test]
fn faults_of_sqs_have_two_codes() {
    let fault = Fault::new("QueueDoesNotExist", 400, "The specified queue does not exist.");
    let json = named("sqs", "SendMessage").encode_fault(&fault, ID);
    assert_eq!(header(&json, "x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
    assert_eq!(
        text(&json),
        r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#
    );
    let query =
        Sent::form("Action=SendMessage&Version=2012-11-05").identified("sqs").encode_fault(&fault, ID);
    assert!(
        text(&query).contains("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"),
        "{}",
        text(&query)
    );
    assert!(text(&query).contains("<Detail/>"), "{}", text(&query));
    let denied = Fault::new("AccessDeniedException", 403, "no");
    let json = named("sqs", "SendMessage").encode_fault(&denied, ID);
    assert_eq!(header(&json, "x-amzn-query-error"), "AccessDenied;Sender");
    assert_eq!(text(&json), r#"{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}"#);
}

#[test]
fn faults_without_an_operation_are_of_their_protocol() {
    let fault = Fault::new(
        "UnrecognizedClientException",
        403,
        "The security token included in the request is invalid.",
    );
    let rest = encode_fault(Protocol::RestJson, &fault, ID);
    assert_eq!(text(&rest), r#"{"message":"The security token included in the request is invalid."}"#);
    assert_eq!(header(&rest, "x-amzn-errortype"), "UnrecognizedClientException");
    let json = encode_fault(Protocol::Json11, &fault, ID);
    assert!(text(&json).starts_with(r#"{"__type":"UnrecognizedClientException","#));
    assert!(text(&encode_fault(Protocol::Query, &fault, ID)).contains("<Code>InvalidClientTokenId</Code>"));
}

#[test]
fn answers_of_query_services_are_xml_or_json_as_asked() {
    let output =
        || structure([("Account", Value::Text("123456789012".into())), ("Arn", Value::Text("a&b\r".into()))]);
    let sent = Sent::form("Action=GetCallerIdentity&Version=2011-06-15");
    let response = sent.identified("sts").encode(output(), ID);
    assert_eq!(
        text(&response),
        format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Account>\
             123456789012</Account><Arn>a&amp;b&#xD;</Arn></GetCallerIdentityResult><ResponseMetadata><RequestId>{ID}</RequestId>\
             </ResponseMetadata></GetCallerIdentityResponse>"
        )
    );
    let response = sent.header("accept", "application/json").identified("sts").encode(output(), ID);
    assert_eq!(header(&response, "content-type"), "application/json");
    assert_eq!(
        text(&response),
        format!(
            r#"{{"GetCallerIdentityResponse":{{"GetCallerIdentityResult":{{"Account":"123456789012","Arn":"a&b\r"}},"ResponseMetadata":{{"RequestId":"{ID}"}}}}}}"#
        )
    );
    let deleted = named("iam", "DeleteRole").encode(structure([]), ID);
    assert!(
        !text(&deleted).contains("Result"),
        "an operation without output has no result: {}",
        text(&deleted)
    );
}

#[test]
fn lists_and_maps_of_forms_are_read_wrapped_and_flat() {
    let role = Sent::form(
        "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7B%7D&Tags.member.1.Key=k+1&Tags.member.1.Value=v&\
         Tags.member.10.Key=z&Tags.member.2.Key=b",
    );
    let Value::List(tags) = role.input("iam").take("Tags") else { panic!("tags are a list") };
    let keys: Vec<Option<&str>> = tags.iter().map(|tag| tag.member("Key").as_text()).collect();
    assert_eq!(keys, [Some("k 1"), Some("b"), Some("z")], "in order of their numbers");

    let queue = Sent::form(
        "Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Tag.1.Key=a&Tag.1.Value=b",
    );
    let input = queue.input("sqs");
    let map = |key: &str, value: &str| Value::Map(vec![(key.to_owned(), Value::Text(value.to_owned()))]);
    assert_eq!(input.member("Attributes"), &map("DelaySeconds", "5"));
    assert_eq!(input.member("tags"), &map("a", "b"));
    let receive =
        Sent::form("Action=ReceiveMessage&AttributeName.1=All&AttributeName.2=SenderId").input("sqs");
    let names = ["All", "SenderId"].map(|name| Value::Text(name.into()));
    assert_eq!(receive.member("AttributeNames"), &Value::List(names.to_vec()));
}
