//! `STS`, from `models/sts.json`. Written by `cargo x api`; do not edit.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use aws::Fault;
use bytes::Bytes;
use wire::Value;

use crate::shape::{put, put_time, read, structure};
use crate::{Operation, Shape};

/// The model's name.
pub const MODEL: &str = "sts";

/// The operation `sts:AssumeRole`.
#[derive(Debug, Clone, Copy)]
pub struct AssumeRole;

impl Operation for AssumeRole {
    type Input = AssumeRoleInput;
    type Output = AssumeRoleOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "AssumeRole";
    const ACTION: &'static str = "sts:AssumeRole";
}

/// The operation `sts:GetAccessKeyInfo`.
#[derive(Debug, Clone, Copy)]
pub struct GetAccessKeyInfo;

impl Operation for GetAccessKeyInfo {
    type Input = GetAccessKeyInfoInput;
    type Output = GetAccessKeyInfoOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "GetAccessKeyInfo";
    const ACTION: &'static str = "sts:GetAccessKeyInfo";
}

/// The operation `sts:GetCallerIdentity`.
#[derive(Debug, Clone, Copy)]
pub struct GetCallerIdentity;

impl Operation for GetCallerIdentity {
    type Input = GetCallerIdentityInput;
    type Output = GetCallerIdentityOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "GetCallerIdentity";
    const ACTION: &'static str = "sts:GetCallerIdentity";
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct AssumeRoleInput {
    pub role_arn: String,
    pub role_session_name: String,
    pub policy_arns: Option<Vec<PolicyDescriptorType>>,
    pub policy: Option<String>,
    pub duration_seconds: Option<i64>,
    pub tags: Option<Vec<Tag>>,
    pub transitive_tag_keys: Option<Vec<String>>,
    pub external_id: Option<String>,
    pub serial_number: Option<String>,
    pub token_code: Option<String>,
    pub source_identity: Option<String>,
    pub provided_contexts: Option<Vec<ProvidedContext>>,
    pub minimum_session_token_size: Option<i64>,
}

impl Shape for AssumeRoleInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            role_arn: read(&mut value, "RoleArn")?,
            role_session_name: read(&mut value, "RoleSessionName")?,
            policy_arns: read(&mut value, "PolicyArns")?,
            policy: read(&mut value, "Policy")?,
            duration_seconds: read(&mut value, "DurationSeconds")?,
            tags: read(&mut value, "Tags")?,
            transitive_tag_keys: read(&mut value, "TransitiveTagKeys")?,
            external_id: read(&mut value, "ExternalId")?,
            serial_number: read(&mut value, "SerialNumber")?,
            token_code: read(&mut value, "TokenCode")?,
            source_identity: read(&mut value, "SourceIdentity")?,
            provided_contexts: read(&mut value, "ProvidedContexts")?,
            minimum_session_token_size: read(&mut value, "MinimumSessionTokenSize")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("RoleArn", self.role_arn),
            put("RoleSessionName", self.role_session_name),
            put("PolicyArns", self.policy_arns),
            put("Policy", self.policy),
            put("DurationSeconds", self.duration_seconds),
            put("Tags", self.tags),
            put("TransitiveTagKeys", self.transitive_tag_keys),
            put("ExternalId", self.external_id),
            put("SerialNumber", self.serial_number),
            put("TokenCode", self.token_code),
            put("SourceIdentity", self.source_identity),
            put("ProvidedContexts", self.provided_contexts),
            put("MinimumSessionTokenSize", self.minimum_session_token_size),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct AssumeRoleOutput {
    pub credentials: Option<Credentials>,
    pub assumed_role_user: Option<AssumedRoleUser>,
    pub packed_policy_size: Option<i64>,
    pub source_identity: Option<String>,
    pub session_token_utilization: Option<i64>,
    pub session_token_size: Option<i64>,
}

impl Shape for AssumeRoleOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            credentials: read(&mut value, "Credentials")?,
            assumed_role_user: read(&mut value, "AssumedRoleUser")?,
            packed_policy_size: read(&mut value, "PackedPolicySize")?,
            source_identity: read(&mut value, "SourceIdentity")?,
            session_token_utilization: read(&mut value, "SessionTokenUtilization")?,
            session_token_size: read(&mut value, "SessionTokenSize")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("Credentials", self.credentials),
            put("AssumedRoleUser", self.assumed_role_user),
            put("PackedPolicySize", self.packed_policy_size),
            put("SourceIdentity", self.source_identity),
            put("SessionTokenUtilization", self.session_token_utilization),
            put("SessionTokenSize", self.session_token_size),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetAccessKeyInfoInput {
    pub access_key_id: String,
}

impl Shape for GetAccessKeyInfoInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { access_key_id: read(&mut value, "AccessKeyId")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("AccessKeyId", self.access_key_id)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetAccessKeyInfoOutput {
    pub account: Option<String>,
}

impl Shape for GetAccessKeyInfoOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { account: read(&mut value, "Account")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Account", self.account)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetCallerIdentityInput {}

impl Shape for GetCallerIdentityInput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetCallerIdentityOutput {
    pub user_id: Option<String>,
    pub account: Option<String>,
    pub arn: Option<String>,
}

impl Shape for GetCallerIdentityOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            user_id: read(&mut value, "UserId")?,
            account: read(&mut value, "Account")?,
            arn: read(&mut value, "Arn")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![put("UserId", self.user_id), put("Account", self.account), put("Arn", self.arn)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct AssumedRoleUser {
    pub assumed_role_id: String,
    pub arn: String,
}

impl Shape for AssumedRoleUser {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { assumed_role_id: read(&mut value, "AssumedRoleId")?, arn: read(&mut value, "Arn")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("AssumedRoleId", self.assumed_role_id), put("Arn", self.arn)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    pub expiration: f64,
}

impl Shape for Credentials {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            access_key_id: read(&mut value, "AccessKeyId")?,
            secret_access_key: read(&mut value, "SecretAccessKey")?,
            session_token: read(&mut value, "SessionToken")?,
            expiration: read(&mut value, "Expiration")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("AccessKeyId", self.access_key_id),
            put("SecretAccessKey", self.secret_access_key),
            put("SessionToken", self.session_token),
            put_time("Expiration", self.expiration),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct PolicyDescriptorType {
    pub arn: Option<String>,
}

impl Shape for PolicyDescriptorType {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { arn: read(&mut value, "arn")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("arn", self.arn)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProvidedContext {
    pub provider_arn: Option<String>,
    pub context_assertion: Option<String>,
}

impl Shape for ProvidedContext {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            provider_arn: read(&mut value, "ProviderArn")?,
            context_assertion: read(&mut value, "ContextAssertion")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("ProviderArn", self.provider_arn),
            put("ContextAssertion", self.context_assertion),
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

    /// `ExpiredTokenException`, 400.
    pub fn expired_token(message: impl Into<String>) -> Fault {
        Fault::new("ExpiredTokenException", 400, message)
    }

    /// `ExpiredTradeInTokenException`, 400.
    pub fn expired_trade_in_token(message: impl Into<String>) -> Fault {
        Fault::new("ExpiredTradeInTokenException", 400, message)
    }

    /// `IDPCommunicationError`, 400.
    pub fn idp_communication_error(message: impl Into<String>) -> Fault {
        Fault::new("IDPCommunicationError", 400, message)
    }

    /// `IDPRejectedClaim`, 403.
    pub fn idp_rejected_claim(message: impl Into<String>) -> Fault {
        Fault::new("IDPRejectedClaim", 403, message)
    }

    /// `InsufficientSessionLifetime`, 400.
    pub fn insufficient_session_lifetime(message: impl Into<String>) -> Fault {
        Fault::new("InsufficientSessionLifetime", 400, message)
    }

    /// `InvalidAuthorizationMessageException`, 400.
    pub fn invalid_authorization_message(message: impl Into<String>) -> Fault {
        Fault::new("InvalidAuthorizationMessageException", 400, message)
    }

    /// `InvalidContextAssertion`, 400.
    pub fn invalid_context_assertion(message: impl Into<String>) -> Fault {
        Fault::new("InvalidContextAssertion", 400, message)
    }

    /// `InvalidIdentityToken`, 400.
    pub fn invalid_identity_token(message: impl Into<String>) -> Fault {
        Fault::new("InvalidIdentityToken", 400, message)
    }

    /// `InvalidSubjectCredentials`, 400.
    pub fn invalid_subject_credentials(message: impl Into<String>) -> Fault {
        Fault::new("InvalidSubjectCredentials", 400, message)
    }

    /// `JWTPayloadSizeExceededException`, 400.
    pub fn jwt_payload_size_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("JWTPayloadSizeExceededException", 400, message)
    }

    /// `MalformedPolicyDocument`, 400.
    pub fn malformed_policy_document(message: impl Into<String>) -> Fault {
        Fault::new("MalformedPolicyDocument", 400, message)
    }

    /// `OutboundWebIdentityFederationDisabledException`, 403.
    pub fn outbound_web_identity_federation_disabled(message: impl Into<String>) -> Fault {
        Fault::new("OutboundWebIdentityFederationDisabledException", 403, message)
    }

    /// `PackedPolicyTooLarge`, 400.
    pub fn packed_policy_too_large(message: impl Into<String>) -> Fault {
        Fault::new("PackedPolicyTooLarge", 400, message)
    }

    /// `RegionDisabledException`, 403.
    pub fn region_disabled(message: impl Into<String>) -> Fault {
        Fault::new("RegionDisabledException", 403, message)
    }

    /// `SessionDurationEscalationException`, 403.
    pub fn session_duration_escalation(message: impl Into<String>) -> Fault {
        Fault::new("SessionDurationEscalationException", 403, message)
    }
}
