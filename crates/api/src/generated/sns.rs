//! `SNS`, from `models/sns.json`. Written by `cargo x api`; do not edit.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use aws::Fault;
use bytes::Bytes;
use wire::Value;

use crate::shape::{put, put_time, read, structure};
use crate::{Operation, Shape};

/// The model's name.
pub const MODEL: &str = "sns";

/// The operation `sns:CreateTopic`.
#[derive(Debug, Clone, Copy)]
pub struct CreateTopic;

impl Operation for CreateTopic {
    type Input = CreateTopicInput;
    type Output = CreateTopicOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "CreateTopic";
    const ACTION: &'static str = "sns:CreateTopic";
}

/// The operation `sns:DeleteTopic`.
#[derive(Debug, Clone, Copy)]
pub struct DeleteTopic;

impl Operation for DeleteTopic {
    type Input = DeleteTopicInput;
    type Output = DeleteTopicOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "DeleteTopic";
    const ACTION: &'static str = "sns:DeleteTopic";
}

/// The operation `sns:GetTopicAttributes`.
#[derive(Debug, Clone, Copy)]
pub struct GetTopicAttributes;

impl Operation for GetTopicAttributes {
    type Input = GetTopicAttributesInput;
    type Output = GetTopicAttributesOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "GetTopicAttributes";
    const ACTION: &'static str = "sns:GetTopicAttributes";
}

/// The operation `sns:ListTagsForResource`.
#[derive(Debug, Clone, Copy)]
pub struct ListTagsForResource;

impl Operation for ListTagsForResource {
    type Input = ListTagsForResourceInput;
    type Output = ListTagsForResourceOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "ListTagsForResource";
    const ACTION: &'static str = "sns:ListTagsForResource";
}

/// The operation `sns:ListTopics`.
#[derive(Debug, Clone, Copy)]
pub struct ListTopics;

impl Operation for ListTopics {
    type Input = ListTopicsInput;
    type Output = ListTopicsOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "ListTopics";
    const ACTION: &'static str = "sns:ListTopics";
}

/// The operation `sns:SetTopicAttributes`.
#[derive(Debug, Clone, Copy)]
pub struct SetTopicAttributes;

impl Operation for SetTopicAttributes {
    type Input = SetTopicAttributesInput;
    type Output = SetTopicAttributesOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "SetTopicAttributes";
    const ACTION: &'static str = "sns:SetTopicAttributes";
}

/// The operation `sns:TagResource`.
#[derive(Debug, Clone, Copy)]
pub struct TagResource;

impl Operation for TagResource {
    type Input = TagResourceInput;
    type Output = TagResourceOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "TagResource";
    const ACTION: &'static str = "sns:TagResource";
}

/// The operation `sns:UntagResource`.
#[derive(Debug, Clone, Copy)]
pub struct UntagResource;

