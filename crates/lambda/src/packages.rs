//! From the zip of a request to a durable package with an unpacked tree.

use api::lambda::{FunctionCode, UpdateFunctionCodeInput, fault};
use aws::Fault;
use bytes::Bytes;
use sandbox::TreeDigest;
use sha2::{Digest, Sha256};
use store::{BlobId, Broken, Staged, Txn};

use crate::code::BadZip;
use crate::function::{Function, Package};
use crate::limits::{UNZIPPED_BYTES, ZIP_BYTES};
use crate::settings::not_implemented;
use crate::state::Lambda;

/// Where a request says the code is.
pub(crate) struct Source<'a> {
    zip: Option<&'a Bytes>,
    bucket: Option<&'a str>,
    image: bool,
    key_encrypted: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn of_create(code: &'a FunctionCode) -> Source<'a> {
        Source {
            zip: code.zip_file.as_ref(),
            bucket: code.s3_bucket.as_deref(),
            image: code.image_uri.is_some(),
            key_encrypted: code.source_kms_key_arn.is_some(),
        }
    }

    pub(crate) fn of_update(input: &'a UpdateFunctionCodeInput) -> Source<'a> {
        Source {
            zip: input.zip_file.as_ref(),
            bucket: input.s3_bucket.as_deref(),
            image: input.image_uri.is_some(),
            key_encrypted: input.source_kms_key_arn.is_some(),
        }
    }
}

/// The zip of a request, within its size.
pub(crate) fn zip_of(source: Source<'_>) -> Result<Bytes, Fault> {
    if source.key_encrypted {
        return Err(not_implemented("SourceKMSKeyArn"));
    }
    let given =
        [source.zip.is_some(), source.bucket.is_some(), source.image].into_iter().filter(|given| *given);
    if given.count() > 1 {
        return Err(fault::invalid_parameter_value(
            "Please do not provide other FunctionCode parameters when providing a ZipFile.",
        ));
    }
    if source.image {
        return Err(fault::invalid_parameter_value(
            "Please don't provide ImageUri when updating a function with packageType Zip.",
        ));
    }
    if source.bucket.is_some() {
        return Err(fault::invalid_parameter_value(
            "Error occurred while GetObject. S3 Error Code: NoSuchBucket. \
             S3 Error Message: The specified bucket does not exist",
        ));
    }
    let Some(zip) = source.zip else {
        return Err(fault::invalid_parameter_value("Please provide a source for function code."));
    };
    if zip.len() > ZIP_BYTES {
        return Err(Fault::new(
            "RequestEntityTooLargeException",
            413,
            format!("Zipped size must be smaller than {ZIP_BYTES} bytes"),
        ));
    }
    Ok(zip.clone())
}

/// A package that is on the disk, blob and tree, and that no function names yet.
#[derive(Clone)]
pub(crate) struct Taken {
    staged: Staged,
    digest: TreeDigest,
}

/// Unpacks a zip and stages it as a blob. A bad zip gets AWS's error and leaves nothing behind.
pub(crate) async fn take_in(lambda: &Lambda, zip: Bytes) -> Result<Taken, Fault> {
    let (trees, bytes) = (lambda.0.trees.clone(), zip.clone());
    let unpacked = lambda.0.tasks.spawn_blocking(move || {
        let digest = TreeDigest(Sha256::digest(&bytes).into());
        trees.unpack(digest, &bytes).map(|()| digest)
    });
    let digest = unpacked.join().await.ok_or_else(broken_unpack)?.map_err(refused)?;
    lambda.0.unpacked.notify_one();
    let staged = lambda.0.store.blobs().stage(&mut zip.clone(), ZIP_BYTES as u64).await?;
    Ok(Taken { staged, digest })
}

fn broken_unpack() -> Fault {
    fault::service("An internal error occurred.")
}

fn refused(bad: BadZip) -> Fault {
    match bad {
        BadZip::Unusable(why) => {
            tracing::debug!(why, "zip refused");
            fault::invalid_parameter_value(
                "Could not unzip uploaded file. Please check your file, then try to upload again.",
            )
        }
        BadZip::TooLarge => fault::invalid_parameter_value(format!(
            "Unzipped size must be smaller than {UNZIPPED_BYTES} bytes"
        )),
        BadZip::Disk(error) => {
            tracing::error!(error = %error, "unpack a zip");
            broken_unpack()
        }
    }
}

impl Taken {
    /// The hash and size that the answer shows.
    pub(crate) fn digest(&self) -> TreeDigest {
        self.digest
    }

    /// Bytes of the zip.
    pub(crate) fn size(&self) -> u64 {
        self.staged.size
    }
}

/// Makes a package the home's own.
pub(crate) fn adopt(txn: &mut Txn<'_>, taken: &Taken) -> Result<Package, Broken> {
    Ok(Package { sha256: taken.digest.to_string(), size: taken.staged.size, blob: txn.adopt(&taken.staged)? })
}

/// Makes a package the home's own unless the function holds the same one already.
pub(crate) fn adopt_for(txn: &mut Txn<'_>, function: &Function, taken: &Taken) -> Result<Package, Broken> {
    let sha256 = taken.digest.to_string();
    let serving = function.serving.as_ref().map(|serving| &serving.package);
    match [Some(&function.package), serving].into_iter().flatten().find(|held| held.sha256 == sha256) {
        Some(held) => Ok(held.clone()),
        None => adopt(txn, taken),
    }
}

/// Gives up the packages that a function held `before` and does not hold `after` a change.
pub(crate) fn release(txn: &mut Txn<'_>, before: &Function, after: Option<&Function>) -> Result<(), Broken> {
    let kept = after.map(held).unwrap_or_default();
    for blob in held(before) {
        if !kept.contains(&blob) {
            txn.discard(&blob)?;
        }
    }
    Ok(())
}

/// The blobs that a function holds, each adopted once.
fn held(function: &Function) -> Vec<BlobId> {
    let mut blobs = vec![function.package.blob];
    let serving = function.serving.as_ref().map(|serving| serving.package.blob);
    blobs.extend(serving.filter(|blob| *blob != function.package.blob));
    blobs
}
