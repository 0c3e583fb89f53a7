//! TLS: the only place that names a provider of cryptography for it. Certificates are given, or made for this machine.

mod certificate;
mod der;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use aws::{Millis, Region};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::Config;
use crate::limits::PEM_BYTES;

/// The file of the made certificate and its key, in the data folder.
const OWN: &str = "tls.pem";
/// The file of the certificate that clients have to trust, in the data folder.
pub const AUTHORITY: &str = "tls-ca.pem";
/// What a made certificate says it is good for, before it.
const NAMES: &str = "# names: ";
const UNTIL: &str = "# until: ";
/// How AWS's endpoints begin.
const HOSTS: [&str; 25] = [
    "apigateway",
    "cloudformation",
    "cloudtrail",
    "dynamodb",
    "ecr",
    "events",
    "execute-api",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "pipes",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "streams.dynamodb",
    "sts",
    "tagging",
    "xray",
];
/// A certificate that ends within this time is made anew at a start: thirty days.
const RENEW_MS: u64 = 30 * 24 * 3600 * 1000;

/// How TLS is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tls {
    /// Not at all.
    Off,
    /// With a certificate that we make.
    SelfSigned {
        /// The name of this machine, if it has one.
        host: Option<String>,
    },
    /// With these.
    Given(Given),
}

/// A certificate and its key as PEM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The certificate and those that lead to one that clients trust.
    pub chain: String,
    /// Its key.
    pub key: String,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given(..)")
    }
}

impl Tls {
    /// What URLs begin with.
    pub fn scheme(&self) -> &'static str {
        match self {
            Tls::Off => "http",
            Tls::SelfSigned { .. } | Tls::Given(_) => "https",
        }
    }
}

impl Given {
    /// Checks that the two belong together and can be used.
    ///
    /// # Errors
    /// When they cannot.
    pub fn check(&self) -> anyhow::Result<()> {
        self.acceptor().map(|_| ())
    }

    /// Takes connections with this certificate; HTTP/2 is offered before HTTP/1.1.
    pub(crate) fn acceptor(&self) -> anyhow::Result<TlsAcceptor> {
        let chain = certificates(self.chain.as_bytes()).context("read the certificate")?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).context("read the key")?;
        let builder =
            ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// The acceptor of an instance that listens there; `None` without TLS.
pub(crate) fn acceptor(
    config: &Config,
    data: &Path,
    listen: SocketAddr,
    now: Millis,
) -> anyhow::Result<Option<TlsAcceptor>> {
    match &config.tls {
        Tls::Off => Ok(None),
        Tls::Given(given) => given.acceptor().map(Some),
        Tls::SelfSigned { host } => {
            let suffixes: Vec<&str> = std::iter::once("localhost").chain(config.hosts.suffixes()).collect();
            let mut names = names(&suffixes, &config.region);
            names.extend(host.clone());
            if !listen.ip().is_unspecified() && !listen.ip().is_loopback() {
                names.push(listen.ip().to_string());
            }
            own(data, &names, now).context("make a certificate")?.acceptor().map(Some)
        }
    }
}

/// A client that trusts the certificates in `authorities` (PEM) and nobody else.
///
/// # Errors
/// When there is none in it.
pub fn connector(authorities: &[u8]) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(authorities)?);
    anyhow::ensure!(added > 0, "no certificate that can be trusted");
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn certificates(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all?;
    anyhow::ensure!(!all.is_empty(), "there is none");
    Ok(all)
}

/// By which names clients reach the server: its suffixes, the endpoints below them, and this machine's own addresses.
fn names(suffixes: &[&str], region: &Region) -> Vec<String> {
    let mut names = vec!["127.0.0.1".to_owned(), "::1".to_owned()];
    for suffix in suffixes {
        names.extend([(*suffix).to_owned(), format!("*.{suffix}")]);
        // OpenSSL takes no star before a single word, so the names that are used are there one by one.
        let hosts =
            HOSTS.iter().flat_map(|host| [format!("{host}.{suffix}"), format!("{host}.{region}.{suffix}")]);
        names.extend(hosts);
        for below in ["s3", "execute-api", "lambda-url"] {
            names.extend([format!("*.{below}.{suffix}"), format!("*.{below}.{region}.{suffix}")]);
        }
    }
    names
}

