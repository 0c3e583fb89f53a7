//! A folder becomes a zip: the same files give the same bytes on every machine, at any time.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;

use crate::failure::{self, Exit, Failure};
use crate::limits;

/// What is never code: version control, caches, editors, virtual environments.
const SKIPPED: [&str; 14] = [
    ".git",
    ".hg",
    ".svn",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".venv",
    ".tox",
    ".idea",
    ".vscode",
    ".aws-sam",
    ".DS_Store",
    ".env",
];

/// A zip with what is in it.
#[derive(Debug)]
pub struct Package {
    /// The zip.
    pub bytes: Vec<u8>,
    /// Number of files, links included.
    pub files: usize,
    /// Names that were left out, sorted.
    pub skipped: BTreeSet<String>,
}

/// One thing to pack, by its path in the zip.
struct Entry {
    name: String,
    path: PathBuf,
    is_link: bool,
}

/// Packs a folder.
pub fn folder(folder: &Path) -> Result<Package, Failure> {
    let mut entries = Vec::new();
    let mut skipped = BTreeSet::new();
    collect(folder, "", &mut entries, &mut skipped)?;
    if entries.is_empty() {
        return Err(Failure::new(Exit::Usage, format!("{} has no files to deploy", folder.display())));
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let bytes = write(&entries)?;
    Ok(Package { bytes, files: entries.len(), skipped })
}

fn collect(
    folder: &Path,
    prefix: &str,
    entries: &mut Vec<Entry>,
    skipped: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    let list = fs::read_dir(folder).map_err(|error| failure::file("read folder", folder, &error))?;
    for entry in list {
        let entry = entry.map_err(|error| failure::file("read folder", folder, &error))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(Failure::new(
                Exit::Usage,
                format!("{} has a name that is not UTF-8", path.display()),
            ));
        };
        if SKIPPED.contains(&name.as_str()) || name.ends_with(".pyc") {
            skipped.insert(if name.ends_with(".pyc") { "*.pyc".to_owned() } else { name });
            continue;
        }
        let kind = entry.file_type().map_err(|error| failure::file("look at", &path, &error))?;
        let name = format!("{prefix}{name}");
        if kind.is_dir() {
            collect(&path, &format!("{name}/"), entries, skipped)?;
            continue;
        }
        if !kind.is_file() && !kind.is_symlink() {
            return Err(Failure::new(Exit::Usage, format!("{} is neither file nor folder", path.display())));
        }
        if entries.len() >= limits::FILES {
            let what = format!("{} has more than {} files", folder.display(), limits::FILES);
            return Err(Failure::new(Exit::Usage, what));
        }
        entries.push(Entry { name, path, is_link: kind.is_symlink() });
    }
    Ok(())
}

fn write(entries: &[Entry]) -> Result<Vec<u8>, Failure> {
    let broken = |error: zip::result::ZipError| Failure::new(Exit::Failed, format!("pack: {error}"));
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // The default time is the first moment that zip knows, 1980-01-01, so that time leaves no trace.
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let options = options.last_modified_time(zip::DateTime::default());
    for entry in entries {
        if entry.is_link {
            let to = fs::read_link(&entry.path)
                .map_err(|error| failure::file("read link", &entry.path, &error))?;
            zip.add_symlink(&entry.name, to.to_string_lossy(), options).map_err(broken)?;
            continue;
        }
        let content = fs::read(&entry.path).map_err(|error| failure::file("read", &entry.path, &error))?;
        let mode = fs::metadata(&entry.path)
            .map_err(|error| failure::file("look at", &entry.path, &error))?
            .permissions()
            .mode();
        let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
        zip.start_file(&entry.name, options.unix_permissions(mode)).map_err(broken)?;
        zip.write_all(&content).map_err(|error| failure::file("pack", &entry.path, &error))?;
    }
    Ok(zip.finish().map_err(broken)?.into_inner())
}

/// Takes a zip as it is.
pub fn zip_file(path: &Path) -> Result<Package, Failure> {
    let bytes = fs::read(path).map_err(|error| failure::file("read", path, &error))?;
    let files = zip::ZipArchive::new(Cursor::new(&bytes))
        .map_err(|error| Failure::new(Exit::Usage, format!("{} is not a zip: {error}", path.display())))?
        .len();
    Ok(Package { bytes, files, skipped: BTreeSet::new() })
}

/// A file out of a zip, when it is there and at most `limit` bytes long.
pub fn file_in(zip: &[u8], name: &str, limit: u64) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).ok()?;
    let file = archive.by_name(name).ok()?;
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, limit), &mut content).ok()?;
    Some(content)
}

/// The names of the files at the top of a zip, sorted.
pub fn top_files(zip: &[u8]) -> Vec<String> {
    let Ok(archive) = zip::ZipArchive::new(Cursor::new(zip)) else { return Vec::new() };
    let names = archive.file_names().filter_map(Result::ok).map(std::borrow::Cow::into_owned);
    let mut names: Vec<String> = names.filter(|name| !name.contains('/')).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["lib", ".git", "lib/__pycache__"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for (name, text) in [
            ("b.py", "b"),
            ("a.py", "a"),
            ("lib/x.py", "x"),
            (".git/config", "secret"),
            ("lib/__pycache__/x.pyc", "no"),
            ("bootstrap", "#!/bin/sh\n"),
        ] {
            fs::write(at(name), text).unwrap();
        }
        fs::set_permissions(at("bootstrap"), fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink("a.py", at("link.py")).unwrap();
        folder
    }

    #[test]
    fn equal_folders_give_equal_bytes() {
        let (one, two) = (sample(), sample());
        let later = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        fs::File::options().append(true).open(two.path().join("a.py")).unwrap().set_times(later).unwrap();
        assert_eq!(folder(one.path()).unwrap().bytes, folder(two.path()).unwrap().bytes);
    }

    #[test]
    fn only_code_is_packed_with_modes_and_links() {
        let sample = sample();
        let package = folder(sample.path()).unwrap();
        assert_eq!(package.files, 5);
        assert_eq!(Vec::from_iter(&package.skipped), [".git", "__pycache__"]);
        let mut archive = zip::ZipArchive::new(Cursor::new(&package.bytes)).unwrap();
        let names: Vec<String> =
            (0..archive.len()).map(|i| archive.by_index(i).unwrap().name().unwrap().into_owned()).collect();
        assert_eq!(names, ["a.py", "b.py", "bootstrap", "lib/x.py", "link.py"]);
        assert_eq!(archive.by_name("bootstrap").unwrap().unix_mode().unwrap() & 0o777, 0o755);
        assert_eq!(archive.by_name("a.py").unwrap().unix_mode().unwrap() & 0o777, 0o644);
        assert!(archive.by_name("link.py").unwrap().is_symlink());
        assert_eq!(file_in(&package.bytes, "lib/x.py", 10).unwrap(), b"x");
        assert_eq!(top_files(&package.bytes), ["a.py", "b.py", "bootstrap", "link.py"]);
    }

    #[test]
    fn an_empty_folder_and_a_false_zip_are_refused() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(folder(empty.path()).unwrap_err().exit, Exit::Usage);
        let path = empty.path().join("x.zip");
        fs::write(&path, "no zip").unwrap();
        assert!(zip_file(&path).unwrap_err().what.contains("is not a zip"));
    }
}
