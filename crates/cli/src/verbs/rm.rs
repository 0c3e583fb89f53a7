//! `rm`: removes a function and the role that `deploy` made for it, and nothing that `deploy` did not make.

use std::io::{BufRead, IsTerminal, Write};

use wire::Value;

use crate::client::{Client, structure, text, text_of};
use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::verbs::deploy::{TAG, role_name};
use crate::verbs::ls::{find, page, tag};

/// Removes after asking, unless told not to ask.
pub async fn run(session: &Session, name: &str) -> Result<Exit, Failure> {
    let client = session.client()?;
    let Some(function) = find(&client, name).await? else {
        return Err(not_found(&client, name).await);
    };
    if tag(function.member("Tags"), TAG).is_none() {
        return Err(Failure::new(Exit::Failed, format!("{name} was not made by lambent deploy"))
            .why(format!("it has no tag {TAG}"))
            .fix(format!("aws lambda delete-function --function-name {name}")));
    }
    let role = own_role(&client, name, &function).await?;
    if !client.is_dry() {
        confirm(session, name, role.as_deref())?;
    }
    client.call("lambda", "DeleteFunction", structure([("FunctionName", text(name))])).await?;
    // A dry run has removed nothing, and must not say that it has.
    let say = |text: String| {
        if !client.is_dry() {
            session.screen.say(&text);
        }
    };
    say(format!("removed {name}"));
    if let Some(role) = role {
        remove_role(&client, &role).await?;
        say(format!("removed {role}, which was made for it"));
    }
    Ok(Exit::Done)
}

/// No such function, with the nearest name there is.
pub async fn not_found(client: &Client, name: &str) -> Failure {
    let names = crate::verbs::ls::names(client).await.unwrap_or_default();
    let failure = Failure::new(Exit::NotFound, format!("no function {name}"));
    match nearest(name, &names) {
        Some(near) => failure.why(format!("nearest: {near}")).fix("lambent ls"),
        None => failure.fix("lambent ls"),
    }
}

/// The name that is at most two edits, or a third of the letters, away.
fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(2);
    names
        .iter()
        .map(|other| (distance(name, other), other))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, other)| other.as_str())
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The function's role, when it is the one that `deploy` makes and bears the tag.
async fn own_role(client: &Client, name: &str, function: &Value) -> Result<Option<String>, Failure> {
    let role = role_name(name);
    let arn = text_of(function.member("Configuration"), "Role");
    if arn.rsplit('/').next() != Some(role.as_str()) {
        return Ok(None);
    }
    match client.call("iam", "GetRole", structure([("RoleName", text(&role))])).await {
        Ok(answer) => {
            let tags = answer.value.member("Role").member("Tags");
            Ok((tag(tags, TAG) == Some(name)).then_some(role))
        }
        Err(failure) if failure.is("NoSuchEntity") => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn remove_role(client: &Client, role: &str) -> Result<(), Failure> {
    let named = || structure([("RoleName", text(role))]);
    let policies = client.call("iam", "ListRolePolicies", named()).await?.value;
    for policy in page(&policies, "PolicyNames").iter().filter_map(Value::as_text) {
        let input = structure([("RoleName", text(role)), ("PolicyName", text(policy))]);
        client.call("iam", "DeleteRolePolicy", input).await?;
    }
    client.call("iam", "DeleteRole", named()).await?;
    Ok(())
}

fn confirm(session: &Session, name: &str, role: Option<&str>) -> Result<(), Failure> {
    if session.options.yes {
        return Ok(());
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            format!("will not remove {name} without being asked on a terminal"),
        )
        .fix(format!("lambent rm {name} --yes")));
    }
    let role = role.map(|role| format!(" and {role}")).unwrap_or_default();
    // A closed standard error shows as an answer that is not yes.
    let _ = write!(std::io::stderr(), "remove {name}{role}? [y/N] ");
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if read.is_ok() && ["y", "yes"].contains(&line.trim().to_lowercase().as_str()) {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, format!("{name} was not removed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_the_name() {
        let names = ["hello".to_owned(), "orders".to_owned()];
        assert_eq!(nearest("helo", &names), Some("hello"));
        assert_eq!(nearest("order", &names), Some("orders"));
        assert_eq!(nearest("thumbs", &names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
