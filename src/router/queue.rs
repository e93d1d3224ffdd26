//! Calls that wait for a deployment to be free: in each group the most urgent first, at most so many in all.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Error, Kind, Result};

/// The most calls that wait at a time.
const LONGEST: usize = 10_000;

/// The group, the priority and the time of coming of a call.
type Key = (Arc<str>, i64, u64);

/// One queue for each group, by priority: lower numbers first, then who came first.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: Mutex<BTreeSet<Key>>,
    tickets: AtomicU64,
    freed: Notify,
}

/// A place in the queue, given up when it is dropped.
#[derive(Debug)]
pub struct Place {
    queue: Arc<Queue>,
    key: Key,
}

impl Queue {
    pub fn join(self: &Arc<Self>, group: &Arc<str>, priority: i64) -> Result<Place> {
        let key = (group.clone(), priority, self.tickets.fetch_add(1, Ordering::Relaxed));
        let mut waiting = self.lock();
        if waiting.len() >= LONGEST {
            return Err(Error::new(Kind::NoDeployment, "Too many calls wait for a deployment to be free."));
        }
        waiting.insert(key.clone());
        Ok(Place { queue: self.clone(), key })
    }

    /// A deployment may be free now.
    pub fn wake(&self) {
        self.freed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Key>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub fn group(&self) -> &Arc<str> {
        &self.key.0
    }

    /// Whether no call of the group comes before.
    pub fn is_first(&self) -> bool {
        let of_group = (self.key.0.clone(), i64::MIN, 0)..;
        self.queue.lock().range(of_group).next() == Some(&self.key)
    }

    /// Waits until it is this call's turn to look for a deployment: it is at the head, and something was freed or
    /// the time between two looks has passed.
    pub async fn turn(&self, polling: Duration) {
        loop {
            let freed = self.queue.freed.notified();
            let _ = tokio::time::timeout(polling, freed).await;
            if self.is_first() {
                return;
            }
        }
    }
}

impl Drop for Place {
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
        let (queue, group) = (Arc::new(Queue::default()), Arc::from("a"));
        let polling = Duration::from_millis(10);
        let (late, urgent) = (queue.join(&group, 5).unwrap(), queue.join(&group, 0).unwrap());
        // Another group's calls are before neither.
        let other = queue.join(&Arc::from("A"), -1).unwrap();
        assert!(other.is_first() && urgent.is_first() && !late.is_first());
        drop(other);
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
