//! Whoever is killed, nothing is left behind, and as long as the warden lives no connection is refused.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use rustix::process::Signal;
use tasks::{Clock, Random};

use crate::Test;
use crate::instance::{Instance, MAKER, SERVER, ask, is_alive, kill, of_block, wait_for};

pub(crate) const TESTS: [Test; 4] = [
    ("a_killed_server_is_replaced_and_its_boxes_end", a_killed_server_is_replaced_and_its_boxes_end),
    ("a_killed_maker_is_replaced_and_boxes_live_on", a_killed_maker_is_replaced_and_boxes_live_on),
    ("with_a_killed_warden_everything_ends", with_a_killed_warden_everything_ends),
    ("random_kills_leave_nothing_and_refuse_nobody", random_kills_leave_nothing_and_refuse_nobody),
];

fn a_killed_server_is_replaced_and_its_boxes_end() {
    let folder = tempfile::tempdir().unwrap();
    let instance = Instance::start(&folder.path().join("data"), "");
    for _ in 0..3 {
        instance.ask_again("start");
        // An init takes its id a moment after its box is there.
        wait_for("the box's init", || !instance.inits().is_empty());
        let (server, boxes) = (instance.server(), instance.inits());
        kill(server, Signal::KILL);
        assert_eq!(instance.ask_again("ping"), "pong");
        assert_ne!(instance.server(), server);
        wait_for("the end of its boxes", || !boxes.iter().any(|pid| is_alive(*pid)));
    }
}

fn a_killed_maker_is_replaced_and_boxes_live_on() {
    let folder = tempfile::tempdir().unwrap();
    let instance = Instance::start(&folder.path().join("data"), "");
    for _ in 0..4 {
        instance.ask("start");
    }
    wait_for("the boxes' inits", || instance.inits().len() >= 4);
    let boxes = instance.inits();
    for maker in instance.children(MAKER) {
        kill(maker, Signal::KILL);
    }
    // An order that a dying maker has taken fails with it; the next finds another.
    wait_for("another maker", || instance.ask("round") == "ok");
    assert!(boxes.iter().all(|pid| is_alive(*pid)));
}

fn with_a_killed_warden_everything_ends() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for _ in 0..3 {
        let mut instance = Instance::start(&data, "");
        assert_eq!(instance.ask("packs"), "provided:al2023.v1");
        instance.ask("start");
        let id = instance.id().unwrap();
        let makers = instance.children(MAKER);
        instance.signal(Signal::KILL);
        instance.exit_code();
        // At once, while the old one's processes may still be dying.
        let clock = Clock::real();
        let before = clock.tick();
        let next = Instance::start(&data, "");
        assert_eq!(next.ask("ping"), "pong", "{}", next.said);
        assert!(clock.tick().since(before).as_secs() < 5);
        assert!(!makers.iter().any(|pid| is_alive(*pid)));
        if next.id() != Some(id) {
            wait_for("the end of every process", || of_block(id).is_empty());
        }
    }
}

/// Threads that call the server all the time.
struct Load {
    stop: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(endpoint: &str) -> Load {
        let (stop, refused, answered) = (Arc::default(), Arc::default(), Arc::default());
        let mut load = Load { stop, refused, answered, threads: Vec::new() };
        for line in ["ping", "round", "start", "ping"] {
            let (stop, refused) = (load.stop.clone(), load.refused.clone());
            let (answered, endpoint) = (load.answered.clone(), endpoint.to_owned());
            load.threads.push(std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    match ask(&endpoint, line) {
                        Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                            refused.fetch_add(1, Ordering::Relaxed)
                        }
                        Err(_) => 0,
                    };
                }
            }));
        }
        load
    }

    fn end(self) -> (usize, usize) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        (self.refused.load(Ordering::Relaxed), self.answered.load(Ordering::Relaxed))
    }
}

fn random_kills_leave_nothing_and_refuse_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let random = Random::seeded(20_261_125);
    for round in 0..5 {
        let mut instance = Instance::start(&data, "");
        let id = instance.id().unwrap();
        let load = Load::start(&instance.endpoint);
        for _ in 0..10 {
            let victims = match random.below(3) {
                0 => instance.children(MAKER),
                1 => instance.inits(),
                _ => instance.children(SERVER),
            };
            if !victims.is_empty() {
                let at = random.below(victims.len() as u64);
                kill(victims[usize::try_from(at).unwrap()], Signal::KILL);
            }
            // It goes on: an answer after each kill.
            assert_eq!(instance.ask_again("ping"), "pong");
        }
        assert_eq!(instance.ask_again("round"), "ok", "round {round}");
        // The last of them fails with the server, so before it.
        let (refused, answered) = load.end();
        assert_eq!(refused, 0);
        assert!(answered > 0);
        let signal = if round % 2 == 0 { Signal::TERM } else { Signal::KILL };
        instance.signal(signal);
        instance.exit_code();
        wait_for("the end of every process", || of_block(id).is_empty());
        if signal == Signal::TERM {
            assert_eq!(fs::read_dir(data.join("tmp")).unwrap().count(), 0);
        }
    }
    let mut last = Instance::start(&data, "");
    last.signal(Signal::TERM);
    assert_eq!(last.exit_code(), Some(0));
    assert_eq!(fs::read_dir(data.join("tmp")).unwrap().count(), 0);
}
