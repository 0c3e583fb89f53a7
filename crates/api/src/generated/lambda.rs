//! `Lambda`, from `models/lambda.json`. Written by `cargo x api`; do not edit.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use aws::Fault;
use bytes::Bytes;
use wire::Value;

use crate::shape::{put, put_time, read, structure};
use crate::{Operation, Shape};

/// The model's name.
pub const MODEL: &str = "lambda";

/// The operation `lambda:CreateFunction`.
#[derive(Debug, Clone, Copy)]
pub struct CreateFunction;

impl Operation for CreateFunction {
    type Input = CreateFunctionInput;
    type Output = CreateFunctionOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "CreateFunction";
    const ACTION: &'static str = "lambda:CreateFunction";
}

/// The operation `lambda:DeleteFunction`.
#[derive(Debug, Clone, Copy)]
pub struct DeleteFunction;

impl Operation for DeleteFunction {
    type Input = DeleteFunctionInput;
    type Output = DeleteFunctionOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "DeleteFunction";
    const ACTION: &'static str = "lambda:DeleteFunction";
}

/// The operation `lambda:GetFunction`.
#[derive(Debug, Clone, Copy)]
pub struct GetFunction;

impl Operation for GetFunction {
    type Input = GetFunctionInput;
    type Output = GetFunctionOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "GetFunction";
    const ACTION: &'static str = "lambda:GetFunction";
}

/// The operation `lambda:GetFunctionConfiguration`.
#[derive(Debug, Clone, Copy)]
pub struct GetFunctionConfiguration;

impl Operation for GetFunctionConfiguration {
    type Input = GetFunctionConfigurationInput;
    type Output = GetFunctionConfigurationOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "GetFunctionConfiguration";
    const ACTION: &'static str = "lambda:GetFunctionConfiguration";
}

/// The operation `lambda:Invoke`.
#[derive(Debug, Clone, Copy)]
pub struct Invoke;

impl Operation for Invoke {
    type Input = InvokeInput;
    type Output = InvokeOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "Invoke";
    const ACTION: &'static str = "lambda:InvokeFunction";
}

/// The operation `lambda:ListFunctions`.
#[derive(Debug, Clone, Copy)]
pub struct ListFunctions;

impl Operation for ListFunctions {
    type Input = ListFunctionsInput;
    type Output = ListFunctionsOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "ListFunctions";
    const ACTION: &'static str = "lambda:ListFunctions";
}

/// The operation `lambda:ListTags`.
#[derive(Debug, Clone, Copy)]
pub struct ListTags;

impl Operation for ListTags {
    type Input = ListTagsInput;
    type Output = ListTagsOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "ListTags";
    const ACTION: &'static str = "lambda:ListTags";
}

/// The operation `lambda:UpdateFunctionCode`.
#[derive(Debug, Clone, Copy)]
pub struct UpdateFunctionCode;

impl Operation for UpdateFunctionCode {
    type Input = UpdateFunctionCodeInput;
    type Output = UpdateFunctionCodeOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "UpdateFunctionCode";
    const ACTION: &'static str = "lambda:UpdateFunctionCode";
}

/// The operation `lambda:UpdateFunctionConfiguration`.
#[derive(Debug, Clone, Copy)]
pub struct UpdateFunctionConfiguration;

impl Operation for UpdateFunctionConfiguration {
    type Input = UpdateFunctionConfigurationInput;
    type Output = UpdateFunctionConfigurationOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "UpdateFunctionConfiguration";
    const ACTION: &'static str = "lambda:UpdateFunctionConfiguration";
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateFunctionInput {
    pub function_name: String,
    pub runtime: Option<String>,
    pub role: String,
    pub handler: Option<String>,
    pub code: FunctionCode,
    pub description: Option<String>,
    pub timeout: Option<i64>,
    pub memory_size: Option<i64>,
    pub publish: Option<bool>,
    pub publish_to: Option<String>,
    pub vpc_config: Option<VpcConfig>,
    pub package_type: Option<String>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub environment: Option<Environment>,
    pub kms_key_arn: Option<String>,
    pub tracing_config: Option<TracingConfig>,
    pub tags: Option<BTreeMap<String, String>>,
    pub layers: Option<Vec<String>>,
    pub file_system_configs: Option<Vec<FileSystemConfig>>,
    pub code_signing_config_arn: Option<String>,
    pub image_config: Option<ImageConfig>,
    pub architectures: Option<Vec<String>>,
    pub ephemeral_storage: Option<EphemeralStorage>,
    pub snap_start: Option<SnapStart>,
    pub logging_config: Option<LoggingConfig>,
    pub tenancy_config: Option<TenancyConfig>,
    pub capacity_provider_config: Option<CapacityProviderConfig>,
    pub durable_config: Option<DurableConfig>,
    pub runtime_config: Option<FunctionRuntimeConfig>,
    pub accelerator_config: Option<AcceleratorConfig>,
}

impl Shape for CreateFunctionInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            function_name: read(&mut value, "FunctionName")?,
            runtime: read(&mut value, "Runtime")?,
            role: read(&mut value, "Role")?,
            handler: read(&mut value, "Handler")?,
            code: read(&mut value, "Code")?,
            description: read(&mut value, "Description")?,
            timeout: read(&mut value, "Timeout")?,
            memory_size: read(&mut value, "MemorySize")?,
            publish: read(&mut value, "Publish")?,
            publish_to: read(&mut value, "PublishTo")?,
            vpc_config: read(&mut value, "VpcConfig")?,
            package_type: read(&mut value, "PackageType")?,
            dead_letter_config: read(&mut value, "DeadLetterConfig")?,
            environment: read(&mut value, "Environment")?,
            kms_key_arn: read(&mut value, "KMSKeyArn")?,
            tracing_config: read(&mut value, "TracingConfig")?,
            tags: read(&mut value, "Tags")?,
            layers: read(&mut value, "Layers")?,
            file_system_configs: read(&mut value, "FileSystemConfigs")?,
            code_signing_config_arn: read(&mut value, "CodeSigningConfigArn")?,
            image_config: read(&mut value, "ImageConfig")?,
            architectures: read(&mut value, "Architectures")?,
            ephemeral_storage: read(&mut value, "EphemeralStorage")?,
            snap_start: read(&mut value, "SnapStart")?,
            logging_config: read(&mut value, "LoggingConfig")?,
            tenancy_config: read(&mut value, "TenancyConfig")?,
            capacity_provider_config: read(&mut value, "CapacityProviderConfig")?,
            durable_config: read(&mut value, "DurableConfig")?,
            runtime_config: read(&mut value, "RuntimeConfig")?,
            accelerator_config: read(&mut value, "AcceleratorConfig")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("FunctionName", self.function_name),
            put("Runtime", self.runtime),
            put("Role", self.role),
            put("Handler", self.handler),
            put("Code", self.code),
            put("Description", self.description),
            put("Timeout", self.timeout),
            put("MemorySize", self.memory_size),
            put("Publish", self.publish),
            put("PublishTo", self.publish_to),
            put("VpcConfig", self.vpc_config),
            put("PackageType", self.package_type),
            put("DeadLetterConfig", self.dead_letter_config),
            put("Environment", self.environment),
            put("KMSKeyArn", self.kms_key_arn),
            put("TracingConfig", self.tracing_config),
            put("Tags", self.tags),
            put("Layers", self.layers),
            put("FileSystemConfigs", self.file_system_configs),
            put("CodeSigningConfigArn", self.code_signing_config_arn),
            put("ImageConfig", self.image_config),
            put("Architectures", self.architectures),
            put("EphemeralStorage", self.ephemeral_storage),
            put("SnapStart", self.snap_start),
            put("LoggingConfig", self.logging_config),
            put("TenancyConfig", self.tenancy_config),
            put("CapacityProviderConfig", self.capacity_provider_config),
            put("DurableConfig", self.durable_config),
            put("RuntimeConfig", self.runtime_config),
            put("AcceleratorConfig", self.accelerator_config),
        ])
    }
}

