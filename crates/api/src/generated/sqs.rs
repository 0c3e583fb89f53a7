//! `SQS`, from `models/sqs.json`. Written by `cargo x api`; do not edit.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use aws::Fault;
use bytes::Bytes;
use wire::Value;

use crate::shape::{put, put_time, read, structure};
use crate::{Operation, Shape};

/// The model's name.
pub const MODEL: &str = "sqs";

/// The operation `sqs:CreateQueue`.
#[derive(Debug, Clone, Copy)]
pub struct CreateQueue;

impl Operation for CreateQueue {
    type Input = CreateQueueInput;
    type Output = CreateQueueOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "CreateQueue";
    const ACTION: &'static str = "sqs:CreateQueue";
}

/// The operation `sqs:DeleteQueue`.
#[derive(Debug, Clone, Copy)]
pub struct DeleteQueue;

impl Operation for DeleteQueue {
    type Input = DeleteQueueInput;
    type Output = DeleteQueueOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "DeleteQueue";
    const ACTION: &'static str = "sqs:DeleteQueue";
}

/// The operation `sqs:GetQueueAttributes`.
#[derive(Debug, Clone, Copy)]
pub struct GetQueueAttributes;

impl Operation for GetQueueAttributes {
    type Input = GetQueueAttributesInput;
    type Output = GetQueueAttributesOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "GetQueueAttributes";
    const ACTION: &'static str = "sqs:GetQueueAttributes";
}

/// The operation `sqs:GetQueueUrl`.
#[derive(Debug, Clone, Copy)]
pub struct GetQueueUrl;

impl Operation for GetQueueUrl {
    type Input = GetQueueUrlInput;
    type Output = GetQueueUrlOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "GetQueueUrl";
    const ACTION: &'static str = "sqs:GetQueueUrl";
}

/// The operation `sqs:ListQueueTags`.
#[derive(Debug, Clone, Copy)]
pub struct ListQueueTags;

impl Operation for ListQueueTags {
    type Input = ListQueueTagsInput;
    type Output = ListQueueTagsOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "ListQueueTags";
    const ACTION: &'static str = "sqs:ListQueueTags";
}

/// The operation `sqs:ListQueues`.
#[derive(Debug, Clone, Copy)]
pub struct ListQueues;

impl Operation for ListQueues {
    type Input = ListQueuesInput;
    type Output = ListQueuesOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "ListQueues";
    const ACTION: &'static str = "sqs:ListQueues";
}

/// The operation `sqs:SetQueueAttributes`.
#[derive(Debug, Clone, Copy)]
pub struct SetQueueAttributes;

impl Operation for SetQueueAttributes {
    type Input = SetQueueAttributesInput;
    type Output = SetQueueAttributesOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "SetQueueAttributes";
    const ACTION: &'static str = "sqs:SetQueueAttributes";
}

/// The operation `sqs:TagQueue`.
#[derive(Debug, Clone, Copy)]
pub struct TagQueue;

impl Operation for TagQueue {
    type Input = TagQueueInput;
    type Output = TagQueueOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "TagQueue";
    const ACTION: &'static str = "sqs:TagQueue";
}

/// The operation `sqs:UntagQueue`.
#[derive(Debug, Clone, Copy)]
pub struct UntagQueue;

