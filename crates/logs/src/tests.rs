//! The service through the registry, over the simulated store in virtual time, and over files.

use std::sync::Arc;

use api::logs::*;
use api::{Ask, Authorize, Boxed, Call, Operation, Registry, Shape};
use aws::{AccountId, Caller, Fault, Millis, Region, RequestId};
use store::Store;
use tasks::{Clock, Shutdown, Tasks};

use crate::{Keep, Logs, Sink, Stream};

mod durability;
mod operations;

/// 2026-01-31T12:00:00.000Z.
const NOW: u64 = 1_769_860_800_000;

struct Anyone;

impl Authorize for Anyone {
    fn authorize<'a>(&'a self, _: Ask<'a>) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
}

struct House {
    clock: Clock,
    store: Store,
    sink: Sink,
    registry: Registry,
    region: Region,
}

impl House {
    fn build() -> House {
        let clock = Clock::virtual_at(NOW);
        let store = Store::simulated(1, clock.clone());
        House::over(store, clock, Keep::default())
    }

    fn over(store: Store, clock: Clock, keep: Keep) -> House {
        let tasks = Tasks::new(Shutdown::new());
        let logs = Logs::open(&store, clock.clone(), &tasks, keep).unwrap();
        let sink = logs.sink();
        let registry = Registry::new(vec![crate::service(logs)], Anyone);
        House { clock, store, sink, registry, region: Region::parse("us-east-1").unwrap() }
    }

    /// Writes lines of a stream, each with its time after [`NOW`].
    fn write(&self, group: &str, stream: &str, lines: &[(u64, &str)]) {
        let stream = Stream { account: account(), region: &self.region, group, stream };
        self.sink.write(&stream, lines.iter().map(|(at, line)| (Millis(NOW + at), line.as_bytes())));
    }

    async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output, Fault> {
        let call = Call {
            account: account(),
            caller: Arc::new(Caller::root(account(), None)),
            region: self.region.clone(),
            request_id: RequestId::from_random([7; 16]),
            endpoint: "http://127.0.0.1:4566".into(),
            trace: None,
        };
        let output = self.registry.call(call, O::SERVICE, O::NAME, input.into_value()).await?;
        O::Output::from_value(output)
    }

    /// All messages that match, page after page.
    async fn filter(&self, input: FilterLogEventsInput) -> Vec<String> {
        let (mut messages, mut input) = (Vec::new(), input);
        loop {
            let page = self.call::<FilterLogEvents>(input.clone()).await.unwrap();
            assert_eq!(page.searched_log_streams, Some(Vec::new()));
            messages.extend(page.events.unwrap().into_iter().map(|event| event.message.unwrap()));
            input.next_token = page.next_token;
            if input.next_token.is_none() {
                return messages;
            }
        }
    }
}

fn account() -> AccountId {
    AccountId::parse("123456789012").unwrap()
}

fn of(group: &str) -> FilterLogEventsInput {
    FilterLogEventsInput { log_group_name: Some(group.to_owned()), ..Default::default() }
}

fn text<T: std::fmt::Debug>(result: Result<T, Fault>) -> String {
    result.unwrap_err().to_string()
}
