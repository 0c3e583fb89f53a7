//! The operations on functions as a whole: create, get, list, delete.

use api::lambda::{
    CreateFunctionInput, DeleteFunctionInput, DeleteFunctionOutput, FunctionCodeLocation,
    FunctionConfiguration, GetFunctionConfigurationInput, GetFunctionInput, GetFunctionOutput,
    ListFunctionsInput, ListFunctionsOutput, fault,
};
use api::{Call, Cx, Guard};
use aws::Fault;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::Txn;

use crate::function::{Function, State};
use crate::limits::{LOCATION_SECONDS, PAGE};
use crate::names::Named;
use crate::packages::{self, Source};
use crate::state::Lambda;
use crate::tables::{FUNCTIONS, home, key};
use crate::{describe, limits, location, roles, settings, tags};

/// CreateFunction touches the function to be, and passes its role on.
pub(crate) fn creates(_: &Lambda, call: &Call, input: &CreateFunctionInput) -> Result<Guard, Fault> {
    let named = Named::read(call, &input.function_name, None)?;
    let guard = Guard::on(named.arn().as_str()).also("iam:PassRole", &input.role);
    let tagged = input.tags.as_ref().is_some_and(|tags| !tags.is_empty());
    Ok(if tagged { guard.also("lambda:TagResource", named.arn().as_str()) } else { guard })
}

/// Creates a function from a zip. The answer shows `Pending`; it becomes `Active` a moment later.
pub(crate) async fn create_function(
    cx: Cx<Lambda>,
    input: CreateFunctionInput,
) -> Result<FunctionConfiguration, Fault> {
    let mut named = Named::read(&cx, &input.function_name, None)?;
    named.qualifier = None;
    settings::check_name(&named.name)?;
    if input.tags.as_ref().is_some_and(|tags| tags.len() > limits::TAGS) {
        return Err(fault::invalid_parameter_value("Number of tags exceeds resource tag limit."));
    }
    let lambda = &cx.state;
    let settings = settings::create(&named.name, &input)?;
    let conflict = || fault::resource_conflict(format!("Function already exist: {}", named.name));
    if lambda.find(&named).await.is_ok() {
        return Err(conflict());
    }
    roles::check(&cx, &settings.role, &named).await?;
    let zip = packages::zip_of(Source::of_create(&input.code))?;
    let staged = packages::take_in(lambda, zip).await?;

    let revision = lambda.revision();
    let tags = input.tags.unwrap_or_default();
    let (place, name) = (key(named.account, &named.region, &named.name), named.name.clone());
    let created = lambda.0.store.write(home(named.account, &named.region), move |txn: &mut Txn<'_>| {
        if txn.get(FUNCTIONS, &place)?.is_some() {
            return Err(fault::resource_conflict(format!("Function already exist: {name}")));
        }
        let function = Function {
            name: name.clone(),
            revision: revision.clone(),
            modified: txn.now(),
            settings: settings.clone(),
            package: packages::adopt(txn, &staged)?,
            state: State::Pending,
            last_update: None,
            serving: None,
            tags: tags.clone(),
        };
        txn.put(FUNCTIONS, &place, &function)?;
        Ok(function)
    });
    let function = created.await?;
    lambda.settle_soon(named.clone(), function.revision.clone());
    let runtime_version = lambda.runtime_version_arn(&named, &function.settings.runtime);
    Ok(describe::configuration(&function, &named, runtime_version))
}

/// The guard of every operation on one function that takes a qualifier.
pub(crate) fn on(call: &Call, name: &str, qualifier: Option<&str>) -> Result<Guard, Fault> {
    Ok(Guard::on(Named::read(call, name, qualifier)?.invoked_arn()))
}

/// GetFunction: the configuration, a URL to fetch the code from, the tags.
pub(crate) async fn get_function(
    cx: Cx<Lambda>,
    input: GetFunctionInput,
) -> Result<GetFunctionOutput, Fault> {
    let named = Named::read(&cx, &input.function_name, input.qualifier.as_deref())?;
    let function = cx.state.find(&named).await?;
    let path = location::path(&named, &function.package);
    let url = cx.state.0.locations.presign(&cx, &path, LOCATION_SECONDS)?;
    let code = FunctionCodeLocation {
        repository_type: Some("S3".to_owned()),
        location: Some(url),
        ..FunctionCodeLocation::default()
    };
    let shown = tags::shown(&cx, &named, &function).await;
    let runtime_version = cx.state.runtime_version_arn(&named, &function.settings.runtime);
    let configuration = describe::configuration(&function, &named, runtime_version);
    Ok(GetFunctionOutput {
        configuration: Some(configuration),
        code: Some(code),
        tags: shown.tags,
        tags_error: shown.error,
        ..GetFunctionOutput::default()
    })
}

