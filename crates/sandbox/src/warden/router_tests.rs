use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use crate::{Command, KeepTmp, PackDigest};

use super::message::{FromMaker, Made, Malformed, Order, Refusal, ToMaker, ToServer, ToWarden};
use super::router::{Action, Descriptor, Router};

const SLOTS: u32 = 4;
const MAKERS: usize = 2;

impl Descriptor for u32 {
    fn duplicate(&self) -> Option<u32> {
        Some(*self)
    }
}

fn order(tmp: Option<u32>) -> Order {
    Order {
        pack: PackDigest([1; 32]),
        task: None,
        layers: Vec::new(),
        command: Command::Custom,
        memory_mb: 128,
        tmp_mb: 512,
        tmp,
    }
}

/// Everything around a router, as a test moves it: makers that answer when told, inits that die when told, a server.
struct World {
    router: Router<u32>,
    /// What each maker was last told and has not answered.
    told: Vec<Option<ToMaker>>,
    alive: Vec<bool>,
    dying: Vec<u32>,
    /// Slots in which, by what was said, something runs.
    running: BTreeSet<u32>,
    /// What the server waits for.
    starts: BTreeSet<u32>,
    closes: BTreeSet<u32>,
    /// The slots that it has, and the images.
    slots: BTreeSet<u32>,
    kept: BTreeSet<u32>,
    images: BTreeMap<u32, u32>,
    next: u32,
    answers: Vec<ToServer>,
}

