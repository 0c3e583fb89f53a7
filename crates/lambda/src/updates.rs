//! UpdateFunctionCode and UpdateFunctionConfiguration.

use api::Cx;
use api::lambda::{FunctionConfiguration, UpdateFunctionCodeInput, UpdateFunctionConfigurationInput, fault};
use api::{Call, Guard};
use aws::Fault;
use store::Txn;

use crate::describe;
use crate::function::{Function, Package};
use crate::names::Named;
use crate::packages::{self, Source, Taken};
use crate::settings::{self, not_implemented};
use crate::state::Lambda;
use crate::tables::{FUNCTIONS, home, key};
use crate::{functions, roles};

/// UpdateFunctionConfiguration passes a new role on.
pub(crate) fn configures(
    _: &Lambda,
    call: &Call,
    input: &UpdateFunctionConfigurationInput,
) -> Result<Guard, Fault> {
    let guard = functions::on(call, &input.function_name, None)?;
    Ok(match &input.role {
        Some(role) => guard.also("iam:PassRole", role),
        None => guard,
    })
}

/// UpdateFunctionConfiguration: the answer shows `InProgress`, invocations go on with the old settings until it is applied.
pub(crate) async fn update_function_configuration(
    cx: Cx<Lambda>,
    input: UpdateFunctionConfigurationInput,
) -> Result<FunctionConfiguration, Fault> {
    let named = latest(&cx, &input.function_name)?;
    let function = cx.state.find(&named).await?;
    let mut settings = function.settings.clone();
    settings::change(&mut settings, &input)?;
    if settings.role != function.settings.role {
        roles::check(&cx, &settings.role, &named).await?;
    }
    let revision_id = input.revision_id.clone();
    let applied =
        change(&cx, &named, revision_id, move |_, function| settings::change(&mut function.settings, &input));
    finish(&cx, &named, applied.await?)
}

/// UpdateFunctionCode: a new zip; `DryRun` checks it and changes nothing.
pub(crate) async fn update_function_code(
    cx: Cx<Lambda>,
    input: UpdateFunctionCodeInput,
) -> Result<FunctionConfiguration, Fault> {
    let named = latest(&cx, &input.function_name)?;
    let function = cx.state.find(&named).await?;
    if input.publish == Some(true) || input.publish_to.is_some() {
        return Err(not_implemented("Publish"));
    }
    check_revision(&function, input.revision_id.as_deref())?;
    let zip = packages::zip_of(Source::of_update(&input))?;
    let taken = packages::take_in(&cx.state, zip).await?;
    let architecture = settings::architecture(input.architectures.as_deref());
    if input.dry_run == Some(true) {
        return Ok(dry_run(&cx, &named, &function, &taken));
    }
    let applied = change(&cx, &named, input.revision_id.clone(), move |txn, function| {
        function.package = packages::adopt_for(txn, function, &taken)?;
        if let Some(architecture) = &architecture {
            function.settings.architecture.clone_from(architecture);
        }
        Ok(())
    });
    finish(&cx, &named, applied.await?)
}

/// The function of an update, always `$LATEST`.
fn latest(cx: &Cx<Lambda>, name: &str) -> Result<Named, Fault> {
    let mut named = Named::read(cx, name, None)?;
    if named.qualifier.as_deref() == Some("$LATEST") {
        named.qualifier = None;
    }
    Ok(named)
}

/// What the update would answer.
fn dry_run(cx: &Cx<Lambda>, named: &Named, function: &Function, taken: &Taken) -> FunctionConfiguration {
    let mut shown = function.clone();
    shown.package =
        Package { sha256: taken.digest().to_string(), size: taken.size(), blob: function.package.blob };
    let runtime_version = cx.state.runtime_version_arn(named, &shown.settings.runtime);
    describe::configuration(&shown, named, runtime_version)
}

fn check_revision(function: &Function, expected: Option<&str>) -> Result<(), Fault> {
    match expected {
        Some(expected) if expected != function.revision => Err(fault::precondition_failed(
            "The Revision Id provided does not match the latest Revision Id. \
             Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
        )),
        _ => Ok(()),
    }
}

/// Applies one update in one transaction: the revision must match, no other update may be under way.
async fn change(
    cx: &Cx<Lambda>,
    named: &Named,
    expected: Option<String>,
    apply: impl Fn(&mut Txn<'_>, &mut Function) -> Result<(), Fault> + Send + 'static,
) -> Result<Function, Fault> {
    let place = key(named.account, &named.region, &named.name);
    let (arn, revision) = (named.arn(), cx.state.revision());
    let written = cx.state.0.store.write(home(named.account, &named.region), move |txn: &mut Txn<'_>| {
        let Some(before) = txn.get(FUNCTIONS, &place)? else {
            return Err(fault::resource_not_found(format!("Function not found: {arn}")));
        };
        check_revision(&before, expected.as_deref())?;
        if before.is_changing() {
            return Err(fault::resource_conflict(format!(
                "The operation cannot be performed at this time. An update is in progress for resource: {arn}"
            )));
        }
        let mut after = before.clone();
        apply(txn, &mut after)?;
        after.begin_update(revision.clone(), txn.now());
        packages::release(txn, &before, Some(&after))?;
        txn.put(FUNCTIONS, &place, &after)?;
        Ok(after)
    });
    written.await
}

fn finish(cx: &Cx<Lambda>, named: &Named, function: Function) -> Result<FunctionConfiguration, Fault> {
    cx.state.settle_soon(named.clone(), function.revision.clone());
    let runtime_version = cx.state.runtime_version_arn(named, &function.settings.runtime);
    Ok(describe::configuration(&function, named, runtime_version))
}
