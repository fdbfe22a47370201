//! What a campaign prints.

#![expect(clippy::print_stdout, reason = "a report is printed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::campaign::Sum;
use crate::compare::Difference;
use crate::driver::Version;
use crate::generate::Layer;
use crate::report::{Kind, release};

/// How much of what `--long` has.
pub(crate) fn extent(version: Version, batches: usize, all: usize, units: usize) {
    println!("generated: Envoy {}, {batches} of {all} batches of {units} units each", release(version));
}

pub(crate) fn begins(version: Version, seed: u64) {
    println!("generated: Envoy {}, seed {seed} (MESH_WHY_SEED={seed} repeats it)", release(version));
}

pub(crate) fn progress(sum: &Sum, elapsed: Duration) {
    println!(
        "generated: {} pairs, {} disagree, {} unknown after {} s",
        sum.pairs,
        sum.disagree,
        sum.unknown,
        elapsed.as_secs()
    );
}

pub(crate) fn broken(batch: usize, why: &str) {
    println!("generated: batch {batch} did not run: {why}");
}

/// In full, with the case file to keep.
pub(crate) fn disagreement(layer: Layer, file: &Path, case: &str, differences: &[Difference], verdict: &Value) {
    let mut text = format!("  DISAGREE ({})  {}\n", layer.word(), file.display());
    for line in case.lines() {
        writeln!(text, "    | {line}").expect("text");
    }
    for difference in differences {
        writeln!(text, "    {:<14} Envoy: {}   we: {}", difference.of, difference.envoy, difference.said)
            .expect("text");
    }
    write!(text, "    we said   {} {}", verdict["outcome"], verdict["summary"]).expect("text");
    println!("{text}");
}

/// The tables and the last line.
pub(crate) fn ends(sum: &Sum, version: Version, seed: u64, elapsed: Duration) {
    let layers = sum.layers.iter().map(|(layer, count)| (layer.word().to_owned(), *count)).collect();
    table("pairs by layer", &layers);
    stops(&sum.stops);
    table("unknown, and why", &sum.reasons);
    table("not taken by Envoy, or no question", &sum.rejected);
    let share = |count: usize| {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        100.0 * number(count) / number(sum.pairs.max(1))
    };
    println!(
        "generated: {} pairs in {} configurations agree, {} disagree, {} unknown ({:.1} %), {} withheld ({:.2} %), {} not taken; Envoy {}, seed {seed}, {} s",
        sum.pairs - sum.disagree - sum.unknown,
        sum.configurations,
        sum.disagree,
        sum.unknown,
        share(sum.unknown),
        sum.withheld,
        share(sum.withheld),
        sum.rejected.values().sum::<usize>(),
        release(version),
        elapsed.as_secs()
    );
}

/// What of `proto/` no configuration of a soak set; what handshakes set is not in it.
pub(crate) fn met((all, not): &(usize, Vec<String>)) {
    println!("generated: {} of {all} fields of proto/ were set; not", all - not.len());
    for field in not {
        println!("    {field}");
    }
}

/// How often each kind was met.
pub(crate) fn stops(stops: &BTreeMap<Kind, usize>) {
    let rows = stops.iter().map(|((flags, details), count)| (format!("{flags:<6} {details}"), *count)).collect();
    table(&format!("pairs by flags and details ({} kinds)", stops.len()), &rows);
}

fn table(title: &str, rows: &BTreeMap<String, usize>) {
    if rows.is_empty() {
        return;
    }
    println!("  {title}");
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (name, count) in rows.iter().take(100) {
        println!("    {count:>7}  {name}");
    }
}
