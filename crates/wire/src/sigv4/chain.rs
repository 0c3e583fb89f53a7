use super::key::{Hex, unhex};
use super::refusal::Mismatch;
use super::{Claim, SigningKey, Stamp};

/// The algorithm of a chunk and of a message.
pub(super) const OF_PAYLOAD: &str = "AWS4-HMAC-SHA256-PAYLOAD";
/// The algorithm of a trailer.
pub(super) const OF_TRAILER: &str = "AWS4-HMAC-SHA256-TRAILER";

/// Signatures that each take in the one before, beginning with that of a request.
pub(super) struct Chain {
    key: SigningKey,
    access_key: String,
    scope: String,
    previous: Hex,
}

impl Chain {
    /// Begins with the signature of a request that [`Claim::verify`] accepted.
    pub(super) fn of(claim: &Claim<'_>, key: &SigningKey) -> Chain {
        Chain {
            key: key.clone(),
            access_key: claim.access_key().to_owned(),
            scope: claim.credential().scope_text().to_owned(),
            // Whoever did not have the claim verified gets a chain that nothing fits.
            previous: Hex::of(&unhex(claim.signature.as_bytes()).unwrap_or_default()),
        }
    }

    /// Begins with a signature of our own.
    pub(super) fn from(key: SigningKey, scope: String, seed: Hex) -> Chain {
        Chain { key, access_key: String::new(), scope, previous: seed }
    }

    /// Goes on with the key of another day.
    pub(super) fn turn(&mut self, key: SigningKey, scope: String) {
        self.key = key;
        self.scope = scope;
    }

    /// Signs these hashes and goes on from the signature.
    pub(super) fn sign(&mut self, algorithm: &str, stamp: &Stamp, hashes: &[Hex]) -> Hex {
        let text = self.string_to_sign(algorithm, stamp, hashes);
        self.previous = self.key.sign(&[text.as_bytes()]).hex();
        self.previous
    }

    /// Compares in constant time, and goes on from the signature when it is ours.
    pub(super) fn verify(
        &mut self,
        algorithm: &str,
        stamp: &Stamp,
        hashes: &[Hex],
        provided: &[u8],
    ) -> Result<(), Box<Mismatch>> {
        let text = self.string_to_sign(algorithm, stamp, hashes);
        let signature = self.key.sign(&[text.as_bytes()]);
        if signature.is(provided) {
            self.previous = signature.hex();
            return Ok(());
        }
        Err(Box::new(Mismatch {
            access_key: self.access_key.clone(),
            canonical: None,
            string_to_sign: text,
            provided: String::from_utf8_lossy(provided).into_owned(),
        }))
    }

    fn string_to_sign(&self, algorithm: &str, stamp: &Stamp, hashes: &[Hex]) -> String {
        let mut text = format!("{algorithm}\n{}\n{}\n{}", stamp.text(), self.scope, self.previous.as_str());
        for hash in hashes {
            text.push('\n');
            text.push_str(hash.as_str());
        }
        text
    }
}
