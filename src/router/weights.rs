//! Weighted choice in constant time: an alias table (Vose), built once.

use super::clock::Random;

/// Draws an index with a likelihood in proportion to its weight.
#[derive(Debug)]
pub struct Weights(Vec<Slot>);

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The share of this slot that is its own index.
    own: f64,
    other: usize,
}

impl Weights {
    /// Weights below zero count as zero; if all are zero, all are equal.
    pub fn new(weights: &[f64]) -> Self {
        let clean = |weight: f64| if weight.is_finite() { weight.max(0.0) } else { 0.0 };
        let sum: f64 = weights.iter().map(|weight| clean(*weight)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a group has few members")]
        let count = weights.len() as f64;
        let mut scaled: Vec<f64> =
            weights.iter().map(|weight| if sum > 0.0 { clean(*weight) * count / sum } else { 1.0 }).collect();
        let mut slots: Vec<Slot> = (0..weights.len()).map(|at| Slot { own: 1.0, other: at }).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..scaled.len()).partition(|at| scaled[*at] < 1.0);
        while let (Some(low), Some(high)) = (small.pop(), large.last().copied()) {
            slots[low] = Slot { own: scaled[low], other: high };
            scaled[high] -= 1.0 - scaled[low];
            if scaled[high] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        Self(slots)
    }

    /// An index; 0 without any.
    pub fn draw(&self, random: &Random) -> usize {
        let at = random.below(self.0.len());
        match self.0.get(at) {
            Some(slot) if slot.own >= 1.0 || random.unit() < slot.own => at,
            Some(slot) => slot.other,
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights() {
        let random = Random::seeded(1);
        for weights in [&[9.0, 1.0][..], &[1.0, 0.0, 3.0], &[2.0, 2.0, 2.0, 2.0], &[0.0, 0.0]] {
            let table = Weights::new(weights);
            let mut drawn = vec![0.0; weights.len()];
            for _ in 0..100_000 {
                drawn[table.draw(&random)] += 1.0 / 100_000.0;
            }
            let sum: f64 = weights.iter().sum();
            for (share, weight) in drawn.iter().zip(weights) {
                #[expect(clippy::cast_precision_loss, reason = "a handful")]
                let wanted = if sum > 0.0 { weight / sum } else { 1.0 / weights.len() as f64 };
                assert!((share - wanted).abs() < 0.005, "{weights:?}: {drawn:?}");
            }
        }
    }
}
