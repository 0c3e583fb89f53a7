//! Execution roles: checked when a function is created or given another role, assumed when an environment starts.

use std::sync::{Arc, OnceLock};

use api::lambda::fault;
use api::sts::{AssumeRole, AssumeRoleInput, ProvidedContext};
use api::{Boxed, Call, Calls, Cx};
use aws::{Arn, Caller, Fault, Millis, RequestId, SOURCE_FUNCTION_CONTEXT};
use invoker::{CredentialSource, Credentials, FunctionVersion, NotMinted};
use tasks::Random;

use crate::limits::CREDENTIAL_SECONDS;
use crate::names::{Named, function_arn};
use crate::state::Lambda;

/// The service principal that trust policies name.
pub(crate) const PRINCIPAL: &str = "lambda.amazonaws.com";

/// Fails unless Lambda can assume `role` for the function.
pub(crate) async fn check(cx: &Cx<Lambda>, role: &Arn, named: &Named) -> Result<(), Fault> {
    if role.account() != named.account.as_str() {
        return Err(Fault::new("AccessDeniedException", 403, "Cross-account pass role is not allowed."));
    }
    match assume(&cx.calls, cx.call.clone(), role, &named.name).await {
        Ok(_) => Ok(()),
        Err(failed) if failed.is_server() => Err(failed),
        Err(_) => Err(fault::invalid_parameter_value(
            "The role defined for the function cannot be assumed by Lambda.",
        )),
    }
}

async fn assume(
    calls: &Calls,
    call: Call,
    role: &Arn,
    function: &str,
) -> Result<api::sts::AssumeRoleOutput, Fault> {
    // Session names have two characters at least.
    let session =
        if function.len() == 1 { format!("{function}@lambda_function") } else { function.to_owned() };
    let source = ProvidedContext {
        provider_arn: Some(SOURCE_FUNCTION_CONTEXT.to_owned()),
        context_assertion: Some(function_arn(call.account, &call.region, function).to_string()),
    };
    let input = AssumeRoleInput {
        role_arn: role.to_string(),
        role_session_name: session,
        duration_seconds: Some(CREDENTIAL_SECONDS),
        provided_contexts: Some(vec![source]),
        ..AssumeRoleInput::default()
    };
    calls.call::<AssumeRole>(call.as_service(PRINCIPAL), input).await
}

/// Mints the credentials of execution environments through STS.
pub struct ExecutionRoles {
    calls: OnceLock<Calls>,
    random: Random,
}

impl ExecutionRoles {
    /// Not yet connected: the registry is built after the invoker that needs this.
    pub fn new(random: Random) -> ExecutionRoles {
        ExecutionRoles { calls: OnceLock::new(), random }
    }

    /// Connects it to the services; the first connection stays.
    pub fn connect(&self, calls: Calls) {
        let _ = self.calls.set(calls);
    }

    async fn assume(&self, function: &FunctionVersion) -> Result<Credentials, NotMinted> {
        let calls = self.calls.get().expect("the registry is connected before the first invocation");
        let call = Call {
            caller: Arc::new(Caller::service(function.account, PRINCIPAL)),
            account: function.account,
            region: function.region.clone(),
            request_id: RequestId::from_random(self.random.bytes()),
            endpoint: "".into(),
            trace: None,
        };
        let minted = assume(calls, call, &function.role, &function.name).await;
        let credentials = minted.map_err(|fault| NotMinted(fault.message))?.credentials;
        let credentials = credentials.ok_or_else(|| NotMinted("no credentials".to_owned()))?;
        Ok(Credentials {
            access_key: credentials.access_key_id,
            secret_key: credentials.secret_access_key,
            session_token: credentials.session_token,
            expires: Millis((credentials.expiration * 1000.0) as u64),
        })
    }
}

impl CredentialSource for ExecutionRoles {
    fn mint<'a>(&'a self, function: &'a FunctionVersion) -> Boxed<'a, Result<Credentials, NotMinted>> {
        Box::pin(self.assume(function))
    }
}
