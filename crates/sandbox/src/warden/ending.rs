//! The warden's dealings with ends: of processes, of its children's time, of itself.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use tasks::Tick;

use super::boxes::Boxes;
use super::folder::has_ended;
use super::limits::{CLEAR_AT_END, DYING, HANGING, HEALTHY, OLD_INSTANCE, PACKING, STEP, STOP_SLACK};
use super::message::{PackList, ToServer};
use super::process::Process;
use super::rules::{self, End, Next, Server};
use super::supervise::{Phase, Post, Warden};
use super::up::RUN;

/// The exit code after a second signal, as shells have it for one that Ctrl-C ended.
const CUT: u8 = 130;

impl<B: Boxes> Warden<B> {
    pub(crate) fn read_signals(&mut self) {
        while let Ok(Some(signal)) = self.held.signals.read_signal() {
            match i32::try_from(signal.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok()) {
                Some(Signal::SIGTERM | Signal::SIGINT | Signal::SIGHUP) => self.asked_to_end(),
                _ => self.reap(),
            }
        }
    }

    /// The first time the server drains; the second time it is cut.
    fn asked_to_end(&mut self) {
        let now = self.clock.tick();
        let clearing = |code| Phase::Clearing { code, until: now.plus(CLEAR_AT_END) };
        self.phase = match self.phase {
            Phase::Serving => match &mut self.server.process {
                Some(server) => {
                    server.send(&ToServer::Drain, Vec::new());
                    Phase::Draining { until: now.plus(self.up.drain + STOP_SLACK) }
                }
                None => {
                    self.server.start_at = None;
                    clearing(0)
                }
            },
            Phase::Draining { .. } | Phase::Clearing { .. } => Phase::Clearing { code: CUT, until: now },
        };
    }

