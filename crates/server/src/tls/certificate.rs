//! A certificate for names of this machine, and the authority that vouches for it (RFC 5280).
//!
//! The authority's key signs one certificate and is forgotten: whoever trusts it trusts nothing but this server.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Context as _;
use aws::Millis;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::der::{SET, bits, flags, integer, object, octets, sequence, tagged, text, time, truth};

/// How long a made certificate is good; some clients take no longer ones.
pub(super) const LIFE: Duration = Duration::from_secs(820 * 24 * 3600);
/// A clock may be slow.
const BEFORE: Duration = Duration::from_secs(24 * 3600);

// Object identifiers, encoded.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 0x0e];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 0x23];
const EXTENDED_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];

/// A certificate with its key, and whom clients have to trust; each as PEM.
pub(super) struct Made {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) authority: String,
}

/// Makes a certificate for `names`, which are host names and addresses.
///
/// # Errors
/// When the kernel gives no randomness.
pub(super) fn make(names: &[String], now: Millis) -> anyhow::Result<Made> {
    let random = SystemRandom::new();
    let pair = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).context("make a key");
    let (authority, own) = (pair()?, pair()?);
    let serial = || {
        let mut bytes = [0; 16];
        random.fill(&mut bytes).context("draw a number")?;
        bytes[0] = bytes[0] & 0x7f | 0x40;
        anyhow::Ok(bytes)
    };
    // Each authority has a name of its own, so that clients that know an older one do not try its key.
    let tag: String = serial()?[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let issuer = name(&format!("Lambent {tag}"));
    let validity =
        sequence([time(&stamp(now, -(BEFORE.as_secs() as i64))?), time(&stamp(now, LIFE.as_secs() as i64)?)]);
    let sign = |subject: Vec<u8>, key: &EcdsaKeyPair, extensions: Vec<u8>| {
        let to_be_signed = sequence([
            // Version 3.
            tagged(0xa0, &integer(&[2])),
            integer(&serial()?),
            sequence([object(ECDSA_SHA256)]),
            issuer.clone(),
            validity.clone(),
            subject,
            public(key),
            tagged(0xa3, &tagged(super::der::SEQUENCE, &extensions)),
        ]);
        let signature = authority.sign(&random, &to_be_signed).context("sign")?;
        let whole = sequence([to_be_signed, sequence([object(ECDSA_SHA256)]), bits(signature.as_ref())]);
        anyhow::Ok(pem("CERTIFICATE", &whole))
    };
    let authority_id = key_id(&authority);
    let of_authority = [
        critical(BASIC_CONSTRAINTS, sequence([truth(), integer(&[0])])),
        // Signs certificates.
        critical(KEY_USAGE, flags(2, &[0b0000_0100])),
        extension(SUBJECT_KEY, octets(&authority_id)),
    ];
    let of_own = [
        critical(BASIC_CONSTRAINTS, sequence([])),
        // Signs handshakes.
        critical(KEY_USAGE, flags(7, &[0b1000_0000])),
        extension(EXTENDED_USAGE, sequence([object(SERVER_AUTH)])),
        extension(SUBJECT_KEY, octets(&key_id(&own))),
        extension(AUTHORITY_KEY, sequence([tagged(0x80, &authority_id)])),
        extension(ALTERNATIVE_NAMES, alternatives(names)),
    ];
    Ok(Made {
        authority: sign(issuer.clone(), &authority, of_authority.concat())?,
        certificate: sign(name("lambent"), &own, of_own.concat())?,
        key: pem("PRIVATE KEY", own.to_pkcs8v1().context("write the key")?.as_ref()),
    })
}

fn stamp(now: Millis, seconds: i64) -> anyhow::Result<String> {
    let at = jiff::Timestamp::from_second((now.0 / 1000) as i64 + seconds).context("a time out of range")?;
    Ok(at.strftime("%y%m%d%H%M%SZ").to_string())
}

fn name(common: &str) -> Vec<u8> {
    let common = sequence([object(COMMON_NAME), text(common)]);
    sequence([tagged(SET, &common)])
}

fn public(key: &EcdsaKeyPair) -> Vec<u8> {
    let point = bits(key.public_key().as_ref());
    sequence([sequence([object(EC_PUBLIC_KEY), object(P256)]), point])
}

/// What tells a key from others; no secret hangs on it.
fn key_id(key: &EcdsaKeyPair) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, key.public_key().as_ref()).as_ref().to_vec()
}

fn extension(id: &[u8], value: Vec<u8>) -> Vec<u8> {
    sequence([object(id), octets(&value)])
}

fn critical(id: &[u8], value: Vec<u8>) -> Vec<u8> {
    sequence([object(id), truth(), octets(&value)])
}

fn alternatives(names: &[String]) -> Vec<u8> {
    let encoded: Vec<u8> = names
        .iter()
        .flat_map(|name| match name.parse() {
            Ok(IpAddr::V4(address)) => tagged(0x87, &address.octets()),
            Ok(IpAddr::V6(address)) => tagged(0x87, &address.octets()),
            Err(_) => tagged(0x82, name.as_bytes()),
        })
        .collect();
    tagged(super::der::SEQUENCE, &encoded)
}

fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {kind}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out + &format!("-----END {kind}-----\n")
}
