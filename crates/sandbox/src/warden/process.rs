//! A child of the warden: its process, its channel, what it was last told.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use anyhow::Context;
use rustix::event::PollFlags;
use rustix::process::{Pid, PidfdFlags, Signal};
use tasks::Tick;

use super::channel::{Channel, Packet, Unsent};
use super::message::Message;
use super::role::{self, Kind};

pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) channel: Channel,
    unsent: Unsent,
    pidfd: OwnedFd,
    /// Nothing more will come.
    heard_out: Cell<bool>,
    hung_up_at: Option<Tick>,
    /// When it came or was last given something to do.
    pub(crate) since: Tick,
}

impl Process {
    /// Starts a child and sends it its greeting.
    pub(crate) fn spawn<M: Message>(
        kind: Kind,
        greeting: &M,
        fds: &[BorrowedFd<'_>],
        now: Tick,
    ) -> anyhow::Result<Process> {
        let (child, channel) = role::spawn(kind)?;
        let pid = child.id();
        let known = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let known = known.context("a process id")?;
        // Not reaped yet, so the number is still its own.
        let pidfd = rustix::process::pidfd_open(known, PidfdFlags::empty())?;
        channel.send(&greeting.encode(), fds)?;
        Ok(Process {
            pid,
            channel,
            unsent: Unsent::default(),
            pidfd,
            heard_out: Cell::new(false),
            hung_up_at: None,
            since: now,
        })
    }

    /// Sends, or keeps until there is room. A child that does not read is killed.
    pub(crate) fn send<M: Message>(&mut self, message: &M, fds: Vec<OwnedFd>) {
        let packet = Packet { bytes: message.encode(), fds };
        let sent = self.unsent.send(&self.channel, packet);
        self.note(sent);
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self) {
        let sent = self.unsent.flush(&self.channel);
        self.note(sent);
    }

    fn note(&self, sent: io::Result<()>) {
        match sent {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                tracing::error!(pid = self.pid, "a process does not read its messages");
                self.kill();
            }
            // It is about to end by itself.
            Err(_) => self.heard_out.set(true),
        }
    }

    /// The next message; nothing when there is none now. A child that breaks the protocol is killed.
    pub(crate) fn receive<M: Message>(&self, buffer: &mut Vec<u8>) -> Option<(M, Vec<OwnedFd>)> {
        match self.channel.receive(buffer) {
            Ok(Some(packet)) => match M::decode(&packet.bytes) {
                Ok(message) => return Some((message, packet.fds)),
                Err(error) => {
                    tracing::error!(pid = self.pid, %error, "a process broke the protocol");
                    self.kill();
                }
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(None) | Err(_) => self.heard_out.set(true),
        }
        None
    }

    /// A child that hung up is about to end by itself; killed when it takes longer than `limit`.
    pub(crate) fn expect_end(&mut self, now: Tick, limit: Duration) {
        if self.heard_out.get() && now.since(*self.hung_up_at.get_or_insert(now)) >= limit {
            self.kill();
        }
    }

    /// When it hung up, as [`Process::expect_end`] noticed.
    pub(crate) fn hung_up_at(&self) -> Option<Tick> {
        self.hung_up_at
    }

    /// Kills it; its end is learned by reaping it.
    pub(crate) fn kill(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// What to wait for on its channel; nothing once it hung up, its end is learned otherwise.
    pub(crate) fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let out = if self.unsent.is_waiting() { PollFlags::OUT } else { PollFlags::empty() };
        (!self.heard_out.get()).then(|| (self.channel.as_fd(), PollFlags::IN | out))
    }

    /// Its pidfd, readable when it has ended.
    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}
