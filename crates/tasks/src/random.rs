use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

/// Where randomness comes from: the kernel, or a seed in tests.
#[derive(Clone)]
pub struct Random(Kind);

#[derive(Clone)]
enum Kind {
    Kernel,
    Seeded(Arc<Mutex<u64>>),
}

impl Random {
    /// The kernel's generator: fit for keys and tokens.
    pub fn kernel() -> Random {
        Random(Kind::Kernel)
    }

    /// A repeatable sequence for tests and simulation. Never for secrets.
    pub fn seeded(seed: u64) -> Random {
        Random(Kind::Seeded(Arc::new(Mutex::new(seed))))
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.0 {
            Kind::Kernel => STOCK.with_borrow_mut(|stock| stock.fill(bytes)),
            Kind::Seeded(state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in bytes.chunks_mut(8) {
                    chunk.copy_from_slice(&splitmix(&mut state).to_le_bytes()[..chunk.len()]);
                }
            }
        }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A random number below `bound`, which must not be 0.
    pub fn below(&self, bound: u64) -> u64 {
        // The multiplication maps 64 random bits onto the range; the bias is below 2^-32 for our bounds.
        ((u128::from(u64::from_le_bytes(self.bytes())) * u128::from(bound)) >> 64) as u64
    }
}

thread_local! {
    static STOCK: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; STOCK_BYTES], used: STOCK_BYTES }) };
}

/// Random bytes got ahead, so that a request for a few costs no system call. What was handed out is wiped.
struct Stock {
    bytes: [u8; STOCK_BYTES],
    used: usize,
}

/// The kernel hands out up to 256 bytes without interruption.
const STOCK_BYTES: usize = 256;

impl Stock {
    fn fill(&mut self, bytes: &mut [u8]) {
        if bytes.len() > STOCK_BYTES - self.used {
            if bytes.len() > STOCK_BYTES / 4 {
                return kernel(bytes);
            }
            kernel(&mut self.bytes);
            self.used = 0;
        }
        let taken = &mut self.bytes[self.used..self.used + bytes.len()];
        bytes.copy_from_slice(taken);
        taken.fill(0);
        self.used += bytes.len();
    }
}

fn kernel(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the kernel's random generator works");
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_the_kernel_does_not() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(a.bytes::<33>(), b.bytes::<33>());
        assert_ne!(Random::kernel().bytes::<16>(), Random::kernel().bytes::<16>());
        assert!((0..1000).all(|_| a.below(3) < 3));
    }

    #[test]
    fn nothing_is_handed_out_twice_however_much_is_asked_for() {
        let mut seen = std::collections::HashSet::new();
        for round in 0..2000 {
            let mut bytes = vec![0; 8 + round % 97];
            Random::kernel().fill(&mut bytes);
            assert!(seen.insert(bytes[..8].to_vec()), "round {round}");
            let tail = bytes[bytes.len() - 8..].to_vec();
            assert!(bytes.len() < 16 || seen.insert(tail), "round {round}");
        }
    }
}