impl Operation for UntagResource {
    type Input = UntagResourceInput;
    type Output = UntagResourceOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "UntagResource";
    const ACTION: &'static str = "sns:UntagResource";
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateTopicInput {
    pub name: String,
    pub attributes: Option<BTreeMap<String, String>>,
    pub tags: Option<Vec<Tag>>,
    pub data_protection_policy: Option<String>,
}

impl Shape for CreateTopicInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            name: read(&mut value, "Name")?,
            attributes: read(&mut value, "Attributes")?,
            tags: read(&mut value, "Tags")?,
            data_protection_policy: read(&mut value, "DataProtectionPolicy")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("Name", self.name),
            put("Attributes", self.attributes),
            put("Tags", self.tags),
            put("DataProtectionPolicy", self.data_protection_policy),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateTopicOutput {
    pub topic_arn: Option<String>,
}

impl Shape for CreateTopicOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { topic_arn: read(&mut value, "TopicArn")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("TopicArn", self.topic_arn)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteTopicInput {
    pub topic_arn: String,
}

impl Shape for DeleteTopicInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { topic_arn: read(&mut value, "TopicArn")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("TopicArn", self.topic_arn)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteTopicOutput {}

impl Shape for DeleteTopicOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetTopicAttributesInput {
    pub topic_arn: String,
}

impl Shape for GetTopicAttributesInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { topic_arn: read(&mut value, "TopicArn")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("TopicArn", self.topic_arn)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetTopicAttributesOutput {
    pub attributes: Option<BTreeMap<String, String>>,
}

impl Shape for GetTopicAttributesOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { attributes: read(&mut value, "Attributes")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Attributes", self.attributes)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListTagsForResourceInput {
    pub resource_arn: String,
}

impl Shape for ListTagsForResourceInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { resource_arn: read(&mut value, "ResourceArn")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ResourceArn", self.resource_arn)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListTagsForResourceOutput {
    pub tags: Option<Vec<Tag>>,
}

impl Shape for ListTagsForResourceOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { tags: read(&mut value, "Tags")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Tags", self.tags)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListTopicsInput {
    pub next_token: Option<String>,
}

impl Shape for ListTopicsInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { next_token: read(&mut value, "NextToken")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("NextToken", self.next_token)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListTopicsOutput {
    pub topics: Option<Vec<Topic>>,
    pub next_token: Option<String>,
}

impl Shape for ListTopicsOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { topics: read(&mut value, "Topics")?, next_token: read(&mut value, "NextToken")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Topics", self.topics), put("NextToken", self.next_token)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetTopicAttributesInput {
    pub topic_arn: String,
    pub attribute_name: String,
    pub attribute_value: Option<String>,
}

impl Shape for SetTopicAttributesInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            topic_arn: read(&mut value, "TopicArn")?,
            attribute_name: read(&mut value, "AttributeName")?,
            attribute_value: read(&mut value, "AttributeValue")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("TopicArn", self.topic_arn),
            put("AttributeName", self.attribute_name),
            put("AttributeValue", self.attribute_value),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetTopicAttributesOutput {}

impl Shape for SetTopicAttributesOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct TagResourceInput {
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

impl Shape for TagResourceInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { resource_arn: read(&mut value, "ResourceArn")?, tags: read(&mut value, "Tags")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ResourceArn", self.resource_arn), put("Tags", self.tags)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct TagResourceOutput {}

impl Shape for TagResourceOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct UntagResourceInput {
    pub resource_arn: String,
    pub tag_keys: Vec<String>,
}

impl Shape for UntagResourceInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { resource_arn: read(&mut value, "ResourceArn")?, tag_keys: read(&mut value, "TagKeys")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("ResourceArn", self.resource_arn), put("TagKeys", self.tag_keys)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct UntagResourceOutput {}

impl Shape for UntagResourceOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
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

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Topic {
    pub topic_arn: Option<String>,
}

impl Shape for Topic {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { topic_arn: read(&mut value, "TopicArn")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("TopicArn", self.topic_arn)])
    }
}

/// The errors of the service.
pub mod fault {
    use aws::{Fault, Member};

    /// `AuthorizationError`, 403.
    pub fn authorization_error(message: impl Into<String>) -> Fault {
        Fault::new("AuthorizationError", 403, message)
    }

    /// `BatchEntryIdsNotDistinct`, 400.
    pub fn batch_entry_ids_not_distinct(message: impl Into<String>) -> Fault {
        Fault::new("BatchEntryIdsNotDistinct", 400, message)
    }

    /// `BatchRequestTooLong`, 400.
    pub fn batch_request_too_long(message: impl Into<String>) -> Fault {
        Fault::new("BatchRequestTooLong", 400, message)
    }

    /// `ConcurrentAccess`, 400.
    pub fn concurrent_access(message: impl Into<String>) -> Fault {
        Fault::new("ConcurrentAccess", 400, message)
    }

    /// `EmptyBatchRequest`, 400.
    pub fn empty_batch_request(message: impl Into<String>) -> Fault {
        Fault::new("EmptyBatchRequest", 400, message)
    }

    /// `EndpointDisabled`, 400.
    pub fn endpoint_disabled(message: impl Into<String>) -> Fault {
        Fault::new("EndpointDisabled", 400, message)
    }

    /// `FilterPolicyLimitExceeded`, 403.
    pub fn filter_policy_limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("FilterPolicyLimitExceeded", 403, message)
    }

    /// `InternalError`, 500.
    pub fn internal_error(message: impl Into<String>) -> Fault {
        Fault::new("InternalError", 500, message)
    }

    /// `InvalidBatchEntryId`, 400.
    pub fn invalid_batch_entry_id(message: impl Into<String>) -> Fault {
        Fault::new("InvalidBatchEntryId", 400, message)
    }

