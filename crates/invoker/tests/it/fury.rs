//! Hostile code at random: whatever it does, every call is answered and nothing is left behind.

use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use sandbox::Exit;
use tokio::io::AsyncWriteExt;

use crate::attacks::{Attack, NEXT, Wire, post, response};
use crate::stage::id;

/// What hostile code may do next.
#[derive(Debug, Clone)]
enum Deed {
    Connect,
    Close(usize),
    Next(usize),
    Answer(usize, u128),
    Fail(usize),
    InitError(usize),
    HalfAnswer(usize),
    Bytes(usize, Vec<u8>),
    Call,
    Wait(u64),
    Exit,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => Just(Deed::Connect),
        1 => (0usize..4).prop_map(Deed::Close),
        4 => (0usize..4).prop_map(Deed::Next),
        4 => (0usize..4, 1u128..5).prop_map(|(wire, number)| Deed::Answer(wire, number)),
        1 => (0usize..4).prop_map(Deed::Fail),
        1 => (0usize..4).prop_map(Deed::InitError),
        1 => (0usize..4).prop_map(Deed::HalfAnswer),
        1 => (0usize..4, prop::collection::vec(any::<u8>(), 0..64)).prop_map(|(wire, b)| Deed::Bytes(wire, b)),
        2 => Just(Deed::Call),
        1 => (0u64..2_000).prop_map(Deed::Wait),
        1 => Just(Deed::Exit),
    ]
}

async fn commit_to(attack: &Attack, deeds: Vec<Deed>) -> usize {
    let mut wires: Vec<Wire> = Vec::new();
    let mut calls = 1;
    for deed in deeds {
        let bytes = match &deed {
            Deed::Next(_) => NEXT.to_owned().into_bytes(),
            Deed::Answer(_, number) => response(*number, "1").into_bytes(),
            Deed::Fail(_) => post(&format!("invocation/{}/error", id(1)), "", "{}").into_bytes(),
            Deed::InitError(_) => post("init/error", "", "{}").into_bytes(),
            Deed::HalfAnswer(_) => response(1, "1234").into_bytes()[..100].to_vec(),
            Deed::Bytes(_, bytes) => bytes.clone(),
            _ => Vec::new(),
        };
        match deed {
            Deed::Connect => {
                let (ours, theirs) = tokio::io::duplex(1 << 16);
                if attack.connect_to().try_send(theirs).is_ok() {
                    wires.push(Wire(ours));
                }
            }
            Deed::Close(wire) if wire < wires.len() => drop(wires.remove(wire)),
            Deed::Next(wire)
            | Deed::Answer(wire, _)
            | Deed::Fail(wire)
            | Deed::InitError(wire)
            | Deed::HalfAnswer(wire)
            | Deed::Bytes(wire, _) => {
                if let Some(wire) = wires.get_mut(wire) {
                    let write = wire.0.write_all(&bytes);
                    let _ = attack.stage.clock.within(Duration::ZERO, write).await;
                }
            }
            Deed::Call => {
                calls += 1;
                attack.call();
            }
            Deed::Wait(ms) => attack.stage.pass(ms).await,
            Deed::Exit => {
                if let Some(hostile) = attack.rig.boxes.lock().unwrap().last() {
                    hostile.ended.send_replace(Some(Exit::Status(1)));
                }
            }
            Deed::Close(_) => {}
        }
        attack.stage.pass(0).await;
    }
    calls
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_hostile_code_does_every_call_is_answered_once(deeds in prop::collection::vec(deed(), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let attack = Attack::begin().await;
            let calls = commit_to(&attack, deeds).await;
            attack.neighbour_is_well().await;
            // Init, its retry, and every call one after the other at the worst.
            attack.stage.pass(20_000 + 20_000 * calls as u64).await;
            let stats = attack.stage.invoker.stats();
            assert_eq!((stats.running, stats.waiting, stats.starting), (0, 0, 0), "{stats:?}");
            assert_eq!(stats.invocations + stats.failed_starts, calls as u64 + 1);
            assert_eq!(attack.stage.mint.minted.load(Ordering::SeqCst) as u64, stats.started);
        });
    }
}
