//! Times, and the one in the middle.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long `run` takes, and what it gives.
pub(crate) fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = black_box(run());
    (start.elapsed(), result)
}

/// The median of what `run` takes, over `count` runs. What it gives is dropped outside of the time.
pub(crate) fn median_of<T>(count: usize, mut run: impl FnMut() -> T) -> Duration {
    let times: Vec<f64> = (0..count).map(|_| timed(&mut run).0.as_secs_f64()).collect();
    Duration::from_secs_f64(median(times))
}

/// The one in the middle; of an even number the upper one of the two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
