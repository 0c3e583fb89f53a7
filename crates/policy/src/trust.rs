//! Trust policies: who may assume a role.

use std::collections::BTreeMap;

use aws::AccountId;

use crate::json::Tree;
use crate::{Document, Effect, Listed, Malformed, Principal, Statement, identity, parse};

/// The actions that a trust policy may speak about.
const ACTIONS: &[&str] = &[
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
];

/// The ids of entities that stand for themselves in a policy.
const UNIQUE_IDS: &[&str] = &["AIDA", "AROA"];

impl Document {
    /// Reads a role's trust policy. The error is the text of `MalformedPolicyDocument`.
    ///
    /// Whether the users and roles that it names exist is for the caller to find out: see [`Document::entities`].
    pub fn trust(text: &str) -> Result<Document, Malformed> {
        let Some(tree) = Tree::read(text) else {
            return Err(Malformed("This policy contains invalid Json".to_owned()));
        };
        let parsed = parse::document(&tree)?;
        if parsed.legacy {
            return Err(Malformed::legacy());
        }
        let document = parsed.document;
        identity::sids(&document)?;
        for statement in &document.statements {
            fields(statement)?;
        }
        for statement in &document.statements {
            for action in statement.actions.items() {
                if !ACTIONS.iter().any(|known| action.matches_lower(known)) || !is_sts(action.as_str()) {
                    return Err(Malformed(
                        "AssumeRole policy may only specify STS AssumeRole actions.".to_owned(),
                    ));
                }
            }
            for principal in statement.principals.iter().flat_map(Listed::items) {
                known(principal)?;
            }
        }
        Ok(document)
    }

    /// The ARNs of users and roles that the document names as principals: they must exist.
    pub fn entities(&self) -> Vec<&str> {
        let principals = self.statements.iter().flat_map(|s| s.principals.iter().flat_map(Listed::items));
        principals
            .filter_map(|principal| match principal {
                Principal::Aws(text) if text.contains(":role/") || text.contains(":user/") => {
                    Some(text.as_str())
                }
                _ => None,
            })
            .collect()
    }

    /// The trust policy as it is stored: without blanks, with account numbers written as the ARN of the account's root.
    /// `None` when the text is no JSON.
    pub fn normalised_trust(text: &str) -> Option<String> {
        let mut tree = Tree::read(text)?;
        if let Tree::Map(members) = &mut tree {
            for (_, statements) in members.iter_mut().filter(|(name, _)| name == "Statement") {
                match statements {
                    Tree::List(statements) => statements.iter_mut().for_each(root_arns),
                    statement => root_arns(statement),
                }
            }
        }
        serde_json::to_string(&tree).ok()
    }
}

impl Malformed {
    /// A principal that does not exist; `kind` is AWS, SERVICE or FEDERATED.
    pub fn principal(kind: &str, text: &str) -> Malformed {
        Malformed(format!("Invalid principal in policy: \"{kind}\":\"{text}\""))
    }
}

fn is_sts(action: &str) -> bool {
    action.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("sts:"))
}

fn fields(statement: &Statement) -> Result<(), Malformed> {
    match (&statement.resources, &statement.principals) {
        (Some(Listed::Only(_)), _) => Err(Malformed("Has prohibited field Resource".to_owned())),
        (Some(Listed::AllBut(_)), _) => Err(Malformed("Has prohibited field NotResource".to_owned())),
        (None, Some(Listed::AllBut(_))) => Err(Malformed("Has prohibited field NotPrincipal".to_owned())),
        (None, None) => Err(Malformed("Missing required field Principal".to_owned())),
        (None, Some(Listed::Only(_))) if statement.actions.items().is_empty() => {
            Err(Malformed("Missing required field Action".to_owned()))
        }
        (None, Some(Listed::Only(_))) => Ok(()),
    }
}

fn known(principal: &Principal) -> Result<(), Malformed> {
    match principal {
        Principal::Any => Ok(()),
        Principal::Aws(text) if is_aws_principal(text) => Ok(()),
        Principal::Aws(text) => Err(Malformed::principal("AWS", text)),
        Principal::Service(text) if is_service(text) => Ok(()),
        Principal::Service(text) => Err(Malformed::principal("SERVICE", text)),
        Principal::Federated(text) if is_federated(text) => Ok(()),
        Principal::Federated(text) => Err(Malformed::principal("FEDERATED", text)),
        Principal::CanonicalUser(text) => Err(Malformed::principal("CANONICALUSER", text)),
    }
}

fn is_aws_principal(text: &str) -> bool {
    if text.contains(['*', '?']) {
        return false;
    }
    if AccountId::parse(text).is_ok() {
        return true;
    }
    if UNIQUE_IDS.iter().any(|prefix| text.starts_with(prefix)) {
        return text.len() == 21 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    }
    let Ok(arn) = aws::Arn::parse(text) else { return false };
    if !arn.region().is_empty() || AccountId::parse(arn.account()).is_err() {
        return false;
    }
    let named = |prefix: &str| arn.resource().strip_prefix(prefix).is_some_and(|name| !name.is_empty());
    match arn.service() {
        "iam" => arn.resource() == "root" || named("user/") || named("role/"),
        "sts" => {
            let session = arn.resource().strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/'));
            session.is_some_and(|(role, name)| !role.is_empty() && !name.is_empty())
                || named("federated-user/")
        }
        _ => false,
    }
}

