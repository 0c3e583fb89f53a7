//! For the package `fuzz` alone.

use std::io;
use std::path::Path;

use sandbox::TreeDigest;
use tasks::Random;

use crate::code::{BadZip, Trees};

/// Unpacks a zip as CreateFunction does, as a tree below `objects`. True when it is there, false when the zip was refused.
///
/// # Errors
/// When the disk failed.
pub fn unpack(objects: &Path, zip: &[u8]) -> io::Result<bool> {
    let trees = Trees::open(objects.to_owned(), Random::seeded(1))?;
    match trees.unpack(TreeDigest([7; 32]), zip) {
        Ok(()) => Ok(true),
        Err(BadZip::Unusable(_) | BadZip::TooLarge) => Ok(false),
        Err(BadZip::Disk(error)) => Err(error),
    }
}
