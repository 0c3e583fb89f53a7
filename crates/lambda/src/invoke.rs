//! Invoke: RequestResponse and DryRun.

use api::lambda::{InvokeInput, InvokeOutput, fault};
use api::{Call, Cx, Guard};
use aws::{Fault, Member};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use invoker::{Invocation, LogTail, Outcome, Refused, Verdict};

use crate::limits::{CHECK_INLINE_BYTES, CLIENT_CONTEXT_CHARS, SYNC_PAYLOAD_BYTES};
use crate::names::Named;
use crate::settings::not_implemented;
use crate::state::Lambda;

/// Invoke touches the function as it was named, with its qualifier.
pub(crate) fn invokes(_: &Lambda, call: &Call, input: &InvokeInput) -> Result<Guard, Fault> {
    Ok(Guard::on(Named::read(call, &input.function_name, input.qualifier.as_deref())?.invoked_arn()))
}

/// Runs the function and answers with what it said. The order of checks is AWS's: existence, size, JSON, state, concurrency.
pub(crate) async fn invoke(cx: Cx<Lambda>, input: InvokeInput) -> Result<InvokeOutput, Fault> {
    let mut named = Named::read(&cx, &input.function_name, input.qualifier.as_deref())?;
    // Invoke alone names `$LATEST` in its texts when the request named no qualifier.
    let invoked_arn = named.invoked_arn();
    named.qualifier.get_or_insert_with(|| "$LATEST".to_owned());
    let function = cx.state.find(&named).await?;
    if input.durable_execution_name.is_some() {
        return Err(not_implemented("DurableExecutionName"));
    }
    if input.tenant_id.is_some() {
        return Err(fault::invalid_parameter_value(
            "The invoked function is not enabled with tenancy configuration. Remove the tenant ID.",
        ));
    }
    let payload = payload(&cx, input.payload).await?;
    let client_context = input.client_context.as_deref().map(client_context).transpose()?;
    let version = cx.state.version(&named, &function).await?;
    match input.invocation_type.as_deref() {
        None | Some("RequestResponse") => {}
        Some("DryRun") => return Ok(InvokeOutput { status_code: Some(204), ..InvokeOutput::default() }),
        Some(other) => return Err(not_implemented(&format!("InvocationType {other}"))),
    }
    let tail = if input.log_type.as_deref() == Some("Tail") { LogTail::Wanted } else { LogTail::Unwanted };
    let invocation = Invocation {
        request_id: cx.request_id,
        payload,
        invoked_arn,
        client_context,
        trace: cx.trace.as_ref().map(ToString::to_string),
        log_tail: tail,
        function: version,
    };
    let outcome = cx.state.0.invoker.invoke(invocation).await.map_err(|refused| refusal(&refused))?;
    Ok(answer(outcome))
}

fn answer(outcome: Outcome) -> InvokeOutput {
    InvokeOutput {
        status_code: Some(200),
        function_error: match outcome.verdict {
            Verdict::Success => None,
            Verdict::Unhandled => Some("Unhandled".to_owned()),
        },
        log_result: outcome.log_tail.map(|tail| STANDARD.encode(tail)),
        payload: Some(outcome.payload),
        executed_version: Some("$LATEST".to_owned()),
        durable_execution_arn: None,
    }
}

/// The event: within its size, JSON, `{}` when empty.
async fn payload(cx: &Cx<Lambda>, given: Option<Bytes>) -> Result<Bytes, Fault> {
    let payload = given.unwrap_or_default();
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    if payload.len() > SYNC_PAYLOAD_BYTES {
        return Err(Fault::new(
            "RequestEntityTooLargeException",
            413,
            format!(
                "Request must be smaller than {SYNC_PAYLOAD_BYTES} bytes for the InvokeFunction operation"
            ),
        ));
    }
    if payload.len() <= CHECK_INLINE_BYTES {
        check_json(&payload)?;
        return Ok(payload);
    }
    let body = payload.clone();
    let checked = cx.state.0.tasks.spawn_blocking(move || check_json(&body));
    checked.join().await.unwrap_or_else(|| Err(fault::service("An internal error occurred.")))?;
    Ok(payload)
}

/// Any JSON value in UTF-8.
fn check_json(payload: &[u8]) -> Result<(), Fault> {
    let text = std::str::from_utf8(payload).map_err(|e| not_json(&e.to_string(), 1, e.valid_up_to() + 1))?;
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or_default();
            Err(not_json(what, error.line(), error.column()))
        }
    }
}

fn not_json(what: &str, line: usize, column: usize) -> Fault {
    fault::invalid_request_content(format!(
        "Could not parse request body into json: Could not parse payload into json: {what}: expected a valid value \
         (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at [Source: REDACTED; line: {line}, column: {column}]"
    ))
}

/// `X-Amz-Client-Context`: base64 of a JSON object, at most 3,583 characters.
fn client_context(given: &str) -> Result<String, Fault> {
    let invalid =
        || fault::invalid_request_content("Client context must be a valid Base64-encoded JSON object.");
    if given.len() > CLIENT_CONTEXT_CHARS {
        return Err(invalid());
    }
    let text =
        STANDARD.decode(given).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(invalid)?;
    match serde_json::from_str::<serde_json::Value>(&text) {
        // The runtime gets it in a header, where line ends cannot stand.
        Ok(value @ serde_json::Value::Object(_)) => Ok(value.to_string()),
        _ => Err(invalid()),
    }
}

fn refusal(refused: &Refused) -> Fault {
    let throttled = |reason: &str| {
        fault::too_many_requests("Rate Exceeded.").with("Reason", Member::Text(reason.to_owned()))
    };
    match refused {
        Refused::AccountConcurrency | Refused::Capacity => throttled("ConcurrentInvocationLimitExceeded"),
        Refused::Overloaded => throttled("FunctionInvocationRateLimitExceeded"),
        Refused::Stopping => Fault::new("ServiceUnavailableException", 503, "The server is stopping."),
        Refused::Role(why) => {
            tracing::warn!(why, "assume an execution role");
            let text = "The role defined for the function cannot be assumed by Lambda.";
            Fault::new("AccessDeniedException", 403, text)
        }
        Refused::Internal(why) => {
            tracing::error!(why, "invoke");
            fault::service("An internal error occurred.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_json_value_is_an_event_and_nothing_else_is() {
        for good in ["1", "null", "\"x\"", "[]", "{\"a\": [1, 2]}", " {} "] {
            assert_eq!(check_json(good.as_bytes()), Ok(()), "{good}");
        }
        // Deep nesting is JSON too, and must not exhaust the stack.
        assert_eq!(check_json(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).as_bytes()), Ok(()));
        for bad in [&b"{"[..], b"x", b"{} {}", b"\xff", b"", b"{'a':1}"] {
            let fault = check_json(bad).unwrap_err();
            assert_eq!((fault.code.as_ref(), fault.status), ("InvalidRequestContentException", 400));
            assert!(
                fault.message.starts_with(
                    "Could not parse request body into json: Could not parse payload into json: "
                )
            );
        }
    }

    #[test]
    fn a_client_context_is_a_json_object_without_line_ends() {
        let encode = |text: &str| STANDARD.encode(text);
        assert_eq!(client_context(&encode("{\"a\":\n1}")).unwrap(), "{\"a\":1}");
        for bad in ["%%%", &encode("[1]"), &encode("x"), &"A".repeat(3_584)] {
            assert!(client_context(bad).is_err(), "{bad}");
        }
    }
}