fn is_service(text: &str) -> bool {
    let host = text.strip_suffix(".amazonaws.com").or_else(|| text.strip_suffix(".amazonaws.com.cn"));
    host.is_some_and(|name| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
    })
}

fn is_federated(text: &str) -> bool {
    let provider = |arn: aws::Arn| {
        arn.service() == "iam"
            && (arn.resource().starts_with("oidc-provider/") || arn.resource().starts_with("saml-provider/"))
    };
    matches!(
        text,
        "cognito-identity.amazonaws.com" | "www.amazon.com" | "graph.facebook.com" | "accounts.google.com"
    ) || aws::Arn::parse(text).is_ok_and(provider)
}

fn root_arns(statement: &mut Tree) {
    let Tree::Map(members) = statement else { return };
    for (_, principal) in members.iter_mut().filter(|(name, _)| name == "Principal") {
        let Tree::Map(kinds) = principal else { continue };
        for (_, values) in kinds.iter_mut().filter(|(kind, _)| kind == "AWS") {
            match values {
                Tree::List(values) => values.iter_mut().for_each(root_arn),
                value => root_arn(value),
            }
        }
    }
}

fn root_arn(value: &mut Tree) {
    if let Tree::Text(text) = value
        && AccountId::parse(text).is_ok()
    {
        *text = format!("arn:aws:iam::{text}:root");
    }
}

/// Who wants to assume a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assumer<'a> {
    /// A service by itself, e.g. `lambda.amazonaws.com`.
    Service(&'a str),
    /// An IAM user.
    User {
        /// Its ARN.
        arn: &'a str,
        /// Its account.
        account: AccountId,
        /// Its unique id, `AIDA…`.
        id: &'a str,
    },
    /// A session of another role.
    Session {
        /// The role's ARN, with its path.
        role: &'a str,
        /// The session's ARN.
        arn: &'a str,
        /// The role's account.
        account: AccountId,
        /// The role's unique id, `AROA…`.
        id: &'a str,
    },
}

/// What a trust policy says about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It names him, or everyone: in the role's own account that is enough.
    Direct,
    /// It names his account: his own policies must allow it as well.
    Account,
    /// It denies him.
    Denied,
    /// It says nothing that allows it.
    Nothing,
}

/// Asks a trust policy about `action`, e.g. `sts:AssumeRole`.
///
/// `pins` maps the ARNs of users and roles in the document to the unique ids that they had when it was written: an entity
/// that was deleted and made again under the same name is not the one that was trusted.
pub fn trust(document: &Document, action: &str, who: Assumer<'_>, pins: &BTreeMap<String, String>) -> Trust {
    let action = action.to_ascii_lowercase();
    let mut answer = Trust::Nothing;
    for statement in &document.statements {
        if !statement.covers_action(&action) {
            continue;
        }
        let principals = statement.principals.iter().flat_map(Listed::items);
        let best = principals.map(|principal| names(principal, who, pins)).min().unwrap_or(Naming::Not);
        match (statement.effect, best) {
            (_, Naming::Not) => {}
            (Effect::Deny, Naming::Directly | Naming::ByAccount) => return Trust::Denied,
            (Effect::Allow, _) if !statement.conditions.is_empty() => {}
            (Effect::Allow, Naming::Directly) => answer = Trust::Direct,
            (Effect::Allow, Naming::ByAccount) if answer == Trust::Nothing => answer = Trust::Account,
            (Effect::Allow, Naming::ByAccount) => {}
        }
    }
    answer
}

/// How a principal of the document names somebody, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Naming {
    Directly,
    ByAccount,
    Not,
}

fn names(principal: &Principal, who: Assumer<'_>, pins: &BTreeMap<String, String>) -> Naming {
    let text = match (principal, who) {
        (Principal::Any, _) => return Naming::Directly,
        (Principal::Service(named), Assumer::Service(service)) if named == service => {
            return Naming::Directly;
        }
        (Principal::Aws(text), Assumer::User { .. } | Assumer::Session { .. }) => text.as_str(),
        (
            Principal::Service(_) | Principal::Aws(_) | Principal::Federated(_) | Principal::CanonicalUser(_),
            _,
        ) => {
            return Naming::Not;
        }
    };
    let (entity, session, account, id) = match who {
        Assumer::Service(_) => return Naming::Not,
        Assumer::User { arn, account, id } => (arn, None, account, id),
        Assumer::Session { role, arn, account, id } => (role, Some(arn), account, id),
    };
    let pinned = || pins.get(text).is_none_or(|pin| pin == id);
    if text == id || Some(text) == session || (text == entity && pinned()) {
        return Naming::Directly;
    }
    let root = text.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
    if root.unwrap_or(text) == account.as_str() {
        return Naming::ByAccount;
    }
    Naming::Not
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
