//! Messages as AWS words them.

use super::*;
use crate::Identified;

fn message(service: &str, operation: &str, input: Value) -> String {
    let model = Model::named(service).expect("the model is embedded");
    let identified = Identified::named(model, operation).expect("the operation is modelled");
    match identified.validate(&input) {
        Ok(()) => String::new(),
        Err(fault) => format!("{} {}", fault.code, fault.message),
    }
}

fn structure<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Structure(members.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_valid_input_has_no_message() {
    assert_eq!(
        message(
            "lambda",
            "GetFunction",
            structure([("FunctionName", text("arn:aws:lambda:eu-west-1:123456789012:function:fn:PROD"))])
        ),
        ""
    );
    assert_eq!(message("sts", "GetCallerIdentity", structure([])), "");
}

#[test]
fn a_pattern_is_printed_with_the_value() {
    let role = structure([("FunctionName", text("f")), ("Role", text("r")), ("Code", structure([]))]);
    assert_eq!(
        message("lambda", "CreateFunction", role),
        "ValidationException 1 validation error detected: Value 'r' at 'role' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"
    );
}

#[test]
fn several_violations_are_counted_and_joined() {
    let input = structure([
        ("FunctionName", text("f")),
        ("Role", text("arn:aws:iam::123456789012:role/r")),
        ("Code", structure([])),
        ("MemorySize", Value::Integer(1)),
        ("PackageType", text("Box")),
    ]);
    assert_eq!(
        message("lambda", "CreateFunction", input),
        "ValidationException 2 validation errors detected: Value '1' at 'memorySize' failed to satisfy constraint: Member \
         must have value greater than or equal to 128; Value 'Box' at 'packageType' failed to satisfy constraint: Member \
         must satisfy enum value set: [Zip, Image]"
    );
}

#[test]
fn a_required_member_must_not_be_null() {
    assert_eq!(
        message(
            "lambda",
            "CreateFunction",
            structure([("FunctionName", text("f")), ("Code", structure([]))])
        ),
        "ValidationException 1 validation error detected: Value null at 'role' failed to satisfy constraint: Member must \
         not be null"
    );
}

#[test]
fn a_list_shows_itself_and_every_rule_of_its_elements() {
    let input = structure([
        ("FunctionName", text("f")),
        ("VpcConfig", structure([("SecurityGroupIds", Value::List(vec![text("sg-1"), text("x")]))])),
    ]);
    assert_eq!(
        message("lambda", "UpdateFunctionConfiguration", input),
        "ValidationException 1 validation error detected: Value '[sg-1, x]' at 'vpcConfig.securityGroupIds' failed to \
         satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 1024, Member \
         must have length greater than or equal to 0, Member must satisfy regular expression pattern: sg-[0-9a-zA-Z]*]"
    );
}

#[test]
fn structures_in_lists_have_numbered_paths_and_iam_hides_values() {
    let tag = structure([("Key", text(&"k".repeat(129))), ("Value", text("v"))]);
    let input = structure([
        ("RoleName", text("r")),
        ("AssumeRolePolicyDocument", text("{}")),
        ("Tags", Value::List(vec![tag])),
    ]);
    assert_eq!(
        message("iam", "CreateRole", input),
        "ValidationError 1 validation error detected: Value at 'tags.1.member.key' failed to satisfy constraint: Member \
         must have length less than or equal to 128"
    );
}

#[test]
fn the_logs_service_has_its_own_code() {
    let input = structure([("logGroupName", text("g")), ("limit", Value::Integer(10_001))]);
    assert_eq!(
        message("logs", "FilterLogEvents", input),
        "InvalidParameterException 1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: \
         Member must have value less than or equal to 10000"
    );
}

#[test]
fn map_keys_have_rules_of_their_own() {
    let input = structure([
        ("FunctionName", text("f")),
        ("Environment", structure([("Variables", Value::Map(vec![("1".into(), text("v"))]))])),
    ]);
    let message = message("lambda", "UpdateFunctionConfiguration", input);
    assert!(message.contains("at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"), "{message}");
    assert!(!message.contains("{1=v}"), "the values of variables are sensitive");
}

#[test]
fn no_message_names_more_than_ten_violations() {
    let tags = (0..40).map(|_| structure([("Key", text("")), ("Value", text(""))])).collect();
    let input = structure([
        ("RoleName", text("r")),
        ("AssumeRolePolicyDocument", text("{}")),
        ("Tags", Value::List(tags)),
    ]);
    assert!(
        message("iam", "CreateRole", input).starts_with("ValidationError 10 validation errors detected: ")
    );
}

#[test]
fn iam_complains_about_names_and_paths_in_its_own_words() {
    let role = |name: &str, path: &str| {
        structure([("RoleName", text(name)), ("Path", text(path)), ("AssumeRolePolicyDocument", text("{}"))])
    };
    assert_eq!(
        message("iam", "CreateRole", role("a b", "/")),
        "ValidationError The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the \
         following: +=,.@_-"
    );
    assert_eq!(
        message("iam", "CreateRole", role("r", "x")),
        "ValidationError The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
         characters and/or / characters."
    );
    assert_eq!(message("iam", "CreateRole", role("r", "/a/b/")), "");
}
