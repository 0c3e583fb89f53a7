//! The data folder as its owner sees it from outside: where it is, which server has it, the root key.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use rustix::fs::OFlags;

use crate::failure::{self, Exit, Failure};
use crate::limits;

/// What a running server says about itself in `server.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Server {
    /// Where it listens, e.g. `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// The process to signal.
    pub pid: u32,
    /// The region for requests that name none.
    #[serde(default)]
    pub region: Option<String>,
}

/// The key of the first account's root.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct RootKey {
    /// The access key id.
    #[serde(rename = "AccessKeyId")]
    pub id: String,
    /// The secret.
    #[serde(rename = "SecretAccessKey")]
    pub secret: String,
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RootKey({})", self.id)
    }
}

/// The folder that is meant when none is named.
pub fn default_path(is_root: impl FnOnce() -> bool, home: Option<&str>) -> PathBuf {
    match home {
        _ if is_root() => PathBuf::from("/var/lib/lambent"),
        Some(home) => Path::new(home).join(".local/share/lambent"),
        None => PathBuf::from(".lambent"),
    }
}

/// The server of this folder; `None` when the folder has none.
pub fn server(folder: &Path) -> Result<Option<Server>, Failure> {
    read(&folder.join("server.json"))
}

/// The root key of this folder; `None` when the folder has none yet.
pub fn root_key(folder: &Path) -> Result<Option<RootKey>, Failure> {
    read(&folder.join("root-key"))
}

/// Where everybody reads the certificate that vouches for the folder's server: beside the folder, which only its owner
/// may enter.
pub fn authority_path(folder: &Path) -> PathBuf {
    let mut path = folder.as_os_str().to_owned();
    path.push(".ca.pem");
    path.into()
}

/// Copies the certificate that vouches for the folder's server to where everybody reads it.
pub fn publish_authority(folder: &Path) -> io::Result<PathBuf> {
    // The server may write in its folder, and must lead root nowhere else.
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let made = folder.join(server::tls::AUTHORITY);
    let mut text = Vec::new();
    let source: File = OpenOptions::new().read(true).custom_flags(flags).open(made)?;
    source.take(limits::AUTHORITY).read_to_end(&mut text)?;
    let path = authority_path(folder);
    let draft = path.with_extension("pem.new");
    let _ = std::fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&draft)?;
    file.write_all(&text)?;
    std::fs::rename(&draft, &path)?;
    Ok(path)
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Option<T>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(Failure::new(Exit::Denied, format!("{} is not readable", path.display()))
                .why("the data folder belongs to another user")
                .fix("eval \"$(sudo lambent env)\""));
        }
        Err(error) => return Err(failure::file("read", path, &error)),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Failure::new(Exit::Failed, format!("{} is damaged: {error}", path.display())))
}

/// The path with the home folder as `~`.
pub fn shown(path: &Path, home: Option<&str>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if !rest.as_os_str().is_empty() => format!("~/{}", rest.display()),
        _ => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_depends_on_who_asks() {
        assert_eq!(default_path(|| true, Some("/home/a")), Path::new("/var/lib/lambent"));
        assert_eq!(default_path(|| false, Some("/home/a")), Path::new("/home/a/.local/share/lambent"));
    }

    #[test]
    fn a_folder_without_server_or_key_is_no_error_and_a_damaged_one_is() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(server(folder.path()).unwrap(), None);
        assert_eq!(root_key(folder.path()).unwrap(), None);
        let text = r#"{"endpoint":"http://127.0.0.1:1","pid":7,"new":true}"#;
        std::fs::write(folder.path().join("server.json"), text).unwrap();
        assert_eq!(server(folder.path()).unwrap().unwrap().pid, 7);
        std::fs::write(folder.path().join("server.json"), "{").unwrap();
        assert!(server(folder.path()).unwrap_err().what.contains("is damaged"));
    }

    #[test]
    fn whom_to_trust_is_copied_beside_the_folder_and_no_link_is_followed() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        std::fs::create_dir(&folder).unwrap();
        assert!(publish_authority(&folder).is_err());
        std::fs::write(folder.join(server::tls::AUTHORITY), "one").unwrap();
        let path = publish_authority(&folder).unwrap();
        assert_eq!(
            (path.clone(), std::fs::read_to_string(&path).unwrap()),
            (outer.path().join("data.ca.pem"), "one".into())
        );
        std::fs::remove_file(folder.join(server::tls::AUTHORITY)).unwrap();
        std::os::unix::fs::symlink(&path, folder.join(server::tls::AUTHORITY)).unwrap();
        assert!(publish_authority(&folder).is_err());
    }

    #[test]
    fn paths_below_home_are_short() {
        assert_eq!(shown(Path::new("/home/a/x/y"), Some("/home/a")), "~/x/y");
        assert_eq!(shown(Path::new("/var/x"), Some("/home/a")), "/var/x");
    }
}