impl World {
    fn new() -> World {
        let mut router = Router::new(SLOTS, MAKERS);
        (0..MAKERS).for_each(|maker| router.maker_came(maker));
        let mut world = World {
            router,
            told: vec![None, None],
            alive: vec![true; MAKERS],
            dying: Vec::new(),
            running: BTreeSet::new(),
            starts: BTreeSet::new(),
            closes: BTreeSet::new(),
            slots: BTreeSet::new(),
            kept: BTreeSet::new(),
            images: BTreeMap::new(),
            next: 1,
            answers: Vec::new(),
        };
        world.act();
        world
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn act(&mut self) {
        for action in self.router.take() {
            match action {
                Action::ToMaker(maker, message, _) => {
                    assert!(self.alive[maker], "told a dead maker {message:?}");
                    assert_eq!(self.told[maker].replace(message), None, "told a busy maker");
                }
                Action::Kill(slot, _) => self.dying.push(slot),
                Action::Lost(..) => {}
                Action::ToServer(message, _) => self.hear(message),
            }
        }
    }

    fn hear(&mut self, message: ToServer) {
        match &message {
            ToServer::Started { request, made } => {
                assert!(self.starts.remove(request), "an answer to nobody");
                assert!(self.slots.insert(made.slot), "slot {} twice", made.slot);
            }
            ToServer::Refused { request, .. } => {
                assert!(self.starts.remove(request), "an answer to nobody");
            }
            ToServer::Closed { request, tmp } => {
                assert!(self.closes.remove(request), "an answer to nobody");
                self.kept.extend(tmp);
            }
            ToServer::Hello(_) | ToServer::Drain | ToServer::Packs(_) => panic!("{message:?}"),
        }
        self.answers.push(message);
    }

    fn start(&mut self, tmp: Option<u32>) -> Result<u32, Malformed> {
        let request = self.number();
        self.starts.insert(request);
        self.router.hear_server(ToWarden::Start { request, order: order(tmp) }, vec![0])?;
        self.act();
        Ok(request)
    }

    fn close(&mut self, slot: u32, keep: KeepTmp) {
        assert!(self.slots.remove(&slot));
        let request = self.number();
        self.closes.insert(request);
        self.router.hear_server(ToWarden::Close { request, slot, keep }, Vec::new()).unwrap();
        self.act();
    }

    /// The maker answers what it was told, well or badly.
    fn answer(&mut self, maker: usize, well: bool) {
        let Some(told) = self.told[maker].take() else { return };
        let why = Refusal::Failed("so".into());
        let (answer, fds) = match told {
            ToMaker::Blank { slot } | ToMaker::Start { slot, .. } if !well => {
                (FromMaker::Failed { slot, why }, vec![])
            }
            ToMaker::Blank { slot } => {
                let tmp = self.number();
                self.images.insert(slot, tmp);
                (FromMaker::Blank { slot, tmp }, vec![])
            }
            ToMaker::Start { slot, order } => {
                assert!(self.running.insert(slot), "slot {slot} runs already");
                let fresh = self.number();
                let tmp = order.tmp.unwrap_or(fresh);
                let made = Made { slot, present: 0, version_1: 0, memory_mb: 128 };
                (FromMaker::Started { made, tmp }, vec![7, 8])
            }
            ToMaker::Clear { slot, .. } if !well => (FromMaker::Stuck { slot, why: "so".into() }, vec![]),
            ToMaker::Clear { slot, .. } => {
                assert!(!self.running.contains(&slot), "slot {slot} is cleared while it runs");
                (FromMaker::Cleared { slot }, vec![])
            }
            ToMaker::Forget { tmp } => (FromMaker::Forgotten { tmp }, vec![]),
            ToMaker::Hello(_) | ToMaker::Packs => panic!("{told:?}"),
        };
        self.router.hear_maker(maker, answer, fds).unwrap();
        self.act();
    }

    fn die(&mut self, maker: usize) {
        if let Some(ToMaker::Start { slot, .. }) = self.told[maker].take() {
            // Its half-made box dies with it.
            self.running.remove(&slot);
        }
        self.alive[maker] = false;
        self.router.maker_died(maker);
        self.act();
        self.alive[maker] = true;
        self.router.maker_came(maker);
        self.act();
    }

    fn reap(&mut self) {
        for slot in std::mem::take(&mut self.dying) {
            self.running.remove(&slot);
            self.router.ended(slot);
        }
        self.act();
    }

    fn server_dies(&mut self) {
        self.starts.clear();
        self.closes.clear();
        self.slots.clear();
        self.kept.clear();
        self.router.server_died();
        self.act();
    }

    /// Lets everything that is under way come to its end, well.
    fn settle(&mut self) {
        for _ in 0..200 {
            self.reap();
            (0..MAKERS).for_each(|maker| self.answer(maker, true));
        }
    }
}

#[test]
fn two_blanks_are_kept_ahead_and_a_start_takes_one() {
    let mut world = World::new();
    assert_eq!(world.told, [Some(ToMaker::Blank { slot: 0 }), Some(ToMaker::Blank { slot: 1 })]);
    world.settle();
    assert_eq!(world.told, [None, None]);
    world.start(None).unwrap();
    let told: Vec<_> = world.told.iter().flatten().collect();
    assert!(matches!(told[..], [ToMaker::Start { slot: 0 | 1, .. }]), "{told:?}");
    world.settle();
    assert_eq!(world.slots.len(), 1);
}

#[test]
fn blanks_that_fail_are_not_tried_again_until_a_start_works() {
    let mut world = World::new();
    for _ in 0..20 {
        (0..MAKERS)
            .for_each(|maker| world.answer(maker, !matches!(world.told[maker], Some(ToMaker::Blank { .. }))));
    }
    assert_eq!(world.told, [None, None]);
    world.start(None).unwrap();
    world.settle();
    assert_eq!((world.slots.len(), world.images.len()), (1, 2));
}

#[test]
fn a_start_beyond_the_last_slot_is_refused_and_a_close_makes_room() {
    let mut world = World::new();
    for _ in 0..=SLOTS {
        world.start(None).unwrap();
    }
    world.settle();
    assert_eq!(world.slots.len(), SLOTS as usize);
    let full = |answer: &&ToServer| matches!(answer, ToServer::Refused { why: Refusal::Full, .. });
    assert_eq!(world.answers.iter().filter(full).count(), 1);
    world.close(2, KeepTmp::No);
    world.start(None).unwrap();
    world.settle();
    assert_eq!(world.slots.len(), SLOTS as usize);
    assert!(world.starts.is_empty());
}

#[test]
fn a_start_whose_maker_dies_is_given_to_another_once() {
    let mut world = World::new();
    world.settle();
    world.start(None).unwrap();
    let at = |world: &World| {
        world
            .told
            .iter()
            .position(|told| matches!(told, Some(ToMaker::Start { .. })))
            .expect("a maker is at it")
    };
    let first = at(&world);
    world.die(first);
    assert!(world.answers.is_empty(), "nothing has failed yet");
    let second = at(&world);
    world.answer(second, true);
    assert_eq!((world.slots.len(), world.starts.len()), (1, 0));
    world.settle();
    // One that kills every maker kills no third.
    world.start(None).unwrap();
    for _ in 0..2 {
        let maker = at(&world);
        world.die(maker);
    }
    assert!(matches!(world.answers.last(), Some(ToServer::Refused { why: Refusal::Failed(_), .. })));
    assert!(world.starts.is_empty());
}

#[test]
fn a_kept_tmp_goes_to_the_next_box_once() {
    let mut world = World::new();
    world.start(None).unwrap();
    world.settle();
    let slot = *world.slots.first().unwrap();
    world.close(slot, KeepTmp::Yes);
    world.settle();
    let tmp = *world.kept.first().unwrap();
    world.start(Some(tmp)).unwrap();
    assert_eq!(world.start(Some(tmp)), Err(Malformed("a /tmp that is not kept")));
    let release = ToWarden::Release { tmp };
    assert!(world.router.hear_server(release, Vec::new()).is_err());
}

#[test]
fn a_server_cannot_hoard_more_images_than_there_are_slots() {
    let mut world = World::new();
    for _ in 0..SLOTS + 3 {
        world.start(None).unwrap();
        world.settle();
        let slot = *world.slots.first().unwrap();
        world.close(slot, KeepTmp::Yes);
        world.settle();
    }
    assert_eq!(world.kept.len(), SLOTS as usize);
}

#[test]
fn what_the_server_may_not_ask_is_a_breach() {
    let mut world = World::new();
    world.settle();
    let wrong: [fn(&mut Order); 4] = [
        |order| order.memory_mb = 127,
        |order| order.memory_mb = 10_241,
        |order| order.tmp_mb = 511,
        |order| order.tmp_mb = u32::MAX,
    ];
    for change in wrong {
        let mut order = order(None);
        change(&mut order);
        let message = ToWarden::Start { request: 1, order };
        assert!(world.router.hear_server(message, vec![0]).is_err());
    }
    let no_environment = ToWarden::Start { request: 1, order: order(None) };
    assert!(world.router.hear_server(no_environment, Vec::new()).is_err());
    for slot in [0, 3, SLOTS, u32::MAX] {
        let close = ToWarden::Close { request: 1, slot, keep: KeepTmp::No };
        assert!(world.router.hear_server(close, Vec::new()).is_err(), "slot {slot}");
    }
}

#[test]
fn a_slot_that_cannot_be_cleared_is_given_up_and_the_close_is_answered() {
    let mut world = World::new();
    world.start(None).unwrap();
    world.settle();
    let slot = *world.slots.first().unwrap();
    world.close(slot, KeepTmp::Yes);
    world.reap();
    for _ in 0..100 {
        (0..MAKERS).for_each(|maker| world.answer(maker, false));
    }
    assert!(world.closes.is_empty());
    assert!(world.kept.is_empty());
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Start,
    StartWithTmp,
    Close(bool),
    Release,
    Answer(usize, bool),
    Reap,
    MakerDies(usize),
    ServerDies,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Start),
        2 => Just(Step::StartWithTmp),
        3 => any::<bool>().prop_map(Step::Close),
        1 => Just(Step::Release),
        8 => (0..MAKERS, prop::bool::weighted(0.9)).prop_map(|(maker, well)| Step::Answer(maker, well)),
        4 => Just(Step::Reap),
        1 => (0..MAKERS).prop_map(Step::MakerDies),
        1 => Just(Step::ServerDies),
    ]
}

