//! Code packages: the zip is the durable blob, the unpacked tree `objects/<sha256>/` is a cache of it.

mod archive;
mod paths;
mod trees;

pub(crate) use archive::BadZip;
pub(crate) use trees::Trees;
