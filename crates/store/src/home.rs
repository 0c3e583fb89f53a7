use sha2::{Digest, Sha256};

use crate::limits::HOMES;

/// One of 256 homes: the unit of atomicity, order and ownership. A transaction is in one home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Home(pub(crate) u16);

impl Home {
    /// The home of the resource that `parts` name, always the same one.
    ///
    /// Several resources share a home, so keys must tell them apart.
    pub fn of(parts: &[&str]) -> Home {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Home(u16::from(hash.finalize()[0]))
    }

    /// Every home, in order.
    pub fn all() -> impl Iterator<Item = Home> {
        (0..HOMES).map(Home)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_stable_and_its_parts_do_not_run_together() {
        // Written down: data on disk depends on it.
        assert_eq!(Home::of(&["lambda", "123456789012", "us-east-1"]), Home(74));
        let (a, b): (Vec<_>, Vec<_>) = (0..64)
            .map(|n| (Home::of(&["ab", &format!("c{n}")]), Home::of(&["a", &format!("bc{n}")])))
            .unzip();
        assert_ne!(a, b);
        assert_eq!(Home::all().count(), 256);
    }
}
