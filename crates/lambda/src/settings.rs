//! From the parameters of CreateFunction and UpdateFunctionConfiguration to [`Settings`], or to AWS's refusal. Pure.
//!
//! The model's constraints (ranges, patterns, lengths) were checked before. Parameters whose feature is not there are
//! refused by name: nothing is accepted and then ignored.

use std::collections::BTreeMap;

use api::lambda::{
    CreateFunctionInput, Environment, LoggingConfig, UpdateFunctionConfigurationInput, VpcConfig, fault,
};
use aws::{Arn, Fault};

use crate::function::{Logging, Settings};
use crate::limits::{ENVIRONMENT_BYTES, NAME_CHARS};
use crate::runtimes;

/// Variables that AWS keeps for itself.
const RESERVED: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

/// A parameter whose feature does not exist here.
pub(crate) fn not_implemented(parameter: &str) -> Fault {
    Fault::new("NotImplemented", 501, format!("{parameter} is not implemented"))
}

/// The name rule that CreateFunction alone has.
pub(crate) fn check_name(name: &str) -> Result<(), Fault> {
    if name.len() <= NAME_CHARS {
        return Ok(());
    }
    Err(fault::invalid_parameter_value(format!(
        "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: \
         Member must have length less than or equal to {NAME_CHARS}"
    )))
}

/// The settings of a new function called `name`.
pub(crate) fn create(name: &str, input: &CreateFunctionInput) -> Result<Settings, Fault> {
    if input.package_type.as_deref().is_some_and(|kind| kind != "Zip") || input.image_config.is_some() {
        return Err(not_implemented("PackageType Image"));
    }
    if input.publish == Some(true) || input.publish_to.is_some() {
        return Err(not_implemented("Publish"));
    }
    absent("CodeSigningConfigArn", input.code_signing_config_arn.is_some())?;
    absent("TenancyConfig", input.tenancy_config.is_some())?;
    let (Some(runtime), Some(handler)) = (&input.runtime, &input.handler) else {
        return Err(fault::invalid_parameter_value(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ));
    };
    let mut settings = Settings {
        runtime: runtime.clone(),
        handler: handler.clone(),
        role: role(&input.role)?,
        description: String::new(),
        timeout_s: 3,
        memory_mb: 128,
        tmp_mb: 512,
        environment: None,
        tracing: "PassThrough".to_owned(),
        architecture: architecture(input.architectures.as_deref()).unwrap_or_else(|| "x86_64".to_owned()),
        snap_start: "None".to_owned(),
        logging: Logging {
            format: "Text".to_owned(),
            application_level: None,
            system_level: None,
            group: format!("/aws/lambda/{name}"),
        },
    };
    runtimes::check(runtime)?;
    change(&mut settings, &as_update(input))?;
    Ok(settings)
}

/// The single architecture of a request; the model allows exactly one.
pub(crate) fn architecture(given: Option<&[String]>) -> Option<String> {
    given.and_then(|list| list.first()).cloned()
}

/// The parameters that creation and update share, in the update's shape.
fn as_update(input: &CreateFunctionInput) -> UpdateFunctionConfigurationInput {
    UpdateFunctionConfigurationInput {
        description: input.description.clone(),
        timeout: input.timeout,
        memory_size: input.memory_size,
        vpc_config: input.vpc_config.clone(),
        environment: input.environment.clone(),
        dead_letter_config: input.dead_letter_config.clone(),
        kms_key_arn: input.kms_key_arn.clone(),
        tracing_config: input.tracing_config.clone(),
        layers: input.layers.clone(),
        file_system_configs: input.file_system_configs.clone(),
        ephemeral_storage: input.ephemeral_storage.clone(),
        snap_start: input.snap_start.clone(),
        logging_config: input.logging_config.clone(),
        capacity_provider_config: input.capacity_provider_config.clone(),
        durable_config: input.durable_config.clone(),
        runtime_config: input.runtime_config.clone(),
        accelerator_config: input.accelerator_config.clone(),
        ..UpdateFunctionConfigurationInput::default()
    }
}

/// Applies an update: absent parameters keep what is there, empty ones clear it.
pub(crate) fn change(settings: &mut Settings, input: &UpdateFunctionConfigurationInput) -> Result<(), Fault> {
    refuse_missing_features(input)?;
    if let Some(runtime) = &input.runtime {
        runtimes::check(runtime)?;
        settings.runtime.clone_from(runtime);
    }
    if let Some(text) = &input.role {
        settings.role = role(text)?;
    }
    if let Some(handler) = &input.handler {
        settings.handler.clone_from(handler);
    }
    if let Some(description) = &input.description {
        settings.description.clone_from(description);
    }
    number(&mut settings.timeout_s, input.timeout, "timeout")?;
    number(&mut settings.memory_mb, input.memory_size.map(|mb| mb.min(i64::from(u32::MAX))), "memorySize")?;
    number(
        &mut settings.tmp_mb,
        input.ephemeral_storage.as_ref().map(|tmp| tmp.size),
        "ephemeralStorage.size",
    )?;
    if let Some(given) = &input.environment {
        settings.environment = Some(environment(given)?);
    }
    if let Some(mode) = input.tracing_config.as_ref().and_then(|tracing| tracing.mode.as_ref()) {
        settings.tracing.clone_from(mode);
    }
    if let Some(apply_on) = input.snap_start.as_ref().and_then(|snap| snap.apply_on.as_ref()) {
        settings.snap_start.clone_from(apply_on);
    }
    if let Some(given) = &input.logging_config {
        logging(&mut settings.logging, given)?;
    }
    Ok(())
}

