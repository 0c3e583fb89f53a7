//! A stranger to Lambent: endpoint, region and keys come from the environment alone. Prints one JSON document.
//!
//! ```text
//! client live NAME ZIP RUNTIME ROLE    a function's life
//! client invoke NAME EVENT             one call
//! client whoami                        whose keys these are
//! ```

use std::error::Error;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_lambda::client::Waiters;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::operation::RequestId;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, FunctionConfiguration, LogType, Runtime};
use serde_json::{Value, json};

type Answer = Result<Value, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let settings = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match arguments[..] {
        ["live", name, code, runtime, role] => {
            let client = aws_sdk_lambda::Client::new(&settings);
            create(&client, name, code, runtime, role).await?;
            live(&client, name).await?
        }
        ["invoke", name, event] => invoke(&settings, name, event).await?,
        ["whoami"] => whoami(&settings).await?,
        _ => return Err(format!("not understood: {arguments:?}").into()),
    };
    println!("{answer}");
    Ok(())
}

async fn create(
    client: &aws_sdk_lambda::Client,
    name: &str,
    code: &str,
    runtime: &str,
    role: &str,
) -> Result<(), Box<dyn Error>> {
    let zip = FunctionCode::builder().zip_file(Blob::new(std::fs::read(code)?)).build();
    let request = client
        .create_function()
        .function_name(name)
        .description("größer ✓")
        .runtime(Runtime::from(runtime))
        .handler("app.greet")
        .role(role)
        .timeout(10)
        .environment(Environment::builder().variables("GREETING", "grüß dich").build())
        .code(zip);
    request.send().await?;
    Ok(())
}

async fn live(client: &aws_sdk_lambda::Client, name: &str) -> Answer {
    client.wait_until_function_active_v2().function_name(name).wait(Duration::from_secs(60)).await?;
    let active = client.get_function().function_name(name).send().await?;
    let active = active.configuration().ok_or("no configuration")?;
    let mut listed = Vec::new();
    let mut pages = client.list_functions().into_paginator().page_size(1).items().send();
    while let Some(function) = pages.next().await {
        listed.push(function?.function_name);
    }
    let (called, answer) = call(client, name, &json!({"name": "wörld ✓"})).await?;
    let (_, large) = call(client, name, &json!({"name": "x".repeat(1 << 20)})).await?;
    let (failed, failure) = call(client, name, &json!({})).await?;
    client.delete_function().function_name(name).send().await?;
    Ok(json!({
        "created": active.function_arn(),
        "active": described(active),
        "listed": listed,
        "called": {
            "status": called.status_code(),
            "version": called.executed_version(),
            "answer": answer,
            "log": tail(&called)?,
        },
        "large": large["greeting"].as_str().map(str::len),
        "failed": {"error": failed.function_error(), "type": failure["errorType"]},
        "gone": missing(client, name).await?,
    }))
}

fn described(active: &FunctionConfiguration) -> Value {
    json!({
        "state": active.state().map(|state| state.as_str()),
        "update": active.last_update_status().map(|status| status.as_str()),
        "description": active.description(),
        "timeout": active.timeout(),
        "variables": active.environment().and_then(|environment| environment.variables()),
    })
}

async fn call(
    client: &aws_sdk_lambda::Client,
    name: &str,
    event: &Value,
) -> Result<(InvokeOutput, Value), Box<dyn Error>> {
    let payload = Blob::new(event.to_string());
    let output = client.invoke().function_name(name).payload(payload).log_type(LogType::Tail).send().await?;
    let answer = answer_of(&output)?;
    Ok((output, answer))
}

fn answer_of(output: &InvokeOutput) -> Answer {
    Ok(serde_json::from_slice(output.payload().ok_or("no payload")?.as_ref())?)
}

fn tail(output: &InvokeOutput) -> Result<String, Box<dyn Error>> {
    let text = output.log_result().ok_or("no log")?;
    Ok(String::from_utf8(aws_smithy_types::base64::decode(text)?)?)
}

async fn missing(client: &aws_sdk_lambda::Client, name: &str) -> Answer {
    let Err(error) = client.get_function().function_name(name).send().await else {
        return Err("the function is still there".into());
    };
    let status = error.raw_response().map(|response| response.status().as_u16());
    let error = error.into_service_error();
    if !error.is_resource_not_found_exception() {
        return Err(error.into());
    }
    Ok(json!({
        "error": error.code(),
        "message": error.message(),
        "status": status,
        "requestId": error.request_id(),
    }))
}

async fn invoke(settings: &SdkConfig, name: &str, event: &str) -> Answer {
    let client = aws_sdk_lambda::Client::new(settings);
    let output = client.invoke().function_name(name).payload(Blob::new(event)).send().await?;
    Ok(json!({"status": output.status_code(), "answer": answer_of(&output)?}))
}

async fn whoami(settings: &SdkConfig) -> Answer {
    let identity = aws_sdk_sts::Client::new(settings).get_caller_identity().send().await?;
    Ok(json!({"account": identity.account(), "arn": identity.arn()}))
}
