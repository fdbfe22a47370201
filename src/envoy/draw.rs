//! The one number that is drawn for a request: all that its route leaves to chance goes by the number's remainders.
//!
//! A `runtime_fraction` takes what leaves less than its numerator, and weighted clusters are drawn by the remainder of
//! the sum of their weights (`ConnectionManagerImpl` hands `stream_id_` to `RouteMatcher::route` as `random_value`,
//! and that to `WeightedClusterEntry`). Two routes of 40 % each are so one of 40 % and one of none.

use std::ops::Range;

/// The most numbers that are counted one by one.
const MOST: u64 = 1 << 22;

/// What is known of the number.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Draw {
    remainders: Vec<Remainder>,
}

/// Whether the remainder of a division by `of` is in a range.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Remainder {
    of: u64,
    range: Range<u64>,
    inside: bool,
}

impl Draw {
    /// Besides, the remainder of a division by `of` is in `range`.
    #[must_use]
    pub fn within(&self, of: u64, range: Range<u64>) -> Self {
        self.and(Remainder { of, range, inside: true })
    }

    /// Besides, the remainder of a division by `of` is not in `range`.
    #[must_use]
    pub fn outside(&self, of: u64, range: Range<u64>) -> Self {
        self.and(Remainder { of, range, inside: false })
    }

    fn and(&self, further: Remainder) -> Self {
        let mut remainders = self.remainders.clone();
        // Of fractions that begin alike the largest leaves out the others; routes can have thousands.
        let alike = |r: &&mut Remainder| !r.inside && r.of == further.of && r.range.start == further.range.start;
        match remainders.iter_mut().find(alike).filter(|_| !further.inside) {
            Some(known) => known.range.end = known.range.end.max(further.range.end),
            None => remainders.push(further),
        }
        Self { remainders }
    }

    /// The share of all numbers of which this holds, 0 to 1. The error says what is too much to count.
    pub fn share(&self) -> Result<f64, String> {
        let mut divisors = self.remainders.iter().map(|remainder| remainder.of);
        let period = divisors.try_fold(1, lcm);
        let same = self.remainders.windows(2).all(|pair| pair[0].of == pair[1].of);
        let (count, period) = match period {
            Some(period) if same => (self.count_of_one_divisor(period), period),
            Some(period) if period <= MOST => {
                ((0..period).filter(|number| self.remainders.iter().all(|r| r.holds(*number))).count() as u64, period)
            }
            Some(_) | None => {
                return Err("how weights and fractions of such sums fall together is not modeled".to_owned());
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        Ok(count as f64 / period as f64)
    }

    /// Between two bounds of ranges next to each other, all holds or nothing does.
    fn count_of_one_divisor(&self, divisor: u64) -> u64 {
        let ends = self.remainders.iter().flat_map(|r| [r.range.start.min(divisor), r.range.end.min(divisor)]);
        let mut bounds: Vec<u64> = [0, divisor].into_iter().chain(ends).collect();
        bounds.sort_unstable();
        let parts = bounds.windows(2).filter(|pair| self.remainders.iter().all(|r| r.holds(pair[0])));
        parts.map(|pair| pair[1] - pair[0]).sum()
    }
}

impl Remainder {
    fn holds(&self, number: u64) -> bool {
        self.range.contains(&(number % self.of)) == self.inside
    }
}

/// The greatest common divisor.
pub(super) fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The least common multiple; `None` where it is none, or too large.
fn lcm(a: u64, b: u64) -> Option<u64> {
    if a == 0 || b == 0 { None } else { (a / gcd(a, b)).checked_mul(b) }
}

#[cfg(test)]
mod tests {
    use super::Draw;

    /// In millionths; `None` where it is too much to count.
    fn share(draw: &Draw) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "up to a million")]
        draw.share().ok().map(|share| (share * 1e6).round() as i64)
    }

    #[test]
    fn one_number_decides_all() {
        let all = Draw::default();
        let some = all.within(100, 0..40);
        let rest = all.outside(100, 0..40);
        let cases = [
            (&all, 1_000_000),
            (&some, 400_000),
            (&rest, 600_000),
            // Another route of 40 % gets nothing of what is left, one of 60 % gets a fifth of all.
            (&rest.within(100, 0..40), 0),
            (&rest.within(100, 0..60), 200_000),
            // The last two digits are those of longer remainders.
            (&some.within(10_000, 0..5000), 200_000),
            (&some.within(10_000, 0..20), 2000),
            (&all.within(2, 0..1).within(4, 2..3), 250_000),
            (&all.within(2, 0..1).within(4, 1..2), 0),
        ];
        for (draw, expected) in cases {
            assert_eq!(share(draw), Some(expected), "{draw:?}");
        }
    }

    #[test]
    fn what_is_left_of_thousands_of_fractions_is_counted_at_once() {
        let left = (1..=5000).fold(Draw::default(), |left, part| left.outside(10_000, 0..part));
        assert_eq!(left.remainders.len(), 1);
        assert_eq!(share(&left), Some(500_000));
        assert_eq!(share(&left.outside(10_000, 9000..10_000)), Some(400_000));
    }

    #[test]
    fn what_is_too_much_is_said() {
        let large = Draw::default().within(4_000_000_007, 0..5);
        assert_eq!(share(&large), Some(0));
        assert!(large.within(100, 0..5).share().is_err());
        assert!(Draw::default().within(0, 0..1).share().is_err());
    }
}
