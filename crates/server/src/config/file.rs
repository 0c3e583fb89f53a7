use std::fs::File as OpenFile;
use std::io::{self, Read as _};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::limits::{PEM_BYTES, TOKEN_BYTES};

use super::{AllGiven, Given, Problem, SETTINGS, Setting, nearest};

/// Reads the file into `given`. Unknown keys are errors with their line.
pub(super) fn read(path: &Path, given: &mut AllGiven) -> Result<(), Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problem::new(format!("cannot read {}", path.display())).because(error.to_string())
    })?;
    parse(&path.display().to_string(), &text, given)
}

/// Reads a file that holds a token, without the white space around it.
pub(super) fn token(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    OpenFile::open(path)?.take(TOKEN_BYTES).read_to_string(&mut text)?;
    Ok(text.trim().to_owned())
}

/// Reads certificates or a key.
pub(super) fn pem(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    OpenFile::open(path)?.take(PEM_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// The name of this machine, if it has one that a certificate can bear.
pub(super) fn host_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = text.trim();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (!name.is_empty() && name.len() <= 253 && name.bytes().all(fits)).then(|| name.to_ascii_lowercase())
}

pub(super) fn parse(name: &str, text: &str, given: &mut AllGiven) -> Result<(), Problem> {
    let file = File { name, text };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Problem::new(format!("{}: {}", file.origin(at), error.message()))
    })?;
    for (key, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(section) => file.section(key, section, given)?,
            _ => file.setting(None, key, value, given)?,
        }
    }
    Ok(())
}

struct File<'a> {
    name: &'a str,
    text: &'a str,
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

impl File<'_> {
    fn origin(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        format!("{}:{}", self.name, before.matches('\n').count() + 1)
    }

    fn section(&self, section: &Key<'_>, table: &DeTable<'_>, given: &mut AllGiven) -> Result<(), Problem> {
        let known = |setting: &&Setting| setting.place().0 == Some(section.get_ref());
        if !SETTINGS.iter().any(|setting| known(&setting)) {
            let sections = SETTINGS.iter().filter_map(|setting| setting.place().0);
            return Err(self.unknown("section", section, nearest::of(section.get_ref(), sections)));
        }
        table.iter().try_for_each(|(key, value)| self.setting(Some(section.get_ref()), key, value, given))
    }

    fn setting(
        &self,
        section: Option<&str>,
        key: &Key<'_>,
        value: &Spanned<DeValue<'_>>,
        given: &mut AllGiven,
    ) -> Result<(), Problem> {
        let name: &str = key.get_ref();
        let Some(setting) = SETTINGS.iter().find(|setting| setting.place() == (section, name)) else {
            let here = SETTINGS.iter().filter(|setting| setting.place().0 == section);
            let near = nearest::of(name, here.map(|setting| setting.place().1));
            // A setting of a section that was written outside of it.
            let elsewhere =
                SETTINGS.iter().find(|setting| setting.place().1 == name).map(|setting| setting.key);
            return Err(self.unknown("setting", key, near.or(elsewhere)));
        };
        let origin = self.origin(key.span().start);
        let Some(text) = plain(value.get_ref()) else {
            return Err(Problem::new(format!("{origin}: {} is not {}", setting.key, setting.expects)));
        };
        given.insert(setting.key, Given { text, origin });
        Ok(())
    }

    fn unknown(&self, what: &str, key: &Key<'_>, near: Option<&str>) -> Problem {
        let problem = Problem::new(format!("{}: no {what} {}", self.origin(key.span().start), key.get_ref()));
        match near {
            Some(near) => problem.because(format!("nearest: {near}")),
            None if key.get_ref().contains("root") => {
                problem.because("root keys come by flag or LAMBENT_ROOT_* only")
            }
            None => problem,
        }
    }
}

/// A value as it would be written in a flag; lists are joined with commas.
fn plain(value: &DeValue<'_>) -> Option<String> {
    Some(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(|item| plain(item.get_ref())).collect();
            items?.join(", ")
        }
        DeValue::Datetime(_) | DeValue::Table(_) => return None,
    })
}
