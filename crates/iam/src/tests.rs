//! Both services through the registry, over the simulated store in virtual time.

mod access;
mod roles;
mod sessions;

use std::sync::Arc;

use api::{Authorize, Call, Guard, Operation, Registry, Shape};
use aws::{AccountId, Caller, Fault, Region, RequestId};
use store::Store;
use tasks::{Clock, Random};

use crate::{Iam, Sessions};

/// 2026-01-31T12:00:00.789Z.
const NOW: u64 = 1_769_860_800_789;

struct House {
    clock: Clock,
    store: Store,
    iam: Iam,
    registry: Registry,
}

impl House {
    async fn build() -> House {
        let clock = Clock::virtual_at(NOW);
        let store = Store::simulated(1, clock.clone());
        House::over(store, clock, 7).await
    }

    /// A house over a store that is there already, as after a restart.
    async fn over(store: Store, clock: Clock, seed: u64) -> House {
        let iam = Iam::open(store.clone(), clock.clone(), Random::seeded(seed)).await.unwrap();
        let services = vec![crate::service(iam.clone()), crate::sts(iam.clone())];
        let registry = Registry::new(services, iam.authorizer());
        House { clock, store, iam, registry }
    }

    async fn call<O: Operation>(&self, caller: Caller, input: O::Input) -> Result<O::Output, Fault> {
        let call = call(caller);
        let output = self.registry.call(call, O::SERVICE, O::NAME, input.into_value()).await?;
        O::Output::from_value(output)
    }

    async fn root<O: Operation>(&self, input: O::Input) -> Result<O::Output, Fault> {
        self.call::<O>(root(), input).await
    }

    fn sessions(&self) -> Sessions {
        self.iam.sessions()
    }

    async fn create_role(&self, name: &str, trust: &str) -> api::iam::Role {
        let input = api::iam::CreateRoleInput {
            role_name: name.to_owned(),
            assume_role_policy_document: trust.to_owned(),
            ..Default::default()
        };
        self.root::<api::iam::CreateRole>(input).await.unwrap().role
    }

    async fn put_policy(&self, role: &str, policy: &str, statements: &str) {
        let input = api::iam::PutRolePolicyInput {
            role_name: role.to_owned(),
            policy_name: policy.to_owned(),
            policy_document: format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#),
        };
        self.root::<api::iam::PutRolePolicy>(input).await.unwrap();
    }

    /// A role that everybody may assume, and a session of it.
    async fn session(&self, role: &str) -> Caller {
        self.create_role(role, EVERYONE).await;
        self.assume(role).await
    }

    async fn assume(&self, role: &str) -> Caller {
        let made = self.call::<api::sts::AssumeRole>(lambda(), assume(role)).await.unwrap();
        let credentials = made.credentials.unwrap();
        let found = self.sessions().find(&credentials.access_key_id, Some(&credentials.session_token)).await;
        (*found.unwrap().caller).clone()
    }

    async fn authorize(&self, caller: &Caller, guard: Guard) -> Result<(), Fault> {
        let call = call(caller.clone());
        let ask = api::Ask { caller, call: &call, guard: &guard };
        self.iam.authorizer().authorize(ask).await
    }
}

const EVERYONE: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}"#;
const LAMBDA: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

fn account() -> AccountId {
    AccountId::parse("123456789012").unwrap()
}

fn root() -> Caller {
    Caller::root(account(), Some("AKIAIOSFODNN7EXAMPLE".to_owned()))
}

fn lambda() -> Caller {
    Caller::service(account(), "lambda.amazonaws.com")
}

fn call(caller: Caller) -> Call {
    Call {
        account: caller.account,
        caller: Arc::new(caller),
        region: Region::parse("us-east-1").unwrap(),
        request_id: RequestId::from_random([7; 16]),
        endpoint: "http://127.0.0.1:4566".into(),
        trace: None,
    }
}

fn assume(role: &str) -> api::sts::AssumeRoleInput {
    api::sts::AssumeRoleInput {
        role_arn: format!("arn:aws:iam::123456789012:role/{role}"),
        role_session_name: "fn".to_owned(),
        ..Default::default()
    }
}

fn text<T: std::fmt::Debug>(result: Result<T, Fault>) -> String {
    result.unwrap_err().to_string()
}
