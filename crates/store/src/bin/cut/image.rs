use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A folder in memory for images and mount points, deleted at the end.
pub struct Workshop(PathBuf);

impl Workshop {
    /// The folder of this process and that name.
    pub fn new(name: &str) -> Result<Workshop> {
        let path = Path::new("/dev/shm").join(format!("cut-{}-{name}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(Workshop(path))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("remove {}: {error}", self.0.display());
        }
    }
}

/// Makes an ext4 file system in a file.
pub fn make(image: &Path, mib: u64) -> Result<()> {
    File::create(image)?.set_len(mib << 20)?;
    // Nothing is left for the kernel to write in the background.
    let lazy = "lazy_itable_init=0,lazy_journal_init=0";
    run(Command::new("mkfs.ext4").args(["-q", "-F", "-E", lazy]).arg(image))
}

/// A mounted image.
pub struct Mounted(PathBuf);

impl Mounted {
    pub fn new(image: &Path, at: PathBuf) -> Result<Mounted> {
        fs::create_dir_all(&at)?;
        run(Command::new("mount").args(["-t", "ext4", "-o", "loop"]).arg(image).arg(&at))?;
        Ok(Mounted(at))
    }

    /// Makes everything on it durable.
    pub fn flush(&self) -> Result<()> {
        Ok(rustix::fs::syncfs(File::open(&self.0)?)?)
    }

    /// The data folder of the store on it.
    pub fn folder(&self) -> PathBuf {
        self.0.join("data")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: a killed process may not be gone yet, and what it still writes is of no interest.
        if let Err(error) = run(Command::new("umount").arg("-l").arg(&self.0)) {
            eprintln!("{error:#}");
        }
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
