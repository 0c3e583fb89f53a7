use super::*;

fn account() -> AccountId {
    AccountId::parse("123456789012").unwrap()
}

fn policy(statements: &str) -> Document {
    Document::trust(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}

fn refused(statement: &str) -> String {
    match Document::trust(&format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)) {
        Ok(_) => panic!("accepted: {statement}"),
        Err(Malformed(message)) => message,
    }
}

fn ask(document: &Document, who: Assumer<'_>) -> Trust {
    trust(document, "sts:AssumeRole", who, &BTreeMap::new())
}

const LAMBDA: &str =
    r#"{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}"#;

fn session() -> Assumer<'static> {
    Assumer::Session {
        role: "arn:aws:iam::123456789012:role/p/r",
        arn: "arn:aws:sts::123456789012:assumed-role/r/s",
        account: account(),
        id: "AROARZPUZDIKAAAAAAAAA",
    }
}

fn user() -> Assumer<'static> {
    Assumer::User { arn: "arn:aws:iam::123456789012:user/u", account: account(), id: "AIDARZPUZDIKAAAAAAAAA" }
}

#[test]
fn a_service_is_trusted_by_its_exact_name() {
    let document = policy(LAMBDA);
    assert_eq!(ask(&document, Assumer::Service("lambda.amazonaws.com")), Trust::Direct);
    assert_eq!(ask(&document, Assumer::Service("events.amazonaws.com")), Trust::Nothing);
    assert_eq!(ask(&document, session()), Trust::Nothing);
    assert_eq!(ask(&document, user()), Trust::Nothing);
}

#[test]
fn each_way_of_naming_a_principal_has_its_strength() {
    let cases = [
        (r#""*""#, Trust::Direct, Trust::Direct),
        (r#"{"AWS":"*"}"#, Trust::Direct, Trust::Direct),
        (r#"{"AWS":"123456789012"}"#, Trust::Account, Trust::Account),
        (r#"{"AWS":"arn:aws:iam::123456789012:root"}"#, Trust::Account, Trust::Account),
        (
            r#"{"AWS":["arn:aws:iam::123456789012:root","arn:aws:iam::123456789012:role/p/r"]}"#,
            Trust::Direct,
            Trust::Account,
        ),
        (r#"{"AWS":"arn:aws:iam::123456789012:role/p/r"}"#, Trust::Direct, Trust::Nothing),
        (r#"{"AWS":"arn:aws:iam::123456789012:role/r"}"#, Trust::Nothing, Trust::Nothing),
        (r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"}"#, Trust::Direct, Trust::Nothing),
        (r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/r/t"}"#, Trust::Nothing, Trust::Nothing),
        (r#"{"AWS":"AROARZPUZDIKAAAAAAAAA"}"#, Trust::Direct, Trust::Nothing),
        (r#"{"AWS":"arn:aws:iam::123456789012:user/u"}"#, Trust::Nothing, Trust::Direct),
        (r#"{"AWS":"210987654321"}"#, Trust::Nothing, Trust::Nothing),
        (r#"{"Federated":"accounts.google.com"}"#, Trust::Nothing, Trust::Nothing),
    ];
    for (principal, by_session, by_user) in cases {
        let document =
            policy(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#));
        assert_eq!(ask(&document, session()), by_session, "{principal}");
        assert_eq!(ask(&document, user()), by_user, "{principal}");
    }
}

#[test]
fn conditions_never_help_and_denies_always_count() {
    let conditional = r#"{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}"#;
    assert_eq!(ask(&policy(conditional), Assumer::Service("lambda.amazonaws.com")), Trust::Nothing);
    let deny = conditional.replace("Allow", "Deny");
    let both = policy(&format!("{LAMBDA},{deny}"));
    assert_eq!(ask(&both, Assumer::Service("lambda.amazonaws.com")), Trust::Denied);
    let deny_account = r#"{"Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"sts:*"}"#;
    let everyone = r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#;
    assert_eq!(ask(&policy(&format!("{everyone},{deny_account}")), session()), Trust::Denied);
}

#[test]
fn another_action_of_sts_is_not_assume_role() {
    let document = policy(&LAMBDA.replace("sts:AssumeRole", "sts:TagSession"));
    assert_eq!(ask(&document, Assumer::Service("lambda.amazonaws.com")), Trust::Nothing);
    assert_eq!(
        ask(
            &policy(&LAMBDA.replace("sts:AssumeRole", "STS:assume*")),
            Assumer::Service("lambda.amazonaws.com")
        ),
        Trust::Direct
    );
}

#[test]
fn a_recreated_role_is_not_the_one_that_was_trusted() {
    let arn = "arn:aws:iam::123456789012:role/p/r";
    let document =
        policy(&format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{arn}"}},"Action":"sts:AssumeRole"}}"#));
    assert_eq!(document.entities(), [arn]);
    let pinned = |id: &str| BTreeMap::from([(arn.to_owned(), id.to_owned())]);
    assert_eq!(
        trust(&document, "sts:AssumeRole", session(), &pinned("AROARZPUZDIKAAAAAAAAA")),
        Trust::Direct
    );
    assert_eq!(
        trust(&document, "sts:AssumeRole", session(), &pinned("AROARZPUZDIKBBBBBBBBB")),
        Trust::Nothing
    );
}

#[test]
fn each_defect_has_its_own_text() {
    let cases = [
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}"#,
            "Has prohibited field Resource",
        ),
        (r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#, "Missing required field Principal"),
        (
            r#"{"Effect":"Deny","NotPrincipal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}"#,
            "Has prohibited field NotPrincipal",
        ),
        (r#"{"Effect":"Allow","Principal":"*"}"#, "Missing required field Action"),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}"#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"*"}"#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/*"},"Action":"sts:AssumeRole"}"#,
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/*""#,
        ),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"12345"},"Action":"sts:AssumeRole"}"#,
            r#"Invalid principal in policy: "AWS":"12345""#,
        ),
        (
            r#"{"Effect":"Allow","Principal":{"Service":"lambda"},"Action":"sts:AssumeRole"}"#,
            r#"Invalid principal in policy: "SERVICE":"lambda""#,
        ),
        (r#"{"Effect":"Allow","Principal":{},"Action":"sts:AssumeRole"}"#, "Syntax errors in policy."),
        (
            r#"{"Effect":"Allow","Principal":{"Aws":"*"},"Action":"sts:AssumeRole"}"#,
            "Syntax errors in policy.",
        ),
    ];
    for (statement, message) in cases {
        assert_eq!(refused(statement), message, "{statement}");
    }
    assert_eq!(Document::trust("{not json").unwrap_err().0, "This policy contains invalid Json");
}

#[test]
fn the_stored_form_has_no_blanks_and_names_accounts_by_their_root() {
    let text = r#"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow",
        "Principal": { "AWS": [ "123456789012", "arn:aws:iam::210987654321:root" ], "Service": "lambda.amazonaws.com" },
        "Action": "sts:AssumeRole" } }"#;
    assert_eq!(
        Document::normalised_trust(text).unwrap(),
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:root","arn:aws:iam::210987654321:root"],"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#
    );
    assert_eq!(Document::normalised_trust("{"), None);
}
