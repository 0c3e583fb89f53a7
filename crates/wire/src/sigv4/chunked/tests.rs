use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::super::chain::{Chain, OF_PAYLOAD, OF_TRAILER};
use super::super::checksum::{Algorithm, Sum};
use super::super::key::{Hex, unhex};
use super::super::{BodyHash, Claim, Parts, Scope, SigningKey, Stamp, framing};
use super::*;
use crate::limits::SMALLEST_CHUNK_BYTES;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SEED: &str = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
const SCOPE: &str = "20130524/us-east-1/s3/aws4_request";

fn key() -> SigningKey {
    SigningKey::derive(SECRET, &Scope { date: "20130524", region: "us-east-1", service: "s3" })
}

fn stamp() -> Stamp {
    Stamp::parse("20130524T000000Z").unwrap()
}

/// A body with everything that tests change.
#[derive(Clone)]
struct Framed {
    mode: Mode,
    seed: String,
    stated: String,
    announced: Option<String>,
    wire: Vec<u8>,
}

impl Framed {
    /// Frames chunks as a client does, with a checksum in the trailer when there may be one.
    fn of(mode: Mode, chunks: &[Vec<u8>], checksum: Option<Algorithm>) -> Framed {
        let mut chain = Chain::from(key(), SCOPE.to_owned(), Hex::of(&unhex(SEED.as_bytes()).unwrap()));
        let mut wire = Vec::new();
        let mut sum = checksum.map(Sum::new);
        for chunk in chunks.iter().map(Vec::as_slice).chain([&[][..]]) {
            wire.extend_from_slice(format!("{:x}", chunk.len()).as_bytes());
            if mode.is_signed() {
                let hashes = [BodyHash::EMPTY.digits(), BodyHash::of(chunk).digits()];
                let signature = chain.sign(OF_PAYLOAD, &stamp(), &hashes);
                wire.extend_from_slice(format!(";chunk-signature={}", signature.as_str()).as_bytes());
            }
            wire.extend_from_slice(b"\r\n");
            wire.extend_from_slice(chunk);
            if !chunk.is_empty() {
                wire.extend_from_slice(b"\r\n");
            }
            if let Some(sum) = &mut sum {
                sum.update(chunk);
            }
        }
        if let Some(sum) = sum {
            let name = format!("x-amz-checksum-{}", sum.algorithm().name());
            let line = format!("{name}:{}", sum.finish().text());
            wire.extend_from_slice(format!("{line}\r\n").as_bytes());
            if mode == Mode::SignedTrailer {
                let hash = Hex::of_hash(format!("{line}\n").as_bytes());
                let signature = chain.sign(OF_TRAILER, &stamp(), &[hash]);
                wire.extend_from_slice(
                    format!("x-amz-trailer-signature:{}\r\n", signature.as_str()).as_bytes(),
                );
            }
        }
        wire.extend_from_slice(b"\r\n");
        let announced = checksum.map(|algorithm| format!("x-amz-checksum-{}", algorithm.name()));
        let stated = chunks.iter().map(Vec::len).sum::<usize>().to_string();
        Framed { mode, seed: SEED.to_owned(), stated, announced, wire }
    }

    fn decoder(&self) -> Result<Decoder, Broken> {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("h"));
        headers.insert("x-amz-date", HeaderValue::from_static("20130524T000000Z"));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{SCOPE}, SignedHeaders=host, Signature={}",
            self.seed
        );
        headers.insert("authorization", HeaderValue::from_str(&authorization).unwrap());
        headers.insert("x-amz-decoded-content-length", HeaderValue::from_str(&self.stated).unwrap());
        if let Some(announced) = &self.announced {
            headers.insert("x-amz-trailer", HeaderValue::from_str(announced).unwrap());
        }
        let parts = Parts { method: "PUT", path: "/k", query: "", headers: &headers };
        Decoder::of(&Claim::of(&parts).unwrap(), &parts, &key(), self.mode)
    }

    /// What comes out when the wire is cut at these places.
    fn outcome(&self, cuts: &[usize]) -> (Vec<u8>, Result<Ended, Broken>) {
        let mut out = Vec::new();
        let ended = self.decoder().and_then(|mut decoder| {
            let wire = Bytes::from(self.wire.clone());
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (wire.len() + 1)).collect();
            cuts.sort_unstable();
            let mut from = 0;
            for to in cuts.into_iter().chain([wire.len()]) {
                let mut input = wire.slice(from..to);
                while let Some(piece) = decoder.decode(&mut input)? {
                    assert!(!piece.is_empty());
                    out.extend_from_slice(&piece);
                }
                assert!(input.is_empty());
                from = to;
            }
            decoder.end()
        });
        (out, ended)
    }

    fn refusal(&self) -> Broken {
        self.outcome(&[]).1.unwrap_err()
    }

    fn replaced(&self, from: &str, to: &str) -> Framed {
        let at = self.wire.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut changed = self.clone();
        changed.wire.splice(at..at + from.len(), to.bytes());
        changed
    }
}