pub type CreateFunctionOutput = FunctionConfiguration;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteFunctionInput {
    pub function_name: String,
    pub qualifier: Option<String>,
}

impl Shape for DeleteFunctionInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            function_name: read(&mut value, "FunctionName")?,
            qualifier: read(&mut value, "Qualifier")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![put("FunctionName", self.function_name), put("Qualifier", self.qualifier)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteFunctionOutput {
    pub status_code: Option<i64>,
}

impl Shape for DeleteFunctionOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { status_code: read(&mut value, "StatusCode")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("StatusCode", self.status_code)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetFunctionInput {
    pub function_name: String,
    pub qualifier: Option<String>,
}

impl Shape for GetFunctionInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            function_name: read(&mut value, "FunctionName")?,
            qualifier: read(&mut value, "Qualifier")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![put("FunctionName", self.function_name), put("Qualifier", self.qualifier)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetFunctionOutput {
    pub configuration: Option<FunctionConfiguration>,
    pub code: Option<FunctionCodeLocation>,
    pub tags: Option<BTreeMap<String, String>>,
    pub tags_error: Option<TagsError>,
    pub concurrency: Option<Concurrency>,
}

impl Shape for GetFunctionOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            configuration: read(&mut value, "Configuration")?,
            code: read(&mut value, "Code")?,
            tags: read(&mut value, "Tags")?,
            tags_error: read(&mut value, "TagsError")?,
            concurrency: read(&mut value, "Concurrency")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("Configuration", self.configuration),
            put("Code", self.code),
            put("Tags", self.tags),
            put("TagsError", self.tags_error),
            put("Concurrency", self.concurrency),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetFunctionConfigurationInput {
    pub function_name: String,
    pub qualifier: Option<String>,
}

impl Shape for GetFunctionConfigurationInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            function_name: read(&mut value, "FunctionName")?,
            qualifier: read(&mut value, "Qualifier")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![put("FunctionName", self.function_name), put("Qualifier", self.qualifier)])
    }
}

pub type GetFunctionConfigurationOutput = FunctionConfiguration;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct InvokeInput {
    pub function_name: String,
    pub invocation_type: Option<String>,
    pub log_type: Option<String>,
    pub client_context: Option<String>,
    pub durable_execution_name: Option<String>,
    pub payload: Option<Bytes>,
    pub qualifier: Option<String>,
    pub tenant_id: Option<String>,
}

impl Shape for InvokeInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            function_name: read(&mut value, "FunctionName")?,
            invocation_type: read(&mut value, "InvocationType")?,
            log_type: read(&mut value, "LogType")?,
            client_context: read(&mut value, "ClientContext")?,
            durable_execution_name: read(&mut value, "DurableExecutionName")?,
            payload: read(&mut value, "Payload")?,
            qualifier: read(&mut value, "Qualifier")?,
            tenant_id: read(&mut value, "TenantId")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("FunctionName", self.function_name),
            put("InvocationType", self.invocation_type),
            put("LogType", self.log_type),
            put("ClientContext", self.client_context),
            put("DurableExecutionName", self.durable_execution_name),
            put("Payload", self.payload),
            put("Qualifier", self.qualifier),
            put("TenantId", self.tenant_id),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct InvokeOutput {
    pub status_code: Option<i64>,
    pub function_error: Option<String>,
    pub log_result: Option<String>,
    pub payload: Option<Bytes>,
    pub executed_version: Option<String>,
    pub durable_execution_arn: Option<String>,
}

impl Shape for InvokeOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            status_code: read(&mut value, "StatusCode")?,
            function_error: read(&mut value, "FunctionError")?,
            log_result: read(&mut value, "LogResult")?,
            payload: read(&mut value, "Payload")?,
            executed_version: read(&mut value, "ExecutedVersion")?,
            durable_execution_arn: read(&mut value, "DurableExecutionArn")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("StatusCode", self.status_code),
            put("FunctionError", self.function_error),
            put("LogResult", self.log_result),
            put("Payload", self.payload),
            put("ExecutedVersion", self.executed_version),
            put("DurableExecutionArn", self.durable_execution_arn),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListFunctionsInput {
    pub master_region: Option<String>,
    pub function_version: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<i64>,
}

impl Shape for ListFunctionsInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            master_region: read(&mut value, "MasterRegion")?,
            function_version: read(&mut value, "FunctionVersion")?,
            marker: read(&mut value, "Marker")?,
            max_items: read(&mut value, "MaxItems")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("MasterRegion", self.master_region),
            put("FunctionVersion", self.function_version),
            put("Marker", self.marker),
            put("MaxItems", self.max_items),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListFunctionsOutput {
    pub next_marker: Option<String>,
    pub functions: Option<Vec<FunctionConfiguration>>,
}

impl Shape for ListFunctionsOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { next_marker: read(&mut value, "NextMarker")?, functions: read(&mut value, "Functions")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("NextMarker", self.next_marker), put("Functions", self.functions)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListTagsInput {
    pub resource: String,
}

impl Shape for ListTagsInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { resource: read(&mut value, "Resource")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Resource", self.resource)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListTagsOutput {
    pub tags: Option<BTreeMap<String, String>>,
}

impl Shape for ListTagsOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { tags: read(&mut value, "Tags")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Tags", self.tags)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct UpdateFunctionCodeInput {
    pub function_name: String,
    pub zip_file: Option<Bytes>,
    pub s3_bucket: Option<String>,
    pub s3_key: Option<String>,
    pub s3_object_version: Option<String>,
    pub s3_object_storage_mode: Option<String>,
    pub image_uri: Option<String>,
    pub architectures: Option<Vec<String>>,
    pub publish: Option<bool>,
    pub publish_to: Option<String>,
    pub dry_run: Option<bool>,
    pub revision_id: Option<String>,
    pub source_kms_key_arn: Option<String>,
}

impl Shape for UpdateFunctionCodeInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            function_name: read(&mut value, "FunctionName")?,
            zip_file: read(&mut value, "ZipFile")?,
            s3_bucket: read(&mut value, "S3Bucket")?,
            s3_key: read(&mut value, "S3Key")?,
            s3_object_version: read(&mut value, "S3ObjectVersion")?,
            s3_object_storage_mode: read(&mut value, "S3ObjectStorageMode")?,
            image_uri: read(&mut value, "ImageUri")?,
            architectures: read(&mut value, "Architectures")?,
            publish: read(&mut value, "Publish")?,
            publish_to: read(&mut value, "PublishTo")?,
            dry_run: read(&mut value, "DryRun")?,
            revision_id: read(&mut value, "RevisionId")?,
            source_kms_key_arn: read(&mut value, "SourceKMSKeyArn")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("FunctionName", self.function_name),
            put("ZipFile", self.zip_file),
            put("S3Bucket", self.s3_bucket),
            put("S3Key", self.s3_key),
            put("S3ObjectVersion", self.s3_object_version),
            put("S3ObjectStorageMode", self.s3_object_storage_mode),
            put("ImageUri", self.image_uri),
            put("Architectures", self.architectures),
            put("Publish", self.publish),
            put("PublishTo", self.publish_to),
            put("DryRun", self.dry_run),
            put("RevisionId", self.revision_id),
            put("SourceKMSKeyArn", self.source_kms_key_arn),
        ])
    }
}

