//! `IAM`, from `models/iam.json`. Written by `cargo x api`; do not edit.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use aws::Fault;
use bytes::Bytes;
use wire::Value;

use crate::shape::{put, put_time, read, structure};
use crate::{Operation, Shape};

/// The model's name.
pub const MODEL: &str = "iam";

/// The operation `iam:CreateRole`.
#[derive(Debug, Clone, Copy)]
pub struct CreateRole;

impl Operation for CreateRole {
    type Input = CreateRoleInput;
    type Output = CreateRoleOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "CreateRole";
    const ACTION: &'static str = "iam:CreateRole";
}

/// The operation `iam:DeleteRole`.
#[derive(Debug, Clone, Copy)]
pub struct DeleteRole;

impl Operation for DeleteRole {
    type Input = DeleteRoleInput;
    type Output = DeleteRoleOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "DeleteRole";
    const ACTION: &'static str = "iam:DeleteRole";
}

/// The operation `iam:DeleteRolePolicy`.
#[derive(Debug, Clone, Copy)]
pub struct DeleteRolePolicy;

impl Operation for DeleteRolePolicy {
    type Input = DeleteRolePolicyInput;
    type Output = DeleteRolePolicyOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "DeleteRolePolicy";
    const ACTION: &'static str = "iam:DeleteRolePolicy";
}

/// The operation `iam:GetRole`.
#[derive(Debug, Clone, Copy)]
pub struct GetRole;

impl Operation for GetRole {
    type Input = GetRoleInput;
    type Output = GetRoleOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "GetRole";
    const ACTION: &'static str = "iam:GetRole";
}

/// The operation `iam:ListRolePolicies`.
#[derive(Debug, Clone, Copy)]
pub struct ListRolePolicies;

impl Operation for ListRolePolicies {
    type Input = ListRolePoliciesInput;
    type Output = ListRolePoliciesOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "ListRolePolicies";
    const ACTION: &'static str = "iam:ListRolePolicies";
}

/// The operation `iam:PutRolePolicy`.
#[derive(Debug, Clone, Copy)]
pub struct PutRolePolicy;

