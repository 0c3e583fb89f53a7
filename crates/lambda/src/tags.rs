//! Tags of functions.

use api::Cx;
use api::lambda::{ListTags, ListTagsInput, ListTagsOutput, TagsError, fault};
use aws::Fault;

use crate::function::Function;
use crate::names::Named;
use crate::state::Lambda;

/// ListTags, by the ARN of a function without a qualifier.
pub(crate) async fn list_tags(cx: Cx<Lambda>, input: ListTagsInput) -> Result<ListTagsOutput, Fault> {
    if let Some(kind) = other_kind(&input.resource) {
        return Err(fault::resource_not_found(format!("{kind} not found: {}", input.resource)));
    }
    let named = Named::read(&cx, &input.resource, None)?;
    if named.qualifier.is_some() {
        return Err(fault::invalid_parameter_value(
            "Tags on function aliases and versions are not supported. Please specify a function ARN.",
        ));
    }
    let function = cx.state.find(&named).await?;
    Ok(ListTagsOutput { tags: Some(function.tags.clone()) })
}

/// What GetFunction shows of the tags: nothing to callers who may not list them but the reason.
pub(crate) struct Shown {
    pub(crate) tags: Option<std::collections::BTreeMap<String, String>>,
    pub(crate) error: Option<TagsError>,
}

/// Tags are of the function, not of its versions; whether the caller may see them is ListTags's decision.
pub(crate) async fn shown(cx: &Cx<Lambda>, named: &Named, function: &Function) -> Shown {
    let nothing = Shown { tags: None, error: None };
    if named.qualifier.is_some() || function.tags.is_empty() {
        return nothing;
    }
    let input = ListTagsInput { resource: named.arn().to_string() };
    match cx.calls.call::<ListTags>(cx.call.clone(), input).await {
        Ok(output) => Shown { tags: output.tags, error: None },
        Err(fault) => {
            let error = TagsError { error_code: fault.code.into_owned(), message: fault.message };
            Shown { tags: None, error: Some(error) }
        }
    }
}

/// The other kinds of Lambda's resources that have tags, of which there are none.
fn other_kind(arn: &str) -> Option<&'static str> {
    match arn.split(':').nth(5) {
        Some("event-source-mapping") => Some("Event source mapping"),
        Some("code-signing-config") => Some("Code signing config"),
        Some("capacity-provider") => Some("Capacity provider"),
        Some("network-connector") => Some("Network connector"),
        _ => None,
    }
}
