//! Byte pair encoding of one piece: neighbours are joined, the pair of the lowest rank first, until none is a token.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::vocabulary::Vocabulary;

/// From this length on pairs wait in a heap: searching all of them for each step is quadratic.
const LONG: usize = 128;
/// The rank of a pair that is no token.
const NONE: u32 = u32::MAX;

/// The parts of the piece that was merged last, kept for the sake of their memory.
#[derive(Default)]
pub struct Scratch {
    /// Where each part begins and the rank of it joined with its successor. The last one is the piece's end.
    parts: Vec<(usize, u32)>,
}

impl Scratch {
    /// Merges a piece and says of how many tokens it is.
    pub fn merge(&mut self, piece: &[u8], vocabulary: &Vocabulary) -> usize {
        if piece.len() < LONG {
            self.merge_short(piece, vocabulary);
        } else {
            self.merge_long(piece, vocabulary);
        }
        self.parts.len() - 1
    }

    /// The parts that the last merge left.
    pub fn parts<'a>(&self, piece: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.parts.windows(2).map(|pair| &piece[pair[0].0..pair[1].0])
    }

    fn merge_short(&mut self, piece: &[u8], vocabulary: &Vocabulary) {
        let rank = |from: usize, to: usize| vocabulary.rank(&piece[from..to]).unwrap_or(NONE);
        let parts = &mut self.parts;
        parts.clear();
        parts.extend(
            (0..=piece.len()).map(|at| (at, if at + 2 <= piece.len() { rank(at, at + 2) } else { NONE })),
        );
        loop {
            let lowest = parts.iter().enumerate().min_by_key(|(at, (_, rank))| (*rank, *at));
            let Some((at, &(start, lowest))) = lowest else { return };
            if lowest == NONE {
                return;
            }
            parts.remove(at + 1);
            // The joined part has new neighbours on both sides.
            parts[at].1 = parts.get(at + 2).map_or(NONE, |&(end, _)| rank(start, end));
            if at > 0
                && let Some(&(end, _)) = parts.get(at + 1)
            {
                parts[at - 1].1 = rank(parts[at - 1].0, end);
            }
        }
    }

    fn merge_long(&mut self, piece: &[u8], vocabulary: &Vocabulary) {
        let count = piece.len();
        // Of each part, by where it begins: where it ends, where the one before it begins, the rank that it waits with.
        let mut ends: Vec<usize> = (1..=count).collect();
        let mut before: Vec<usize> = (0..count).map(|at| at.wrapping_sub(1)).collect();
        let mut waiting = vec![NONE; count];
        let mut heap = BinaryHeap::with_capacity(count);
        let pair = |at: usize, ends: &[usize]| {
            let end = *ends.get(*ends.get(at)?)?;
            vocabulary.rank(&piece[at..end])
        };
        for (at, waiting) in waiting.iter_mut().enumerate() {
            if let Some(rank) = pair(at, &ends) {
                *waiting = rank;
                heap.push(Reverse((rank, at)));
            }
        }
        while let Some(Reverse((rank, at))) = heap.pop() {
            if waiting[at] != rank {
                continue; // what it stood for has changed
            }
            let joined = ends[at];
            ends[at] = ends[joined];
            waiting[joined] = NONE;
            if let Some(next) = before.get_mut(ends[at]) {
                *next = at;
            }
            for start in [Some(at), before[at].lt(&count).then_some(before[at])].into_iter().flatten() {
                let rank = pair(start, &ends);
                waiting[start] = rank.unwrap_or(NONE);
                heap.extend(rank.map(|rank| Reverse((rank, start))));
            }
        }
        self.parts.clear();
        let mut at = 0;
        while at < count {
            self.parts.push((at, NONE));
            at = ends[at];
        }
        self.parts.push((count, NONE));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Encoding;
    use super::*;

    #[test]
    fn both_ways_of_merging_agree() {
        let vocabulary = Encoding::Cl100k.vocabulary();
        let mut seed = 7_u64;
        let mut random = |limit: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 40).unwrap() % limit
        };
        for _ in 0..300 {
            let length = 2 + random(90);
            let letters = b"aaabcdethins \n0";
            let piece: Vec<u8> = (0..length).map(|_| letters[random(letters.len())]).collect();
            let (mut short, mut long) = (Scratch::default(), Scratch::default());
            short.merge_short(&piece, vocabulary);
            long.merge_long(&piece, vocabulary);
            let starts = |scratch: &Scratch| scratch.parts.iter().map(|part| part.0).collect::<Vec<_>>();
            assert_eq!(starts(&short), starts(&long), "{:?}", String::from_utf8_lossy(&piece));
        }
    }
}
