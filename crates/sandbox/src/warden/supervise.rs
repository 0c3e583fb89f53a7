//! The warden's loop: it waits for messages, deaths, signals and times, asks [`Router`] and [`super::rules`], and does what
//! they say. Nothing here waits for anything else.

use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ExitCode;

use nix::sys::signalfd::SignalFd;
use rustix::event::{PollFd, PollFlags};
use tasks::{Clock, Tick};

use super::boxes::Boxes;
use super::folder::{Folder, write_ready_file};
use super::ids::Block;
use super::limits::{CLEAR_AT_END, MAKERS};
use super::message::{FromMaker, Instance, PackList, Refusal, ServerHello, ToMaker, ToServer, ToWarden};
use super::process::Process;
use super::role::Kind;
use super::router::{Action, Router};
use super::{Ready, Refused, Up};

/// Everything that an instance holds, once it is set up.
pub(crate) struct Held<B> {
    pub(crate) folder: Folder,
    pub(crate) block: Block,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) endpoint: String,
    pub(crate) instance: Instance,
    pub(crate) boxes: B,
    pub(crate) config: OwnedFd,
    pub(crate) signals: SignalFd,
}

pub(crate) enum Phase {
    Serving,
    /// The server was told to end.
    Draining {
        until: Tick,
    },
    /// It has ended; what is left of its boxes goes.
    Clearing {
        code: u8,
        until: Tick,
    },
}

/// A process that is started again when it dies.
#[derive(Default)]
pub(crate) struct Post {
    pub(crate) process: Option<Process>,
    pub(crate) failures: u32,
    /// When to start the next one; nothing while one runs.
    pub(crate) start_at: Option<Tick>,
}

#[derive(Clone, Copy)]
enum Source {
    Signals,
    Server,
    Maker(usize),
    Packer,
    Dying,
}

/// An instance at work.
pub(crate) struct Warden<B> {
    pub(crate) held: Held<B>,
    pub(crate) up: Up,
    pub(crate) clock: Clock,
    pub(crate) router: Router<OwnedFd>,
    pub(crate) server: Post,
    pub(crate) makers: Vec<Post>,
    pub(crate) packer: Option<Process>,
    pub(crate) packing_tries: u8,
    /// What is known of the packs; nothing before the first report.
    pub(crate) packs: Option<PackList>,
    /// Killed boxes whose end is awaited.
    pub(crate) dying: Vec<(u32, OwnedFd, Tick)>,
    pub(crate) phase: Phase,
    /// A box could be made.
    pub(crate) proven: bool,
    /// Why none could.
    pub(crate) refused: Option<String>,
    /// A server of this instance has served.
    pub(crate) served: bool,
    /// Since when the present server serves.
    pub(crate) serves: Option<Tick>,
    pub(crate) buffer: Vec<u8>,
}

impl<B: Boxes> Warden<B> {
    pub(crate) fn new(held: Held<B>, up: Up) -> Warden<B> {
        let router = Router::new(held.instance.slots, MAKERS);
        Warden {
            held,
            up,
            clock: Clock::real(),
            router,
            server: Post::default(),
            makers: (0..MAKERS).map(|_| Post::default()).collect(),
            packer: None,
            packing_tries: 0,
            packs: None,
            dying: Vec::new(),
            phase: Phase::Serving,
            proven: false,
            refused: None,
            served: false,
            serves: None,
            buffer: Vec::new(),
        }
    }

    /// Runs the instance to its end.
    pub(crate) fn run(mut self) -> anyhow::Result<ExitCode> {
        self.start_server()?;
        for maker in 0..MAKERS {
            self.start_maker(maker)?;
        }
        self.start_packer();
        loop {
            self.act();
            if let Some(code) = self.ended() {
                self.finish();
                return match self.refused {
                    Some(why) => Err(Refused::NoSandbox(why).into()),
                    None => Ok(ExitCode::from(code)),
                };
            }
            for source in self.wait()? {
                match source {
                    Source::Signals => self.read_signals(),
                    Source::Server => self.hear_server(),
                    Source::Maker(maker) => self.hear_maker(maker),
                    Source::Packer => self.hear_packer(),
                    Source::Dying => self.reap(),
                }
            }
            self.keep_times();
        }
    }

