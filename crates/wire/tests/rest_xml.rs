//! restXml as S3 speaks it, byte for byte, and what its readers refuse.

use aws::{Fault, Member};
use http::{HeaderMap, HeaderName, HeaderValue};
use wire::{Body, Identified, Model, Protocol, Request, Response, Value, client, encode_fault};

const ID: &str = "C3D13FE58DE4C810";

const MODEL: &str = r#"{
    "metadata": {
        "protocol": "rest-xml", "serviceId": "S3", "endpointPrefix": "s3",
        "xmlNamespace": "http://s3.amazonaws.com/doc/2006-03-01/"
    },
    "operations": {
        "GetObject": {"name": "GetObject", "http": {"method": "GET", "requestUri": "/{Bucket}/{Key+}"},
            "input": {"shape": "Object"}, "output": {"shape": "GotObject"}},
        "HeadObject": {"name": "HeadObject", "http": {"method": "HEAD", "requestUri": "/{Bucket}/{Key+}"},
            "input": {"shape": "Object"}, "output": {"shape": "GotObject"}},
        "GetBucketLocation": {"name": "GetBucketLocation", "http": {"method": "GET", "requestUri": "/{Bucket}?location"},
            "input": {"shape": "Object"}, "output": {"shape": "Location", "unwrapped": true}},
        "ListObjects": {"name": "ListObjects", "http": {"method": "GET", "requestUri": "/{Bucket}"},
            "input": {"shape": "Object"}, "output": {"shape": "Listed", "locationName": "ListBucketResult"}},
        "PutAcl": {"name": "PutAcl", "http": {"method": "PUT", "requestUri": "/{Bucket}?acl"},
            "input": {"shape": "PutAcl"}},
        "DeleteBucket": {"name": "DeleteBucket", "http": {"method": "DELETE", "requestUri": "/{Bucket}", "responseCode": 204},
            "input": {"shape": "Object"}}
    },
    "shapes": {
        "Text": {"type": "string"}, "Number": {"type": "integer"}, "Time": {"type": "timestamp"}, "Flag": {"type": "boolean"},
        "Object": {"type": "structure", "members": {
            "Bucket": {"shape": "Text", "location": "uri", "locationName": "Bucket"},
            "Key": {"shape": "Text", "location": "uri", "locationName": "Key"},
            "MaxKeys": {"shape": "Number", "location": "querystring", "locationName": "max-keys"},
            "IfModifiedSince": {"shape": "Time", "location": "header", "locationName": "If-Modified-Since"}
        }},
        "GotObject": {"type": "structure", "payload": "Body", "members": {
            "Body": {"shape": "Blob", "streaming": true},
            "ContentType": {"shape": "Text", "location": "header", "locationName": "Content-Type"},
            "LastModified": {"shape": "Time", "location": "header", "locationName": "Last-Modified"},
            "Metadata": {"shape": "Metadata", "location": "headers", "locationName": "x-amz-meta-"}
        }},
        "Blob": {"type": "blob"},
        "Metadata": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
        "Location": {"type": "structure", "members": {"LocationConstraint": {"shape": "Text"}}},
        "Listed": {"type": "structure", "members": {
            "IsTruncated": {"shape": "Flag"},
            "Contents": {"shape": "Contents"},
            "RequestCharged": {"shape": "Text", "location": "header", "locationName": "x-amz-request-charged"}
        }},
        "Contents": {"type": "list", "flattened": true, "member": {"shape": "Content"}},
        "Content": {"type": "structure", "members": {
            "Key": {"shape": "Text"}, "LastModified": {"shape": "Time"}, "Size": {"shape": "Number"}
        }},
        "PutAcl": {"type": "structure", "payload": "Policy", "members": {
            "Bucket": {"shape": "Text", "location": "uri", "locationName": "Bucket"},
            "Policy": {"shape": "Acl", "locationName": "AccessControlPolicy",
                "xmlNamespace": {"uri": "http://s3.amazonaws.com/doc/2006-03-01/"}}
        }},
        "Acl": {"type": "structure", "members": {"Grants": {"shape": "Grants", "locationName": "AccessControlList"}}},
        "Grants": {"type": "list", "member": {"shape": "Grant", "locationName": "Grant"}},
        "Grant": {"type": "structure", "members": {"Grantee": {"shape": "Grantee"}, "Permission": {"shape": "Text"}}},
        "Grantee": {"type": "structure", "members": {
            "ID": {"shape": "Text"},
            "Type": {"shape": "Text", "locationName": "xsi:type", "xmlAttribute": true}
        }, "xmlNamespace": {"prefix": "xsi", "uri": "http://www.w3.org/2001/XMLSchema-instance"}}
    }
}"#;

fn model() -> &'static Model {
    Box::leak(Box::new(Model::parse("s3", MODEL.as_bytes()).expect("it is a model")))
}

fn named(operation: &str) -> Identified {
    Identified::named(model(), operation).expect("the model has it")
}

