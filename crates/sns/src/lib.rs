//! SNS: topics with their attributes and tags. It holds no subscriptions and publishes nothing yet, and it never sees the bytes
//! of a request.
//!
//! [`service`] is the table of operations. The topics of an account in a region live in one home and are listed from it;
//! what an attribute may be is in `attributes`, pure. A topic's policy is stored and answered; the authorizer does not ask it.

mod arns;
mod attributes;
mod faults;
mod limits;
mod tables;
mod tags;
mod topics;

use api::Service;
use api::sns::{
    CreateTopic, DeleteTopic, GetTopicAttributes, ListTagsForResource, ListTopics, SetTopicAttributes,
    TagResource, UntagResource,
};
use store::Store;

/// The state of the service.
#[derive(Clone)]
pub struct Sns {
    pub(crate) store: Store,
}

impl Sns {
    /// SNS over the store.
    pub fn new(store: Store) -> Sns {
        Sns { store }
    }
}

/// The service `sns`.
pub fn service(sns: Sns) -> Service {
    Service::table(api::sns::MODEL, sns)
        .op(CreateTopic, topics::new_topic, topics::create)
        .op(DeleteTopic, |_, call, input| arns::guard(call, "TopicArn", &input.topic_arn), topics::delete)
        .op(ListTopics, topics::all, topics::list)
        .op(
            GetTopicAttributes,
            |_, call, input| arns::guard(call, "TopicArn", &input.topic_arn),
            topics::get_attributes,
        )
        .op(
            SetTopicAttributes,
            |_, call, input| arns::guard(call, "TopicArn", &input.topic_arn),
            topics::set_attribute,
        )
        .op(
            ListTagsForResource,
            |_, call, input| arns::guard(call, "ResourceArn", &input.resource_arn),
            tags::list,
        )
        .op(TagResource, |_, call, input| arns::guard(call, "ResourceArn", &input.resource_arn), tags::tag)
        .op(
            UntagResource,
            |_, call, input| arns::guard(call, "ResourceArn", &input.resource_arn),
            tags::untag,
        )
        .build()
}
