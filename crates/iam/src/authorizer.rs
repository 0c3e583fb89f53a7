use std::sync::Arc;

use api::{Ask, Authorize, Boxed};
use aws::{AccountId, Arn, Caller, Fault, Principal};
use policy::{Assumer, Decision, Trust};
use store::Store;

use crate::roles;
use crate::rules::{Denial, Reason};
use crate::tables::{ROLES, Role, home, role_key};

/// What our own services may do by themselves. A service principal exists in this process only; no client can be one.
const SERVICES_MAY: &[&str] = &["iam:GetRole"];

const ASSUME_ROLE: &str = "sts:AssumeRole";

/// Decides calls by IAM's policies. Cloning shares it.
#[derive(Clone)]
pub struct Authorizer {
    store: Store,
}

impl Authorize for Authorizer {
    fn authorize<'a>(&'a self, ask: Ask<'a>) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(self.decide(ask))
    }
}

impl Authorizer {
    pub(crate) fn new(store: Store) -> Authorizer {
        Authorizer { store }
    }

    async fn decide(&self, ask: Ask<'_>) -> Result<(), Fault> {
        let Ask { caller, guard, .. } = ask;
        if guard.open && caller.principal != Principal::Anonymous {
            return Ok(());
        }
        let service = guard.action.split(':').next().unwrap_or_default();
        let role = self.role_of(caller).await?;
        if guard.action == ASSUME_ROLE {
            return self.assume(caller, role.as_deref(), &guard.resource).await;
        }
        let resource = self.with_path(&guard.action, &guard.resource).await?;
        let main: Vec<&str> =
            std::iter::once(resource.as_str()).chain(guard.aliases.iter().map(String::as_str)).collect();
        let also = guard.also.iter().map(|(action, resource)| (action.as_str(), vec![resource.as_str()]));
        for (action, names) in std::iter::once((guard.action.as_str(), main)).chain(also) {
            if let Err(why) = by_any_name(caller, role.as_deref(), action, &names) {
                let resource = names.first().copied().unwrap_or("*");
                return Err(Denial { service, caller: caller.arn.as_str(), action, resource, why }.fault());
            }
        }
        Ok(())
    }

    /// The caller's role as it is now; `None` when the caller has none, or it was deleted or made again.
    async fn role_of(&self, caller: &Caller) -> Result<Option<Arc<Role>>, Fault> {
        let Principal::Role { role, .. } = &caller.principal else { return Ok(None) };
        let found = roles::find(&self.store, role).await?;
        Ok(found.filter(|found| Some(found.id.as_str()) == role_id(caller)))
    }

    /// The ARN of a role that an operation of IAM names, with its path: the operation only has the name.
    async fn with_path(&self, action: &str, resource: &str) -> Result<String, Fault> {
        let named = action.strip_prefix("iam:").filter(|name| *name != "CreateRole");
        let arn = named.and_then(|_| Arn::parse(resource).ok());
        let name = arn.as_ref().and_then(|arn| arn.resource().strip_prefix("role/"));
        let account = arn.as_ref().and_then(|arn| AccountId::parse(arn.account()).ok());
        let (Some(name), Some(account)) = (name, account) else { return Ok(resource.to_owned()) };
        let role = self.store.get(ROLES, home(account), &role_key(account, name)).await?;
        Ok(role.map_or_else(|| resource.to_owned(), |role| role.arn(account).to_string()))
    }

