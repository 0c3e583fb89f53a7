use bytes::{Buf as _, Bytes};

/// A line in the making, which may come in any pieces.
#[derive(Default)]
pub(super) struct Line(Vec<u8>);

/// A line is longer than it may be.
pub(super) struct TooLong;

impl Line {
    /// Takes from `input` up to the end of the line, and gives the line without its LF when it is complete. A line that is
    /// longer than `limit` bytes is refused as soon as that shows.
    pub(super) fn take(&mut self, input: &mut Bytes, limit: usize) -> Result<Option<Vec<u8>>, TooLong> {
        let end = memchr::memchr(b'\n', input);
        let taken = end.unwrap_or(input.len());
        if self.0.len() + taken > limit {
            return Err(TooLong);
        }
        self.0.extend_from_slice(&input[..taken]);
        match end {
            None => {
                input.clear();
                Ok(None)
            }
            Some(end) => {
                input.advance(end + 1);
                Ok(Some(std::mem::take(&mut self.0)))
            }
        }
    }

    /// Whether the line so far is this.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        self.0 == text
    }
}
