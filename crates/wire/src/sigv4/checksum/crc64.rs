/// CRC-64/NVME, eight bytes at a step: a table for each place of a byte within them, 16 KiB together.
///
/// Written out because the crates for it bring further generations of crates that are here already.
pub(super) struct Crc64(u64);

/// The polynomial, its bits in reverse.
const POLYNOMIAL: u64 = 0x9a6c_9329_ac4b_c9b5;

static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 { rest >> 1 ^ POLYNOMIAL } else { rest >> 1 };
            bit += 1;
        }
        tables[0][byte] = rest;
        byte += 1;
    }
    let mut place = 1;
    while place < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before: u64 = tables[place - 1][byte];
            tables[place][byte] = before >> 8 ^ tables[0][(before & 255) as usize];
            byte += 1;
        }
        place += 1;
    }
    tables
}

impl Default for Crc64 {
    fn default() -> Crc64 {
        Crc64(u64::MAX)
    }
}

impl Crc64 {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        let mut state = self.0;
        for eight in eights {
            let mixed = (state ^ u64::from_le_bytes(*eight)).to_le_bytes();
            state = 0;
            for (at, byte) in mixed.iter().enumerate() {
                state ^= TABLES[7 - at][usize::from(*byte)];
            }
        }
        for byte in rest {
            state = state >> 8 ^ TABLES[0][usize::from(state as u8 ^ byte)];
        }
        self.0 = state;
    }

    pub(super) fn finish(self) -> u64 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogues_check_value_is_met() {
        let mut sum = Crc64::default();
        sum.update(b"123456789");
        assert_eq!(sum.finish(), 0xae8b_1486_0a79_9888);
    }
}