impl Operation for PutRolePolicy {
    type Input = PutRolePolicyInput;
    type Output = PutRolePolicyOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "PutRolePolicy";
    const ACTION: &'static str = "iam:PutRolePolicy";
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateRoleInput {
    pub path: Option<String>,
    pub role_name: String,
    pub assume_role_policy_document: String,
    pub description: Option<String>,
    pub max_session_duration: Option<i64>,
    pub max_signin_session_duration: Option<i64>,
    pub permissions_boundary: Option<String>,
    pub tags: Option<Vec<Tag>>,
}

impl Shape for CreateRoleInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            path: read(&mut value, "Path")?,
            role_name: read(&mut value, "RoleName")?,
            assume_role_policy_document: read(&mut value, "AssumeRolePolicyDocument")?,
            description: read(&mut value, "Description")?,
            max_session_duration: read(&mut value, "MaxSessionDuration")?,
            max_signin_session_duration: read(&mut value, "MaxSigninSessionDuration")?,
            permissions_boundary: read(&mut value, "PermissionsBoundary")?,
            tags: read(&mut value, "Tags")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("Path", self.path),
            put("RoleName", self.role_name),
            put("AssumeRolePolicyDocument", self.assume_role_policy_document),
            put("Description", self.description),
            put("MaxSessionDuration", self.max_session_duration),
            put("MaxSigninSessionDuration", self.max_signin_session_duration),
            put("PermissionsBoundary", self.permissions_boundary),
            put("Tags", self.tags),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateRoleOutput {
    pub role: Role,
}

impl Shape for CreateRoleOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { role: read(&mut value, "Role")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Role", self.role)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRoleInput {
    pub role_name: String,
}

impl Shape for DeleteRoleInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { role_name: read(&mut value, "RoleName")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("RoleName", self.role_name)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRoleOutput {}

impl Shape for DeleteRoleOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRolePolicyInput {
    pub role_name: String,
    pub policy_name: String,
}

impl Shape for DeleteRolePolicyInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { role_name: read(&mut value, "RoleName")?, policy_name: read(&mut value, "PolicyName")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("RoleName", self.role_name), put("PolicyName", self.policy_name)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRolePolicyOutput {}

impl Shape for DeleteRolePolicyOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetRoleInput {
    pub role_name: String,
}

impl Shape for GetRoleInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { role_name: read(&mut value, "RoleName")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("RoleName", self.role_name)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetRoleOutput {
    pub role: Role,
}

impl Shape for GetRoleOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { role: read(&mut value, "Role")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Role", self.role)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListRolePoliciesInput {
    pub role_name: String,
    pub marker: Option<String>,
    pub max_items: Option<i64>,
}

impl Shape for ListRolePoliciesInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            role_name: read(&mut value, "RoleName")?,
            marker: read(&mut value, "Marker")?,
            max_items: read(&mut value, "MaxItems")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("RoleName", self.role_name),
            put("Marker", self.marker),
            put("MaxItems", self.max_items),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListRolePoliciesOutput {
    pub policy_names: Vec<String>,
    pub is_truncated: Option<bool>,
    pub marker: Option<String>,
}

impl Shape for ListRolePoliciesOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            policy_names: read(&mut value, "PolicyNames")?,
            is_truncated: read(&mut value, "IsTruncated")?,
            marker: read(&mut value, "Marker")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("PolicyNames", self.policy_names),
            put("IsTruncated", self.is_truncated),
            put("Marker", self.marker),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct PutRolePolicyInput {
    pub role_name: String,
    pub policy_name: String,
    pub policy_document: String,
}

impl Shape for PutRolePolicyInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            role_name: read(&mut value, "RoleName")?,
            policy_name: read(&mut value, "PolicyName")?,
            policy_document: read(&mut value, "PolicyDocument")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("RoleName", self.role_name),
            put("PolicyName", self.policy_name),
            put("PolicyDocument", self.policy_document),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct PutRolePolicyOutput {}

impl Shape for PutRolePolicyOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct AttachedPermissionsBoundary {
    pub permissions_boundary_type: Option<String>,
    pub permissions_boundary_arn: Option<String>,
}

impl Shape for AttachedPermissionsBoundary {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            permissions_boundary_type: read(&mut value, "PermissionsBoundaryType")?,
            permissions_boundary_arn: read(&mut value, "PermissionsBoundaryArn")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("PermissionsBoundaryType", self.permissions_boundary_type),
            put("PermissionsBoundaryArn", self.permissions_boundary_arn),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Role {
    pub path: String,
    pub role_name: String,
    pub role_id: String,
    pub arn: String,
    pub create_date: f64,
    pub assume_role_policy_document: Option<String>,
    pub description: Option<String>,
    pub max_session_duration: Option<i64>,
    pub max_signin_session_duration: Option<i64>,
    pub permissions_boundary: Option<AttachedPermissionsBoundary>,
    pub tags: Option<Vec<Tag>>,
    pub role_last_used: Option<RoleLastUsed>,
    pub source_role_template: Option<SourceRoleTemplate>,
}

impl Shape for Role {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            path: read(&mut value, "Path")?,
            role_name: read(&mut value, "RoleName")?,
            role_id: read(&mut value, "RoleId")?,
            arn: read(&mut value, "Arn")?,
            create_date: read(&mut value, "CreateDate")?,
            assume_role_policy_document: read(&mut value, "AssumeRolePolicyDocument")?,
            description: read(&mut value, "Description")?,
            max_session_duration: read(&mut value, "MaxSessionDuration")?,
            max_signin_session_duration: read(&mut value, "MaxSigninSessionDuration")?,
            permissions_boundary: read(&mut value, "PermissionsBoundary")?,
            tags: read(&mut value, "Tags")?,
            role_last_used: read(&mut value, "RoleLastUsed")?,
            source_role_template: read(&mut value, "SourceRoleTemplate")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("Path", self.path),
            put("RoleName", self.role_name),
            put("RoleId", self.role_id),
            put("Arn", self.arn),
            put_time("CreateDate", self.create_date),
            put("AssumeRolePolicyDocument", self.assume_role_policy_document),
            put("Description", self.description),
            put("MaxSessionDuration", self.max_session_duration),
            put("MaxSigninSessionDuration", self.max_signin_session_duration),
            put("PermissionsBoundary", self.permissions_boundary),
            put("Tags", self.tags),
            put("RoleLastUsed", self.role_last_used),
            put("SourceRoleTemplate", self.source_role_template),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoleLastUsed {
    pub last_used_date: Option<f64>,
    pub region: Option<String>,
}

impl Shape for RoleLastUsed {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { last_used_date: read(&mut value, "LastUsedDate")?, region: read(&mut value, "Region")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put_time("LastUsedDate", self.last_used_date), put("Region", self.region)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceRoleTemplate {
    pub template_arn: String,
    pub template_minor_version: i64,
}

impl Shape for SourceRoleTemplate {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            template_arn: read(&mut value, "TemplateArn")?,
            template_minor_version: read(&mut value, "TemplateMinorVersion")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("TemplateArn", self.template_arn),
            put("TemplateMinorVersion", self.template_minor_version),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

impl Shape for Tag {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { key: read(&mut value, "Key")?, value: read(&mut value, "Value")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Key", self.key), put("Value", self.value)])
    }
}

/// The errors of the service.
pub mod fault {
    use aws::{Fault, Member};

