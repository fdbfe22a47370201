//! What the test prints: a line for each file, every disagreement in full, the sum.

#![expect(clippy::print_stdout, reason = "a report is printed")]

pub(crate) mod generated;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::Path;

use crate::campaign::Extent;
use crate::case::Case;
use crate::compare::is_unknown;
use crate::coverage::Coverage;
use crate::driver::{Installed, Version};
use crate::examine::Examined;
use crate::observed::Observed;

/// How one pair is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Agrees,
    Disagrees,
    Unknown,
}

/// What an access log says of how a request ended: flags, and details.
pub(crate) type Kind = (String, String);

/// The kinds of what a pair showed, each once.
pub(crate) fn kinds(observed: &[Observed]) -> BTreeSet<Kind> {
    let flags = |each: &Observed| each.reply.flags.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    observed.iter().map(|each| (flags(each), each.reply.details.clone())).collect()
}

/// The sum over all files.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) agree: usize,
    pub(crate) disagree: usize,
    pub(crate) unknown: usize,
    /// Files that Envoy, or the test, broke off.
    pub(crate) broken: usize,
    /// Files for newer Envoys.
    pub(crate) left_out: usize,
    /// Flags and details, and how many pairs showed them.
    stops: BTreeMap<Kind, usize>,
    version: Version,
}

impl Tally {
    /// Nothing yet.
    pub(crate) fn of(envoy: &Installed) -> Self {
        Self { version: envoy.version, ..Self::default() }
    }

    /// A file that this Envoy is too old for.
    pub(crate) fn leave_out(&mut self, case: &Case) {
        println!("{:<40} since Envoy {}", file_name(&case.path), release(case.since));
        self.left_out += 1;
    }

    /// Counts one file; nothing came of it where it broke off.
    pub(crate) fn count(&mut self, path: &Path, examined: Option<Vec<Examined>>) {
        match examined {
            Some(examined) => self.add(path, &examined),
            None => self.broke(path),
        }
    }

    /// A file that came to no end; why was printed as it happened.
    fn broke(&mut self, path: &Path) {
        println!("{:<40} BROKE OFF", file_name(path));
        self.broken += 1;
    }

    /// Counts and prints one file.
    fn add(&mut self, path: &Path, examined: &[Examined]) {
        let counts: Vec<Count> = examined.iter().map(count).collect();
        let number = |kind: Count| counts.iter().filter(|count| **count == kind).count();
        let (agree, disagree, unknown) = (number(Count::Agrees), number(Count::Disagrees), number(Count::Unknown));
        let name = file_name(path);
        println!("{name:<40} {agree:>4} agree {disagree:>4} disagree {unknown:>4} unknown");
        for (each, count) in examined.iter().zip(counts) {
            for kind in kinds(&each.observed) {
                *self.stops.entry(kind).or_default() += 1;
            }
            if env::var_os("MESH_WHY_SHOW").is_some() {
                show(each);
            }
            match count {
                Count::Agrees => {}
                Count::Disagrees => disagreement(path, each),
                Count::Unknown => {
                    let reason = each.pair.may_be_unknown.as_deref().unwrap_or_default();
                    println!("  unknown   {}: {} ({reason})", each.pair.request, each.said.verdict["conditions"]);
                }
            }
        }
        self.agree += agree;
        self.disagree += disagree;
        self.unknown += unknown;
    }

    /// The last line.
    pub(crate) fn print(&self) {
        let Self { agree, disagree, unknown, broken, left_out, stops, version } = self;
        generated::stops(stops);
        println!("envoy {}: {agree} pairs agree, {disagree} disagree, {unknown} unknown", release(*version));
        if (*broken, *left_out) != (0, 0) {
            println!("envoy {}: {broken} files broke off, {left_out} are for newer ones", release(*version));
        }
    }
}

/// How much of `proto/` was met, and what only hands met: the generator should. The number of complaints.
pub(crate) fn coverage(coverage: &Coverage, extent: Extent) -> usize {
    let Coverage { all, generated, by_hand, listed, complaints } = coverage;
    // A sample has not all that the generator knows.
    for field in by_hand.iter().filter(|_| extent == Extent::Long) {
        println!("  by hand   {field}");
    }
    for complaint in complaints {
        println!("  COVERAGE  {complaint}");
    }
    let hands = by_hand.len();
    println!("coverage: {all} fields, {generated} met by the generator, {hands} by hand alone, {listed} by no case");
    complaints.len()
}

/// How much of Envoy's own API was met. The number of complaints.
pub(crate) fn api(version: Version, coverage: &Coverage, rows: usize) -> usize {
    let Coverage { all, listed, complaints, .. } = coverage;
    for complaint in complaints {
        println!("  API       {complaint}");
    }
    let set = all - listed;
    println!("API of {}: {all} fields, {set} set by cases, {listed} listed in {rows} rows", release(version));
    complaints.len()
}

/// What came of the kinds of requests on one Envoy.
pub(crate) fn kinds_of_requests(version: Version, counts: &str) {
    println!("Envoy {}: {counts}", release(version));
}

/// How many comparisons could have failed by chance.
pub(crate) fn chance(made: usize, planned: usize) {
    println!("chance: {made} comparisons of shares; the bounds are made for {planned}, to err once in a million runs");
}

/// `1.36.4`.
pub(crate) fn release((major, minor, patch): Version) -> String {
    format!("{major}.{minor}.{patch}")
}

fn file_name(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// For a machine without the binary.
pub(crate) fn skipped() {
    println!("skipped: no Envoy (tests/run installs it)");
}

fn count(examined: &Examined) -> Count {
    let unknown = is_unknown(&examined.said);
    if !examined.differences.is_empty() || (unknown && examined.pair.may_be_unknown.is_none()) {
        Count::Disagrees
    } else if unknown {
        Count::Unknown
    } else {
        Count::Agrees
    }
}

fn show(examined: &Examined) {
    println!("  {}", examined.pair.request);
    for (times, each) in distinct(&examined.observed) {
        println!(
            "    {times}x {:?} {} {:?} {:?} {:?} at {}/{:?}/{:?}/{:?}",
            each.fate,
            each.reply.status,
            each.reply.flags,
            each.reply.details,
            (&each.cluster, &each.host),
            each.listener,
            each.filter_chain,
            each.route_config,
            each.route
        );
    }
}

fn disagreement(path: &Path, examined: &Examined) {
    println!("  DISAGREE  {}", examined.pair.request);
    println!("    config    {}", path.display());
    println!("    ask       {}", examined.command);
    for difference in &examined.differences {
        println!("    {:<14} Envoy: {}   we: {}", difference.of, difference.envoy, difference.said);
    }
    let verdict = &examined.said.verdict;
    println!("    we say    {} {}", verdict["outcome"], verdict["summary"]);
    if is_unknown(&examined.said) {
        println!("    open      {}", verdict["conditions"]);
    }
    for (times, each) in distinct(&examined.observed) {
        println!("    Envoy did {times}x {:?}", each.fate);
        each.log.iter().for_each(|line| println!("              {line}"));
    }
}

/// One of each kind, with its number.
fn distinct(observed: &[Observed]) -> Vec<(usize, &Observed)> {
    let mut kinds: Vec<(usize, &Observed)> = Vec::new();
    for each in observed {
        let alike = |other: &Observed| {
            (&other.reply, &other.cluster, &other.host, &other.route, other.fate)
                == (&each.reply, &each.cluster, &each.host, &each.route, each.fate)
        };
        match kinds.iter_mut().find(|(_, other)| alike(other)) {
            Some((times, _)) => *times += 1,
            None => kinds.push((1, each)),
        }
    }
    kinds
}