/// The certificate of the data folder; a new one when there is none, when it ends soon, or when it is for other names.
fn own(data: &Path, names: &[String], now: Millis) -> anyhow::Result<Given> {
    let path = data.join(OWN);
    let said = names.join(" ");
    match read(&path) {
        Ok(text) => {
            let line = |prefix: &str| text.lines().find_map(|line| line.strip_prefix(prefix));
            let until: Option<u64> = line(UNTIL).and_then(|until| until.parse().ok());
            if line(NAMES) == Some(&said) && until.is_some_and(|until| until > now.0 + RENEW_MS) {
                return Ok(Given { chain: text.clone(), key: text });
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    }
    let made = certificate::make(names, now)?;
    let until = now.0 + u64::try_from(certificate::LIFE.as_millis()).unwrap_or(u64::MAX);
    let text = format!("{NAMES}{said}\n{UNTIL}{until}\n{}{}", made.certificate, made.key);
    // Whom to trust comes first: with the other half missing, both are made again.
    write(data, AUTHORITY, &made.authority).context("write whom to trust")?;
    write(data, OWN, &text).context("write the certificate")?;
    Ok(Given { chain: text.clone(), key: text })
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(PEM_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a file that only its owner reads, whole or not at all.
fn write(data: &Path, name: &str, text: &str) -> io::Result<()> {
    let draft = data.join(format!("{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, data.join(name))?;
    File::open(data)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rustls::pki_types::ServerName;
    use tasks::Clock;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn made(folder: &Path, host: &str, now: Millis) -> Given {
        let region = Region::parse("eu-west-1").unwrap();
        let mut names = names(&["localhost", host], &region);
        names.push("10.0.0.5".to_owned());
        own(folder, &names, now).unwrap()
    }

    fn now() -> Millis {
        Millis(Clock::real().wall_ms())
    }

    /// Shakes hands under a name; what the server got.
    async fn meet(given: &Given, authority: &[u8], name: &str) -> io::Result<String> {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (acceptor, connector) = (given.acceptor().unwrap(), connector(authority).unwrap());
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let serve = async {
            let mut text = String::new();
            acceptor.accept(server).await?.read_to_string(&mut text).await?;
            io::Result::Ok(text)
        };
        let call = async {
            let mut stream = connector.connect(name, client).await?;
            stream.write_all(b"hello").await?;
            // The server may be gone once it has read all.
            let _ = stream.shutdown().await;
            // The server writes once more after the handshake.
            io::Result::Ok(stream)
        };
        let (served, called) = tokio::join!(serve, call);
        called.and(served)
    }

    #[tokio::test]
    async fn clients_that_trust_the_made_authority_reach_the_server_by_its_names_and_by_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let given = made(folder.path(), "box.example", now());
        let authority = fs::read(folder.path().join(AUTHORITY)).unwrap();
        for name in [
            "localhost",
            "127.0.0.1",
            "::1",
            "10.0.0.5",
            "box.example",
            "s3.box.example",
            "sqs.eu-west-1.localhost",
            "my-bucket.s3.localhost",
            "abc.execute-api.eu-west-1.localhost",
        ] {
            assert_eq!(meet(&given, &authority, name).await.unwrap(), "hello", "{name}");
        }
        for name in ["other.example", "127.0.0.2", "a.b.s3.localhost"] {
            assert!(meet(&given, &authority, name).await.is_err(), "{name}");
        }
        let other = tempfile::tempdir().unwrap();
        made(other.path(), "box.example", now());
        let stranger = fs::read(other.path().join(AUTHORITY)).unwrap();
        assert!(meet(&given, &stranger, "localhost").await.is_err());
    }

    #[test]
    fn a_made_certificate_outlives_restarts_until_it_ends_or_the_names_change() {
        let folder = tempfile::tempdir().unwrap();
        let first = made(folder.path(), "a", now());
        assert_eq!(made(folder.path(), "a", now()), first);
        let mode = fs::metadata(folder.path().join(OWN)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = made(folder.path(), "b", now());
        assert_ne!(second, first);
        let late = Millis(now().0 + 800 * 24 * 3600 * 1000);
        assert_ne!(made(folder.path(), "b", late), second);
    }

    #[test]
    fn what_is_given_must_belong_together() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one, other) = (made(one.path(), "a", now()), made(other.path(), "a", now()));
        assert!(one.check().is_ok());
        let mixed = Given { chain: one.chain.clone(), key: other.key };
        assert!(mixed.check().is_err());
        for bad in ["", "text", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Given { chain: bad.into(), key: one.key.clone() }.check().is_err(), "{bad}");
        }
    }
}