    /// `AccountNotManagementOrDelegatedAdministratorException`, 400.
    pub fn account_not_management_or_delegated_administrator(message: impl Into<String>) -> Fault {
        Fault::new("AccountNotManagementOrDelegatedAdministratorException", 400, message)
    }

    /// `CallerIsNotManagementAccountException`, 400.
    pub fn caller_is_not_management_account(message: impl Into<String>) -> Fault {
        Fault::new("CallerIsNotManagementAccountException", 400, message)
    }

    /// `ConcurrentModification`, 409.
    pub fn concurrent_modification(message: impl Into<String>) -> Fault {
        Fault::new("ConcurrentModification", 409, message)
    }

    /// `ReportExpired`, 410.
    pub fn credential_report_expired(message: impl Into<String>) -> Fault {
        Fault::new("ReportExpired", 410, message)
    }

    /// `ReportNotPresent`, 410.
    pub fn credential_report_not_present(message: impl Into<String>) -> Fault {
        Fault::new("ReportNotPresent", 410, message)
    }

    /// `ReportInProgress`, 404.
    pub fn credential_report_not_ready(message: impl Into<String>) -> Fault {
        Fault::new("ReportInProgress", 404, message)
    }

    /// `DeleteConflict`, 409.
    pub fn delete_conflict(message: impl Into<String>) -> Fault {
        Fault::new("DeleteConflict", 409, message)
    }

    /// `DuplicateCertificate`, 409.
    pub fn duplicate_certificate(message: impl Into<String>) -> Fault {
        Fault::new("DuplicateCertificate", 409, message)
    }

    /// `DuplicateSSHPublicKey`, 400.
    pub fn duplicate_ssh_public_key(message: impl Into<String>) -> Fault {
        Fault::new("DuplicateSSHPublicKey", 400, message)
    }

    /// `EntityAlreadyExists`, 409.
    pub fn entity_already_exists(message: impl Into<String>) -> Fault {
        Fault::new("EntityAlreadyExists", 409, message)
    }

    /// `EntityTemporarilyUnmodifiable`, 409.
    pub fn entity_temporarily_unmodifiable(message: impl Into<String>) -> Fault {
        Fault::new("EntityTemporarilyUnmodifiable", 409, message)
    }

    /// `FeatureDisabled`, 404.
    pub fn feature_disabled(message: impl Into<String>) -> Fault {
        Fault::new("FeatureDisabled", 404, message)
    }

    /// `FeatureEnabled`, 409.
    pub fn feature_enabled(message: impl Into<String>) -> Fault {
        Fault::new("FeatureEnabled", 409, message)
    }

    /// `InvalidAuthenticationCode`, 403.
    pub fn invalid_authentication_code(message: impl Into<String>) -> Fault {
        Fault::new("InvalidAuthenticationCode", 403, message)
    }

    /// `InvalidCertificate`, 400.
    pub fn invalid_certificate(message: impl Into<String>) -> Fault {
        Fault::new("InvalidCertificate", 400, message)
    }

    /// `InvalidInput`, 400.
    pub fn invalid_input(message: impl Into<String>) -> Fault {
        Fault::new("InvalidInput", 400, message)
    }

    /// `InvalidPublicKey`, 400.
    pub fn invalid_public_key(message: impl Into<String>) -> Fault {
        Fault::new("InvalidPublicKey", 400, message)
    }

