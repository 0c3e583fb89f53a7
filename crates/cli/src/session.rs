//! One run of the program: its options, its streams, its clock, and the target they lead to.

use std::path::{Path, PathBuf};

use tasks::Clock;

use crate::args::Options;
use crate::client::{Client, Manner};
use crate::failure::{Exit, Failure};
use crate::folder;
use crate::profile::Profile;
use crate::screen::{Color, Form, Screen, Talk};
use crate::target::{Flags, Surroundings, Target};

/// What every verb gets.
pub struct Session {
    /// The global options.
    pub options: Options,
    /// The streams.
    pub screen: Screen,
    /// The machine's clock.
    pub clock: Clock,
}

/// A variable of the process environment, when it is set and UTF-8.
#[allow(clippy::disallowed_methods)] // The command line is where the environment comes in.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Session {
    /// A session with these options.
    pub fn new(options: Options) -> Session {
        let form = if options.json { Form::Json } else { Form::Text };
        let talk = match (options.quiet, options.verbose) {
            (true, _) => Talk::Quiet,
            (false, true) => Talk::Verbose,
            (false, false) => Talk::Normal,
        };
        let screen = Screen::new(form, talk, options.color.unwrap_or(Color::Auto), variable);
        Session { options, screen, clock: Clock::real() }
    }

    /// The data folder that is meant: `--data`, LAMBENT_DATA, or the user's own.
    pub fn data_folder(&self) -> PathBuf {
        let named = self.options.data.clone().or_else(|| variable("LAMBENT_DATA").map(PathBuf::from));
        named.unwrap_or_else(|| folder::default_path(is_root, home().as_deref()))
    }

    /// The data folder as people write it.
    pub fn data_folder_shown(&self) -> String {
        folder::shown(&self.data_folder(), home().as_deref())
    }

    /// Decides which server is meant.
    pub fn target(&self) -> Result<Target, Failure> {
        self.decide(|surroundings| surroundings.resolve())
    }

    /// The server of the data folder, whatever the environment says.
    pub fn own_target(&self) -> Result<Target, Failure> {
        self.decide(|surroundings| surroundings.of_folder())
    }

    fn decide(
        &self,
        rule: impl FnOnce(&Surroundings<'_>) -> Result<Target, Failure>,
    ) -> Result<Target, Failure> {
        let folder = self.data_folder();
        let flags = Flags {
            endpoint: self.options.endpoint.clone(),
            profile: self.options.profile.clone(),
            region: self.options.region.clone(),
            data_given: self.options.data.clone(),
        };
        let decided = rule(&Surroundings {
            flags: &flags,
            environment: &variable,
            profile: &profile,
            folder: folder.clone(),
            server: &|| folder::server(&folder),
            root_key: &|| folder::root_key(&folder),
            authority: &|| Some(folder::authority_path(&folder)).filter(|path| path.exists()),
        });
        decided.map_err(|failure| if failure.exit == Exit::NoServer { for_users(failure) } else { failure })
    }

    /// A client for the server that is meant.
    pub fn client(&self) -> Result<Client, Failure> {
        Ok(self.client_of(self.target()?))
    }

    /// A client for this target.
    pub fn client_of(&self, target: Target) -> Client {
        let manner = match (self.options.dry_run, self.screen.talk) {
            (true, _) => Manner::ShowChanges,
            (false, Talk::Verbose) => Manner::ShowAndDo,
            (false, Talk::Normal | Talk::Quiet) => Manner::Do,
        };
        Client::new(target, self.clock.clone(), manner)
    }
}

/// What an ordinary user does about a missing server: root's may run, or root must start one.
fn for_users(failure: Failure) -> Failure {
    match (is_root(), Path::new("/var/lib/lambent").exists()) {
        (true, _) => failure,
        (false, true) => failure.fix("eval \"$(sudo lambent env)\""),
        (false, false) => failure.fix("sudo lambent up"),
    }
}

/// The home folder of this user.
pub fn home() -> Option<String> {
    variable("HOME").filter(|home| !home.is_empty())
}

/// True when this process is root's.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The paths of the AWS CLI's configuration and credentials.
pub fn aws_files() -> (PathBuf, PathBuf) {
    let below = |file: &str| PathBuf::from(home().unwrap_or_default()).join(".aws").join(file);
    let path = |name: &str, file: &str| variable(name).map_or_else(|| below(file), PathBuf::from);
    (path("AWS_CONFIG_FILE", "config"), path("AWS_SHARED_CREDENTIALS_FILE", "credentials"))
}

fn profile(name: &str) -> Option<Profile> {
    let (config, credentials) = aws_files();
    // A file that is not there says nothing, as for AWS's own tools.
    let text = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    Profile::read(&text(config), &text(credentials), name)
}
