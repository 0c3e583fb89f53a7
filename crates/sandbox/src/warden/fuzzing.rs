//! For the package `fuzz` alone.

use std::fmt::Debug;

use super::message::{FromMaker, Message, ToMaker, ToServer, ToWarden};

/// Reads a packet as each receiver of the warden's protocol would. What is read must be written and read again as itself.
///
/// # Panics
/// When it is not.
pub fn warden_packet(bytes: &[u8]) {
    receive::<ToWarden>(bytes);
    receive::<ToServer>(bytes);
    receive::<ToMaker>(bytes);
    receive::<FromMaker>(bytes);
}

fn receive<M: Message + Debug + PartialEq>(bytes: &[u8]) {
    if let Ok(message) = M::decode(bytes) {
        // There is one way to write a message.
        assert_eq!(message.encode(), bytes, "{message:?}");
    }
}
