//! Calls that wait for a deployment to be free: the most urgent first, at most so many.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Error, Kind, Result};

/// The most calls that wait at a time.
const LONGEST: usize = 10_000;

/// A queue by priority: lower numbers first, then who came first.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: Mutex<BTreeSet<(i64, u64)>>,
    tickets: AtomicU64,
    freed: Notify,
}

/// A place in the queue, given up when it is dropped.
#[derive(Debug)]
pub struct Place<'q> {
    queue: &'q Queue,
    key: (i64, u64),
}

impl Queue {
    pub fn join(&self, priority: i64) -> Result<Place<'_>> {
        let key = (priority, self.tickets.fetch_add(1, Ordering::Relaxed));
        let mut waiting = self.lock();
        if waiting.len() >= LONGEST {
            return Err(Error::new(Kind::NoDeployment, "Too many calls wait for a deployment to be free."));
        }
        waiting.insert(key);
        Ok(Place { queue: self, key })
    }

    /// A deployment may be free now.
    pub fn wake(&self) {
        self.freed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(i64, u64)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Waits until it is this call's turn to look for a deployment: it is at the head, and something was freed or
    /// the time between two looks has passed.
    pub async fn turn(&self, polling: Duration) {
        loop {
            let freed = self.queue.freed.notified();
            let _ = tokio::time::timeout(polling, freed).await;
            if self.queue.lock().first() == Some(&self.key) {
                return;
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.lock().remove(&self.key);
        self.queue.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_most_urgent_call_comes_first() {
        let queue = Queue::default();
        let polling = Duration::from_millis(10);
        let (late, urgent) = (queue.join(5).unwrap(), queue.join(0).unwrap());
        let order = Mutex::new(Vec::new());
        let note = |name| order.lock().unwrap().push(name);
        tokio::join!(
            async {
                late.turn(polling).await;
                note("late");
                drop(late);
            },
            async {
                urgent.turn(polling).await;
                note("urgent");
                drop(urgent);
            }
        );
        assert_eq!(*order.lock().unwrap(), ["urgent", "late"]);
        assert!(queue.lock().is_empty());
    }
}
