//! A record of the journal: lines of one stream, written at once.
//!
//! A format byte, the time of ingestion (u64), the account (12 bytes), region, group and stream (each behind a u16 length), then
//! for each line its time (u64) and its bytes behind a u32 length. All numbers are little-endian. The journal
//! guards records by checksums; reading tolerates anything all the same.

use aws::{AccountId, Millis, Region};

const FORMAT: u8 = 1;

/// Whose output it is.
#[derive(Debug, Clone, Copy)]
pub struct Stream<'a> {
    /// The owner.
    pub account: AccountId,
    /// Where the group lives.
    pub region: &'a Region,
    /// The log group, e.g. `/aws/lambda/NAME`.
    pub group: &'a str,
    /// The log stream, e.g. `2026/01/31/[$LATEST]0123456789abcdef0123456789abcdef`.
    pub stream: &'a str,
}

/// A record being written.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    header: usize,
    lines: usize,
    pub(crate) first_at: u64,
    pub(crate) last_at: u64,
}

impl Writer {
    pub(crate) fn new(stream: &Stream<'_>, ingested: Millis) -> Writer {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&ingested.0.to_le_bytes());
        bytes.extend_from_slice(stream.account.as_str().as_bytes());
        for name in [stream.region.as_str(), stream.group, stream.stream] {
            let name = name.as_bytes();
            let name = &name[..name.len().min(usize::from(u16::MAX))];
            bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
            bytes.extend_from_slice(name);
        }
        Writer { header: bytes.len(), bytes, lines: 0, first_at: u64::MAX, last_at: 0 }
    }

    /// Adds a line; a newline is put behind it, since that is how AWS stores the output of functions.
    pub(crate) fn line(&mut self, at: Millis, message: &[u8]) {
        self.bytes.extend_from_slice(&at.0.to_le_bytes());
        self.bytes.extend_from_slice(&(message.len() as u32 + 1).to_le_bytes());
        self.bytes.extend_from_slice(message);
        self.bytes.push(b'\n');
        self.lines += 1;
        self.first_at = self.first_at.min(at.0);
        self.last_at = self.last_at.max(at.0);
    }

    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// Bytes of lines so far.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() - self.header
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A record being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) ingested: u64,
    pub(crate) account: AccountId,
    pub(crate) region: &'a str,
    pub(crate) group: &'a str,
    pub(crate) stream: &'a str,
    lines: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record; `None` when it is of a format that this release does not know.
    pub(crate) fn read(mut bytes: &'a [u8]) -> Option<Record<'a>> {
        let bytes = &mut bytes;
        if take(bytes, 1)? != [FORMAT] {
            return None;
        }
        let ingested = number(bytes)?;
        let account = AccountId::parse(std::str::from_utf8(take(bytes, 12)?).ok()?).ok()?;
        let [region, group, stream] = [text(bytes)?, text(bytes)?, text(bytes)?];
        Some(Record { ingested, account, region, group, stream, lines: bytes })
    }

    /// The lines with their times, in order.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (u64, &'a [u8])> {
        let mut rest = self.lines;
        std::iter::from_fn(move || {
            let at = number(&mut rest)?;
            let length = u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?);
            Some((at, take(&mut rest, length as usize)?))
        })
    }

    /// The earliest and the latest time of a line; `None` without lines.
    pub(crate) fn span(&self) -> Option<(u64, u64)> {
        self.lines().fold(None, |span, (at, _)| match span {
            None => Some((at, at)),
            Some((first, last)) => Some((at.min(first), at.max(last))),
        })
    }
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(front)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(take(bytes, 8)?.try_into().ok()?))
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = u16::from_le_bytes(take(bytes, 2)?.try_into().ok()?);
    std::str::from_utf8(take(bytes, usize::from(length))?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_record_gives_its_lines_back() {
        let region = Region::parse("us-east-1").unwrap();
        let account = AccountId::parse("123456789012").unwrap();
        let stream = Stream { account, region: &region, group: "/aws/lambda/ä", stream: "2026/[1]x" };
        let mut writer = Writer::new(&stream, Millis(9));
        assert_eq!(Record::read(writer.bytes()).unwrap().span(), None);
        for (at, line) in [(5, "one"), (3, ""), (7, "two\nthree")] {
            writer.line(Millis(at), line.as_bytes());
        }
        assert_eq!((writer.lines(), writer.size()), (3, 3 * 12 + 3 + 9 + 3));
        let record = Record::read(writer.bytes()).unwrap();
        assert_eq!((record.ingested, record.account, record.region), (9, account, "us-east-1"));
        assert_eq!((record.group, record.stream), ("/aws/lambda/ä", "2026/[1]x"));
        let lines: Vec<(u64, &[u8])> = record.lines().collect();
        assert_eq!(lines, [(5, &b"one\n"[..]), (3, b"\n"), (7, b"two\nthree\n")]);
        assert_eq!(record.span(), Some((3, 7)));
        assert_eq!((writer.first_at, writer.last_at), (3, 7));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), format in any::<bool>()) {
            let mut bytes = bytes;
            if format && !bytes.is_empty() {
                bytes[0] = FORMAT;
            }
            if let Some(record) = Record::read(&bytes) {
                prop_assert!(record.lines().count() <= bytes.len());
            }
        }
    }
}
