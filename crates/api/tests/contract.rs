//! The generated contract: values become types and types become values.

use std::collections::BTreeMap;

use api::{Operation, Shape, iam, lambda, logs, sts};
use aws::Member;
use bytes::Bytes;
use wire::{Identified, Model, Value};

fn structure<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Structure(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn an_input_has_its_members_by_type() {
    let zip = Bytes::from_static(b"PK");
    let input = lambda::CreateFunctionInput::from_value(structure([
        ("FunctionName", text("f")),
        ("Role", text("r")),
        ("Code", structure([("ZipFile", Value::Blob(zip.clone()))])),
        ("Timeout", Value::Integer(3)),
        ("Environment", structure([("Variables", Value::Map(vec![("KEY".into(), text("value"))]))])),
        ("Runtime", text("python9.99")),
    ]))
    .expect("the value is of its shape");
    let variables = BTreeMap::from([("KEY".to_owned(), "value".to_owned())]);
    let expected = lambda::CreateFunctionInput {
        function_name: "f".into(),
        role: "r".into(),
        code: lambda::FunctionCode { zip_file: Some(zip), ..Default::default() },
        timeout: Some(3),
        environment: Some(lambda::Environment { variables: Some(variables) }),
        runtime: Some("python9.99".into()),
        ..Default::default()
    };
    assert_eq!(input, expected, "unknown values of enums survive");
}

#[test]
fn a_value_of_another_shape_names_the_member() {
    let missing = lambda::GetFunctionInput::from_value(structure([])).expect_err("a member is missing");
    assert_eq!(missing.message, "FunctionName: expected a string, found nothing");
    let wrong = structure([("logStreamNames", Value::List(vec![Value::Integer(1)]))]);
    let wrong = logs::FilterLogEventsInput::from_value(wrong).expect_err("a member is wrong");
    assert_eq!(wrong.message, "logStreamNames: expected a string, found an integer");
}

#[test]
fn an_output_leaves_absent_members_out_and_keeps_times() {
    let role = iam::Role { role_name: "r".into(), create_date: 1.5, ..Default::default() };
    let output = iam::CreateRoleOutput { role }.into_value();
    assert_eq!(output.member("Role").member("CreateDate"), &Value::Timestamp(1.5));
    assert!(output.member("Role").member("Tags").is_null());
    assert_eq!(sts::GetCallerIdentityOutput::default().into_value(), structure([]));
}

#[test]
fn an_operation_carries_its_names() {
    assert_eq!((lambda::Invoke::SERVICE, lambda::Invoke::NAME), ("lambda", "Invoke"));
    assert_eq!(lambda::Invoke::ACTION, "lambda:InvokeFunction");
    assert_eq!(iam::CreateRole::ACTION, "iam:CreateRole");
}

#[test]
fn operations_that_share_an_output_share_its_type() {
    let configuration = lambda::FunctionConfiguration::default();
    let _: lambda::CreateFunctionOutput = configuration.clone();
    let _: lambda::UpdateFunctionCodeOutput = configuration.clone();
    let output = lambda::GetFunctionOutput { configuration: Some(configuration), ..Default::default() };
    assert_eq!(lambda::GetFunctionOutput::from_value(output.clone().into_value()), Ok(output));
}

#[test]
fn faults_have_the_code_status_and_blame_of_the_model() {
    let fault = lambda::fault::resource_not_found("no");
    assert_eq!((fault.code.as_ref(), fault.status), ("ResourceNotFoundException", 404));
    assert_eq!(fault.members, [("Type".into(), Member::Text("User".into()))]);
    assert_eq!(lambda::fault::service("no").members, [("Type".into(), Member::Text("Service".into()))]);
    let fault = iam::fault::no_such_entity("no");
    assert_eq!((fault.code.as_ref(), fault.status, fault.members.len()), ("NoSuchEntity", 404, 0));
}

#[test]
fn a_typed_output_is_written_by_its_model() {
    let model = Model::named(lambda::MODEL).expect("the model is embedded");
    let get = Identified::named(model, lambda::GetFunction::NAME).expect("the operation is modelled");
    let code = lambda::FunctionCodeLocation { repository_type: Some("S3".into()), ..Default::default() };
    let output = lambda::GetFunctionOutput { code: Some(code), ..Default::default() };
    let response = get.encode(output.into_value(), "request-1");
    assert_eq!(response.body, r#"{"Code":{"RepositoryType":"S3"}}"#.into());
}
