use std::process::Command;

use tasks::{OnError, Tasks};

use super::*;

/// Runs a command against a listening house with root's keys and gives its standard output.
async fn run(program: &'static str, arguments: Vec<String>) -> String {
    let house = house_with(Clock::real(), |settings| settings.connections_per_address = 100);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let tasks = Tasks::new(house.shutdown.clone());
    let (gateway, connections) = (house.gateway.clone(), tasks.clone());
    tasks.spawn("serve", OnError::Stop, async move {
        gateway.serve(listener, connections).await;
        Ok(())
    });
    let client = tasks.spawn_blocking(move || {
        Command::new(program)
            .args(arguments)
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ACCESS_KEY_ID", "AKIAROOT")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_PAGER", "")
            .env_remove("AWS_SESSION_TOKEN")
            .env_remove("AWS_PROFILE")
            .output()
    });
    let output = client.join().await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, error) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{program}: {error}");
    out
}

#[tokio::test]
async fn boto3_is_understood_and_understands_every_refusal() {
    let script = include_str!("clients.py").to_owned();
    let out = run("python3", vec!["-c".into(), script]).await;
    let seen: serde_json::Value = serde_json::from_str(&out).unwrap();
    let wanted = serde_json::json!({
        "identity": "arn:aws:iam::123456789012:root",
        "presigned identity": 200,
        "streams": [],
        "invoke": [200, "$LATEST", 1],
        "odd name": "ok",
        "large": 413,
        "absent": ["ResourceNotFoundException", 404],
        "no row": ["NotImplemented", 501],
        "wrong secret, query": ["SignatureDoesNotMatch", 403],
        "wrong secret, json": ["InvalidSignatureException", 400],
        "wrong secret, rest": ["InvalidSignatureException", 403],
        "unknown key, query": ["InvalidClientTokenId", 403],
        "unknown key, json": ["UnrecognizedClientException", 400],
        "unknown key, rest": ["UnrecognizedClientException", 403],
        "put": ["300000", "3000000", "20000"],
        "put early": ["NoSuchBucket", 404],
        "put early, file": ["NoSuchBucket", 404],
        "policy": 200,
        "parallel": 200,
    });
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn the_aws_cli_is_understood() {
    let arguments = ["sts", "get-caller-identity", "--query", "Account", "--output", "text"];
    let out = run("aws", arguments.map(str::to_owned).to_vec()).await;
    assert_eq!(out.trim(), "123456789012");
}
