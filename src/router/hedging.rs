//! When a call is slow enough for a second one, and whether there may be one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::settings::Hedging;

/// Latencies that a percentile is taken over, and the fewest that tell.
const HELD: usize = 512;
const FEWEST: usize = 20;
/// The percentile is taken anew after so many latencies.
const STEP: u64 = 16;
/// Second requests that may have been saved up.
const SAVED: f64 = 10.0;
/// How the limit of what is slow grows with each second request that the budget has not allowed, and shrinks with
/// each call: it settles where the budget is just enough, so that the slowest calls get it.
const GROWTH: f64 = 1.01;
const SHRINKAGE: f64 = 0.99996;
/// As far as it grows.
const FARTHEST: f64 = 3.0;

/// The latencies of one group.
#[derive(Debug, Default)]
pub struct Percentile {
    ring: Mutex<Vec<u32>>,
    count: AtomicU64,
    /// In microseconds; 0 when too little is known.
    value: AtomicU64,
    /// Second requests that may be made, in thousandths.
    budget: AtomicU64,
    /// How far beyond the percentile a call is slow, as bits; 0 before it is first set.
    factor: AtomicU64,
}

/// The same for all groups.
#[derive(Debug, Default)]
pub struct Percentiles(RwLock<HashMap<Arc<str>, Arc<Percentile>>>);

impl Percentiles {
    pub fn of(&self, group: &Arc<str>) -> Arc<Percentile> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(group) {
            return known.clone();
        }
        self.0.write().unwrap_or_else(PoisonError::into_inner).entry(group.clone()).or_default().clone()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small positive numbers"
)]
impl Percentile {
    /// A call took so long.
    pub fn add(&self, latency: Duration, hedging: Hedging) {
        let micros = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() < HELD {
            ring.push(micros);
        } else if let Some(oldest) = ring.get_mut((count % HELD as u64) as usize) {
            *oldest = micros;
        }
        if ring.len() >= FEWEST && count.is_multiple_of(STEP) {
            let mut sorted = ring.clone();
            let at = ((sorted.len() - 1) as f64 * hedging.percentile).round() as usize;
            let (_, value, _) = sorted.select_nth_unstable(at);
            self.value.store(u64::from(*value), Ordering::Relaxed);
        }
    }

    /// A call begins: it earns its share of a second request.
    pub fn earn(&self, hedging: Hedging) {
        self.set_factor(self.factor() * SHRINKAGE);
        let most = (SAVED * 1000.0) as u64;
        let _ = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
            Some((held + (hedging.budget * 1000.0) as u64).min(most))
        });
    }

    /// After how long a call is slow.
    pub fn slow_after(&self) -> Option<Duration> {
        let value = self.value.load(Ordering::Relaxed);
        (value > 0).then(|| Duration::from_micros(value).mul_f64(self.factor()))
    }

    fn factor(&self) -> f64 {
        f64::from_bits(self.factor.load(Ordering::Relaxed)).max(1.0)
    }

    fn set_factor(&self, factor: f64) {
        self.factor.store(factor.clamp(1.0, FARTHEST).to_bits(), Ordering::Relaxed);
    }

    /// Takes one second request out of the budget.
    pub fn spend(&self) -> bool {
        let spent =
            self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| held.checked_sub(1000));
        if spent.is_err() {
            self.set_factor(self.factor() * GROWTH);
        }
        spent.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_slow_beyond_the_percentile_and_the_budget_holds() {
        let hedging = Hedging { percentile: 0.9, budget: 0.05 };
        let group = Percentile::default();
        assert_eq!(group.slow_after(), None);
        for millis in 1..=100 {
            group.add(Duration::from_millis(millis), hedging);
            group.earn(hedging);
        }
        let slow = group.slow_after().unwrap().as_millis();
        assert!((80..=95).contains(&slow), "{slow}");
        let made = (0..100).filter(|_| group.spend()).count();
        assert_eq!(made, 5);
    }
}
