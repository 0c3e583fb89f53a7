//! `init`: a new function from a template, in a folder of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use clap::Args;

use crate::failure::{self, Exit, Failure};
use crate::session::Session;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder to make; its name becomes the function's
    pub name: PathBuf,
    /// python, or bootstrap: any executable
    #[arg(long, value_enum, default_value = "python")]
    pub template: Template,
}

/// What a function can begin as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Template {
    /// A Python handler.
    Python,
    /// An executable that talks to the Runtime API itself.
    Bootstrap,
}

/// A file of a template.
struct File {
    name: &'static str,
    text: &'static str,
    mode: u32,
}

const PYTHON: &[File] = &[
    File { name: "app.py", text: include_str!("../../templates/python/app.py"), mode: 0o644 },
    File { name: "event.json", text: include_str!("../../templates/python/event.json"), mode: 0o644 },
    File { name: "README.md", text: include_str!("../../templates/python/README.md"), mode: 0o644 },
];

const BOOTSTRAP: &[File] = &[
    File { name: "bootstrap", text: include_str!("../../templates/bootstrap/bootstrap"), mode: 0o755 },
    File { name: "event.json", text: include_str!("../../templates/bootstrap/event.json"), mode: 0o644 },
    File { name: "README.md", text: include_str!("../../templates/bootstrap/README.md"), mode: 0o644 },
];

impl Template {
    fn files(self) -> &'static [File] {
        match self {
            Template::Python => PYTHON,
            Template::Bootstrap => BOOTSTRAP,
        }
    }
}

/// Makes the folder; refuses one that has something in it.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let folder = &arguments.name;
    let shown = folder.display();
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::new(Exit::Usage, format!("{shown} exists and is not empty")));
    }
    fs::create_dir_all(folder).map_err(|error| failure::file("make folder", folder, &error))?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for file in arguments.template.files() {
        let path = folder.join(file.name);
        fs::write(&path, file.text.replace("NAME", &name))
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)))
            .map_err(|error| failure::file("write", &path, &error))?;
    }
    let names: Vec<&str> = arguments.template.files().iter().map(|file| file.name).collect();
    session.screen.say(&format!("{shown}: made {}", names.join(", ")));
    session.screen.say(&format!("next: lambent deploy {shown}"));
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Options;

    #[test]
    fn a_template_becomes_a_folder_once() {
        let parent = tempfile::tempdir().unwrap();
        let session = Session::new(Options { quiet: true, ..Options::default() });
        for (template, file) in [(Template::Python, "app.py"), (Template::Bootstrap, "bootstrap")] {
            let name = parent.path().join(file.replace('.', "-"));
            let arguments = Arguments { name: name.clone(), template };
            assert_eq!(run(&session, &arguments).unwrap(), Exit::Done);
            assert!(name.join(file).exists() && name.join("event.json").exists());
            assert!(run(&session, &arguments).unwrap_err().what.ends_with("exists and is not empty"));
        }
        let mode = fs::metadata(parent.path().join("bootstrap/bootstrap")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}
