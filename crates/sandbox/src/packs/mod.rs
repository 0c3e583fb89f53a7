//! Runtime packs: immutable root trees, named by the SHA-256 of their manifest.
//!
//! `packs/<digest>/` holds `manifest.json`, `files` (one line for each path, whose hash is in the manifest) and `root`.
//! Everything belongs to root and appears at once, by a rename. A function's root is never the host's own tree: packs
//! *copy* what they need, so that nothing else is there to be read.

mod base;
mod elf;
mod libraries;
mod python;
mod shelf;
mod staging;

pub use python::on_this_host as pythons_on_this_host;
pub use shelf::{Manifest, Shelf};
