use std::sync::Arc;

use aws::{Caller, Fault, Millis, Region};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use wire::sigv4::{BodyHash, Claim, Family, Parts, Payload, Refusal, Token};

use crate::keys::{Keys, NotKnown, SigningKeys};
use crate::limits::HASH_STEP_BYTES;

/// Who called, and in which region.
pub(crate) struct Authenticated {
    pub(crate) caller: Arc<Caller>,
    pub(crate) region: Region,
}

/// What is asked for, as far as authentication must know.
pub(crate) struct Asked<'a> {
    /// The signing name of the service.
    pub(crate) service: &'a str,
    pub(crate) family: Family,
    pub(crate) parts: Parts<'a>,
    pub(crate) body: &'a Bytes,
    pub(crate) now: Millis,
}

/// Verifies a claim in AWS's order: scope and time, the key, its session, the signature.
pub(crate) async fn authenticate(
    claim: Result<&Claim<'_>, &Refusal>,
    asked: &Asked<'_>,
    keys: &dyn Keys,
    signing: &SigningKeys,
) -> Result<Authenticated, Fault> {
    let refuse = |refusal: Refusal| refusal.fault(asked.family);
    let claim = claim.map_err(|refusal| refusal.fault(asked.family))?;
    claim.check(asked.service, asked.now).map_err(refuse)?;
    let token = || claim.token().map(|token| Token(token.to_owned()));
    let known = match keys.find(claim.access_key(), claim.token()).await {
        Ok(known) => known,
        Err(NotKnown::Unknown) => {
            let access_key = claim.access_key().to_owned();
            return Err(refuse(Refusal::UnknownKey { access_key, token: token() }));
        }
        Err(NotKnown::Expired) => return Err(refuse(Refusal::SessionExpired { token: token() })),
        Err(NotKnown::Failed(fault)) => return Err(fault),
    };
    if known.expires.is_some_and(|expires| expires <= asked.now) {
        return Err(refuse(Refusal::SessionExpired { token: token() }));
    }
    let body = match claim.payload(&asked.parts).map_err(refuse)? {
        Payload::Body | Payload::Stated(_) => hash(asked.body).await,
        Payload::Unsigned => BodyHash::EMPTY,
        // Their bodies need a decoder, which no operation here has.
        Payload::Chunked(_) | Payload::Events => return Err(refuse(Refusal::PayloadInvalid)),
    };
    let verified = |key: &_| claim.verify(&asked.parts, body, key);
    signing.verify(claim, &known.secret_key, verified).map_err(refuse)?;
    let region = Region::parse(claim.scope().region).expect("the scope was checked");
    Ok(Authenticated { caller: known.caller, region })
}

/// Hashes a body in steps, so that a large one does not hold up the others on this thread.
async fn hash(body: &Bytes) -> BodyHash {
    if body.len() <= HASH_STEP_BYTES {
        return BodyHash::of(body);
    }
    let mut hasher = Sha256::new();
    for step in body.chunks(HASH_STEP_BYTES) {
        hasher.update(step);
        tokio::task::yield_now().await;
    }
    BodyHash(hasher.finalize().into())
}
