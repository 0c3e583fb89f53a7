//! Messages of `application/vnd.amazon.eventstream`: headers and a payload between two checksums.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use flate2::Crc;

use crate::limits::{FRAME_BYTES, FRAME_HEADER_BYTES};

/// The media type.
pub const MEDIA_TYPE: &str = "application/vnd.amazon.eventstream";

/// One message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// The headers in their order.
    pub headers: Vec<(String, Header)>,
    /// What the headers speak of.
    pub payload: Bytes,
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// A boolean.
    Bool(bool),
    /// 8 bits.
    Byte(i8),
    /// 16 bits.
    Short(i16),
    /// 32 bits.
    Integer(i32),
    /// 64 bits.
    Long(i64),
    /// Bytes, up to 65,535.
    Bytes(Bytes),
    /// A string of up to 65,535 bytes.
    Text(String),
    /// Milliseconds since the epoch.
    Timestamp(i64),
    /// A UUID.
    Uuid([u8; 16]),
}

/// Bytes that are no message, or a message beyond the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// Total length, length of the headers, their checksum.
const PRELUDE: usize = 12;

/// The least message: a prelude and the checksum of it all.
const LEAST: usize = PRELUDE + 4;

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

impl Message {
    /// The text of a header.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|(known, value)| match value {
            Header::Text(text) if known == name => Some(text.as_str()),
            _ => None,
        })
    }

    /// Adds a header of text.
    pub fn with(mut self, name: &str, text: impl Into<String>) -> Message {
        self.headers.push((name.to_owned(), Header::Text(text.into())));
        self
    }

    /// Writes the message.
    ///
    /// # Errors
    /// When a name has no or more than 255 bytes, a value has more than 65,535, or all of them are beyond the limits.
    pub fn encode(&self) -> Result<Bytes, Broken> {
        let mut headers = Vec::with_capacity(128);
        for (name, value) in &self.headers {
            let length = u8::try_from(name.len()).ok().filter(|length| *length > 0).ok_or(Broken)?;
            headers.put_u8(length);
            headers.put_slice(name.as_bytes());
            value.encode(&mut headers)?;
        }
        let total = LEAST + headers.len() + self.payload.len();
        if headers.len() > FRAME_HEADER_BYTES || total > FRAME_BYTES {
            return Err(Broken);
        }
        let mut out = BytesMut::with_capacity(total);
        out.put_u32(total as u32);
        out.put_u32(headers.len() as u32);
        out.put_u32(crc(&out));
        out.put_slice(&headers);
        out.put_slice(&self.payload);
        out.put_u32(crc(&out));
        Ok(out.freeze())
    }

    /// Reads a message whose length was checked.
    fn decode(mut bytes: Bytes) -> Result<Message, Broken> {
        let end = bytes.len() - 4;
        if crc(&bytes[..end]) != u32::from_be_bytes(array(&bytes[end..])?) {
            return Err(Broken);
        }
        bytes.truncate(end);
        let length = u32::from_be_bytes(array(&bytes[4..8])?) as usize;
        bytes.advance(PRELUDE);
        let mut rest = bytes.split_to(length);
        let mut headers = Vec::new();
        while !rest.is_empty() {
            let length = usize::from(rest.get_u8());
            let name = take(&mut rest, length)?;
            let name = std::str::from_utf8(&name).map_err(|_| Broken)?.to_owned();
            if name.is_empty() {
                return Err(Broken);
            }
            headers.push((name, Header::decode(&mut rest)?));
        }
        Ok(Message { headers, payload: bytes })
    }
}

impl Header {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Broken> {
        let mut sized = |kind: u8, bytes: &[u8]| {
            out.put_u8(kind);
            out.put_u16(u16::try_from(bytes.len()).map_err(|_| Broken)?);
            out.put_slice(bytes);
            Ok(())
        };
        match self {
            Header::Bytes(bytes) => return sized(6, bytes),
            Header::Text(text) => return sized(7, text.as_bytes()),
            Header::Bool(true) => out.put_u8(0),
            Header::Bool(false) => out.put_u8(1),
            Header::Byte(number) => {
                out.put_u8(2);
                out.put_i8(*number);
            }
            Header::Short(number) => {
                out.put_u8(3);
                out.put_i16(*number);
            }
            Header::Integer(number) => {
                out.put_u8(4);
                out.put_i32(*number);
            }
            Header::Long(number) => {
                out.put_u8(5);
                out.put_i64(*number);
            }
            Header::Timestamp(milliseconds) => {
                out.put_u8(8);
                out.put_i64(*milliseconds);
            }
            Header::Uuid(bytes) => {
                out.put_u8(9);
                out.put_slice(bytes);
            }
        }
        Ok(())
    }

    fn decode(rest: &mut Bytes) -> Result<Header, Broken> {
        let [kind] = number(rest)?;
        Ok(match kind {
            0 => Header::Bool(true),
            1 => Header::Bool(false),
            2 => Header::Byte(i8::from_be_bytes(number(rest)?)),
            3 => Header::Short(i16::from_be_bytes(number(rest)?)),
            4 => Header::Integer(i32::from_be_bytes(number(rest)?)),
            5 => Header::Long(i64::from_be_bytes(number(rest)?)),
            6 => Header::Bytes(sized(rest)?),
            7 => Header::Text(std::str::from_utf8(&sized(rest)?).map_err(|_| Broken)?.to_owned()),
            8 => Header::Timestamp(i64::from_be_bytes(number(rest)?)),
            9 => Header::Uuid(number(rest)?),
            _ => return Err(Broken),
        })
    }
}