/// GetFunctionConfiguration.
pub(crate) async fn get_function_configuration(
    cx: Cx<Lambda>,
    input: GetFunctionConfigurationInput,
) -> Result<FunctionConfiguration, Fault> {
    let named = Named::read(&cx, &input.function_name, input.qualifier.as_deref())?;
    let function = cx.state.find(&named).await?;
    let runtime_version = cx.state.runtime_version_arn(&named, &function.settings.runtime);
    Ok(describe::configuration(&function, &named, runtime_version))
}

/// ListFunctions: at most 50 a page, in order of name.
pub(crate) async fn list_functions(
    cx: Cx<Lambda>,
    input: ListFunctionsInput,
) -> Result<ListFunctionsOutput, Fault> {
    // Replicas of Lambda@Edge do not exist here, and MasterRegion asks for nothing else.
    if input.master_region.is_some() {
        return Ok(ListFunctionsOutput { functions: Some(Vec::new()), next_marker: None });
    }
    let page = input.max_items.and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE).min(PAGE);
    let after = input.marker.as_deref().map(read_marker).transpose()?;
    let qualifier = (input.function_version.as_deref() == Some("ALL")).then(|| "$LATEST".to_owned());
    let from = key(cx.account, &cx.region, after.as_deref().unwrap_or_default());
    let (account, region) = (from.0.clone(), from.1.clone());
    let rows = cx.state.0.store.read(home(cx.account, &cx.region), move |view| {
        // Two more than a page: the row at the marker itself, and the one that tells whether a page follows.
        Ok::<_, Fault>(view.scan(FUNCTIONS, &from, page + 2)?)
    });
    let mut functions: Vec<Function> = rows
        .await?
        .into_iter()
        .filter(|(key, _)| key.0 == account && key.1 == region && Some(&key.2) != after.as_ref())
        .map(|(_, function)| function)
        .collect();
    let more = functions.len() > page;
    functions.truncate(page);
    let next_marker = more.then(|| functions.last().map(|last| URL_SAFE_NO_PAD.encode(&last.name))).flatten();
    let shown = functions.iter().map(|function| {
        let named = Named {
            account: cx.account,
            region: cx.region.clone(),
            name: function.name.clone(),
            qualifier: qualifier.clone(),
        };
        describe::listed(function, &named, function.settings.role.to_string())
    });
    Ok(ListFunctionsOutput { functions: Some(shown.collect()), next_marker })
}

fn read_marker(marker: &str) -> Result<String, Fault> {
    let name = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| fault::invalid_parameter_value("Invalid marker."))
}

/// DeleteFunction: the function with its code, or nothing for a version that does not exist.
pub(crate) async fn delete_function(
    cx: Cx<Lambda>,
    input: DeleteFunctionInput,
) -> Result<DeleteFunctionOutput, Fault> {
    let mut named = Named::read(&cx, &input.function_name, input.qualifier.as_deref())?;
    let qualifier = named.qualifier.take();
    cx.state.find(&named).await?;
    let done = DeleteFunctionOutput { status_code: Some(204) };
    match qualifier.as_deref() {
        None => {}
        Some("$LATEST") => {
            return Err(fault::invalid_parameter_value(
                "$LATEST version cannot be deleted without deleting the function.",
            ));
        }
        // Deleting a version that does not exist succeeds.
        Some(version) if version.bytes().all(|b| b.is_ascii_digit()) => return Ok(done),
        Some(_) => {
            return Err(fault::invalid_parameter_value("Deletion of aliases is not currently supported."));
        }
    }
    let place = key(named.account, &named.region, &named.name);
    let arn = named.arn();
    let deleted = cx.state.0.store.write(home(named.account, &named.region), move |txn: &mut Txn<'_>| {
        let Some(function) = txn.get(FUNCTIONS, &place)? else {
            return Err(fault::resource_not_found(format!("Function not found: {arn}")));
        };
        packages::release(txn, &function, None)?;
        Ok(txn.delete(FUNCTIONS, &place)?)
    });
    deleted.await?;
    cx.state.retire(&named);
    Ok(done)
}

impl Lambda {
    /// The ARN of the runtime version that would run `runtime` now.
    pub(crate) fn runtime_version_arn(&self, named: &Named, runtime: &str) -> Option<String> {
        let packs = self.0.packs.borrow();
        packs.serving(runtime).map(|pack| format!("arn:aws:lambda:{}::runtime:{}", named.region, pack.digest))
    }
}
