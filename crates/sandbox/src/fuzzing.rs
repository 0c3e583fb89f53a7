//! For the package `fuzz` alone.

pub use crate::warden::fuzzing::warden_packet;
