use std::time::Duration;

use api::sts::*;
use aws::{Arn, Principal, SOURCE_FUNCTION_CONTEXT};

use super::*;
use crate::KeyError;

fn duration(role: &str, seconds: i64) -> AssumeRoleInput {
    AssumeRoleInput { duration_seconds: Some(seconds), ..assume(role) }
}

#[tokio::test]
async fn root_and_a_session_learn_who_they_are() {
    let house = House::build().await;
    let who = house.root::<GetCallerIdentity>(GetCallerIdentityInput {}).await.unwrap();
    assert_eq!(
        (who.user_id.as_deref(), who.account.as_deref(), who.arn.as_deref()),
        (Some("123456789012"), Some("123456789012"), Some("arn:aws:iam::123456789012:root"))
    );
    let session = house.session("r").await;
    house.put_policy("r", "p", r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#).await;
    // Nothing can deny this one.
    let who = house.call::<GetCallerIdentity>(session, GetCallerIdentityInput {}).await.unwrap();
    assert_eq!(who.arn.as_deref(), Some("arn:aws:sts::123456789012:assumed-role/r/fn"));
    let id = who.user_id.unwrap();
    assert!(id.starts_with("AROARZPUZDIK") && id.ends_with(":fn"), "{id}");
    let nobody = Caller { principal: Principal::Anonymous, ..root() };
    assert!(house.call::<GetCallerIdentity>(nobody, GetCallerIdentityInput {}).await.is_err());
}

#[tokio::test]
async fn lambda_assumes_a_role_for_a_function_and_the_session_says_so() {
    let house = House::build().await;
    let input = api::iam::CreateRoleInput {
        path: Some("/p/".to_owned()),
        role_name: "Fn-Role".to_owned(),
        assume_role_policy_document: LAMBDA.to_owned(),
        ..Default::default()
    };
    let role = house.root::<api::iam::CreateRole>(input).await.unwrap().role;
    let function = "arn:aws:lambda:us-east-1:123456789012:function:fn";
    let context = ProvidedContext {
        provider_arn: Some(SOURCE_FUNCTION_CONTEXT.to_owned()),
        context_assertion: Some(function.to_owned()),
    };
    let input = AssumeRoleInput { provided_contexts: Some(vec![context]), ..duration("p/Fn-Role", 43_200) };
    let made = house.call::<AssumeRole>(lambda(), input.clone()).await.unwrap();
    let user = made.assumed_role_user.unwrap();
    assert_eq!(user.arn, "arn:aws:sts::123456789012:assumed-role/Fn-Role/fn");
    assert_eq!(user.assumed_role_id, format!("{}:fn", role.role_id));
    assert_eq!(made.packed_policy_size, None);
    let credentials = made.credentials.unwrap();
    assert_eq!(credentials.expiration, (NOW / 1000 + 43_200) as f64);

    let known =
        house.sessions().find(&credentials.access_key_id, Some(&credentials.session_token)).await.unwrap();
    assert_eq!(known.secret, credentials.secret_access_key);
    assert_eq!(known.expires.seconds(), NOW / 1000 + 43_200);
    assert_eq!(known.caller.access_key.as_deref(), Some(credentials.access_key_id.as_str()));
    assert_eq!(
        known.caller.principal,
        Principal::Role {
            role: Arn::parse("arn:aws:iam::123456789012:role/p/Fn-Role").unwrap(),
            session: "fn".to_owned(),
            source_function: Some(Arn::parse(function).unwrap()),
        }
    );
    // Nobody else may claim to be a function.
    house.create_role("open", EVERYONE).await;
    let session = house.assume("open").await;
    let input = AssumeRoleInput { role_arn: assume("open").role_arn, duration_seconds: None, ..input };
    assert_eq!(
        text(house.call::<AssumeRole>(session, input).await),
        "InvalidContextAssertion: The context assertion is not valid."
    );
}

#[tokio::test]
async fn a_role_that_does_not_trust_lambda_and_one_that_is_not_there_are_refused_alike() {
    let house = House::build().await;
    house.create_role("other", &LAMBDA.replace("lambda.", "events.")).await;
    let condition = r#""Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"1"}}"#;
    house.create_role("conditional", &LAMBDA.replace(r#""Action":"sts:AssumeRole""#, condition)).await;
    for role in ["other", "conditional", "none", "p/other", "OTHER"] {
        assert_eq!(
            text(house.call::<AssumeRole>(lambda(), assume(role)).await),
            format!(
                "AccessDenied: User: arn:aws:iam::123456789012:service/lambda.amazonaws.com is not authorized to \
                 perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/{role}"
            )
        );
    }
    let input = AssumeRoleInput { role_arn: "nothing-valid-in-here".to_owned(), ..assume("x") };
    assert_eq!(
        text(house.call::<AssumeRole>(lambda(), input).await),
        "ValidationError: nothing-valid-in-here is invalid"
    );
    assert_eq!(
        text(house.root::<AssumeRole>(assume("other")).await),
        "AccessDenied: Roles may not be assumed by root accounts."
    );
}

#[tokio::test]
async fn a_session_assumes_a_role_that_names_it_or_with_its_own_permission_where_its_account_is_named() {
    let house = House::build().await;
    let session = house.session("caller").await;
    let trusting = |principal: &str| EVERYONE.replace("\"*\"", principal);
    house.create_role("by-role", &trusting(r#"{"AWS":"arn:aws:iam::123456789012:role/caller"}"#)).await;
    house.create_role("by-account", &trusting(r#"{"AWS":"123456789012"}"#)).await;
    let made = house.call::<AssumeRole>(session.clone(), assume("by-role")).await;
    assert!(made.is_ok(), "{made:?}");
    assert!(house.call::<AssumeRole>(session.clone(), assume("by-account")).await.is_err());
    let allow =
        r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::123456789012:role/by-*"}"#;
    house.put_policy("caller", "p", allow).await;
    assert!(house.call::<AssumeRole>(session.clone(), assume("by-account")).await.is_ok());
    house.put_policy("caller", "q", &allow.replace("Allow", "Deny")).await;
    assert!(house.call::<AssumeRole>(session.clone(), assume("by-role")).await.is_err(), "denied explicitly");

    // Another role under the same name is not the one that was trusted.
    for name in ["p", "q"] {
        let input =
            api::iam::DeleteRolePolicyInput { role_name: "caller".to_owned(), policy_name: name.to_owned() };
        house.root::<api::iam::DeleteRolePolicy>(input).await.unwrap();
    }
    house
        .root::<api::iam::DeleteRole>(api::iam::DeleteRoleInput { role_name: "caller".to_owned() })
        .await
        .unwrap();
    let again = house.session("caller").await;
    assert!(house.call::<AssumeRole>(again, assume("by-role")).await.is_err());
    assert!(house.call::<AssumeRole>(session, assume("by-role")).await.is_err(), "its role is gone");
}

#[tokio::test]
async fn another_accounts_role_needs_both_sides() {
    let house = House::build().await;
    let session = house.session("caller").await;
    let other = AccountId::parse("210987654321").unwrap();
    let input = api::iam::CreateRoleInput {
        role_name: "theirs".to_owned(),
        assume_role_policy_document: EVERYONE
            .replace("\"*\"", r#"{"AWS":"arn:aws:iam::123456789012:role/caller"}"#),
        ..Default::default()
    };
    house.call::<api::iam::CreateRole>(Caller::root(other, None), input).await.unwrap();
    let ask = AssumeRoleInput { role_arn: "arn:aws:iam::210987654321:role/theirs".to_owned(), ..assume("x") };
    assert!(house.call::<AssumeRole>(session.clone(), ask.clone()).await.is_err());
    house.put_policy("caller", "p", r#"{"Effect":"Allow","Action":"sts:*","Resource":"*"}"#).await;
    let made = house.call::<AssumeRole>(session, ask).await.unwrap();
    let credentials = made.credentials.unwrap();
    let known =
        house.sessions().find(&credentials.access_key_id, Some(&credentials.session_token)).await.unwrap();
    assert_eq!(known.caller.account, other);
}

#[tokio::test]
async fn sessions_end_on_time_and_are_no_longer_than_allowed() {
    let house = House::build().await;
    let session = house.session("r").await;
    assert_eq!(
        text(house.call::<AssumeRole>(session.clone(), duration("r", 3_601)).await),
        "ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
         chaining."
    );
    let made = house.call::<AssumeRole>(session, duration("r", 900)).await.unwrap().credentials.unwrap();
    let find = || async {
        house.sessions().find(&made.access_key_id, Some(&made.session_token)).await.map(|known| known.secret)
    };
    assert_eq!(find().await, Ok(made.secret_access_key.clone()));
    house.clock.advance(Duration::from_secs(899)).await;
    assert!(find().await.is_ok());
    house.clock.advance(Duration::from_secs(1)).await;
    assert_eq!(find().await, Err(KeyError::Expired));
}

#[tokio::test]
async fn a_session_outlives_a_restart_and_not_its_role() {
    let house = House::build().await;
    house.create_role("r", LAMBDA).await;
    let made = house.call::<AssumeRole>(lambda(), assume("r")).await.unwrap().credentials.unwrap();
    // Another seed: a key that was made anew would not fit.
    let house = House::over(house.store.clone(), house.clock.clone(), 99).await;
    let find = || async {
        let found = house.sessions().find(&made.access_key_id, Some(&made.session_token)).await;
        found.map(|known| (known.secret, (*known.caller).clone()))
    };
    let (secret, caller) = find().await.unwrap();
    assert_eq!(secret, made.secret_access_key);
    for wrong in [None, Some(""), Some("IQoJb3JpZ2luX2Vj")] {
        assert_eq!(
            house.sessions().find(&made.access_key_id, wrong).await.map(|_| ()),
            Err(KeyError::Unknown)
        );
    }
    let root_key = house.sessions().find("AKIAIOSFODNN7EXAMPLE", Some(&made.session_token)).await;
    assert_eq!(root_key.map(|_| ()), Err(KeyError::Unknown));

    house.put_policy("r", "p", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#).await;
    assert!(house.authorize(&caller, Guard::any().action("lambda:ListFunctions")).await.is_ok());
    let input = api::iam::DeleteRolePolicyInput { role_name: "r".to_owned(), policy_name: "p".to_owned() };
    house.root::<api::iam::DeleteRolePolicy>(input).await.unwrap();
    house
        .root::<api::iam::DeleteRole>(api::iam::DeleteRoleInput { role_name: "r".to_owned() })
        .await
        .unwrap();
    assert_eq!(find().await, Err(KeyError::Unknown));
    // The same name again is another role: neither its policies nor its existence help the old session.
    house.create_role("r", LAMBDA).await;
    house.put_policy("r", "p", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#).await;
    assert_eq!(find().await, Err(KeyError::Unknown));
    assert!(house.authorize(&caller, Guard::any().action("lambda:ListFunctions")).await.is_err());
}

#[tokio::test]
async fn what_would_narrow_a_session_is_refused_not_ignored() {
    let house = House::build().await;
    house.create_role("r", LAMBDA).await;
    let tag = Tag { key: "k".to_owned(), value: "v".to_owned() };
    let cases = [
        (AssumeRoleInput { policy: Some("{}".to_owned()), ..assume("r") }, "Policy"),
        (AssumeRoleInput { tags: Some(vec![tag]), ..assume("r") }, "Tags"),
        (AssumeRoleInput { source_identity: Some("me".to_owned()), ..assume("r") }, "SourceIdentity"),
        (AssumeRoleInput { serial_number: Some("123456789".to_owned()), ..assume("r") }, "SerialNumber"),
    ];
    for (input, what) in cases {
        assert_eq!(
            text(house.call::<AssumeRole>(lambda(), input).await),
            format!("NotImplemented: AssumeRole with {what} is not implemented")
        );
    }
}
