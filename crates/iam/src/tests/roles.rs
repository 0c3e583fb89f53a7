use api::iam::*;

use super::*;

fn role_input(name: &str) -> CreateRoleInput {
    CreateRoleInput {
        role_name: name.to_owned(),
        assume_role_policy_document: LAMBDA.to_owned(),
        ..Default::default()
    }
}

fn named(role: &str) -> GetRoleInput {
    GetRoleInput { role_name: role.to_owned() }
}

fn policy(role: &str, name: &str, document: &str) -> PutRolePolicyInput {
    PutRolePolicyInput {
        role_name: role.to_owned(),
        policy_name: name.to_owned(),
        policy_document: document.to_owned(),
    }
}

const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;

#[tokio::test]
async fn a_created_role_is_answered_as_aws_does_and_get_shows_more() {
    let house = House::build().await;
    let tag = |key: &str| Tag { key: key.to_owned(), value: "v".to_owned() };
    let input = CreateRoleInput {
        path: Some("/team/".to_owned()),
        description: Some("d".to_owned()),
        max_session_duration: Some(7_200),
        tags: Some(vec![tag("b"), tag("a")]),
        assume_role_policy_document: r#"{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow",
            "Principal": { "AWS": "123456789012" }, "Action": "sts:AssumeRole" } ] }"#
            .to_owned(),
        ..role_input("My-Role")
    };
    let made = house.root::<CreateRole>(input).await.unwrap().role;
    assert_eq!(made.arn, "arn:aws:iam::123456789012:role/team/My-Role");
    assert_eq!((made.role_id.len(), &made.role_id[..12]), (21, "AROARZPUZDIK"));
    assert_eq!(made.create_date, 1_769_860_800.0);
    assert_eq!(
        made.assume_role_policy_document.as_deref(),
        Some(
            "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal\
             %22%3A%7B%22AWS%22%3A%22123456789012%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D"
        )
    );
    assert_eq!((made.max_session_duration, &made.role_last_used), (None, &None));

    let got = house.root::<GetRole>(named("my-role")).await.unwrap().role;
    assert_eq!(
        (got.role_name.as_str(), got.path.as_str(), &got.role_id),
        ("My-Role", "/team/", &made.role_id)
    );
    assert_eq!((got.max_session_duration, got.role_last_used), (Some(7_200), Some(RoleLastUsed::default())));
    assert_eq!((got.description.as_deref(), got.tags), (Some("d"), Some(vec![tag("b"), tag("a")])));
    // Later reads name an account by its root.
    let trust = got.assume_role_policy_document.unwrap();
    assert!(trust.contains("arn%3Aaws%3Aiam%3A%3A123456789012%3Aroot"), "{trust}");
}

#[tokio::test]
async fn a_role_without_extras_has_none_and_the_usual_session_length() {
    let house = House::build().await;
    house.create_role("r", LAMBDA).await;
    let got = house.root::<GetRole>(named("r")).await.unwrap().role;
    assert_eq!((got.path.as_str(), got.tags, got.description), ("/", None, None));
    assert_eq!(got.max_session_duration, Some(3_600));
}

#[tokio::test]
async fn names_are_unique_whatever_their_letter_case() {
    let house = House::build().await;
    house.create_role("Role", LAMBDA).await;
    assert_eq!(
        text(house.root::<CreateRole>(role_input("role")).await),
        "EntityAlreadyExists: Role with name role already exists."
    );
    let other = Caller::root(AccountId::parse("210987654321").unwrap(), None);
    assert!(
        house.call::<CreateRole>(other.clone(), role_input("role")).await.is_ok(),
        "another account's names are its own"
    );
    assert_eq!(
        text(house.call::<GetRole>(other, named("x")).await),
        "NoSuchEntity: The role with name x cannot be found."
    );
}

