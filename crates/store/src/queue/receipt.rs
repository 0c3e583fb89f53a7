use aws::Millis;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Group;
use crate::limits::RECEIPT_BYTES;
use crate::{Broken, Home, Key, Result};

/// Names one lease of one item: where its row was, and the lease's number. It is good for that lease alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(pub(crate) Ticket);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) home: Home,
    pub(crate) tag: u32,
    pub(crate) source: String,
    pub(crate) group: Group,
    pub(crate) due: Millis,
    pub(crate) id: u64,
    pub(crate) attempt: u32,
    /// Of a lease of this process: it has no other name, and none outside.
    pub(crate) serial: Option<u64>,
}

impl Receipt {
    /// The item.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// The source that the item was leased from. Compare it with the one you serve: receipts of other sources of the
    /// home are good too.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The group of the item.
    pub fn group(&self) -> &Group {
        &self.0.group
    }

    /// Which lease of the item it is, from 1.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }
}

const VERSION: u8 = 1;
const MAC_BYTES: usize = 16;

/// Makes receipts that strangers can hold and reads those that they hand back. The key is one a home, and stored.
#[derive(Clone)]
pub(crate) struct Sealer(Hmac<Sha256>);

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Sealer {
        Sealer(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// The receipt as text of `A-Z a-z 0-9 - _`, at most 1,024 bytes.
    pub(crate) fn write(&self, ticket: &Ticket) -> String {
        let mut body = vec![VERSION];
        body.extend(ticket.home.0.to_be_bytes());
        body.extend(ticket.tag.to_be_bytes());
        ticket.due.encode(&mut body);
        ticket.id.encode(&mut body);
        body.extend(ticket.attempt.to_be_bytes());
        // Zero stands for none, which is safe: serials begin at one.
        ticket.serial.unwrap_or(0).encode(&mut body);
        ticket.source.encode(&mut body);
        ticket.group.encode(&mut body);
        let mac = self.0.clone().chain_update(&body).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([&mac[..MAC_BYTES], &body].concat())
    }

    /// The receipt that the text is, if this key made it.
    pub(crate) fn read(&self, text: &str) -> Option<Ticket> {
        if text.len() > RECEIPT_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (mac, body) = bytes.split_at_checked(MAC_BYTES)?;
        // In constant time.
        self.0.clone().chain_update(body).verify_truncated_left(mac).ok()?;
        parse(body).ok()
    }
}

fn parse(mut bytes: &[u8]) -> Result<Ticket> {
    let rest = &mut bytes;
    let [version] = <[u8; 1]>::take(rest)?;
    let home = Home(u16::from_be_bytes(<[u8; 2]>::take(rest)?));
    let tag = u32::from_be_bytes(<[u8; 4]>::take(rest)?);
    let due = Millis::take(rest)?;
    let id = u64::take(rest)?;
    let attempt = u32::from_be_bytes(<[u8; 4]>::take(rest)?);
    let serial = Some(u64::take(rest)?).filter(|serial| *serial != 0);
    let source = String::take(rest)?;
    let group = Group::take(rest)?;
    if version != VERSION || !rest.is_empty() {
        return Err(Broken::Corrupt("a receipt".to_owned()));
    }
    Ok(Ticket { home, tag, source, group, due, id, attempt, serial })
}

/// For the fuzz targets: receipts from outside.
#[doc(hidden)]
pub mod fuzzing {
    use super::*;

    /// Panics unless the text is refused, or is what this key writes.
    pub fn read(text: &str) {
        let sealer = Sealer::new(&[7; 32]);
        if let Some(ticket) = sealer.read(text) {
            assert_eq!(sealer.write(&ticket), text, "a receipt was read that this key did not write");
        }
    }

    /// Takes bytes for the signed part of a receipt, as if their sender had the key: what is understood is written again
    /// as it was, and whoever changes a letter of it is refused.
    pub fn forge(body: &[u8], at: usize) {
        let Ok(ticket) = parse(body) else { return };
        let sealer = Sealer::new(&[7; 32]);
        let text = sealer.write(&ticket);
        if text.len() > RECEIPT_BYTES {
            assert_eq!(sealer.read(&text), None);
            return;
        }
        assert_eq!(sealer.read(&text), Some(ticket.clone()));
        assert_eq!(parse(body), Ok(ticket), "read twice, understood twice");
        let mut changed = text.clone().into_bytes();
        let at = at % changed.len();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("letters");
        // The last letter may have bits without a meaning; then the text is refused for not being canonical.
        assert_eq!(sealer.read(&changed), None);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::{GROUP_BYTES, SOURCE_BYTES};

    fn ticket(group: Group) -> Ticket {
        Ticket {
            home: Home(255),
            tag: 9,
            source: "queue".to_owned(),
            group,
            due: Millis(5),
            id: 255 << 48 | 3,
            attempt: 2,
            serial: None,
        }
    }

    #[test]
    fn a_receipt_is_read_by_the_key_that_wrote_it_and_by_no_other() {
        let sealer = Sealer::new(&[1; 32]);
        for group in [Group::None, Group::Fair("g".into()), Group::Strict("g\0".into())] {
            for serial in [None, Some(1)] {
                let ticket = Ticket { serial, ..ticket(group.clone()) };
                let text = sealer.write(&ticket);
                assert_eq!(sealer.read(&text), Some(ticket));
                assert_eq!(Sealer::new(&[2; 32]).read(&text), None);
            }
        }
    }

    #[test]
    fn any_changed_letter_and_any_cut_makes_it_no_receipt() {
        // Of each length that base64 tells apart.
        ["", "g", "gr"].into_iter().for_each(no_change_passes);
    }

    fn no_change_passes(group: &str) {
        let sealer = Sealer::new(&[1; 32]);
        let text = sealer.write(&ticket(Group::Strict(group.into())));
        for at in 0..text.len() {
            assert_eq!(sealer.read(&text[..at]), None);
            let mut changed = text.clone().into_bytes();
            for letter in *b"AQgw_" {
                if changed[at] != letter {
                    let was = std::mem::replace(&mut changed[at], letter);
                    assert_eq!(sealer.read(std::str::from_utf8(&changed).unwrap()), None, "{at}");
                    changed[at] = was;
                }
            }
        }
        for hostile in ["", "garbage", "AAAA", "=", "\u{10ffff}", &"A".repeat(5_000), &format!("{text}A")] {
            assert_eq!(sealer.read(hostile), None);
        }
    }

    #[test]
    fn the_longest_names_fit() {
        let long = Ticket {
            source: "s".repeat(SOURCE_BYTES),
            group: Group::Strict("g".repeat(GROUP_BYTES)),
            ..ticket(Group::None)
        };
        let sealer = Sealer::new(&[1; 32]);
        assert_eq!(sealer.read(&sealer.write(&long)), Some(long));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_and_no_signed_bytes_make_it_panic(
            text in "[A-Za-z0-9_=-]{0,300}",
            mut body in proptest::collection::vec(any::<u8>(), 30..80),
            names in "[a-c\0]{0,4}",
            at in any::<usize>(),
        ) {
            fuzzing::read(&text);
            fuzzing::forge(&body, at);
            // Near to one.
            body.truncate(35);
            body[0] = VERSION;
            names.clone().encode(&mut body);
            Group::Fair(names).encode(&mut body);
            fuzzing::forge(&body, at);
        }
    }
}
