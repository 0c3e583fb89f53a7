use aws::Principal;

use super::*;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

fn invoke() -> Guard {
    Guard::on(FUNCTION).action("lambda:InvokeFunction")
}

#[tokio::test]
async fn a_session_may_do_what_its_roles_policies_say_at_this_moment() {
    let house = House::build().await;
    let session = house.session("r").await;
    let denied = house.authorize(&session, invoke()).await.unwrap_err();
    assert_eq!((denied.code.as_ref(), denied.status), ("AccessDeniedException", 403));
    assert_eq!(
        denied.message,
        "User: arn:aws:sts::123456789012:assumed-role/r/fn is not authorized to perform: lambda:InvokeFunction on \
         resource: arn:aws:lambda:us-east-1:123456789012:function:f because no identity-based policy allows the \
         lambda:InvokeFunction action"
    );
    house
        .put_policy(
            "r",
            "allow",
            r#"{"Effect":"Allow","Action":"lambda:*","Resource":"arn:aws:lambda:*:*:function:f"}"#,
        )
        .await;
    assert!(house.authorize(&session, invoke()).await.is_ok());
    assert!(
        house
            .authorize(&session, Guard::on(format!("{FUNCTION}:live")).action("lambda:InvokeFunction"))
            .await
            .is_err()
    );
    assert!(house.authorize(&session, Guard::any().action("lambda:ListFunctions")).await.is_err());
    house.put_policy("r", "deny", r#"{"Effect":"Deny","Action":"lambda:Invoke*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#).await;
    assert!(
        text(house.authorize(&session, invoke()).await)
            .ends_with("with an explicit deny in an identity-based policy")
    );
}

#[tokio::test]
async fn every_further_action_is_asked_too() {
    let house = House::build().await;
    let session = house.session("r").await;
    house.put_policy("r", "p", r#"{"Effect":"Allow","Action":"lambda:*","Resource":"*"}"#).await;
    let create = || {
        let guard = Guard::on(FUNCTION).action("lambda:CreateFunction");
        guard.also("iam:PassRole", "arn:aws:iam::123456789012:role/x")
    };
    let denied = house.authorize(&session, create()).await.unwrap_err();
    assert_eq!(denied.code, "AccessDeniedException");
    assert!(
        denied.message.ends_with("because no identity-based policy allows the iam:PassRole action"),
        "{denied}"
    );
    house
        .put_policy(
            "r",
            "q",
            r#"{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/x"}"#,
        )
        .await;
    assert!(house.authorize(&session, create()).await.is_ok());
}

#[tokio::test]
async fn a_resource_of_several_names_is_allowed_by_one_and_denied_by_one() {
    let house = House::build().await;
    let session = house.session("r").await;
    let group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f";
    let guard = || Guard::on(format!("{group}:log-stream:")).alias(group).action("logs:FilterLogEvents");
    let denied = house.authorize(&session, guard()).await.unwrap_err();
    assert_eq!((denied.code.as_ref(), denied.status), ("AccessDeniedException", 400));
    assert!(denied.message.contains(
        "on resource: arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:log-stream: because"
    ));
    for resource in [group.to_owned(), format!("{group}:*")] {
        house
            .put_policy(
                "r",
                "p",
                &format!(r#"{{"Effect":"Allow","Action":"logs:*","Resource":"{resource}"}}"#),
            )
            .await;
        assert!(house.authorize(&session, guard()).await.is_ok(), "{resource}");
        house
            .put_policy(
                "r",
                "q",
                &format!(r#"{{"Effect":"Deny","Action":"logs:*","Resource":"{resource}"}}"#),
            )
            .await;
        assert!(house.authorize(&session, guard()).await.is_err(), "{resource}");
        house.put_policy("r", "q", r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#).await;
    }
}

#[tokio::test]
async fn root_is_allowed_all_in_its_account_and_nothing_beyond() {
    let house = House::build().await;
    for guard in [
        invoke(),
        Guard::any().action("lambda:ListFunctions"),
        Guard::on("arn:aws:s3:::b").action("s3:ListBucket"),
    ] {
        assert!(house.authorize(&root(), guard).await.is_ok());
    }
    let foreign = || Guard::on(FUNCTION.replace("123456789012", "210987654321")).action("lambda:GetFunction");
    assert!(
        text(house.authorize(&root(), foreign()).await)
            .ends_with("because no resource-based policy allows the lambda:GetFunction action")
    );
    let session = house.session("r").await;
    house.put_policy("r", "p", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#).await;
    assert!(house.authorize(&session, invoke()).await.is_ok());
    assert!(house.authorize(&session, foreign()).await.is_err(), "another account's resource");
}

#[tokio::test]
async fn nobody_users_and_services_have_no_permissions_of_their_own() {
    let house = House::build().await;
    let user = Caller { principal: Principal::User("u".to_owned()), ..root() };
    let nobody = Caller { principal: Principal::Anonymous, ..root() };
    for caller in [user, nobody, lambda()] {
        assert!(house.authorize(&caller, invoke()).await.is_err(), "{caller:?}");
    }
    house.create_role("r", LAMBDA).await;
    let input = api::iam::GetRoleInput { role_name: "r".to_owned() };
    assert!(house.call::<api::iam::GetRole>(lambda(), input).await.is_ok());
    let input = api::iam::DeleteRoleInput { role_name: "r".to_owned() };
    assert!(house.call::<api::iam::DeleteRole>(lambda(), input).await.is_err());
}

#[tokio::test]
async fn operations_on_a_role_are_guarded_by_its_arn_with_its_path() {
    let house = House::build().await;
    let session = house.session("caller").await;
    let create = |name: &str, path: &str| api::iam::CreateRoleInput {
        role_name: name.to_owned(),
        path: Some(path.to_owned()),
        assume_role_policy_document: LAMBDA.to_owned(),
        ..Default::default()
    };
    house
        .put_policy(
            "caller",
            "p",
            r#"{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:role/team/*"}"#,
        )
        .await;
    house.call::<api::iam::CreateRole>(session.clone(), create("mine", "/team/")).await.unwrap();
    assert!(house.call::<api::iam::CreateRole>(session.clone(), create("other", "/")).await.is_err());
    house.root::<api::iam::CreateRole>(create("theirs", "/prod/")).await.unwrap();
    let get = |name: &str| api::iam::GetRoleInput { role_name: name.to_owned() };
    assert!(house.call::<api::iam::GetRole>(session.clone(), get("MINE")).await.is_ok());
    assert_eq!(
        text(house.call::<api::iam::GetRole>(session.clone(), get("theirs")).await),
        "AccessDenied: User: arn:aws:sts::123456789012:assumed-role/caller/fn is not authorized to perform: iam:GetRole \
         on resource: arn:aws:iam::123456789012:role/prod/theirs because no identity-based policy allows the iam:GetRole \
         action"
    );
    // Whoever may not look learns nothing about what exists.
    let absent = text(house.call::<api::iam::GetRole>(session, get("absent")).await);
    assert!(absent.starts_with("AccessDenied: "), "{absent}");
}

#[tokio::test]
async fn a_policy_that_can_no_longer_be_read_denies() {
    let house = House::build().await;
    let session = house.session("r").await;
    house.put_policy("r", "p", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#).await;
    let key = crate::tables::role_key(account(), "r");
    let write = move |txn: &mut store::Txn<'_>| -> Result<(), store::Broken> {
        let mut role = txn.get(crate::tables::ROLES, &key)?.expect("the role is there");
        role.policies.insert("q".to_owned(), "{}".to_owned().into());
        txn.put(crate::tables::ROLES, &key, &role)
    };
    house.store.write(crate::tables::home(account()), write).await.unwrap();
    assert!(
        text(house.authorize(&session, invoke()).await)
            .ends_with("with an explicit deny in an identity-based policy")
    );
}
