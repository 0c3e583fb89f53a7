//! rpcv2Cbor byte by byte: what its readers take, and what they refuse.

use aws::{Fault, Member};
use http::{HeaderMap, HeaderName, HeaderValue};
use wire::{Identified, Model, Request, Response, Value, client};

const MODEL: &str = r#"{
    "metadata": {
        "protocol": "smithy-rpc-v2-cbor", "targetPrefix": "Granite", "awsQueryCompatible": {},
        "errorNamespace": "com.amazonaws.cloudwatch"
    },
    "operations": {
        "Put": {"name": "Put", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "All"}, "output": {"shape": "All"}},
        "Ping": {"name": "Ping", "http": {"method": "POST", "requestUri": "/"}}
    },
    "shapes": {
        "All": {"type": "structure", "members": {
            "n": {"shape": "Long"}, "f": {"shape": "Double"}, "t": {"shape": "Time"}, "s": {"shape": "Text"},
            "b": {"shape": "Blob"}, "l": {"shape": "List"}, "m": {"shape": "Map"}, "a": {"shape": "All"}, "o": {"shape": "Flag"}
        }},
        "Long": {"type": "long"}, "Double": {"type": "double"}, "Time": {"type": "timestamp"}, "Text": {"type": "string"},
        "Blob": {"type": "blob"}, "Flag": {"type": "boolean"},
        "List": {"type": "list", "member": {"shape": "Long"}},
        "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
        "Missing": {"type": "structure", "exception": true, "error": {"code": "NotThere", "httpStatusCode": 404}, "members": {
            "message": {"shape": "Text"}, "count": {"shape": "Long"}
        }}
    }
}"#;

fn put() -> Identified {
    let model = Model::parse("granite", MODEL.as_bytes()).expect("it is a model");
    Identified::named(Box::leak(Box::new(model)), "Put").expect("the model has it")
}

fn decode(body: &[u8]) -> Result<Value, Fault> {
    let headers = HeaderMap::new();
    let path = "/service/Granite/operation/Put";
    put().decode(&Request {
        method: "POST",
        path,
        query: None,
        headers: &headers,
        body: body.to_vec().into(),
    })
}

/// The member of a map of one.
fn member(name: &str, value: &[u8]) -> Result<Value, Fault> {
    let mut body = vec![0xa1, 0x60 + name.len() as u8];
    body.extend(name.as_bytes());
    body.extend(value);
    decode(&body).map(|mut input| input.take(name))
}