fn take(rest: &mut Bytes, length: usize) -> Result<Bytes, Broken> {
    if length > rest.len() { Err(Broken) } else { Ok(rest.split_to(length)) }
}

fn sized(rest: &mut Bytes) -> Result<Bytes, Broken> {
    let length = u16::from_be_bytes(number(rest)?);
    take(rest, usize::from(length))
}

fn number<const N: usize>(rest: &mut Bytes) -> Result<[u8; N], Broken> {
    array(&take(rest, N)?)
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Broken> {
    bytes.try_into().map_err(|_| Broken)
}

/// Makes messages of bytes that come in pieces. It holds no more than one message and the last piece.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message; `None` when more bytes are needed.
    ///
    /// # Errors
    /// When the bytes are no message; nothing can be read after that.
    pub fn message(&mut self) -> Result<Option<Message>, Broken> {
        if self.buffer.len() < PRELUDE {
            return Ok(None);
        }
        let word = |at: usize| array(&self.buffer[at..at + 4]).map(u32::from_be_bytes);
        let (total, headers) = (word(0)? as usize, word(4)? as usize);
        let fits = (LEAST..=FRAME_BYTES).contains(&total) && headers <= FRAME_HEADER_BYTES.min(total - LEAST);
        if !fits || word(8)? != crc(&self.buffer[..8]) {
            return Err(Broken);
        }
        if self.buffer.len() < total {
            return Ok(None);
        }
        Message::decode(self.buffer.split_to(total).freeze()).map(Some)
    }

    /// True when no part of a message is waiting for its rest.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> Message {
        let headers = vec![
            ("true".to_owned(), Header::Bool(true)),
            ("false".to_owned(), Header::Bool(false)),
            ("byte".to_owned(), Header::Byte(-1)),
            ("short".to_owned(), Header::Short(-2)),
            ("integer".to_owned(), Header::Integer(i32::MIN)),
            ("long".to_owned(), Header::Long(i64::MAX)),
            ("bytes".to_owned(), Header::Bytes(Bytes::from_static(&[0, 255]))),
            (":text".to_owned(), Header::Text("é".to_owned())),
            ("time".to_owned(), Header::Timestamp(1_700_000_000_123)),
            ("uuid".to_owned(), Header::Uuid([7; 16])),
        ];
        Message { headers, payload: Bytes::from_static(b"{'foo':'bar'}") }
    }

    /// From the examples of AWS's C library, which botocore's tests repeat.
    #[test]
    fn messages_are_those_of_awss_examples() {
        let empty = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
        assert_eq!(Message::default().encode().as_deref(), Ok(&empty[..]));
        let integer = [
            0, 0, 0, 0x2d, 0, 0, 0, 0x10, 0x41, 0xc4, 0x24, 0xb8, 0x0a, b'e', b'v', b'e', b'n', b't', b'-',
            b't', b'y', b'p', b'e', 0x04, 0, 0, 0xa0, 0x0c, b'{', b'\'', b'f', b'o', b'o', b'\'', b':',
            b'\'', b'b', b'a', b'r', b'\'', b'}', 0x36, 0xf4, 0x80, 0xa0,
        ];
        let message = Message {
            headers: vec![("event-type".to_owned(), Header::Integer(0xa00c))],
            payload: Bytes::from_static(b"{'foo':'bar'}"),
        };
        assert_eq!(message.encode().as_deref(), Ok(&integer[..]));
    }

    #[test]
    fn messages_in_pieces_of_any_size_are_read_as_they_were_written() {
        let one = every_kind().encode().unwrap();
        let both = [&one[..], &Message::default().encode().unwrap()].concat();
        for size in 1..=both.len() {
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            for piece in both.chunks(size) {
                decoder.feed(piece);
                while let Some(message) = decoder.message().unwrap() {
                    found.push(message);
                }
            }
            assert!(decoder.is_empty());
            assert_eq!(found, [every_kind(), Message::default()]);
        }
    }

    #[test]
    fn a_changed_bit_breaks_a_message() {
        let whole = every_kind().encode().unwrap();
        for bit in 0..whole.len() * 8 {
            let mut changed = whole.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            let mut decoder = Decoder::default();
            decoder.feed(&changed);
            assert_eq!(decoder.message(), Err(Broken), "bit {bit}");
        }
    }

    #[test]
    fn lengths_beyond_the_limits_are_refused_before_they_are_waited_for() {
        let prelude = |total: u32, headers: u32| {
            let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
            bytes.extend(crc(&bytes).to_be_bytes());
            let mut decoder = Decoder::default();
            decoder.feed(&bytes);
            decoder.message()
        };
        assert_eq!(prelude(15, 0), Err(Broken));
        assert_eq!(prelude(16, 1), Err(Broken));
        assert_eq!(prelude(FRAME_BYTES as u32 + 1, 0), Err(Broken));
        assert_eq!(prelude(FRAME_BYTES as u32, FRAME_HEADER_BYTES as u32 + 1), Err(Broken));
        assert_eq!(prelude(FRAME_BYTES as u32, 0), Ok(None));
        let large = Message { payload: vec![0; FRAME_BYTES].into(), ..Message::default() };
        assert_eq!(large.encode(), Err(Broken));
        let long = "x".repeat(256);
        for message in [Message::default().with(&long, ""), Message::default().with("", "")] {
            assert_eq!(message.encode(), Err(Broken));
        }
        let long = "x".repeat(65_536);
        assert_eq!(Message::default().with("n", long).encode(), Err(Broken));
    }
}
