//! Leases: what a call or an environment holds while it runs, given back when the guard is dropped.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use aws::AccountId;

/// The concurrency of every account.
pub(crate) struct Concurrency {
    limit: usize,
    accounts: RwLock<HashMap<AccountId, Arc<AtomicUsize>>>,
    total: Arc<AtomicUsize>,
}

/// One unit of an account's concurrency.
#[derive(Debug)]
pub(crate) struct Lease {
    account: Arc<AtomicUsize>,
    total: Arc<AtomicUsize>,
}

impl Concurrency {
    pub(crate) fn new(limit: usize) -> Concurrency {
        Concurrency { limit, accounts: RwLock::default(), total: Arc::default() }
    }

    /// Takes one unit; `None` when the account uses all of its own.
    pub(crate) fn lease(&self, account: AccountId) -> Option<Lease> {
        let used = self.used_by(account);
        let took = used.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            (used < self.limit).then_some(used + 1)
        });
        took.ok()?;
        self.total.fetch_add(1, Ordering::Relaxed);
        Some(Lease { account: used, total: self.total.clone() })
    }

    /// Units in use, over all accounts.
    pub(crate) fn in_use(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    fn used_by(&self, account: AccountId) -> Arc<AtomicUsize> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = accounts.get(&account) {
            return used.clone();
        }
        drop(accounts);
        self.accounts.write().unwrap_or_else(PoisonError::into_inner).entry(account).or_default().clone()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.account.fetch_sub(1, Ordering::AcqRel);
        self.total.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The memory that environments may hold together, by their configured sizes.
pub(crate) struct Memory {
    budget_mb: u64,
    used_mb: Arc<AtomicU64>,
}

/// One environment's memory. Cloning shares it; it is given back once, by [`MemoryLease::release`] or the last drop.
#[derive(Debug, Clone)]
pub(crate) struct MemoryLease(Arc<Held>);

#[derive(Debug)]
struct Held {
    size_mb: AtomicU64,
    used_mb: Arc<AtomicU64>,
}

impl Memory {
    pub(crate) fn new(budget_mb: u64) -> Memory {
        Memory { budget_mb, used_mb: Arc::default() }
    }

    /// Takes `size_mb`, or says how many MB are missing.
    pub(crate) fn lease(&self, size_mb: u64) -> Result<MemoryLease, u64> {
        let took = self.used_mb.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            let wanted = used + size_mb;
            (wanted <= self.budget_mb).then_some(wanted)
        });
        match took {
            Ok(_) => {
                let used_mb = self.used_mb.clone();
                Ok(MemoryLease(Arc::new(Held { size_mb: AtomicU64::new(size_mb), used_mb })))
            }
            Err(used) => Err(used + size_mb - self.budget_mb),
        }
    }

    /// MB in use.
    pub(crate) fn in_use_mb(&self) -> u64 {
        self.used_mb.load(Ordering::Relaxed)
    }
}

impl MemoryLease {
    /// Gives the memory back before the environment is gone: it is frozen and on its way out.
    pub(crate) fn release(&self) {
        self.0.release();
    }
}

impl Held {
    fn release(&self) {
        let size_mb = self.size_mb.swap(0, Ordering::AcqRel);
        self.used_mb.fetch_sub(size_mb, Ordering::AcqRel);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_never_holds_more_than_its_limit_and_gets_back_what_it_drops() {
        let concurrency = Concurrency::new(2);
        let (one, other) =
            (AccountId::parse("000000000001").unwrap(), AccountId::parse("000000000002").unwrap());
        let first = concurrency.lease(one).unwrap();
        let _second = concurrency.lease(one).unwrap();
        assert!(concurrency.lease(one).is_none());
        assert!(concurrency.lease(other).is_some(), "accounts do not share");
        drop(first);
        assert!(concurrency.lease(one).is_some());
        assert_eq!(concurrency.in_use(), 1);
    }

    #[test]
    fn memory_says_what_is_missing() {
        let memory = Memory::new(1_000);
        let first = memory.lease(600).unwrap();
        assert_eq!(memory.lease(512).unwrap_err(), 112);
        first.release();
        first.release();
        drop(first);
        assert_eq!(memory.in_use_mb(), 0);
        assert!(memory.lease(1_000).is_ok());
    }
}