pub type UpdateFunctionCodeOutput = FunctionConfiguration;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct UpdateFunctionConfigurationInput {
    pub function_name: String,
    pub role: Option<String>,
    pub handler: Option<String>,
    pub description: Option<String>,
    pub timeout: Option<i64>,
    pub memory_size: Option<i64>,
    pub vpc_config: Option<VpcConfig>,
    pub environment: Option<Environment>,
    pub runtime: Option<String>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub kms_key_arn: Option<String>,
    pub tracing_config: Option<TracingConfig>,
    pub revision_id: Option<String>,
    pub layers: Option<Vec<String>>,
    pub file_system_configs: Option<Vec<FileSystemConfig>>,
    pub image_config: Option<ImageConfig>,
    pub ephemeral_storage: Option<EphemeralStorage>,
    pub snap_start: Option<SnapStart>,
    pub logging_config: Option<LoggingConfig>,
    pub capacity_provider_config: Option<CapacityProviderConfig>,
    pub durable_config: Option<DurableConfig>,
    pub runtime_config: Option<FunctionRuntimeConfig>,
    pub accelerator_config: Option<AcceleratorConfig>,
}

impl Shape for UpdateFunctionConfigurationInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            function_name: read(&mut value, "FunctionName")?,
            role: read(&mut value, "Role")?,
            handler: read(&mut value, "Handler")?,
            description: read(&mut value, "Description")?,
            timeout: read(&mut value, "Timeout")?,
            memory_size: read(&mut value, "MemorySize")?,
            vpc_config: read(&mut value, "VpcConfig")?,
            environment: read(&mut value, "Environment")?,
            runtime: read(&mut value, "Runtime")?,
            dead_letter_config: read(&mut value, "DeadLetterConfig")?,
            kms_key_arn: read(&mut value, "KMSKeyArn")?,
            tracing_config: read(&mut value, "TracingConfig")?,
            revision_id: read(&mut value, "RevisionId")?,
            layers: read(&mut value, "Layers")?,
            file_system_configs: read(&mut value, "FileSystemConfigs")?,
            image_config: read(&mut value, "ImageConfig")?,
            ephemeral_storage: read(&mut value, "EphemeralStorage")?,
            snap_start: read(&mut value, "SnapStart")?,
            logging_config: read(&mut value, "LoggingConfig")?,
            capacity_provider_config: read(&mut value, "CapacityProviderConfig")?,
            durable_config: read(&mut value, "DurableConfig")?,
            runtime_config: read(&mut value, "RuntimeConfig")?,
            accelerator_config: read(&mut value, "AcceleratorConfig")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("FunctionName", self.function_name),
            put("Role", self.role),
            put("Handler", self.handler),
            put("Description", self.description),
            put("Timeout", self.timeout),
            put("MemorySize", self.memory_size),
            put("VpcConfig", self.vpc_config),
            put("Environment", self.environment),
            put("Runtime", self.runtime),
            put("DeadLetterConfig", self.dead_letter_config),
            put("KMSKeyArn", self.kms_key_arn),
            put("TracingConfig", self.tracing_config),
            put("RevisionId", self.revision_id),
            put("Layers", self.layers),
            put("FileSystemConfigs", self.file_system_configs),
            put("ImageConfig", self.image_config),
            put("EphemeralStorage", self.ephemeral_storage),
            put("SnapStart", self.snap_start),
            put("LoggingConfig", self.logging_config),
            put("CapacityProviderConfig", self.capacity_provider_config),
            put("DurableConfig", self.durable_config),
            put("RuntimeConfig", self.runtime_config),
            put("AcceleratorConfig", self.accelerator_config),
        ])
    }
}

pub type UpdateFunctionConfigurationOutput = FunctionConfiguration;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct AcceleratorConfig {
    pub accelerator_memory_size: i64,
}

impl Shape for AcceleratorConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { accelerator_memory_size: read(&mut value, "AcceleratorMemorySize")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("AcceleratorMemorySize", self.accelerator_memory_size)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CapacityProviderConfig {
    pub lambda_managed_instances_capacity_provider_config: LambdaManagedInstancesCapacityProviderConfig,
}

impl Shape for CapacityProviderConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            lambda_managed_instances_capacity_provider_config: read(
                &mut value,
                "LambdaManagedInstancesCapacityProviderConfig",
            )?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![put(
            "LambdaManagedInstancesCapacityProviderConfig",
            self.lambda_managed_instances_capacity_provider_config,
        )])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Concurrency {
    pub reserved_concurrent_executions: Option<i64>,
}

