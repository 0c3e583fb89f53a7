//! What a function writes to standard output and error, cut into log lines.
//!
//! A line ends at a newline or after 256 KiB. Our bootstraps also write *frames*, the form that AWS's runtime clients
//! use on their log descriptor (reference 3.6): a message of several lines then stays one event.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use sandbox::{Output, Reading};
use tokio::io::{AsyncRead, ReadBuf};

use crate::limits;

/// The first three bytes of a frame; the fourth is its kind and level. No text contains them: 0xA5 cannot follow ASCII
/// in UTF-8, and NUL follows no letter.
const FRAME: [u8; 3] = [0xA5, 0x5A, 0x00];
/// Kind, length, microseconds.
const FRAME_HEAD: usize = 16;

/// Cuts a stream of bytes into messages.
#[derive(Default)]
pub(crate) struct Splitter {
    buffer: BytesMut,
    /// How much of the buffer is known to hold neither newline nor frame.
    searched: usize,
}

impl Splitter {
    /// Takes bytes and hands out every message that is complete.
    pub(crate) fn push(&mut self, bytes: &[u8], mut message: impl FnMut(Bytes)) {
        self.buffer.extend_from_slice(bytes);
        while let Some(next) = self.next() {
            message(next);
        }
    }

    /// Hands out what is left as a message of its own.
    pub(crate) fn flush(&mut self, message: impl FnOnce(Bytes)) {
        self.searched = 0;
        if !self.buffer.is_empty() {
            message(self.buffer.split().freeze());
        }
    }

    fn next(&mut self) -> Option<Bytes> {
        if self.buffer.starts_with(&FRAME) {
            match frame_length(&self.buffer) {
                Framed::Whole(length) => {
                    self.buffer.advance(FRAME_HEAD);
                    return Some(self.take(length, 0));
                }
                Framed::Partial => return None,
                Framed::No => {}
            }
        }
        loop {
            let rest = &self.buffer[self.searched..];
            let Some(found) = rest.iter().position(|byte| matches!(byte, b'\n' | 0xA5)) else {
                self.searched = self.buffer.len();
                return (self.buffer.len() >= limits::LINE_BYTES).then(|| self.take(limits::LINE_BYTES, 0));
            };
            let at = self.searched + found;
            if at >= limits::LINE_BYTES {
                return Some(self.take(limits::LINE_BYTES, 0));
            }
            let rest = &self.buffer[at..];
            if rest[0] == b'\n' {
                return Some(self.take(at, 1));
            }
            if rest.len() < FRAME.len() && FRAME.starts_with(rest) {
                self.searched = at;
                return None;
            }
            // A frame ends the line before it; one at the start was found not to be a frame above.
            if at > 0 && rest.starts_with(&FRAME) {
                return Some(self.take(at, 0));
            }
            self.searched = at + 1;
        }
    }

    fn take(&mut self, length: usize, separator: usize) -> Bytes {
        self.searched = 0;
        let message = self.buffer.split_to(length).freeze();
        self.buffer.advance(separator);
        message
    }
}

enum Framed {
    Whole(usize),
    Partial,
    No,
}

fn frame_length(buffer: &[u8]) -> Framed {
    let Some(head) = buffer.first_chunk::<FRAME_HEAD>() else { return Framed::Partial };
    let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
    if length == 0 || length > limits::LINE_BYTES {
        return Framed::No;
    }
    if buffer.len() < FRAME_HEAD + length { Framed::Partial } else { Framed::Whole(length) }
}

/// The last 4 KB of a call's log.
#[derive(Default)]
pub(crate) struct Tail(Vec<u8>);

impl Tail {
    /// Takes one line.
    pub(crate) fn push(&mut self, line: &[u8]) {
        let line = &line[line.len().saturating_sub(limits::TAIL_BYTES)..];
        self.0.extend_from_slice(line);
        self.0.push(b'\n');
        let excess = self.0.len().saturating_sub(limits::TAIL_BYTES);
        self.0.drain(..excess);
    }

    /// The bytes, newlines included.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from(self.0)
    }
}

/// Both outputs of a box.
pub(crate) struct Outputs {
    sources: [Source; 2],
    scratch: Box<[u8]>,
}

struct Source {
    reading: Option<Reading>,
    splitter: Splitter,
}

/// How long to go on reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A fair share.
    Turn,
    /// Whatever is there, before END is written.
    All,
}

