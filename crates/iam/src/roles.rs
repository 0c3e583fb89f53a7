use std::collections::BTreeMap;

use api::iam::{
    CreateRoleInput, CreateRoleOutput, DeleteRoleInput, DeleteRoleOutput, GetRoleInput, GetRoleOutput,
    RoleLastUsed, Tag,
};
use api::{Call, Cx, Guard};
use aws::{AccountId, Arn, Fault, Millis};
use policy::{Document, Malformed};
use store::Store;

use crate::limits::{HOUR_SECONDS, LONGEST_SESSION_SECONDS, ROLES_PER_ACCOUNT, TRUST_CHARS};
use crate::tables::{COUNTS, ROLES, Role, home, role_arn, role_key};
use crate::{Iam, faults, ids, rules};

/// What CreateRole touches: the role that will be.
pub(crate) fn new_role(_: &Iam, call: &Call, input: &CreateRoleInput) -> Result<Guard, Fault> {
    let path = input.path.as_deref().unwrap_or("/");
    rules::path(path)?;
    rules::name("roleName", &input.role_name)?;
    Ok(Guard::on(role_arn(call.account, path, &input.role_name).as_str()))
}

/// Creates a role.
pub(crate) async fn create_role(cx: Cx<Iam>, input: CreateRoleInput) -> Result<CreateRoleOutput, Fault> {
    let account = cx.account;
    let sent = compact(&input.assume_role_policy_document);
    let role = new(&cx.state, account, input).await?;
    let (key, put) = (role_key(account, &role.name), role);
    let role = cx
        .state
        .store
        .write(home(account), move |txn| -> Result<Role, Fault> {
            if txn.get(ROLES, &key)?.is_some() {
                return Err(faults::exists(format!("Role with name {} already exists.", put.name)));
            }
            let mut counts = txn.get(COUNTS, &key.0)?.unwrap_or_default();
            if counts.roles >= ROLES_PER_ACCOUNT {
                return Err(faults::limit(format!(
                    "Cannot exceed quota for RolesPerAccount: {ROLES_PER_ACCOUNT}"
                )));
            }
            counts.roles += 1;
            let role = Role { created: Millis(txn.now().0 / 1000 * 1000), ..put.clone() };
            txn.put(COUNTS, &key.0, &counts)?;
            txn.put(ROLES, &key, &role)?;
            Ok(role)
        })
        .await?;
    // The answer shows the trust policy as it was sent, and less than GetRole does.
    let mut shown = show(&role, account);
    shown.assume_role_policy_document = Some(rules::percent_encoded(&sent));
    shown.max_session_duration = None;
    Ok(CreateRoleOutput { role: shown })
}

/// Checks the input and makes the row; `created` is set when it is written.
async fn new(iam: &Iam, account: AccountId, input: CreateRoleInput) -> Result<Role, Fault> {
    let tags: Vec<(String, String)> =
        input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
    rules::tags(&tags)?;
    if let Some(boundary) = &input.permissions_boundary {
        // There are no managed policies yet, so none can be a boundary.
        return Err(api::iam::fault::no_such_entity(format!(
            "Scope ARN: {boundary} does not exist or is not attachable."
        )));
    }
    let max_session_seconds = input.max_session_duration.unwrap_or(HOUR_SECONDS);
    if !(HOUR_SECONDS..=LONGEST_SESSION_SECONDS).contains(&max_session_seconds) {
        let bound = if max_session_seconds < HOUR_SECONDS {
            format!("greater than or equal to {HOUR_SECONDS}")
        } else {
            format!("less than or equal to {LONGEST_SESSION_SECONDS}")
        };
        return Err(faults::validation(format!(
            "1 validation error detected: Value at 'maxSessionDuration' failed to satisfy constraint: Member must have \
             value {bound}"
        )));
    }
    let text = &input.assume_role_policy_document;
    let trust = Document::trust(text).map_err(|Malformed(text)| faults::malformed(text))?;
    if policy::counted_size(text) > TRUST_CHARS {
        return Err(faults::limit(format!("Cannot exceed quota for ACLSizePerRole: {TRUST_CHARS}")));
    }
    let pins = pins(&iam.store, &trust).await?;
    let text = Document::normalised_trust(text).unwrap_or_else(|| text.clone());
    Ok(Role {
        name: input.role_name,
        path: input.path.unwrap_or_else(|| "/".to_owned()),
        id: ids::make(ids::Kind::Role, account, iam.random.bytes()),
        created: Millis(0),
        description: input.description,
        max_session_seconds,
        tags,
        trust: text.into(),
        pins,
        policies: BTreeMap::new(),
    })
}