    /// Starts the server, which inherits the warden's cgroup.
    pub(crate) fn start_server(&mut self) -> anyhow::Result<()> {
        let hello = ServerHello {
            id: self.held.block.first,
            warden: std::process::id(),
            listeners: u32::try_from(self.held.listeners.len())?,
            slots: self.held.instance.slots,
        };
        let held = &self.held;
        let mut fds: Vec<BorrowedFd<'_>> = vec![
            held.folder.directory.as_fd(),
            held.folder.lock.as_fd(),
            held.block.lock.as_fd(),
            held.config.as_fd(),
        ];
        fds.extend(held.listeners.iter().map(AsFd::as_fd));
        let mut server = Process::spawn(Kind::Server, &ToServer::Hello(hello), &fds, self.clock.tick())?;
        if let Some(packs) = &self.packs {
            server.send(&ToServer::Packs(packs.clone()), Vec::new());
        }
        self.server.process = Some(server);
        self.server.start_at = None;
        self.serves = None;
        Ok(())
    }

    fn spawn_maker(&self) -> anyhow::Result<Process> {
        let hello = ToMaker::Hello(self.held.instance.clone());
        let locks = [self.held.folder.lock.as_fd(), self.held.block.lock.as_fd()];
        Process::spawn(Kind::Maker, &hello, &locks, self.clock.tick())
    }

    pub(crate) fn start_maker(&mut self, maker: usize) -> anyhow::Result<()> {
        self.makers[maker].process = Some(self.spawn_maker()?);
        self.makers[maker].start_at = None;
        self.router.maker_came(maker);
        Ok(())
    }

    /// Starts a maker that lists the packs and, if there are none, makes the first ones.
    pub(crate) fn start_packer(&mut self) {
        self.packing_tries += 1;
        match self.spawn_maker() {
            Ok(mut packer) => {
                packer.send(&ToMaker::Packs, Vec::new());
                self.packer = Some(packer);
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "no packs can be made");
                self.packs_are(PackList::default());
            }
        }
    }

    /// Does what the router says.
    pub(crate) fn act(&mut self) {
        for action in self.router.take() {
            match action {
                Action::ToServer(message, fds) => {
                    if let Some(server) = &mut self.server.process {
                        server.send(&message, fds);
                    }
                }
                Action::ToMaker(maker, message, fds) => {
                    if let Some(process) = &mut self.makers[maker].process {
                        process.since = self.clock.tick();
                        process.send(&message, fds);
                    }
                }
                Action::Kill(slot, init) => {
                    let _ = rustix::process::pidfd_send_signal(&init, rustix::process::Signal::KILL);
                    self.dying.push((slot, init, self.clock.tick()));
                }
                Action::Lost(slot, why) => tracing::error!(slot, why, "a slot cannot be cleared"),
            }
        }
    }

    /// Waits for the next thing to happen.
    fn wait(&self) -> anyhow::Result<Vec<Source>> {
        let mut waited = vec![(Source::Signals, self.held.signals.as_fd(), PollFlags::IN)];
        let makers = self.makers.iter().enumerate();
        let children = makers
            .map(|(maker, post)| (Source::Maker(maker), &post.process))
            .chain([(Source::Server, &self.server.process), (Source::Packer, &self.packer)]);
        for (source, process) in children {
            let interest = process.as_ref().and_then(Process::interest);
            waited.extend(interest.map(|(fd, flags)| (source, fd, flags)));
        }
        waited.extend(self.dying.iter().map(|(_, init, _)| (Source::Dying, init.as_fd(), PollFlags::IN)));
        let mut polled: Vec<PollFd<'_>> =
            waited.iter().map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        let now = self.clock.tick();
        let limit = self.next_time().and_then(|at| at.since(now).try_into().ok());
        match rustix::event::poll(&mut polled, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let happened = polled.iter().zip(&waited).filter(|(poll, _)| !poll.revents().is_empty());
        Ok(happened.map(|(_, (source, _, _))| *source).collect())
    }

    pub(crate) fn hear_server(&mut self) {
        if let Some(server) = &mut self.server.process {
            server.flush();
        }
        loop {
            let Some(server) = &self.server.process else { return };
            let Some((message, fds)) = server.receive::<ToWarden>(&mut self.buffer) else { return };
            if message == ToWarden::Ready {
                self.server_serves();
            } else if let Err(error) = self.router.hear_server(message, fds) {
                tracing::error!(%error, "the server broke the protocol");
                server.kill();
                return;
            }
            self.act();
        }
    }

    pub(crate) fn hear_maker(&mut self, maker: usize) {
        if let Some(process) = &mut self.makers[maker].process {
            process.flush();
        }
        loop {
            let Some(process) = &self.makers[maker].process else { return };
            let Some((message, fds)) = process.receive::<FromMaker>(&mut self.buffer) else { return };
            let proof = match &message {
                FromMaker::Blank { .. } | FromMaker::Started { .. } => Some(Ok(())),
                FromMaker::Failed { why: Refusal::Failed(why), .. } => Some(Err(why.clone())),
                _ => None,
            };
            if let Err(error) = self.router.hear_maker(maker, message, fds) {
                tracing::error!(%error, "a maker broke the protocol");
                process.kill();
                return;
            }
            match proof {
                Some(Ok(())) => self.prove(),
                Some(Err(why)) => self.disprove(why),
                None => {}
            }
            self.act();
        }
    }

    pub(crate) fn hear_packer(&mut self) {
        while let Some(packer) = &self.packer
            && let Some((message, _)) = packer.receive::<FromMaker>(&mut self.buffer)
        {
            if let FromMaker::Packs(list) = message {
                self.packs_are(list);
            }
        }
    }

    /// Takes the news of the packs, for this server and those to come.
    pub(crate) fn packs_are(&mut self, list: PackList) {
        if let Some(server) = &mut self.server.process {
            server.send(&ToServer::Packs(list.clone()), Vec::new());
        }
        self.packs = Some(list);
        self.tell_once();
    }

    /// The first box was made: this machine can.
    fn prove(&mut self) {
        if !self.proven {
            self.proven = true;
            self.announce();
        }
    }

    /// Nothing weaker than a sandbox is ever chosen in silence: an instance whose first box fails ends.
    pub(crate) fn disprove(&mut self, why: String) {
        if self.proven || self.refused.is_some() {
            return;
        }
        self.refused = Some(why);
        if let Some(server) = &self.server.process {
            server.kill();
        }
        self.phase = Phase::Clearing { code: 2, until: self.clock.tick().plus(CLEAR_AT_END) };
    }

    fn server_serves(&mut self) {
        self.serves = Some(self.clock.tick());
        if !self.served {
            self.served = true;
            self.announce();
        }
    }

    /// Once a server serves and boxes can be made, the instance is ready.
    fn announce(&mut self) {
        if !self.served || !self.proven {
            return;
        }
        let announced = self.held.folder.announce(&self.held.endpoint).and_then(|()| {
            self.up.ready_file.as_ref().map_or(Ok(()), |path| write_ready_file(path, &self.held.endpoint))
        });
        if let Err(error) = announced {
            tracing::error!(error = format!("{error:#}"), "the server is ready but cannot be announced");
        }
        self.tell_once();
    }

    /// Calls the caller back when both the server serves and something is known of the packs.
    fn tell_once(&mut self) {
        let Some(packs) = self.packs.as_ref().filter(|_| self.served && self.proven) else { return };
        let ready = Ready {
            endpoint: self.held.endpoint.clone(),
            pid: std::process::id(),
            packs: packs.clone().into(),
            slots: self.held.instance.slots,
        };
        if let Some(tell) = self.up.on_ready.take() {
            tell(&ready);
        }
    }
}
