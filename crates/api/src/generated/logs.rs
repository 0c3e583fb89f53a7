//! `CloudWatch Logs`, from `models/logs.json`. Written by `cargo x api`; do not edit.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use aws::Fault;
use bytes::Bytes;
use wire::Value;

use crate::shape::{put, put_time, read, structure};
use crate::{Operation, Shape};

/// The model's name.
pub const MODEL: &str = "logs";

/// The operation `logs:DescribeLogGroups`.
#[derive(Debug, Clone, Copy)]
pub struct DescribeLogGroups;

impl Operation for DescribeLogGroups {
    type Input = DescribeLogGroupsInput;
    type Output = DescribeLogGroupsOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "DescribeLogGroups";
    const ACTION: &'static str = "logs:DescribeLogGroups";
}

/// The operation `logs:DescribeLogStreams`.
#[derive(Debug, Clone, Copy)]
pub struct DescribeLogStreams;

impl Operation for DescribeLogStreams {
    type Input = DescribeLogStreamsInput;
    type Output = DescribeLogStreamsOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "DescribeLogStreams";
    const ACTION: &'static str = "logs:DescribeLogStreams";
}

/// The operation `logs:FilterLogEvents`.
#[derive(Debug, Clone, Copy)]
pub struct FilterLogEvents;

