use api::sts::{
    AssumeRoleInput, AssumeRoleOutput, AssumedRoleUser, Credentials, GetAccessKeyInfoInput,
    GetAccessKeyInfoOutput, GetCallerIdentityInput, GetCallerIdentityOutput, ProvidedContext,
};
use api::{Call, Cx, Guard};
use aws::{Arn, Caller, Fault, Principal, SOURCE_FUNCTION_CONTEXT};

use crate::limits::{HOUR_SECONDS, LONGEST_SESSION_SECONDS};
use crate::rules::{Denial, Reason};
use crate::sessions::session_arn;
use crate::tables::Role;
use crate::tokens::Claims;
use crate::{Iam, faults, ids, roles};

/// Who calls.
pub(crate) async fn get_caller_identity(
    cx: Cx<Iam>,
    _: GetCallerIdentityInput,
) -> Result<GetCallerIdentityOutput, Fault> {
    Ok(GetCallerIdentityOutput {
        user_id: Some(cx.caller.user_id.clone()),
        account: Some(cx.caller.account.to_string()),
        arn: Some(cx.caller.arn.to_string()),
    })
}

/// The account of an access key id, whether the key exists or not: the id says it, or it is the caller's own.
pub(crate) async fn get_access_key_info(
    cx: Cx<Iam>,
    input: GetAccessKeyInfoInput,
) -> Result<GetAccessKeyInfoOutput, Fault> {
    let id = input.access_key_id;
    let own = (cx.caller.access_key.as_ref() == Some(&id)).then_some(cx.caller.account);
    match own.or_else(|| ids::account(&id)) {
        Some(account) => Ok(GetAccessKeyInfoOutput { account: Some(account.to_string()) }),
        None => Err(faults::validation(format!("{id} is invalid"))),
    }
}

/// What AssumeRole touches: the role.
pub(crate) fn role_to_assume(_: &Iam, _: &Call, input: &AssumeRoleInput) -> Result<Guard, Fault> {
    if Arn::parse(&input.role_arn).is_err() {
        return Err(faults::validation(format!("{} is invalid", input.role_arn)));
    }
    Ok(Guard::on(&input.role_arn))
}

/// Makes temporary credentials of a role. The authorizer has asked the role's trust policy already.
pub(crate) async fn assume_role(cx: Cx<Iam>, input: AssumeRoleInput) -> Result<AssumeRoleOutput, Fault> {
    only_supported(&input)?;
    let source_function = source_function(&cx.caller, input.provided_contexts.unwrap_or_default())?;
    let arn = Arn::parse(&input.role_arn)
        .map_err(|_| faults::validation(format!("{} is invalid", input.role_arn)))?;
    let Some(role) = roles::find(&cx.state.store, &arn).await? else {
        // Deleted since the decision: the answer is the one for roles that never were.
        let caller = cx.caller.arn.as_str();
        let denial = Denial {
            service: "sts",
            caller,
            action: "sts:AssumeRole",
            resource: &input.role_arn,
            why: Reason::Unsaid,
        };
        return Err(denial.fault());
    };
    let duration = duration(&cx.caller.principal, &role, input.duration_seconds)?;
    let account = aws::AccountId::parse(arn.account())
        .map_err(|_| faults::validation(format!("{} is invalid", input.role_arn)))?;
    let issued = cx.state.sessions.now_seconds();
    let claims = Claims {
        account,
        role: role.name.clone(),
        path: role.path.clone(),
        role_id: role.id.clone(),
        session: input.role_session_name,
        source_function,
        issued,
        expires: issued + duration,
    };
    let made = cx.state.sessions.seal(&claims, &cx.state.random);
    Ok(AssumeRoleOutput {
        credentials: Some(Credentials {
            access_key_id: made.access_key,
            secret_access_key: made.secret_key,
            session_token: made.token,
            expiration: claims.expires as f64,
        }),
        assumed_role_user: Some(AssumedRoleUser {
            assumed_role_id: format!("{}:{}", claims.role_id, claims.session),
            arn: session_arn(&account, &claims.role, &claims.session).to_string(),
        }),
        ..AssumeRoleOutput::default()
    })
}

/// Refuses what would narrow or mark the session if we had it: to ignore it would grant more than was asked for.
///
/// `ExternalId` only matters to conditions of the trust policy, and an Allow with a condition never matches.
fn only_supported(input: &AssumeRoleInput) -> Result<(), Fault> {
    let some = |list: Option<usize>| list.is_some_and(|length| length > 0);
    let unsupported = [
        ("Policy", input.policy.is_some()),
        ("PolicyArns", some(input.policy_arns.as_ref().map(Vec::len))),
        ("Tags", some(input.tags.as_ref().map(Vec::len))),
        ("TransitiveTagKeys", some(input.transitive_tag_keys.as_ref().map(Vec::len))),
        ("SerialNumber", input.serial_number.is_some()),
        ("TokenCode", input.token_code.is_some()),
        ("SourceIdentity", input.source_identity.is_some()),
    ];
    match unsupported.into_iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(faults::not_implemented(&format!("AssumeRole with {name}"))),
        None => Ok(()),
    }
}

/// The function that the Lambda service names, if it does. Nobody else may provide contexts.
fn source_function(caller: &Caller, contexts: Vec<ProvidedContext>) -> Result<Option<String>, Fault> {
    let Some(context) = contexts.into_iter().next() else { return Ok(None) };
    let refused = || api::sts::fault::invalid_context_assertion("The context assertion is not valid.");
    if caller.principal != Principal::Service("lambda.amazonaws.com")
        || context.provider_arn.as_deref() != Some(SOURCE_FUNCTION_CONTEXT)
    {
        return Err(refused());
    }
    let function = context.context_assertion.ok_or_else(refused)?;
    Arn::parse(&function).map_err(|_| refused())?;
    Ok(Some(function))
}

/// How long the session lasts, in seconds.
fn duration(principal: &Principal, role: &Role, asked: Option<i64>) -> Result<u64, Fault> {
    let seconds = asked.unwrap_or(HOUR_SECONDS);
    let longest = match principal {
        // An environment cannot renew the credentials in its variables, so a service may ask for more than the role's
        // limit, which is for people.
        Principal::Service(_) => LONGEST_SESSION_SECONDS,
        Principal::Role { .. } if seconds > HOUR_SECONDS => {
            return Err(faults::validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        Principal::Root | Principal::User(_) | Principal::Role { .. } | Principal::Anonymous => {
            role.max_session_seconds
        }
    };
    if seconds > longest {
        return Err(faults::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(u64::try_from(seconds).unwrap_or_default().max(900))
}
