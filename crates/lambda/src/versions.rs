//! From a stored function to the complete, immutable version that the invoker runs.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use api::lambda::fault;
use aws::Fault;
use invoker::{FunctionVersion, LogFormat, LogLevel, LogLevels};

use crate::function::{Function, Serving};
use crate::limits::VERSIONS;
use crate::names::Named;
use crate::runtimes;
use crate::state::Lambda;
use crate::tables::key;

impl Lambda {
    /// What an invocation of the function runs now; from memory after the first call of a revision.
    pub(crate) async fn version(
        &self,
        named: &Named,
        function: &Function,
    ) -> Result<Arc<FunctionVersion>, Fault> {
        let Some(serving) = &function.serving else { return Err(not_invocable(function)) };
        let place = key(named.account, &named.region, &named.name);
        let known = self.0.versions.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        if let Some(version) = known.filter(|version| version.revision == serving.revision) {
            return Ok(version);
        }
        let version = Arc::new(self.complete(named, serving).await.map_err(|error| {
            tracing::error!(function = %named.arn(), error = format!("{error:#}"), "resolve a function");
            fault::service("An internal error occurred.")
        })?);
        let mut versions = self.0.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if versions.len() >= VERSIONS {
            versions.clear();
        }
        versions.insert(place, version.clone());
        Ok(version)
    }

    async fn complete(&self, named: &Named, serving: &Serving) -> anyhow::Result<FunctionVersion> {
        let settings = &serving.settings;
        let task = self.ensure_tree(&serving.package).await?;
        let mut packs = self.0.packs.clone();
        let pack = {
            let packs = packs.wait_for(|packs| !packs.preparing).await.context("the packs are gone")?;
            packs.serving(&settings.runtime).cloned()
        };
        let pack = pack.with_context(|| format!("runtime {} is not installed any more", settings.runtime))?;
        Ok(FunctionVersion {
            arn: named.arn(),
            account: named.account,
            region: named.region.clone(),
            name: named.name.clone(),
            version: "$LATEST".to_owned(),
            revision: serving.revision.clone(),
            runtime: settings.runtime.clone(),
            pack: pack.digest,
            runtime_version_arn: format!("arn:aws:lambda:{}::runtime:{}", named.region, pack.digest),
            runtime_version: pack.version,
            command: runtimes::command(&settings.runtime),
            handler: settings.handler.clone(),
            role: settings.role.clone(),
            task,
            layers: Vec::new(),
            environment: settings.environment.clone().unwrap_or_default(),
            memory_mb: settings.memory_mb,
            timeout: Duration::from_secs(u64::from(settings.timeout_s)),
            tmp_mb: settings.tmp_mb,
            log_group: settings.logging.group.clone(),
            log_format: if settings.logging.format == "JSON" { LogFormat::Json } else { LogFormat::Text },
            log_levels: LogLevels {
                application: level(settings.logging.application_level.as_deref()),
                system: level(settings.logging.system_level.as_deref()),
            },
        })
    }
}

/// A level that validation let through.
fn level(name: Option<&str>) -> LogLevel {
    name.and_then(LogLevel::parse).unwrap_or_default()
}

/// A function that was never Active.
fn not_invocable(function: &Function) -> Fault {
    let state = match &function.state {
        crate::function::State::Pending => "Pending",
        crate::function::State::Active => "Active",
        crate::function::State::Failed(_) => "Failed",
    };
    fault::resource_conflict(format!(
        "The operation cannot be performed at this time. The function is currently in the following state: {state}"
    ))
}
