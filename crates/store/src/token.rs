use std::time::Duration;

use aws::Millis;

use crate::limits::TOKENS_CLEARED;
use crate::{Result, Table, Txn};

/// Names something that may take effect once: a client's token, a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Keeps the tokens of different uses apart, e.g. `sns.delivery`.
    pub scope: &'static str,
    /// The token itself, at most about 1,900 bytes.
    pub id: Vec<u8>,
    /// How long the token is remembered; longer than its sender tries again.
    pub keep: Duration,
}

const TOKENS: Table<(String, Vec<u8>), Millis> = Table::new("store.tokens");
/// The item that a token of an append stands for.
const ITEMS: Table<(String, Vec<u8>), u64> = Table::new("store.token-items");
const EXPIRIES: Table<(Millis, String, Vec<u8>), ()> = Table::new("store.token-expiries");

/// Appends have scopes of their own.
fn appending(token: &Token) -> String {
    format!("append {}", token.scope)
}

impl Txn<'_> {
    /// True the first time that the token is seen in this home; remembered if the transaction commits.
    pub fn once(&mut self, token: &Token) -> Result<bool> {
        self.once_as(token.scope.to_owned(), token)
    }

    /// The item that was appended with the token, while the token is remembered.
    pub(crate) fn first_item(&mut self, token: &Token) -> Result<Option<u64>> {
        #[cfg(test)]
        if crate::queue::slips::is(crate::queue::slips::Slip::TokensForgotten) {
            return Ok(None);
        }
        let key = (appending(token), token.id.clone());
        match self.get(TOKENS, &key)? {
            Some(until) if until > self.now() => self.get(ITEMS, &key),
            _ => Ok(None),
        }
    }

    pub(crate) fn remember_item(&mut self, token: &Token, id: u64) -> Result<()> {
        self.once_as(appending(token), token)?;
        self.put(ITEMS, &(appending(token), token.id.clone()), &id)
    }

    fn once_as(&mut self, scope: String, token: &Token) -> Result<bool> {
        let now = self.now();
        let key = (scope, token.id.clone());
        let seen = self.get(TOKENS, &key)?;
        if seen.is_some_and(|until| until > now) {
            return Ok(false);
        }
        self.clear_expired(now)?;
        if let Some(until) = seen {
            self.delete(EXPIRIES, &(until, key.0.clone(), key.1.clone()))?;
        }
        let until = now.plus(u64::try_from(token.keep.as_millis()).unwrap_or(u64::MAX));
        self.put(TOKENS, &key, &until)?;
        self.put(EXPIRIES, &(until, key.0, key.1), &())?;
        Ok(true)
    }

    // Each new token clears more than one old one, so expired tokens do not pile up and no loop is needed.
    fn clear_expired(&mut self, now: Millis) -> Result<()> {
        let oldest = (Millis(0), String::new(), Vec::new());
        for ((until, scope, id), ()) in self.scan(EXPIRIES, &oldest, TOKENS_CLEARED)? {
            if until > now {
                break;
            }
            self.delete(EXPIRIES, &(until, scope.clone(), id.clone()))?;
            let key = (scope, id);
            self.delete(TOKENS, &key)?;
            self.delete(ITEMS, &key)?;
        }
        Ok(())
    }
}