fn structure<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Structure(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn body(response: &Response) -> &str {
    std::str::from_utf8(response.body.whole().expect("it is at hand")).expect("XML is text")
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers.get(name).map_or("", |value| value.to_str().expect("headers are ASCII"))
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const NAMESPACE: &str = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

fn sent<'a>(path: &'a str, query: Option<&'a str>, headers: &'a HeaderMap, body: &str) -> Request<'a> {
    Request { method: "PUT", path, query, headers, body: Body::from(body.to_owned()) }
}

#[test]
fn a_listing_has_its_root_its_namespace_and_flat_lists() {
    let content = |key: &str| {
        structure([("Key", text(key)), ("LastModified", Value::Timestamp(1.25)), ("Size", Value::Integer(3))])
    };
    let output = structure([
        ("IsTruncated", Value::Bool(false)),
        ("Contents", Value::List(vec![content("a&b"), content("c")])),
        ("RequestCharged", text("requester")),
    ]);
    let response = named("ListObjects").encode(output.clone(), ID);
    let item = |key: &str| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>1970-01-01T00:00:01.250Z</LastModified><Size>3</Size></Contents>"
        )
    };
    let expected = format!(
        "{DECLARATION}<ListBucketResult {NAMESPACE}><IsTruncated>false</IsTruncated>{}{}</ListBucketResult>",
        item("a&amp;b"),
        item("c")
    );
    assert_eq!(body(&response), expected);
    assert_eq!(header(&response, "content-type"), "application/xml");
    assert_eq!(header(&response, "x-amz-request-id"), ID);
    assert_eq!(header(&response, "x-amz-request-charged"), "requester");
    assert_eq!(header(&response, "x-amzn-requestid"), "");
    let list = named("ListObjects");
    let found = client::decode(list.service, list.operation, &response).expect("our answers can be read");
    assert_eq!(found.member("Contents"), output.member("Contents"));
}

#[test]
fn an_unwrapped_output_is_its_one_member() {
    let location = named("GetBucketLocation");
    for (region, inside) in [(text("eu-west-1"), "eu-west-1"), (Value::Null, "")] {
        let response = location.encode(structure([("LocationConstraint", region.clone())]), ID);
        let root = format!("<LocationConstraint {NAMESPACE}>{inside}</LocationConstraint>");
        assert_eq!(body(&response), format!("{DECLARATION}{root}"));
        let found = client::decode(location.service, location.operation, &response);
        assert_eq!(found.expect("it can be read").member("LocationConstraint"), &region);
    }
}

