use std::collections::BTreeMap;
use std::sync::Arc;

use aws::Fault;
use wire::Value;

use crate::{Ask, Authorize, Call, Calls, Service};

/// All services, and the only way to run an operation: decode, decide, do.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    services: BTreeMap<&'static str, Service>,
    authorizer: Box<dyn Authorize>,
}

impl Registry {
    /// A registry over these services; `authorizer` is asked before each operation.
    pub fn new(services: Vec<Service>, authorizer: impl Authorize) -> Registry {
        let services = services.into_iter().map(|service| (service.name, service)).collect();
        Registry { inner: Arc::new(Inner { services, authorizer: Box::new(authorizer) }) }
    }

    /// The services in order of name.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.inner.services.values()
    }

    /// A handle for background loops and handlers.
    pub fn calls(&self) -> Calls {
        Calls::new(self.clone())
    }

    /// Runs one operation. `input` was decoded and validated against the model.
    ///
    /// Answers `NotImplemented` (501) when the service or operation has no row.
    pub async fn call(
        &self,
        call: Call,
        service: &str,
        operation: &str,
        input: Value,
    ) -> Result<Value, Fault> {
        let row = self.inner.services.get(service).and_then(|service| service.rows.get(operation));
        let Some(prepare) = row else { return Err(not_implemented(operation)) };
        let prepared = prepare(&call, input)?;
        let caller = call.caller.clone();
        self.inner.authorizer.authorize(Ask { caller: &caller, call: &call, guard: &prepared.guard }).await?;
        (prepared.run)(call, self.calls()).await
    }
}

fn not_implemented(operation: &str) -> Fault {
    Fault::new("NotImplemented", 501, format!("{operation} is not implemented"))
}