    /// `InvalidUserType`, 400.
    pub fn invalid_user_type(message: impl Into<String>) -> Fault {
        Fault::new("InvalidUserType", 400, message)
    }

    /// `KeyPairMismatch`, 400.
    pub fn key_pair_mismatch(message: impl Into<String>) -> Fault {
        Fault::new("KeyPairMismatch", 400, message)
    }

    /// `LimitExceeded`, 409.
    pub fn limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("LimitExceeded", 409, message)
    }

    /// `MalformedCertificate`, 400.
    pub fn malformed_certificate(message: impl Into<String>) -> Fault {
        Fault::new("MalformedCertificate", 400, message)
    }

    /// `MalformedPolicyDocument`, 400.
    pub fn malformed_policy_document(message: impl Into<String>) -> Fault {
        Fault::new("MalformedPolicyDocument", 400, message)
    }

    /// `NameConflict`, 409.
    pub fn name_conflict(message: impl Into<String>) -> Fault {
        Fault::new("NameConflict", 409, message)
    }

    /// `NoSuchEntity`, 404.
    pub fn no_such_entity(message: impl Into<String>) -> Fault {
        Fault::new("NoSuchEntity", 404, message)
    }

    /// `OpenIdIdpCommunicationError`, 400.
    pub fn open_id_idp_communication_error(message: impl Into<String>) -> Fault {
        Fault::new("OpenIdIdpCommunicationError", 400, message)
    }

    /// `OrganizationNotFoundException`, 400.
    pub fn organization_not_found(message: impl Into<String>) -> Fault {
        Fault::new("OrganizationNotFoundException", 400, message)
    }

    /// `OrganizationNotInAllFeaturesModeException`, 400.
    pub fn organization_not_in_all_features_mode(message: impl Into<String>) -> Fault {
        Fault::new("OrganizationNotInAllFeaturesModeException", 400, message)
    }

    /// `PasswordPolicyViolation`, 400.
    pub fn password_policy_violation(message: impl Into<String>) -> Fault {
        Fault::new("PasswordPolicyViolation", 400, message)
    }

    /// `PolicyEvaluation`, 500.
    pub fn policy_evaluation(message: impl Into<String>) -> Fault {
        Fault::new("PolicyEvaluation", 500, message)
    }

    /// `PolicyNotAttachable`, 400.
    pub fn policy_not_attachable(message: impl Into<String>) -> Fault {
        Fault::new("PolicyNotAttachable", 400, message)
    }

    /// `ReportGenerationLimitExceeded`, 409.
    pub fn report_generation_limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("ReportGenerationLimitExceeded", 409, message)
    }

    /// `RoleModified`, 409.
    pub fn role_modified(message: impl Into<String>) -> Fault {
        Fault::new("RoleModified", 409, message)
    }

    /// `RoleTemplateDisabled`, 400.
    pub fn role_template_disabled(message: impl Into<String>) -> Fault {
        Fault::new("RoleTemplateDisabled", 400, message)
    }

    /// `ServiceAccessNotEnabledException`, 400.
    pub fn service_access_not_enabled(message: impl Into<String>) -> Fault {
        Fault::new("ServiceAccessNotEnabledException", 400, message)
    }

    /// `ServiceFailure`, 500.
    pub fn service_failure(message: impl Into<String>) -> Fault {
        Fault::new("ServiceFailure", 500, message)
    }

    /// `NotSupportedService`, 404.
    pub fn service_not_supported(message: impl Into<String>) -> Fault {
        Fault::new("NotSupportedService", 404, message)
    }

    /// `UnmodifiableEntity`, 400.
    pub fn unmodifiable_entity(message: impl Into<String>) -> Fault {
        Fault::new("UnmodifiableEntity", 400, message)
    }

    /// `UnrecognizedPublicKeyEncoding`, 400.
    pub fn unrecognized_public_key_encoding(message: impl Into<String>) -> Fault {
        Fault::new("UnrecognizedPublicKeyEncoding", 400, message)
    }
}

/// The values of the enums, which are strings everywhere else: unknown ones survive.
pub mod values {
    pub const PERMISSIONS_BOUNDARY_ATTACHMENT_TYPE: &[&str] = &["PermissionsBoundaryPolicy"];
}
