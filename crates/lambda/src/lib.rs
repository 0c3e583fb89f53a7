//! AWS Lambda: functions, their code and life cycle, Invoke.
//!
//! It never speaks a protocol and never runs a process: `wire` and `gateway` bring typed input, `invoker` runs functions.
//!
//! | file | holds |
//! |---|---|
//! | `functions`, `updates`, `tags`, `invoke` | the operations |
//! | `names`, `settings`, `runtimes`, `function`, `describe` | pure rules: which function, which settings, which state, how it shows |
//! | `packages`, `code/`, `location` | zips: checked, unpacked, kept as blobs, fetched back |
//! | `versions`, `settle` | what an invocation runs; how a change is applied |
//! | `roles` | execution roles |
//! | `tables`, `loops`, `state` | the table, the background loop, what all share |

mod code;
mod describe;
mod function;
mod functions;
#[doc(hidden)]
pub mod fuzzing;
mod invoke;
mod limits;
mod location;
mod loops;
mod names;
mod packages;
mod roles;
mod runtimes;
mod settings;
mod settle;
mod state;
mod tables;
mod tags;
mod updates;
mod versions;

use api::lambda::{
    CreateFunction, DeleteFunction, GetFunction, GetFunctionConfiguration, Invoke, ListFunctions, ListTags,
    MODEL, UpdateFunctionCode, UpdateFunctionConfiguration,
};
use api::{Guard, Service};

pub use roles::ExecutionRoles;
pub use state::{Lambda, Locations, Parts};

/// The service `lambda`.
pub fn service(lambda: Lambda) -> Service {
    Service::table(MODEL, lambda)
        .op(CreateFunction, functions::creates, functions::create_function)
        .op(
            GetFunction,
            |_, call, i| functions::on(call, &i.function_name, i.qualifier.as_deref()),
            functions::get_function,
        )
        .op(
            GetFunctionConfiguration,
            |_, call, i| functions::on(call, &i.function_name, i.qualifier.as_deref()),
            functions::get_function_configuration,
        )
        .op(ListFunctions, |_, _, _| Ok(Guard::any()), functions::list_functions)
        .op(ListTags, |_, _, i| Ok(Guard::on(&i.resource)), tags::list_tags)
        .op(
            UpdateFunctionCode,
            |_, call, i| functions::on(call, &i.function_name, None),
            updates::update_function_code,
        )
        .op(UpdateFunctionConfiguration, updates::configures, updates::update_function_configuration)
        .op(
            DeleteFunction,
            |_, call, i| functions::on(call, &i.function_name, i.qualifier.as_deref()),
            functions::delete_function,
        )
        .op(Invoke, invoke::invokes, invoke::invoke)
        .build()
}