const SIGNED: [(Mode, Option<Algorithm>); 2] =
    [(Mode::Signed, None), (Mode::SignedTrailer, Some(Algorithm::Crc32c))];
const ALL: [(Mode, Option<Algorithm>); 5] = [
    SIGNED[0],
    SIGNED[1],
    (Mode::UnsignedTrailer, Some(Algorithm::Crc64Nvme)),
    (Mode::UnsignedTrailer, None),
    (Mode::Bare, Some(Algorithm::Crc32)),
];

fn some_chunks() -> Vec<Vec<u8>> {
    vec![vec![b'a'; 9000], vec![b'b'; 8192], vec![b'c'; 17]]
}

#[test]
fn the_example_of_the_documentation_is_decoded() {
    let framed = Framed::of(Mode::Signed, &[vec![b'a'; 65536], vec![b'a'; 1024]], None);
    let text = String::from_utf8_lossy(&framed.wire);
    for signature in [
        "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n",
        "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
        "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n",
    ] {
        assert!(text.contains(signature), "{signature}");
    }
    let (out, ended) = framed.outcome(&[]);
    assert_eq!(ended, Ok(Ended { bytes: 66560, checksum: None }));
    assert!(out.len() == 66560 && out.iter().all(|byte| *byte == b'a'));
}

