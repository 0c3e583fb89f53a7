use crate::{AccountId, Arn};

/// The context provider of AssumeRole by which the Lambda service says for which function it assumes a role: its assertion
/// is the function's unqualified ARN, which becomes the caller's `lambda:SourceFunctionArn`.
pub const SOURCE_FUNCTION_CONTEXT: &str = "arn:aws:iam::aws:contextProvider/SourceFunction";

/// Who makes a call, as authentication found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account that the caller belongs to.
    pub account: AccountId,
    /// The caller's ARN as GetCallerIdentity and error messages show it; for a service its principal name stands in `principal`.
    pub arn: Arn,
    /// The unique id that GetCallerIdentity shows, e.g. `AROA…:session`.
    pub user_id: String,
    /// What kind of caller this is.
    pub principal: Principal,
    /// The access key that signed the request, when one did.
    pub access_key: Option<String>,
}

/// The kinds of caller that policies tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The account's root: allowed everything in its account.
    Root,
    /// An IAM user by name.
    User(String),
    /// A role session.
    Role {
        /// The role's own ARN.
        role: Arn,
        /// The session name.
        session: String,
        /// The function whose execution environment uses this session: the condition key `lambda:SourceFunctionArn`.
        source_function: Option<Arn>,
    },
    /// An AWS service acting by itself, e.g. `lambda.amazonaws.com`.
    Service(&'static str),
    /// Nobody: an unsigned request where AWS leaves the operation open.
    Anonymous,
}

impl Caller {
    /// The root of an account.
    pub fn root(account: AccountId, access_key: Option<String>) -> Caller {
        Caller {
            account,
            arn: Arn::new("iam", "", account.as_str(), "root"),
            user_id: account.to_string(),
            principal: Principal::Root,
            access_key,
        }
    }

    /// A service that acts in `account`, e.g. `lambda.amazonaws.com`.
    pub fn service(account: AccountId, principal: &'static str) -> Caller {
        Caller {
            account,
            arn: Arn::new("iam", "", account.as_str(), &format!("service/{principal}")),
            user_id: principal.to_owned(),
            principal: Principal::Service(principal),
            access_key: None,
        }
    }

    /// Nobody, who calls what `account` leaves open.
    pub fn anonymous(account: AccountId) -> Caller {
        Caller {
            account,
            arn: Arn::new("iam", "", account.as_str(), "anonymous"),
            user_id: "anonymous".to_owned(),
            principal: Principal::Anonymous,
            access_key: None,
        }
    }
}
