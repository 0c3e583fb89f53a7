//! The server's line to the warden: many requests in flight, answers in any order.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use tasks::{Clock, OnError, Tasks};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, Semaphore, oneshot, watch};

use crate::limits::{ENVIRONMENT_BYTES, LAYERS};
use crate::{Driver, KeepTmp, Packs, Slot, Spec, StartError, Tmp};

use super::channel::{Channel, Packet, Unsent};
use super::handle;
use super::limits::{CLOSE, START, STARTS_IN_FLIGHT};
use super::message::{Made, Message, Order, PackList, Refusal, ToServer, ToWarden};
use super::role::{Line, sealed_memfd};

/// Makes real boxes by asking the warden. Cloning shares the line.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

pub(crate) struct Inner {
    channel: AsyncFd<Channel>,
    unsent: Mutex<Unsent>,
    /// Something waits for room in the socket.
    waits: Notify,
    starts: Mutex<BTreeMap<u32, oneshot::Sender<Result<Arrived, StartError>>>>,
    closes: Mutex<BTreeMap<u32, oneshot::Sender<Option<u32>>>>,
    next: AtomicU32,
    in_flight: Semaphore,
    packs: watch::Sender<Packs>,
    clock: Clock,
}

/// A box that arrived. Dropping it before it becomes a [`Slot`] closes it.
pub(crate) struct Arrived {
    pub(crate) made: Made,
    pub(crate) fds: Vec<OwnedFd>,
    pub(crate) owned: Owned,
}

/// The duty to close a box.
pub(crate) struct Owned {
    client: Client,
    slot: Option<u32>,
}

impl Client {
    /// Puts the line to the warden to work on the current tokio runtime. When the warden asks for the drain, the
    /// shutdown of `tasks` begins; likewise when the warden is gone, and then the process is about to be killed.
    ///
    /// # Errors
    /// The reactor refuses the descriptor.
    pub fn open(line: Line, tasks: &Tasks, clock: &Clock) -> io::Result<Client> {
        line.0.set_nonblocking()?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        // SAFETY: a channel owns its descriptor, always the same one, until it is dropped.
        let channel = unsafe { AsyncFd::register_with_interest(line.0, interest) }?;
        let inner = Arc::new(Inner {
            channel,
            unsent: Mutex::default(),
            waits: Notify::new(),
            starts: Mutex::default(),
            closes: Mutex::default(),
            next: AtomicU32::new(1),
            in_flight: Semaphore::new(STARTS_IN_FLIGHT),
            packs: watch::Sender::new(Packs { preparing: true, ..Packs::default() }),
            clock: clock.clone(),
        });
        let client = Client(inner);
        let (reading, writing) = (client.clone(), client.clone());
        let shutdown = tasks.shutdown().clone();
        tasks.spawn("warden", OnError::Stop, async move { reading.read(&shutdown).await });
        tasks.spawn("warden-out", OnError::Stop, async move { writing.write().await });
        Ok(client)
    }

    /// Tells the warden that requests are served.
    ///
    /// # Errors
    /// The warden is gone.
    pub fn ready(&self) -> io::Result<()> {
        self.send(&ToWarden::Ready, Vec::new())
    }

    async fn read(&self, shutdown: &tasks::Shutdown) -> anyhow::Result<()> {
        let mut buffer = Vec::new();
        loop {
            let mut guard = self.0.channel.readable().await?;
            let Ok(received) = guard.try_io(|channel| channel.get_ref().receive(&mut buffer)) else {
                continue;
            };
            let packet = received?.context("the warden is gone")?;
            match ToServer::decode(&packet.bytes)? {
                ToServer::Hello(_) => anyhow::bail!("a second greeting"),
                ToServer::Drain => shutdown.begin(),
                ToServer::Started { request, made } => self.started(request, made, packet.fds),
                ToServer::Refused { request, why } => {
                    if let Some(waiting) = lock(&self.0.starts).remove(&request) {
                        let _ = waiting.send(Err(why.into()));
                    }
                }
                ToServer::Closed { request, tmp } => self.closed(request, tmp),
                ToServer::Packs(list) => {
                    self.0.packs.send_replace(list.into());
                }
            }
        }
    }

    async fn write(&self) -> anyhow::Result<()> {
        loop {
            self.0.waits.notified().await;
            while lock(&self.0.unsent).is_waiting() {
                let mut guard = self.0.channel.writable().await?;
                let mut unsent = lock(&self.0.unsent);
                unsent.flush(self.0.channel.get_ref())?;
                if unsent.is_waiting() {
                    guard.clear_ready();
                }
            }
        }
    }

    fn started(&self, request: u32, made: Made, fds: Vec<OwnedFd>) {
        let owned = Owned { client: self.clone(), slot: Some(made.slot) };
        let arrived = Arrived { made, fds, owned };
        // Nobody waits any more: dropped, it closes itself.
        if let Some(waiting) = lock(&self.0.starts).remove(&request) {
            let _ = waiting.send(Ok(arrived));
        }
    }

