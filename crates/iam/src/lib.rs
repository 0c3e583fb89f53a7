//! IAM and STS: roles, their policies, the sessions of roles, and the decision about every call.
//!
//! [`service`] and [`sts`] are the tables of operations. [`Sessions`] tells the front door whose credentials an `ASIA…` key
//! is; [`Authorizer`] decides what a caller may do. It never sees a signature or the bytes of a request.
//!
//! Roles live in their account's home and are read through the store's cache, so a change of a policy acts at once on
//! every session of the role, and a deleted role's sessions end. Sessions themselves have no row: a session token is the
//! session, authenticated under a key that the store keeps (see `tokens`).

mod authorizer;
mod faults;
mod ids;
mod limits;
mod role_policies;
mod roles;
mod rules;
mod sessions;
mod sts;
mod tables;
mod tokens;

use api::iam::{CreateRole, DeleteRole, DeleteRolePolicy, GetRole, ListRolePolicies, PutRolePolicy};
use api::sts::{AssumeRole, GetAccessKeyInfo, GetCallerIdentity};
use api::{Call, Guard, Service};
use aws::Fault;
use store::{Broken, Store};
use tasks::{Clock, Random};

pub use authorizer::Authorizer;
pub use sessions::{KeyError, Known, Sessions};

/// The state of both services.
#[derive(Clone)]
pub struct Iam {
    pub(crate) store: Store,
    pub(crate) random: Random,
    pub(crate) sessions: Sessions,
}

impl Iam {
    /// Opens IAM over the store; the first time it makes the key that signs sessions. Fails as the store does.
    pub async fn open(store: Store, clock: Clock, random: Random) -> Result<Iam, Broken> {
        let sessions = Sessions::open(store.clone(), clock, &random).await?;
        Ok(Iam { store, random, sessions })
    }

    /// Verifies session tokens for the front door.
    pub fn sessions(&self) -> Sessions {
        self.sessions.clone()
    }

    /// Decides calls, for the registry.
    pub fn authorizer(&self) -> Authorizer {
        Authorizer::new(self.store.clone())
    }
}

/// The service `iam`.
pub fn service(iam: Iam) -> Service {
    Service::table(api::iam::MODEL, iam)
        .op(CreateRole, roles::new_role, roles::create_role)
        .op(GetRole, |_, call, input| role_named(call, &input.role_name), roles::get_role)
        .op(DeleteRole, |_, call, input| role_named(call, &input.role_name), roles::delete_role)
        .op(PutRolePolicy, |_, call, input| role_named(call, &input.role_name), role_policies::put)
        .op(ListRolePolicies, |_, call, input| role_named(call, &input.role_name), role_policies::list)
        .op(DeleteRolePolicy, |_, call, input| role_named(call, &input.role_name), role_policies::delete)
        .build()
}

/// The service `sts`.
pub fn sts(iam: Iam) -> Service {
    Service::table(api::sts::MODEL, iam)
        .op(GetCallerIdentity, |_, _, _| Ok(Guard::open()), sts::get_caller_identity)
        .op(GetAccessKeyInfo, |_, _, _| Ok(Guard::any()), sts::get_access_key_info)
        .op(AssumeRole, sts::role_to_assume, sts::assume_role)
        .build()
}

/// Guards a role of the caller's account by its name. The authorizer finds its path.
fn role_named(call: &Call, name: &str) -> Result<Guard, Fault> {
    rules::name("roleName", name)?;
    Ok(Guard::on(tables::role_arn(call.account, "/", name).as_str()))
}

#[cfg(test)]
mod tests;
