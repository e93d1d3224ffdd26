//! Time and chance, both injected: strategies and rules are tested without sleeping and without luck.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const MICROS_PER_MINUTE: u64 = 60_000_000;

/// A point in time: microseconds since the Unix epoch, never running backwards within a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub u64);

impl Moment {
    /// The calendar minute, which the limits per minute count by.
    pub fn minute(self) -> u64 {
        self.0 / MICROS_PER_MINUTE
    }

    /// What is left of that minute.
    pub fn rest_of_minute(self) -> Duration {
        Duration::from_micros(MICROS_PER_MINUTE - self.0 % MICROS_PER_MINUTE)
    }

    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }

    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Where the time comes from.
#[derive(Debug)]
pub enum Clock {
    System {
        /// The time of day when the clock was made; from there on it runs by itself.
        epoch: Duration,
        begun: Instant,
    },
    /// Stands still until it is set.
    Manual(AtomicU64),
}

impl Clock {
    pub fn system() -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::System { epoch, begun: Instant::now() }
    }

    pub fn manual(at: Moment) -> Self {
        Self::Manual(AtomicU64::new(at.0))
    }

    pub fn now(&self) -> Moment {
        match self {
            Self::System { epoch, begun } => Moment(0).plus(*epoch + begun.elapsed()),
            Self::Manual(at) => Moment(at.load(Ordering::Relaxed)),
        }
    }

    /// Moves a manual clock on; the system's moves by itself.
    pub fn advance(&self, span: Duration) {
        if let Self::Manual(at) = self {
            at.fetch_add(u64::try_from(span.as_micros()).unwrap_or_default(), Ordering::Relaxed);
        }
    }
}

/// Random numbers that threads may share: SplitMix64, whose state is a counter.
#[derive(Debug)]
pub struct Random(AtomicU64);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// From the process's own random state.
    pub fn fresh() -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self::seeded(RandomState::new().hash_one(0))
    }

    pub fn bits(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 up to, but without, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds")]
    pub fn unit(&self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number below `count`; 0 for a count of 0.
    pub fn below(&self, count: usize) -> usize {
        // The high half of the product is evenly spread without a division.
        let wide = u128::from(self.bits()) * count as u128;
        usize::try_from(wide >> 64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_a_count_are_even() {
        let random = Random::seeded(7);
        let mut counts = [0u32; 10];
        for _ in 0..100_000 {
            counts[random.below(10)] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn a_manual_clock_stands_until_it_is_moved() {
        let clock = Clock::manual(Moment(MICROS_PER_MINUTE + 1));
        assert_eq!((clock.now().minute(), clock.now()), (1, clock.now()));
        clock.advance(Duration::from_secs(60));
        assert_eq!(clock.now().minute(), 2);
        assert_eq!(clock.now().rest_of_minute(), Duration::from_micros(MICROS_PER_MINUTE - 1));
    }
}