#[tokio::test]
async fn bad_roles_are_refused_in_awss_words() {
    let house = House::build().await;
    let cases = [
        (
            CreateRoleInput { role_name: "a b".to_owned(), ..role_input("") },
            "ValidationError: The specified value for roleName is invalid. It must contain only alphanumeric \
             characters and/or the following: +=,.@_-",
        ),
        (
            CreateRoleInput { path: Some("x".to_owned()), ..role_input("r") },
            "ValidationError: The specified value for path is invalid. It must begin and end with / and contain only \
             alphanumeric characters and/or / characters.",
        ),
        (
            CreateRoleInput { assume_role_policy_document: "{".to_owned(), ..role_input("r") },
            "MalformedPolicyDocument: This policy contains invalid Json",
        ),
        (
            CreateRoleInput { assume_role_policy_document: LAMBDA.replace("sts:", "s3:"), ..role_input("r") },
            "MalformedPolicyDocument: AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            CreateRoleInput {
                assume_role_policy_document: EVERYONE
                    .replace("\"*\"", r#"{"AWS":"arn:aws:iam::123456789012:role/none"}"#),
                ..role_input("r")
            },
            "MalformedPolicyDocument: Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/none\"",
        ),
        (
            CreateRoleInput {
                assume_role_policy_document: LAMBDA
                    .replace("Allow\"", &format!("Allow\",\"Sid\":\"{}\"", "x".repeat(2_000))),
                ..role_input("r")
            },
            "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048",
        ),
        (
            CreateRoleInput {
                permissions_boundary: Some("arn:aws:iam::aws:policy/X".to_owned()),
                ..role_input("r")
            },
            "NoSuchEntity: Scope ARN: arn:aws:iam::aws:policy/X does not exist or is not attachable.",
        ),
        (
            CreateRoleInput { max_session_duration: Some(60), ..role_input("r") },
            "ValidationError: 1 validation error detected: Value at 'maxSessionDuration' failed to satisfy \
             constraint: Member must have value greater than or equal to 3600",
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(text(house.root::<CreateRole>(input).await), expected);
    }
    assert!(house.root::<GetRole>(named("r")).await.is_err(), "a refused role left something behind");
}

#[tokio::test]
async fn an_account_has_a_thousand_roles_at_most() {
    let house = House::build().await;
    for n in 0..1_000 {
        house.root::<CreateRole>(role_input(&format!("r{n}"))).await.unwrap();
    }
    assert_eq!(
        text(house.root::<CreateRole>(role_input("more")).await),
        "LimitExceeded: Cannot exceed quota for RolesPerAccount: 1000"
    );
    house.root::<DeleteRole>(DeleteRoleInput { role_name: "r7".to_owned() }).await.unwrap();
    house.root::<CreateRole>(role_input("more")).await.unwrap();
}

#[tokio::test]
async fn inline_policies_are_put_listed_replaced_and_deleted() {
    let house = House::build().await;
    house.create_role("r", LAMBDA).await;
    for name in ["c", "a", "b", "a"] {
        house.root::<PutRolePolicy>(policy("r", name, ALLOW)).await.unwrap();
    }
    let list = |marker: Option<String>, max_items: Option<i64>| ListRolePoliciesInput {
        role_name: "r".to_owned(),
        marker,
        max_items,
    };
    let all = house.root::<ListRolePolicies>(list(None, None)).await.unwrap();
    assert_eq!(
        (all.policy_names, all.is_truncated, all.marker),
        (vec!["a".into(), "b".into(), "c".into()], Some(false), None)
    );
    let first = house.root::<ListRolePolicies>(list(None, Some(2))).await.unwrap();
    assert_eq!((first.policy_names, first.is_truncated), (vec!["a".to_owned(), "b".to_owned()], Some(true)));
    let second = house.root::<ListRolePolicies>(list(first.marker, Some(2))).await.unwrap();
    assert_eq!((second.policy_names, second.is_truncated), (vec!["c".to_owned()], Some(false)));

    let delete =
        |name: &str| DeleteRolePolicyInput { role_name: "r".to_owned(), policy_name: name.to_owned() };
    house.root::<DeleteRolePolicy>(delete("b")).await.unwrap();
    assert_eq!(
        text(house.root::<DeleteRolePolicy>(delete("b")).await),
        "NoSuchEntity: The role policy with name b cannot be found."
    );
    let left = house.root::<ListRolePolicies>(list(None, None)).await.unwrap();
    assert_eq!(left.policy_names, ["a", "c"]);
}

#[tokio::test]
async fn bad_policies_are_refused_in_awss_words() {
    let house = House::build().await;
    house.create_role("r", LAMBDA).await;
    let cases = [
        (policy("r", "p", "{}"), "MalformedPolicyDocument: Syntax errors in policy."),
        (policy("none", "p", ALLOW), "NoSuchEntity: The role with name none cannot be found."),
        (
            policy("r", "p p", ALLOW),
            "ValidationError: The specified value for policyName is invalid. It must contain only alphanumeric \
             characters and/or the following: +=,.@_-",
        ),
        (
            policy("r", "p", &ALLOW.replace("s3:*", &format!("s3:{}", "x".repeat(10_240)))),
            "LimitExceeded: Maximum policy size of 10240 bytes exceeded for role r",
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(text(house.root::<PutRolePolicy>(input).await), expected);
    }
}

#[tokio::test]
async fn a_role_with_policies_is_not_deleted() {
    let house = House::build().await;
    house.create_role("r", LAMBDA).await;
    house.root::<PutRolePolicy>(policy("r", "p", ALLOW)).await.unwrap();
    let delete = || DeleteRoleInput { role_name: "R".to_owned() };
    assert_eq!(
        text(house.root::<DeleteRole>(delete()).await),
        "DeleteConflict: Cannot delete entity, must delete policies first."
    );
    let input = DeleteRolePolicyInput { role_name: "r".to_owned(), policy_name: "p".to_owned() };
    house.root::<DeleteRolePolicy>(input).await.unwrap();
    house.root::<DeleteRole>(delete()).await.unwrap();
    assert_eq!(
        text(house.root::<DeleteRole>(delete()).await),
        "NoSuchEntity: The role with name R cannot be found."
    );
}
