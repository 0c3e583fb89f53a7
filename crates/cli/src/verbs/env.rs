//! `env`: what AWS clients need to find this server, as variables or as a profile.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use clap::Args;

use crate::failure::{self, Exit, Failure};
use crate::profile::with_section;
use crate::session::{Session, aws_files};
use crate::shown::quote;
use crate::target::Target;

/// Arguments of `env`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Add a profile `lambent` to ~/.aws instead
    #[arg(long)]
    pub save: bool,
    /// sh, fish, pwsh, dotenv or json
    #[arg(long, value_enum, default_value = "sh", hide_possible_values = true)]
    pub format: Shell,
}

/// Who reads the variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// POSIX shells.
    Sh,
    /// fish.
    Fish,
    /// PowerShell.
    Pwsh,
    /// `.env` files.
    Dotenv,
    /// A JSON object.
    Json,
}

/// The profile that `--save` writes.
const PROFILE: &str = "lambent";
/// Variables that would lead clients elsewhere.
pub const MISLEADING: [&str; 3] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"];

/// Prints the variables, or saves the profile.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let explicit = session.options.endpoint.is_some() || session.options.profile.is_some();
    let target = if explicit { session.target()? } else { session.own_target()? };
    if arguments.save {
        save(session, &target)?;
        return Ok(Exit::Done);
    }
    let shell = if session.screen.is_json() { Shell::Json } else { arguments.format };
    session.screen.answer(&render(&target, shell))?;
    Ok(Exit::Done)
}

/// The variables for a target.
pub fn variables(target: &Target) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", target.endpoint.clone()),
        ("AWS_ACCESS_KEY_ID", target.keys.id.clone()),
        ("AWS_SECRET_ACCESS_KEY", target.keys.secret.clone()),
        ("AWS_REGION", target.region.clone()),
        ("AWS_DEFAULT_REGION", target.region.clone()),
        // Clients without keys would ask the machine's cloud for some.
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    if let Some(authority) = &target.authority {
        // The second is Node's, which knows nothing of the first.
        for name in ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
            variables.push((name, authority.display().to_string()));
        }
    }
    if let Some(token) = &target.keys.token {
        variables.push(("AWS_SESSION_TOKEN", token.clone()));
    }
    variables
}

fn render(target: &Target, shell: Shell) -> String {
    let variables = variables(target);
    let misleading = MISLEADING.iter().filter(|name| !variables.iter().any(|(set, _)| set == *name));
    let mut text = String::new();
    match shell {
        Shell::Json => {
            let object = variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            return format!("{}\n", serde_json::Value::Object(object));
        }
        Shell::Sh => {
            text.push_str(&format!("unset {}\n", misleading.copied().collect::<Vec<_>>().join(" ")));
        }
        Shell::Fish => {
            text.extend(misleading.map(|name| format!("set -e {name};\n")));
        }
        Shell::Pwsh => {
            text.extend(misleading.map(|name| format!("Remove-Item -ErrorAction Ignore Env:{name}\n")));
        }
        Shell::Dotenv => {}
    }
    for (name, value) in variables {
        text.push_str(&match shell {
            Shell::Sh => format!("export {name}={}\n", quote(&value)),
            Shell::Fish => format!("set -gx {name} {};\n", quote(&value)),
            Shell::Pwsh => format!("$Env:{name} = '{}'\n", value.replace('\'', "''")),
            Shell::Dotenv | Shell::Json => format!("{name}={value}\n"),
        });
    }
    text
}

fn save(session: &Session, target: &Target) -> Result<(), Failure> {
    let (config, credentials) = aws_files();
    let authority = target.authority.as_ref().map(|path| path.display().to_string());
    let mut settings = vec![("region", target.region.as_str()), ("endpoint_url", &target.endpoint)];
    settings.extend(authority.as_deref().map(|path| ("ca_bundle", path)));
    update(&config, &format!("profile {PROFILE}"), &settings)?;
    let keys = [
        ("aws_access_key_id", target.keys.id.as_str()),
        ("aws_secret_access_key", target.keys.secret.as_str()),
    ];
    update(&credentials, PROFILE, &keys)?;
    session.screen.say(&format!("saved profile {PROFILE} in {}", config.display()));
    session.screen.say(&format!("next: aws --profile {PROFILE} lambda list-functions"));
    Ok(())
}

/// Replaces one section of a file, as a whole new file that appears at once; only the owner can read it.
fn update(path: &Path, section: &str, settings: &[(&str, &str)]) -> Result<(), Failure> {
    let before = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failure::file("read", path, &error)),
    };
    let write = |error: std::io::Error| failure::file("write", path, &error);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(write)?;
    }
    let new = path.with_extension("lambent-new");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(write)?;
    file.write_all(with_section(&before, section, settings).as_bytes()).map_err(write)?;
    file.sync_all().map_err(write)?;
    std::fs::rename(&new, path).map_err(write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Keys;

    fn target() -> Target {
        Target {
            endpoint: "http://127.0.0.1:4566".into(),
            origin: String::new(),
            region: "us-east-1".into(),
            keys: Keys { id: "AKIAX".into(), secret: "a/b+c'".into(), token: None },
            authority: None,
        }
    }

    #[test]
    fn each_shell_gets_its_own_words() {
        let sh = render(&target(), Shell::Sh);
        assert_eq!(
            sh,
            "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN\n\
             export AWS_ENDPOINT_URL=http://127.0.0.1:4566\nexport AWS_ACCESS_KEY_ID=AKIAX\n\
             export AWS_SECRET_ACCESS_KEY='a/b+c'\\'''\nexport AWS_REGION=us-east-1\n\
             export AWS_DEFAULT_REGION=us-east-1\nexport AWS_EC2_METADATA_DISABLED=true\n"
        );
        assert!(render(&target(), Shell::Fish).contains("set -gx AWS_ENDPOINT_URL http://127.0.0.1:4566;\n"));
        assert!(render(&target(), Shell::Pwsh).contains("$Env:AWS_SECRET_ACCESS_KEY = 'a/b+c'''\n"));
        assert!(render(&target(), Shell::Dotenv).starts_with("AWS_ENDPOINT_URL=http://127.0.0.1:4566\n"));
        let json: serde_json::Value = serde_json::from_str(&render(&target(), Shell::Json)).unwrap();
        assert_eq!(json["AWS_SECRET_ACCESS_KEY"], "a/b+c'");
    }

    #[test]
    fn a_session_token_is_passed_on_not_unset() {
        let mut target = target();
        target.keys.token = Some("T".into());
        let sh = render(&target, Shell::Sh);
        assert!(sh.contains("export AWS_SESSION_TOKEN=T\n"));
        assert!(sh.starts_with("unset AWS_PROFILE AWS_DEFAULT_PROFILE\n"));
    }

    #[test]
    fn clients_are_told_whom_to_trust() {
        let target = Target { authority: Some("/var/lib/lambent.ca.pem".into()), ..target() };
        let sh = render(&target, Shell::Sh);
        assert!(sh.contains("export AWS_CA_BUNDLE=/var/lib/lambent.ca.pem\n"), "{sh}");
        assert!(sh.contains("export NODE_EXTRA_CA_CERTS=/var/lib/lambent.ca.pem\n"), "{sh}");
    }

    #[test]
    fn saving_keeps_the_file_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/credentials");
        update(&path, "lambent", &[("a", "b")]).unwrap();
        update(&path, "lambent", &[("a", "c")]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[lambent]\na = c\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
