use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::{Command, KeepTmp, Pack, PackDigest, TreeDigest};

use super::limits::{MESSAGE_BYTES, REASON_BYTES};
use super::message::{FromMaker, Made, Message, Order, PackList, Refusal, ToMaker, ToServer, ToWarden};

fn order() -> impl Strategy<Value = Order> {
    let trees = (any::<[u8; 32]>(), option::of(any::<[u8; 32]>()), vec(any::<[u8; 32]>(), 0..=5));
    let numbers = (any::<bool>(), any::<u32>(), any::<u32>(), option::of(any::<u32>()));
    (trees, numbers).prop_map(|((pack, task, layers), (custom, memory_mb, tmp_mb, tmp))| Order {
        pack: PackDigest(pack),
        task: task.map(TreeDigest),
        layers: layers.into_iter().map(TreeDigest).collect(),
        command: if custom { Command::Custom } else { Command::Runtime },
        memory_mb,
        tmp_mb,
        tmp,
    })
}

fn made() -> impl Strategy<Value = Made> {
    (any::<u32>(), any::<u8>(), any::<u8>(), any::<u32>())
        .prop_map(|(slot, present, version_1, memory_mb)| Made { slot, present, version_1, memory_mb })
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        Just(Refusal::Full),
        ".{0,100}".prop_map(Refusal::Missing),
        ".{0,100}".prop_map(Refusal::Failed)
    ]
}

fn packs() -> impl Strategy<Value = PackList> {
    let pack = (any::<[u8; 32]>(), vec("[a-z0-9.]{1,20}", 0..4), "[a-z0-9.:]{0,40}");
    let pack =
        pack.prop_map(|(digest, runtimes, version)| Pack { digest: PackDigest(digest), runtimes, version });
    (any::<bool>(), vec(pack, 0..4)).prop_map(|(preparing, packs)| PackList { preparing, packs })
}

fn keep() -> impl Strategy<Value = KeepTmp> {
    prop_oneof![Just(KeepTmp::Yes), Just(KeepTmp::No)]
}

fn check<M: Message + PartialEq + std::fmt::Debug>(message: &M) -> Result<(), TestCaseError> {
    let bytes = message.encode();
    prop_assert!(bytes.len() <= MESSAGE_BYTES);
    prop_assert_eq!(&M::decode(&bytes).unwrap(), message);
    // Cut anywhere or longer, it is no message.
    for end in 0..bytes.len() {
        prop_assert!(M::decode(&bytes[..end]).is_err(), "cut at {}", end);
    }
    prop_assert!(M::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
    Ok(())
}

proptest! {
    #[test]
    fn what_the_server_says_arrives(order in order(), a: u32, b: u32, keep in keep()) {
        check(&ToWarden::Start { request: a, order })?;
        check(&ToWarden::Close { request: a, slot: b, keep })?;
        check(&ToWarden::Release { tmp: a })?;
        check(&ToWarden::Ready)?;
    }

    #[test]
    fn what_the_warden_says_arrives(
        made in made(), why in refusal(), packs in packs(), order in order(), a: u32, b in option::of(any::<u32>()),
        keep in keep(),
    ) {
        check(&ToServer::Started { request: a, made })?;
        check(&ToServer::Refused { request: a, why })?;
        check(&ToServer::Closed { request: a, tmp: b })?;
        check(&ToServer::Packs(packs))?;
        check(&ToServer::Drain)?;
        check(&ToMaker::Blank { slot: a })?;
        check(&ToMaker::Start { slot: a, order })?;
        check(&ToMaker::Clear { slot: a, tmp: b, keep })?;
        check(&ToMaker::Forget { tmp: a })?;
    }

    #[test]
    fn what_a_maker_says_arrives(made in made(), why in refusal(), packs in packs(), a: u32, b: u32, text in ".{0,80}") {
        check(&FromMaker::Blank { slot: a, tmp: b })?;
        check(&FromMaker::Started { made, tmp: b })?;
        check(&FromMaker::Failed { slot: a, why })?;
        check(&FromMaker::Cleared { slot: a })?;
        check(&FromMaker::Stuck { slot: a, why: text })?;
        check(&FromMaker::Forgotten { tmp: a })?;
        check(&FromMaker::Packs(packs))?;
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in vec(any::<u8>(), 0..400)) {
        decode_all(&bytes);
    }

    #[test]
    fn no_damage_to_a_message_makes_the_decoder_panic(order in order(), at: prop::sample::Index, byte: u8) {
        let mut bytes = ToWarden::Start { request: 1, order }.encode();
        *at.get_mut(&mut bytes) = byte;
        decode_all(&bytes);
        // As a message of any other kind, too.
        for kind in 0..=8 {
            bytes[1] = kind;
            decode_all(&bytes);
        }
    }
}

/// Every decoder either refuses the bytes or reads a message that it writes back as the same bytes.
fn decode_all(bytes: &[u8]) {
    fn one<M: Message>(bytes: &[u8]) {
        if let Ok(message) = M::decode(bytes) {
            assert_eq!(message.encode(), bytes);
        }
    }
    one::<ToWarden>(bytes);
    one::<ToServer>(bytes);
    one::<ToMaker>(bytes);
    one::<FromMaker>(bytes);
}

#[test]
fn a_long_reason_is_cut_at_a_letter() {
    let why = Refusal::Failed("ä".repeat(REASON_BYTES));
    let ToServer::Refused { why: Refusal::Failed(text), .. } =
        ToServer::decode(&ToServer::Refused { request: 1, why }.encode()).unwrap()
    else {
        panic!("another message")
    };
    assert_eq!(text, "ä".repeat(REASON_BYTES / 2));
}

#[test]
fn another_version_is_refused() {
    let mut bytes = ToWarden::Ready.encode();
    bytes[0] += 1;
    assert!(ToWarden::decode(&bytes).is_err());
}
