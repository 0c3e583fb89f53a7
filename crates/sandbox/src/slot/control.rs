//! Messages between a maker and the init of a box, over a SOCK_SEQPACKET pair. Neither side allocates here: init may be
//! the copy of a process that had other threads.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Result;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

/// Descriptors of one message, at most.
pub(super) const FDS: usize = 10;

/// First byte of a message to init.
pub(super) mod to_init {
    /// The ids are mapped. With the mount of `/tmp`, then one of each cgroup view.
    pub(crate) const MAPPED: u8 = b'M';
    /// The slot child is in its groups.
    pub(crate) const GROUPED: u8 = b'G';
    /// Start: see [`super::Start`].
    pub(crate) const START: u8 = b'S';
}

/// First byte of a message from init.
pub(super) mod from_init {
    /// The slot child exists. With the two listeners and the child's pidfd.
    pub(crate) const CHILD: u8 = b'C';
    /// It waits, without privileges.
    pub(crate) const WAITS: u8 = b'W';
    /// It was told to execute.
    pub(crate) const STARTED: u8 = b'O';
    /// A step failed: four bytes of errno, then its name.
    pub(crate) const FAILED: u8 = b'E';
}

/// The head of a START message; the environment follows, and descriptors in this order: the root, `/tmp` if it is
/// exchanged, `/var/task` if there is one, the layers from the lowest up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// [`super::child`] knows its values.
    pub command: u8,
    pub tmp: bool,
    pub task: bool,
    pub layers: u8,
}

impl Start {
    pub(super) const BYTES: usize = 5;

    pub(super) fn to_bytes(self) -> [u8; Start::BYTES] {
        [to_init::START, self.command, u8::from(self.tmp), u8::from(self.task), self.layers]
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Start> {
        match *bytes {
            [to_init::START, command, tmp, task, layers, ..] => {
                Some(Start { command, tmp: tmp != 0, task: task != 0, layers })
            }
            _ => None,
        }
    }
}

/// What [`receive`] got.
pub(super) struct Received {
    /// Bytes in the buffer; 0 at the end of the connection.
    pub bytes: usize,
    /// Descriptors, in order.
    pub fds: [Option<OwnedFd>; FDS],
}

/// Sends one message.
pub(super) fn send(socket: BorrowedFd<'_>, parts: &[&[u8]], fds: &[BorrowedFd<'_>]) -> Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(rustix::io::Errno::TOOBIG);
    }
    let empty: &[u8] = &[];
    let mut slices = [IoSlice::new(empty); 2];
    for (slice, part) in slices.iter_mut().zip(parts) {
        *slice = IoSlice::new(part);
    }
    rustix::io::retry_on_intr(|| rustix::net::sendmsg(socket, &slices, &mut ancillary, SendFlags::NOSIGNAL))
        .map(drop)
}

/// Waits for one message.
pub(super) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Received> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(buffer)];
    let message = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(socket, &mut slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC)
    })?;
    let mut received = Received { bytes: message.bytes, fds: [const { None }; FDS] };
    let mut next = received.fds.iter_mut();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            for (fd, place) in fds.zip(&mut next) {
                *place = Some(fd);
            }
        }
    }
    Ok(received)
}
