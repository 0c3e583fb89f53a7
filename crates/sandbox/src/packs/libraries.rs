//! Finds the libraries that programs need, as the loader would, without running anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::elf;
use super::staging::Staging;

/// The libraries of a pack. All of them land in the directory of the C library, where the loader looks by itself: no
/// cache and no configuration is needed.
#[derive(Debug)]
pub(super) struct Libraries {
    search: Vec<PathBuf>,
    found: BTreeMap<String, PathBuf>,
    loader: Option<String>,
}

impl Libraries {
    pub(super) fn of_host() -> Libraries {
        let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
        let mut search: Vec<PathBuf> =
            [format!("/usr/lib/{triplet}"), format!("/lib/{triplet}")].map(PathBuf::from).to_vec();
        search.extend(["/usr/lib64", "/lib64", "/usr/lib", "/lib"].map(PathBuf::from));
        configured(Path::new("/etc/ld.so.conf"), &mut search, 0);
        search.retain(|folder| folder.is_dir());
        Libraries { search, found: BTreeMap::new(), loader: None }
    }

    /// Adds everything that a program or library needs, and what that needs.
    pub(super) fn add_needs_of(&mut self, path: &Path) -> Result<()> {
        let mut open = vec![path.to_owned()];
        while let Some(path) = open.pop() {
            let content = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            let Some(dynamic) = elf::read(&content) else { continue };
            if let Some(interpreter) = dynamic.interpreter {
                self.loader.get_or_insert(interpreter);
            }
            let origin = path.parent().unwrap_or(Path::new("/"));
            let own: Vec<PathBuf> = dynamic.search.iter().map(|entry| expand(entry, origin)).collect();
            for name in dynamic.needed {
                if self.found.contains_key(&name) || name.contains('/') {
                    continue;
                }
                let found = self.find(&name, &own, dynamic.machine);
                let found =
                    found.with_context(|| format!("{} needs {name}, which is nowhere", path.display()))?;
                self.found.insert(name, found.clone());
                open.push(found);
            }
        }
        Ok(())
    }

    /// Adds a library that is loaded by name at run time, if the host has it.
    pub(super) fn add_optional(&mut self, name: &str) -> Result<()> {
        let machine = if cfg!(target_arch = "x86_64") { 62 } else { 183 };
        if let (false, Some(path)) = (self.found.contains_key(name), self.find(name, &[], machine)) {
            self.found.insert(name.to_owned(), path.clone());
            self.add_needs_of(&path)?;
        }
        Ok(())
    }

    fn find(&self, name: &str, own: &[PathBuf], machine: u16) -> Option<PathBuf> {
        let candidates = own.iter().chain(&self.search).map(|folder| folder.join(name));
        let fits = |path: &PathBuf| {
            let content = fs::read(path).ok()?;
            (elf::read(&content)?.machine == machine).then(|| fs::canonicalize(path).ok()).flatten()
        };
        candidates.into_iter().find_map(|path| fits(&path))
    }

    /// Copies the libraries and the loader into a pack.
    pub(super) fn place(&self, staging: &mut Staging<'_>) -> Result<()> {
        let libc = self.found.get("libc.so.6").context("no program of the pack needs libc.so.6")?;
        let folder = libc.parent().and_then(Path::to_str).context("libc.so.6 has no directory")?;
        // Merged or not on the host, a pack's libraries lie below /usr.
        let folder = format!("usr/{}", folder.trim_start_matches("/usr").trim_start_matches('/'));
        for (name, path) in &self.found {
            staging.copy(path, &format!("{folder}/{name}"))?;
        }
        let loader = self.loader.as_deref().context("no program of the pack names a loader")?;
        staging.copy(Path::new(loader), &format!("usr{loader}"))
    }
}

fn expand(entry: &str, origin: &Path) -> PathBuf {
    let origin = origin.to_string_lossy();
    PathBuf::from(entry.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))
}

/// Reads `ld.so.conf`: directories, and `include` lines whose last part may hold one `*`.
fn configured(path: &Path, search: &mut Vec<PathBuf>, depth: u32) {
    let Ok(text) = fs::read_to_string(path) else { return };
    for line in text.lines().map(|line| line.split('#').next().unwrap_or("").trim()) {
        match line.strip_prefix("include ") {
            Some(pattern) if depth < 4 => {
                for file in matching(pattern.trim()) {
                    configured(&file, search, depth + 1);
                }
            }
            None if line.starts_with('/') => search.push(PathBuf::from(line)),
            _ => {}
        }
    }
}

fn matching(pattern: &str) -> Vec<PathBuf> {
    let pattern = Path::new(pattern);
    let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name().and_then(|name| name.to_str()))
    else {
        return Vec::new();
    };
    let Some((before, after)) = name.split_once('*') else { return vec![pattern.to_owned()] };
    let Ok(entries) = fs::read_dir(Path::new("/etc").join(folder)) else { return Vec::new() };
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        name.starts_with(before) && name.ends_with(after)
    };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(fits).collect();
    files.sort();
    files
}
