//! The front door's look ahead at HTTP/1: it does not matter how the bytes come in pieces.

use gateway::{Framing, Unclear};

/// The length of pieces, then the bytes.
pub(crate) fn run(input: &[u8]) {
    let Some((piece, bytes)) = input.split_first() else { return };
    let whole = Framing::new().take(bytes);
    let mut framing = Framing::new();
    let mut clear = 0;
    for piece in bytes.chunks(usize::from(*piece).max(1)) {
        if let Err(Unclear { at, why }) = framing.take(piece) {
            let unclear = Unclear { at: clear + at, why };
            // How much of a line without an end is kept depends on the pieces.
            assert!(whole == Err(unclear) || why == "a line has no end", "{whole:?}, in pieces {unclear:?}");
            return;
        }
        clear += piece.len();
    }
    assert!(whole.is_ok(), "{whole:?}, and nothing in pieces");
}