#[test]
fn the_example_of_the_documentation_with_a_trailer_is_decoded() {
    let data = [vec![b'a'; 65536], vec![b'a'; 1024]];
    let mut framed = Framed::of(Mode::SignedTrailer, &data, Some(Algorithm::Crc32c));
    framed.seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e".to_owned();
    let line = |size, signature: &str| format!("{size};chunk-signature={signature}\r\n").into_bytes();
    framed.wire = [
        line("10000", "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
        data[0].clone(),
        b"\r\n".to_vec(),
        line("400", "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
        data[1].clone(),
        b"\r\n".to_vec(),
        line("0", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"),
        b"x-amz-checksum-crc32c:sOO8/Q==\r\n".to_vec(),
        b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
            .to_vec(),
    ]
    .concat();
    let ended = framed.outcome(&[]).1.unwrap();
    assert_eq!((ended.bytes, ended.checksum.unwrap().text().as_str()), (66560, "sOO8/Q=="));
    // As the documentation prints it.
    let printed = framed.replaced("sOO8/Q==\r\n", "sOO8/Q==\n\r\n");
    assert!(printed.outcome(&[]).1.is_ok());
}

#[test]
fn what_is_in_the_frames_comes_out_whole() {
    for (mode, checksum) in ALL {
        for chunks in [vec![], vec![vec![1; 5]], some_chunks()] {
            let (out, ended) = Framed::of(mode, &chunks, checksum).outcome(&[]);
            let ended = ended.unwrap();
            assert_eq!(out, chunks.concat(), "{mode:?}");
            assert_eq!(ended.bytes, out.len() as u64);
            assert_eq!(ended.checksum.map(|value| value.algorithm), checksum);
        }
    }
}

#[test]
fn a_signed_chunk_comes_out_only_when_it_is_verified() {
    for (mode, checksum) in SIGNED {
        let framed = Framed::of(mode, &some_chunks(), checksum);
        // A changed byte in the second chunk: the first comes out, and nothing of the second.
        let (out, ended) = framed.replaced("bb", "bX").outcome(&[]);
        assert_eq!(out, some_chunks()[0]);
        assert!(matches!(ended, Err(Broken::Signature(_))));

        let mut decoder = framed.decoder().unwrap();
        let mut input = Bytes::from(framed.wire[..9000].to_vec());
        assert_eq!(decoder.decode(&mut input), Ok(None));
        assert!((8900..9000).contains(&decoder.held()));
    }
}

#[test]
fn unsigned_data_is_handed_on_as_it_comes() {
    let framed = Framed::of(Mode::UnsignedTrailer, &some_chunks(), None);
    let mut decoder = framed.decoder().unwrap();
    let wire = Bytes::from(framed.wire.clone());
    let mut input = wire.slice(..100);
    let piece = decoder.decode(&mut input).unwrap().unwrap();
    assert_eq!(piece.len(), 100 - "2328\r\n".len());
    assert_eq!(piece.as_ptr(), wire[6..].as_ptr());
    assert_eq!(decoder.held(), 0);
}

#[test]
fn frames_are_taken_off_without_a_look_at_signatures_but_checksums_count() {
    for (mode, checksum) in ALL {
        let framed = Framed::of(mode, &some_chunks(), checksum);
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-content-sha256", HeaderValue::from_static(mode.name()));
        headers.insert("x-amz-decoded-content-length", HeaderValue::from_str(&framed.stated).unwrap());
        if let Some(announced) = &framed.announced {
            headers.insert("x-amz-trailer", HeaderValue::from_str(announced).unwrap());
        }
        let parts = Parts { method: "PUT", path: "/k", query: "", headers: &headers };
        assert_eq!(framing(&parts), Some(mode));
        let decoded = |wire: &[u8]| {
            let mut decoder = Decoder::unverified(&parts, mode).unwrap();
            let (mut input, mut out) = (Bytes::copy_from_slice(wire), Vec::new());
            while let Some(piece) = decoder.decode(&mut input)? {
                out.extend_from_slice(&piece);
            }
            decoder.end().map(|_| out)
        };
        assert_eq!(decoded(&framed.wire), Ok(some_chunks().concat()), "{mode:?}");
        let changed = decoded(&framed.replaced("\r\nbb", "\r\nbX").wire);
        assert_eq!(changed.is_ok(), checksum.is_none(), "{mode:?}");
    }
    let headers = HeaderMap::new();
    assert_eq!(framing(&Parts { method: "PUT", path: "/k", query: "", headers: &headers }), None);
}

#[test]
fn every_signature_is_compared() {
    for (mode, checksum) in SIGNED {
        let framed = Framed::of(mode, &some_chunks(), checksum);
        let marks: Vec<usize> = [&b"chunk-signature="[..], b"x-amz-trailer-signature:"]
            .into_iter()
            .flat_map(|mark| {
                let found = framed.wire.windows(mark.len()).enumerate();
                let ends = found.filter(|(_, window)| *window == mark).map(|(at, _)| at + mark.len());
                ends.collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(marks.len(), if mode == Mode::Signed { 4 } else { 5 });
        for mark in marks {
            for place in [mark, mark + 63] {
                let mut changed = framed.clone();
                changed.wire[place] = if changed.wire[place] == b'0' { b'1' } else { b'0' };
                let refusal = changed.refusal();
                let Broken::Signature(mismatch) = &refusal else { panic!("{refusal:?}") };
                assert_eq!(mismatch.access_key, "AKIAIOSFODNN7EXAMPLE");
                let fault = refusal.fault();
                assert_eq!((&*fault.code, fault.status), ("SignatureDoesNotMatch", 403));
            }
        }
        let mut other = framed.clone();
        other.seed = SEED.replace('4', "5");
        assert!(matches!(other.refusal(), Broken::Signature(_)));
        let unsigned = framed.replaced(";chunk-signature=", ";other=");
        assert!(matches!(unsigned.refusal(), Broken::Signature(_)));
    }
}

#[test]
fn chunks_cannot_change_places() {
    let chunks = vec![vec![b'a'; 8192], vec![b'b'; 8192]];
    let framed = Framed::of(Mode::Signed, &chunks, None);
    let one = "2000;chunk-signature=".len() + 64 + 2 + 8192 + 2;
    let mut swapped = framed.clone();
    swapped.wire = [&framed.wire[one..2 * one], &framed.wire[..one], &framed.wire[2 * one..]].concat();
    assert!(matches!(swapped.refusal(), Broken::Signature(_)));
    let mut cut = framed;
    cut.wire.drain(one..2 * one);
    cut.stated = "8192".to_owned();
    assert!(matches!(cut.refusal(), Broken::Signature(_)));
}

#[test]
fn malformed_frames_are_an_incomplete_body() {
    let framed = Framed::of(Mode::UnsignedTrailer, &some_chunks(), Some(Algorithm::Crc32));
    for (from, to) in [
        ("2328\r\n", "2327\r\n"),
        ("2328\r\n", "2328\n"),
        ("2328\r\n", "\r\n"),
        ("2328\r\n", "+2328\r\n"),
        ("2328\r\n", "0x2328\r\n"),
        ("2328\r\n", "00000000000002328\r\n"),
        ("2328\r\n", "-1\r\n"),
        ("2328\r\n", "g\r\n"),
        ("a\r\n2000\r\n", "a2000\r\n"),
        ("a\r\n2000\r\n", "a\n2000\r\n"),
    ] {
        assert_eq!(framed.replaced(from, to).refusal(), Broken::Frames, "{from:?} {to:?}");
    }
    let long = format!("2328;{}\r\n", "x".repeat(300));
    assert_eq!(framed.replaced("2328\r\n", &long).refusal(), Broken::Frames);
    // The line is refused before its end comes, so nobody fills memory with it.
    let mut endless = framed.clone();
    endless.wire = vec![b'0'; 10_000];
    assert_eq!(endless.refusal(), Broken::Frames);
    for end in 0..framed.wire.len() {
        let mut cut = framed.clone();
        cut.wire.truncate(end);
        assert_eq!(cut.refusal(), Broken::Frames, "cut at {end}");
    }
    let mut more = framed;
    more.wire.extend_from_slice(b"\r\n");
    assert!(more.outcome(&[]).1.is_ok());
    more.wire.extend_from_slice(b"x");
    more.wire.extend_from_slice(b"y");
    assert_eq!(more.refusal(), Broken::Frames);
    let fault = Broken::Frames.fault();
    assert_eq!((&*fault.code, fault.status), ("IncompleteBody", 400));
}

#[test]
fn the_length_must_be_stated_and_met() {
    for (mode, checksum) in ALL {
        let mut framed = Framed::of(mode, &some_chunks(), checksum);
        for (stated, provided) in [("17208", 17209), ("17210", 17209), ("0", 9000), ("9000", 17192)] {
            framed.stated = stated.to_owned();
            let stated = stated.parse().unwrap();
            assert_eq!(framed.refusal(), Broken::Length { stated, provided }, "{mode:?}");
        }
        for stated in ["", "x", "-1", "+17209", "17209.0", "99999999999999999999"] {
            framed.stated = stated.to_owned();
            assert_eq!(framed.refusal(), Broken::LengthMissing, "{stated}");
        }
    }
    let fault = Broken::Length { stated: 3, provided: 5 }.fault();
    assert_eq!(fault.code, "IncompleteBody");
    assert_eq!(fault.members[0], ("NumberBytesExpected".into(), Member::Text("3".into())));
    let fault = Broken::LengthMissing.fault();
    assert_eq!((&*fault.code, fault.status), ("MissingContentLength", 411));
}

#[test]
fn only_the_last_chunk_may_be_small_and_no_signed_one_large() {
    for (mode, checksum) in ALL {
        let small = Framed::of(mode, &[vec![1; 3], vec![2; 2]], checksum);
        assert_eq!(small.refusal(), Broken::ChunkTooSmall { chunk: 2, bytes: 3 });
        let least = Framed::of(mode, &[vec![1; SMALLEST_CHUNK_BYTES as usize], vec![2; 2]], checksum);
        assert!(least.outcome(&[]).1.is_ok());
    }
    let fault = Broken::ChunkTooSmall { chunk: 2, bytes: 3 }.fault();
    assert_eq!(fault.message, "Only the last chunk is allowed to have a size less than 8192 bytes");
    let mut large = Framed::of(Mode::Signed, &[vec![1; 9000]], None).replaced("2328", "1000001");
    large.stated = "20000000".to_owned();
    assert_eq!(large.refusal(), Broken::ChunkTooLarge { chunk: 1, bytes: SIGNED_CHUNK_BYTES + 1 });
}

#[test]
fn a_trailer_is_what_was_announced() {
    let framed = Framed::of(Mode::UnsignedTrailer, &some_chunks(), Some(Algorithm::Crc32));
    let announced = |text: Option<&str>| {
        let mut changed = framed.clone();
        changed.announced = text.map(str::to_owned);
        changed.refusal()
    };
    assert_eq!(announced(None), Broken::Trailer);
    assert_eq!(announced(Some("x-amz-checksum-sha1")), Broken::Trailer);
    assert_eq!(announced(Some("x-amz-checksum-md4")), Broken::TrailerUnknown);
    assert_eq!(announced(Some("content-type")), Broken::TrailerUnknown);
    let two = "x-amz-checksum-crc32, x-amz-checksum-sha1";
    assert_eq!(announced(Some(two)), Broken::Checksum(checksum::Wrong::Several));
    let value = Framed::of(Mode::Bare, &some_chunks(), Some(Algorithm::Crc32));
    let text = String::from_utf8_lossy(&value.wire[value.wire.len() - 12..]).trim_end().to_owned();
    for (from, to, want) in [
        ("crc32:", "crc32", Broken::Trailer),
        ("x-amz-checksum-crc32:", ":", Broken::Trailer),
        ("x-amz-checksum-crc32:", "x-amz-checksum-crc32c:", Broken::Trailer),
        (&text, "AAAAAA==", Broken::Checksum(checksum::Wrong::Body(Algorithm::Crc32))),
        (&text, "AAAAAA", Broken::Checksum(checksum::Wrong::Value(Algorithm::Crc32))),
    ] {
        assert_eq!(framed.replaced(from, to).refusal(), want, "{from:?} {to:?}");
    }
    let none = framed.replaced(&format!("x-amz-checksum-crc32:{text}\r\n"), "");
    assert_eq!(none.refusal(), Broken::Trailer);
    let twice = framed
        .replaced("x-amz-checksum-crc32:", &format!("x-amz-checksum-crc32:{text}\r\nx-amz-checksum-crc32:"));
    assert_eq!(twice.refusal(), Broken::Trailer);
    let long = framed.replaced("x-amz-checksum-crc32:", &format!("{}:", "x".repeat(5000)));
    assert_eq!(long.refusal(), Broken::Trailer);
    let signed =
        framed.replaced("x-amz-checksum-crc32:", "x-amz-trailer-signature:00\r\nx-amz-checksum-crc32:");
    assert_eq!(signed.refusal(), Broken::Trailer);
    let other = Framed::of(Mode::Signed, &some_chunks(), Some(Algorithm::Crc32));
    assert_eq!(other.refusal(), Broken::Trailer);
}

#[test]
fn a_signed_trailer_must_come_signed() {
    let framed = Framed::of(Mode::SignedTrailer, &some_chunks(), Some(Algorithm::Sha1));
    let mut unsigned = framed.clone();
    let mark = b"x-amz-trailer-signature:";
    let at = unsigned.wire.windows(mark.len()).position(|window| window == mark).unwrap();
    unsigned.wire.splice(at.., b"\r\n".iter().copied());
    assert_eq!(unsigned.refusal(), Broken::Frames);
    let renamed = framed.replaced("x-amz-checksum-sha1:", "x-amz-checksum-crc32:");
    assert!(matches!(renamed.refusal(), Broken::Signature(_)));
    let after = framed.replaced("x-amz-checksum-sha1:", "x-amz-trailer-signature:00\r\nx-amz-checksum-sha1:");
    assert_eq!(after.refusal(), Broken::Trailer);
    let mut none = Framed::of(Mode::SignedTrailer, &some_chunks(), None);
    none.announced = Some("x-amz-checksum-sha1".to_owned());
    assert_eq!(none.refusal(), Broken::Frames);
}

#[test]
fn what_was_refused_once_stays_refused() {
    let framed = Framed::of(Mode::Signed, &some_chunks(), None).replaced("bb", "bX");
    let mut decoder = framed.decoder().unwrap();
    let mut input = Bytes::from(framed.wire);
    while let Ok(Some(_)) = decoder.decode(&mut input) {}
    let mut good = Bytes::from(Framed::of(Mode::Signed, &[], None).wire);
    assert_eq!(decoder.decode(&mut good), Err(Broken::Frames));
    assert_eq!(decoder.end(), Err(Broken::Frames));
}

#[test]
fn every_refusal_has_words() {
    let mut faults = vec![Broken::TrailerUnknown.fault(), Broken::Trailer.fault()];
    faults.push(Broken::ChunkTooLarge { chunk: 1, bytes: 2 }.fault());
    faults.push(Broken::Checksum(checksum::Wrong::Several).fault());
    for fault in faults {
        assert!(fault.status == 400 && !fault.message.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_gives_the_same(
        which in 0..ALL.len(),
        sizes in proptest::collection::vec(8192_usize..20_000, 0..4),
        last in 0_usize..300,
        cuts in proptest::collection::vec(any::<usize>(), 0..40),
        damage in proptest::option::of((any::<usize>(), any::<u8>())),
    ) {
        let (mode, checksum) = ALL[which];
        let mut chunks: Vec<Vec<u8>> =
            sizes.iter().enumerate().map(|(at, size)| vec![at as u8; *size]).collect();
        if last > 0 {
            chunks.push(vec![b'z'; last]);
        }
        let mut framed = Framed::of(mode, &chunks, checksum);
        if let Some((at, byte)) = damage {
            let at = at % framed.wire.len();
            framed.wire[at] = byte;
        }
        let whole = framed.outcome(&[]);
        prop_assert!(damage.is_some() || whole.1.is_ok());
        prop_assert_eq!(framed.outcome(&cuts), whole.clone());
        let every: Vec<usize> = (0..framed.wire.len()).collect();
        let (out, ended) = framed.outcome(&every);
        prop_assert_eq!(&ended, &whole.1);
        prop_assert_eq!(out, whole.0);
    }
}
