use crate::sdk::{How, LIFE_S, NOON, Place, SECRET, Signed};
use aws::Millis;
use aws_sigv4::http_request::SessionTokenMode;
use proptest::prelude::*;
use proptest::sample::select;
use wire::sigv4::{Family, Refusal, Style};

const SERVICES: [&str; 8] =
    ["lambda", "sts", "sqs", "logs", "dynamodb", "execute-api", "s3", "s3-object-lambda"];
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"];
const SEGMENTS: [&str; 16] = [
    "a",
    "B",
    "functions",
    ".",
    "..",
    "",
    "%20",
    "%2F",
    "%2f",
    "gr%C3%BCn",
    "%F0%9F%A6%8A",
    "a:b@c",
    "~-_.",
    "!$&'()*,;=",
    "%25",
    "...",
];
const QUERIES: [&str; 12] = [
    "a=1",
    "a=0",
    "A=1",
    "flag",
    "empty=",
    "a=%20",
    "%C3%BC=%2F",
    "k=a%2Bb",
    "k=a=b",
    "z=~-_.",
    "k=%2a!'()",
    "list-type=2",
];
const HEADERS: [(&str, &str); 9] = [
    ("content-type", "application/json"),
    ("x-amz-target", "Logs_20140328.FilterLogEvents"),
    ("x-amz-meta-a", "  folded   inner  spaces "),
    ("x-amz-meta-b", ""),
    ("x-custom", "one, two"),
    ("x-custom", "again"),
    ("x-quoted", "\"a   b\""),
    ("x-unicode", "grün 🦊"),
    ("x-amz-acl", "private"),
];

