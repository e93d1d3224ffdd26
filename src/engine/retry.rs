//! When and how long to wait before another attempt (ERR-09, ERR-10, ERR-13).

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::error::{Error, Kind};

/// The longest wait of an upstream that is honoured; beyond it there is no retry.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(8);

/// How often a failed request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetryPolicy {
    pub retries: u32,
}

impl RetryPolicy {
    /// The wait before attempt `done + 1`, or `None` when there is to be none.
    /// `retryable` is what the reply said; without a reply only broken connections and time-outs count.
    pub fn wait(self, done: u32, error: &Error, retryable: Option<bool>) -> Option<Duration> {
        if done >= self.retries {
            return None;
        }
        let worth = retryable.unwrap_or(matches!(error.kind(), Kind::Connection | Kind::Timeout));
        if !worth {
            return None;
        }
        match error.facts().retry_after {
            Some(wait) if wait > LONGEST_WAIT => None,
            Some(wait) => Some(wait),
            None => Some(backoff(done, jitter())),
        }
    }
}

/// 0.5 s × 2^n, at most 8 s, times a factor of 0.75 to 1 (ERR-10).
fn backoff(done: u32, factor: f64) -> Duration {
    FIRST_WAIT.saturating_mul(2u32.saturating_pow(done)).min(MAX_WAIT).mul_f64(factor)
}

#[expect(clippy::cast_precision_loss, reason = "a jitter needs no precision")]
fn jitter() -> f64 {
    let random = RandomState::new().hash_one(0) >> 11;
    0.75 + 0.25 * (random as f64 / (1u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn err_10_backoff_doubles_up_to_its_cap() {
        let waits: Vec<u128> = (0..7).map(|done| backoff(done, 1.0).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
        for _ in 0..100 {
            let factor = jitter();
            assert!((0.75..=1.0).contains(&factor));
        }
    }

    #[test]
    fn err_10_a_wait_that_is_too_long_means_no_retry() {
        let policy = RetryPolicy { retries: 2 };
        let mut error = Error::new(Kind::RateLimit, "slow down");
        error.facts_mut().retry_after = Some(Duration::from_secs(121));
        assert_eq!(policy.wait(0, &error, Some(true)), None);
        error.facts_mut().retry_after = Some(Duration::from_secs(3));
        assert_eq!(policy.wait(0, &error, Some(true)), Some(Duration::from_secs(3)));
        assert_eq!(policy.wait(2, &error, Some(true)), None, "the retries are used up");
        assert_eq!(policy.wait(0, &error, Some(false)), None, "the server said no");
    }
}
