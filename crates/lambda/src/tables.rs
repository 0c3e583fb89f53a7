//! Every table that Lambda owns. Class: durable.

use aws::{AccountId, Region};
use store::{Home, Table};

use crate::function::Function;

/// Account, region, name.
pub(crate) type FunctionKey = (String, String, String);

/// The functions, in the home of their account and region, so that a list is one scan.
pub(crate) const FUNCTIONS: Table<FunctionKey, Function> = Table::new("lambda.functions");

/// The home of an account's functions in a region.
pub(crate) fn home(account: AccountId, region: &Region) -> Home {
    Home::of(&["lambda", account.as_str(), region.as_str()])
}

/// The key of a function.
pub(crate) fn key(account: AccountId, region: &Region, name: &str) -> FunctionKey {
    (account.to_string(), region.to_string(), name.to_owned())
}
