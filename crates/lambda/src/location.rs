//! Code locations: `/awslambda-REGION-tasks/snapshots/ACCOUNT/NAME-UUID`, S3-shaped and presigned for ten minutes.
//!
//! The UUID is made of the package's hash, so that a location goes on meaning the code that it was made for.

use aws::{AccountId, Fault, Region};
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

/// The function and the UUID that a snapshot's name holds.
fn parse(snapshot: &str) -> Option<(&str, &str)> {
    let (name, uuid) = snapshot.split_at_checked(snapshot.len().checked_sub(37)?)?;
    Some((name, uuid.strip_prefix('-')?)).filter(|(name, _)| !name.is_empty())
}

impl Lambda {
    /// The zip of a snapshot `NAME-UUID` whose code location's signature was verified; `None` when there is no such package
    /// (any more).
    ///
    /// Fails with 503 when the store is unavailable.
    pub async fn download(
        &self,
        account: AccountId,
        region: &Region,
        snapshot: &str,
    ) -> Result<Option<Bytes>, Fault> {
        let Some((name, wanted)) = parse(snapshot) else { return Ok(None) };
        let named = Named { account, region: region.clone(), name: name.to_owned(), qualifier: None };
        let function = match self.find(&named).await {
            Ok(function) => function,
            Err(fault) if fault.is_server() => return Err(fault),
            Err(_) => return Ok(None),
        };
        let serving = function.serving.as_ref().map(|serving| &serving.package);
        let package = [Some(&function.package), serving]
            .into_iter()
            .flatten()
            .find(|package| package.tree().is_some_and(|tree| uuid(tree) == wanted));
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
        let snapshot = path.rsplit('/').next().unwrap();
        let expected = package.tree().map(uuid).unwrap();
        assert_eq!(parse(snapshot), Some(("my-fn", expected.as_str())));
        let nameless = format!("-{expected}");
        for bad in ["", "x", expected.as_str(), &nameless, "ééééééééééééééééééééééééééééééééé"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