    /// `InvalidParameter`, 400.
    pub fn invalid_parameter(message: impl Into<String>) -> Fault {
        Fault::new("InvalidParameter", 400, message)
    }

    /// `ParameterValueInvalid`, 400.
    pub fn invalid_parameter_value(message: impl Into<String>) -> Fault {
        Fault::new("ParameterValueInvalid", 400, message)
    }

    /// `InvalidSecurity`, 403.
    pub fn invalid_security(message: impl Into<String>) -> Fault {
        Fault::new("InvalidSecurity", 403, message)
    }

    /// `InvalidState`, 400.
    pub fn invalid_state(message: impl Into<String>) -> Fault {
        Fault::new("InvalidState", 400, message)
    }

    /// `KMSAccessDenied`, 400.
    pub fn kms_access_denied(message: impl Into<String>) -> Fault {
        Fault::new("KMSAccessDenied", 400, message)
    }

    /// `KMSDisabled`, 400.
    pub fn kms_disabled(message: impl Into<String>) -> Fault {
        Fault::new("KMSDisabled", 400, message)
    }

    /// `KMSInvalidState`, 400.
    pub fn kms_invalid_state(message: impl Into<String>) -> Fault {
        Fault::new("KMSInvalidState", 400, message)
    }

    /// `KMSNotFound`, 400.
    pub fn kms_not_found(message: impl Into<String>) -> Fault {
        Fault::new("KMSNotFound", 400, message)
    }

    /// `KMSOptInRequired`, 403.
    pub fn kms_opt_in_required(message: impl Into<String>) -> Fault {
        Fault::new("KMSOptInRequired", 403, message)
    }

    /// `KMSThrottling`, 400.
    pub fn kms_throttling(message: impl Into<String>) -> Fault {
        Fault::new("KMSThrottling", 400, message)
    }

    /// `NotFound`, 404.
    pub fn not_found(message: impl Into<String>) -> Fault {
        Fault::new("NotFound", 404, message)
    }

    /// `OptedOut`, 400.
    pub fn opted_out(message: impl Into<String>) -> Fault {
        Fault::new("OptedOut", 400, message)
    }

    /// `PlatformApplicationDisabled`, 400.
    pub fn platform_application_disabled(message: impl Into<String>) -> Fault {
        Fault::new("PlatformApplicationDisabled", 400, message)
    }

    /// `ReplayLimitExceeded`, 403.
    pub fn replay_limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("ReplayLimitExceeded", 403, message)
    }

    /// `ResourceNotFound`, 404.
    pub fn resource_not_found(message: impl Into<String>) -> Fault {
        Fault::new("ResourceNotFound", 404, message)
    }

    /// `StaleTag`, 400.
    pub fn stale_tag(message: impl Into<String>) -> Fault {
        Fault::new("StaleTag", 400, message)
    }

    /// `SubscriptionLimitExceeded`, 403.
    pub fn subscription_limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("SubscriptionLimitExceeded", 403, message)
    }

    /// `TagLimitExceeded`, 400.
    pub fn tag_limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("TagLimitExceeded", 400, message)
    }

    /// `TagPolicy`, 400.
    pub fn tag_policy(message: impl Into<String>) -> Fault {
        Fault::new("TagPolicy", 400, message)
    }

    /// `Throttled`, 429.
    pub fn throttled(message: impl Into<String>) -> Fault {
        Fault::new("Throttled", 429, message)
    }

    /// `TooManyEntriesInBatchRequest`, 400.
    pub fn too_many_entries_in_batch_request(message: impl Into<String>) -> Fault {
        Fault::new("TooManyEntriesInBatchRequest", 400, message)
    }

    /// `TopicLimitExceeded`, 403.
    pub fn topic_limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("TopicLimitExceeded", 403, message)
    }

    /// `UserError`, 400.
    pub fn user_error(message: impl Into<String>) -> Fault {
        Fault::new("UserError", 400, message)
    }

    /// `ValidationException`, 400.
    pub fn validation(message: impl Into<String>) -> Fault {
        Fault::new("ValidationException", 400, message)
    }

    /// `VerificationException`, 400.
    pub fn verification(message: impl Into<String>) -> Fault {
        Fault::new("VerificationException", 400, message)
    }
}