    /// Learns of every child that has ended, inits included.
    pub(crate) fn reap(&mut self) {
        loop {
            let (pid, end) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, status)) => (pid, End::Status(status)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, End::Signal(signal as i32)),
                Err(nix::errno::Errno::EINTR) => continue,
                _ => break,
            };
            let ended = |post: &Post| {
                post.process.as_ref().is_some_and(|process| i64::from(process.pid) == i64::from(pid.as_raw()))
            };
            if ended(&self.server) {
                self.server_ended(end);
            } else if let Some(maker) = self.makers.iter().position(ended) {
                self.maker_ended(maker, end);
            } else if self
                .packer
                .as_ref()
                .is_some_and(|packer| i64::from(packer.pid) == i64::from(pid.as_raw()))
            {
                self.packer_ended(end);
            }
        }
        self.settle_dying(self.clock.tick());
    }

    fn server_ended(&mut self, end: End) {
        // What it said last counts: it may have served for a moment.
        self.hear_server();
        let lived = self.serves.map(|since| self.clock.tick().since(since));
        self.server.process = None;
        self.serves = None;
        self.router.server_died();
        let known = match self.phase {
            Phase::Clearing { .. } => return,
            Phase::Draining { .. } => Server::Asked,
            Phase::Serving if self.served => Server::Served,
            Phase::Serving => Server::NeverServed,
        };
        let now = self.clock.tick();
        match rules::after_end(known, end) {
            Next::End(code) => self.phase = Phase::Clearing { code, until: now.plus(CLEAR_AT_END) },
            Next::Restart => {
                let wait = next_start(&mut self.server, lived.is_some_and(|lived| lived >= HEALTHY), now);
                tracing::warn!(?end, wait_ms = wait.as_millis(), "the server has ended and is started again");
            }
        }
    }

    fn maker_ended(&mut self, maker: usize, end: End) {
        // An answer that it gave before its death is valid.
        self.hear_maker(maker);
        let now = self.clock.tick();
        let lived =
            self.makers[maker].process.take().map_or(Duration::ZERO, |process| now.since(process.since));
        self.router.maker_died(maker);
        if let End::Status(_) = end {
            // It ends by itself only when it cannot work, and has said why.
            self.disprove("a process that makes them cannot start".into());
        }
        let wait = next_start(&mut self.makers[maker], lived >= HEALTHY, now);
        tracing::warn!(?end, wait_ms = wait.as_millis(), "a maker has ended and is started again");
    }

    fn packer_ended(&mut self, end: End) {
        self.hear_packer();
        self.packer = None;
        if self.packs.as_ref().is_some_and(|packs| !packs.preparing) {
            return;
        }
        if matches!(end, End::Signal(_)) && self.packing_tries < 3 {
            return self.start_packer();
        }
        tracing::error!(?end, "the packs cannot be made");
        let packs = self.packs.take().map(|list| list.packs).unwrap_or_default();
        self.packs_are(PackList { preparing: false, packs });
    }

    /// Hands boxes that are dead, or take too long to die, to the makers.
    fn settle_dying(&mut self, now: Tick) {
        let (settled, dying) = std::mem::take(&mut self.dying)
            .into_iter()
            .partition(|(_, init, since)| has_ended(init, Duration::ZERO) || now.since(*since) >= DYING);
        self.dying = dying;
        for (slot, ..) in settled {
            self.router.ended(slot);
        }
    }

    /// Everything that has come due.
    pub(crate) fn keep_times(&mut self) {
        let now = self.clock.tick();
        self.settle_dying(now);
        if let Phase::Draining { until } = self.phase
            && now >= until
            && let Some(server) = &self.server.process
        {
            tracing::warn!("the server does not end and is killed");
            server.kill();
        }
        for process in self.children() {
            process.expect_end(now, HANGING);
        }
        let due = |at: Option<Tick>| at.is_some_and(|at| now >= at);
        if due(self.server.start_at) && matches!(self.phase, Phase::Serving) {
            let started = self.start_server();
            report(started, &mut self.server, now);
        }
        for maker in 0..self.makers.len() {
            if due(self.makers[maker].start_at) {
                let started = self.start_maker(maker);
                report(started, &mut self.makers[maker], now);
            }
            if let Some(process) = &self.makers[maker].process
                && self.router.is_busy(maker)
                && now.since(process.since) >= STEP
            {
                tracing::error!(maker, "a maker is stuck and is killed");
                process.kill();
            }
        }
        if let Some(packer) = self.packer.as_ref().filter(|packer| now.since(packer.since) >= PACKING) {
            self.packing_tries = u8::MAX;
            packer.kill();
        }
    }

    fn children(&mut self) -> impl Iterator<Item = &mut Process> {
        let makers = self.makers.iter_mut().filter_map(|post| post.process.as_mut());
        makers.chain(&mut self.server.process).chain(&mut self.packer)
    }

    /// When [`Warden::keep_times`] has something to do next.
    pub(crate) fn next_time(&self) -> Option<Tick> {
        let now = self.clock.tick();
        let phase = match self.phase {
            Phase::Serving => None,
            Phase::Draining { until } | Phase::Clearing { until, .. } => Some(until),
        };
        // What is overdue and not gone yet must not make the loop spin.
        let soon = now.plus(Duration::from_millis(20));
        let makers = self.makers.iter().enumerate().filter_map(|(maker, post)| {
            let busy = post.process.as_ref().filter(|_| self.router.is_busy(maker));
            post.start_at.or_else(|| busy.map(|process| process.since.plus(STEP).max(soon)))
        });
        let dying = self.dying.iter().map(|(_, _, since)| since.plus(DYING));
        let server = self.server.start_at.filter(|_| matches!(self.phase, Phase::Serving));
        let packer = self.packer.as_ref().map(|packer| packer.since.plus(PACKING).max(soon));
        let children = self.makers.iter().filter_map(|post| post.process.as_ref());
        let children = children.chain(&self.server.process).chain(&self.packer);
        let hanging = children.filter_map(Process::hung_up_at).map(|at| at.plus(HANGING).max(soon));
        let phase = phase.map(|until| until.max(soon));
        makers.chain(dying).chain(server).chain(packer).chain(hanging).chain(phase).min()
    }

    /// The exit code, once the instance has nothing left to wait for.
    pub(crate) fn ended(&mut self) -> Option<u8> {
        let Phase::Clearing { code, until } = self.phase else { return None };
        if self.clock.tick() >= until {
            return Some(code);
        }
        self.router.end();
        self.act();
        self.router.is_empty().then_some(code)
    }

    /// Ends every child and removes what the instance made. May wait: nobody is served any more.
    pub(crate) fn finish(&mut self) {
        let makers = self.makers.iter().filter_map(|post| post.process.as_ref());
        let children: Vec<_> = makers.chain(&self.server.process).chain(&self.packer).collect();
        children.iter().for_each(|child| child.kill());
        for child in children {
            has_ended(child.pidfd(), OLD_INSTANCE);
        }
        // With the makers their blanks end, with the server its boxes; the sweep waits for them.
        while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status.pid().is_some()) {}
        let swept = self.held.boxes.sweep().and_then(|()| self.held.boxes.remove());
        if let Err(error) = swept {
            tracing::error!(error = format!("{error:#}"), "something is left; the next start removes it");
        }
        let _ = std::fs::remove_dir(Path::new(RUN).join(&self.held.instance.name));
        self.held.folder.retract();
        if let Some(path) = &self.up.ready_file {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Sets when the next process takes the post.
fn next_start(post: &mut Post, was_healthy: bool, now: Tick) -> Duration {
    if was_healthy {
        post.failures = 0;
    }
    let wait = rules::back_off(post.failures);
    post.failures = post.failures.saturating_add(1);
    post.start_at = Some(now.plus(wait));
    wait
}

fn report(started: anyhow::Result<()>, post: &mut Post, now: Tick) {
    if let Err(error) = started {
        let wait = next_start(post, false, now);
        tracing::error!(
            error = format!("{error:#}"),
            wait_ms = wait.as_millis(),
            "a process cannot be started"
        );
    }
}
