//! Which deployment of those that may take a call does. No allocation, and no walk over the group where a draw will do.

use std::sync::Arc;
use std::time::Duration;

use super::clock::{Moment, Random};
use super::deployment::Deployment;
use super::groups::Tier;

/// How deployments are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// At random, by weight, else by requests or tokens a minute.
    SimpleShuffle,
    /// The one with the fewest calls under way.
    LeastBusy,
    /// The one with the lowest mean latency.
    Latency,
    /// The one with the fewest tokens in this minute.
    Usage,
    /// The cheapest one.
    Cost,
    /// The better of two that are drawn: by calls under way, and how long they take of late.
    TwoChoices,
}

const NAMES: [(&str, Strategy); 8] = [
    ("simple-shuffle", Strategy::SimpleShuffle),
    ("least-busy", Strategy::LeastBusy),
    ("latency-based-routing", Strategy::Latency),
    ("usage-based-routing", Strategy::Usage),
    ("usage-based-routing-v2", Strategy::Usage),
    ("cost-based-routing", Strategy::Cost),
    ("power-of-two-choices", Strategy::TwoChoices),
    ("lar1", Strategy::Latency),
];

impl Strategy {
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, strategy)| *strategy)
    }

    /// The first of its names.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, strategy)| *strategy == self).map_or("", |(name, _)| name)
    }

    pub fn names() -> String {
        NAMES.map(|(name, _)| name).join(", ")
    }
}

/// What a choice is made with.
pub struct Choice<'c> {
    pub random: &'c Random,
    pub now: Moment,
    pub streams: bool,
    pub latency_ttl: Duration,
    pub latency_buffer: f64,
    /// What a listed model costs.
    pub listed: &'c dyn Fn(&str) -> Option<f64>,
}

/// Draws before the whole group is looked at.
const DRAWS: usize = 4;
/// A price that nobody has said is taken for a high one.
const UNKNOWN_PRICE: f64 = f64::MAX;

impl Choice<'_> {
    /// A deployment of the tier that `admits` lets pass.
    pub fn of<'t>(
        &self,
        strategy: Strategy,
        tier: &'t Tier,
        admits: &dyn Fn(&Deployment) -> bool,
    ) -> Option<&'t Arc<Deployment>> {
        if let [only] = tier.members.as_slice() {
            return admits(only).then_some(only);
        }
        match strategy {
            Strategy::SimpleShuffle => self.shuffled(tier, admits),
            Strategy::LeastBusy => self.lowest(tier, admits, |one| f64::from(one.live.in_flight())),
            Strategy::Usage => {
                let minute = self.now.minute();
                #[expect(clippy::cast_precision_loss, reason = "a count of one minute")]
                self.lowest(tier, admits, |one| one.live.tokens.get(minute) as f64)
            }
            Strategy::Cost => {
                self.lowest(tier, admits, |one| one.price(self.listed).unwrap_or(UNKNOWN_PRICE))
            }
            Strategy::Latency => self.fastest(tier, admits),
            Strategy::TwoChoices => self.better_of_two(tier, admits),
        }
    }

    fn shuffled<'t>(
        &self,
        tier: &'t Tier,
        admits: &dyn Fn(&Deployment) -> bool,
    ) -> Option<&'t Arc<Deployment>> {
        for _ in 0..DRAWS {
            let drawn = tier.members.get(tier.weights.draw(self.random))?;
            if admits(drawn) {
                return Some(drawn);
            }
        }
        // Most are away: one walk, in which each takes the place of those before it by its weight.
        let mut sum = 0.0;
        let mut held = None;
        let mut any = (None, 0.0);
        for member in tier.members.iter().filter(|member| admits(member)) {
            any.1 += 1.0;
            if self.random.unit() * any.1 < 1.0 {
                any.0 = Some(member);
            }
            let weight = tier.weight(member);
            sum += weight;
            if weight > 0.0 && self.random.unit() * sum < weight {
                held = Some(member);
            }
        }
        // Those without any weight are for when there is nothing else.
        held.or(any.0)
    }

    /// The one with the lowest value; among equals each is as likely.
    fn lowest<'t>(
        &self,
        tier: &'t Tier,
        admits: &dyn Fn(&Deployment) -> bool,
        value: impl Fn(&Deployment) -> f64,
    ) -> Option<&'t Arc<Deployment>> {
        let mut best: Option<(&Arc<Deployment>, f64)> = None;
        let mut equals = 1;
        for member in &tier.members {
            let value = value(member);
            let is_better = match best {
                None => true,
                Some((_, lowest)) if value > lowest => false,
                Some((_, lowest)) if value < lowest => true,
                Some(_) => {
                    // Checked before it counts: those that are away do not make the others less likely.
                    if !admits(member) {
                        continue;
                    }
                    equals += 1;
                    if self.random.below(equals) == 0 {
                        best = Some((member, value));
                    }
                    continue;
                }
            };
            if is_better && admits(member) {
                best = Some((member, value));
                equals = 1;
            }
        }
        best.map(|(member, _)| member)
    }

    /// One of those whose mean latency is within the buffer of the lowest; unmeasured ones first.
    fn fastest<'t>(
        &self,
        tier: &'t Tier,
        admits: &dyn Fn(&Deployment) -> bool,
    ) -> Option<&'t Arc<Deployment>> {
        let mean = |one: &Deployment| one.live.mean(self.streams, self.latency_ttl, self.now).unwrap_or(0.0);
        let lowest = self.lowest(tier, admits, mean)?;
        if self.latency_buffer <= 0.0 {
            return Some(lowest);
        }
        let limit = mean(lowest) * (1.0 + self.latency_buffer);
        self.lowest(tier, &|one| mean(one) <= limit && admits(one), |_| 0.0)
    }

    fn better_of_two<'t>(
        &self,
        tier: &'t Tier,
        admits: &dyn Fn(&Deployment) -> bool,
    ) -> Option<&'t Arc<Deployment>> {
        let count = tier.members.len();
        let load = |one: &Deployment| {
            let average = one.live.average().unwrap_or(0.0);
            (f64::from(one.live.in_flight()) + 1.0) * average
        };
        let mut first: Option<&Arc<Deployment>> = None;
        for _ in 0..2 * DRAWS {
            let Some(drawn) = tier.members.get(self.random.below(count)) else { break };
            let is_first = first.is_some_and(|first| Arc::ptr_eq(first, drawn));
            if is_first || !admits(drawn) {
                continue;
            }
            match first {
                None => first = Some(drawn),
                Some(first) => return Some(if load(drawn) < load(first) { drawn } else { first }),
            }
        }
        first.or_else(|| self.lowest(tier, admits, load))
    }
}
