//! Code locations: `/awslambda-REGION-tasks/snapshots/ACCOUNT/NAME-UUID`, S3-shaped and presigned for ten minutes.
//!
//! The UUID is made of the package's hash, so that a location goes on meaning the code that it was made for.

use aws::{AccountId, Region};
use bytes::Bytes;
use sandbox::TreeDigest;

use crate::function::Package;
use crate::names::Named;
use crate::state::Lambda;

/// The path of a package.
pub(crate) fn path(named: &Named, package: &Package) -> String {
    let uuid = package.tree().map(uuid).unwrap_or_default();
    format!("/awslambda-{}-tasks/snapshots/{}/{}-{uuid}", named.region, named.account, named.name)
}

fn uuid(digest: TreeDigest) -> String {
    let hex = digest.to_string();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    named: Named,
    uuid: String,
}

fn parse(path: &str) -> Option<Place> {
    let mut parts = path.strip_prefix("/awslambda-")?.split('/');
    let region = Region::parse(parts.next()?.strip_suffix("-tasks")?).ok()?;
    if parts.next()? != "snapshots" {
        return None;
    }
    let account = AccountId::parse(parts.next()?).ok()?;
    let file = parts.next()?;
    if parts.next().is_some() || !file.is_ascii() || file.len() < 38 {
        return None;
    }
    let (name, uuid) = file.split_at(file.len() - 37);
    let uuid = uuid.strip_prefix('-')?.to_owned();
    Some(Place { named: Named { account, region, name: name.to_owned(), qualifier: None }, uuid })
}

impl Lambda {
    /// The zip behind the path of a code location whose signature was verified; `None` when there is no such package (any more).
    ///
    /// Fails with 503 when the store is unavailable.
    pub async fn download(&self, path: &str) -> Result<Option<Bytes>, aws::Fault> {
        let Some(place) = parse(path) else { return Ok(None) };
        let function = match self.find(&place.named).await {
            Ok(function) => function,
            Err(fault) if fault.is_server() => return Err(fault),
            Err(_) => return Ok(None),
        };
        let serving = function.serving.as_ref().map(|serving| &serving.package);
        let package = [Some(&function.package), serving]
            .into_iter()
            .flatten()
            .find(|package| package.tree().is_some_and(|tree| uuid(tree) == place.uuid));
        match package {
            Some(package) => Ok(Some(self.0.store.blobs().read(&package.blob).await?)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_names_its_function_and_nothing_else_parses() {
        let named = Named {
            account: AccountId::parse("000000000000").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
            name: "my-fn".into(),
            qualifier: None,
        };
        let package = Package::for_tests();
        let path = path(&named, &package);
        assert!(path.starts_with("/awslambda-eu-west-1-tasks/snapshots/000000000000/my-fn-"), "{path}");
        let place = parse(&path).unwrap();
        assert_eq!(place.named, named);
        assert_eq!(Some(place.uuid), package.tree().map(uuid));
        for bad in [
            "",
            "/",
            "/awslambda-eu-west-1-tasks/snapshots/000000000000/x",
            "/awslambda-E-tasks/snapshots/0/a",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
