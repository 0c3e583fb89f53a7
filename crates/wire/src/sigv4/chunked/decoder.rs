use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use super::super::chain::{Chain, OF_PAYLOAD, OF_TRAILER};
use super::super::checksum::Value;
use super::super::key::Hex;
use super::super::line::Line;
use super::super::{BodyHash, Claim, Parts, SigningKey, Stamp, X_AMZ_DECODED_CONTENT_LENGTH};
use super::trailer::Trailer;
use super::{Broken, Mode};
use crate::limits::{
    CHUNK_HEAD_BYTES, HELD_PIECE_BYTES, SIGNED_CHUNK_BYTES, SMALLEST_CHUNK_BYTES, TRAILER_BYTES,
};

/// Takes a framed body in any pieces and gives back what is in the frames.
pub struct Decoder {
    mode: Mode,
    /// The signatures of chunks and trailer, when they are signed.
    seal: Option<Seal>,
    state: State,
    line: Line,
    trailer: Trailer,
    /// What the header says that all data will be.
    stated: u64,
    /// The data of all chunks that have begun.
    begun: u64,
    /// How many chunks have begun, and how long the last one is.
    chunks: u64,
    size: u64,
    ready: VecDeque<Bytes>,
}

/// What a framed body was, at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How much data was in the frames.
    pub bytes: u64,
    /// The checksum that came in the trailer and fits the data.
    pub checksum: Option<Value>,
}

enum State {
    /// In the line before a chunk's data.
    Head,
    /// So many bytes of data are to come.
    Data { left: u64 },
    /// In the line end after a chunk's data.
    DataEnd,
    /// In the trailer, or in the empty line that ends the body.
    Trailer,
    /// At the end; a further line end may follow.
    Done(Option<Value>),
    /// It was refused.
    Refused,
}

struct Seal {
    chain: Chain,
    stamp: Stamp,
    /// Of the chunk's data.
    hash: Sha256,
    /// The chunk's signature as it was sent.
    provided: Vec<u8>,
    held: Held,
}

/// The data of a chunk that is not verified yet.
#[derive(Default)]
struct Held {
    whole: VecDeque<Bytes>,
    small: BytesMut,
}

impl Decoder {
    /// Begins with a request whose head was verified with this key.
    ///
    /// Refuses a request that does not say how long its data is, or announces a trailer that cannot be.
    pub fn of(claim: &Claim<'_>, parts: &Parts<'_>, key: &SigningKey, mode: Mode) -> Result<Decoder, Broken> {
        let seal = mode.is_signed().then(|| Seal {
            chain: Chain::of(claim, key),
            stamp: claim.stamp,
            hash: Sha256::new(),
            provided: Vec::new(),
            held: Held::default(),
        });
        Ok(Decoder { seal, ..Decoder::unverified(parts, mode)? })
    }

    /// Begins with a request that nobody verifies: signatures of chunks and trailer are not looked at, checksums are.
    ///
    /// Refuses what [`Decoder::of`] refuses.
    pub fn unverified(parts: &Parts<'_>, mode: Mode) -> Result<Decoder, Broken> {
        let text = parts.header(&X_AMZ_DECODED_CONTENT_LENGTH).unwrap_or_default();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let stated = text.parse().ok().filter(|_| digits).ok_or(Broken::LengthMissing)?;
        let trailer =
            if mode.has_trailer() { Trailer::announced(parts.headers)? } else { Trailer::default() };
        Ok(Decoder {
            mode,
            seal: None,
            state: State::Head,
            line: Line::default(),
            trailer,
            stated,
            begun: 0,
            chunks: 0,
            size: 0,
            ready: VecDeque::new(),
        })
    }

    /// How much data there is according to the request.
    pub fn stated_bytes(&self) -> u64 {
        self.stated
    }

    /// How many bytes are held until their signature is verified, or until they are taken out.
    pub fn held(&self) -> usize {
        let unverified = self
            .seal
            .as_ref()
            .map_or(0, |seal| seal.held.small.len() + seal.held.whole.iter().map(Bytes::len).sum::<usize>());
        unverified + self.ready.iter().map(Bytes::len).sum::<usize>()
    }