    /// Whether the caller may assume the role: its trust policy must say so, and unless that names him in his own
    /// account, his own policies too. A role that does not exist is refused in the same words.
    async fn assume(&self, caller: &Caller, own: Option<&Role>, resource: &str) -> Result<(), Fault> {
        let (service, action, why) = ("sts", ASSUME_ROLE, Reason::Unsaid);
        let denied = || Denial { service, caller: caller.arn.as_str(), action, resource, why }.fault();
        if caller.principal == Principal::Root {
            return Err(Fault::new("AccessDenied", 403, "Roles may not be assumed by root accounts."));
        }
        let Ok(arn) = Arn::parse(resource) else { return Err(denied()) };
        let Some(role) = roles::find(&self.store, &arn).await? else { return Err(denied()) };
        let Some(trusting) = role.trust.document.as_ref() else { return Err(denied()) };
        let who = match &caller.principal {
            Principal::Service(name) => Assumer::Service(name),
            Principal::Role { role, .. } => Assumer::Session {
                role: role.as_str(),
                arn: caller.arn.as_str(),
                account: caller.account,
                id: role_id(caller).unwrap_or_default(),
            },
            Principal::User(_) => {
                Assumer::User { arn: caller.arn.as_str(), account: caller.account, id: &caller.user_id }
            }
            Principal::Root | Principal::Anonymous => return Err(denied()),
        };
        let own_account = arn.account() == caller.account.as_str();
        let identity = || identity(own, action, resource);
        let is_service = matches!(caller.principal, Principal::Service(_));
        let fine = match policy::trust(trusting, action, who, &role.pins) {
            Trust::Denied | Trust::Nothing => false,
            Trust::Direct if is_service => true,
            // A session whose role is gone is nobody.
            Trust::Direct if own_account => own.is_some() && identity() != Err(Reason::IdentityDeny),
            Trust::Direct | Trust::Account => identity().is_ok(),
        };
        if fine { Ok(()) } else { Err(denied()) }
    }
}

/// The unique id of a session's role.
fn role_id(caller: &Caller) -> Option<&str> {
    caller.user_id.split(':').next()
}

/// As [`allowed`], for a resource that has several names: one that is denied decides, else one that is allowed.
fn by_any_name(caller: &Caller, role: Option<&Role>, action: &str, names: &[&str]) -> Result<(), Reason> {
    let mut answer = Err(Reason::NoIdentityPolicy);
    for (index, name) in names.iter().enumerate() {
        match allowed(caller, role, action, name) {
            Err(Reason::IdentityDeny) => return Err(Reason::IdentityDeny),
            Ok(()) => answer = Ok(()),
            Err(why) if index == 0 => answer = Err(why),
            Err(_) => {}
        }
    }
    answer
}

/// Whether `caller`, a session of `role` if he is one, may do `action` on `resource`.
fn allowed(caller: &Caller, role: Option<&Role>, action: &str, resource: &str) -> Result<(), Reason> {
    let foreign = owner(resource).is_some_and(|owner| owner != caller.account.as_str());
    match &caller.principal {
        Principal::Service(_) if SERVICES_MAY.contains(&action) && !foreign => Ok(()),
        Principal::Service(_) | Principal::Anonymous => Err(Reason::NoResourcePolicy),
        Principal::Root if !foreign => Ok(()),
        Principal::Root => Err(Reason::NoResourcePolicy),
        Principal::Role { .. } | Principal::User(_) => {
            identity(role, action, resource)?;
            // Another account's resource must allow it as well, and no resource has policies yet.
            if foreign { Err(Reason::NoResourcePolicy) } else { Ok(()) }
        }
    }
}

/// What the identity policies of a role say. Nobody else has any yet.
fn identity(role: Option<&Role>, action: &str, resource: &str) -> Result<(), Reason> {
    let Some(role) = role else { return Err(Reason::NoIdentityPolicy) };
    // A policy that cannot be read might deny.
    let Some(documents) = role.documents() else { return Err(Reason::IdentityDeny) };
    match policy::evaluate(documents, action, resource) {
        Decision::Allowed(_) => Ok(()),
        Decision::ExplicitDeny(_) => Err(Reason::IdentityDeny),
        Decision::ImplicitDeny => Err(Reason::NoIdentityPolicy),
    }
}

/// The account in a resource's ARN, if it has one.
fn owner(resource: &str) -> Option<&str> {
    let account = resource.strip_prefix("arn:")?.split(':').nth(3)?;
    AccountId::parse(account).ok().map(|_| account)
}
