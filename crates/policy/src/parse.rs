//! From JSON to statements: the grammar, without the rules of one kind of policy.

use crate::json::Tree;
use crate::operators::{self, Operand};
use crate::pattern::{ActionPattern, ResourcePattern};
use crate::{Condition, Document, Effect, Listed, Malformed, Principal, Statement, Version};

/// A document that fits the grammar. `legacy` is what AWS finds out later than the grammar: an `Effect` in the wrong
/// letter case, or a date that is none.
pub(crate) struct Parsed {
    pub(crate) document: Document,
    pub(crate) legacy: bool,
}

type Members = Vec<(String, Tree)>;

/// Reads a document; all that does not fit the grammar is one error.
pub(crate) fn document(tree: &Tree) -> Result<Parsed, Malformed> {
    let Tree::Map(members) = tree else { return Err(Malformed::syntax()) };
    only_known(members, &["Version", "Id", "Statement"])?;
    let version = match text_of(members, "Version")? {
        None => None,
        Some("2008-10-17") => Some(Version::V2008),
        Some("2012-10-17") => Some(Version::V2012),
        Some(_) => return Err(Malformed::syntax()),
    };
    let id = text_of(members, "Id")?.map(str::to_owned);
    let trees = match find(members, "Statement") {
        Some(Tree::List(trees)) if !trees.is_empty() => trees.as_slice(),
        Some(tree @ Tree::Map(_)) => std::slice::from_ref(tree),
        _ => return Err(Malformed::syntax()),
    };
    let mut legacy = false;
    let mut statements = Vec::with_capacity(trees.len());
    for tree in trees {
        statements.push(statement(tree, version, &mut legacy)?);
    }
    Ok(Parsed { document: Document { version, id, statements }, legacy })
}

const STATEMENT: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

fn statement(tree: &Tree, version: Option<Version>, legacy: &mut bool) -> Result<Statement, Malformed> {
    let Tree::Map(members) = tree else { return Err(Malformed::syntax()) };
    only_known(members, STATEMENT)?;
    let sid = text_of(members, "Sid")?.map(str::to_owned);
    let effect = match text_of(members, "Effect")? {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        Some(word) if word.eq_ignore_ascii_case("Allow") || word.eq_ignore_ascii_case("Deny") => {
            *legacy = true;
            Effect::Deny
        }
        _ => return Err(Malformed::syntax()),
    };
    let principals = either(members, ["Principal", "NotPrincipal"], principals)?;
    let actions = either(members, ["Action", "NotAction"], actions)?.unwrap_or(Listed::Only(Vec::new()));
    let resources = either(members, ["Resource", "NotResource"], |tree| resources(tree, version))?;
    let conditions = match find(members, "Condition") {
        None => Vec::new(),
        Some(tree) => conditions(tree, legacy)?,
    };
    Ok(Statement { sid, effect, principals, actions, resources, conditions })
}

fn principals(tree: &Tree) -> Result<Vec<Principal>, Malformed> {
    let kinds = match tree {
        Tree::Text(text) if text == "*" => return Ok(vec![Principal::Any]),
        Tree::Map(kinds) if !kinds.is_empty() => kinds,
        _ => return Err(Malformed::syntax()),
    };
    let mut all = Vec::new();
    for (kind, tree) in kinds {
        let make = match kind.as_str() {
            "AWS" => |text: String| if text == "*" { Principal::Any } else { Principal::Aws(text) },
            "Service" => Principal::Service,
            "Federated" => Principal::Federated,
            "CanonicalUser" => Principal::CanonicalUser,
            _ => return Err(Malformed::syntax()),
        };
        all.extend(texts(tree)?.into_iter().map(|text| make(text.to_owned())));
    }
    Ok(all)
}

fn actions(tree: &Tree) -> Result<Vec<ActionPattern>, Malformed> {
    Ok(texts(tree)?.into_iter().map(ActionPattern::new).collect())
}

fn resources(tree: &Tree, version: Option<Version>) -> Result<Vec<ResourcePattern>, Malformed> {
    let items = match tree {
        Tree::List(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Tree::Text(text) => all.push(ResourcePattern::new(text, version)),
            // AWS accepts a null beside other resources, and ignores it.
            Tree::Null if items.len() > 1 => {}
            _ => return Err(Malformed::syntax()),
        }
    }
    Ok(all)
}

fn conditions(tree: &Tree, legacy: &mut bool) -> Result<Vec<Condition>, Malformed> {
    let Tree::Map(blocks) = tree else { return Err(Malformed::syntax()) };
    let mut all = Vec::new();
    for (operator, tree) in blocks {
        let Tree::Map(keys) = tree else { return Err(Malformed::syntax()) };
        let operand = operators::operand(operator);
        if operand.is_none() && !keys.is_empty() {
            return Err(Malformed::syntax());
        }
        for (key, tree) in keys {
            let values = scalars(tree)?;
            *legacy |=
                operand == Some(Operand::Date) && !values.iter().all(|value| operators::is_date(value));
            all.push(Condition { operator: operator.clone(), key: key.clone(), values });
        }
    }
    Ok(all)
}

fn scalars(tree: &Tree) -> Result<Vec<String>, Malformed> {
    let items = match tree {
        Tree::List(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().map(|item| item.scalar().ok_or_else(Malformed::syntax)).collect()
}

fn texts(tree: &Tree) -> Result<Vec<&str>, Malformed> {
    let items = match tree {
        Tree::List(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().map(|item| item.text().ok_or_else(Malformed::syntax)).collect()
}

/// The one of two members that is there, read by `read`; both at once do not fit the grammar.
fn either<T>(
    members: &Members,
    names: [&str; 2],
    read: impl Fn(&Tree) -> Result<Vec<T>, Malformed>,
) -> Result<Option<Listed<T>>, Malformed> {
    match names.map(|name| find(members, name)) {
        [Some(_), Some(_)] => Err(Malformed::syntax()),
        [Some(tree), None] => Ok(Some(Listed::Only(read(tree)?))),
        [None, Some(tree)] => Ok(Some(Listed::AllBut(read(tree)?))),
        [None, None] => Ok(None),
    }
}

fn find<'a>(members: &'a Members, name: &str) -> Option<&'a Tree> {
    members.iter().find(|(n, _)| n == name).map(|(_, tree)| tree)
}

fn text_of<'a>(members: &'a Members, name: &str) -> Result<Option<&'a str>, Malformed> {
    match find(members, name) {
        None => Ok(None),
        Some(tree) => tree.text().map(Some).ok_or_else(Malformed::syntax),
    }
}

fn only_known(members: &Members, known: &[&str]) -> Result<(), Malformed> {
    if members.iter().all(|(name, _)| known.contains(&name.as_str())) {
        return Ok(());
    }
    Err(Malformed::syntax())
}