impl Operation for FilterLogEvents {
    type Input = FilterLogEventsInput;
    type Output = FilterLogEventsOutput;
    const SERVICE: &'static str = MODEL;
    const NAME: &'static str = "FilterLogEvents";
    const ACTION: &'static str = "logs:FilterLogEvents";
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogGroupsInput {
    pub account_identifiers: Option<Vec<String>>,
    pub log_group_name_prefix: Option<String>,
    pub log_group_name_pattern: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<i64>,
    pub include_linked_accounts: Option<bool>,
    pub log_group_class: Option<String>,
    pub log_group_identifiers: Option<Vec<String>>,
}

impl Shape for DescribeLogGroupsInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            account_identifiers: read(&mut value, "accountIdentifiers")?,
            log_group_name_prefix: read(&mut value, "logGroupNamePrefix")?,
            log_group_name_pattern: read(&mut value, "logGroupNamePattern")?,
            next_token: read(&mut value, "nextToken")?,
            limit: read(&mut value, "limit")?,
            include_linked_accounts: read(&mut value, "includeLinkedAccounts")?,
            log_group_class: read(&mut value, "logGroupClass")?,
            log_group_identifiers: read(&mut value, "logGroupIdentifiers")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("accountIdentifiers", self.account_identifiers),
            put("logGroupNamePrefix", self.log_group_name_prefix),
            put("logGroupNamePattern", self.log_group_name_pattern),
            put("nextToken", self.next_token),
            put("limit", self.limit),
            put("includeLinkedAccounts", self.include_linked_accounts),
            put("logGroupClass", self.log_group_class),
            put("logGroupIdentifiers", self.log_group_identifiers),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogGroupsOutput {
    pub log_groups: Option<Vec<LogGroup>>,
    pub next_token: Option<String>,
}

impl Shape for DescribeLogGroupsOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { log_groups: read(&mut value, "logGroups")?, next_token: read(&mut value, "nextToken")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("logGroups", self.log_groups), put("nextToken", self.next_token)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogStreamsInput {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_name_prefix: Option<String>,
    pub order_by: Option<String>,
    pub descending: Option<bool>,
    pub next_token: Option<String>,
    pub limit: Option<i64>,
}

impl Shape for DescribeLogStreamsInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            log_group_name: read(&mut value, "logGroupName")?,
            log_group_identifier: read(&mut value, "logGroupIdentifier")?,
            log_stream_name_prefix: read(&mut value, "logStreamNamePrefix")?,
            order_by: read(&mut value, "orderBy")?,
            descending: read(&mut value, "descending")?,
            next_token: read(&mut value, "nextToken")?,
            limit: read(&mut value, "limit")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("logGroupName", self.log_group_name),
            put("logGroupIdentifier", self.log_group_identifier),
            put("logStreamNamePrefix", self.log_stream_name_prefix),
            put("orderBy", self.order_by),
            put("descending", self.descending),
            put("nextToken", self.next_token),
            put("limit", self.limit),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogStreamsOutput {
    pub log_streams: Option<Vec<LogStream>>,
    pub next_token: Option<String>,
}

impl Shape for DescribeLogStreamsOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self { log_streams: read(&mut value, "logStreams")?, next_token: read(&mut value, "nextToken")? })
    }

    fn into_value(self) -> Value {
        structure(vec![put("logStreams", self.log_streams), put("nextToken", self.next_token)])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FilterLogEventsInput {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_names: Option<Vec<String>>,
    pub log_stream_name_prefix: Option<String>,
    pub start_time: Option<i64>,
    pub end_time: Option<i64>,
    pub filter_pattern: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<i64>,
    pub start_from_head: Option<bool>,
    pub interleaved: Option<bool>,
    pub unmask: Option<bool>,
}

impl Shape for FilterLogEventsInput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            log_group_name: read(&mut value, "logGroupName")?,
            log_group_identifier: read(&mut value, "logGroupIdentifier")?,
            log_stream_names: read(&mut value, "logStreamNames")?,
            log_stream_name_prefix: read(&mut value, "logStreamNamePrefix")?,
            start_time: read(&mut value, "startTime")?,
            end_time: read(&mut value, "endTime")?,
            filter_pattern: read(&mut value, "filterPattern")?,
            next_token: read(&mut value, "nextToken")?,
            limit: read(&mut value, "limit")?,
            start_from_head: read(&mut value, "startFromHead")?,
            interleaved: read(&mut value, "interleaved")?,
            unmask: read(&mut value, "unmask")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("logGroupName", self.log_group_name),
            put("logGroupIdentifier", self.log_group_identifier),
            put("logStreamNames", self.log_stream_names),
            put("logStreamNamePrefix", self.log_stream_name_prefix),
            put("startTime", self.start_time),
            put("endTime", self.end_time),
            put("filterPattern", self.filter_pattern),
            put("nextToken", self.next_token),
            put("limit", self.limit),
            put("startFromHead", self.start_from_head),
            put("interleaved", self.interleaved),
            put("unmask", self.unmask),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FilterLogEventsOutput {
    pub events: Option<Vec<FilteredLogEvent>>,
    pub searched_log_streams: Option<Vec<SearchedLogStream>>,
    pub next_token: Option<String>,
}

impl Shape for FilterLogEventsOutput {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            events: read(&mut value, "events")?,
            searched_log_streams: read(&mut value, "searchedLogStreams")?,
            next_token: read(&mut value, "nextToken")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("events", self.events),
            put("searchedLogStreams", self.searched_log_streams),
            put("nextToken", self.next_token),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FilteredLogEvent {
    pub log_stream_name: Option<String>,
    pub timestamp: Option<i64>,
    pub message: Option<String>,
    pub ingestion_time: Option<i64>,
    pub event_id: Option<String>,
}

impl Shape for FilteredLogEvent {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            log_stream_name: read(&mut value, "logStreamName")?,
            timestamp: read(&mut value, "timestamp")?,
            message: read(&mut value, "message")?,
            ingestion_time: read(&mut value, "ingestionTime")?,
            event_id: read(&mut value, "eventId")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("logStreamName", self.log_stream_name),
            put("timestamp", self.timestamp),
            put("message", self.message),
            put("ingestionTime", self.ingestion_time),
            put("eventId", self.event_id),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogGroup {
    pub log_group_name: Option<String>,
    pub creation_time: Option<i64>,
    pub retention_in_days: Option<i64>,
    pub metric_filter_count: Option<i64>,
    pub arn: Option<String>,
    pub stored_bytes: Option<i64>,
    pub kms_key_id: Option<String>,
    pub data_protection_status: Option<String>,
    pub inherited_properties: Option<Vec<String>>,
    pub log_group_class: Option<String>,
    pub log_group_arn: Option<String>,
    pub deletion_protection_enabled: Option<bool>,
    pub bearer_token_authentication_enabled: Option<bool>,
    pub retention_policy_name: Option<String>,
}

impl Shape for LogGroup {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            log_group_name: read(&mut value, "logGroupName")?,
            creation_time: read(&mut value, "creationTime")?,
            retention_in_days: read(&mut value, "retentionInDays")?,
            metric_filter_count: read(&mut value, "metricFilterCount")?,
            arn: read(&mut value, "arn")?,
            stored_bytes: read(&mut value, "storedBytes")?,
            kms_key_id: read(&mut value, "kmsKeyId")?,
            data_protection_status: read(&mut value, "dataProtectionStatus")?,
            inherited_properties: read(&mut value, "inheritedProperties")?,
            log_group_class: read(&mut value, "logGroupClass")?,
            log_group_arn: read(&mut value, "logGroupArn")?,
            deletion_protection_enabled: read(&mut value, "deletionProtectionEnabled")?,
            bearer_token_authentication_enabled: read(&mut value, "bearerTokenAuthenticationEnabled")?,
            retention_policy_name: read(&mut value, "retentionPolicyName")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("logGroupName", self.log_group_name),
            put("creationTime", self.creation_time),
            put("retentionInDays", self.retention_in_days),
            put("metricFilterCount", self.metric_filter_count),
            put("arn", self.arn),
            put("storedBytes", self.stored_bytes),
            put("kmsKeyId", self.kms_key_id),
            put("dataProtectionStatus", self.data_protection_status),
            put("inheritedProperties", self.inherited_properties),
            put("logGroupClass", self.log_group_class),
            put("logGroupArn", self.log_group_arn),
            put("deletionProtectionEnabled", self.deletion_protection_enabled),
            put("bearerTokenAuthenticationEnabled", self.bearer_token_authentication_enabled),
            put("retentionPolicyName", self.retention_policy_name),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogStream {
    pub log_stream_name: Option<String>,
    pub creation_time: Option<i64>,
    pub first_event_timestamp: Option<i64>,
    pub last_event_timestamp: Option<i64>,
    pub last_ingestion_time: Option<i64>,
    pub upload_sequence_token: Option<String>,
    pub arn: Option<String>,
    pub stored_bytes: Option<i64>,
}

impl Shape for LogStream {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            log_stream_name: read(&mut value, "logStreamName")?,
            creation_time: read(&mut value, "creationTime")?,
            first_event_timestamp: read(&mut value, "firstEventTimestamp")?,
            last_event_timestamp: read(&mut value, "lastEventTimestamp")?,
            last_ingestion_time: read(&mut value, "lastIngestionTime")?,
            upload_sequence_token: read(&mut value, "uploadSequenceToken")?,
            arn: read(&mut value, "arn")?,
            stored_bytes: read(&mut value, "storedBytes")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("logStreamName", self.log_stream_name),
            put("creationTime", self.creation_time),
            put("firstEventTimestamp", self.first_event_timestamp),
            put("lastEventTimestamp", self.last_event_timestamp),
            put("lastIngestionTime", self.last_ingestion_time),
            put("uploadSequenceToken", self.upload_sequence_token),
            put("arn", self.arn),
            put("storedBytes", self.stored_bytes),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SearchedLogStream {
    pub log_stream_name: Option<String>,
    pub searched_completely: Option<bool>,
}

impl Shape for SearchedLogStream {
    fn from_value(mut value: Value) -> Result<Self, Fault> {
        Ok(Self {
            log_stream_name: read(&mut value, "logStreamName")?,
            searched_completely: read(&mut value, "searchedCompletely")?,
        })
    }

    fn into_value(self) -> Value {
        structure(vec![
            put("logStreamName", self.log_stream_name),
            put("searchedCompletely", self.searched_completely),
        ])
    }
}

/// The errors of the service.
pub mod fault {
    use aws::{Fault, Member};

    /// `AccessDeniedException`, 400.
    pub fn access_denied(message: impl Into<String>) -> Fault {
        Fault::new("AccessDeniedException", 400, message)
    }

    /// `ConflictException`, 400.
    pub fn conflict(message: impl Into<String>) -> Fault {
        Fault::new("ConflictException", 400, message)
    }

    /// `DataAlreadyAcceptedException`, 400.
    pub fn data_already_accepted(message: impl Into<String>) -> Fault {
        Fault::new("DataAlreadyAcceptedException", 400, message)
    }

    /// `InternalServerException`, 500.
    pub fn internal_server(message: impl Into<String>) -> Fault {
        Fault::new("InternalServerException", 500, message)
    }

    /// `InternalStreamingException`, 400.
    pub fn internal_streaming(message: impl Into<String>) -> Fault {
        Fault::new("InternalStreamingException", 400, message)
    }

    /// `InvalidOperationException`, 400.
    pub fn invalid_operation(message: impl Into<String>) -> Fault {
        Fault::new("InvalidOperationException", 400, message)
    }

    /// `InvalidParameterException`, 400.
    pub fn invalid_parameter(message: impl Into<String>) -> Fault {
        Fault::new("InvalidParameterException", 400, message)
    }

    /// `InvalidSequenceTokenException`, 400.
    pub fn invalid_sequence_token(message: impl Into<String>) -> Fault {
        Fault::new("InvalidSequenceTokenException", 400, message)
    }

    /// `LimitExceededException`, 400.
    pub fn limit_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("LimitExceededException", 400, message)
    }

    /// `MalformedQueryException`, 400.
    pub fn malformed_query(message: impl Into<String>) -> Fault {
        Fault::new("MalformedQueryException", 400, message)
    }

    /// `OperationAbortedException`, 400.
    pub fn operation_aborted(message: impl Into<String>) -> Fault {
        Fault::new("OperationAbortedException", 400, message)
    }

    /// `ResourceAlreadyExistsException`, 400.
    pub fn resource_already_exists(message: impl Into<String>) -> Fault {
        Fault::new("ResourceAlreadyExistsException", 400, message)
    }

    /// `ResourceNotFoundException`, 400.
    pub fn resource_not_found(message: impl Into<String>) -> Fault {
        Fault::new("ResourceNotFoundException", 400, message)
    }

    /// `ServiceQuotaExceededException`, 400.
    pub fn service_quota_exceeded(message: impl Into<String>) -> Fault {
        Fault::new("ServiceQuotaExceededException", 400, message)
    }

    /// `ServiceUnavailableException`, 503.
    pub fn service_unavailable(message: impl Into<String>) -> Fault {
        Fault::new("ServiceUnavailableException", 503, message)
    }

    /// `SessionStreamingException`, 400.
    pub fn session_streaming(message: impl Into<String>) -> Fault {
        Fault::new("SessionStreamingException", 400, message)
    }

    /// `SessionTimeoutException`, 400.
    pub fn session_timeout(message: impl Into<String>) -> Fault {
        Fault::new("SessionTimeoutException", 400, message)
    }

    /// `ThrottlingException`, 400.
    pub fn throttling(message: impl Into<String>) -> Fault {
        Fault::new("ThrottlingException", 400, message)
    }

    /// `TooManyTagsException`, 400.
    pub fn too_many_tags(message: impl Into<String>) -> Fault {
        Fault::new("TooManyTagsException", 400, message)
    }

    /// `UnrecognizedClientException`, 400.
    pub fn unrecognized_client(message: impl Into<String>) -> Fault {
        Fault::new("UnrecognizedClientException", 400, message)
    }

    /// `ValidationException`, 400.
    pub fn validation(message: impl Into<String>) -> Fault {
        Fault::new("ValidationException", 400, message)
    }
}

/// The values of the enums, which are strings everywhere else: unknown ones survive.
pub mod values {
    pub const DATA_PROTECTION_STATUS: &[&str] = &["ACTIVATED", "DELETED", "ARCHIVED", "DISABLED"];

    pub const INHERITED_PROPERTY: &[&str] = &["ACCOUNT_DATA_PROTECTION"];

    pub const LOG_GROUP_CLASS: &[&str] = &["STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"];

    pub const ORDER_BY: &[&str] = &["LogStreamName", "LastEventTime"];
}
