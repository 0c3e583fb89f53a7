//! How a stored function shows in answers. Pure.

use api::lambda::{
    EnvironmentResponse, EphemeralStorage, FunctionConfiguration, LoggingConfig, RuntimeVersionConfig,
    SnapStartResponse, TracingConfigResponse,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::function::{Function, LastUpdate, State};
use crate::names::Named;

/// The configuration as GetFunctionConfiguration shows it. `runtime_version` is the ARN of the pack that serves it.
pub(crate) fn configuration(
    function: &Function,
    named: &Named,
    runtime_version: Option<String>,
) -> FunctionConfiguration {
    let settings = &function.settings;
    let (state, state_reason, state_code) = match &function.state {
        State::Pending => {
            ("Pending", Some("The function is being created.".to_owned()), Some("Creating".to_owned()))
        }
        State::Active => ("Active", None, None),
        State::Failed(reason) => ("Failed", Some(reason.text.clone()), Some(reason.code.clone())),
    };
    let (update, update_reason, update_code) = match &function.last_update {
        None => (None, None, None),
        // The words are AWS's: an update says that the function is being created.
        Some(LastUpdate::InProgress) => (
            Some("InProgress"),
            Some("The function is being created.".to_owned()),
            Some("Creating".to_owned()),
        ),
        Some(LastUpdate::Successful) => (Some("Successful"), None, None),
        Some(LastUpdate::Failed(reason)) => {
            (Some("Failed"), Some(reason.text.clone()), Some(reason.code.clone()))
        }
    };
    FunctionConfiguration {
        state: Some(state.to_owned()),
        state_reason,
        state_reason_code: state_code,
        last_update_status: update.map(str::to_owned),
        last_update_status_reason: update_reason,
        last_update_status_reason_code: update_code,
        runtime_version_config: runtime_version
            .map(|arn| RuntimeVersionConfig { runtime_version_arn: Some(arn), error: None }),
        ..listed(function, named, settings.role.to_string())
    }
}

/// The configuration as ListFunctions shows it: without states and runtime version.
pub(crate) fn listed(function: &Function, named: &Named, role: String) -> FunctionConfiguration {
    let settings = &function.settings;
    FunctionConfiguration {
        function_name: Some(function.name.clone()),
        function_arn: Some(named.invoked_arn()),
        runtime: Some(settings.runtime.clone()),
        role: Some(role),
        handler: Some(settings.handler.clone()),
        code_size: i64::try_from(function.package.size).ok(),
        description: Some(settings.description.clone()),
        timeout: Some(i64::from(settings.timeout_s)),
        memory_size: Some(i64::from(settings.memory_mb)),
        last_modified: Some(function.modified.lambda_text()),
        code_sha256: function.package.tree().map(|digest| STANDARD.encode(digest.0)),
        version: Some("$LATEST".to_owned()),
        environment: settings
            .environment
            .clone()
            .map(|variables| EnvironmentResponse { variables: Some(variables), error: None }),
        tracing_config: Some(TracingConfigResponse { mode: Some(settings.tracing.clone()) }),
        revision_id: Some(function.revision.clone()),
        package_type: Some("Zip".to_owned()),
        architectures: Some(vec![settings.architecture.clone()]),
        ephemeral_storage: Some(EphemeralStorage { size: i64::from(settings.tmp_mb) }),
        snap_start: Some(SnapStartResponse {
            apply_on: Some(settings.snap_start.clone()),
            optimization_status: Some("Off".to_owned()),
        }),
        logging_config: Some(LoggingConfig {
            log_format: Some(settings.logging.format.clone()),
            application_log_level: settings.logging.application_level.clone(),
            system_log_level: settings.logging.system_level.clone(),
            log_group: Some(settings.logging.group.clone()),
        }),
        ..FunctionConfiguration::default()
    }
}
