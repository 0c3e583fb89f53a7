//! Hosts, data planes and what needs no signature.

use super::*;

fn to(host: &str, request: http::request::Builder) -> Request<Bytes> {
    request.header("host", host).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn function_urls_and_apis_that_are_not_there_answer_as_aws_does() {
    let house = house();
    let cases = [
        ("abc.lambda-url.us-east-1.on.aws", "AccessDeniedException", "{\"Message\":null}"),
        ("abc.lambda-url.us-east-1.localhost:4566", "AccessDeniedException", "{\"Message\":null}"),
        ("abc.execute-api.us-east-1.amazonaws.com", "ForbiddenException", "{\"message\":\"Forbidden\"}"),
        ("abc.execute-api.localhost:4566", "ForbiddenException", "{\"message\":\"Forbidden\"}"),
    ];
    for (host, code, expected) in cases {
        for request in [Request::get("/a/b?c=d"), Request::post("/2015-03-31/functions/f/invocations")] {
            let (response, body) = house.send(to(host, request), Source::InProcess).await;
            assert_eq!((response.status().as_u16(), body.as_str()), (403, expected), "{host}");
            assert_eq!(response.headers()["x-amzn-errortype"], code);
            assert_eq!(response.headers()["x-amzn-requestid"].len(), 36);
        }
    }
    let (_, metrics) =
        house.send(to("localhost", Request::get("/_lambent/metrics")), Source::InProcess).await;
    let line = "lambent_requests_total{service=\"lambda\",operation=\"InvokeFunctionUrl\",status=\"403\"} 4";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn only_what_aws_leaves_open_needs_no_signature() {
    let house = house();
    let form = |action: &str| {
        Request::post("http://127.0.0.1:4566/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(format!("Action={action}&Version=2011-06-15")))
            .unwrap()
    };
    let token = "RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=session&WebIdentityToken=token";
    let (response, body) =
        house.send(form(&format!("AssumeRoleWithWebIdentity&{token}")), Source::InProcess).await;
    assert_eq!(response.status(), 501, "{body}");
    assert!(body.contains("<Code>NotImplemented</Code>"), "{body}");
    let (response, body) = house.send(form("AssumeRole"), Source::InProcess).await;
    assert_eq!(response.status(), 403);
    assert!(body.contains("<Code>MissingAuthenticationToken</Code>"), "{body}");
    let targeted = |target: &str| {
        let request = Request::post("http://127.0.0.1:4566/").header("x-amz-target", target);
        request.body(Bytes::from_static(b"{}")).unwrap()
    };
    for target in ["DynamoDB_20120810.ListTables", "AWSEvents.ListRules"] {
        let (response, body) = house.send(targeted(target), Source::InProcess).await;
        assert_eq!(response.status(), 400);
        assert!(body.contains("MissingAuthenticationTokenException"), "{body}");
    }
}

#[tokio::test]
async fn urls_in_answers_name_the_host_that_the_client_used() {
    let house = house_with(Clock::virtual_at(NOW), |settings| {
        settings.hosts = wire::Hosts::with(["lambent.example".to_owned()]).unwrap();
    });
    for host in [
        "127.0.0.1:4566",
        "localhost:4566",
        "lambda.eu-west-1.localhost:4566",
        "lambda.eu-west-1.amazonaws.com",
        "lambda.lambent.example:8080",
        "whatever.house",
    ] {
        let mut request = invocation("f", "{}");
        request.headers_mut().insert("host", host.parse().unwrap());
        let (response, body) = house.call(&root(), "lambda", request, |_| {}).await;
        assert_eq!(response.status(), 200, "{body}");
        assert_eq!(body, format!("\"eu-west-1 http://{host} 2\""));
    }
}

#[tokio::test]
async fn without_authentication_our_own_suffixes_are_this_machine() {
    let house = house_with(Clock::virtual_at(NOW), |settings| {
        settings.authentication = Authentication::Off;
        settings.hosts = wire::Hosts::with(["lambent.example".to_owned()]).unwrap();
    });
    let status = async |host: &str| {
        let mut request = invocation("f", "{}");
        request.headers_mut().insert("host", host.parse().unwrap());
        house.send(request, Source::InProcess).await.0.status().as_u16()
    };
    assert_eq!(status("lambda.lambent.example").await, 200);
    assert_eq!(status("lambda.localhost:4566").await, 200);
    assert_eq!(status("lambda.us-east-1.amazonaws.com").await, 403);
    assert_eq!(status("evil.example").await, 403);
}