impl Operation for UntagQueue {
    type Input = UntagQueueInput;
    type Output = UntagQueueOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "UntagQueue";
    const ACTION: &'static str = "sqs:UntagQueue";
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateQueueInput {
    pub queue_name: Option<String>,
    pub attributes: Option<BTreeMap<String, String>>,
    pub tags: Option<BTreeMap<String, String>>,
}

impl Shape for CreateQueueInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            queue_name: read(&mut value, "QueueName")?,
            attributes: read(&mut value, "Attributes")?,
            tags: read(&mut value, "tags")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("QueueName", self.queue_name),
            put("Attributes", self.attributes),
            put("tags", self.tags),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateQueueOutput {
    pub queue_url: Option<String>,
}

impl Shape for CreateQueueOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { queue_url: read(&mut value, "QueueUrl")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("QueueUrl", self.queue_url)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteQueueInput {
    pub queue_url: Option<String>,
}

impl Shape for DeleteQueueInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { queue_url: read(&mut value, "QueueUrl")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("QueueUrl", self.queue_url)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteQueueOutput {}

impl Shape for DeleteQueueOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetQueueAttributesInput {
    pub queue_url: Option<String>,
    pub attribute_names: Option<Vec<String>>,
}

impl Shape for GetQueueAttributesInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            queue_url: read(&mut value, "QueueUrl")?,
            attribute_names: read(&mut value, "AttributeNames")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![put("QueueUrl", self.queue_url), put("AttributeNames", self.attribute_names)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetQueueAttributesOutput {
    pub attributes: Option<BTreeMap<String, String>>,
}

impl Shape for GetQueueAttributesOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { attributes: read(&mut value, "Attributes")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Attributes", self.attributes)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetQueueUrlInput {
    pub queue_name: Option<String>,
    pub queue_owner_aws_account_id: Option<String>,
}

impl Shape for GetQueueUrlInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            queue_name: read(&mut value, "QueueName")?,
            queue_owner_aws_account_id: read(&mut value, "QueueOwnerAWSAccountId")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("QueueName", self.queue_name),
            put("QueueOwnerAWSAccountId", self.queue_owner_aws_account_id),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetQueueUrlOutput {
    pub queue_url: Option<String>,
}

impl Shape for GetQueueUrlOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { queue_url: read(&mut value, "QueueUrl")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("QueueUrl", self.queue_url)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListQueueTagsInput {
    pub queue_url: Option<String>,
}

impl Shape for ListQueueTagsInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { queue_url: read(&mut value, "QueueUrl")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("QueueUrl", self.queue_url)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListQueueTagsOutput {
    pub tags: Option<BTreeMap<String, String>>,
}

impl Shape for ListQueueTagsOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { tags: read(&mut value, "Tags")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("Tags", self.tags)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListQueuesInput {
    pub queue_name_prefix: Option<String>,
    pub next_token: Option<String>,
    pub max_results: Option<i64>,
}

impl Shape for ListQueuesInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            queue_name_prefix: read(&mut value, "QueueNamePrefix")?,
            next_token: read(&mut value, "NextToken")?,
            max_results: read(&mut value, "MaxResults")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("QueueNamePrefix", self.queue_name_prefix),
            put("NextToken", self.next_token),
            put("MaxResults", self.max_results),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListQueuesOutput {
    pub queue_urls: Option<Vec<String>>,
    pub next_token: Option<String>,
}

impl Shape for ListQueuesOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { queue_urls: read(&mut value, "QueueUrls")?, next_token: read(&mut value, "NextToken")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("QueueUrls", self.queue_urls), put("NextToken", self.next_token)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetQueueAttributesInput {
    pub queue_url: Option<String>,
    pub attributes: Option<BTreeMap<String, String>>,
}

impl Shape for SetQueueAttributesInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { queue_url: read(&mut value, "QueueUrl")?, attributes: read(&mut value, "Attributes")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("QueueUrl", self.queue_url), put("Attributes", self.attributes)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetQueueAttributesOutput {}

impl Shape for SetQueueAttributesOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct TagQueueInput {
    pub queue_url: Option<String>,
    pub tags: Option<BTreeMap<String, String>>,
}

impl Shape for TagQueueInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { queue_url: read(&mut value, "QueueUrl")?, tags: read(&mut value, "Tags")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("QueueUrl", self.queue_url), put("Tags", self.tags)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct TagQueueOutput {}

impl Shape for TagQueueOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct UntagQueueInput {
    pub queue_url: Option<String>,
    pub tag_keys: Option<Vec<String>>,
}

impl Shape for UntagQueueInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { queue_url: read(&mut value, "QueueUrl")?, tag_keys: read(&mut value, "TagKeys")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("QueueUrl", self.queue_url), put("TagKeys", self.tag_keys)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct UntagQueueOutput {}

impl Shape for UntagQueueOutput {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(Self {})
    }

    fn into_value(self) -> Value {
        structure(Vec::new())
    }
}

/// The errors of the service.
pub mod fault {
    use aws::{Fault, Member};

    /// `BatchEntryIdsNotDistinct`, 400.
    pub fn batch_entry_ids_not_distinct(message: impl Into<String>) -> Fault {
        Fault::new("BatchEntryIdsNotDistinct", 400, message)
    }

    /// `BatchRequestTooLong`, 400.
    pub fn batch_request_too_long(message: impl Into<String>) -> Fault {
        Fault::new("BatchRequestTooLong", 400, message)
    }

    /// `EmptyBatchRequest`, 400.
    pub fn empty_batch_request(message: impl Into<String>) -> Fault {
        Fault::new("EmptyBatchRequest", 400, message)
    }

    /// `InvalidAddress`, 400.
    pub fn invalid_address(message: impl Into<String>) -> Fault {
        Fault::new("InvalidAddress", 400, message)
    }

    /// `InvalidAttributeName`, 400.
    pub fn invalid_attribute_name(message: impl Into<String>) -> Fault {
        Fault::new("InvalidAttributeName", 400, message)
    }

    /// `InvalidAttributeValue`, 400.
    pub fn invalid_attribute_value(message: impl Into<String>) -> Fault {
        Fault::new("InvalidAttributeValue", 400, message)
    }

    /// `InvalidBatchEntryId`, 400.
    pub fn invalid_batch_entry_id(message: impl Into<String>) -> Fault {
        Fault::new("InvalidBatchEntryId", 400, message)
    }

    /// `InvalidIdFormat`, 400.
    pub fn invalid_id_format(message: impl Into<String>) -> Fault {
        Fault::new("InvalidIdFormat", 400, message)
    }

    /// `InvalidMessageContents`, 400.
    pub fn invalid_message_contents(message: impl Into<String>) -> Fault {
        Fault::new("InvalidMessageContents", 400, message)
    }

    /// `InvalidSecurity`, 403.
    pub fn invalid_security(message: impl Into<String>) -> Fault {
        Fault::new("InvalidSecurity", 403, message)
    }

    /// `KmsAccessDenied`, 400.
    pub fn kms_access_denied(message: impl Into<String>) -> Fault {
        Fault::new("KmsAccessDenied", 400, message)
    }

    /// `KmsDisabled`, 400.
    pub fn kms_disabled(message: impl Into<String>) -> Fault {
        Fault::new("KmsDisabled", 400, message)
    }

    /// `KmsInvalidKeyUsage`, 400.
    pub fn kms_invalid_key_usage(message: impl Into<String>) -> Fault {
        Fault::new("KmsInvalidKeyUsage", 400, message)
    }

    /// `KmsInvalidState`, 400.
    pub fn kms_invalid_state(message: impl Into<String>) -> Fault {
        Fault::new("KmsInvalidState", 400, message)
    }

    /// `KmsNotFound`, 400.
    pub fn kms_not_found(message: impl Into<String>) -> Fault {
        Fault::new("KmsNotFound", 400, message)
    }

    /// `KmsOptInRequired`, 403.
    pub fn kms_opt_in_required(message: impl Into<String>) -> Fault {
        Fault::new("KmsOptInRequired", 403, message)
    }

    /// `KmsThrottled`, 400.
    pub fn kms_throttled(message: impl Into<String>) -> Fault {
        Fault::new("KmsThrottled", 400, message)
    }

    /// `MessageNotInflight`, 400.
    pub fn message_not_inflight(message: impl Into<String>) -> Fault {
        Fault::new("MessageNotInflight", 400, message)
    }

    /// `OverLimit`, 403.
    pub fn over_limit(message: impl Into<String>) -> Fault {
        Fault::new("OverLimit", 403, message)
    }

    /// `PurgeQueueInProgress`, 403.
    pub fn purge_queue_in_progress(message: impl Into<String>) -> Fault {
        Fault::new("PurgeQueueInProgress", 403, message)
    }

    /// `QueueDeletedRecently`, 400.
    pub fn queue_deleted_recently(message: impl Into<String>) -> Fault {
        Fault::new("QueueDeletedRecently", 400, message)
    }

    /// `QueueDoesNotExist`, 400.
    pub fn queue_does_not_exist(message: impl Into<String>) -> Fault {
        Fault::new("QueueDoesNotExist", 400, message)
    }

    /// `QueueNameExists`, 400.
    pub fn queue_name_exists(message: impl Into<String>) -> Fault {
        Fault::new("QueueNameExists", 400, message)
    }

    /// `ReceiptHandleIsInvalid`, 404.
    pub fn receipt_handle_is_invalid(message: impl Into<String>) -> Fault {
        Fault::new("ReceiptHandleIsInvalid", 404, message)
    }

    /// `RequestThrottled`, 400.
    pub fn request_throttled(message: impl Into<String>) -> Fault {
        Fault::new("RequestThrottled", 400, message)
    }

    /// `ResourceNotFoundException`, 404.
    pub fn resource_not_found(message: impl Into<String>) -> Fault {
        Fault::new("ResourceNotFoundException", 404, message)
    }

    /// `TooManyEntriesInBatchRequest`, 400.
    pub fn too_many_entries_in_batch_request(message: impl Into<String>) -> Fault {
        Fault::new("TooManyEntriesInBatchRequest", 400, message)
    }

    /// `UnsupportedOperation`, 400.
    pub fn unsupported_operation(message: impl Into<String>) -> Fault {
        Fault::new("UnsupportedOperation", 400, message)
    }
}