/// The largest timeout, memory and `/tmp` that an ordinary function may have; the model's own limits are those of managed
/// instances.
fn number(setting: &mut u32, given: Option<i64>, member: &str) -> Result<(), Fault> {
    let Some(given) = given else { return Ok(()) };
    let most = match member {
        "timeout" => 900,
        _ => 10_240,
    };
    if given > most {
        return Err(Fault::new(
            "ValidationException",
            400,
            format!(
                "1 validation error detected: Value '{given}' at '{member}' failed to satisfy constraint: \
                 Member must have value less than or equal to {most}"
            ),
        ));
    }
    *setting = u32::try_from(given)
        .map_err(|_| fault::invalid_parameter_value(format!("{member} is out of range")))?;
    Ok(())
}

fn refuse_missing_features(input: &UpdateFunctionConfigurationInput) -> Result<(), Fault> {
    let dead_letter = input.dead_letter_config.as_ref().and_then(|config| config.target_arn.as_deref());
    absent("DeadLetterConfig", dead_letter.is_some_and(|arn| !arn.is_empty()))?;
    absent("KMSKeyArn", input.kms_key_arn.as_deref().is_some_and(|arn| !arn.is_empty()))?;
    absent("FileSystemConfigs", input.file_system_configs.as_ref().is_some_and(|list| !list.is_empty()))?;
    absent("ImageConfig", input.image_config.is_some())?;
    absent("CapacityProviderConfig", input.capacity_provider_config.is_some())?;
    absent("DurableConfig", input.durable_config.is_some())?;
    absent("RuntimeConfig", input.runtime_config.is_some())?;
    absent("AcceleratorConfig", input.accelerator_config.is_some())?;
    vpc(input.vpc_config.as_ref())?;
    layers(input.layers.as_deref().unwrap_or_default())
}

fn absent(parameter: &str, given: bool) -> Result<(), Fault> {
    if given { Err(not_implemented(parameter)) } else { Ok(()) }
}

/// There is no EC2 here, so no subnet exists.
fn vpc(config: Option<&VpcConfig>) -> Result<(), Fault> {
    let subnet = config.and_then(|config| config.subnet_ids.as_ref()).and_then(|ids| ids.first());
    let Some(subnet) = subnet else { return Ok(()) };
    Err(fault::invalid_parameter_value(format!(
        "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. \
         EC2 Error Message: The subnet ID '{subnet}' does not exist"
    )))
}

/// No layer can be published yet, so none exists.
fn layers(arns: &[String]) -> Result<(), Fault> {
    if arns.len() > 5 {
        return Err(fault::invalid_parameter_value("Cannot reference more than 5 layers."));
    }
    match arns.first() {
        Some(arn) => Err(fault::invalid_parameter_value(format!("Layer version {arn} does not exist."))),
        None => Ok(()),
    }
}

fn role(text: &str) -> Result<Arn, Fault> {
    Arn::parse(text).map_err(|e| fault::invalid_parameter_value(e.to_string()))
}

fn environment(given: &Environment) -> Result<BTreeMap<String, String>, Fault> {
    let variables = given.variables.clone().unwrap_or_default();
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|key| RESERVED.contains(key)).collect();
    if !reserved.is_empty() {
        return Err(fault::invalid_parameter_value(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. \
             Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    if variables.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
        return Err(fault::invalid_parameter_value("Environment variables may not contain NUL."));
    }
    let measured = serde_json::to_string(&variables).expect("a map of strings is JSON");
    if measured.len() > ENVIRONMENT_BYTES {
        return Err(fault::invalid_parameter_value(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the 4KB limit. String measured: {measured}"
        )));
    }
    Ok(variables)
}

/// Levels exist with JSON only; a change to JSON without levels sets INFO.
fn logging(logging: &mut Logging, given: &LoggingConfig) -> Result<(), Fault> {
    if let Some(format) = &given.log_format {
        logging.format.clone_from(format);
    }
    if let Some(group) = &given.log_group {
        logging.group.clone_from(group);
    }
    if logging.format != "JSON" {
        if given.application_log_level.is_some() || given.system_log_level.is_some() {
            return Err(fault::invalid_parameter_value(
                "To set ApplicationLogLevel or SystemLogLevel, LogFormat must be JSON.",
            ));
        }
        logging.application_level = None;
        logging.system_level = None;
        return Ok(());
    }
    let level = |given: &Option<String>, kept: &Option<String>| {
        given.clone().or_else(|| kept.clone()).or_else(|| Some("INFO".to_owned()))
    };
    logging.application_level = level(&given.application_log_level, &logging.application_level);
    logging.system_level = level(&given.system_log_level, &logging.system_level);
    Ok(())
}

#[cfg(test)]
#[path = "settings_tests.rs"]
pub(crate) mod tests;
