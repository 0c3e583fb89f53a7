use aws::{Caller, Fault};

use crate::{Boxed, Call};

/// What a call touches: the resource that IAM guards, the condition keys, and further actions that AWS demands with it
/// (`iam:PassRole` for CreateFunction).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The IAM action, e.g. `lambda:CreateFunction`; filled in from the operation.
    pub action: String,
    /// The resource's ARN, or `*` for operations without one.
    pub resource: String,
    /// Other ARNs by which policies may name the same resource: allowed by one of them is allowed, denied by one is denied.
    pub aliases: Vec<String>,
    /// Condition keys of this request, e.g. `("lambda:FunctionArn", …)`; a key may repeat.
    pub context: Vec<(String, String)>,
    /// Further action and resource pairs which must be allowed too.
    pub also: Vec<(String, String)>,
    /// True when any authenticated caller may do it, whatever its policies say (GetCallerIdentity).
    pub open: bool,
}

impl Guard {
    /// Guards one resource by its ARN.
    pub fn on(resource: impl Into<String>) -> Guard {
        Guard {
            action: String::new(),
            resource: resource.into(),
            aliases: Vec::new(),
            context: Vec::new(),
            also: Vec::new(),
            open: false,
        }
    }

    /// For operations that have no resource: `*`.
    pub fn any() -> Guard {
        Guard::on("*")
    }

    /// For what every authenticated caller may do.
    pub fn open() -> Guard {
        Guard { open: true, ..Guard::any() }
    }

    /// Overrides the action, where IAM's name differs from the operation's (Invoke → `lambda:InvokeFunction`).
    pub fn action(mut self, action: impl Into<String>) -> Guard {
        self.action = action.into();
        self
    }

    /// Adds another ARN of the same resource.
    pub fn alias(mut self, resource: impl Into<String>) -> Guard {
        self.aliases.push(resource.into());
        self
    }

    /// Adds a condition key.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Guard {
        self.context.push((key.into(), value.into()));
        self
    }

    /// Demands a further action on a further resource.
    pub fn also(mut self, action: impl Into<String>, resource: impl Into<String>) -> Guard {
        self.also.push((action.into(), resource.into()));
        self
    }
}

/// One question to the authorizer.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// The call's surroundings (account, region, request id).
    pub call: &'a Call,
    /// What is touched.
    pub guard: &'a Guard,
}

/// Decides whether a caller may do something. `iam` implements it over `policy`.
pub trait Authorize: Send + Sync + 'static {
    /// `Ok` allows. The fault is AWS's AccessDenied in AWS's words; the registry hands it to the client unchanged.
    fn authorize<'a>(&'a self, ask: Ask<'a>) -> Boxed<'a, Result<(), Fault>>;
}
