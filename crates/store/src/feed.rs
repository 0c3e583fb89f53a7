use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::{Receiver, Sender, channel, error::RecvError};

use crate::limits::FEED_DEPTH;
use crate::row::unseal;
use crate::table::{PREFIX, home_of, tag_of};
use crate::txn::Changed;
use crate::{Home, Key, Row};

/// What happened to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<K, V> {
    /// The row was written.
    Put(Home, K, V),
    /// The row was deleted.
    Deleted(Home, K),
    /// Anything may have changed: read what you need again. Always the first answer.
    Reload,
}

/// The changes of one table in the order of their commits.
///
/// A follower that falls behind by more than 1,024 changes gets `Reload` instead of them.
pub struct Feed<K, V> {
    receiver: Receiver<Event>,
    begun: Begun,
    types: PhantomData<fn() -> (K, V)>,
}

enum Begun {
    No,
    Yes,
}

#[derive(Clone)]
enum Event {
    Changed(Arc<Changed>),
    Doubt,
}

/// Who follows which table.
#[derive(Default)]
pub(crate) struct Feeds(Mutex<HashMap<u32, Sender<Event>>>);

impl Feeds {
    pub(crate) fn follow<K: Key, V: Row>(&self, tag: u32) -> Feed<K, V> {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = senders.entry(tag).or_insert_with(|| channel(FEED_DEPTH).0);
        Feed { receiver: sender.subscribe(), begun: Begun::No, types: PhantomData }
    }

    pub(crate) fn publish(&self, changes: Vec<Changed>) {
        for change in changes {
            self.send(tag_of(&change.place), || Event::Changed(Arc::new(change)));
        }
    }

    pub(crate) fn doubt(&self, changes: &[Changed]) {
        for change in changes {
            self.send(tag_of(&change.place), || Event::Doubt);
        }
    }

    fn send(&self, tag: u32, event: impl FnOnce() -> Event) {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(&tag)
            && sender.send(event()).is_err()
        {
            // The last follower is gone.
            senders.remove(&tag);
        }
    }
}

impl<K: Key, V: Row> Feed<K, V> {
    /// Waits for the next change. Rows that cannot be read any more answer `Reload`.
    pub async fn next(&mut self) -> Change<K, V> {
        if let Begun::No = self.begun {
            self.begun = Begun::Yes;
            return Change::Reload;
        }
        match self.receiver.recv().await {
            Ok(Event::Changed(changed)) => read(&changed).unwrap_or(Change::Reload),
            Ok(Event::Doubt) | Err(RecvError::Lagged(_)) => Change::Reload,
            // The store is gone, so nothing changes any more.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

fn read<K: Key, V: Row>(changed: &Changed) -> crate::Result<Change<K, V>> {
    let home = home_of(&changed.place);
    let key = K::decode(&changed.place[PREFIX..])?;
    match &changed.sealed {
        Some(sealed) => Ok(Change::Put(home, key, V::decode(unseal(&changed.place, sealed)?)?)),
        None => Ok(Change::Deleted(home, key)),
    }
}
