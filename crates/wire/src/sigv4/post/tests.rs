use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proptest::prelude::*;

use super::super::{Scope, SigningKey};
use super::*;
use aws::Millis;

const NOON: Millis = Millis(1_769_860_800_000);
const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
const CREDENTIAL: &str = "AKIAIOSFODNN7EXAMPLE/20260131/eu-west-1/s3/aws4_request";
const POLICY: &str = r#"{ "expiration": "2026-01-31T13:00:00.000Z", "conditions": [
    {"bucket": "b"}, ["starts-with", "$key", "user/"], {"acl": "private"},
    ["content-length-range", 3, "20"], ["eq", "$Content-Type", "text/plain"],
    {"x-amz-algorithm": "AWS4-HMAC-SHA256"}, ["starts-with", "$x-amz-date", ""], ["starts-with", "$x-amz-credential", "AKIA"]
] }"#;

fn key() -> SigningKey {
    let scope = Scope { date: "20260131", region: "eu-west-1", service: "s3" };
    SigningKey::derive("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &scope)
}

/// A form with this policy, signed as a server does that hands it to a browser.
fn form(policy: &str) -> Form {
    let policy = STANDARD.encode(policy);
    let signature = key().sign(&[policy.as_bytes()]).hex().as_str().to_owned();
    let fields = [
        ("key", "user/${filename}"),
        ("acl", "private"),
        ("Content-Type", "text/plain"),
        ("X-Amz-Credential", CREDENTIAL),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Date", "20260131T110000Z"),
        ("Policy", &policy),
        ("X-Amz-Signature", &signature),
        ("x-ignore-this", "1"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Form { fields, file: File::default() }
}

impl Form {
    fn with(mut self, name: &str, value: &str) -> Form {
        self.fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Form {
        self.fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// All of a verifier's steps.
    fn verdict(&self) -> Result<Range, Refused> {
        let claim = self.claim()?.expect("it is signed");
        claim.check("s3")?;
        claim.verify(&key())?.allows(self, "b", NOON)
    }

    /// As a browser sends it.
    fn body(&self, file: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in &self.fields {
            out.extend_from_slice(
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .as_bytes(),
            );
        }
        let name = self.file.name.as_ref().map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"{name}\r\nContent-Type: image/png\r\n\r\n"
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(file);
        out.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        out
    }
}

fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

type Outcome = (Option<Form>, Vec<u8>, Result<(), Refused>);

/// What comes out when the body is cut at these places.
fn outcome(body: &[u8], cuts: &[usize]) -> Outcome {
    let mut parser = Multipart::of(Some(&content_type())).unwrap();
    let (mut form, mut file) = (None, Vec::new());
    let body = Bytes::copy_from_slice(body);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
    cuts.sort_unstable();
    let mut from = 0;
    for to in cuts.into_iter().chain([body.len()]) {
        let mut input = body.slice(from..to);
        loop {
            match parser.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(Part::Form(found))) => {
                    assert!(form.is_none() && file.is_empty());
                    form = Some(found);
                }
                Ok(Some(Part::File(bytes))) => {
                    assert!(form.is_some() && !bytes.is_empty());
                    file.extend_from_slice(&bytes);
                }
                Err(refused) => return (form, file, Err(refused)),
            }
        }
        from = to;
    }
    (form, file, parser.end())
}

#[test]
fn a_signed_form_is_allowed() {
    let range = form(POLICY).verdict().unwrap();
    assert_eq!(range.holds(3), Ok(()));
    assert_eq!(range.holds(20), Ok(()));
    assert_eq!(range.at_most(21), Err(Refused::TooLarge { proposed: 21, limit: 20 }));
    assert_eq!(range.holds(2), Err(Refused::TooSmall { proposed: 2, limit: 3 }));
    let two = r#"["content-length-range", 1, 30], ["content-length-range", 3, "20"]"#;
    let narrow = form(&POLICY.replace(r#"["content-length-range", 3, "20"]"#, two));
    assert_eq!(narrow.verdict(), Ok(range));
}

#[test]
fn the_documentations_policy_has_its_signature() {
    // The example of the S3 API reference, whose base64 text and signature it prints.
    let policy = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
    let signature = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e";
    let scope = Scope { date: "20151229", region: "us-east-1", service: "s3" };
    let key = SigningKey::derive("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &scope);
    let credential = "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request";
    let fields = [
        ("key", "user/user1/x"),
        ("acl", "public-read"),
        ("success_action_redirect", "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"),
        ("Content-Type", "image/jpeg"),
        ("x-amz-meta-uuid", "14365123651274"),
        ("x-amz-server-side-encryption", "AES256"),
        ("X-Amz-Credential", credential),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Date", "20151229T000000Z"),
        ("x-amz-meta-tag", ""),
        ("Policy", policy),
        ("X-Amz-Signature", signature),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let form = Form { fields, file: File::default() };
    let policy = form.claim().unwrap().unwrap().verify(&key).unwrap();
    let before = Millis(1_451_476_799_000);
    assert_eq!(policy.allows(&form, "sigv4examplebucket", before), Ok(Range::ANY));
    assert_eq!(policy.allows(&form, "sigv4examplebucket", before.plus(1000)), Err(Refused::Expired));
}

#[derive(serde::Deserialize)]
struct Fixture {
    posts: Vec<Post>,
}

/// A form signed by botocore; `fixtures/sigv4.py` makes them.
#[derive(serde::Deserialize)]
struct Post {
    fields: Vec<(String, String)>,
    access_key: String,
    secret_key: String,
    token: Option<String>,
    region: String,
    at: u64,
    most: Option<u64>,
}

impl Post {
    fn form(&self) -> Form {
        Form { fields: self.fields.clone(), file: File::default() }
    }

    fn verdict(&self, form: &Form) -> Result<Range, Refused> {
        let claim = form.claim()?.expect("it is signed");
        claim.check("s3")?;
        let policy = claim.verify(&SigningKey::derive(&self.secret_key, &claim.scope()))?;
        policy.allows(form, "b", Millis(self.at * 1000))
    }
}

#[test]
fn what_botocore_signs_is_allowed_and_no_field_can_change() {
    let fixture: Fixture = serde_json::from_str(include_str!("../../../fixtures/sigv4.json")).unwrap();
    assert!(fixture.posts.len() >= 20);
    for post in &fixture.posts {
        let form = post.form();
        let claim = form.claim().unwrap().unwrap();
        assert_eq!(claim.access_key(), post.access_key);
        assert_eq!(claim.token(), post.token.as_deref());
        assert_eq!(claim.scope().region, post.region);
        let range = post.verdict(&form).unwrap();
        assert_eq!(range, post.most.map_or(Range::ANY, |most| Range { least: 1, most }));
        for (name, value) in &post.fields {
            let free = name == "key" && value.starts_with("user/");
            let changed = post.form().with(name, &format!("{}x", if free { "other/" } else { value }));
            assert!(post.verdict(&changed).is_err(), "{name} changed");
            assert!(post.verdict(&post.form().without(name)).is_err(), "{name} gone");
        }
        let refused = post.verdict(&post.form().with("x-amz-storage-class", "GLACIER"));
        assert_eq!(refused, Err(Refused::ExtraFields("x-amz-storage-class".to_owned())));
    }
}

#[test]
fn every_field_counts() {
    let good = || form(POLICY);
    let condition = |text: &str| Err(Refused::Condition(text.to_owned()));
    assert_eq!(good().with("acl", "public-read").verdict(), condition(r#"["eq", "$acl", "private"]"#));
    assert_eq!(good().with("acl", "Private").verdict(), condition(r#"["eq", "$acl", "private"]"#));
    assert_eq!(good().without("acl").verdict(), condition(r#"["eq", "$acl", "private"]"#));
    assert_eq!(good().with("key", "other/x").verdict(), condition(r#"["starts-with", "$key", "user/"]"#));
    assert_eq!(
        good().with("content-type", "text/html").verdict(),
        condition(r#"["eq", "$Content-Type", "text/plain"]"#)
    );
    let extra = good().with("x-amz-meta-a", "1").with("tagging", "x").verdict();
    assert_eq!(extra, Err(Refused::ExtraFields("x-amz-meta-a, tagging".to_owned())));
    // The field that is used could be either.
    let mut twice = good();
    twice.fields.push(("KEY".to_owned(), "other/x".to_owned()));
    assert_eq!(twice.verdict(), condition(r#"["starts-with", "$key", "user/"]"#));
    let claim = good();
    let policy = claim.claim().unwrap().unwrap().verify(&key()).unwrap();
    let other = policy.allows(&claim, "other", NOON);
    assert_eq!(other, Err(Refused::Condition(r#"["eq", "$bucket", "b"]"#.to_owned())));
    assert_eq!(policy.allows(&claim, "b", NOON.plus(3_600_000)), Err(Refused::Expired));
}

#[test]
fn types_in_a_list_must_all_begin_as_the_policy_says() {
    let policy = POLICY
        .replace(r#"["eq", "$Content-Type", "text/plain"]"#, r#"["starts-with", "$content-type", "text/"]"#);
    assert!(form(&policy).with("Content-Type", "text/html, text/css").verdict().is_ok());
    assert!(form(&policy).with("Content-Type", "text/html,image/png").verdict().is_err());
}

#[test]
fn a_signature_is_of_the_policy_as_it_was_sent() {
    let good = form(POLICY);
    let signature = good.field("x-amz-signature").unwrap().to_owned();
    let policy = good.field("policy").unwrap().to_owned();
    let other = STANDARD.encode(POLICY.replace("user/", ""));
    let last = if signature.ends_with('0') { "1" } else { "0" };
    let changed = format!("{}{last}", &signature[..63]);
    for twin in [
        form(POLICY).with("policy", &other),
        form(POLICY).with("policy", "%%%"),
        form(POLICY).with("x-amz-signature", &changed),
        form(POLICY).with("x-amz-signature", &signature.to_ascii_uppercase()),
        form(POLICY).with("x-amz-signature", ""),
    ] {
        let refused = twin.verdict().unwrap_err();
        let Refused::Signature(mismatch) = &refused else { panic!("{refused:?}") };
        assert_eq!(mismatch.string_to_sign, twin.field("policy").unwrap());
        let fault = refused.fault();
        assert_eq!((&*fault.code, fault.status), ("SignatureDoesNotMatch", 403));
        assert!(!fault.members.iter().any(|(name, _)| name == "CanonicalRequest"));
    }
    let claim = good.claim().unwrap().unwrap();
    let shown = format!("{claim:?}");
    assert!(!shown.contains(&signature) && !shown.contains(&policy));
}

#[test]
fn what_is_missing_is_named_as_s3_names_it() {
    let text = |name: &str| {
        format!(
            "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
        )
    };
    for name in ["X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "policy"] {
        let fault = form(POLICY).without(name).verdict().unwrap_err().fault();
        assert_eq!((&*fault.code, fault.status, fault.message), ("InvalidArgument", 400, text(name)));
        assert_eq!(fault.members[0], ("ArgumentName".into(), Member::Text(name.to_owned())));
    }
    let bare = Form::default().with("key", "k");
    assert_eq!(bare.claim(), Ok(None));
    assert_eq!(bare.key(), Ok("k"));
    assert_eq!(Form::default().key(), Err(Refused::Missing("key")));
    assert_eq!(bare.clone().with("policy", "e30=").claim(), Err(Refused::Unsigned));
    let old = bare.with("policy", "e30=").with("awsaccesskeyid", "AKID");
    assert_eq!(old.claim(), Err(Refused::Missing("Signature")));
    assert_eq!(old.clone().with("signature", "x").claim(), Err(Refused::Unsupported));
    assert_eq!(
        old.without("AWSAccessKeyId").with("Signature", "x").claim(),
        Err(Refused::Missing("AWSAccessKeyId"))
    );
    let four_a = form(POLICY).with("x-amz-algorithm", "AWS4-ECDSA-P256-SHA256");
    assert_eq!(four_a.claim(), Err(Refused::Unsupported));
}

#[test]
fn a_credential_that_does_not_fit_is_refused_in_s3s_words() {
    for (from, to, want) in [
        (
            "/aws4_request",
            "",
            "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        ),
        ("/s3/", "/sqs/", "incorrect service \"sqs\". This endpoint belongs to \"s3\"."),
        ("aws4_request", "aws5", "incorrect terminal \"aws5\". This endpoint uses \"aws4_request\"."),
        (
            "20260131",
            "20260130",
            "Invalid credential date \"20260130\". This date is not the same as X-Amz-Date: \"20260131\".",
        ),
        ("eu-west-1", "EU", "the region 'EU' is wrong"),
    ] {
        let twin = form(POLICY).with("x-amz-credential", &CREDENTIAL.replace(from, to));
        let want = Refused::Argument { name: "x-amz-credential", text: want.to_owned() };
        assert_eq!(twin.verdict(), Err(want));
    }
    let dated = form(POLICY).with("x-amz-date", "yesterday").verdict();
    assert!(matches!(dated, Err(Refused::Argument { name: "x-amz-date", .. })));
}

#[test]
fn a_policy_that_is_none_is_refused_in_s3s_words() {
    let conditions =
        |text: &str| format!(r#"{{"expiration": "2026-01-31T13:00:00Z", "conditions": [{text}]}}"#);
    for (policy, want) in [
        ("{", "Invalid JSON."),
        ("[]", "Invalid JSON."),
        (r#"{"conditions": []}"#, "Policy missing expiration."),
        (r#"{"expiration": "soon", "conditions": []}"#, "Invalid 'expiration' value: 'soon'"),
        (r#"{"expiration": 5, "conditions": []}"#, "Invalid 'expiration' value: '5'"),
        (r#"{"expiration": "2026-01-31T13:00:00Z"}"#, "Policy missing conditions."),
        (
            r#"{"expiration": "2026-01-31T13:00:00Z", "conditions": {}}"#,
            "Invalid 'conditions' value: must be a List.",
        ),
        (
            &conditions(r#"{"acl": "a", "b": "c"}"#),
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        ),
        (
            &conditions("{}"),
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        ),
        (&conditions(r#"["like", "$key", "x"]"#), "Invalid Condition: unknown operation 'like'."),
        (&conditions(r#"["eq", "$key"]"#), "Invalid Condition: wrong number of arguments."),
        (&conditions("5"), "Invalid Condition: must be a List or an Object."),
        (&conditions(r#"["eq", "$key", ["x"]]"#), "Invalid Condition: values must be strings."),
    ] {
        assert_eq!(form(policy).verdict(), Err(Refused::Policy(want.to_owned())), "{policy}");
    }
    let fault = form("{").verdict().unwrap_err().fault();
    assert_eq!((&*fault.code, &*fault.message), ("InvalidPolicyDocument", "Invalid Policy: Invalid JSON."));
    let signature = key().sign(&[b"?"]).hex().as_str().to_owned();
    let coded = form(POLICY).with("policy", "?").with("x-amz-signature", &signature);
    assert_eq!(coded.verdict(), Err(Refused::Policy("invalid Base64 encoding.".to_owned())));
    for (condition, text) in [
        (r#"["eq", "acl", "private"]"#, r#"["eq", "acl", "private"]"#),
        (r#"["content-length-range", 1, "x"]"#, r#"["content-length-range", 1, "x"]"#),
        (r#"["content-length-range", -1, 5]"#, r#"["content-length-range", -1, 5]"#),
        (r#"["starts-with","$x","q\"q"]"#, r#"["starts-with", "$x", "q\"q"]"#),
    ] {
        let refused = form(&conditions(condition)).verdict();
        assert_eq!(refused, Err(Refused::Condition(text.to_owned())));
    }
}

#[test]
fn a_body_is_read_as_browsers_send_it() {
    let mut sent = form(POLICY);
    sent.file.name = Some("a b.png".to_owned());
    let data = b"\r\n--not the boundary\r\r\n--\r\n------WebKitFormBoundary7MA4YWxkTrZu0g\r\n";
    let (got, file, ended) = outcome(&sent.body(data), &[]);
    let got = got.unwrap();
    assert_eq!(ended, Ok(()));
    assert_eq!(file, data);
    assert_eq!(got.file.content_type.as_deref(), Some("image/png"));
    assert_eq!(got.key(), Ok("user/a b.png"));
    assert_eq!(got.fields[1..], sent.fields[1..]);
    assert!(got.verdict().is_ok());
    // A plain field may be the file; then nothing stands for its name.
    sent.file.name = None;
    let (got, _, _) = outcome(&sent.body(data), &[]);
    assert_eq!(got.unwrap().key(), Ok("user/${filename}"));
}

#[test]
fn what_follows_the_file_is_ignored() {
    let sent = form(POLICY);
    let mut body = sent.body(b"data");
    let end = body.len() - "--\r\n".len();
    body.truncate(end);
    let more = format!(
        "\r\nContent-Disposition: form-data; name=\"acl\"\r\n\r\npublic\r\n--{BOUNDARY}--\r\nepilogue"
    );
    body.extend_from_slice(more.as_bytes());
    let (got, file, ended) = outcome(&body, &[]);
    assert_eq!((got.unwrap().field("acl"), &file[..], ended), (Some("private"), &b"data"[..], Ok(())));
}

#[test]
fn bodies_that_are_no_forms_are_refused() {
    for kind in [None, Some("text/plain"), Some("multipart/form-data"), Some("multipart/mixed; boundary=x")] {
        assert_eq!(Multipart::of(kind).err(), Some(Refused::NotAForm), "{kind:?}");
    }
    let long = format!("multipart/form-data; boundary={}", "x".repeat(300));
    assert_eq!(Multipart::of(Some(&long)).err(), Some(Refused::NotAForm));
    assert!(Multipart::of(Some("Multipart/Form-Data; charset=utf-8; Boundary=\"x\"")).is_ok());
    let whole = form(POLICY).body(b"data");
    for end in 0..whole.len() - 4 {
        assert_eq!(outcome(&whole[..end], &[]).2, Err(Refused::Malformed), "cut at {end}");
    }
    assert_eq!(outcome(&whole[..whole.len() - 2], &[]).2, Ok(()));
    let empty = format!("--{BOUNDARY}--\r\n");
    assert_eq!(outcome(empty.as_bytes(), &[]).2, Err(Refused::Files));
    let nameless = format!("--{BOUNDARY}\r\nContent-Type: x\r\n\r\ndata\r\n--{BOUNDARY}--\r\n");
    assert_eq!(outcome(nameless.as_bytes(), &[]).2, Err(Refused::Malformed));
    let huge = form(POLICY).with("x-ignore-a", &"x".repeat(21_000)).body(b"data");
    assert_eq!(outcome(&huge, &[]).2, Err(Refused::FieldsTooLarge));
    assert_eq!(outcome(&[b'-'; 30_000], &[]).2, Err(Refused::FieldsTooLarge));
    let large = form(POLICY).body(&[b'\r'; 100_000]);
    assert_eq!(outcome(&large, &[]).1.len(), 100_000);
}

#[test]
fn every_refusal_has_words() {
    for (refused, code, status) in [
        (Refused::NotAForm, "PreconditionFailed", 412),
        (Refused::Malformed, "MalformedPOSTRequest", 400),
        (Refused::FieldsTooLarge, "MaxPostPreDataLengthExceededError", 400),
        (Refused::Files, "IncorrectNumberOfFilesInPostRequest", 400),
        (Refused::Unsigned, "AccessDenied", 403),
        (Refused::Unsupported, "InvalidRequest", 400),
        (Refused::Expired, "AccessDenied", 403),
        (Refused::ExtraFields("x".to_owned()), "AccessDenied", 403),
        (Refused::TooLarge { proposed: 2, limit: 1 }, "EntityTooLarge", 400),
        (Refused::TooSmall { proposed: 1, limit: 2 }, "EntityTooSmall", 400),
    ] {
        let fault = refused.fault();
        assert_eq!((&*fault.code, fault.status), (code, status));
        assert!(!fault.message.is_empty());
    }
    assert_eq!(Refused::Expired.fault().message, "Invalid according to Policy: Policy expired.");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_gives_the_same(
        data in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), any::<u8>()], 0..200),
        boundaries in proptest::collection::vec(0_usize..40, 0..4),
        cuts in proptest::collection::vec(any::<usize>(), 0..30),
        damage in proptest::option::of((any::<usize>(), any::<u8>())),
    ) {
        // Pieces of the delimiter in the data are what a parser can stumble over.
        let delimiter = format!("\r\n--{BOUNDARY}");
        let mut file = data;
        for length in boundaries {
            file.extend_from_slice(&delimiter.as_bytes()[..length.min(delimiter.len() - 1)]);
        }
        let mut body = form(POLICY).body(&file);
        let whole = if let Some((at, byte)) = damage {
            let at = at % body.len();
            body[at] = byte;
            outcome(&body, &[])
        } else {
            let whole = outcome(&body, &[]);
            prop_assert_eq!(&whole.1, &file);
            prop_assert_eq!(&whole.2, &Ok(()));
            whole
        };
        prop_assert_eq!(&outcome(&body, &cuts), &whole);
        let every: Vec<usize> = (0..body.len()).collect();
        prop_assert_eq!(&outcome(&body, &every), &whole);
    }
}
