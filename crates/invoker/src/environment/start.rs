use std::time::Duration;

use aws::Millis;
use sandbox::{Slot, Spec, StartError};

use super::occupied::Occupied;
use super::{Environment, Happening};
use crate::engine::count;
use crate::limits;
use crate::pool::{Counted, Shortfall};
use crate::variables::Variables;
use crate::{Credentials, Refused};

impl Environment {
    /// Makes a box and starts the runtime in it.
    pub(super) async fn boot(&mut self) -> Happening {
        let began = self.engine.parts.clock.tick();
        match self.start().await {
            Ok(()) => {
                self.init_began = self.engine.parts.clock.tick();
                self.weight.cost_us = micros(self.init_began.since(began));
                Happening::Started
            }
            Err((refused, shortfall)) => Happening::StartFailed(refused, shortfall),
        }
    }

    async fn start(&mut self) -> Result<(), (Refused, Shortfall)> {
        let failed = |refused| (refused, Shortfall::Failed);
        self.mint().await.map_err(failed)?;
        let slot = self.make_slot().await.map_err(|error| match error {
            StartError::Full => (Refused::Capacity, Shortfall::Full),
            StartError::Missing(_) | StartError::Failed(_) => {
                tracing::error!(function = %self.function.arn, %error, "start an environment");
                failed(Refused::Internal(error.to_string()))
            }
        })?;
        let environment = environment_id(&self.journal.stream.stream);
        let occupied = Occupied::new(&self.engine, slot, environment)
            .map_err(|error| failed(Refused::Internal(format!("take over a sandbox: {error}"))))?;
        self.slot = Some(occupied);
        Ok(())
    }

    async fn make_slot(&mut self) -> Result<Slot, StartError> {
        let clock = self.engine.parts.clock.clone();
        let mut attempt = 1;
        loop {
            let spec = self.spec();
            let driver = self.engine.parts.driver.clone();
            let started = clock.within(limits::START_LIMIT, driver.start(spec)).await;
            match started.unwrap_or_else(|elapsed| Err(StartError::Failed(elapsed.into()))) {
                // Idle environments of others hold slots: end some, and come back once theirs are free.
                Err(StartError::Full) if attempt < limits::START_ATTEMPTS => {
                    self.engine.evict(1);
                    clock.sleep(limits::START_REST).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    fn spec(&mut self) -> Spec {
        let nobody = Credentials {
            access_key: String::new(),
            secret_key: String::new(),
            session_token: String::new(),
            expires: Millis(0),
        };
        let variables = Variables {
            function: &self.function,
            stream: &self.journal.stream,
            credentials: self.credentials.as_ref().unwrap_or(&nobody),
            endpoint_url: &self.engine.parts.settings.endpoint_url,
        };
        Spec {
            pack: self.function.pack,
            task: Some(self.function.task),
            layers: self.function.layers.clone(),
            command: self.function.command,
            environment: variables.all(),
            memory_mb: self.function.memory_mb,
            tmp_mb: self.function.tmp_mb,
            tmp: self.tmp.take(),
        }
    }

    /// Assumes the execution role, unless the credentials at hand are good for a while.
    async fn mint(&mut self) -> Result<(), Refused> {
        if self.credentials.is_some() && !self.credentials_end_soon(limits::CREDENTIAL_MARGIN) {
            return Ok(());
        }
        let parts = &self.engine.parts;
        let minted = parts.clock.within(limits::MINT_LIMIT, parts.credentials.mint(&self.function)).await;
        let minted = minted.map_err(|_| Refused::Internal("minting credentials took too long".to_owned()))?;
        self.credentials = Some(minted.map_err(|error| Refused::Role(error.0))?);
        Ok(())
    }

    /// True if the credentials end within `margin`.
    pub(super) fn credentials_end_soon(&self, margin: Duration) -> bool {
        self.credentials_left().is_some_and(|left| left < margin)
    }

    fn credentials_left(&self) -> Option<Duration> {
        let now = Millis(self.engine.parts.clock.wall_ms());
        Some(Duration::from_millis(self.credentials.as_ref()?.expires.since(now)))
    }

    /// How long to stay idle: not beyond the credentials, less the time of one call.
    pub(super) fn idle_age(&self) -> Duration {
        let age = self.engine.parts.settings.idle_age;
        match self.credentials_left() {
            Some(left) => age.min(left.saturating_sub(self.function.timeout)),
            None => age,
        }
    }

    /// The start failed before any call was at hand.
    pub(super) fn fail_start(&mut self, happening: Happening) -> Option<Happening> {
        count(&self.engine.totals.failed_starts);
        let Happening::StartFailed(refused, shortfall) = happening else { return None };
        debug_assert_eq!(self.counted, Some(Counted::Starting));
        self.counted = None;
        let waiter = self.pool.books().start_failed(shortfall);
        if let Some(waiter) = waiter {
            waiter.refuse(refused);
        }
        None
    }

    /// No box could be made for the call at hand.
    pub(super) fn lose(&mut self, happening: Happening) -> Option<Happening> {
        count(&self.engine.totals.failed_starts);
        if let (Some(call), Happening::StartFailed(refused, _)) = (self.call.take(), happening) {
            call.refuse(refused);
        }
        None
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The 32 hexadecimal digits at the end of a stream's name.
fn environment_id(stream: &str) -> &str {
    stream.rsplit_once(']').map_or(stream, |(_, id)| id)
}
