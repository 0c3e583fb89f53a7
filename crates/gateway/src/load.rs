//! How many requests are under way, and who is still let in: a request too many is refused before its body is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Source;
use crate::limits::{REQUESTS, REQUESTS_PER_CONNECTION};

/// Requests under way: of all clients, or of one connection.
#[derive(Default)]
pub(crate) struct Load {
    running: AtomicUsize,
}

/// A request under way, until dropped.
pub(crate) struct Running {
    loads: [Arc<Load>; 2],
}

impl Load {
    /// How many requests are under way.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Enters a request of `connection`; `None` when too many are under way. Functions are always let in: whoever waits
    /// for their answer is counted already, and would wait for ever.
    pub(crate) fn enter(self: &Arc<Load>, connection: &Arc<Load>, source: &Source) -> Option<Running> {
        let inside = matches!(source, Source::Environment(_));
        let running = Running::new([self.clone(), connection.clone()]);
        let full = self.running() > REQUESTS && !inside;
        if full || connection.running() > REQUESTS_PER_CONNECTION { None } else { Some(running) }
    }
}

impl Running {
    fn new(loads: [Arc<Load>; 2]) -> Running {
        for load in &loads {
            load.running.fetch_add(1, Ordering::Relaxed);
        }
        Running { loads }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for load in &self.loads {
            load.running.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_too_many_is_refused_and_room_comes_back() {
        let all = Arc::new(Load::default());
        let client = Source::Client("127.0.0.1:1".parse().unwrap());
        let connections: Vec<Arc<Load>> =
            (0..=REQUESTS / REQUESTS_PER_CONNECTION).map(|_| Arc::default()).collect();
        let mut running = Vec::new();
        for connection in &connections {
            while let Some(entered) = all.enter(connection, &client) {
                running.push(entered);
            }
        }
        assert_eq!((running.len(), all.running()), (REQUESTS, REQUESTS));
        assert!(all.enter(&Arc::default(), &client).is_none());
        assert!(all.enter(&Arc::default(), &Source::Environment("e".into())).is_some());
        running.pop();
        assert!(all.enter(&Arc::default(), &client).is_some());
    }

    #[test]
    fn a_connection_has_its_share() {
        let (all, connection) = (Arc::new(Load::default()), Arc::new(Load::default()));
        let enter = || all.enter(&connection, &Source::InProcess);
        let running: Vec<Running> = std::iter::from_fn(enter).collect();
        assert_eq!(running.len(), REQUESTS_PER_CONNECTION);
        drop(running);
        assert_eq!((all.running(), connection.running()), (0, 0));
    }
}
