//! What a deployment is doing: calls under way, latencies, counts of the minute, its cooldown. All of it is read on
//! every pick, so it is atomics; only the ring of latencies has a lock, and it is taken after a call.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::clock::Moment;
use crate::error::Kind;

/// A count that begins anew with each calendar minute: the minute in the upper 24 bits, the count in the lower 40.
#[derive(Debug, Default)]
pub struct PerMinute(AtomicU64);

const COUNT_BITS: u32 = 40;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

impl PerMinute {
    fn parts(packed: u64, minute: u64) -> u64 {
        if packed >> COUNT_BITS == minute & (u64::MAX >> COUNT_BITS) { packed & COUNT_MASK } else { 0 }
    }

    fn packed(minute: u64, count: u64) -> u64 {
        minute << COUNT_BITS | count.min(COUNT_MASK)
    }

    pub fn get(&self, minute: u64) -> u64 {
        Self::parts(self.0.load(Ordering::Relaxed), minute)
    }

    pub fn add(&self, minute: u64, count: u64) -> u64 {
        let mut sum = 0;
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
            sum = Self::parts(packed, minute) + count;
            Some(Self::packed(minute, sum))
        });
        sum
    }

    /// Takes back what was added in the same minute.
    pub fn subtract(&self, minute: u64, count: u64) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
            Some(Self::packed(minute, Self::parts(packed, minute).saturating_sub(count)))
        });
    }

    /// Raises the count to what others say it is.
    pub fn raise(&self, minute: u64, count: u64) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
            let known = Self::parts(packed, minute);
            (count > known).then(|| Self::packed(minute, count))
        });
    }

    /// Adds one unless that is more than the limit: checked and counted in one step.
    pub fn take(&self, minute: u64, limit: u64) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
                let count = Self::parts(packed, minute);
                (count < limit).then(|| Self::packed(minute, count + 1))
            })
            .is_ok()
    }
}

/// The state of one deployment. It outlives changes of the list that the deployment is in.
#[derive(Debug, Default)]
pub struct Live {
    in_flight: AtomicU32,
    /// Until when it is left alone, in microseconds.
    cooling_until: AtomicU64,
    pub requests: PerMinute,
    pub tokens: PerMinute,
    pub successes: PerMinute,
    pub failures: PerMinute,
    /// Failures that the policy of its kind counts by itself, since the last cooldown.
    pub counted: [PerMinute; super::policy::GROUPS],
    pub totals: Totals,
    /// A moving average in seconds, as bits: the recent calls weigh most. 0 when nothing is known.
    average: AtomicU64,
    /// The mean of the ring, in seconds, for streams to their first content.
    mean: AtomicU64,
    mean_to_first: AtomicU64,
    /// When the latencies were last added to.
    measured: AtomicU64,
    rings: Mutex<Rings>,
}

/// Counts since the process began, for those who draw curves of them.
#[derive(Debug, Default)]
pub struct Totals {
    pub successes: AtomicU64,
    pub cooldowns: AtomicU64,
    failures: Mutex<Vec<(Kind, u16, u64)>>,
}

impl Totals {
    /// Counts a failure. It has been waited for: a lock costs nothing beside it.
    pub fn fail(&self, kind: Kind, status: u16) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = failures.iter_mut().find(|known| (known.0, known.1) == (kind, status)) {
            known.2 += 1;
        } else if failures.len() < KINDS_OF_FAILURE {
            // An upstream may say any status, but not fill the memory with them.
            failures.push((kind, status, 1));
        }
    }

    pub fn succeed(&self) {
        self.successes.fetch_add(1, Ordering::Relaxed);
    }

    pub fn cool(&self) {
        self.cooldowns.fetch_add(1, Ordering::Relaxed);
    }

    /// Failures by their kind and status.
    pub fn failures(&self) -> Vec<(Kind, u16, u64)> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The most kinds of failures that are counted one by one.
const KINDS_OF_FAILURE: usize = 100;

#[derive(Debug, Default)]
struct Rings {
    whole: Ring,
    first: Ring,
}

/// The last latencies of a deployment, in seconds.
#[derive(Debug, Default)]
struct Ring {
    held: Vec<f32>,
    next: usize,
}

/// The share of a new latency in the moving average.
const NEWEST: f64 = 0.3;

impl Ring {
    /// Adds one; the mean of what is held.
    fn add(&mut self, value: f32, size: usize) -> f64 {
        if self.held.len() < size {
            self.held.push(value);
        } else if let Some(oldest) = self.held.get_mut(self.next) {
            *oldest = value;
        }
        self.next = (self.next + 1) % size.max(1);
        let sum: f64 = self.held.iter().map(|value| f64::from(*value)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a handful of values")]
        let count = self.held.len().max(1) as f64;
        sum / count
    }
}

fn load(slot: &AtomicU64) -> Option<f64> {
    Some(f64::from_bits(slot.load(Ordering::Relaxed))).filter(|value| *value > 0.0)
}

fn store(slot: &AtomicU64, value: f64) {
    slot.store(value.to_bits(), Ordering::Relaxed);
}

/// What a strategy wants to know of a call's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// The whole call, or for a stream until its first content.
    pub seconds: f64,
    pub is_first_content: bool,
}

