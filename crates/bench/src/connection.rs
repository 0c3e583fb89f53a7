//! A keep-alive connection over which whole requests are written and whole answers are read.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use crate::limits::{ANSWER, READ_BYTES};
use crate::message::{self, Answer, Read};

/// A connection and the bytes of answers that were read but not yet taken.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    /// Connects, without Nagle's delay.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER))?;
        Ok(Connection { stream, buffer: vec![0; READ_BYTES], filled: 0 })
    }

    /// From now on reads return at once; for use with epoll.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn set_nonblocking(&self) -> io::Result<()> {
        self.stream.set_nonblocking(true)
    }

    /// Writes a request. Where reads do not block it must fit into the socket's buffer.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// Reads what there is. Zero means that nothing is there yet, which only happens where reads do not block.
    ///
    /// # Errors
    /// When the connection broke or was closed.
    pub fn fill(&mut self) -> io::Result<usize> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = loop {
            match self.stream.read(&mut self.buffer[self.filled..]) {
                // A read with a time limit does not go on by itself after a freeze.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                self.filled += read;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Shows the next answer to `see` once it is whole, and drops it.
    ///
    /// # Errors
    /// When the bytes are no answer.
    pub fn take<T>(&mut self, see: impl FnOnce(&Answer<'_>) -> T) -> io::Result<Option<T>> {
        let read = message::read(&self.buffer[..self.filled])
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let (seen, taken) = match read {
            Read::Partial => return Ok(None),
            Read::Whole(answer, taken) => (see(&answer), taken),
        };
        self.buffer.copy_within(taken..self.filled, 0);
        self.filled -= taken;
        Ok(Some(seen))
    }

    /// Waits for the next answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn receive<T>(&mut self, mut see: impl FnMut(&Answer<'_>) -> T) -> io::Result<T> {
        loop {
            if let Some(seen) = self.take(&mut see)? {
                return Ok(seen);
            }
            self.fill()?;
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
