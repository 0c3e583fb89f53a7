use std::sync::Arc;

use aws::{AccountId, Caller, Fault, Region, RequestId};
use wire::Value;

use crate::{Operation, Registry, Shape};

/// The surroundings of one call: who, where, which request.
#[derive(Clone)]
pub struct Call {
    /// Who calls.
    pub caller: Arc<Caller>,
    /// The account whose resources are meant by bare names.
    pub account: AccountId,
    /// The region of the credential scope.
    pub region: Region,
    /// This request's id.
    pub request_id: RequestId,
    /// The URL prefix by which the client reached us, e.g. `http://127.0.0.1:4566`; URLs in answers start with it.
    pub endpoint: Arc<str>,
    /// The `X-Amzn-Trace-Id` of the request, if it had one.
    pub trace: Option<Arc<str>>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{} by {}", self.request_id, self.account, self.region, self.caller.arn)
    }
}

/// What a handler gets: its service's state and the call, through which it may call other services.
pub struct Cx<S> {
    /// The service's own state.
    pub state: Arc<S>,
    /// The call's surroundings.
    pub call: Call,
    /// Other services, as operations.
    pub calls: Calls,
}

impl<S> std::ops::Deref for Cx<S> {
    type Target = Call;
    fn deref(&self) -> &Call {
        &self.call
    }
}

/// Calls to other services, in process, each with an authorization decision.
#[derive(Clone)]
pub struct Calls {
    registry: Registry,
}

impl Calls {
    pub(crate) fn new(registry: Registry) -> Calls {
        Calls { registry }
    }

    /// Runs an operation by type. `call.caller` is who is authorized: use [`Call::as_service`] to act as a service.
    pub async fn call<O: Operation>(&self, call: Call, input: O::Input) -> Result<O::Output, Fault> {
        let output = self.registry.call(call, O::SERVICE, O::NAME, input.into_value()).await?;
        O::Output::from_value(output)
    }

    /// Runs an operation by name, with modelled values.
    pub async fn by_name(
        &self,
        call: Call,
        service: &str,
        operation: &str,
        input: Value,
    ) -> Result<Value, Fault> {
        self.registry.call(call, service, operation, input).await
    }
}

impl Call {
    /// The same call made by a service principal such as `lambda.amazonaws.com`.
    pub fn as_service(&self, principal: &'static str) -> Call {
        Call { caller: Arc::new(Caller::service(self.account, principal)), ..self.clone() }
    }
}
