use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tasks::Random;

/// The key of the first account's root.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootKey {
    #[serde(rename = "AccessKeyId")]
    access_key: String,
    #[serde(rename = "SecretAccessKey")]
    secret_key: String,
}

/// Whether a key was made or found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This is the first start.
    Made,
    /// An earlier start made it.
    Found,
}

/// The key's file in the data folder.
pub const FILE: &str = "root-key";
/// More than any key file has.
const LONGEST: u64 = 4096;

impl RootKey {
    /// Takes a key that was given. The text of the error says which half is wrong.
    pub fn given(access_key: &str, secret_key: &str) -> Result<RootKey, String> {
        let access_fits = (16..=128).contains(&access_key.len())
            && access_key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !access_fits || access_key.starts_with("ASIA") {
            return Err(
                "a root access key is 16 to 128 letters and digits and does not begin with ASIA".to_owned()
            );
        }
        let secret_fits =
            (16..=128).contains(&secret_key.len()) && secret_key.bytes().all(|byte| byte.is_ascii_graphic());
        if !secret_fits {
            return Err("a root secret key is 16 to 128 characters without spaces".to_owned());
        }
        Ok(RootKey { access_key: access_key.to_owned(), secret_key: secret_key.to_owned() })
    }

    /// Makes a key of AWS's form.
    pub fn make(random: &Random) -> RootKey {
        let access: String = letters(random, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16);
        const SECRET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+";
        RootKey { access_key: format!("AKIA{access}"), secret_key: letters(random, SECRET, 40) }
    }

    /// Reads the key of a data folder, or makes it there (mode 0600, durable before this returns).
    ///
    /// # Errors
    /// When the folder cannot be read or written, or holds something that is no key.
    pub fn of_folder(data: &Path, random: &Random) -> anyhow::Result<(RootKey, Origin)> {
        let path = data.join(FILE);
        match File::open(&path) {
            Ok(file) => {
                let mut text = String::new();
                file.take(LONGEST)
                    .read_to_string(&mut text)
                    .with_context(|| format!("read {}", path.display()))?;
                let key = serde_json::from_str(&text)
                    .with_context(|| format!("{} is no root key", path.display()))?;
                Ok((key, Origin::Found))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = RootKey::make(random);
                key.write(data).with_context(|| format!("write {}", path.display()))?;
                Ok((key, Origin::Made))
            }
            Err(error) => Err(error).with_context(|| format!("open {}", path.display())),
        }
    }

    fn write(&self, data: &Path) -> io::Result<()> {
        let draft = data.join(format!("{FILE}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&draft, data.join(FILE))?;
        File::open(data)?.sync_all()
    }

    /// The access key id.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The secret.
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({})", self.access_key)
    }
}

/// Letters of an alphabet of 32 or 64, each as likely as the others.
fn letters(random: &Random, alphabet: &[u8], count: usize) -> String {
    let mut bytes = vec![0; count];
    random.fill(&mut bytes);
    bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_first_start_makes_a_key_that_only_its_owner_reads_and_the_second_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let (made, origin) = RootKey::of_folder(folder.path(), &Random::kernel()).unwrap();
        assert_eq!(origin, Origin::Made);
        assert_eq!((made.access_key.len(), &made.access_key[..4], made.secret_key.len()), (20, "AKIA", 40));
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (found, origin) = RootKey::of_folder(folder.path(), &Random::kernel()).unwrap();
        assert_eq!((found, origin), (made, Origin::Found));
    }

    #[test]
    fn a_broken_key_file_is_named_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{}").unwrap();
        let error = RootKey::of_folder(folder.path(), &Random::kernel()).unwrap_err();
        assert!(format!("{error:#}").contains("is no root key"), "{error:#}");
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), "{}");
    }

    #[test]
    fn a_given_key_must_look_like_one() {
        let secret = "s".repeat(40);
        assert!(RootKey::given("AKIAIOSFODNN7EXAMPLE", &secret).is_ok());
        for bad in ["", "short", "ASIAIOSFODNN7EXAMPLE", "AKIA IOSFODNN7EXAMPL", "AKIA/IOSFODNN7EXAMP"] {
            assert!(RootKey::given(bad, &secret).is_err(), "{bad}");
        }
        for bad in ["", "short", "has a space has a space"] {
            assert!(RootKey::given("AKIAIOSFODNN7EXAMPLE", bad).is_err(), "{bad}");
        }
    }
}
