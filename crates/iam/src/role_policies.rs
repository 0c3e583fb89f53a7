use api::Cx;
use api::iam::{
    DeleteRolePolicyInput, DeleteRolePolicyOutput, ListRolePoliciesInput, ListRolePoliciesOutput,
    PutRolePolicyInput, PutRolePolicyOutput,
};
use aws::Fault;
use policy::{Document, Malformed};

use crate::tables::{ROLES, home, role_key};
use crate::{Iam, faults, rules};

/// Adds an inline policy to a role, or replaces the one of that name.
pub(crate) async fn put(cx: Cx<Iam>, input: PutRolePolicyInput) -> Result<PutRolePolicyOutput, Fault> {
    rules::name("policyName", &input.policy_name)?;
    Document::identity(&input.policy_document).map_err(|Malformed(text)| faults::malformed(text))?;
    let key = role_key(cx.account, &input.role_name);
    cx.state
        .store
        .write(home(cx.account), move |txn| {
            let Some(mut role) = txn.get(ROLES, &key)? else {
                return Err(faults::no_such_role(&input.role_name));
            };
            role.policies.insert(input.policy_name.clone(), input.policy_document.clone().into());
            rules::inline_size(&role.name, role.policies.values().map(|policy| policy.text.as_str()))?;
            txn.put(ROLES, &key, &role)?;
            Ok(PutRolePolicyOutput {})
        })
        .await
}

/// Lists the names of a role's inline policies.
pub(crate) async fn list(cx: Cx<Iam>, input: ListRolePoliciesInput) -> Result<ListRolePoliciesOutput, Fault> {
    let key = role_key(cx.account, &input.role_name);
    let Some(role) = cx.state.store.get(ROLES, home(cx.account), &key).await? else {
        return Err(faults::no_such_role(&input.role_name));
    };
    let page = rules::page(role.policies.keys(), &role.id, input.marker.as_deref(), input.max_items)?;
    Ok(ListRolePoliciesOutput {
        policy_names: page.names,
        is_truncated: Some(page.marker.is_some()),
        marker: page.marker,
    })
}

/// Deletes an inline policy.
pub(crate) async fn delete(
    cx: Cx<Iam>,
    input: DeleteRolePolicyInput,
) -> Result<DeleteRolePolicyOutput, Fault> {
    let key = role_key(cx.account, &input.role_name);
    cx.state
        .store
        .write(home(cx.account), move |txn| {
            let Some(mut role) = txn.get(ROLES, &key)? else {
                return Err(faults::no_such_role(&input.role_name));
            };
            if role.policies.remove(&input.policy_name).is_none() {
                return Err(faults::no_such_policy(&input.policy_name));
            }
            txn.put(ROLES, &key, &role)?;
            Ok(DeleteRolePolicyOutput {})
        })
        .await
}