proptest! {
    #[test]
    fn whoever_dies_every_question_is_answered_once_and_nothing_is_left(steps in vec(step(), 0..120)) {
        let mut world = World::new();
        for step in steps {
            match step {
                Step::Start => drop(world.start(None).unwrap()),
                Step::StartWithTmp => {
                    if let Some(tmp) = world.kept.pop_first() {
                        world.start(Some(tmp)).unwrap();
                    }
                }
                Step::Close(keep) => {
                    if let Some(slot) = world.slots.first().copied() {
                        world.close(slot, if keep { KeepTmp::Yes } else { KeepTmp::No });
                    }
                }
                Step::Release => {
                    if let Some(tmp) = world.kept.pop_first() {
                        world.router.hear_server(ToWarden::Release { tmp }, Vec::new()).unwrap();
                        world.act();
                    }
                }
                Step::Answer(maker, well) => world.answer(maker, well),
                Step::Reap => world.reap(),
                Step::MakerDies(maker) => world.die(maker),
                Step::ServerDies => world.server_dies(),
            }
        }
        world.settle();
        prop_assert!(world.starts.is_empty(), "{:?} wait for ever", world.starts);
        prop_assert!(world.closes.is_empty(), "{:?} wait for ever", world.closes);
        prop_assert_eq!(&world.slots, &world.running);
        world.server_dies();
        world.settle();
        world.router.end();
        world.act();
        world.settle();
        prop_assert!(world.router.is_empty());
        prop_assert!(world.running.is_empty());
    }
}
