//! What a run prints.

#![expect(clippy::print_stdout, reason = "a report is printed")]

use std::collections::BTreeMap;
use std::time::Duration;

use super::Sum;
use super::mutant::{Change, Mutant};
use super::run::Wrong;
use super::values::Values;
use crate::case::Case;
use crate::driver::Version;
use crate::report::release;

pub(crate) fn begins(version: Version, seed: u64, values: &Values<'_>) {
    let (extensions, messages) = values.counts();
    println!("foreign {}: seed {seed}, {extensions} extensions, values of {messages} messages", release(version));
}

pub(crate) fn progress(sum: &Sum, after: Duration) {
    println!("  {} s: {}", after.as_secs(), counts(sum));
}

fn counts(sum: &Sum) -> String {
    let refused: usize = sum.refused.values().sum();
    let Sum { made, ran, pairs, wrong, unsteady, backend, slow, unknown, unnamed, broken, .. } = sum;
    format!(
        "{made} mutants, {refused} refused, {ran} ran; {pairs} pairs, {wrong} wrong, {unknown} unknown ({unnamed} without a \
         condition); {unsteady} unsteady, {backend} of the backend, {slow} slow, {broken} broke off"
    )
}

pub(crate) fn broke(case: &Case, mutant: &Mutant, name: &str, why: &str) {
    println!("  BROKE OFF {name} {}: {why}", case.name());
    mutations(mutant);
}

pub(crate) fn wrong(case: &Case, mutant: &Mutant, name: &str, wrong: &Wrong, pairs: usize) {
    println!("  DISAGREE  {name} {} ({pairs} pairs): {}", case.name(), wrong.request);
    mutations(mutant);
    for difference in &wrong.differences {
        println!("    {:<14} Envoy: {}   we: {}", difference.of, difference.envoy, difference.said);
    }
    let verdict = &wrong.said.verdict;
    println!("    we say    {} {}", verdict["outcome"], verdict["summary"]);
    for condition in verdict["conditions"].as_array().into_iter().flatten() {
        println!("    open      {} {}", condition["power"], condition["why"]);
    }
    for line in wrong.observed.first().into_iter().flat_map(|one| &one.log) {
        println!("    Envoy did {line}");
    }
}

fn mutations(mutant: &Mutant) {
    for mutation in &mutant.mutations {
        let change = match &mutation.change {
            Change::Set(value, _) => format!("= {value}"),
            Change::Gone => "is gone".to_owned(),
            Change::Doubled => "is doubled".to_owned(),
            Change::Reversed => "is reversed".to_owned(),
        };
        let path: Vec<String> = mutation
            .path
            .iter()
            .map(|step| match step {
                super::places::Step::Key(key) => key.clone(),
                super::places::Step::Index(index) => index.to_string(),
            })
            .collect();
        println!("    {} {change}\n      at {:?} {}", mutation.field, mutation.root, path.join("/"));
    }
}

pub(crate) fn ends(sum: &Sum, version: Version, seed: u64, after: Duration) {
    let most = |counts: &BTreeMap<String, usize>, number: usize| {
        let mut all: Vec<(&String, &usize)> = counts.iter().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (what, count) in all.into_iter().take(number) {
            println!("    {count:>6} {what}");
        }
    };
    println!("  refused, most often");
    most(&sum.refused, 12);
    println!("  unknown, most often");
    most(&sum.reasons, 12);
    println!("  wrong, by field");
    most(&sum.kinds, 100);
    if std::env::var_os("MESH_WHY_SHOW").is_some() {
        for (field, (set, ran)) in &sum.fields {
            println!("  field     {set:>4} {ran:>4} {field}");
        }
    }
    let ran = sum.fields.values().filter(|(_, ran)| *ran > 0).count();
    println!("foreign {}: {} fields set, {ran} of them taken", release(version), sum.fields.len());
    println!("foreign {}: seed {seed}, {} s: {}", release(version), after.as_secs(), counts(sum));
}

/// Without the names of one case.
pub(crate) fn general(reason: &str) -> String {
    let first = reason.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let quoted = regex::Regex::new(r#"`[^`]*[0-9/{][^`]*`|"[^"]*"|'[^']*'|\[20[^\]]*\]|\d+"#).expect("a pattern");
    quoted.replace_all(first, "…").chars().take(110).collect()
}