#[test]
fn numbers_have_any_width() {
    for (bytes, expected) in [
        (&[0x17][..], 23),
        (&[0x18, 0xff], 255),
        (&[0x19, 0x01, 0x00], 256),
        (&[0x1a, 0, 1, 0, 0], 65_536),
        (&[0x1b, 0, 0, 0, 1, 0, 0, 0, 0], 1 << 32),
        (&[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MAX),
        (&[0x20], -1),
        (&[0x38, 0x63], -100),
        (&[0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MIN),
        (&[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MIN),
        // A tag that says nothing here.
        (&[0xd9, 0xd9, 0xf7, 0x05], 5),
    ] {
        assert_eq!(member("n", bytes), Ok(Value::Integer(expected)), "{bytes:x?}");
    }
}

#[test]
fn floats_have_16_32_or_64_bits() {
    for (bytes, expected) in [
        (&[0xf9, 0x00, 0x00][..], 0.0),
        (&[0xf9, 0x3c, 0x00], 1.0),
        (&[0xf9, 0xc4, 0x00], -4.0),
        (&[0xf9, 0x7b, 0xff], 65_504.0),
        (&[0xf9, 0x00, 0x01], 5.960_464_477_539_063e-8),
        (&[0xf9, 0x04, 0x00], 0.000_061_035_156_25),
        (&[0xf9, 0x7c, 0x00], f64::INFINITY),
        (&[0xf9, 0xfc, 0x00], f64::NEG_INFINITY),
        (&[0xfa, 0x47, 0xc3, 0x50, 0x00], 100_000.0),
        (&[0xfb, 0xc0, 0x10, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66], -4.1),
        (&[0x05], 5.0),
    ] {
        assert_eq!(member("f", bytes), Ok(Value::Float(expected)), "{bytes:x?}");
    }
    let Ok(Value::Float(nan)) = member("f", &[0xf9, 0x7e, 0x00]) else { panic!("it is a float") };
    assert!(nan.is_nan());
}

#[test]
fn times_are_tagged_seconds() {
    for bytes in
        [&[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0][..], &[0xc1, 0xfb, 0x41, 0xd4, 0x52, 0xd9, 0xec, 0, 0, 0]]
    {
        assert_eq!(member("t", bytes), Ok(Value::Timestamp(1_363_896_240.0)), "{bytes:x?}");
    }
    let half = member("t", &[0xc1, 0xfb, 0x41, 0xd4, 0x52, 0xd9, 0xec, 0x20, 0, 0]);
    assert_eq!(half, Ok(Value::Timestamp(1_363_896_240.5)));
    assert!(member("t", &[0xc1, 0xf9, 0x7e, 0x00]).is_err(), "no number is no time");
}

#[test]
fn lengths_may_be_unknown() {
    assert_eq!(member("s", b"\x7f\x62st\x60\x63rea\xff"), Ok(Value::Text("strea".into())));
    assert_eq!(member("b", b"\x5f\x41\x01\x42\x02\x03\xff"), Ok(Value::Blob(vec![1, 2, 3].into())));
    let list = Value::List(vec![Value::Integer(1), Value::Integer(2)]);
    assert_eq!(member("l", b"\x9f\x01\x02\xff"), Ok(list.clone()));
    assert_eq!(member("l", b"\x82\x01\x02"), Ok(list));
    let map = Value::Map(vec![("a".into(), Value::Text("b".into()))]);
    assert_eq!(member("m", b"\xbf\x61a\x61b\x61c\xf6\xff"), Ok(map), "an entry of nothing is none");
    let nothing =
        decode(b"\xbf\x67unknown\x9f\xa1\x01\xc1\x02\xff\xff").expect("what is not known is skipped");
    assert_eq!(nothing, Value::Structure(Vec::new()));
}

#[test]
fn what_is_no_item_is_refused() {
    let deep = [[0xa1, 0x61, b'a'].repeat(200), vec![0xa0]].concat();
    let skipped = [vec![0xa1, 0x61, b'x'], [0x81].repeat(200), vec![0]].concat();
    let tags = [vec![0xa1, 0x61, b'n'], [0xc1].repeat(200), vec![0]].concat();
    for bytes in [
        &b"\xa1"[..],
        b"\xa1\x61",
        b"\xa1\x61s\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x9f",
        b"\xff",
        b"\xa0\xa0",
        b"\xa1\x01\x01",
        b"\xa1\x61s\x61\xff",
        b"\xa1\x61s\x7f\x41a\xff",
        b"\xa1\x61s\x7f\x7f\xff\xff",
        b"\xa1\x61n\x1c",
        b"\xa1\x61n\xff",
        b"\xa1\x61n\xf8\x20",
        b"\x01",
        &deep,
        &skipped,
        &tags,
    ] {
        let fault = decode(bytes).expect_err(&format!("{bytes:x?}"));
        assert_eq!((fault.code.as_ref(), fault.status), ("SerializationException", 400));
    }
    let wrong = member("s", &[0x01]).expect_err("a number is no text");
    assert_eq!(wrong.message, "class java.lang.Long can not be converted to an String");
}

#[test]
fn an_answer_has_the_least_bytes_that_are_exact() {
    let members = [
        ("n", Value::Integer(-500)),
        ("f", Value::Float(0.5)),
        ("t", Value::Timestamp(1.0)),
        ("s", Value::Text("é".into())),
        ("o", Value::Bool(true)),
        ("l", Value::Null),
    ];
    let output = Value::Structure(members.into_iter().map(|(name, value)| (name.into(), value)).collect());
    let response = put().encode(output, "request-1");
    let expected = [
        &b"\xa5\x61n\x39\x01\xf3\x61f\xfb\x3f\xe0\0\0\0\0\0\0"[..],
        b"\x61t\xc1\x01\x61s\x62\xc3\xa9\x61o\xf5",
    ]
    .concat();
    assert_eq!(response.body, expected.into());
    assert_eq!(response.headers["smithy-protocol"], "rpc-v2-cbor");
    assert_eq!(response.headers["content-type"], "application/cbor");
    let ping = Identified::named(put().service, "Ping").expect("the model has it");
    let response = ping.encode(Value::Structure(Vec::new()), "request-1");
    assert_eq!((response.body.length(), response.headers.get("content-type")), (Some(0), None));
}

#[test]
fn an_error_names_its_type_and_the_code_of_the_query_protocol() {
    let fault = Fault::new("Missing", 404, "no").with("count", Member::Number(7));
    let response = put().encode_fault(&fault, "request-1");
    let body = response.body.whole().expect("it is at hand");
    assert!(body.starts_with(b"\xa3\x66__type\x78\x20com.amazonaws.cloudwatch#Missing"), "{body:?}");
    assert_eq!(response.headers["x-amzn-query-error"], "NotThere;Sender");
    let found = client::decode(put().service, put().operation, &response).expect_err("it is an error");
    assert_eq!((found.code.as_ref(), found.message.as_str()), ("NotThere", "no"));
    assert_eq!(found.members, fault.members);
    let empty = Response { status: 503, headers: HeaderMap::new(), body: Vec::new().into() };
    let found = client::decode(put().service, put().operation, &empty).expect_err("it is an error");
    assert_eq!(found.message, "Service Unavailable");
}

#[test]
fn the_client_says_which_protocol_it_speaks() {
    let sent = client::encode(put().service, put().operation, Value::Structure(Vec::new()));
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", "/service/Granite/operation/Put"));
    let names = ["smithy-protocol", "accept", "content-type", "x-amzn-query-mode"];
    let values: Vec<Option<&HeaderValue>> =
        names.iter().map(|name| sent.headers.get(HeaderName::from_static(name))).collect();
    let expected =
        ["rpc-v2-cbor", "application/cbor", "application/cbor", "true"].map(HeaderValue::from_static);
    assert_eq!(values, expected.iter().map(Some).collect::<Vec<_>>());
}
