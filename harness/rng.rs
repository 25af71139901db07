//! Seeded random numbers, frozen: the same seed gives the same bytes in every version.
//!
//! Library generators may change their output between releases, which would break "replay with
//! `--seed 91`". SplitMix64 (Steele, Lea, Flood 2014) is ten lines and pinned by test vectors.

use std::time::Duration;

/// A SplitMix64 generator.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The generator that starts at `seed`.
    pub const fn new(seed: u64) -> Self {
        Rng(seed)
    }

    /// A generator of its own for one purpose, e.g. `("conn", 3)`: independent of how many
    /// numbers others have drawn, so that concurrency changes nothing.
    pub fn derive(seed: u64, purpose: &str, ordinal: u64) -> Self {
        // FNV-1a over the purpose; the finaliser of the generator does the mixing.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in purpose.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let mut start = Rng(seed ^ hash);
        let base = start.next_u64();
        let mut start = Rng(base ^ ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Rng(start.next_u64())
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0. Multiply-shift, no rejection: the bias is
    /// below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `0.0..1.0` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A sample of the normal distribution with mean 0 and deviation 1 (Box-Muller).
    pub fn normal(&mut self) -> f64 {
        let u = 1.0 - self.unit();
        let v = self.unit();
        (-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
    }

    /// A time between `low` and `high`, both included, to the nanosecond.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = high.saturating_sub(low).as_nanos().min(u128::from(u64::MAX - 1)) as u64;
        low + Duration::from_nanos(self.below(span + 1))
    }

    /// Fills `out` with random bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let word = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// `len` characters of `a-z0-9`, for nonces and throw-away passwords.
    pub fn word(&mut self, len: usize) -> String {
        const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..len).map(|_| char::from(LETTERS[self.below(36) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the reference implementation, seed 1234567.
    #[test]
    fn frozen_by_the_reference_vector() {
        let mut rng = Rng::new(1_234_567);
        let got: Vec<u64> = (0..5).map(|_| rng.next_u64()).collect();
        assert_eq!(
            got,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn derived_generators_are_frozen_and_differ() {
        let first = |purpose, n| Rng::derive(7, purpose, n).word(8);
        assert_eq!(first("conn", 1), first("conn", 1));
        assert_ne!(first("conn", 1), first("conn", 2));
        assert_ne!(first("conn", 1), first("rule", 1));
        assert_eq!(Rng::derive(7, "nonce", 0).word(12), "mye1oah8u11b");
    }

    #[test]
    fn bounds_hold() {
        let mut rng = Rng::new(1);
        assert_eq!(rng.below(0), 0);
        for _ in 0..1000 {
            assert!(rng.below(3) < 3);
            let t = rng.between(Duration::from_millis(5), Duration::from_millis(6));
            assert!((5_000_000..=6_000_000).contains(&(t.as_nanos() as u64)));
        }
        assert!(!rng.chance(0.0));
        assert!(rng.chance(1.0));
    }
}
