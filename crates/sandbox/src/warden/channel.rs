//! One end of a SOCK_SEQPACKET pair: whole messages of at most 64 KiB, with descriptors beside them.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use super::limits::{FDS_PER_MESSAGE, MESSAGE_BYTES, UNSENT_MESSAGES};

/// A message as it travels.
pub(crate) struct Packet {
    pub(crate) bytes: Vec<u8>,
    pub(crate) fds: Vec<OwnedFd>,
}

/// One end of a pair.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

impl Channel {
    /// Two connected ends, closed on exec.
    pub(crate) fn pair() -> io::Result<(Channel, Channel)> {
        let (a, b) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Channel(a), Channel(b)))
    }

    /// The descriptor itself.
    pub(crate) fn into_fd(self) -> OwnedFd {
        self.0
    }

    /// Takes an inherited descriptor for a channel; an error unless it is a seqpacket socket.
    pub(crate) fn from_fd(fd: OwnedFd) -> io::Result<Channel> {
        if rustix::net::sockopt::socket_type(&fd)? != SocketType::SEQPACKET {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Channel(fd))
    }

    /// Makes sending and receiving return `WouldBlock` instead of waiting.
    pub(crate) fn set_nonblocking(&self) -> io::Result<()> {
        let flags = rustix::fs::fcntl_getfl(&self.0)?;
        Ok(rustix::fs::fcntl_setfl(&self.0, flags | rustix::fs::OFlags::NONBLOCK)?)
    }

    /// Sends one message. The descriptors stay the caller's.
    pub(crate) fn send<F: AsFd>(&self, bytes: &[u8], fds: &[F]) -> io::Result<()> {
        if bytes.len() > MESSAGE_BYTES || fds.len() > FDS_PER_MESSAGE {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let borrowed: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_PER_MESSAGE))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !borrowed.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&borrowed));
        }
        loop {
            let sent =
                rustix::net::sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL);
            match sent {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Receives one message; `None` when the other end is closed. A message that does not fit is an error.
    pub(crate) fn receive(&self, buffer: &mut Vec<u8>) -> io::Result<Option<Packet>> {
        buffer.resize(MESSAGE_BYTES, 0);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_PER_MESSAGE))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let received = rustix::net::recvmsg(
                &self.0,
                &mut [IoSliceMut::new(buffer)],
                &mut control,
                RecvFlags::CMSG_CLOEXEC,
            );
            match received {
                Err(rustix::io::Errno::INTR) => {}
                // The peer died with messages of ours unread.
                Err(rustix::io::Errno::CONNRESET) => return Ok(None),
                other => break other?,
            }
        };
        let mut fds = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                fds.extend(rights);
            }
        }
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // No message of ours is empty, so nothing received is the end.
        if received.bytes == 0 {
            return Ok(None);
        }
        Ok(Some(Packet { bytes: buffer[..received.bytes].to_vec(), fds }))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Channel {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Messages that wait for room in the socket.
#[derive(Default)]
pub(crate) struct Unsent(VecDeque<Packet>);

impl Unsent {
    /// Sends the packet, or keeps it when the socket is full. An error when the peer is gone or reads nothing any more.
    pub(crate) fn send(&mut self, channel: &Channel, packet: Packet) -> io::Result<()> {
        if self.0.len() >= UNSENT_MESSAGES {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.0.push_back(packet);
        self.flush(channel)
    }

    /// Sends what has room.
    pub(crate) fn flush(&mut self, channel: &Channel) -> io::Result<()> {
        while let Some(packet) = self.0.front() {
            match channel.send(&packet.bytes, &packet.fds) {
                Ok(()) => drop(self.0.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// True when something waits.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_message_arrives_whole_with_its_descriptors_and_the_end_is_seen() {
        let (a, b) = Channel::pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        a.send(b"one", &[OwnedFd::from(writer)]).unwrap();
        a.send::<OwnedFd>(&vec![7; MESSAGE_BYTES], &[]).unwrap();
        let mut buffer = Vec::new();
        let packet = b.receive(&mut buffer).unwrap().unwrap();
        assert_eq!(packet.bytes, b"one");
        let fd = packet.fds.into_iter().next().unwrap();
        assert!(rustix::io::fcntl_getfd(&fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
        io::PipeWriter::from(fd).write_all(b"through").unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        assert_eq!(b.receive(&mut buffer).unwrap().unwrap().bytes.len(), MESSAGE_BYTES);
        assert!(a.send::<OwnedFd>(&vec![7; MESSAGE_BYTES + 1], &[]).is_err());
        drop(a);
        assert!(b.receive(&mut buffer).unwrap().is_none());
    }

    #[test]
    fn a_peer_that_reads_nothing_is_noticed_and_nothing_blocks() {
        let (a, _b) = Channel::pair().unwrap();
        a.set_nonblocking().unwrap();
        let mut unsent = Unsent::default();
        let refused = (0..100_000)
            .find_map(|_| unsent.send(&a, Packet { bytes: vec![0; 1024], fds: Vec::new() }).err())
            .unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::OutOfMemory);
        assert!(unsent.is_waiting());
    }
}