/// The unique ids of the roles that a trust policy names. One that does not exist makes the policy malformed.
async fn pins(store: &Store, trust: &Document) -> Result<BTreeMap<String, String>, Fault> {
    let mut pins = BTreeMap::new();
    for text in trust.entities() {
        let role = match Arn::parse(text) {
            Ok(arn) => find(store, &arn).await?,
            Err(_) => None,
        };
        let Some(role) = role else { return Err(faults::malformed(Malformed::principal("AWS", text).0)) };
        pins.insert(text.to_owned(), role.id.clone());
    }
    Ok(pins)
}

/// The role of an ARN, which must be right in path and letter case.
pub(crate) async fn find(store: &Store, arn: &Arn) -> Result<Option<std::sync::Arc<Role>>, Fault> {
    let (Ok(account), Some(path)) = (AccountId::parse(arn.account()), arn.resource().strip_prefix("role/"))
    else {
        return Ok(None);
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let role = store.get(ROLES, home(account), &role_key(account, name)).await?;
    Ok(role.filter(|role| role.arn(account) == *arn))
}

/// Answers a role.
pub(crate) async fn get_role(cx: Cx<Iam>, input: GetRoleInput) -> Result<GetRoleOutput, Fault> {
    let key = role_key(cx.account, &input.role_name);
    let Some(role) = cx.state.store.get(ROLES, home(cx.account), &key).await? else {
        return Err(faults::no_such_role(&input.role_name));
    };
    let mut shown = show(&role, cx.account);
    shown.role_last_used = Some(RoleLastUsed::default());
    Ok(GetRoleOutput { role: shown })
}

/// Deletes a role that has no inline policies. Its sessions end.
pub(crate) async fn delete_role(cx: Cx<Iam>, input: DeleteRoleInput) -> Result<DeleteRoleOutput, Fault> {
    let key = role_key(cx.account, &input.role_name);
    cx.state
        .store
        .write(home(cx.account), move |txn| {
            let Some(role) = txn.get(ROLES, &key)? else {
                return Err(faults::no_such_role(&input.role_name));
            };
            if !role.policies.is_empty() {
                return Err(faults::delete_conflict("Cannot delete entity, must delete policies first."));
            }
            let mut counts = txn.get(COUNTS, &key.0)?.unwrap_or_default();
            counts.roles = counts.roles.saturating_sub(1);
            txn.put(COUNTS, &key.0, &counts)?;
            txn.delete(ROLES, &key)?;
            Ok(DeleteRoleOutput {})
        })
        .await
}

fn show(role: &Role, account: AccountId) -> api::iam::Role {
    let tags: Vec<Tag> =
        role.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect();
    api::iam::Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: role.arn(account).to_string(),
        create_date: rules::seconds(role.created),
        assume_role_policy_document: Some(rules::percent_encoded(&role.trust.text)),
        description: role.description.clone(),
        max_session_duration: Some(role.max_session_seconds),
        tags: (!tags.is_empty()).then_some(tags),
        ..api::iam::Role::default()
    }
}

/// The JSON without blanks between its tokens, with nothing else changed.
fn compact(text: &str) -> String {
    let (mut out, mut inside, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        if inside || !c.is_ascii_whitespace() {
            out.push(c);
        }
        inside = if c == '"' && !escaped { !inside } else { inside };
        escaped = inside && c == '\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compacting_leaves_strings_alone() {
        assert_eq!(
            compact("{ \"a b\" : \"c \\\" d\\\\\" ,\n\t\"e\": [ 1 ] }"),
            r#"{"a b":"c \" d\\","e":[1]}"#
        );
    }
}
