//! What every pack has: C and C++ runtime, shell, coreutils, certificates, time zones, a few files of `/etc`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::libraries::Libraries;
use super::staging::{Head, Staging};

/// Without these a pack is not worth having.
const REQUIRED: [&str; 4] = ["bash", "cat", "env", "ls"];

/// Taken if the host has them: what Amazon Linux's minimal image has, by name.
const OPTIONAL: &str = "arch awk b2sum base32 base64 basename cksum chmod chown comm cp csplit curl cut date dd df dirname \
    du echo egrep expand expr factor false fgrep find fmt fold getconf getent grep groups gunzip gzip head hostname iconv id \
    install join link ln locale logname mawk gawk md5sum mkdir mkfifo mktemp mv nice nl nohup nproc numfmt od paste pathchk \
    pr printenv printf ps ptx pwd readlink realpath rm rmdir sed seq sha1sum sha224sum sha256sum sha384sum sha512sum shred \
    shuf sleep sort split stat stdbuf stty sum sync tac tail tar tee test timeout touch tr true truncate tsort tty uname \
    unexpand uniq unlink users vdir wc which whoami xargs yes [";

/// Libraries that are loaded by name, or that functions bring programs for.
const LIBRARIES: [&str; 12] = [
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libresolv.so.2",
    "libutil.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libnss_files.so.2",
    "libnss_dns.so.2",
    "libz.so.1",
];

const FILES: [(&str, &str); 8] = [
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\nsbx_user1051:x:993:993::/home/sbx_user1051:/sbin/nologin\n",
    ),
    ("etc/group", "root:x:0:\nsbx_user1051:x:993:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("etc/host.conf", "multi on\n"),
    ("etc/resolv.conf", "options timeout:1 attempts:1\n"),
    (
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
    ),
    (
        "etc/os-release",
        "NAME=\"Lambent pack\"\nID=lambent\nPRETTY_NAME=\"Lambent pack (userland of the host)\"\n",
    ),
    ("etc/shells", "/bin/sh\n/bin/bash\n"),
];

pub(super) fn head() -> Head {
    Head {
        name: "base".to_owned(),
        runtimes: vec!["provided.al2023".to_owned(), "provided.al2".to_owned()],
        version: "provided:al2023.v1".to_owned(),
        environment: environment(),
        licences: licences(),
    }
}

pub(super) fn environment() -> BTreeMap<String, String> {
    BTreeMap::from([("LANG".to_owned(), "en_US.UTF-8".to_owned())])
}

pub(super) fn licences() -> Vec<String> {
    let list = [
        "LGPL-2.1-or-later (glibc)",
        "GPL-3.0-or-later (bash, coreutils)",
        "GPL-3.0 with GCC exception (libgcc, libstdc++)",
        "MPL-2.0 (certificates)",
    ];
    list.map(str::to_owned).to_vec()
}

/// Where the host has a program.
fn program(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(Path::new);
    folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Fills a pack with it. What is there already stays.
pub(super) fn fill(staging: &mut Staging<'_>) -> Result<()> {
    let mut libraries = Libraries::of_host();
    for name in REQUIRED {
        program(name).with_context(|| format!("this host has no {name}"))?;
    }
    for name in REQUIRED.into_iter().chain(OPTIONAL.split_whitespace()) {
        let Some(path) = program(name) else { continue };
        // Debian's alternatives (awk) are links to absolute paths: the program itself is copied.
        staging.copy(&path, &format!("usr/bin/{name}"))?;
        libraries.add_needs_of(&path)?;
    }
    staging.link("usr/bin/sh", "bash")?;
    for name in LIBRARIES {
        libraries.add_optional(name)?;
    }
    libraries.place(staging)?;
    for (path, content) in FILES {
        staging.text(path, content)?;
    }
    for path in ["etc/services", "etc/protocols", "etc/ssl/openssl.cnf"] {
        let host = Path::new("/").join(path);
        if host.is_file() {
            staging.copy(&host, path)?;
        }
    }
    staging.link("etc/mtab", "/proc/self/mounts")?;
    for folder in ["root", "run", "home/sbx_user1051", "mnt", "var/lib", "var/log"] {
        staging.folder(folder)?;
    }
    staging.link("var/run", "/run")?;
    staging.link("var/tmp", "/tmp")?;
    certificates(staging)?;
    zones(staging)?;
    locales(staging)
}

fn certificates(staging: &mut Staging<'_>) -> Result<()> {
    let known = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let bundle = "etc/ssl/certs/ca-certificates.crt";
    let Some(found) = known.iter().map(Path::new).find(|path| path.is_file()) else {
        // A host without certificates gives packs without; TLS then fails loudly.
        return Ok(());
    };
    staging.copy(found, bundle)?;
    // Every place where some TLS library looks first.
    for link in [
        "etc/ssl/cert.pem",
        "usr/lib/ssl/cert.pem",
        "etc/pki/tls/cert.pem",
        "etc/pki/tls/certs/ca-bundle.crt",
    ] {
        staging.link(link, &format!("/{bundle}"))?;
    }
    staging.link("usr/lib/ssl/certs", "/etc/ssl/certs")?;
    staging.link("usr/lib/ssl/openssl.cnf", "/etc/ssl/openssl.cnf")
}

fn zones(staging: &mut Staging<'_>) -> Result<()> {
    let zones = Path::new("/usr/share/zoneinfo");
    if zones.is_dir() {
        let keep = |path: &str| !matches!(path, "posix" | "right" | "localtime" | "posixrules");
        staging.copy_tree(zones, "usr/share/zoneinfo", &keep)?;
    }
    if staging.has("usr/share/zoneinfo/UTC") {
        staging.link("etc/localtime", "/usr/share/zoneinfo/UTC")?;
    }
    Ok(())
}

/// `C.UTF-8` and `en_US.UTF-8`, which AWS sets as LANG. Hosts that never compiled the latter give it the former's rules.
fn locales(staging: &mut Staging<'_>) -> Result<()> {
    let folder = Path::new("/usr/lib/locale");
    for (name, spellings) in
        [("C.utf8", ["C.utf8", "C.UTF-8"]), ("en_US.utf8", ["en_US.utf8", "en_US.UTF-8"])]
    {
        if let Some(found) = spellings.iter().map(|name| folder.join(name)).find(|path| path.is_dir()) {
            staging.copy_tree(&found, &format!("usr/lib/locale/{name}"), &|_| true)?;
        }
    }
    if staging.has("usr/lib/locale/C.utf8") {
        staging.link("usr/lib/locale/en_US.utf8", "C.utf8")?;
    }
    Ok(())
}
