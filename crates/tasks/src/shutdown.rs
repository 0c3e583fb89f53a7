use tokio::sync::watch;

/// Tells everyone that holds it when to stop. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Shutdown {
    sender: watch::Sender<bool>,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown::new()
    }
}

impl Shutdown {
    /// A shutdown that has not begun.
    pub fn new() -> Shutdown {
        Shutdown { sender: watch::Sender::new(false) }
    }

    /// Begins the shutdown; calling it again changes nothing.
    pub fn begin(&self) {
        self.sender.send_replace(true);
    }

    /// True once the shutdown has begun.
    pub fn has_begun(&self) -> bool {
        *self.sender.borrow()
    }

    /// Waits until the shutdown begins.
    pub async fn begun(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives in self, so waiting cannot fail.
        let _ = receiver.wait_for(|begun| *begun).await;
    }
}
