//! `status`: the server's health and what it has.

use serde_json::Value as Json;

use crate::client::{structure, text_of};
use crate::failure::{Exit, Failure};
use crate::figures::thousands;
use crate::session::Session;
use crate::verbs::ls;

/// Shows health, identity and counts; not healthy is exit 1.
pub async fn run(session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let plain = client.get("/_lambent/health").await?;
    let health: Json = serde_json::from_slice(&plain.body).unwrap_or_default();
    let identity = client.call("sts", "GetCallerIdentity", structure([])).await?.value;
    let functions = ls::functions(&client).await?.len();
    let target = client.target();
    let exit = if plain.status.is_success() { Exit::Done } else { Exit::Failed };
    if session.screen.is_json() {
        let document = serde_json::json!({
            "Endpoint": target.endpoint,
            "Region": target.region,
            "Account": text_of(&identity, "Account"),
            "Arn": text_of(&identity, "Arn"),
            "Functions": functions,
            "Healthy": plain.status.is_success(),
            "Health": health,
        });
        session.screen.answer(&format!("{document}\n"))?;
        return Ok(exit);
    }
    let mut lines = vec![
        (
            "server",
            format!("{} at {} ({})", state(plain.status.is_success()), target.endpoint, target.origin),
        ),
        ("caller", format!("{} in {}", text_of(&identity, "Arn"), target.region)),
        ("functions", thousands(functions as u64)),
    ];
    let health: Vec<(String, String)> = flatten(&health);
    lines.extend(health.iter().map(|(name, value)| (name.as_str(), value.clone())));
    session.screen.answer(&render(&lines))?;
    Ok(exit)
}

fn state(is_healthy: bool) -> &'static str {
    if is_healthy { "ok" } else { "NOT HEALTHY" }
}

/// The top members of the health document as name and text.
fn flatten(health: &Json) -> Vec<(String, String)> {
    let Json::Object(members) = health else { return Vec::new() };
    let text = |value: &Json| match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let words: Vec<String> =
                items.iter().map(|item| item.as_str().map_or(item.to_string(), str::to_owned)).collect();
            words.join(" ")
        }
        Json::Object(members) => {
            let pairs: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    format!("{name} {}", value.as_str().map_or(value.to_string(), str::to_owned))
                })
                .collect();
            pairs.join(", ")
        }
        other => other.to_string(),
    };
    members.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn render(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    lines.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_shown_as_it_comes() {
        let health =
            serde_json::json!({"status": "ok", "runtimes": ["python3.11"], "sandbox": {"limits": "cgroup1"}});
        let lines = flatten(&health);
        let lines: Vec<(&str, String)> =
            lines.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        assert_eq!(render(&lines), "status    ok\nruntimes  python3.11\nsandbox   limits cgroup1\n");
    }
}
