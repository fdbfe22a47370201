//! What chance alone can do to a count of draws, so that no run fails by it.
//!
//! A run makes many comparisons, and shall fail by chance once in a million times. So each may err with a millionth of
//! that for each comparison that a run has at most ([`LAST`]). At that level a few draws tell little. Therefore every
//! answer is first held to a sharp level ([`FIRST`]), and what does not fit is drawn anew, more often, until chance is no
//! excuse: see `draws`.
//!
//! The bound is that of Chernoff and Hoeffding (W. Hoeffding, Probability Inequalities for Sums of Bounded Random
//! Variables, 1963, theorem 1, inequality 2.1): of `n` draws that each hit with the share `p`, the chance that a part of
//! `q` or more of them hit, `q > p`, is at most `exp(-n * d)` with `d = q ln(q/p) + (1-q) ln((1-q)/(1-p))`; likewise for
//! `q` or fewer, `q < p`. It holds for every `n` and `p`, also where a normal distribution is far off.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often a run may fail by chance.
const RUN: f64 = 1e-6;
/// So many comparisons has a run at most; it counts them.
const COMPARISONS: u32 = 200_000;
/// The chance with which a comparison may err, when nothing more will be drawn.
const LAST: f64 = RUN / COMPARISONS as f64;
/// The same, when more will be drawn: one in a hundred costs hardly anything.
const FIRST: f64 = 0.01;
/// The least share of a cluster's requests that one of its hosts may have, as a part of the even one. Weights in cases
/// and in generated units are 1 to 5, of localities 1 to 4; priorities get a percent at least; rings spread unevenly.
const LEAST_OF_EVEN: f64 = 0.01;

/// How sharply draws are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// What does not fit is drawn again. What was foretold has to be seen.
    First,
    /// What does not fit is a disagreement.
    Last,
}

impl Level {
    fn chance(self) -> f64 {
        match self {
            Self::First => FIRST,
            Self::Last => LAST,
        }
    }

    /// Whether that many of that many can come of a share in this range.
    pub(crate) fn allows(self, seen: usize, of: usize, share: RangeInclusive<f64>) -> bool {
        COMPARED.fetch_add(1, Ordering::Relaxed);
        if of == 0 {
            return true;
        }
        let part = number(seen) / number(of);
        let (least, most) = (sound(*share.start()), sound(*share.end()));
        let nearest = if part < least { least } else { most };
        (least..=most).contains(&part)
            // Half of the level for too many, half for too few.
            || (-number(of) * divergence(part, nearest)).exp() >= self.chance() / 2.0
    }

    /// Whether nothing of that many can be seen of what has this share.
    pub(crate) fn allows_unseen(self, of: usize, share: f64) -> bool {
        match self {
            Self::First => share <= 0.0,
            Self::Last => self.allows(0, of, share..=1.0),
        }
    }

    /// Whether what was seen the less often can be at least as likely. Given that one of the two was drawn, it was this
    /// one with a half or more.
    pub(crate) fn allows_order(self, more: usize, less: usize) -> bool {
        self.allows(less, more + less, 0.5..=1.0)
    }

    /// Whether a host of so many can be left out of that many requests to its cluster.
    pub(crate) fn allows_left_out(self, requests: usize, hosts: usize) -> bool {
        match self {
            Self::First => requests < MANY,
            Self::Last => requests < MANY || self.allows_unseen(requests, LEAST_OF_EVEN / number(hosts.max(1))),
        }
    }
}

/// From this many requests on, every eligible host should have got one.
const MANY: usize = 100;
const ROUNDING: f64 = 1e-9;

static COMPARED: AtomicUsize = AtomicUsize::new(0);

/// Shares are sums of rounded numbers; none and all are meant so.
fn sound(share: f64) -> f64 {
    if share < ROUNDING {
        0.0
    } else if share > 1.0 - ROUNDING {
        1.0
    } else {
        share
    }
}

/// How many comparisons this run made, and how many the level of each is made for.
pub(crate) fn comparisons() -> (usize, usize) {
    (COMPARED.load(Ordering::Relaxed), usize::try_from(COMPARISONS).unwrap_or(usize::MAX))
}

/// Of Kullback and Leibler, between what hits with these shares.
fn divergence(seen: f64, foretold: f64) -> f64 {
    let term = |seen: f64, foretold: f64| if seen > 0.0 { seen * (seen / foretold).ln() } else { 0.0 };
    term(seen, foretold) + term(1.0 - seen, 1.0 - foretold)
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exact chances of 0 to `of` hits.
    fn exact(of: usize, share: f64) -> Vec<f64> {
        let mut each = vec![1.0];
        for _ in 0..of {
            let mut next = vec![0.0; each.len() + 1];
            for (hits, chance) in each.iter().enumerate() {
                next[hits] += chance * (1.0 - share);
                next[hits + 1] += chance * share;
            }
            each = next;
        }
        each
    }

    #[test]
    fn what_is_held_against_a_share_has_at_most_the_chance_of_its_level() {
        for (of, share) in [0.001, 0.01, 0.25, 0.5, 0.999].into_iter().flat_map(|share| [(1, share), (300, share)]) {
            let exact = exact(of, share);
            for level in [Level::First, Level::Last] {
                let held = (0..=of).filter(|seen| !level.allows(*seen, of, share..=share));
                let chance: f64 = held.map(|seen| exact[seen]).sum();
                assert!(chance <= level.chance(), "{chance} of {of} by {share}, {level:?}");
            }
        }
    }

    #[test]
    fn the_bound_is_not_weaker_than_it_needs_to_be() {
        // Seven and a half standard deviations, where an exact sum would have seven.
        assert!(Level::Last.allows(3000 + 7 * 38, 6000, 0.5..=0.5));
        assert!(!Level::Last.allows(3000 + 8 * 38, 6000, 0.5..=0.5));
        assert!(!Level::First.allows(68, 100, 0.5..=0.5), "sharper than five standard deviations");
    }

    #[test]
    fn what_cannot_be_is_held_at_once_and_what_must_be_is_not() {
        for level in [Level::First, Level::Last] {
            assert!(!level.allows(1, 6000, 0.0..=0.0), "nothing was foretold");
            assert!(!level.allows(5999, 6000, 1.0..=1.0), "all were foretold");
            assert!(level.allows(6000, 6000, 1.0 - 1e-12..=1.0 - 1e-12));
            assert!(level.allows(0, 6000, 1e-12..=1e-12));
            assert!(level.allows(17, 100, 0.0..=0.2));
        }
    }

    #[test]
    fn few_hits_of_a_small_share_are_no_error() {
        // Two of a hundred where a thousandth was foretold: six standard deviations, and one time in two hundred.
        assert!(Level::Last.allows(2, 100, 0.001..=0.001));
    }

    #[test]
    fn equal_shares_have_no_order() {
        // Measured: one run of 600 draws of two halves.
        assert!(Level::First.allows_order(336, 264));
        assert!(!Level::Last.allows_order(450, 150));
        assert!(Level::Last.allows_order(1, 1));
    }

    #[test]
    fn what_was_foretold_has_to_be_seen_in_the_end() {
        assert!(!Level::First.allows_unseen(100, 0.01));
        assert!(Level::Last.allows_unseen(100, 0.01));
        assert!(!Level::Last.allows_unseen(6000, 0.01));
        assert!(!Level::First.allows_left_out(100, 2));
        assert!(Level::Last.allows_left_out(100, 2));
        assert!(!Level::Last.allows_left_out(30_000, 10));
    }
}
