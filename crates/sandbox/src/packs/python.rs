//! The pack of a Python: the host's interpreter and standard library, relocated to `/var/lang` as AWS has it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::base;
use super::libraries::Libraries;
use super::staging::{Head, Staging};

/// An interpreter of this host.
#[derive(Debug)]
pub(super) struct Python {
    runtime: String,
    program: PathBuf,
    library: PathBuf,
    patch: String,
}

/// The Runtime API client that every Python function runs under.
pub(super) const BOOTSTRAP: &[u8] = include_bytes!("../../../../runtimes/python/bootstrap.py");
/// Where it is in a pack.
pub(super) const BOOTSTRAP_PATH: &str = "var/runtime/bootstrap.py";

/// `/var/runtime/bootstrap`: a module, unlike a script, is not compiled at each start.
const LAUNCHER: &str = "import sys

import bootstrap

# The function may have a module of that name.
del sys.modules[\"bootstrap\"]
bootstrap.main()
";

/// Where interpreters for everybody are; never PATH, which may lead into somebody's home.
const FOLDERS: [&str; 2] = ["/usr/bin", "/usr/local/bin"];

/// The runtime identifiers that this host's interpreters could serve, e.g. `python3.11`.
pub fn on_this_host() -> Vec<String> {
    (8..30).map(|minor| format!("python3.{minor}")).filter(|runtime| find(runtime).is_ok()).collect()
}

/// Finds the interpreter of a runtime.
pub(super) fn find(runtime: &str) -> Result<Python> {
    let minor = runtime.strip_prefix("python3.").and_then(|minor| minor.parse::<u32>().ok());
    ensure!(minor.is_some(), "{runtime} is no Python runtime");
    for folder in FOLDERS.map(Path::new) {
        let Ok(program) = fs::canonicalize(folder.join(runtime)) else { continue };
        let metadata = fs::metadata(&program).with_context(|| format!("look at {}", program.display()))?;
        // It is executed once, as root: to compile the bootstrap.
        ensure!(
            metadata.uid() == 0 && metadata.mode() & 0o022 == 0,
            "{} is not root's alone",
            program.display()
        );
        let prefix = folder.parent().unwrap_or(Path::new("/usr"));
        let library = prefix.join("lib").join(runtime);
        if library.join("os.py").is_file() && program.starts_with("/usr") {
            let patch = patch_of(&program).unwrap_or_else(|| "0".to_owned());
            return Ok(Python { runtime: runtime.to_owned(), program, library, patch });
        }
    }
    bail!("this host has no {runtime} with a standard library below /usr")
}

fn patch_of(program: &Path) -> Option<String> {
    let output = Command::new(program).args(["-I", "-S", "-V"]).stdin(Stdio::null()).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    let patch = version.trim().rsplit('.').next()?.to_owned();
    patch.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+').then_some(patch)
}

impl Python {
    pub(super) fn head(&self) -> Head {
        let mut licences = base::licences();
        licences.push("PSF-2.0 (Python)".to_owned());
        let number = self.runtime.trim_start_matches("python");
        Head {
            name: self.runtime.clone(),
            runtimes: vec![self.runtime.clone()],
            version: format!("python:{number}.v{}", self.patch.trim_end_matches('+')),
            environment: base::environment(),
            licences,
        }
    }
}

/// Parts of a standard library that no function needs.
fn is_wanted(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or(path);
    let unwanted = [
        "site-packages",
        "dist-packages",
        "tkinter",
        "test",
        "idlelib",
        "turtledemo",
        "ensurepip",
        "EXTERNALLY-MANAGED",
        "sitecustomize.py",
        "turtle.py",
        "__phello__",
    ];
    let inner = ["/test", "/tests", "/idle_test"];
    let name = path.rsplit('/').next().unwrap_or(path);
    !(unwanted.contains(&first)
        || first.starts_with("config-")
        || inner.iter().any(|part| path.ends_with(part))
        || (first == "lib-dynload"
            && (name.starts_with("_tkinter")
                || name.starts_with("_test")
                || name.starts_with("_ctypes_test")))
        || name == "__pycache__"
        || name.ends_with(".pyc"))
}

pub(super) fn fill(staging: &mut Staging<'_>, python: &Python) -> Result<()> {
    let runtime = &python.runtime;
    let mut libraries = Libraries::of_host();
    staging.copy(&python.program, &format!("var/lang/bin/{runtime}"))?;
    libraries.add_needs_of(&python.program)?;
    for link in ["python3", "python"] {
        staging.link(&format!("var/lang/bin/{link}"), runtime)?;
    }
    let library = format!("var/lang/lib/{runtime}");
    staging.copy_tree(&python.library, &library, &is_wanted)?;
    compiled(staging, &python.library, &library, &tag(runtime))?;
    // Searched by `site`; on AWS it holds the SDK.
    staging.folder(&format!("{library}/site-packages"))?;
    let modules = python.library.join("lib-dynload");
    if modules.is_dir() {
        for entry in fs::read_dir(&modules).context("list lib-dynload")?.flatten() {
            if is_wanted(&format!("lib-dynload/{}", entry.file_name().to_string_lossy())) {
                // A module whose library the host lacks does not work there either.
                let _ = libraries.add_needs_of(&entry.path());
            }
        }
    }
    libraries.place(staging)?;
    let launcher = format!("#!/var/lang/bin/{runtime}\n{LAUNCHER}");
    staging.write("var/runtime/bootstrap", launcher.as_bytes(), true)?;
    staging.write(BOOTSTRAP_PATH, BOOTSTRAP, false)?;
    compile(staging, python)
}

fn tag(runtime: &str) -> String {
    format!(".cpython-3{}.pyc", runtime.trim_start_matches("python3."))
}

/// Copies the host's compiled modules, marked as true without looking at the source: a pack never changes, and so needs
/// no times of modification.
fn compiled(staging: &mut Staging<'_>, host: &Path, target: &str, tag: &str) -> Result<()> {
    for source in staging.below(target, ".py") {
        let (folder, name) = source.rsplit_once('/').unwrap_or(("", &source));
        let cached = format!("{folder}/__pycache__/{}{tag}", name.trim_end_matches(".py"));
        let relative = |path: &str| host.join(path.trim_start_matches(target).trim_start_matches('/'));
        let Ok(mut bytes) = fs::read(relative(&cached)) else { continue };
        let Ok(metadata) = fs::metadata(relative(&source)) else { continue };
        if trust(&mut bytes, metadata.mtime() as u32, metadata.len() as u32) {
            staging.write(&cached, &bytes, false)?;
        }
    }
    Ok(())
}

/// Rewrites the head of a `.pyc` (magic, flags, time and size of the source) to an unchecked one, if it is up to date.
fn trust(bytes: &mut [u8], modified: u32, size: u32) -> bool {
    let Some((head, _)) = bytes.split_first_chunk_mut::<16>() else { return false };
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    match word(4) {
        0 if word(8) == modified && word(12) == size => {
            head[4..8].copy_from_slice(&1u32.to_le_bytes());
            head[8..16].fill(0);
            true
        }
        // Already a hash of the source, which the build of the interpreter wrote.
        1 => true,
        _ => false,
    }
}

/// Compiles the bootstrap by the interpreter itself: two milliseconds of each cold start.
fn compile(staging: &mut Staging<'_>, python: &Python) -> Result<()> {
    let script = "import py_compile, sys\npy_compile.compile(sys.argv[1], dfile='/var/runtime/bootstrap.py', doraise=True, \
                  invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)";
    let source = staging.root().join(BOOTSTRAP_PATH);
    let source = fs::canonicalize(&source).context("find the bootstrap")?;
    let output = Command::new(&python.program)
        .args(["-I", "-S", "-c", script])
        .arg(&source)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .context("run the interpreter")?;
    ensure!(
        output.status.success(),
        "compile the bootstrap: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let cached = format!("var/runtime/__pycache__/bootstrap{}", tag(&python.runtime));
    staging.adopt_folder("var/runtime/__pycache__")?;
    staging.adopt(&cached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_modules_are_trusted_only_if_up_to_date() {
        let pyc = |flags: u32, modified: u32, size: u32| {
            let words = [0x0d0d_0a0d, flags, modified, size, 7];
            words.iter().flat_map(|word: &u32| word.to_le_bytes()).collect::<Vec<u8>>()
        };
        let mut fresh = pyc(0, 1_700_000_000, 42);
        assert!(trust(&mut fresh, 1_700_000_000, 42));
        assert_eq!(fresh, pyc(1, 0, 0));
        assert!(!trust(&mut pyc(0, 1_700_000_000, 42), 1_700_000_001, 42));
        assert!(!trust(&mut pyc(0, 1_700_000_000, 42), 1_700_000_000, 43));
        assert!(trust(&mut pyc(1, 5, 5), 0, 0));
        // Checked hashes are compared with the source on each import; they are not worth the copy.
        assert!(!trust(&mut pyc(3, 5, 5), 0, 0));
        assert!(!trust(&mut [0; 15], 0, 0));
    }

    #[test]
    fn third_party_and_test_code_stays_outside() {
        for path in [
            "site-packages",
            "dist-packages",
            "test",
            "unittest/test",
            "tkinter",
            "lib-dynload/_tkinter.cpython-311-x86_64-linux-gnu.so",
            "ensurepip",
            "config-3.11-x86_64-linux-gnu",
            "json/__pycache__",
        ] {
            assert!(!is_wanted(path), "{path}");
        }
        for path in [
            "os.py",
            "json",
            "json/decoder.py",
            "unittest/mock.py",
            "lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
            "testing.py",
        ] {
            assert!(is_wanted(path), "{path}");
        }
    }
}
