//! Payload arguments: text as it is, `@file`, `-` for standard input.

use std::io::Read;
use std::path::Path;

use bytes::Bytes;

use crate::failure::{self, Exit, Failure};

/// Reads what the argument names.
pub fn read(argument: &str) -> Result<Bytes, Failure> {
    if argument == "-" {
        let mut content = Vec::new();
        std::io::stdin()
            .read_to_end(&mut content)
            .map_err(|error| Failure::new(Exit::Failed, format!("read standard input: {error}")))?;
        return Ok(content.into());
    }
    match argument.strip_prefix('@') {
        Some(file) => {
            let path = Path::new(file);
            std::fs::read(path).map(Bytes::from).map_err(|error| failure::file("read", path, &error))
        }
        None => Ok(Bytes::copy_from_slice(argument.as_bytes())),
    }
}

/// The name of the file behind an argument, when it is one.
pub fn file(argument: &str) -> Option<&str> {
    argument.strip_prefix('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_taken_as_it_is_and_files_by_name() {
        assert_eq!(read("{\"a\":1}").unwrap(), "{\"a\":1}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.json");
        std::fs::write(&path, b"[1]").unwrap();
        assert_eq!(read(&format!("@{}", path.display())).unwrap(), "[1]");
        assert!(read("@/nowhere/at/all").unwrap_err().what.contains("/nowhere/at/all"));
    }
}
