//! Receipts of queues, which clients hand back. The first byte says what the rest is: the text of a receipt, or the part of
//! one that is signed.

use store::fuzzing::receipts;

pub(crate) fn run(input: &[u8]) {
    match input {
        [what, at, rest @ ..] if what % 2 == 1 => receipts::forge(rest, usize::from(*at)),
        [_, rest @ ..] => {
            if let Ok(text) = std::str::from_utf8(rest) {
                receipts::read(text);
            }
        }
        [] => {}
    }
}
