use api::lambda::EphemeralStorage;
use aws::Millis;

use super::*;
use crate::function::{Function, Package, State};

pub(crate) fn input() -> CreateFunctionInput {
    CreateFunctionInput {
        function_name: "f".into(),
        runtime: Some("python3.11".into()),
        handler: Some("app.handler".into()),
        role: "arn:aws:iam::000000000000:role/r".into(),
        ..CreateFunctionInput::default()
    }
}

/// A function as CreateFunction stores it.
pub(crate) fn function(name: &str) -> Function {
    Function {
        name: name.into(),
        revision: "r1".into(),
        modified: Millis(0),
        settings: create(name, &input()).unwrap(),
        package: Package::for_tests(),
        state: State::Pending,
        last_update: None,
        serving: None,
        tags: BTreeMap::new(),
    }
}

#[test]
fn a_new_function_has_awss_defaults() {
    let settings = create("f", &input()).unwrap();
    assert_eq!((settings.timeout_s, settings.memory_mb, settings.tmp_mb), (3, 128, 512));
    assert_eq!(settings.environment, None);
    assert_eq!((settings.tracing.as_str(), settings.architecture.as_str()), ("PassThrough", "x86_64"));
    assert_eq!(
        (settings.logging.format.as_str(), settings.logging.group.as_str()),
        ("Text", "/aws/lambda/f")
    );
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    type Change = Box<dyn Fn(&mut CreateFunctionInput)>;
    let cases: Vec<(&str, Change)> = vec![
        ("Publish is not implemented", Box::new(|i| i.publish = Some(true))),
        ("PackageType Image is not implemented", Box::new(|i| i.package_type = Some("Image".into()))),
        ("KMSKeyArn is not implemented", Box::new(|i| i.kms_key_arn = Some("arn:aws:kms:r:1:key/k".into()))),
        ("Layer version arn:l:1 does not exist.", Box::new(|i| i.layers = Some(vec!["arn:l:1".into()]))),
        ("Cannot reference more than 5 layers.", Box::new(|i| i.layers = Some(vec![String::new(); 6]))),
        (
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
            Box::new(|i| i.handler = None),
        ),
    ];
    for (message, change) in cases {
        let mut input = input();
        change(&mut input);
        assert_eq!(create("f", &input).unwrap_err().message, message);
    }
}

#[test]
fn numbers_stop_at_the_limits_of_ordinary_functions() {
    let mut too_long = input();
    too_long.timeout = Some(901);
    assert_eq!(
        create("f", &too_long).unwrap_err().message,
        "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: \
         Member must have value less than or equal to 900"
    );
    let mut large = input();
    large.memory_size = Some(10_240);
    large.ephemeral_storage = Some(EphemeralStorage { size: 10_240 });
    let settings = create("f", &large).unwrap();
    assert_eq!((settings.memory_mb, settings.tmp_mb), (10_240, 10_240));
}

#[test]
fn variables_are_measured_as_compact_json_and_some_names_are_reserved() {
    let with = |variables: &[(&str, String)]| {
        let mut input = input();
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        input.environment = Some(Environment { variables: Some(variables) });
        create("f", &input)
    };
    assert!(with(&[("AA", "x".repeat(4_096 - 9))]).is_ok());
    let large = with(&[("AA", "x".repeat(4_096 - 8))]).unwrap_err().message;
    assert!(large.contains("exceeded the 4KB limit. String measured: {\"AA\":\"xxx"), "{large}");
    let reserved = with(&[("AWS_REGION", "x".into()), ("_HANDLER", "y".into())]).unwrap_err().message;
    assert!(reserved.ends_with("Reserved keys used in this request: AWS_REGION, _HANDLER"), "{reserved}");
    assert_eq!(with(&[]).unwrap().environment, Some(BTreeMap::new()), "supplied empty shows as empty");
}

#[test]
fn an_update_keeps_what_it_does_not_name() {
    let mut settings = create("f", &input()).unwrap();
    let update = UpdateFunctionConfigurationInput {
        memory_size: Some(256),
        logging_config: Some(LoggingConfig { log_format: Some("JSON".into()), ..LoggingConfig::default() }),
        ..UpdateFunctionConfigurationInput::default()
    };
    change(&mut settings, &update).unwrap();
    assert_eq!((settings.memory_mb, settings.timeout_s), (256, 3));
    assert_eq!(settings.logging.application_level.as_deref(), Some("INFO"));
    let back = UpdateFunctionConfigurationInput {
        logging_config: Some(LoggingConfig { log_format: Some("Text".into()), ..LoggingConfig::default() }),
        ..UpdateFunctionConfigurationInput::default()
    };
    change(&mut settings, &back).unwrap();
    assert_eq!(settings.logging.application_level, None);
}

#[test]
fn only_create_has_the_short_name_limit() {
    assert!(check_name(&"a".repeat(64)).is_ok());
    assert!(check_name(&"a".repeat(65)).unwrap_err().message.ends_with("less than or equal to 64"));
}