    /// Takes from `input` and gives the next piece of data; `None` when it needs more input. A piece is never empty.
    ///
    /// What was refused once stays refused: no further data comes out.
    pub fn decode(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, Broken> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            if input.is_empty() {
                return Ok(None);
            }
            match self.step(input) {
                Ok(None) => {}
                Ok(Some(piece)) => return Ok(Some(piece)),
                Err(broken) => {
                    self.state = State::Refused;
                    return Err(broken);
                }
            }
        }
    }

    /// The end of the body. Refuses one that ended too early.
    pub fn end(self) -> Result<Ended, Broken> {
        match self.state {
            State::Done(checksum) if self.ready.is_empty() => Ok(Ended { bytes: self.begun, checksum }),
            _ => Err(Broken::Frames),
        }
    }

    fn step(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, Broken> {
        match self.state {
            State::Head => {
                if let Some(line) = self.crlf_line(input, CHUNK_HEAD_BYTES)? {
                    self.begin(&line)?;
                }
                Ok(None)
            }
            State::Data { left } => Ok(self.data(input, left)),
            State::DataEnd => {
                if let Some(line) = self.crlf_line(input, 1)? {
                    if !line.is_empty() {
                        return Err(Broken::Frames);
                    }
                    self.verify_chunk()?;
                    self.state = State::Head;
                }
                Ok(None)
            }
            State::Trailer => {
                let line = self.line.take(input, TRAILER_BYTES).map_err(|_| Broken::Trailer)?;
                // Documentation shows trailers that end with a bare LF before the CRLF.
                match line.as_deref().map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
                    None => {}
                    Some(b"") => self.end_of_trailer()?,
                    Some(line) => self.trailer.line(line)?,
                }
                Ok(None)
            }
            State::Done(_) => {
                let line = self.line.take(input, 1).map_err(|_| Broken::Frames)?;
                match line.as_deref() {
                    None | Some(b"\r" | b"") => Ok(None),
                    Some(_) => Err(Broken::Frames),
                }
            }
            State::Refused => Err(Broken::Frames),
        }
    }

    /// A line that ends with CRLF, without it.
    fn crlf_line(&mut self, input: &mut Bytes, limit: usize) -> Result<Option<Vec<u8>>, Broken> {
        let Some(mut line) = self.line.take(input, limit).map_err(|_| Broken::Frames)? else {
            return Ok(None);
        };
        if line.pop() == Some(b'\r') { Ok(Some(line)) } else { Err(Broken::Frames) }
    }

    /// Begins a chunk with its line `size;chunk-signature=…`.
    fn begin(&mut self, line: &[u8]) -> Result<(), Broken> {
        let mut words = line.split(|byte| *byte == b';');
        let size = words.next().and_then(size).ok_or(Broken::Frames)?;
        if let Some(seal) = &mut self.seal {
            let signature = words.find_map(|word| word.trim_ascii().strip_prefix(b"chunk-signature="));
            seal.provided = signature.unwrap_or_default().to_vec();
        }
        let (last, chunk) = (self.size, self.chunks + 1);
        if size == 0 {
            if self.begun != self.stated {
                return Err(Broken::Length { stated: self.stated, provided: self.begun });
            }
            self.verify_chunk()?;
            self.state = State::Trailer;
            return Ok(());
        }
        if self.chunks > 0 && last < SMALLEST_CHUNK_BYTES {
            return Err(Broken::ChunkTooSmall { chunk, bytes: last });
        }
        if self.seal.is_some() && size > SIGNED_CHUNK_BYTES {
            return Err(Broken::ChunkTooLarge { chunk, bytes: size });
        }
        let begun = self.begun.saturating_add(size);
        if begun > self.stated {
            return Err(Broken::Length { stated: self.stated, provided: begun });
        }
        (self.begun, self.chunks, self.size) = (begun, chunk, size);
        self.state = State::Data { left: size };
        Ok(())
    }

    /// Takes data of a chunk; gives it out at once when nobody signed it.
    fn data(&mut self, input: &mut Bytes, left: u64) -> Option<Bytes> {
        let taken = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let piece = input.split_to(taken);
        self.trailer.update(&piece);
        self.state = match left - taken as u64 {
            0 => State::DataEnd,
            left => State::Data { left },
        };
        let Some(seal) = &mut self.seal else { return Some(piece) };
        seal.hash.update(&piece);
        seal.held.push(piece);
        None
    }

    /// Verifies the chunk that has ended, and only then makes its data ready.
    fn verify_chunk(&mut self) -> Result<(), Broken> {
        let Some(seal) = &mut self.seal else { return Ok(()) };
        let hash = Hex::of(&seal.hash.finalize_reset().into());
        let hashes = [BodyHash::EMPTY.digits(), hash];
        seal.chain.verify(OF_PAYLOAD, &seal.stamp, &hashes, &seal.provided).map_err(Broken::Signature)?;
        self.ready = seal.held.take();
        Ok(())
    }

    fn end_of_trailer(&mut self) -> Result<(), Broken> {
        if self.mode == Mode::SignedTrailer {
            // Documentation shows an empty line before the signature too.
            if !self.trailer.is_signed() && !self.trailer.is_empty() {
                return self.trailer.blank();
            }
            let (provided, hash) = self.trailer.signature()?;
            if let Some(Seal { chain, stamp, .. }) = &mut self.seal {
                chain.verify(OF_TRAILER, stamp, &[hash], provided.as_bytes()).map_err(Broken::Signature)?;
            }
        }
        let checksum = std::mem::take(&mut self.trailer).end()?;
        self.state = State::Done(checksum);
        Ok(())
    }
}

impl Held {
    /// Small pieces are copied together: each alone can keep a whole buffer of the connection.
    fn push(&mut self, piece: Bytes) {
        if piece.len() < HELD_PIECE_BYTES {
            self.small.extend_from_slice(&piece);
            if self.small.len() < HELD_PIECE_BYTES {
                return;
            }
            self.whole.push_back(self.small.split().freeze());
        } else {
            self.flush();
            self.whole.push_back(piece);
        }
    }

    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.whole.push_back(self.small.split().freeze());
        }
    }

    fn take(&mut self) -> VecDeque<Bytes> {
        self.flush();
        std::mem::take(&mut self.whole)
    }
}

/// A size of 1 to 16 hexadecimal digits.
fn size(digits: &[u8]) -> Option<u64> {
    let digits = digits.trim_ascii();
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let mut size = 0;
    for digit in digits {
        size = size << 4 | u64::from(char::from(*digit).to_digit(16)?);
    }
    Some(size)
}