fn requests() -> impl Strategy<Value = (Signed, Place, Option<&'static str>)> {
    let pieces = (
        select(&SERVICES[..]),
        select(&METHODS[..]),
        proptest::collection::vec(select(&SEGMENTS[..]), 0..6),
        proptest::collection::vec(select(&QUERIES[..]), 0..5),
        proptest::sample::subsequence(&HEADERS[..], 0..HEADERS.len()),
        proptest::collection::vec(any::<u8>(), 0..200),
        select(&["127.0.0.1:4566", "localhost", "b.s3.eu-west-1.amazonaws.com", "[::1]:4566"][..]),
        select(&[Place::Header, Place::Query][..]),
        proptest::option::of(Just("IQoJb3JpZ2luX2Vj/token+with=signs")),
    );
    pieces.prop_map(|(service, method, segments, query, headers, body, host, place, token)| {
        let mut all = vec![("host".to_owned(), host.to_owned())];
        all.extend(headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let request = Signed {
            service,
            method: method.to_owned(),
            // The SDKs do not agree about a last segment of dots: it gets a neighbour.
            path: match segments.last() {
                Some(&"." | &"..") => format!("/{}/x", segments.join("/")),
                _ => format!("/{}", segments.join("/")),
            },
            query: query.join("&"),
            headers: all,
            body,
            secret: SECRET.to_owned(),
            now: NOON,
        };
        (request, place, token)
    })
}

fn sign(request: Signed, place: Place, token: Option<&str>) -> Signed {
    // A presigned request of S3 never signs its body.
    let payload = (place == Place::Query && Style::of(request.service) == Style::S3)
        .then(|| "UNSIGNED-PAYLOAD".to_owned());
    request.sign(&How { place, token, token_mode: SessionTokenMode::Include, payload })
}

/// The codes by which a refusal is known in all four families.
fn codes(refusal: &Refusal) -> [String; 4] {
    [Family::Query, Family::Json, Family::RestJson, Family::S3]
        .map(|family| refusal.fault(family).code.into_owned())
}

const SIGNATURE: [&str; 4] = [
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
];
const INCOMPLETE: [&str; 3] =
    ["IncompleteSignature", "IncompleteSignatureException", "IncompleteSignatureException"];
const SCOPE: [&str; 3] = [SIGNATURE[0], SIGNATURE[1], SIGNATURE[2]];

/// Codes outside S3 and, if it is one of several, in S3.
type Twin = (String, Signed, [&'static str; 3], &'static str);

fn edited(request: &Signed, edit: impl FnOnce(&mut Signed)) -> Signed {
    let mut twin = request.clone();
    edit(&mut twin);
    twin
}

fn flipped(text: &str) -> String {
    let last = if text.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &text[..text.len() - 1])
}

/// Twins of either form.
fn twins(request: &Signed, signed_names: &[String]) -> Vec<Twin> {
    let s3 = Style::of(request.service) == Style::S3;
    let mut all: Vec<Twin> = Vec::new();
    let mut mismatch = |what: &str, twin: Signed| all.push((what.to_owned(), twin, SCOPE, SIGNATURE[3]));
    mismatch(
        "method",
        edited(request, |r| r.method = if r.method == "GET" { "PUT" } else { "GET" }.to_owned()),
    );
    mismatch("path", edited(request, |r| r.path.push_str("/x")));
    mismatch("query", edited(request, |r| r.query = format!("evil=1&{}", r.query)));
    mismatch("secret", edited(request, |r| r.secret.push('x')));
    if s3 {
        mismatch("slash", edited(request, |r| r.path.insert(0, '/')));
    }
    for name in signed_names {
        let changed = |r: &mut Signed| {
            let value = format!("{}!", r.header(name).unwrap_or_default());
            r.set(name, &value);
        };
        if !matches!(name.as_str(), "x-amz-date" | "x-amz-content-sha256") {
            mismatch(&format!("value of {name}"), edited(request, changed));
        }
    }
    for name in signed_names {
        if name != "x-amz-date" && name != "x-amz-content-sha256" {
            let gone = edited(request, |r| r.remove(name));
            all.push((format!("{name} gone"), gone, INCOMPLETE, SIGNATURE[3]));
        }
    }
    if s3 {
        let added = edited(request, |r| r.set("x-amz-added", "late"));
        // Outside of S3 the header would be ignored; here it never gets that far.
        all.push(("unsigned x-amz header".to_owned(), added, INCOMPLETE, "AccessDenied"));
    }
    all
}

fn header_twins(request: &Signed) -> Vec<Twin> {
    let authorization = request.header("authorization").expect("it is signed").to_owned();
    let s3 = Style::of(request.service) == Style::S3;
    let with = |text: String| edited(request, |r| r.set("authorization", &text));
    let replaced = |from: &str, to: &str| {
        assert!(authorization.contains(from), "{from} in {authorization}");
        with(authorization.replacen(from, to, 1))
    };
    let service = format!("/{}/", request.service);
    let malformed = "AuthorizationHeaderMalformed";
    let mut all = vec![
        ("signature", with(flipped(&authorization)), SCOPE, SIGNATURE[3]),
        ("signature cut", with(authorization[..authorization.len() - 1].to_owned()), SCOPE, SIGNATURE[3]),
        ("region", replaced("/eu-west-1/", "/eu-west-2/"), SCOPE, SIGNATURE[3]),
        ("no region", replaced("/eu-west-1/", "/EU/"), SCOPE, malformed),
        ("service", replaced(&service, "/other/"), SCOPE, malformed),
        ("terminator", replaced("aws4_request", "aws5_request"), SCOPE, malformed),
        ("scope date", replaced("/20260131/", "/20260130/"), SCOPE, malformed),
        ("credential", replaced("/aws4_request", ""), INCOMPLETE, malformed),
        ("host unsigned", replaced("host;", ""), INCOMPLETE, "AccessDenied"),
        ("name", replaced("SignedHeaders=", "SignedHeaders=x-absent;"), INCOMPLETE, SIGNATURE[3]),
        ("algorithm", replaced("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), INCOMPLETE, "InvalidRequest"),
        ("version 2", with("AWS AKID:c2lnbmF0dXJl".to_owned()), INCOMPLETE, "InvalidRequest"),
        ("no signature", replaced("Signature=", "Sig="), INCOMPLETE, malformed),
        ("no credential", replaced("Credential=", "Cred="), INCOMPLETE, malformed),
        ("second", edited(request, |r| r.set("x-amz-date", "20260131T120001Z")), SCOPE, SIGNATURE[3]),
        ("no date", edited(request, |r| r.remove("x-amz-date")), INCOMPLETE, "AccessDenied"),
        ("odd date", edited(request, |r| r.set("x-amz-date", "yesterday")), INCOMPLETE, "AccessDenied"),
        ("late", edited(request, |r| r.now = NOON.plus(901_000)), SCOPE, "RequestTimeTooSkewed"),
        ("early", edited(request, |r| r.now = Millis(NOON.0 - 901_000)), SCOPE, "RequestTimeTooSkewed"),
    ];
    if s3 {
        let hash = edited(request, |r| r.remove("x-amz-content-sha256"));
        all.push(("no hash", hash, INCOMPLETE, "InvalidRequest"));
        let hash = edited(request, |r| r.set("x-amz-content-sha256", "no hash"));
        all.push(("odd hash", hash, INCOMPLETE, "InvalidArgument"));
        let hash = edited(request, |r| r.set("x-amz-content-sha256", &"0".repeat(64)));
        all.push(("other hash", hash, SCOPE, SIGNATURE[3]));
        all.push(("body", edited(request, |r| r.body.push(b'x')), SCOPE, "XAmzContentSHA256Mismatch"));
        all.push(("x-amz-date unsigned", replaced(";x-amz-date", ""), INCOMPLETE, "AccessDenied"));
    } else {
        all.push(("body", edited(request, |r| r.body.push(b'x')), SCOPE, SIGNATURE[3]));
        all.push(("x-amz-date unsigned", replaced(";x-amz-date", ""), SCOPE, SIGNATURE[3]));
    }
    all.into_iter().map(|(what, twin, codes, s3)| (what.to_owned(), twin, codes, s3)).collect()
}

fn query_twins(request: &Signed) -> Vec<Twin> {
    let replaced = |from: &str, to: &str| {
        assert!(request.query.contains(from), "{from} in {}", request.query);
        edited(request, |r| r.query = r.query.replacen(from, to, 1))
    };
    let at = request.query.find("X-Amz-Signature=").expect("it is signed") + "X-Amz-Signature=".len();
    let digit = if request.query[at..].starts_with('0') { "1" } else { "0" };
    let signature = edited(request, |r| r.query.replace_range(at..=at, digit));
    let service = format!("%2F{}%2F", request.service.replace('-', "%2D"));
    let parameters = "AuthorizationQueryParametersError";
    let mut all = vec![
        ("signature", signature, SCOPE, SIGNATURE[3]),
        ("region", replaced("%2Feu%2Dwest%2D1%2F", "%2Feu%2Dwest%2D2%2F"), SCOPE, SIGNATURE[3]),
        ("service", replaced(&service, "%2Fother%2F"), SCOPE, parameters),
        ("terminator", replaced("aws4%5Frequest", "aws5"), SCOPE, parameters),
        ("scope date", replaced("20260131%2F", "20260130%2F"), SCOPE, parameters),
        ("credential", replaced("%2Faws4%5Frequest", ""), INCOMPLETE, parameters),
        ("twice encoded", replaced("20260131%2F", "20260131%252F"), INCOMPLETE, parameters),
        ("life", replaced("X-Amz-Expires=600", "X-Amz-Expires=601"), SCOPE, SIGNATURE[3]),
        ("a week", replaced("X-Amz-Expires=600", "X-Amz-Expires=604801"), INCOMPLETE, parameters),
        ("before now", replaced("X-Amz-Expires=600", "X-Amz-Expires=-1"), INCOMPLETE, parameters),
        ("no life", replaced("X-Amz-Expires=600", "X-Amz-Expires=x"), INCOMPLETE, parameters),
        ("algorithm", replaced("AWS4%2DHMAC%2DSHA256", "AWS4-ECDSA-P256-SHA256"), INCOMPLETE, parameters),
        ("second", replaced("T120000Z", "T120001Z"), SCOPE, SIGNATURE[3]),
        ("odd date", replaced("T120000Z", ""), INCOMPLETE, parameters),
        ("expired", edited(request, |r| r.now = NOON.plus((LIFE_S + 1) * 1000)), SCOPE, "AccessDenied"),
        ("early", edited(request, |r| r.now = Millis(NOON.0 - 901_000)), SCOPE, "AccessDenied"),
        ("name", replaced("X-Amz-SignedHeaders=", "X-Amz-SignedHeaders=x-absent;"), INCOMPLETE, SIGNATURE[3]),
    ];
    for name in ["Credential", "Signature", "Date", "SignedHeaders", "Expires"] {
        let gone = replaced(&format!("X-Amz-{name}="), &format!("X-Other-{name}="));
        all.push((name, gone, INCOMPLETE, parameters));
    }
    if Style::of(request.service) == Style::Plain {
        all.push(("body", edited(request, |r| r.body.push(b'x')), SCOPE, SIGNATURE[3]));
    }
    all.into_iter().map(|(what, twin, codes, s3)| (what.to_owned(), twin, codes, s3)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_the_sdk_signs_is_verified_and_no_part_of_it_can_change((request, place, token) in requests()) {
        let request = sign(request, place, token);
        let names = match request.verified(|claim, _, _| {
            let all = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
            let mut all: Vec<String> = all.filter(|name| claim.signs(name)).collect();
            all.dedup();
            all
        }) {
            Ok(names) => names,
            Err(Refusal::Mismatch(mismatch)) => {
                return Err(TestCaseError::fail(format!("{request:?}\n{}", mismatch.canonical.unwrap_or_default())));
            }
            Err(refusal) => return Err(TestCaseError::fail(format!("{request:?}\n{refusal:?}"))),
        };
        let mut all = twins(&request, &names);
        all.extend(match place {
            Place::Header => header_twins(&request),
            Place::Query => query_twins(&request),
        });
        for (what, twin, outside, s3) in all {
            let Err(refusal) = twin.verdict() else {
                return Err(TestCaseError::fail(format!("{what} was accepted: {twin:?}")));
            };
            let found = codes(&refusal);
            if Style::of(request.service) == Style::S3 {
                prop_assert_eq!(&found[3], s3, "{}: {:?}", what, refusal);
            } else {
                prop_assert_eq!(&found[..3], &outside[..], "{}: {:?}", what, refusal);
            }
        }
    }

    #[test]
    fn a_token_that_was_added_after_signing_is_taken_where_aws_takes_it((request, place, _) in requests()) {
        let token = Some("IQoJb3JpZ2luX2Vj");
        for service in [request.service, "iotdevicegateway"] {
            let s3 = Style::of(service) == Style::S3;
            let payload = (place == Place::Query && s3).then(|| "UNSIGNED-PAYLOAD".to_owned());
            let how = How { place, token, token_mode: SessionTokenMode::Exclude, payload };
            let late = Signed { service, ..request.clone() }.sign(&how);
            let verdict = late.verdict();
            match (place, s3, service) {
                (Place::Query, _, "iotdevicegateway") | (Place::Header, false, _) => {
                    prop_assert_eq!(verdict, Ok(()));
                }
                (Place::Query, ..) => prop_assert!(matches!(verdict, Err(Refusal::Mismatch(_)))),
                (Place::Header, true, _) => {
                    prop_assert_eq!(verdict, Err(Refusal::HeadersNotSigned("x-amz-security-token".into())));
                }
            }
        }
    }
}