impl Live {
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub fn end(&self) {
        let _ = self
            .in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| Some(count.saturating_sub(1)));
    }

    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Begins a call unless as many as may be are under way.
    pub fn begin_below(&self, limit: u32) -> bool {
        self.in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < limit).then_some(count + 1))
            .is_ok()
    }

    /// A cooldown that is longer already stays.
    pub fn cool_until(&self, until: Moment) {
        self.cooling_until.fetch_max(until.0, Ordering::Relaxed);
    }

    /// What is left of a cooldown.
    pub fn cooldown(&self, now: Moment) -> Option<Duration> {
        let until = Moment(self.cooling_until.load(Ordering::Relaxed));
        (until > now).then(|| until.since(now))
    }

    /// `size` is how many latencies the mean is taken over.
    pub fn measure(&self, latency: Latency, size: usize, now: Moment) {
        self.add_to_average(latency.seconds);
        self.add_to_mean(latency, size, now);
    }

    pub fn add_to_average(&self, seconds: f64) {
        let next = load(&self.average).map_or(seconds, |old| old + NEWEST * (seconds - old));
        store(&self.average, next.max(1e-9));
    }

    /// A latency for the mean of the last ones alone.
    #[expect(clippy::cast_possible_truncation, reason = "latencies need no more")]
    pub fn add_to_mean(&self, latency: Latency, size: usize, now: Moment) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let (ring, slot) = if latency.is_first_content {
            (&mut rings.first, &self.mean_to_first)
        } else {
            (&mut rings.whole, &self.mean)
        };
        store(slot, ring.add(latency.seconds as f32, size).max(1e-9));
        self.measured.store(now.0, Ordering::Relaxed);
    }

    /// What other processes have measured, where this one has not.
    pub fn learn(&self, average: std::time::Duration) {
        if load(&self.average).is_none() {
            store(&self.average, average.as_secs_f64());
        }
    }

    /// The moving average, in seconds.
    pub fn average(&self) -> Option<f64> {
        load(&self.average)
    }

    /// The mean of the last latencies, unless they are older than `ttl`. Streams have one of their own.
    pub fn mean(&self, streams: bool, ttl: Duration, now: Moment) -> Option<f64> {
        if now.since(Moment(self.measured.load(Ordering::Relaxed))) > ttl {
            return None;
        }
        let first = if streams { load(&self.mean_to_first) } else { None };
        first.or_else(|| load(&self.mean))
    }

    /// Forgets all but the calls under way.
    pub fn forget(&self) {
        self.cooling_until.store(0, Ordering::Relaxed);
        for count in [&self.requests, &self.tokens, &self.successes, &self.failures] {
            count.0.store(0, Ordering::Relaxed);
        }
        for count in &self.counted {
            count.0.store(0, Ordering::Relaxed);
        }
        for slot in [&self.average, &self.mean, &self.mean_to_first] {
            slot.store(0, Ordering::Relaxed);
        }
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) = Rings::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_begin_anew_with_each_minute() {
        let count = PerMinute::default();
        assert_eq!((count.add(5, 3), count.add(5, 4)), (3, 7));
        assert_eq!((count.get(5), count.get(6)), (7, 0));
        assert_eq!(count.add(6, 1), 1);
        count.raise(6, 9);
        count.raise(6, 2);
        assert_eq!(count.get(6), 9);
        assert!(count.take(6, 10) && !count.take(6, 10));
        count.subtract(6, 4);
        assert_eq!(count.get(6), 6);
    }

    #[test]
    fn a_shorter_cooldown_does_not_end_a_longer_one() {
        let live = Live::default();
        live.cool_until(Moment(60_000_000));
        live.cool_until(Moment(5_000_000));
        assert_eq!(live.cooldown(Moment(0)), Some(Duration::from_secs(60)));
        live.forget();
        assert_eq!(live.cooldown(Moment(0)), None);
    }

    #[test]
    fn a_mean_is_of_the_last_latencies_and_ages() {
        let live = Live::default();
        let second = Duration::from_secs(1);
        for seconds in [9.0, 1.0, 3.0] {
            live.measure(Latency { seconds, is_first_content: false }, 2, Moment(0));
        }
        assert_eq!(live.mean(false, second, Moment(1)), Some(2.0));
        assert_eq!(live.mean(true, second, Moment(1)), Some(2.0), "no stream yet: the calls stand in");
        live.measure(Latency { seconds: 0.5, is_first_content: true }, 2, Moment(0));
        assert_eq!(live.mean(true, second, Moment(1)), Some(0.5));
        assert_eq!(live.mean(false, second, Moment(0).plus(second * 2)), None);
    }
}