#[test]
fn an_object_is_bytes_between_headers() {
    let output = || {
        structure([
            ("Body", Value::Blob("bytes".into())),
            ("LastModified", Value::Timestamp(0.0)),
            ("Metadata", Value::Map(vec![("color".into(), text("red"))])),
        ])
    };
    let response = named("GetObject").encode(output(), ID);
    assert_eq!(body(&response), "bytes");
    for (name, value) in [
        ("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("x-amz-meta-color", "red"),
        ("content-type", "application/octet-stream"),
    ] {
        assert_eq!(header(&response, name), value, "{name}");
    }
    let typed = structure([("ContentType", text("text/html"))]);
    assert_eq!(header(&named("GetObject").encode(typed, ID), "content-type"), "text/html");
    let head = named("HeadObject").encode(output(), ID);
    assert_eq!((body(&head), header(&head, "x-amz-meta-color")), ("", "red"));
    let deleted = named("DeleteBucket").encode(structure([]), ID);
    assert_eq!((deleted.status, body(&deleted), header(&deleted, "content-type")), (204, "", ""));
}

#[test]
fn a_document_is_read_with_its_attributes_whatever_its_prefixes() {
    let grant = |id: &str, kind: &str| {
        let grantee = structure([("ID", text(id)), ("Type", text(kind))]);
        structure([("Grantee", grantee), ("Permission", text("READ"))])
    };
    let document = r#"<s:AccessControlPolicy xmlns:s="http://s3.amazonaws.com/doc/2006-03-01/">
        <!-- a comment --><AccessControlList><Unknown><a/></Unknown>
        <Grant><Grantee xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:type="A&amp;B"><ID>1</ID></Grantee>
        <Permission>READ</Permission></Grant></AccessControlList></s:AccessControlPolicy>"#;
    let headers = HeaderMap::new();
    let input =
        named("PutAcl").decode(&sent("/bucket", Some("acl"), &headers, document)).expect("it can be read");
    let expected = structure([("Grants", Value::List(vec![grant("1", "A&B")]))]);
    assert_eq!(input.member("Policy"), &expected);
    assert_eq!(input.member("Bucket"), &text("bucket"));
    let outgoing = client::encode(named("PutAcl").service, named("PutAcl").operation, input);
    let body =
        String::from_utf8(outgoing.body.whole().expect("it is at hand").to_vec()).expect("XML is text");
    let grantee = r#"<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="A&amp;B"><ID>1</ID></Grantee>"#;
    assert_eq!(
        body,
        format!(
            "{DECLARATION}<AccessControlPolicy {NAMESPACE}><AccessControlList><Grant>{grantee}<Permission>READ</Permission>\
             </Grant></AccessControlList></AccessControlPolicy>"
        )
    );
}

#[test]
fn what_is_no_document_is_malformed_in_s3_s_words() {
    let headers = HeaderMap::new();
    let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
    let wide = format!("<a>{}</a>", "<b/>".repeat(200_001));
    let attributes: String = (0..40).map(|n| format!(" a{n}=\"\"")).collect();
    let cases = [
        "<a>",
        "<a></b>",
        "text",
        "<a/><b/>",
        "<a/>text",
        "<a>&unknown;</a>",
        "<a>&#0;</a>",
        "<a>&#1;</a>",
        "<a>\u{1}</a>",
        "<a b=\"&#x1;\"/>",
        r#"<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>"#,
        "<!DOCTYPE a><a/>",
        "<a b=\"1\" b=\"2\"/>",
        &format!("<a{attributes}/>"),
        &deep,
        &wide,
        "\u{feff}",
    ];
    for case in cases {
        let fault = named("PutAcl").decode(&sent("/bucket", Some("acl"), &headers, case));
        let fault = fault.expect_err(&case[..case.len().min(60)]);
        assert_eq!((fault.code.as_ref(), fault.status), ("MalformedXML", 400), "{fault}");
        assert!(fault.message.starts_with("The XML you provided was not well-formed"), "{fault}");
    }
    let odd = named("ListObjects")
        .decode(&sent("/bucket", Some("max-keys=many"), &headers, ""))
        .expect_err("no number");
    assert_eq!(odd.code, "InvalidArgument");
}

#[test]
fn an_error_is_the_root_with_what_it_is_about() {
    let fault = Fault::new("NoSuchKey", 404, "The specified key does not exist.")
        .with("Key", Member::Text("k<".into()));
    let error = format!(
        "{DECLARATION}<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>k&lt;</Key>\
         <RequestId>{ID}</RequestId><HostId>lambent</HostId></Error>"
    );
    let response = named("GetObject").encode_fault(&fault, ID);
    assert_eq!((response.status, body(&response)), (404, error.as_str()));
    assert_eq!(header(&response, "content-type"), "application/xml");
    assert_eq!((header(&response, "x-amz-request-id"), header(&response, "x-amz-id-2")), (ID, "lambent"));
    // Without an operation it is the same, for only S3 speaks XML then.
    assert_eq!(body(&encode_fault(Protocol::RestXml, &fault, ID)), error);
    let head = named("HeadObject").encode_fault(&fault, ID);
    assert_eq!((head.status, body(&head)), (404, ""));
    let unchanged = named("GetObject").encode_fault(&Fault::new("NotModified", 304, ""), ID);
    assert_eq!((unchanged.status, body(&unchanged)), (304, ""));
    let get = named("HeadObject");
    let found = client::decode(get.service, get.operation, &head).expect_err("it is an error");
    assert_eq!((found.code.as_ref(), found.message.as_str()), ("404", "Not Found"));
}

#[test]
fn dates_of_headers_are_http_s() {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("if-modified-since"),
        HeaderValue::from_static("Tue, 29 Apr 2014 18:30:38 GMT"),
    );
    let input =
        named("GetObject").decode(&sent("/b/a%2Fb/c%20d", None, &headers, "")).expect("it can be read");
    assert_eq!(input.member("IfModifiedSince"), &Value::Timestamp(1_398_796_238.0));
    assert_eq!(input.member("Key"), &text("a/b/c d"));
}

#[test]
fn the_real_s3_answers_with_its_own_roots() {
    let s3 = Model::named("s3").expect("s3 is embedded");
    let root = |operation: &str, output: Value| {
        let response = Identified::named(s3, operation).expect("s3 has it").encode(output, ID);
        let text = body(&response).strip_prefix(DECLARATION).unwrap_or_default().to_owned();
        text.split_inclusive('>').next().unwrap_or_default().to_owned()
    };
    for (operation, name) in [
        ("ListBuckets", "ListAllMyBucketsResult"),
        ("ListObjectsV2", "ListBucketResult"),
        ("ListObjectVersions", "ListVersionsResult"),
        ("CreateMultipartUpload", "InitiateMultipartUploadResult"),
        ("DeleteObjects", "DeleteResult"),
        ("GetObjectTagging", "Tagging"),
        ("GetBucketLocation", "LocationConstraint"),
    ] {
        assert_eq!(root(operation, structure([])), format!("<{name} {NAMESPACE}>"), "{operation}");
    }
    let held = structure([("LegalHold", structure([("Status", text("ON"))]))]);
    assert_eq!(root("GetObjectLegalHold", held), format!("<LegalHold {NAMESPACE}>"));
}
