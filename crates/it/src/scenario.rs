//! Reads and replays a scenario.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use aws::Fault;
use serde_json::{Value as Json, json};
use wire::sigv4::Credentials;

use crate::house::House;
use crate::matching::difference;
use crate::modelled;

/// A scenario: its name and its steps.
pub struct Scenario {
    name: String,
    steps: Vec<Json>,
}

impl Scenario {
    /// Reads a scenario's file.
    pub fn read(path: &Path) -> anyhow::Result<Scenario> {
        let name = path.file_stem().context("a file name")?.to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).with_context(|| format!("read {name}"))?;
        let steps = serde_json::from_str(&text).with_context(|| format!("{name} is a JSON list of steps"))?;
        Ok(Scenario { name, steps })
    }

    /// The name of its file without the ending.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What a replay remembers from step to step.
struct Replay {
    house: House,
    saved: HashMap<String, Json>,
}

/// Replays a scenario in a new house; the error names the step.
pub async fn run(scenario: &Scenario) -> anyhow::Result<()> {
    ensure!(!scenario.steps.is_empty(), "{} has no steps", scenario.name);
    let mut replay = Replay { house: House::new().await?, saved: HashMap::new() };
    for (number, step) in scenario.steps.iter().enumerate() {
        let ran = replay.step(step).await;
        ran.with_context(|| format!("{}, step {}: {}", scenario.name, number + 1, shortened(step)))?;
    }
    replay.house.stop().await;
    Ok(())
}

fn shortened(step: &Json) -> String {
    step.to_string().chars().take(200).collect()
}

impl Replay {
    async fn step(&mut self, step: &Json) -> anyhow::Result<()> {
        let step = self.filled(step)?;
        if let Some(wait) = step.get("advance").and_then(Json::as_str) {
            self.house.advance(duration(wait)?).await;
            return Ok(());
        }
        if step.get("restart").is_some() {
            return self.house.restart().await;
        }
        let call =
            step.get("call").and_then(Json::as_str).context("a step is a call, an advance or a restart")?;
        let (service, operation) = call.split_once(' ').context("a call names a service and an operation")?;
        let credentials = Self::credentials(&step)?;
        let input = step.get("input").cloned().unwrap_or_else(|| json!({}));
        let answer = self.house.call(service, operation, &input, credentials.as_ref()).await?;
        self.check(&step, answer)
    }

    fn check(&mut self, step: &Json, answer: Result<wire::Value, Fault>) -> anyhow::Result<()> {
        match (answer, step.get("expect"), step.get("fails")) {
            (Ok(value), expected, None) => {
                let shown = modelled::write(&value);
                if let Some(difference) = expected.and_then(|expected| difference(expected, &shown)) {
                    bail!("{difference}\nwhole answer: {shown:#}");
                }
                self.save(step, &shown)
            }
            (Err(fault), None, Some(expected)) => {
                let shown = described(&fault);
                match difference(expected, &shown) {
                    Some(difference) => bail!("{difference}\nwhole fault: {shown:#}"),
                    None => Ok(()),
                }
            }
            (Err(fault), _, _) => bail!("it failed: {}", described(&fault)),
            (Ok(value), _, Some(_)) => bail!("it should fail, but answered {}", modelled::write(&value)),
        }
    }

    fn save(&mut self, step: &Json, answer: &Json) -> anyhow::Result<()> {
        for (name, pointer) in step.get("save").and_then(Json::as_object).into_iter().flatten() {
            let pointer = pointer.as_str().context("a pointer is text")?;
            let value = answer.pointer(pointer).with_context(|| format!("the answer has no {pointer}"))?;
            self.saved.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    fn credentials(step: &Json) -> anyhow::Result<Option<Credentials>> {
        let Some(given) = step.get("as") else { return Ok(None) };
        let text = |member: &str| given.get(member).and_then(Json::as_str).map(str::to_owned);
        Ok(Some(Credentials {
            access_key: text("AccessKeyId").context("an AccessKeyId")?,
            secret_key: text("SecretAccessKey").context("a SecretAccessKey")?,
            session_token: text("SessionToken"),
        }))
    }

    /// The step with every `${name}` replaced.
    fn filled(&self, step: &Json) -> anyhow::Result<Json> {
        Ok(match step {
            Json::String(text) => self.filled_text(text)?,
            Json::Array(items) => {
                Json::Array(items.iter().map(|item| self.filled(item)).collect::<anyhow::Result<_>>()?)
            }
            Json::Object(members) => {
                let mut filled = serde_json::Map::new();
                for (name, value) in members {
                    filled.insert(name.clone(), self.filled(value)?);
                }
                Json::Object(filled)
            }
            other => other.clone(),
        })
    }

    fn filled_text(&self, text: &str) -> anyhow::Result<Json> {
        let mut filled = text.to_owned();
        while let Some(start) = filled.find("${") {
            let end = start + filled[start..].find('}').context("a ${name} ends with }")?;
            let name = &filled[start + 2..end];
            let value = self.saved.get(name).with_context(|| format!("nothing is saved as {name}"))?;
            if start == 0 && end + 1 == filled.len() {
                return Ok(value.clone());
            }
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            filled.replace_range(start..=end, &shown);
        }
        Ok(Json::String(filled))
    }
}

fn described(fault: &Fault) -> Json {
    let mut shown = serde_json::Map::new();
    shown.insert("Code".into(), json!(fault.code));
    shown.insert("Status".into(), json!(fault.status));
    shown.insert("Message".into(), json!(fault.message));
    for (name, member) in &fault.members {
        let value = match member {
            aws::Member::Text(text) => json!(text),
            aws::Member::Number(number) => json!(number),
        };
        shown.insert(name.to_string(), value);
    }
    Json::Object(shown)
}

fn duration(text: &str) -> anyhow::Result<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().with_context(|| format!("{text} is no time"))?;
    Ok(match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(60 * number),
        "h" => Duration::from_secs(3_600 * number),
        _ => bail!("{text} is no time: ms, s, m or h"),
    })
}