impl Shape for Concurrency {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { reserved_concurrent_executions: read(&mut value, "ReservedConcurrentExecutions")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ReservedConcurrentExecutions", self.reserved_concurrent_executions)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeadLetterConfig {
    pub target_arn: Option<String>,
}

impl Shape for DeadLetterConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { target_arn: read(&mut value, "TargetArn")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("TargetArn", self.target_arn)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DurableConfig {
    pub kms_key_arn: Option<String>,
    pub retention_period_in_days: Option<i64>,
    pub execution_timeout: Option<i64>,
}

impl Shape for DurableConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            kms_key_arn: read(&mut value, "KMSKeyArn")?,
            retention_period_in_days: read(&mut value, "RetentionPeriodInDays")?,
            execution_timeout: read(&mut value, "ExecutionTimeout")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("KMSKeyArn", self.kms_key_arn),
            put("RetentionPeriodInDays", self.retention_period_in_days),
            put("ExecutionTimeout", self.execution_timeout),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Environment {
    pub variables: Option<BTreeMap<String, String>>,
}

impl Shape for Environment {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { variables: read(&mut value, "Variables")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Variables", self.variables)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct EnvironmentError {
    pub error_code: Option<String>,
    pub message: Option<String>,
}

impl Shape for EnvironmentError {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { error_code: read(&mut value, "ErrorCode")?, message: read(&mut value, "Message")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ErrorCode", self.error_code), put("Message", self.message)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct EnvironmentResponse {
    pub variables: Option<BTreeMap<String, String>>,
    pub error: Option<EnvironmentError>,
}

impl Shape for EnvironmentResponse {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { variables: read(&mut value, "Variables")?, error: read(&mut value, "Error")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Variables", self.variables), put("Error", self.error)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct EphemeralStorage {
    pub size: i64,
}

impl Shape for EphemeralStorage {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { size: read(&mut value, "Size")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Size", self.size)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FileSystemConfig {
    pub arn: String,
    pub local_mount_path: String,
    pub s3_files_config: Option<S3FilesConfig>,
}

impl Shape for FileSystemConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            arn: read(&mut value, "Arn")?,
            local_mount_path: read(&mut value, "LocalMountPath")?,
            s3_files_config: read(&mut value, "S3FilesConfig")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("Arn", self.arn),
            put("LocalMountPath", self.local_mount_path),
            put("S3FilesConfig", self.s3_files_config),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunctionCode {
    pub zip_file: Option<Bytes>,
    pub s3_bucket: Option<String>,
    pub s3_key: Option<String>,
    pub s3_object_version: Option<String>,
    pub s3_object_storage_mode: Option<String>,
    pub image_uri: Option<String>,
    pub source_kms_key_arn: Option<String>,
}

impl Shape for FunctionCode {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            zip_file: read(&mut value, "ZipFile")?,
            s3_bucket: read(&mut value, "S3Bucket")?,
            s3_key: read(&mut value, "S3Key")?,
            s3_object_version: read(&mut value, "S3ObjectVersion")?,
            s3_object_storage_mode: read(&mut value, "S3ObjectStorageMode")?,
            image_uri: read(&mut value, "ImageUri")?,
            source_kms_key_arn: read(&mut value, "SourceKMSKeyArn")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("ZipFile", self.zip_file),
            put("S3Bucket", self.s3_bucket),
            put("S3Key", self.s3_key),
            put("S3ObjectVersion", self.s3_object_version),
            put("S3ObjectStorageMode", self.s3_object_storage_mode),
            put("ImageUri", self.image_uri),
            put("SourceKMSKeyArn", self.source_kms_key_arn),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunctionCodeLocation {
    pub repository_type: Option<String>,
    pub location: Option<String>,
    pub image_uri: Option<String>,
    pub resolved_image_uri: Option<String>,
    pub resolved_s3_object: Option<ResolvedS3Object>,
    pub source_kms_key_arn: Option<String>,
    pub error: Option<FunctionCodeLocationError>,
}

impl Shape for FunctionCodeLocation {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            repository_type: read(&mut value, "RepositoryType")?,
            location: read(&mut value, "Location")?,
            image_uri: read(&mut value, "ImageUri")?,
            resolved_image_uri: read(&mut value, "ResolvedImageUri")?,
            resolved_s3_object: read(&mut value, "ResolvedS3Object")?,
            source_kms_key_arn: read(&mut value, "SourceKMSKeyArn")?,
            error: read(&mut value, "Error")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("RepositoryType", self.repository_type),
            put("Location", self.location),
            put("ImageUri", self.image_uri),
            put("ResolvedImageUri", self.resolved_image_uri),
            put("ResolvedS3Object", self.resolved_s3_object),
            put("SourceKMSKeyArn", self.source_kms_key_arn),
            put("Error", self.error),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunctionCodeLocationError {
    pub error_code: Option<String>,
    pub message: Option<String>,
}

impl Shape for FunctionCodeLocationError {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { error_code: read(&mut value, "ErrorCode")?, message: read(&mut value, "Message")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ErrorCode", self.error_code), put("Message", self.message)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunctionConfiguration {
    pub function_name: Option<String>,
    pub function_arn: Option<String>,
    pub runtime: Option<String>,
    pub role: Option<String>,
    pub handler: Option<String>,
    pub code_size: Option<i64>,
    pub description: Option<String>,
    pub timeout: Option<i64>,
    pub memory_size: Option<i64>,
    pub last_modified: Option<String>,
    pub code_sha256: Option<String>,
    pub version: Option<String>,
    pub vpc_config: Option<VpcConfigResponse>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub environment: Option<EnvironmentResponse>,
    pub kms_key_arn: Option<String>,
    pub tracing_config: Option<TracingConfigResponse>,
    pub master_arn: Option<String>,
    pub revision_id: Option<String>,
    pub layers: Option<Vec<Layer>>,
    pub state: Option<String>,
    pub state_reason: Option<String>,
    pub state_reason_code: Option<String>,
    pub last_update_status: Option<String>,
    pub last_update_status_reason: Option<String>,
    pub last_update_status_reason_code: Option<String>,
    pub file_system_configs: Option<Vec<FileSystemConfig>>,
    pub signing_profile_version_arn: Option<String>,
    pub signing_job_arn: Option<String>,
    pub package_type: Option<String>,
    pub image_config_response: Option<ImageConfigResponse>,
    pub architectures: Option<Vec<String>>,
    pub ephemeral_storage: Option<EphemeralStorage>,
    pub snap_start: Option<SnapStartResponse>,
    pub runtime_version_config: Option<RuntimeVersionConfig>,
    pub logging_config: Option<LoggingConfig>,
    pub tenancy_config: Option<TenancyConfig>,
    pub capacity_provider_config: Option<CapacityProviderConfig>,
    pub config_sha256: Option<String>,
    pub durable_config: Option<DurableConfig>,
    pub runtime_config: Option<FunctionRuntimeConfig>,
    pub accelerator_config: Option<AcceleratorConfig>,
}

impl Shape for FunctionConfiguration {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            function_name: read(&mut value, "FunctionName")?,
            function_arn: read(&mut value, "FunctionArn")?,
            runtime: read(&mut value, "Runtime")?,
            role: read(&mut value, "Role")?,
            handler: read(&mut value, "Handler")?,
            code_size: read(&mut value, "CodeSize")?,
            description: read(&mut value, "Description")?,
            timeout: read(&mut value, "Timeout")?,
            memory_size: read(&mut value, "MemorySize")?,
            last_modified: read(&mut value, "LastModified")?,
            code_sha256: read(&mut value, "CodeSha256")?,
            version: read(&mut value, "Version")?,
            vpc_config: read(&mut value, "VpcConfig")?,
            dead_letter_config: read(&mut value, "DeadLetterConfig")?,
            environment: read(&mut value, "Environment")?,
            kms_key_arn: read(&mut value, "KMSKeyArn")?,
            tracing_config: read(&mut value, "TracingConfig")?,
            master_arn: read(&mut value, "MasterArn")?,
            revision_id: read(&mut value, "RevisionId")?,
            layers: read(&mut value, "Layers")?,
            state: read(&mut value, "State")?,
            state_reason: read(&mut value, "StateReason")?,
            state_reason_code: read(&mut value, "StateReasonCode")?,
            last_update_status: read(&mut value, "LastUpdateStatus")?,
            last_update_status_reason: read(&mut value, "LastUpdateStatusReason")?,
            last_update_status_reason_code: read(&mut value, "LastUpdateStatusReasonCode")?,
            file_system_configs: read(&mut value, "FileSystemConfigs")?,
            signing_profile_version_arn: read(&mut value, "SigningProfileVersionArn")?,
            signing_job_arn: read(&mut value, "SigningJobArn")?,
            package_type: read(&mut value, "PackageType")?,
            image_config_response: read(&mut value, "ImageConfigResponse")?,
            architectures: read(&mut value, "Architectures")?,
            ephemeral_storage: read(&mut value, "EphemeralStorage")?,
            snap_start: read(&mut value, "SnapStart")?,
            runtime_version_config: read(&mut value, "RuntimeVersionConfig")?,
            logging_config: read(&mut value, "LoggingConfig")?,
            tenancy_config: read(&mut value, "TenancyConfig")?,
            capacity_provider_config: read(&mut value, "CapacityProviderConfig")?,
            config_sha256: read(&mut value, "ConfigSha256")?,
            durable_config: read(&mut value, "DurableConfig")?,
            runtime_config: read(&mut value, "RuntimeConfig")?,
            accelerator_config: read(&mut value, "AcceleratorConfig")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("FunctionName", self.function_name),
            put("FunctionArn", self.function_arn),
            put("Runtime", self.runtime),
            put("Role", self.role),
            put("Handler", self.handler),
            put("CodeSize", self.code_size),
            put("Description", self.description),
            put("Timeout", self.timeout),
            put("MemorySize", self.memory_size),
            put("LastModified", self.last_modified),
            put("CodeSha256", self.code_sha256),
            put("Version", self.version),
            put("VpcConfig", self.vpc_config),
            put("DeadLetterConfig", self.dead_letter_config),
            put("Environment", self.environment),
            put("KMSKeyArn", self.kms_key_arn),
            put("TracingConfig", self.tracing_config),
            put("MasterArn", self.master_arn),
            put("RevisionId", self.revision_id),
            put("Layers", self.layers),
            put("State", self.state),
            put("StateReason", self.state_reason),
            put("StateReasonCode", self.state_reason_code),
            put("LastUpdateStatus", self.last_update_status),
            put("LastUpdateStatusReason", self.last_update_status_reason),
            put("LastUpdateStatusReasonCode", self.last_update_status_reason_code),
            put("FileSystemConfigs", self.file_system_configs),
            put("SigningProfileVersionArn", self.signing_profile_version_arn),
            put("SigningJobArn", self.signing_job_arn),
            put("PackageType", self.package_type),
            put("ImageConfigResponse", self.image_config_response),
            put("Architectures", self.architectures),
            put("EphemeralStorage", self.ephemeral_storage),
            put("SnapStart", self.snap_start),
            put("RuntimeVersionConfig", self.runtime_version_config),
            put("LoggingConfig", self.logging_config),
            put("TenancyConfig", self.tenancy_config),
            put("CapacityProviderConfig", self.capacity_provider_config),
            put("ConfigSha256", self.config_sha256),
            put("DurableConfig", self.durable_config),
            put("RuntimeConfig", self.runtime_config),
            put("AcceleratorConfig", self.accelerator_config),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunctionRuntimeConfig {
    pub runtime_arn: String,
    pub runtime_alias: String,
}

impl Shape for FunctionRuntimeConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            runtime_arn: read(&mut value, "RuntimeArn")?,
            runtime_alias: read(&mut value, "RuntimeAlias")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![put("RuntimeArn", self.runtime_arn), put("RuntimeAlias", self.runtime_alias)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageConfig {
    pub entry_point: Option<Vec<String>>,
    pub command: Option<Vec<String>>,
    pub working_directory: Option<String>,
}

impl Shape for ImageConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            entry_point: read(&mut value, "EntryPoint")?,
            command: read(&mut value, "Command")?,
            working_directory: read(&mut value, "WorkingDirectory")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("EntryPoint", self.entry_point),
            put("Command", self.command),
            put("WorkingDirectory", self.working_directory),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageConfigError {
    pub error_code: Option<String>,
    pub message: Option<String>,
}

impl Shape for ImageConfigError {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { error_code: read(&mut value, "ErrorCode")?, message: read(&mut value, "Message")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ErrorCode", self.error_code), put("Message", self.message)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageConfigResponse {
    pub image_config: Option<ImageConfig>,
    pub error: Option<ImageConfigError>,
}

impl Shape for ImageConfigResponse {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { image_config: read(&mut value, "ImageConfig")?, error: read(&mut value, "Error")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ImageConfig", self.image_config), put("Error", self.error)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct LambdaManagedInstancesCapacityProviderConfig {
    pub capacity_provider_arn: String,
    pub per_execution_environment_max_concurrency: Option<i64>,
    pub execution_environment_memory_gi_b_per_v_cpu: Option<f64>,
}

impl Shape for LambdaManagedInstancesCapacityProviderConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            capacity_provider_arn: read(&mut value, "CapacityProviderArn")?,
            per_execution_environment_max_concurrency: read(
                &mut value,
                "PerExecutionEnvironmentMaxConcurrency",
            )?,
            execution_environment_memory_gi_b_per_v_cpu: read(
                &mut value,
                "ExecutionEnvironmentMemoryGiBPerVCpu",
            )?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("CapacityProviderArn", self.capacity_provider_arn),
            put("PerExecutionEnvironmentMaxConcurrency", self.per_execution_environment_max_concurrency),
            put("ExecutionEnvironmentMemoryGiBPerVCpu", self.execution_environment_memory_gi_b_per_v_cpu),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layer {
    pub arn: Option<String>,
    pub code_size: Option<i64>,
    pub signing_profile_version_arn: Option<String>,
    pub signing_job_arn: Option<String>,
}

impl Shape for Layer {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            arn: read(&mut value, "Arn")?,
            code_size: read(&mut value, "CodeSize")?,
            signing_profile_version_arn: read(&mut value, "SigningProfileVersionArn")?,
            signing_job_arn: read(&mut value, "SigningJobArn")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("Arn", self.arn),
            put("CodeSize", self.code_size),
            put("SigningProfileVersionArn", self.signing_profile_version_arn),
            put("SigningJobArn", self.signing_job_arn),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoggingConfig {
    pub log_format: Option<String>,
    pub application_log_level: Option<String>,
    pub system_log_level: Option<String>,
    pub log_group: Option<String>,
}

impl Shape for LoggingConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            log_format: read(&mut value, "LogFormat")?,
            application_log_level: read(&mut value, "ApplicationLogLevel")?,
            system_log_level: read(&mut value, "SystemLogLevel")?,
            log_group: read(&mut value, "LogGroup")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("LogFormat", self.log_format),
            put("ApplicationLogLevel", self.application_log_level),
            put("SystemLogLevel", self.system_log_level),
            put("LogGroup", self.log_group),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ResolvedS3Object {
    pub s3_bucket: Option<String>,
    pub s3_key: Option<String>,
    pub s3_object_version: Option<String>,
}

impl Shape for ResolvedS3Object {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            s3_bucket: read(&mut value, "S3Bucket")?,
            s3_key: read(&mut value, "S3Key")?,
            s3_object_version: read(&mut value, "S3ObjectVersion")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("S3Bucket", self.s3_bucket),
            put("S3Key", self.s3_key),
            put("S3ObjectVersion", self.s3_object_version),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuntimeVersionConfig {
    pub runtime_version_arn: Option<String>,
    pub error: Option<RuntimeVersionError>,
}

impl Shape for RuntimeVersionConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            runtime_version_arn: read(&mut value, "RuntimeVersionArn")?,
            error: read(&mut value, "Error")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![put("RuntimeVersionArn", self.runtime_version_arn), put("Error", self.error)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuntimeVersionError {
    pub error_code: Option<String>,
    pub message: Option<String>,
}

impl Shape for RuntimeVersionError {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { error_code: read(&mut value, "ErrorCode")?, message: read(&mut value, "Message")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ErrorCode", self.error_code), put("Message", self.message)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct S3FilesConfig {
    pub direct_s3_read: Option<String>,
}

impl Shape for S3FilesConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { direct_s3_read: read(&mut value, "DirectS3Read")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("DirectS3Read", self.direct_s3_read)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapStart {
    pub apply_on: Option<String>,
}

impl Shape for SnapStart {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { apply_on: read(&mut value, "ApplyOn")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ApplyOn", self.apply_on)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapStartResponse {
    pub apply_on: Option<String>,
    pub optimization_status: Option<String>,
}

impl Shape for SnapStartResponse {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            apply_on: read(&mut value, "ApplyOn")?,
            optimization_status: read(&mut value, "OptimizationStatus")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ApplyOn", self.apply_on), put("OptimizationStatus", self.optimization_status)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct TagsError {
    pub error_code: String,
    pub message: String,
}

impl Shape for TagsError {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { error_code: read(&mut value, "ErrorCode")?, message: read(&mut value, "Message")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ErrorCode", self.error_code), put("Message", self.message)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct TenancyConfig {
    pub tenant_isolation_mode: String,
}

impl Shape for TenancyConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { tenant_isolation_mode: read(&mut value, "TenantIsolationMode")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("TenantIsolationMode", self.tenant_isolation_mode)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct TracingConfig {
    pub mode: Option<String>,
}

impl Shape for TracingConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { mode: read(&mut value, "Mode")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Mode", self.mode)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct TracingConfigResponse {
    pub mode: Option<String>,
}

impl Shape for TracingConfigResponse {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { mode: read(&mut value, "Mode")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Mode", self.mode)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct VpcConfig {
    pub subnet_ids: Option<Vec<String>>,
    pub security_group_ids: Option<Vec<String>>,
    pub ipv6_allowed_for_dual_stack: Option<bool>,
}

impl Shape for VpcConfig {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            subnet_ids: read(&mut value, "SubnetIds")?,
            security_group_ids: read(&mut value, "SecurityGroupIds")?,
            ipv6_allowed_for_dual_stack: read(&mut value, "Ipv6AllowedForDualStack")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("SubnetIds", self.subnet_ids),
            put("SecurityGroupIds", self.security_group_ids),
            put("Ipv6AllowedForDualStack", self.ipv6_allowed_for_dual_stack),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct VpcConfigResponse {
    pub subnet_ids: Option<Vec<String>>,
    pub security_group_ids: Option<Vec<String>>,
    pub vpc_id: Option<String>,
    pub ipv6_allowed_for_dual_stack: Option<bool>,
}

impl Shape for VpcConfigResponse {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            subnet_ids: read(&mut value, "SubnetIds")?,
            security_group_ids: read(&mut value, "SecurityGroupIds")?,
            vpc_id: read(&mut value, "VpcId")?,
            ipv6_allowed_for_dual_stack: read(&mut value, "Ipv6AllowedForDualStack")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("SubnetIds", self.subnet_ids),
            put("SecurityGroupIds", self.security_group_ids),
            put("VpcId", self.vpc_id),
            put("Ipv6AllowedForDualStack", self.ipv6_allowed_for_dual_stack),
        ])
    }
}

/// The errors of the service.
pub mod fault {
    use aws::{Fault, Member};

    /// `AliasLimitExceededException`, 400.
    pub fn alias_limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("AliasLimitExceededException", 400, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `CallbackTimeoutException`, 400.
    pub fn callback_timeout(message: impl Into<String>) -> Fault {
        Fault::new("CallbackTimeoutException", 400, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `CapacityProviderLimitExceededException`, 400.
    pub fn capacity_provider_limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("CapacityProviderLimitExceededException", 400, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `CodeArtifactUserDeletedException`, 409.
    pub fn code_artifact_user_deleted(message: impl Into<String>) -> Fault {
        Fault::new("CodeArtifactUserDeletedException", 409, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `CodeArtifactUserFailedException`, 409.
    pub fn code_artifact_user_failed(message: impl Into<String>) -> Fault {
        Fault::new("CodeArtifactUserFailedException", 409, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `CodeArtifactUserPendingException`, 409.
    pub fn code_artifact_user_pending(message: impl Into<String>) -> Fault {
        Fault::new("CodeArtifactUserPendingException", 409, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `CodeSigningConfigNotFoundException`, 404.
    pub fn code_signing_config_not_found(message: impl Into<String>) -> Fault {
        Fault::new("CodeSigningConfigNotFoundException", 404, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `CodeStorageExceededException`, 400.
    pub fn code_storage_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("CodeStorageExceededException", 400, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `CodeVerificationFailedException`, 400.
    pub fn code_verification_failed(message: impl Into<String>) -> Fault {
        Fault::new("CodeVerificationFailedException", 400, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `DurableExecutionAlreadyStartedException`, 409.
    pub fn durable_execution_already_started(message: impl Into<String>) -> Fault {
        Fault::new("DurableExecutionAlreadyStartedException", 409, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `EC2AccessDeniedException`, 502.
    pub fn ec2_access_denied(message: impl Into<String>) -> Fault {
        Fault::new("EC2AccessDeniedException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `EC2ThrottledException`, 502.
    pub fn ec2_throttled(message: impl Into<String>) -> Fault {
        Fault::new("EC2ThrottledException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `EC2UnexpectedException`, 502.
    pub fn ec2_unexpected(message: impl Into<String>) -> Fault {
        Fault::new("EC2UnexpectedException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `EFSIOException`, 410.
    pub fn efsio(message: impl Into<String>) -> Fault {
        Fault::new("EFSIOException", 410, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `EFSMountConnectivityException`, 408.
    pub fn efs_mount_connectivity(message: impl Into<String>) -> Fault {
        Fault::new("EFSMountConnectivityException", 408, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `EFSMountFailureException`, 403.
    pub fn efs_mount_failure(message: impl Into<String>) -> Fault {
        Fault::new("EFSMountFailureException", 403, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `EFSMountTimeoutException`, 408.
    pub fn efs_mount_timeout(message: impl Into<String>) -> Fault {
        Fault::new("EFSMountTimeoutException", 408, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `ENILimitReachedException`, 502.
    pub fn eni_limit_reached(message: impl Into<String>) -> Fault {
        Fault::new("ENILimitReachedException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `ENINotReadyException`, 502.
    pub fn eni_not_ready(message: impl Into<String>) -> Fault {
        Fault::new("ENINotReadyException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `FunctionVersionsPerCapacityProviderLimitExceededException`, 400.
    pub fn function_versions_per_capacity_provider_limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("FunctionVersionsPerCapacityProviderLimitExceededException", 400, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `InvalidCodeSignatureException`, 400.
    pub fn invalid_code_signature(message: impl Into<String>) -> Fault {
        Fault::new("InvalidCodeSignatureException", 400, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `InvalidParameterValueException`, 400.
    pub fn invalid_parameter_value(message: impl Into<String>) -> Fault {
        Fault::new("InvalidParameterValueException", 400, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `InvalidRequestContentException`, 400.
    pub fn invalid_request_content(message: impl Into<String>) -> Fault {
        Fault::new("InvalidRequestContentException", 400, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `InvalidRuntimeException`, 502.
    pub fn invalid_runtime(message: impl Into<String>) -> Fault {
        Fault::new("InvalidRuntimeException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `InvalidSecurityGroupIDException`, 502.
    pub fn invalid_security_group_id(message: impl Into<String>) -> Fault {
        Fault::new("InvalidSecurityGroupIDException", 502, message)
            .with("Type", Member::Text("Service".to_owned()))
    }

    /// `InvalidSubnetIDException`, 502.
    pub fn invalid_subnet_id(message: impl Into<String>) -> Fault {
        Fault::new("InvalidSubnetIDException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `InvalidZipFileException`, 502.
    pub fn invalid_zip_file(message: impl Into<String>) -> Fault {
        Fault::new("InvalidZipFileException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `KMSAccessDeniedException`, 502.
    pub fn kms_access_denied(message: impl Into<String>) -> Fault {
        Fault::new("KMSAccessDeniedException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `KMSDisabledException`, 502.
    pub fn kms_disabled(message: impl Into<String>) -> Fault {
        Fault::new("KMSDisabledException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `KMSInvalidStateException`, 502.
    pub fn kms_invalid_state(message: impl Into<String>) -> Fault {
        Fault::new("KMSInvalidStateException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `KMSNotFoundException`, 502.
    pub fn kms_not_found(message: impl Into<String>) -> Fault {
        Fault::new("KMSNotFoundException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `ModeNotSupportedException`, 400.
    pub fn mode_not_supported(message: impl Into<String>) -> Fault {
        Fault::new("ModeNotSupportedException", 400, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `NoPublishedVersionException`, 400.
    pub fn no_published_version(message: impl Into<String>) -> Fault {
        Fault::new("NoPublishedVersionException", 400, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `PolicyLengthExceededException`, 400.
    pub fn policy_length_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("PolicyLengthExceededException", 400, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `PreconditionFailedException`, 412.
    pub fn precondition_failed(message: impl Into<String>) -> Fault {
        Fault::new("PreconditionFailedException", 412, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `ProvisionedConcurrencyConfigNotFoundException`, 404.
    pub fn provisioned_concurrency_config_not_found(message: impl Into<String>) -> Fault {
        Fault::new("ProvisionedConcurrencyConfigNotFoundException", 404, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `PublicPolicyException`, 400.
    pub fn public_policy(message: impl Into<String>) -> Fault {
        Fault::new("PublicPolicyException", 400, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `RecursiveInvocationException`, 400.
    pub fn recursive_invocation(message: impl Into<String>) -> Fault {
        Fault::new("RecursiveInvocationException", 400, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `RequestTooLargeException`, 413.
    pub fn request_too_large(message: impl Into<String>) -> Fault {
        Fault::new("RequestTooLargeException", 413, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `ResourceConflictException`, 409.
    pub fn resource_conflict(message: impl Into<String>) -> Fault {
        Fault::new("ResourceConflictException", 409, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `ResourceInUseException`, 400.
    pub fn resource_in_use(message: impl Into<String>) -> Fault {
        Fault::new("ResourceInUseException", 400, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `ResourceNotFoundException`, 404.
    pub fn resource_not_found(message: impl Into<String>) -> Fault {
        Fault::new("ResourceNotFoundException", 404, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `ResourceNotReadyException`, 502.
    pub fn resource_not_ready(message: impl Into<String>) -> Fault {
        Fault::new("ResourceNotReadyException", 502, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `RuntimeAliasDeletedException`, 409.
    pub fn runtime_alias_deleted(message: impl Into<String>) -> Fault {
        Fault::new("RuntimeAliasDeletedException", 409, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `RuntimeVersionDeletedException`, 409.
    pub fn runtime_version_deleted(message: impl Into<String>) -> Fault {
        Fault::new("RuntimeVersionDeletedException", 409, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `S3FilesMountConnectivityException`, 408.
    pub fn s3_files_mount_connectivity(message: impl Into<String>) -> Fault {
        Fault::new("S3FilesMountConnectivityException", 408, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `S3FilesMountFailureException`, 403.
    pub fn s3_files_mount_failure(message: impl Into<String>) -> Fault {
        Fault::new("S3FilesMountFailureException", 403, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `S3FilesMountTimeoutException`, 408.
    pub fn s3_files_mount_timeout(message: impl Into<String>) -> Fault {
        Fault::new("S3FilesMountTimeoutException", 408, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `SerializedRequestEntityTooLargeException`, 413.
    pub fn serialized_request_entity_too_large(message: impl Into<String>) -> Fault {
        Fault::new("SerializedRequestEntityTooLargeException", 413, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `ServiceException`, 500.
    pub fn service(message: impl Into<String>) -> Fault {
        Fault::new("ServiceException", 500, message).with("Type", Member::Text("Service".to_owned()))
    }

    /// `ServiceQuotaExceededException`, 402.
    pub fn service_quota_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("ServiceQuotaExceededException", 402, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `SnapStartException`, 400.
    pub fn snap_start(message: impl Into<String>) -> Fault {
        Fault::new("SnapStartException", 400, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `SnapStartNotReadyException`, 409.
    pub fn snap_start_not_ready(message: impl Into<String>) -> Fault {
        Fault::new("SnapStartNotReadyException", 409, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `SnapStartRegenerationFailureException`, 409.
    pub fn snap_start_regeneration_failure(message: impl Into<String>) -> Fault {
        Fault::new("SnapStartRegenerationFailureException", 409, message)
            .with("Type", Member::Text("User".to_owned()))
    }

    /// `SnapStartTimeoutException`, 408.
    pub fn snap_start_timeout(message: impl Into<String>) -> Fault {
        Fault::new("SnapStartTimeoutException", 408, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `SubnetIPAddressLimitReachedException`, 502.
    pub fn subnet_ip_address_limit_reached(message: impl Into<String>) -> Fault {
        Fault::new("SubnetIPAddressLimitReachedException", 502, message)
            .with("Type", Member::Text("Service".to_owned()))
    }

    /// `TooManyRequestsException`, 429.
    pub fn too_many_requests(message: impl Into<String>) -> Fault {
        Fault::new("TooManyRequestsException", 429, message).with("Type", Member::Text("User".to_owned()))
    }

    /// `UnsupportedMediaTypeException`, 415.
    pub fn unsupported_media_type(message: impl Into<String>) -> Fault {
        Fault::new("UnsupportedMediaTypeException", 415, message)
            .with("Type", Member::Text("User".to_owned()))
    }
}

/// The values of the enums, which are strings everywhere else: unknown ones survive.
pub mod values {
    pub const APPLICATION_LOG_LEVEL: &[&str] = &["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

    pub const ARCHITECTURE: &[&str] = &["x86_64", "arm64"];

    pub const DIRECT_S3_READ: &[&str] = &["ENABLED", "DISABLED", "AUTO"];

    pub const FUNCTION_VERSION: &[&str] = &["ALL"];

    pub const FUNCTION_VERSION_LATEST_PUBLISHED: &[&str] = &["LATEST_PUBLISHED"];

    pub const INVOCATION_TYPE: &[&str] = &["Event", "RequestResponse", "DryRun"];

    pub const LAST_UPDATE_STATUS: &[&str] = &["Successful", "Failed", "InProgress"];

    pub const LAST_UPDATE_STATUS_REASON_CODE: &[&str] = &[
        "EniLimitExceeded",
        "InsufficientRolePermissions",
        "InvalidConfiguration",
        "InternalError",
        "SubnetOutOfIPAddresses",
        "InvalidSubnet",
        "InvalidSecurityGroup",
        "ImageDeleted",
        "ImageAccessDenied",
        "InvalidImage",
        "KMSKeyAccessDenied",
        "KMSKeyNotFound",
        "InvalidStateKMSKey",
        "DisabledKMSKey",
        "EFSIOError",
        "EFSMountConnectivityError",
        "EFSMountFailure",
        "EFSMountTimeout",
        "InvalidRuntime",
        "InvalidZipFileException",
        "FunctionError",
        "ServiceQuotaExceededException",
        "VcpuLimitExceeded",
        "CapacityProviderScalingLimitExceeded",
        "InsufficientCapacity",
        "EC2RequestLimitExceeded",
        "FunctionError.InitTimeout",
        "FunctionError.RuntimeInitError",
        "FunctionError.ExtensionInitError",
        "FunctionError.InvalidEntryPoint",
        "FunctionError.InvalidWorkingDirectory",
        "FunctionError.PermissionDenied",
        "FunctionError.TooManyExtensions",
        "FunctionError.InitResourceExhausted",
        "DisallowedByVpcEncryptionControl",
        "IncompatibleAcceleratorInstanceTypes",
        "DependencyError",
    ];

    pub const LOG_FORMAT: &[&str] = &["JSON", "Text"];

    pub const LOG_TYPE: &[&str] = &["None", "Tail"];

    pub const PACKAGE_TYPE: &[&str] = &["Zip", "Image"];

    pub const RUNTIME: &[&str] = &[
        "nodejs",
        "nodejs4.3",
        "nodejs6.10",
        "nodejs8.10",
        "nodejs10.x",
        "nodejs12.x",
        "nodejs14.x",
        "nodejs16.x",
        "nodejs18.x",
        "nodejs20.x",
        "nodejs22.x",
        "nodejs24.x",
        "java8",
        "java8.al2",
        "java11",
        "java17",
        "java21",
        "java25",
        "python2.7",
        "python3.6",
        "python3.7",
        "python3.8",
        "python3.9",
        "python3.10",
        "python3.11",
        "python3.12",
        "python3.13",
        "python3.14",
        "dotnetcore1.0",
        "dotnetcore2.0",
        "dotnetcore2.1",
        "dotnetcore3.1",
        "dotnet6",
        "dotnet8",
        "dotnet10",
        "nodejs4.3-edge",
        "go1.x",
        "ruby2.5",
        "ruby2.7",
        "ruby3.2",
        "ruby3.3",
        "ruby3.4",
        "ruby4.0",
        "provided",
        "provided.al2",
        "provided.al2023",
        "nodejs26.x",
        "python3.15",
        "java8.al2023",
        "java11.al2023",
        "java17.al2023",
        "custom",
    ];

    pub const S3_OBJECT_STORAGE_MODE: &[&str] = &["COPY", "REFERENCE"];

    pub const SNAP_START_APPLY_ON: &[&str] = &["PublishedVersions", "None"];

    pub const SNAP_START_OPTIMIZATION_STATUS: &[&str] = &["On", "Off"];

    pub const STATE: &[&str] = &[
        "Pending",
        "Active",
        "Inactive",
        "Failed",
        "Deactivating",
        "Deactivated",
        "ActiveNonInvocable",
        "Deleting",
    ];

    pub const STATE_REASON_CODE: &[&str] = &[
        "Idle",
        "Creating",
        "Restoring",
        "EniLimitExceeded",
        "InsufficientRolePermissions",
        "InvalidConfiguration",
        "InternalError",
        "SubnetOutOfIPAddresses",
        "InvalidSubnet",
        "InvalidSecurityGroup",
        "ImageDeleted",
        "ImageAccessDenied",
        "InvalidImage",
        "KMSKeyAccessDenied",
        "KMSKeyNotFound",
        "InvalidStateKMSKey",
        "DisabledKMSKey",
        "EFSIOError",
        "EFSMountConnectivityError",
        "EFSMountFailure",
        "EFSMountTimeout",
        "InvalidRuntime",
        "InvalidZipFileException",
        "FunctionError",
        "ServiceQuotaExceededException",
        "VcpuLimitExceeded",
        "CapacityProviderScalingLimitExceeded",
        "InsufficientCapacity",
        "EC2RequestLimitExceeded",
        "FunctionError.InitTimeout",
        "FunctionError.RuntimeInitError",
        "FunctionError.ExtensionInitError",
        "FunctionError.InvalidEntryPoint",
        "FunctionError.InvalidWorkingDirectory",
        "FunctionError.PermissionDenied",
        "FunctionError.TooManyExtensions",
        "FunctionError.InitResourceExhausted",
        "DisallowedByVpcEncryptionControl",
        "DrainingDurableExecutions",
        "IncompatibleAcceleratorInstanceTypes",
        "DependencyError",
    ];

    pub const SYSTEM_LOG_LEVEL: &[&str] = &["DEBUG", "INFO", "WARN"];

    pub const TENANT_ISOLATION_MODE: &[&str] = &["PER_TENANT"];

    pub const TRACING_MODE: &[&str] = &["Active", "PassThrough"];
}