    fn closed(&self, request: u32, tmp: Option<u32>) {
        let waiting = lock(&self.0.closes).remove(&request);
        if let Err(Some(unclaimed)) = waiting.map_or(Err(tmp), |waiting| waiting.send(tmp)) {
            self.release(unclaimed);
        }
    }

    fn send(&self, message: &ToWarden, fds: Vec<OwnedFd>) -> io::Result<()> {
        let mut unsent = lock(&self.0.unsent);
        unsent.send(self.0.channel.get_ref(), Packet { bytes: message.encode(), fds })?;
        if unsent.is_waiting() {
            self.0.waits.notify_one();
        }
        Ok(())
    }

    fn release(&self, tmp: u32) {
        // Without a warden there is nothing left to release.
        let _ = self.send(&ToWarden::Release { tmp }, Vec::new());
    }

    /// A number for the next request, never 0.
    fn request(&self) -> u32 {
        self.0
            .next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| Some(n.checked_add(1).unwrap_or(1)))
            .unwrap_or(1)
    }

    async fn start_box(&self, spec: Spec) -> Result<Slot, StartError> {
        let environment = encode(&spec.environment)?;
        if spec.layers.len() > LAYERS {
            return Err(anyhow::anyhow!("{} layers", spec.layers.len()).into());
        }
        let environment = sealed_memfd("environment", &environment).context("make the environment")?;
        let wait = async {
            let _turn = self.0.in_flight.acquire().await.context("the line is closed")?;
            let request = self.request();
            let (sender, receiver) = oneshot::channel();
            lock(&self.0.starts).insert(request, sender);
            // Whoever stops waiting takes the entry along; what arrives later closes itself.
            let _entry = Entry { client: self, request };
            let order = Order {
                pack: spec.pack,
                task: spec.task,
                layers: spec.layers,
                command: spec.command,
                memory_mb: spec.memory_mb,
                tmp_mb: spec.tmp_mb,
                // From here on the warden looks after it; given up before, it is released by its drop.
                tmp: spec.tmp.and_then(Kept::take),
            };
            self.send(&ToWarden::Start { request, order }, vec![environment]).context("ask the warden")?;
            receiver.await.context("the warden is gone")?
        };
        let arrived = self.0.clock.within(START, wait).await.context("the warden does not answer")??;
        Ok(handle::slot(arrived)?)
    }
}

impl Driver for Client {
    fn start(&self, spec: Spec) -> Pin<Box<dyn Future<Output = Result<Slot, StartError>> + Send + '_>> {
        Box::pin(self.start_box(spec))
    }

    fn packs(&self) -> watch::Receiver<Packs> {
        self.0.packs.subscribe()
    }
}

struct Entry<'a> {
    client: &'a Client,
    request: u32,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        lock(&self.client.0.starts).remove(&self.request);
    }
}

impl Owned {
    /// Closes the box and waits until nothing of it is left.
    pub(crate) async fn close(mut self, keep: KeepTmp) -> Option<Tmp> {
        let slot = self.slot.take()?;
        let client = self.client.clone();
        let request = client.request();
        let (sender, receiver) = oneshot::channel();
        lock(&client.0.closes).insert(request, sender);
        client.send(&ToWarden::Close { request, slot, keep }, Vec::new()).ok()?;
        // Given up, the entry stays, so that a /tmp that arrives later is released.
        let tmp = client.0.clock.within(CLOSE, receiver).await.ok()?.ok()??;
        Some(Tmp(Box::new(Kept { client, tmp: Some(tmp) })))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            let close = ToWarden::Close { request: 0, slot, keep: KeepTmp::No };
            // Without a warden there is nothing left to close.
            let _ = self.client.send(&close, Vec::new());
        }
    }
}

/// What a [`Tmp`] of this driver holds.
struct Kept {
    client: Client,
    tmp: Option<u32>,
}

impl Kept {
    fn take(tmp: Tmp) -> Option<u32> {
        // A name of another driver means nothing here.
        tmp.0.downcast::<Kept>().ok()?.tmp.take()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(tmp) = self.tmp {
            self.client.release(tmp);
        }
    }
}

/// `NAME=value` strings, each ended by NUL.
fn encode(variables: &[(String, String)]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for (name, value) in variables {
        let sound = !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
        anyhow::ensure!(sound, "the variable {name:?} cannot be in an environment");
        bytes.extend([name.as_bytes(), b"=", value.as_bytes(), b"\0"].concat());
    }
    anyhow::ensure!(bytes.len() <= ENVIRONMENT_BYTES, "the environment has {} bytes", bytes.len());
    Ok(bytes)
}

impl From<Refusal> for StartError {
    fn from(why: Refusal) -> StartError {
        match why {
            Refusal::Full => StartError::Full,
            Refusal::Missing(what) => StartError::Missing(what),
            Refusal::Failed(why) => StartError::Failed(anyhow::Error::msg(why)),
        }
    }
}

impl From<PackList> for Packs {
    fn from(list: PackList) -> Packs {
        Packs { installed: Arc::new(list.packs), preparing: list.preparing }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
