//! The AWS CLI's files, `~/.aws/config` and `~/.aws/credentials`: reading a profile, adding ours.

use std::collections::BTreeMap;

/// What a profile says, from both files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    settings: BTreeMap<String, String>,
}

impl Profile {
    /// Reads the profile `name`; `None` when neither file has it. Credentials win over the configuration.
    pub fn read(config: &str, credentials: &str, name: &str) -> Option<Profile> {
        let in_config = if name == "default" { "default".to_owned() } else { format!("profile {name}") };
        let sections = [section(config, &in_config), section(credentials, name)];
        if sections.iter().all(Option::is_none) {
            return None;
        }
        Some(Profile { settings: sections.into_iter().flatten().flatten().collect() })
    }

    /// A setting, when it is there and not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The settings below `[name]`, without nested ones (which are indented).
fn section(text: &str, name: &str) -> Option<Vec<(String, String)>> {
    let mut found: Option<Vec<(String, String)>> = None;
    let mut inside = false;
    for line in text.lines() {
        if let Some(header) = header(line) {
            inside = header == name;
            if inside {
                found.get_or_insert_default();
            }
            continue;
        }
        let indented = line.starts_with([' ', '\t']);
        let comment = line.trim_start().starts_with(['#', ';']);
        if let (true, false, false, Some((key, value))) = (inside, indented, comment, line.split_once('=')) {
            found.get_or_insert_default().push((key.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    found
}

fn header(line: &str) -> Option<String> {
    let name = line.trim().strip_prefix('[')?.split(']').next()?;
    Some(name.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The file's text with the section `[name]` set to exactly these settings; everything else stays as it is.
pub fn with_section(text: &str, name: &str, settings: &[(&str, &str)]) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(header) = header(line) {
            inside = header == name;
        }
        if !inside {
            kept.push(line);
        }
    }
    while kept.last().is_some_and(|line| line.trim().is_empty()) {
        kept.pop();
    }
    let mut result: String = kept.iter().flat_map(|line| [*line, "\n"]).collect();
    if !result.is_empty() {
        result.push('\n');
    }
    result.push_str(&format!("[{name}]\n"));
    for (key, value) in settings {
        result.push_str(&format!("{key} = {value}\n"));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[default]\nregion = eu-west-1\n\n[profile  local]\nendpoint_url = http://127.0.0.1:4566\n\
                          services = x\ns3 =\n  addressing_style = path\n# region = no\n[services x]\nregion = no\n";

    #[test]
    fn a_profile_is_read_from_both_files() {
        let profile = Profile::read(CONFIG, "[local]\naws_access_key_id=AKIAX\n", "local").unwrap();
        assert_eq!(profile.get("endpoint_url"), Some("http://127.0.0.1:4566"));
        assert_eq!(profile.get("aws_access_key_id"), Some("AKIAX"));
        assert_eq!(profile.get("addressing_style"), None);
        assert_eq!(profile.get("region"), None);
        assert_eq!(profile.get("s3"), None);
        let default = Profile::read(CONFIG, "", "default").unwrap();
        assert_eq!(default.get("region"), Some("eu-west-1"));
        assert_eq!(Profile::read(CONFIG, "", "other"), None);
    }

    #[test]
    fn adding_a_profile_keeps_everything_else_and_is_repeatable() {
        let once = with_section(CONFIG, "profile lambent", &[("region", "us-east-1")]);
        assert_eq!(once, format!("{CONFIG}\n[profile lambent]\nregion = us-east-1\n"));
        assert_eq!(with_section(&once, "profile lambent", &[("region", "us-east-1")]), once);
        assert_eq!(with_section("", "lambent", &[("a", "b")]), "[lambent]\na = b\n");
    }
}