impl Outputs {
    /// Registers the outputs with the current runtime.
    pub(crate) fn new(stdout: Output, stderr: Output) -> std::io::Result<Outputs> {
        let source = |output: Output| -> std::io::Result<Source> {
            Ok(Source { reading: Some(output.reading()?), splitter: Splitter::default() })
        };
        let scratch = vec![0; limits::READ_BYTES].into_boxed_slice();
        Ok(Outputs { sources: [source(stdout)?, source(stderr)?], scratch })
    }

    /// Reads what is there and hands out complete messages. Wakes the task when more comes.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, extent: Extent, mut message: impl FnMut(Bytes)) {
        let reads = match extent {
            Extent::Turn => limits::READS_PER_TURN,
            Extent::All => limits::READS_BEFORE_END,
        };
        for source in &mut self.sources {
            source.poll(cx, reads, &mut self.scratch, &mut message);
        }
    }

    /// Hands out unfinished lines.
    pub(crate) fn flush(&mut self, mut message: impl FnMut(Bytes)) {
        for source in &mut self.sources {
            source.splitter.flush(&mut message);
        }
    }
}

impl Source {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        reads: usize,
        scratch: &mut [u8],
        message: &mut impl FnMut(Bytes),
    ) {
        for _ in 0..reads {
            let Some(reading) = &mut self.reading else { return };
            let mut buffer = ReadBuf::new(scratch);
            match Pin::new(reading).poll_read(cx, &mut buffer) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.splitter.push(buffer.filled(), &mut *message);
                }
                // End of file, or a pipe that cannot be read: nothing more comes.
                Poll::Ready(_) => self.reading = None,
            }
        }
        // There may be more, and nobody would wake us for it.
        cx.waker().wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut splitter = Splitter::default();
        let mut messages = Vec::new();
        for piece in pieces {
            splitter.push(piece, |message| messages.push(message.to_vec()));
        }
        splitter.flush(|message| messages.push(message.to_vec()));
        messages
    }

    fn frame(message: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xA5, 0x5A, 0x00, 0x03];
        bytes.extend((message.len() as u32).to_be_bytes());
        bytes.extend([0; 8]);
        bytes.extend(message);
        bytes
    }

    #[test]
    fn lines_are_cut_at_newlines_and_what_is_left_is_a_line_too() {
        assert_eq!(split(&[b"a\nb", b"c\n\nd"]), [&b"a"[..], b"bc", b"", b"d"]);
        assert_eq!(split(&[b""]), Vec::<Vec<u8>>::new());
        assert_eq!(split(&[b"caf\xc3\xa9 \xc2\xa5Z\n"]), [b"caf\xc3\xa9 \xc2\xa5Z"]);
    }

    #[test]
    fn a_line_is_at_most_256_kib() {
        let long = vec![b'x'; limits::LINE_BYTES + 10];
        let messages = split(&[&long, b"\nnext\n"]);
        assert_eq!(messages.iter().map(Vec::len).collect::<Vec<_>>(), [limits::LINE_BYTES, 10, 4]);
    }

    #[test]
    fn a_frame_keeps_its_newlines_and_ends_the_line_before_it() {
        let mut bytes = b"before\nunfinished".to_vec();
        bytes.extend(frame(b"[ERROR] a\nb"));
        bytes.extend(b"after\n");
        for cut in 0..bytes.len() {
            let messages = split(&[&bytes[..cut], &bytes[cut..]]);
            assert_eq!(messages, [&b"before"[..], b"unfinished", b"[ERROR] a\nb", b"after"], "cut at {cut}");
        }
    }

    #[test]
    fn a_frame_that_claims_too_much_is_ordinary_output() {
        let mut bytes = vec![0xA5, 0x5A, 0x00, 0x03, 0xff, 0xff, 0xff, 0xff];
        bytes.extend([0; 8]);
        bytes.extend(b"x\n");
        assert_eq!(split(&[&bytes]).len(), 1);
    }

    #[test]
    fn the_tail_is_the_last_4_kib() {
        let mut tail = Tail::default();
        tail.push(&[b'a'; 10_000]);
        tail.push(b"end");
        let bytes = tail.into_bytes();
        assert_eq!(bytes.len(), limits::TAIL_BYTES);
        assert!(bytes.ends_with(b"a\nend\n"));
    }

    #[test]
    fn bytes_that_only_begin_like_frames_are_ordinary_output() {
        let bytes = vec![0xA5; limits::LINE_BYTES];
        assert_eq!(split(&[&bytes]).len(), 1);
    }

    proptest! {
        #[test]
        fn how_bytes_arrive_does_not_matter(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(0xA5), Just(0x5A), Just(0), Just(3), Just(b'x')], 0..200),
            cuts in prop::collection::vec(0usize..200, 0..5),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(split(&pieces), split(&[&bytes]));
        }
    }
}
