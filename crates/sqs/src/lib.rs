//! SQS: queues with their attributes and tags. It holds no messages yet, and it never sees the bytes of a request.
//!
//! [`service`] is the table of operations. The queues of an account in a region live in one home and are listed from it;
//! what an attribute may be is in `attributes`, pure. A queue's policy is stored and answered; the authorizer does not ask it.

mod attributes;
mod faults;
mod limits;
mod queues;
mod redrive;
mod tables;
mod tags;
mod urls;

use api::Service;
use api::sqs::{
    CreateQueue, DeleteQueue, GetQueueAttributes, GetQueueUrl, ListQueueTags, ListQueues, SetQueueAttributes,
    TagQueue, UntagQueue,
};
use store::Store;

/// The state of the service.
#[derive(Clone)]
pub struct Sqs {
    pub(crate) store: Store,
}

impl Sqs {
    /// SQS over the store.
    pub fn new(store: Store) -> Sqs {
        Sqs { store }
    }
}

/// The service `sqs`.
pub fn service(sqs: Sqs) -> Service {
    Service::table(api::sqs::MODEL, sqs)
        .op(CreateQueue, queues::new_queue, queues::create)
        .op(GetQueueUrl, queues::queue_named, queues::url)
        .op(ListQueues, |_, _, _| Ok(api::Guard::any()), queues::list)
        .op(DeleteQueue, |_, call, input| urls::guard(call, &input.queue_url), queues::delete)
        .op(GetQueueAttributes, |_, call, input| urls::guard(call, &input.queue_url), queues::get_attributes)
        .op(SetQueueAttributes, |_, call, input| urls::guard(call, &input.queue_url), queues::set_attributes)
        .op(ListQueueTags, |_, call, input| urls::guard(call, &input.queue_url), tags::list)
        .op(TagQueue, |_, call, input| urls::guard(call, &input.queue_url), tags::tag)
        .op(UntagQueue, |_, call, input| urls::guard(call, &input.queue_url), tags::untag)
        .build()
}
