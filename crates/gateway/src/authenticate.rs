use std::sync::Arc;

use aws::{Caller, Fault, Millis, Region};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use wire::sigv4::chunked::Decoder;
use wire::sigv4::{BodyHash, Claim, Family, Parts, Payload, Refusal, Token};

use crate::checks::Checks;
use crate::keys::{Keys, NotKnown, SigningKeys};
use crate::limits::HASH_STEP_BYTES;

/// Who called, and in which region.
pub(crate) struct Authenticated {
    pub(crate) caller: Arc<Caller>,
    pub(crate) region: Region,
    /// What the body has to go through before anything of it is believed; of one that is at hand nothing, mostly.
    pub(crate) checks: Option<Box<Checks>>,
}

/// What is asked for, as far as authentication must know.
pub(crate) struct Asked<'a> {
    /// The signing name of the service.
    pub(crate) service: &'a str,
    pub(crate) family: Family,
    pub(crate) parts: Parts<'a>,
    /// The body, unless it is still to come.
    pub(crate) body: Option<&'a Bytes>,
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
    let parts = &asked.parts;
    let verify =
        |hash: BodyHash| signing.verify(claim, &known.secret_key, |key| claim.verify(parts, hash, key));
    let checks = match (claim.payload(parts).map_err(refuse)?, asked.body) {
        (Payload::Body | Payload::Stated(_), Some(body)) => {
            verify(hash(body).await).map_err(refuse)?;
            None
        }
        (stated @ Payload::Stated(_), None) => {
            signing.verify(claim, &known.secret_key, |key| claim.verify_head(parts, key)).map_err(refuse)?;
            Some(Box::new(Checks::hashed(stated, asked.family)))
        }
        (Payload::Unsigned, _) => {
            verify(BodyHash::EMPTY).map_err(refuse)?;
            None
        }
        (Payload::Chunked(mode), _) => {
            let decoder = signing.verify(claim, &known.secret_key, |key| {
                claim.verify_head(parts, key)?;
                Ok(Decoder::of(claim, parts, key, mode))
            });
            let decoder = decoder.map_err(refuse)?.map_err(|broken| broken.fault())?;
            Some(Box::new(Checks::framed(decoder)))
        }
        // Nobody sends messages that are signed one by one to an operation here; a signature over the body needs all of it.
        (Payload::Events, _) | (Payload::Body, None) => return Err(refuse(Refusal::PayloadInvalid)),
    };
    let region = Region::parse(claim.scope().region).expect("the scope was checked");
    Ok(Authenticated { caller: known.caller, region, checks })
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
