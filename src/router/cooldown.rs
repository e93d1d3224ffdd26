//! When a deployment that fails is left alone, and for how long.

use std::time::Duration;

use super::clock::Moment;
use super::deployment::Deployment;
use super::policy::{self, Blame, blame};
use super::settings::RouterSettings;
use crate::error::{Error, Kind};

/// The share of failures in a minute from which a deployment is left alone, and the fewest calls that tell.
const FAILURE_RATE: f64 = 0.5;
const FEWEST_CALLS: u64 = 5;
/// The same for a group of one, which has no other place to go: all of so many must have failed.
const FEWEST_CALLS_ALONE: u64 = 1000;
/// The longest wait an upstream is believed.
const LONGEST: Duration = Duration::from_secs(3600);

/// What a cooldown is decided by besides the failure.
#[derive(Debug, Clone, Copy)]
pub struct Company {
    /// Deployments in the group.
    pub members: usize,
    /// Others of them that are not left alone now.
    pub healthy_others: usize,
}

/// How long a deployment is to be left alone after a failure, which has been counted already.
pub fn after_failure(
    settings: &RouterSettings,
    deployment: &Deployment,
    error: &Error,
    company: Company,
    now: Moment,
) -> Option<Duration> {
    let kind = error.kind();
    if settings.disable_cooldowns || blame(kind) == Blame::Request {
        return None;
    }
    if kind == Kind::RateLimit && company.healthy_others == 0 {
        // The last one that works stays: a limit passes, and nobody else could answer meanwhile.
        return None;
    }
    let minute = now.minute();
    let live = &deployment.live;
    let of_kind = settings.allowed_fails_policy.and_then(|policy| policy.of(kind));
    let is_due = if let Some(allowed) = of_kind {
        let counted = policy::group(kind).and_then(|group| live.counted.get(group));
        counted.is_some_and(|counted| counted.get(minute) > u64::from(allowed))
    } else if let Some(allowed) = settings.allowed_fails {
        live.failures.get(minute) > u64::from(allowed)
    } else if company.members == 1 {
        let (failed, worked) = (live.failures.get(minute), live.successes.get(minute));
        worked == 0 && failed >= FEWEST_CALLS_ALONE
    } else {
        kind == Kind::RateLimit || blame(kind) == Blame::Deployment || fails_often(deployment, minute)
    };
    is_due.then(|| {
        let asked = error.facts().retry_after.filter(|wait| !wait.is_zero() && *wait <= LONGEST);
        asked.or(deployment.cooldown).unwrap_or(settings.cooldown_time)
    })
}

fn fails_often(deployment: &Deployment, minute: u64) -> bool {
    let failed = deployment.live.failures.get(minute);
    let all = failed + deployment.live.successes.get(minute);
    #[expect(clippy::cast_precision_loss, reason = "counts of one minute")]
    let rate = failed as f64 / all.max(1) as f64;
    all >= FEWEST_CALLS && rate > FAILURE_RATE
}

/// Counts a failure where the rules look for it.
pub fn count(deployment: &Deployment, kind: Kind, now: Moment) {
    let minute = now.minute();
    deployment.live.failures.add(minute, 1);
    if let Some(counted) = policy::group(kind).and_then(|group| deployment.live.counted.get(group)) {
        counted.add(minute, 1);
    }
}
